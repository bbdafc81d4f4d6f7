"""The program's start. Spawned processes import this file again: nothing heavy may be imported at its top."""

import sys
from multiprocessing import freeze_support


def main() -> int:
    """Run the command line, or the window where there is no command; returns the exit code."""
    freeze_support()
    from app.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
