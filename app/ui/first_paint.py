"""Tells when the window is to be seen, so that slow work begins after that and not before."""

from PySide6.QtCore import QEvent, QObject, QTimer, Signal
from PySide6.QtWidgets import QWidget

LONGEST_WAIT_MS = 1000
"""A window that starts minimised is not painted; the work begins all the same."""


class FirstPaint(QObject):
    """Watches a window from its construction on. GUI thread only.

    A timer of 0 ms would not do: it is due before the system has asked the window to paint itself.

    Signals:
        happened: once, when the window is on the screen.
    """

    happened = Signal()

    def __init__(self, window: QWidget) -> None:
        super().__init__(window)
        self._window = window
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.timeout.connect(self._on_time)
        self._timer.start(LONGEST_WAIT_MS)
        window.installEventFilter(self)

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Look for the first paint. Its pixels reach the screen before the loop turns again."""
        if event.type() == QEvent.Type.Paint:
            watched.removeEventFilter(self)
            self._timer.start(0)
        return False

    def _on_time(self) -> None:
        self._window.removeEventFilter(self)
        self.happened.emit()
