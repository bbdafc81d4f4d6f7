"""The window over the real services and the real store; only the worker processes are toys."""

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication
from pytestqt.qtbot import QtBot

from app.bootstrap import Application
from app.ui.application import run
from app.ui.deferred_services import DeferredServices
from app.ui.document_table_model import remark
from app.ui.engine_bridge import EngineBridge
from app.ui.main_window import MainWindow
from app.ui.turn_view import AnswerView
from storage.records import DocumentState
from tests.app.conftest import Bench, basics_of
from tests.app.ui.fakes import FakeApplication
from tests.app.ui.gestures import closing_windows, drop_onto, files
from tests.patience import PATIENCE_MS


def window_of(application: Application, folder: Path) -> MainWindow:
    services = DeferredServices(lambda: application)
    return MainWindow(basics_of(application), services, EngineBridge(), folder / "no-samples")


@pytest.fixture
def real_window(qtbot: QtBot, bench: Bench, tmp_path: Path) -> Iterator[MainWindow]:
    application = bench.build()
    window = MainWindow(
        basics_of(application), DeferredServices(lambda: application), EngineBridge(), tmp_path / "no-samples"
    )
    qtbot.addWidget(window)
    window.show()
    with qtbot.waitSignal(window.library_actions.documents_shown):
        window.start()
    yield window
    window.shut()
    application.close()


def states(window: MainWindow) -> dict[str, DocumentState]:
    return {document.title: document.state for document in window.documents.documents}


def has_states(window: MainWindow, **expected: DocumentState) -> Callable[[], bool]:
    return lambda: states(window) == expected


def answers(window: MainWindow) -> list[AnswerView]:
    return [view for view in window.chat.transcript.turns if isinstance(view, AnswerView)]


def ask(qtbot: QtBot, window: MainWindow, question: str) -> AnswerView:
    QTest.keyClicks(window.chat.question, question)
    QTest.keyClick(window.chat.question, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering, timeout=PATIENCE_MS)
    return answers(window)[-1]


def test_a_dropped_folder_is_learnt_and_what_cannot_be_says_why(
    qtbot: QtBot, bench: Bench, real_window: MainWindow
) -> None:
    bench.write("boat.md", "The hull is green.")
    bench.write("empty.md", "")
    drop_onto(real_window, files(str(bench.notes)))
    done = has_states(real_window, boat=DocumentState.READY, empty=DocumentState.FAILED)
    qtbot.waitUntil(done, timeout=PATIENCE_MS)
    assert remark(real_window.documents.documents[1]) == "The file is empty."
    bench.write("empty.md", "Not any more.")
    real_window.library_actions.retry([real_window.documents.documents[1].id])
    done = has_states(real_window, boat=DocumentState.READY, empty=DocumentState.READY)
    qtbot.waitUntil(done, timeout=PATIENCE_MS)


def test_an_answer_names_its_notes_and_a_note_switched_off_takes_no_part(
    qtbot: QtBot, bench: Bench, real_window: MainWindow
) -> None:
    drop_onto(real_window, files(str(bench.write("boat.md", "The hull is green."))))
    qtbot.waitUntil(has_states(real_window, boat=DocumentState.READY), timeout=PATIENCE_MS)
    first = ask(qtbot, real_window, "Which colour is the hull?")
    assert first.text.text == "echo: Which colour is the hull?"
    assert [view.toggle.text() for view in first.source_views] == ["boat"]
    real_window.documents.set_enabled([0], False)
    with qtbot.waitSignal(real_window.lanes["writes"].idle):
        pass
    second = ask(qtbot, real_window, "Which colour is the hull?")
    assert second.source_views == ()
    assert second.remark.text() == "None of your notes took part."


def test_a_chat_is_there_again_after_a_restart(
    qtbot: QtBot, bench: Bench, real_window: MainWindow, tmp_path: Path
) -> None:
    ask(qtbot, real_window, "Is anybody there?")
    real_window.shut()
    bench.opened[-1].close()
    application = bench.build()
    window = MainWindow(
        basics_of(application), DeferredServices(lambda: application), EngineBridge(), tmp_path / "no-samples"
    )
    qtbot.addWidget(window)
    window.start()
    qtbot.waitUntil(lambda: window.chats.rowCount() == 1)
    window.chat.popup.chat_chosen.emit(application.chat.chats()[0])
    qtbot.waitUntil(lambda: len(answers(window)) == 1)
    assert answers(window)[0].text.text == "echo: Is anybody there?"
    window.shut()


def test_forgotten_notes_leave_the_catalog(qtbot: QtBot, bench: Bench, real_window: MainWindow) -> None:
    drop_onto(real_window, files(str(bench.write("boat.md", "The hull is green."))))
    qtbot.waitUntil(has_states(real_window, boat=DocumentState.READY), timeout=PATIENCE_MS)
    real_window.library_actions.forget([real_window.documents.documents[0].id], with_backups=False)
    qtbot.waitUntil(has_states(real_window), timeout=PATIENCE_MS)
    assert bench.opened[-1].library.documents() == ()


def test_a_watched_folder_is_followed(qtbot: QtBot, bench: Bench, real_window: MainWindow) -> None:
    real_window.library_actions.watch(bench.notes)
    qtbot.waitUntil(real_window.library.folders.isVisible, timeout=PATIENCE_MS)
    bench.write("late.md", "Came later.")
    qtbot.waitUntil(has_states(real_window, late=DocumentState.READY), timeout=PATIENCE_MS)


def test_the_program_runs_until_its_window_is_closed(
    qtbot: QtBot, qapp: QApplication, tmp_path: Path
) -> None:
    application = FakeApplication(tmp_path)
    with closing_windows(qapp, when=lambda: application.n_starts > 0):
        assert run(application.basics, lambda: application) == 0
    assert (application.n_starts, application.n_closes) == (1, 1)
