"""A window over fake services, and a guard that nothing of it outlives its test."""

import os

# Before Qt is imported: the tests need no display, and must not open windows where there is one.
os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

import threading
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QObject, QThreadPool, QTimer, SignalInstance
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot
from pytestqt.wait_signal import SignalBlocker

from app.ui.deferred_services import DeferredServices
from app.ui.engine_bridge import EngineBridge
from app.ui.main_window import MainWindow
from app.ui.theme import LIGHT, apply_theme
from tests.app.ui.fakes import FakeApplication
from tests.patience import PATIENCE_MS


def pytest_itemcollected(item: pytest.Item) -> None:
    """The offscreen platform warns of what only a display can do; any other warning fails a test."""
    item.add_marker(pytest.mark.qt_log_ignore("This plugin does not support", extend=True))


@pytest.fixture(autouse=True)
def _nothing_stays_behind() -> Iterator[None]:
    before = set(threading.enumerate())
    yield
    left = [thread for thread in threading.enumerate() if thread not in before and thread.is_alive()]
    assert left == []
    assert QThreadPool.globalInstance().activeThreadCount() == 0


class PatientBot(QtBot):
    """Waits longer than pytest-qt's five seconds, wherever a test does not say how long."""

    def waitSignal(
        self,
        signal: SignalInstance,
        *,
        timeout: int = PATIENCE_MS,
        raising: bool | None = None,
        check_params_cb: Callable[..., bool] | None = None,
    ) -> SignalBlocker:
        return super().waitSignal(signal, timeout=timeout, raising=raising, check_params_cb=check_params_cb)

    def waitUntil(self, callback: Callable[[], bool | None], *, timeout: int = PATIENCE_MS) -> None:
        super().waitUntil(callback, timeout=timeout)


@pytest.fixture
def qtbot(qapp: QApplication, request: pytest.FixtureRequest) -> QtBot:
    """In pytest-qt's place."""
    return PatientBot(request)


def active_timers(owner: QObject) -> list[QTimer]:
    # One of 0 ms is over with the loop's next turn.
    return [timer for timer in owner.findChildren(QTimer) if timer.isActive() and timer.interval() > 0]


@pytest.fixture
def services(tmp_path: Path) -> FakeApplication:
    return FakeApplication(tmp_path)


@pytest.fixture
def samples(tmp_path: Path) -> Path:
    folder = tmp_path / "samples"
    folder.mkdir()
    for name in ("boat.md", "bees.md", "bread.md"):
        (folder / name).write_text("Invented.", encoding="utf-8")
    (folder / "questions.json").write_text(
        '[{"question": "Which colour is the boat?", "answer": "green", "file": "boat.md"},'
        ' {"question": "How many bees?", "answer": "nine", "file": "bees.md"}]',
        encoding="utf-8",
    )
    return folder


@pytest.fixture
def window(
    qtbot: QtBot, qapp: QApplication, services: FakeApplication, samples: Path
) -> Iterator[MainWindow]:
    """A shown window whose services run and whose library was read."""
    qapp.setStyle("Fusion")
    apply_theme(qapp, LIGHT)
    bridge = EngineBridge()
    window = MainWindow(services.basics, DeferredServices(lambda: services), bridge, samples)
    qtbot.addWidget(window)
    window.show()
    with qtbot.waitSignal(window.library_actions.documents_shown):
        window.start()
    yield window
    window.shut()
    assert active_timers(window) == []
    assert active_timers(bridge) == []
