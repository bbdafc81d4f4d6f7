"""The watch over the GUI thread, held by real calls in a real loop."""

import logging
import threading
from collections.abc import Callable, Iterator
from functools import partial

import pytest
from PySide6.QtCore import QEventLoop, Qt, QTimer
from pytestqt.qtbot import QtBot

from app.ui.freeze_watchdog import FreezeWatchdog
from tests.patience import PATIENCE_MS, PATIENCE_S


@pytest.fixture
def watch(qtbot: QtBot) -> Iterator[FreezeWatchdog]:
    watch = FreezeWatchdog(hold_s=0.05, beat_s=0.01)
    yield watch
    watch.remove()


class _Log(logging.Handler):
    """Lets a slow call go on as soon as it was noticed."""

    def __init__(self) -> None:
        super().__init__()
        self.messages: list[str] = []
        self.is_noticed = threading.Event()
        self.on_noticed: Callable[[], None] = lambda: None

    def emit(self, record: logging.LogRecord) -> None:
        self.messages.append(record.getMessage())
        self.is_noticed.set()
        self.on_noticed()


@pytest.fixture
def log() -> Iterator[_Log]:
    log = _Log()
    logger = logging.getLogger("app.ui.freeze_watchdog")
    logger.addHandler(log)
    yield log
    logger.removeHandler(log)


def test_a_call_that_holds_the_window_is_logged_with_its_stack_once(
    qtbot: QtBot, watch: FreezeWatchdog, log: _Log
) -> None:
    def a_slow_slot() -> None:
        assert log.is_noticed.wait(PATIENCE_S)

    QTimer.singleShot(0, a_slow_slot)
    qtbot.waitUntil(lambda: len(log.messages) >= 2, timeout=PATIENCE_MS)
    assert log.messages[0].startswith("The window was held for over 50 ms, here:")
    assert "a_slow_slot" in log.messages[0]
    assert log.messages[1].startswith("In all the window was held for")


def test_a_window_that_waits_for_its_user_is_not_held(qtbot: QtBot, log: _Log) -> None:
    watch = FreezeWatchdog(hold_s=30.0, beat_s=0.001)  # patient enough for the busiest machine
    n_signs = 0

    def count() -> None:
        nonlocal n_signs
        n_signs += 1

    watch.asked.connect(count)
    qtbot.waitUntil(lambda: n_signs >= 20, timeout=PATIENCE_MS)
    watch.remove()
    assert log.messages == []


def test_a_hold_by_no_code_of_ours_has_no_stack_to_show(
    qtbot: QtBot, watch: FreezeWatchdog, log: _Log
) -> None:
    lock = threading.Lock()
    lock.acquire()
    log.on_noticed = lock.release
    # A builtin leaves no frame above the loop's, as Qt's own code does.
    hold = partial(lock.acquire, timeout=PATIENCE_S)
    loop = QEventLoop()
    n_signs = 0

    def look() -> None:
        nonlocal n_signs
        n_signs += 1
        if n_signs == 3:  # by then the watch has seen this loop
            QTimer.singleShot(0, hold)
        if len(log.messages) >= 2:
            loop.quit()

    watch.asked.connect(look, Qt.ConnectionType.QueuedConnection)
    loop.exec()
    assert log.messages[0] == "The window was held for over 50 ms, by Qt or by a busy machine."


def test_it_ends_while_the_window_is_held(qtbot: QtBot, watch: FreezeWatchdog, log: _Log) -> None:
    assert log.is_noticed.wait(PATIENCE_S)  # no loop runs here: the GUI thread is held by this very line
    assert "test_it_ends_while_the_window_is_held" in log.messages[0]
