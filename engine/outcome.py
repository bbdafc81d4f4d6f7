"""How the processes that do one thing and end say what came of it: one message, whatever happened."""

import logging
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from engine.errors import EngineError
from engine.installed import failed_at_import
from engine.messages import WorkerFailed

logger = logging.getLogger(__name__)

_SHOWN_CHARS = 2000
"""Of a reason: names in a file may be of any length."""


def send_result(conn: Connection, work: Callable[[], object], os_error_title: str, place: Path) -> None:
    """Do the work and send its result, or a WorkerFailed in words for the user.

    Args:
        conn: to the process that ordered it.
        work: what is to be done; its result is the message. None: nobody wants one.
        os_error_title: what an OSError means here, e.g. "The adapter cannot be read."
        place: named where an OSError does not name a file.
    """
    result: object
    try:
        result = work()
    except Exception as exc:
        if failed_at_import(exc):
            raise  # engine.client has words for it
        result = _failure(exc, os_error_title, place)
    if result is not None:
        conn.send(result)


def _failure(error: Exception, os_error_title: str, place: Path) -> WorkerFailed:
    match error:
        case EngineError():
            return WorkerFailed(error.title, _shown(error.detail))
        case OSError():
            reason = f"{error.filename or place}: {error.strerror or error}."
            return WorkerFailed(os_error_title, _shown(reason))
        case MemoryError():
            return WorkerFailed("There is not enough memory for this.", "Close other programs.")
        case _:
            # This output is what whoever ordered it writes into the log.
            logger.error("It was not foreseen that this fails.", exc_info=error)
            reason = f"{place}: {type(error).__name__}. The log has the details; please report it."
            return WorkerFailed("Something went wrong inside Loreleaf.", _shown(reason))


def _shown(text: str) -> str:
    return text if len(text) <= _SHOWN_CHARS else f"{text[:_SHOWN_CHARS]}…"
