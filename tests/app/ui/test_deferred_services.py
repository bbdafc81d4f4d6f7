"""The first second: the window is there, the services are not yet, or never will be."""

import threading
from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import QEvent, QObject
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget
from pytestqt.qtbot import QtBot

from app.ui import first_paint
from app.ui.application import run
from app.ui.deferred_services import DeferredServices
from app.ui.engine_bridge import EngineBridge
from app.ui.first_paint import FirstPaint
from app.ui.main_window import MainWindow
from app.ui.welcome import Welcome
from engine.messages import AnswerMode
from storage.errors import CatalogTooNew, StorageError
from tests.app.ui.fakes import FakeApplication
from tests.app.ui.gestures import closing_windows, drop_onto, files
from tests.patience import PATIENCE_S

TOO_NEW = CatalogTooNew("The library was made by a newer Loreleaf.", "It was left unchanged.")


class Opening:
    """Opens the services when the test says so, or fails."""

    def __init__(self, services: FakeApplication) -> None:
        self._services = services
        self.may_end = threading.Event()
        self.error: Exception | None = None
        self.n_begun = 0

    def __call__(self) -> FakeApplication:
        self.n_begun += 1
        assert self.may_end.wait(PATIENCE_S)
        if self.error is not None:
            raise self.error
        return self._services


@pytest.fixture
def opening(services: FakeApplication) -> Opening:
    return Opening(services)


@pytest.fixture
def late(opening: Opening) -> DeferredServices:
    return DeferredServices(opening)


@pytest.fixture
def early_window(
    qtbot: QtBot, services: FakeApplication, opening: Opening, late: DeferredServices, samples: Path
) -> Iterator[MainWindow]:
    """A window that was just shown."""
    window = MainWindow(services.basics, late, EngineBridge(), samples)
    qtbot.addWidget(window)
    window.show()
    yield window
    opening.may_end.set()
    window.shut()


def test_the_window_says_that_the_library_is_being_opened(early_window: MainWindow) -> None:
    early_window.start()
    assert early_window.chat.empty.sentence.text() == "Opening your library…"
    assert early_window.status.activity.text() == "Opening your library…"


def test_what_is_dropped_before_the_library_is_open_is_learnt_when_it_is(
    qtbot: QtBot, early_window: MainWindow, services: FakeApplication, opening: Opening
) -> None:
    early_window.start()
    drop_onto(early_window, files("/notes/boat.md"))
    assert early_window.status.activity.text() == "Opening your library… What you added comes next."
    assert services.ingest.added == []
    opening.may_end.set()
    qtbot.waitUntil(lambda: services.ingest.added == [(Path("/notes/boat.md"),)])
    qtbot.waitUntil(lambda: early_window.status.activity.text() == "Ready")


def test_what_is_asked_before_the_library_is_open_is_answered_when_it_is(
    qtbot: QtBot, early_window: MainWindow, services: FakeApplication, opening: Opening
) -> None:
    early_window.start()
    early_window.chat_actions.ask("Which colour?", AnswerMode.MEMORY)
    opening.may_end.set()
    qtbot.waitUntil(lambda: bool(services.chat.running) and early_window.lanes["chat"].is_idle)
    services.chat.running[0].finish()
    qtbot.waitUntil(lambda: not early_window.chat_actions.is_answering)


def test_the_mode_chosen_before_the_library_is_open_is_kept(
    qtbot: QtBot, early_window: MainWindow, services: FakeApplication, opening: Opening
) -> None:
    early_window.start()
    early_window.chat.mode_box.setCurrentIndex(2)
    qtbot.waitUntil(lambda: services.settings.current.mode is AnswerMode.PLAIN)
    opening.may_end.set()
    with qtbot.waitSignal(early_window.library_actions.documents_shown):
        pass
    assert early_window.chat.mode is AnswerMode.PLAIN


def test_a_library_that_cannot_be_opened_is_told_and_nothing_can_be_begun(
    qtbot: QtBot, early_window: MainWindow, opening: Opening, late: DeferredServices
) -> None:
    opening.error = TOO_NEW
    early_window.start()
    drop_onto(early_window, files("/notes/boat.md"))
    opening.may_end.set()
    qtbot.waitUntil(lambda: early_window.lanes["intake"].is_idle and early_window.notice_bar.isVisible())
    told = early_window.notice_bar.notices
    assert [(notice.title, notice.message) for notice in told] == [(TOO_NEW.title, TOO_NEW.detail)]
    assert early_window.chat.empty.title.text() == Welcome.NOT_OPENED.words.title
    assert early_window.status.activity.text() == "Your library is not open."
    assert not early_window.acceptDrops()
    assert not early_window.library.isEnabled()
    assert not early_window.chat.question.isEnabled()
    with pytest.raises(CatalogTooNew):
        late.close()


def test_a_window_closed_before_the_opening_began_opens_nothing(
    early_window: MainWindow, opening: Opening, late: DeferredServices, services: FakeApplication
) -> None:
    drop_onto(early_window, files("/notes/boat.md"))  # waits on its lane, and must be released
    early_window.shut()
    late.close()
    assert opening.n_begun == 0
    assert services.ingest.added == []
    assert services.n_closes == 0


def test_a_window_closed_while_the_library_is_being_opened_closes_it_afterwards(
    qtbot: QtBot,
    early_window: MainWindow,
    opening: Opening,
    late: DeferredServices,
    services: FakeApplication,
) -> None:
    early_window.start()
    qtbot.waitUntil(lambda: opening.n_begun == 1)
    opening.may_end.set()
    early_window.shut()
    late.close()
    assert (services.n_starts, services.n_closes) == (0, 1)


def test_the_window_leaves_the_making_of_the_profile_to_the_catalog(qtbot: QtBot, tmp_path: Path) -> None:
    services = FakeApplication(tmp_path / "home")
    window = MainWindow(services.basics, DeferredServices(lambda: services), EngineBridge(), tmp_path)
    qtbot.addWidget(window)
    window.close()
    window.shut()
    assert not (tmp_path / "home").exists()


def test_the_services_are_opened_when_the_window_has_been_painted(
    qtbot: QtBot, qapp: QApplication, services: FakeApplication
) -> None:
    happened: list[str] = []

    class Paints(QObject):
        def eventFilter(self, watched: QObject, event: QEvent) -> bool:
            if isinstance(watched, MainWindow) and event.type() == QEvent.Type.Paint:
                happened.append("painted")
            return False

    def open_services() -> FakeApplication:
        happened.append("opened")
        return services

    paints = Paints()
    qapp.installEventFilter(paints)
    with closing_windows(qapp, when=lambda: services.n_starts > 0):
        assert run(services.basics, open_services) == 0
    qapp.removeEventFilter(paints)
    assert happened[0] == "painted"
    assert happened.count("opened") == 1


def test_the_program_ends_with_the_reason_why_it_could_not_open_the_library(
    qtbot: QtBot, qapp: QApplication, services: FakeApplication
) -> None:
    def is_told() -> bool:
        return any(bar.isVisible() for bar in qapp.allWidgets() if bar.objectName() == "noticeBar")

    def open_services() -> FakeApplication:
        raise StorageError("The disk is full.")

    with closing_windows(qapp, when=is_told), pytest.raises(StorageError, match="disk is full"):
        run(services.basics, open_services)


def test_the_first_paint_is_told_once(qtbot: QtBot) -> None:
    window = QMainWindow()
    qtbot.addWidget(window)
    first = FirstPaint(window)
    with qtbot.waitSignal(first.happened):
        window.show()
    with qtbot.assertNotEmitted(first.happened, wait=20):
        window.repaint()


def test_a_window_that_is_never_painted_is_not_waited_for(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(first_paint, "LONGEST_WAIT_MS", 20)
    hidden = QWidget()
    qtbot.addWidget(hidden)
    first = FirstPaint(hidden)
    with qtbot.waitSignal(first.happened):
        pass
