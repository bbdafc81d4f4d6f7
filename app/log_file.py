"""The program's own log: a few megabytes at most, in the profile, never sent anywhere, quoting no note."""

import logging
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from engine.private_log import OUR_PACKAGES, PrivateFormatter

LOG_NAME = "loreleaf.log"
_MAX_BYTES = 1_000_000
_KEPT_FILES = 3


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
    handler.setFormatter(PrivateFormatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))
    loggers = [logging.getLogger(name) for name in OUR_PACKAGES]
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)

    def end() -> None:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()

    return end
