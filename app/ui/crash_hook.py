"""Bugs of our own that reach the top of a thread: logged in full, told to the user in one sentence."""

import logging
import sys
import threading
import traceback
from types import TracebackType

from app.services.notices import NoticeBoard

logger = logging.getLogger(__name__)


class CrashHook:
    """Stands in ``sys.excepthook`` and ``threading.excepthook`` between ``install()`` and ``remove()``.

    Either hook may be called on any thread, also by Qt for an exception in a slot; so it touches no widget.
    """

    def __init__(self, notices: NoticeBoard) -> None:
        self._notices = notices
        self._old_excepthook = sys.excepthook
        self._old_threading_excepthook = threading.excepthook

    def install(self) -> None:
        """Take both hooks."""
        sys.excepthook = self._on_exception
        threading.excepthook = self._on_thread_exception

    def remove(self) -> None:
        """Give both hooks back."""
        sys.excepthook = self._old_excepthook
        threading.excepthook = self._old_threading_excepthook

    def _on_exception(
        self, kind: type[BaseException], error: BaseException, trace: TracebackType | None
    ) -> None:
        if issubclass(kind, KeyboardInterrupt):
            self._old_excepthook(kind, error, trace)
            return
        self._tell(error, trace)

    def _on_thread_exception(self, args: threading.ExceptHookArgs) -> None:
        if args.exc_value is None or issubclass(args.exc_type, SystemExit):
            return
        self._tell(args.exc_value, args.exc_traceback)

    def _tell(self, error: BaseException, trace: TracebackType | None) -> None:
        logger.critical("unexpected error", exc_info=(type(error), error, trace))
        self._notices.error(
            "Something went wrong inside Loreleaf.",
            "Your notes are safe and the app goes on. If it happens again, please report the details.",
            "".join(traceback.format_exception(type(error), error, trace)),
        )
