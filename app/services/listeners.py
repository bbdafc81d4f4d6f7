"""Tell several listeners the same thing, on the thread of whoever has something to tell."""

import threading
from collections.abc import Callable
from typing import Generic, TypeVar

EventT = TypeVar("EventT")


class Listeners(Generic[EventT]):
    """A list of callables. All methods may be called on any thread.

    Listeners are called on the publisher's thread, outside any lock, and must be quick.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._listeners: list[Callable[[EventT], None]] = []

    @property
    def is_empty(self) -> bool:
        """Whether nobody listens."""
        return not self._listeners

    def subscribe(self, listener: Callable[[EventT], None]) -> Callable[[], None]:
        """Add a listener; the returned call removes it again (calling it twice does no harm)."""
        with self._lock:
            self._listeners.append(listener)

        def unsubscribe() -> None:
            with self._lock:
                if listener in self._listeners:
                    self._listeners.remove(listener)

        return unsubscribe

    def publish(self, event: EventT) -> None:
        """Tell every listener. One that raises is reported and does not keep the others from hearing."""
        with self._lock:
            listeners = tuple(self._listeners)
        for listener in listeners:
            try:
                listener(event)
            except Exception as exc:  # noqa: BLE001  a listener's bug must not stop the work it only watches
                # The program's own hook shows it; the threads of the services go on.
                report = threading.ExceptHookArgs(
                    (type(exc), exc, exc.__traceback__, threading.current_thread())
                )
                threading.excepthook(report)
