"""Finds out what keeps the window from answering: logs where the GUI thread is when it is held too long."""

import logging
import sys
import threading
import time
import traceback
from types import FrameType

from PySide6.QtCore import QObject, Qt, Signal

logger = logging.getLogger(__name__)

HOLD_S = 0.2
"""The window is felt to hang when one call takes longer than this."""

BEAT_S = 0.1
"""How often the GUI thread is asked for a sign of life; a hold is noticed at most this much late."""


class FreezeWatchdog(QObject):
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
        self._loop_frame: FrameType | None = None
        self._thread = threading.Thread(target=self._watch, name="hold-watch", daemon=True)
        self._thread.start()

    def remove(self) -> None:
        """End the watching; waits for its thread, ``hold_s`` at most."""
        self._is_over.set()
        self._answered.set()
        self._thread.join()
        self._loop_frame = None

    def _on_asked(self) -> None:
        self._loop_frame = sys._getframe().f_back  # Qt's loop calls this: what ran it is behind it
        self._answered.set()

    def _watch(self) -> None:
        while not self._is_over.wait(self._beat_s):
            self._answered.clear()
            asked_s = time.monotonic()
            self.asked.emit()
            if self._answered.wait(self._hold_s) or self._is_over.is_set():
                continue
            self._tell_where()
            self._answered.wait()
            logger.warning("In all the window was held for %.0f ms.", (time.monotonic() - asked_s) * 1000)

    def _tell_where(self) -> None:
        hold_ms = self._hold_s * 1000
        frame = sys._current_frames().get(self._gui_thread_id)
        if frame is None or frame is self._loop_frame:
            logger.warning("The window was held for over %.0f ms, by Qt or by a busy machine.", hold_ms)
            return
        stack = "".join(traceback.format_stack(frame))
        logger.warning("The window was held for over %.0f ms, here:\n%s", hold_ms, stack)
