"""The program's start. Spawned processes import this file again: nothing heavy may be imported at its top."""

import sys


def main() -> int:
    """Run the command line, or the window where there is no command; returns the exit code."""
    if getattr(sys, "frozen", False):
        # Only a packaged program needs it, and the window should not wait for the import.
        from multiprocessing import freeze_support

        freeze_support()
    from app.cli.main import run

    return run(sys.argv[1:])


if __name__ == "__main__":
    sys.exit(main())
