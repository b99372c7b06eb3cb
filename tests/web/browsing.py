"""The label page as a browser and its server see it: how tests start them, press keys and wait."""

import signal
import subprocess
import sys
import time
from urllib.parse import urlsplit

SHOWN = "document.documentElement.dataset.question"


class Server:
    """`rrm ui` as people start it."""

    def __init__(self, folder, people="ann,bob"):
        self.folder, self.people, self.port = folder, people, 0
        self.start()

    def start(self):
        command = [
            sys.executable,
            "-m",
            "rrm_tree",
            "ui",
            "--store",
            str(self.folder),
            "--port",
            str(self.port),
        ]
        self.process = subprocess.Popen(
            [*command, "--people", self.people], stdout=subprocess.PIPE, text=True, bufsize=1
        )
        self.links = {}
        for line in self.process.stdout:
            name, _, link = line.partition(": ")
            if "/enter/" in link:
                self.links[name.removesuffix(" (works once)")] = link.strip()
            if name == "metrics":
                break
        self.port = urlsplit(self.links["dashboard"]).port

    def kill(self):
        self.process.send_signal(signal.SIGKILL)
        self.process.wait()
        self.process.stdout.close()

    @property
    def address(self):
        return f"http://127.0.0.1:{self.port}"


def until(page, script, arg=None, seconds=60):
    """What a script gives once that is true; not Playwright's own waiting, which needs `eval` in the page."""
    end = time.monotonic() + seconds
    while not (found := page.evaluate(script, arg)):
        assert time.monotonic() < end, f"never true: {script} {arg}"
        page.wait_for_timeout(30)
    return found


def reads(page, place, words):
    """Wait until these words stand at a place."""
    until(
        page,
        "([place, words]) => document.querySelector(place).textContent.includes(words)",
        [place, words],
    )


def shown(page, after=None):
    """The question that is shown, once it is another than the one given; None when there is none."""
    found = until(
        page,
        """after => {
            const now = document.documentElement.dataset.question;
            const over = !now && document.querySelector("#idle-title").textContent.startsWith("Nothing");
            return now && now !== after ? now : over ? "over" : "";
        }""",
        after,
    )
    return None if found == "over" else found


def press(page, key):
    """Press a key; the question that is shown then."""
    before = shown(page)
    page.keyboard.press(key)
    return shown(page, before)


def fetched_ahead(page):
    """Wait until the next questions are in the page already."""
    until(page, "Number(document.documentElement.dataset.ahead) >= 4")


def saved(page):
    reads(page, "#saved", "all saved")
