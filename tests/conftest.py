"""One thread for every test, as for every attempt: two beside a busy core are many times slower."""

import os

from rrm_tree.machine import ONE_THREAD

# Before anything loads torch.
os.environ.update(ONE_THREAD)
