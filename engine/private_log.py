"""Log lines that quote no note: what is in a log stays there when a note is forgotten.

Messages of exceptions quote what they stumbled over (a parser its text, the system a path), and so do the
logs of other libraries. What is kept of them is what a developer needs: the kind, the place in the code, the
error's number.
"""

import logging
import sqlite3
import traceback
from collections.abc import Iterator
from types import TracebackType
from typing import TypeAlias

from engine.errors import UserFacing

OUR_PACKAGES = ("app", "engine", "storage")
"""Loggers whose messages are written with care: they name no note, no path and no passage."""

_ExcInfo: TypeAlias = (
    tuple[type[BaseException], BaseException, TracebackType | None] | tuple[None, None, None]
)


class PrivateFormatter(logging.Formatter):
    """Leaves out messages of exceptions, and all that other libraries say but who and how bad."""

    def format(self, record: logging.LogRecord) -> str:
        """One line, and the traceback if there is one."""
        if record.name.partition(".")[0] not in OUR_PACKAGES:
            record = logging.makeLogRecord(
                {**record.__dict__, "msg": "(message left out: it may quote a note)", "args": ()}
            )
        return super().format(record)

    def formatException(self, ei: _ExcInfo) -> str:
        """The traceback without messages."""
        return "" if ei[1] is None else traceback_without_messages(ei[1])


def traceback_without_messages(error: BaseException) -> str:
    """The traceback of an exception and of those that led to it, each with ``summary`` for its message."""
    return "\n".join(_blocks(error, set()))


def summary(error: BaseException) -> str:
    """The kind of an exception, and as much of its message as can quote nothing of the user's."""
    kind = type(error).__qualname__
    if isinstance(error, OSError):
        return f"{kind}: [Errno {error.errno}] {error.strerror}"  # its text has the file's name
    if isinstance(error, sqlite3.Error):
        return f"{kind}: {getattr(error, 'sqlite_errorname', '')}".rstrip(": ")
    if isinstance(error, AttributeError | ImportError | NameError) and error.name:
        return f"{kind}: {error.name}"  # a name of the code
    # The title of our own errors is a fixed sentence; the values are in the detail.
    return f"{kind}: {error.title}" if isinstance(error, UserFacing) else kind


def _blocks(error: BaseException, seen: set[int]) -> Iterator[str]:
    seen.add(id(error))
    earlier, link = error.__cause__, "caused"
    if earlier is None and not error.__suppress_context__:
        earlier, link = error.__context__, "came before"
    if earlier is not None and id(earlier) not in seen:
        yield from _blocks(earlier, seen)
        yield f"which {link}"
    frames = "".join(traceback.format_tb(error.__traceback__)).rstrip()
    yield f"Traceback (most recent call last):\n{frames}" if frames else "(no traceback)"
    yield summary(error)
