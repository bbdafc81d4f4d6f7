"""Notices: all that the user is told without having asked goes through here."""

import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass
from enum import StrEnum

from app.services.listeners import Listeners

KEPT_NOTICES = 50
"""Notices published before anybody listens are kept, at most this many; the oldest go first."""


class NoticeLevel(StrEnum):
    """How much a notice matters."""

    INFO = "info"
    WARNING = "warning"
    ERROR = "error"


@dataclass(frozen=True, slots=True)
class Notice:
    """Something the user should know.

    Attributes:
        title: one short sentence without jargon.
        message: what it means and what can be done; may be empty.
        detail: values for those who look closer; may be empty.
    """

    level: NoticeLevel
    title: str
    message: str = ""
    detail: str = ""


class NoticeBoard:
    """Where services publish notices and the window or terminal reads them. Any thread."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: Listeners[Notice] = Listeners()
        self._unheard: deque[Notice] = deque(maxlen=KEPT_NOTICES)

    def publish(self, notice: Notice) -> None:
        """Tell all listeners, on this thread; keep the notice if there is none yet."""
        with self._lock:
            if self._listeners.is_empty:
                self._unheard.append(notice)
                return
        self._listeners.publish(notice)

    def subscribe(self, listener: Callable[[Notice], None]) -> Callable[[], None]:
        """Add a listener, tell it the notices nobody heard so far, and return the call that removes it."""
        with self._lock:
            unsubscribe = self._listeners.subscribe(listener)
            unheard = tuple(self._unheard)
            self._unheard.clear()
        for notice in unheard:
            listener(notice)
        return unsubscribe

    def info(self, title: str, message: str = "", detail: str = "") -> None:
        """Publish a notice of level INFO."""
        self.publish(Notice(NoticeLevel.INFO, title, message, detail))

    def warn(self, title: str, message: str = "", detail: str = "") -> None:
        """Publish a notice of level WARNING."""
        self.publish(Notice(NoticeLevel.WARNING, title, message, detail))

    def error(self, title: str, message: str = "", detail: str = "") -> None:
        """Publish a notice of level ERROR."""
        self.publish(Notice(NoticeLevel.ERROR, title, message, detail))
