"""A thread with an inbox: what every service that works by itself is made of."""

import logging
import queue
import threading
from collections.abc import Callable, Iterator
from enum import Enum, auto
from typing import Generic, TypeVar

from storage.errors import StorageError

logger = logging.getLogger(__name__)

MessageT = TypeVar("MessageT")


class _End(Enum):
    STOP = auto()


class MessageLoop(Generic[MessageT]):
    """Handles messages one by one on a thread of its own, so that what only it touches needs no lock.

    A failure of the store is passed to ``on_storage_error`` and ends nothing. Any other exception is a bug:
    it ends the thread and reaches the crash hook.

    Args:
        name: of the thread.
        step: called with each message; with None when ``wait_s`` is over without one.
        wait_s: asked before each step: seconds until there is something to do without a message, if ever.
        on_storage_error: told the failure of a step, and whether it is news: not the one that was told last,
            with no ``recovered`` in between.
        at_end: called on the thread after the last step.
    """

    def __init__(
        self,
        name: str,
        *,
        step: Callable[[MessageT | None], None],
        wait_s: Callable[[], float | None],
        on_storage_error: Callable[[StorageError, bool], None],
        at_end: Callable[[], None],
    ) -> None:
        self._step = step
        self._wait_s = wait_s
        self._on_storage_error = on_storage_error
        self._at_end = at_end
        self._inbox: queue.SimpleQueue[MessageT | _End] = queue.SimpleQueue()
        self._trouble = ""
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    # --- any thread ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; messages that came before are handled first."""
        self._thread.start()

    def post(self, message: MessageT) -> None:
        """Have a message handled after those that came before it."""
        self._inbox.put(message)

    def stop(self) -> None:
        """Handle what has come until now, then end. Waits for it; does nothing if the thread does not run."""
        if self._thread.is_alive():
            self._inbox.put(_End.STOP)
            self._thread.join()

    # --- the thread ----------------------------------------------------------------------------------------

    @property
    def has_messages(self) -> bool:
        """Whether another step follows at once."""
        return not self._inbox.empty()

    def recovered(self) -> None:
        """The store works: when it fails again, that is news."""
        self._trouble = ""

    def remaining(self) -> Iterator[MessageT]:
        """The messages that came too late to be handled. Only ``at_end`` asks."""
        while not self._inbox.empty():
            message = self._inbox.get_nowait()
            if not isinstance(message, _End):
                yield message

    def _run(self) -> None:
        while (message := self._next()) is not _End.STOP:
            try:
                self._step(message)
            except StorageError as exc:
                logger.warning("The store failed on the thread %s.", self._thread.name, exc_info=exc)
                is_news = exc.title != self._trouble
                self._trouble = exc.title
                self._on_storage_error(exc, is_news)
        self._at_end()

    def _next(self) -> MessageT | _End | None:
        try:
            return self._inbox.get(timeout=self._wait_s())
        except queue.Empty:
            return None
