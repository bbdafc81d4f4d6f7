"""The program's own log: a few megabytes at most, in the profile, never sent anywhere, quoting no note."""

import io
import logging
from collections.abc import Callable
from logging.handlers import RotatingFileHandler
from pathlib import Path

from engine.private_log import OUR_PACKAGES, PrivateFormatter

LOG_NAME = "loreleaf.log"
_MAX_BYTES = 1_000_000
_KEPT_FILES = 3


class _LogFile(RotatingFileHandler):
    """Opens its file with the first record: a command that logs nothing leaves none."""

    def __init__(self, folder: Path) -> None:
        super().__init__(
            folder / LOG_NAME, maxBytes=_MAX_BYTES, backupCount=_KEPT_FILES, encoding="utf-8", delay=True
        )
        self.folder = folder
        self.setFormatter(PrivateFormatter("%(asctime)s %(levelname)s %(threadName)s %(name)s: %(message)s"))

    def _open(self) -> io.TextIOWrapper:
        self.folder.mkdir(exist_ok=True)
        return super()._open()

    def handleError(self, record: logging.LogRecord) -> None:
        """Without a profile, or room on the disk, nothing is kept: logging's own answer is a traceback."""


def log_into(folder: Path) -> Callable[[], None]:
    """Write the log of our packages into ``folder``; the returned call ends that.

    Raises:
        OSError: the folder cannot be made.
    """
    folder.mkdir(parents=True, exist_ok=True)
    return log_into_profile(folder)


def log_into_profile(folder: Path) -> Callable[[], None]:
    """The same, but the folder is made with the first record, and only in a profile that is there."""
    loggers = [logging.getLogger(name) for name in OUR_PACKAGES]
    if any(isinstance(handler, _LogFile) and handler.folder == folder for handler in loggers[0].handlers):
        return lambda: None  # whoever began it ends it
    handler = _LogFile(folder)
    for logger in loggers:
        logger.addHandler(handler)
        logger.setLevel(logging.INFO)

    def end() -> None:
        for logger in loggers:
            logger.removeHandler(handler)
        handler.close()

    return end
