"""From a key to the next picture on the label page, in a real browser.

    PYTHONPATH=. python tests/benchmarks/bench_keys.py
    PYTHONPATH=. python tests/benchmarks/bench_keys.py --spec tests/web/people.yaml --answers 100

The spec is trained until it waits for a person; `rrm ui` is a process of its own, as is Chromium. One person
presses keys at a steady pace. For each key two durations are taken in the page, both from the time stamp that
the browser gives the key as it arrives: until the frame after the one that holds the next question (two calls
of requestAnimationFrame: the earlier one has been painted), and the browser's own figure from key to the
next paint (Event Timing, which rounds to 8 ms). Questions whose pictures are not complete when they are shown
are counted. Prints milliseconds at the 50th, 90th, 95th, 99th and 100th percentile, and how many keys took
50 ms or more.
"""

from __future__ import annotations

import argparse
import os
import re
import shutil
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
from playwright.sync_api import Page, sync_playwright

ROOT = Path(__file__).parents[2]
WATCH = """
window.keyTimes = [];
window.paintTimes = [];
let pressed = 0;
addEventListener("keydown", (event) => { pressed = event.timeStamp; }, true);
new MutationObserver(() => {
  if (!pressed) return;
  const since = pressed, late = [...document.querySelectorAll("#panes img")].some((one) => !one.complete);
  pressed = 0;
  requestAnimationFrame(() => requestAnimationFrame(() => {
    window.keyTimes.push({ took: performance.now() - since, late });
  }));
}).observe(document, { subtree: true, attributeFilter: ["data-question"] });
new PerformanceObserver((seen) => {
  for (const one of seen.getEntries()) if (one.name === "keydown") window.paintTimes.push(one.duration);
}).observe({ type: "event", durationThreshold: 16, buffered: true });
"""


def main() -> None:
    """Measure and print."""
    read = argparse.ArgumentParser()
    read.add_argument("--spec", type=Path, default=ROOT / "task_specs" / "chess_people.yaml")
    read.add_argument("--answers", type=int, default=49)
    read.add_argument("--pace", type=float, default=1.0, help="seconds an answer")
    given = read.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        train = ["run", str(given.spec), "--store", folder, "--no-wait"]
        done = subprocess.run(rrm(*train), stdout=subprocess.PIPE, text=True, check=False)
        assert done.returncode == 4, done.stdout
        serve = rrm("ui", "--store", folder, "--port", "0", "--people", "ann")
        server = subprocess.Popen(serve, stdout=subprocess.PIPE, text=True)
        link = None
        for line in server.stdout:
            found = re.match(r"ann: (\S+)", line)
            link = found[1] if found else link
            if line.startswith("metrics"):
                break
        try:
            with sync_playwright() as started:
                browser = started.chromium.launch(
                    executable_path=shutil.which("chromium"), args=["--no-sandbox"]
                )
                page = browser.new_page()
                page.add_init_script(WATCH)
                page.goto(link)
                press_keys(page, given.answers, given.pace)
                tell(page, given)
        finally:
            server.kill()
            server.wait()


def rrm(*words: str) -> list[str]:
    """The command line of the program itself."""
    return [sys.executable, "-m", "rrm_tree", *words]


def press_keys(page: Page, answers: int, pace: float) -> None:
    """Answer left and right in turn, the next key no sooner than the next question is shown."""
    while int(page.evaluate("Number(document.documentElement.dataset.ahead || 0)")) < 4:
        page.wait_for_timeout(50)
    page.wait_for_timeout(1000)
    for number in range(answers):
        began = time.monotonic()
        page.keyboard.press("ArrowRight" if number % 2 else "ArrowLeft")
        while page.evaluate("window.keyTimes.length") <= number:
            page.wait_for_timeout(20)
            assert time.monotonic() - began < 30, f"no question after {number + 1} answers"
        page.wait_for_timeout(max(0.0, 1e3 * (pace - (time.monotonic() - began))))


def tell(page: Page, given: argparse.Namespace) -> None:
    """What the page has noted."""
    taken = page.evaluate("window.keyTimes")
    frames = np.array([one["took"] for one in taken])
    # The browser reports only what took 16 ms or more; what it leaves out took less.
    paints = np.zeros(len(frames))
    slow = page.evaluate("window.paintTimes")[: len(frames)]
    paints[: len(slow)] = slow
    load, cores = os.getloadavg()[0], os.cpu_count()
    print(
        f"{given.spec.name}: {len(frames)} keys, one each {given.pace:g} s; load {load:.1f} on {cores} cores"
    )
    print(f"  pictures not complete when shown: {sum(one['late'] for one in taken)}")
    for name, values in (("second frame", frames), ("next paint", paints)):
        shares = "  ".join(f"{value:7.1f}" for value in np.percentile(values, [50, 90, 95, 99, 100]))
        print(f"  {name:13} {shares}   50 ms or more: {int((values >= 50).sum())}")


if __name__ == "__main__":
    main()
