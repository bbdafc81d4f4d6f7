"""The program's own log: a few megabytes at most, in the profile, never sent anywhere."""

import logging
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

LOG_NAME = "loreleaf.log"
_MAX_BYTES = 1_000_000
_KEPT_FILES = 3
_PACKAGES = ("app", "engine", "storage")


def log_into(folder: Path) -> Callable[[], None]:
    """Write the log of our packages into ``folder``; the returned call ends that.

    Raises:
        OSError: the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    # delay: a command that logs nothing leaves no file.
    handler = RotatingFileHandler(
        folder / LOG_NAME, maxBytes=_MAX_BYTES, backupCount=_KEPT_FILES, encoding="utf-8", delay=True
    )
    handler.setFormatter(logging.Formatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in _PACKAGES]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)

    def end() -> None:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()

    return end
