import os
import signal
import sys

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.ui.interrupts import InterruptWatch

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself Ctrl-C there")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_ends_the_loop_of_an_idle_window(qapp: QApplication, number: signal.Signals) -> None:
    before = signal.getsignal(number)
    watch = InterruptWatch(qapp)
    QTimer.singleShot(0, lambda: os.kill(os.getpid(), number))

    code = qapp.exec()  # without the watch it would not return

    watch.remove()
    assert code == 0
    assert signal.getsignal(number) == before
    assert signal.set_wakeup_fd(-1) == -1
