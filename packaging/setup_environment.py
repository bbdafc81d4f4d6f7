r"""Set Loreleaf up and start it, with nothing but a Python on the machine.

    python3 packaging/setup_environment.py run            # what `make run` does
    python3 packaging/setup_environment.py test           # what `make test` does
    py -3.11 packaging\setup_environment.py run           # the same on Windows, where there is no make

Only the standard library is used. This file keeps to the Python of 2018, so that a Python that is too old
can still read it and hand over to a newer one, or say what to type; the work is in setup_commands.py.
"""

from __future__ import annotations

import os
import shutil
import subprocess
import sys

OLDEST_PYTHON = (3, 11)
NEWEST_PYTHON = (3, 14)
"""Outside these two torch 2.13 has no wheels."""


def is_supported(version: tuple[int, int]) -> bool:
    """Whether this Python version can run Loreleaf."""
    return OLDEST_PYTHON <= version <= NEWEST_PYTHON


def find_supported_python() -> str | None:
    """Path of a supported Python on PATH that does start; the oldest first, which is tested most."""
    for minor in range(OLDEST_PYTHON[1], NEWEST_PYTHON[1] + 1):
        path = shutil.which(f"python3.{minor}")
        if path is None:
            continue
        # A pyenv shim exists for versions that are not switched on; it only says so when it is started.
        probe = subprocess.run(
            [path, "-c", "import sys; print('%d.%d' % sys.version_info[:2])"],
            stdout=subprocess.PIPE,
            stderr=subprocess.DEVNULL,
            check=False,
        )
        if probe.returncode == 0 and probe.stdout.decode().strip() == f"3.{minor}":
            return path
    return None


def python_hint(platform: str) -> str:
    """The one line that installs a supported Python on ``platform`` (as sys.platform names it)."""
    if platform == "darwin":
        return "brew install python@3.12"
    if platform == "win32":
        return "winget install Python.Python.3.11"
    if shutil.which("apt-get"):
        return "sudo apt update && sudo apt install python3.11 python3.11-venv"
    if shutil.which("dnf"):
        return "sudo dnf install python3.12"
    return "see https://www.python.org/downloads/"


def main() -> int:
    """Check the Python, then do what the command line asks for; returns the exit code."""
    version = (sys.version_info[0], sys.version_info[1])
    if not is_supported(version):
        other = find_supported_python()
        if other is None:
            print("Loreleaf needs Python 3.11 to 3.14; this is %d.%d. Install one with:\n" % version)
            print("    " + python_hint(sys.platform) + "\n\nthen type the same command again.")
            return 1
        return subprocess.call([other, os.path.abspath(__file__)] + sys.argv[1:])  # noqa: PTH100, RUF005

    from setup_commands import run_command  # not before the check: it is written for the supported versions

    return run_command(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
