"""One thread for every test, as for every attempt: two beside a busy core are many times slower."""

import os

from hypothesis import HealthCheck, settings

from rrm_tree.machine import ONE_THREAD

# Before anything loads torch.
os.environ.update(ONE_THREAD)

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")
