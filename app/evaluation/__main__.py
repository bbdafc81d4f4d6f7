"""``python -m app.evaluation``, the same as ``loreleaf eval``."""

import sys

from app.evaluation.command import main

if __name__ == "__main__":  # the workers import this module again
    sys.exit(main())
