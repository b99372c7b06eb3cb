"""One thread for every test, as for every attempt: two beside a busy core are many times slower."""

import os
import shutil

import pytest
from hypothesis import HealthCheck, settings

from rrm_tree.machine import ONE_THREAD

# Before anything loads torch.
os.environ.update(ONE_THREAD)

# How long an example takes says how busy the machine is.
settings.register_profile("any machine", deadline=None, suppress_health_check=[HealthCheck.too_slow])
settings.load_profile("any machine")

NO_CHROMIUM = "no Chromium here: `apt-get install chromium` to test pages in a browser"


@pytest.fixture(scope="session")
def chromium():
    """Where the browser is; a test of pages is left out without one, and fails where every test counts."""
    found = shutil.which("chromium") or shutil.which("chromium-browser")
    assert found or not os.environ.get("CI"), NO_CHROMIUM
    if found is None:
        pytest.skip(NO_CHROMIUM)
    return found


@pytest.fixture(scope="module")
def browser(chromium):
    from playwright.sync_api import sync_playwright

    with sync_playwright() as playwright:
        yield playwright.chromium.launch(executable_path=chromium, args=["--no-sandbox"])
