"""The services, which are opened while the window is on the screen already."""

from collections.abc import Callable
from concurrent.futures import Future
from typing import TYPE_CHECKING

if TYPE_CHECKING:  # imported later than the window is painted
    from app.bootstrap import Application


class DeferredServices:
    """Given to whoever calls services, before there are any. Who calls too early waits, on a lane.

    Args:
        open_services: takes a second or so, most of it for imports.
    """

    def __init__(self, open_services: "Callable[[], Application]") -> None:
        self._open_services = open_services
        self._opened: Future[Application] = Future()

    def open(self) -> "Application":
        """Open them, once. On a lane.

        Raises:
            StorageError: the library cannot be opened; then each ``get`` raises it as well.
            CancelledError: they were given up before.
        """
        if not self._opened.set_running_or_notify_cancel():
            return self.get()
        try:
            services = self._open_services()
        except BaseException as exc:
            self._opened.set_exception(exc)
            raise
        self._opened.set_result(services)
        return services

    def get(self) -> "Application":
        """Wait until they are open. On a lane, never in the GUI thread.

        Raises:
            StorageError: they could not be opened.
            CancelledError: they will not be opened any more.
        """
        return self._opened.result()

    def give_up(self) -> None:
        """Open them no more, unless that has begun; whoever waits is released. Any thread."""
        self._opened.cancel()

    def close(self) -> None:
        """Close them if they were opened. After ``give_up``, once every lane has ended.

        Raises:
            StorageError: they could not be opened, so that the program ends with the reason.
        """
        if not self._opened.cancelled():
            self._opened.result().close()
