import os
import signal
import sys
from functools import partial

import pytest
from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

from app.ui.interrupts import InterruptWatch
from tests.patience import PATIENCE_MS

pytestmark = pytest.mark.skipif(sys.platform == "win32", reason="a process cannot send itself Ctrl-C there")


@pytest.mark.parametrize("number", [signal.SIGINT, signal.SIGTERM])
def test_a_signal_while_the_window_is_still_built_ends_its_loop_at_once(
    qapp: QApplication, number: signal.Signals
) -> None:
    watch = InterruptWatch(qapp)
    os.kill(os.getpid(), number)
    give_up = QTimer(singleShot=True, interval=PATIENCE_MS)
    give_up.timeout.connect(partial(qapp.exit, 1))
    give_up.start()

    code = qapp.exec()

    give_up.stop()
    watch.remove()
    assert code == 0


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
