"""Measures how long the window takes to appear: `.venv/bin/python packaging/first_paint.py [CHECKOUT...]`.

Starts the program again and again, each time with a new profile, and waits until Qt hands the window's first
pixels to the screen. Several checkouts are started in turn, so that a busy machine treats them alike. Needs
no display; docs/start-up.md says what was found.
"""

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

START = """
import sys
from app.cli import window
window.why_no_window = lambda: ""  # a platform without a screen will do
sys.argv = ["loreleaf"]
from app.__main__ import main
sys.exit(main())
"""

PAINTED = "Flushing"
"""How Qt's log of what it paints begins when pixels go to the screen."""


def first_paint_s(checkout: Path) -> float:
    """Seconds from starting the process to the window's first paint.

    Raises:
        RuntimeError: the program ended without having shown a window.
    """
    with tempfile.TemporaryDirectory(prefix="loreleaf-", ignore_cleanup_errors=True) as home:
        environment = {
            "QT_QPA_PLATFORM": "offscreen",
            **os.environ,
            "LORELEAF_HOME": home,
            "PYTHONPATH": str(checkout),
            "QT_LOGGING_RULES": "qt.widgets.painting.info=true",
            "QT_FORCE_STDERR_LOGGING": "1",
        }
        begun_s = time.perf_counter()
        with subprocess.Popen(
            [sys.executable, "-c", START], cwd=checkout, env=environment, stderr=subprocess.PIPE, text=True
        ) as process:
            assert process.stderr is not None
            said = []
            for line in process.stderr:
                if PAINTED in line:
                    taken_s = time.perf_counter() - begun_s
                    process.terminate()
                    process.communicate()
                    return taken_s
                said.append(line)
    raise RuntimeError(f"{checkout} showed no window: {''.join(said)}")


def measure(checkouts: list[Path], n_runs: int) -> None:
    """Print a line for each checkout."""
    taken_s: dict[Path, list[float]] = {checkout: [] for checkout in checkouts}
    for run in range(n_runs + 1):
        for checkout in checkouts:
            found_s = first_paint_s(checkout)
            if run:  # the first one may have to compile the sources
                taken_s[checkout].append(found_s)
    for checkout, found in taken_s.items():
        print(f"median {statistics.median(found):.2f} s, best {min(found):.2f} s of {n_runs}  {checkout}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Measure how long the window takes to appear.")
    parser.add_argument("checkouts", nargs="*", type=Path, default=[Path(__file__).parents[1]])
    parser.add_argument("--runs", type=int, default=11)
    options = parser.parse_args()
    measure([checkout.resolve() for checkout in options.checkouts], options.runs)
