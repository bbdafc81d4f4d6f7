"""Finds out what keeps the window from answering: logs where the GUI thread is when it is held too long."""

import logging
import sys
import threading
import time
import traceback

from PySide6.QtCore import QObject, Qt, Signal

logger = logging.getLogger(__name__)

HOLD_S = 0.2
"""The window is felt to hang when one call takes longer than this."""

BEAT_S = 0.1
"""How often the GUI thread is asked for a sign of life; a hold is noticed at most this much late."""


class HoldWatch(QObject):
    """Asks the GUI thread for signs of life, and logs its stack when none comes. Watches from construction to
    ``remove()``; made and removed in the GUI thread.

    Args:
        hold_s: silence after which the stack is logged, once per hold.
        beat_s: pause between two signs of life.
        parent: its owner.

    Signals:
        asked: from the watching thread; answered by the GUI thread's loop.
    """

    asked = Signal()

    def __init__(self, hold_s: float = HOLD_S, beat_s: float = BEAT_S, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._hold_s = hold_s
        self._beat_s = beat_s
        self._gui_thread_id = threading.get_ident()
        self._answered = threading.Event()
        self._is_over = threading.Event()
        self.asked.connect(self._on_asked, Qt.ConnectionType.QueuedConnection)
        self._thread = threading.Thread(target=self._watch, name="hold-watch", daemon=True)
        self._thread.start()

    def remove(self) -> None:
        """End the watching; waits for its thread, ``hold_s`` at most."""
        self._is_over.set()
        self._answered.set()
        self._thread.join()

    def _on_asked(self) -> None:
        self._answered.set()

    def _watch(self) -> None:
        while not self._is_over.wait(self._beat_s):
            self._answered.clear()
            asked_s = time.monotonic()
            self.asked.emit()
            if self._answered.wait(self._hold_s) or self._is_over.is_set():
                continue
            logger.warning(
                "The window was held for over %.0f ms, here:\n%s", self._hold_s * 1000, self._stack()
            )
            self._answered.wait()
            logger.warning("In all it was held for %.0f ms.", (time.monotonic() - asked_s) * 1000)

    def _stack(self) -> str:
        frame = sys._current_frames().get(self._gui_thread_id)
        return "".join(traceback.format_stack(frame)) if frame is not None else "(the thread has ended)"
