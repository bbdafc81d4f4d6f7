"""Ctrl-C in the terminal that the window was started from closes the window, as its own button does."""

import os
import signal
import sys
from contextlib import suppress
from types import FrameType

from PySide6.QtCore import QObject, QSocketNotifier, QTimer
from PySide6.QtWidgets import QApplication


class InterruptWatch(QObject):
    """Ends Qt's loop at SIGINT and SIGTERM. GUI thread, between construction and ``remove()``.

    Python runs its handlers between two of its own instructions, and an idle window executes none. Its
    wake-up byte in a pipe that Qt listens to makes it run one. Windows has no such pipes: there Ctrl-C works
    as soon as the window does anything.
    """

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        self._before = {
            number: signal.signal(number, self._quit) for number in (signal.SIGINT, signal.SIGTERM)
        }
        self._ends: tuple[int, int] | None = None
        if sys.platform != "win32":
            self._listen()

    def remove(self) -> None:
        """Give the signals back."""
        for number, handler in self._before.items():
            signal.signal(number, handler)
        if self._ends is not None:
            signal.set_wakeup_fd(-1)
            self._notifier.setEnabled(False)
            for descriptor in self._ends:
                os.close(descriptor)
            self._ends = None

    def _listen(self) -> None:
        self._ends = os.pipe()
        for descriptor in self._ends:
            os.set_blocking(descriptor, False)
        signal.set_wakeup_fd(self._ends[1], warn_on_full_buffer=False)
        self._notifier = QSocketNotifier(self._ends[0], QSocketNotifier.Type.Read, self)
        self._notifier.activated.connect(self._drain)

    def _drain(self) -> None:
        if self._ends is not None:
            with suppress(BlockingIOError):  # Qt may tell twice
                os.read(self._ends[0], 64)

    def _quit(self, _number: int, _frame: FrameType | None) -> None:
        # Not at once: before the loop has begun that would do nothing, and the window would open and stay.
        QTimer.singleShot(0, self._application.quit)
