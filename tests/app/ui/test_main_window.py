from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QMimeData, QPoint, QRect, Qt, QUrl
from PySide6.QtGui import QAction, QDragLeaveEvent
from PySide6.QtTest import QTest
from PySide6.QtWidgets import (
    QAbstractButton,
    QApplication,
    QComboBox,
    QFileDialog,
    QLineEdit,
    QListView,
    QMenu,
    QMessageBox,
    QPlainTextEdit,
    QToolButton,
    QWidget,
)
from pytestqt.qtbot import QtBot

from app.services.adapter_exports import NotExportable
from app.services.answers import AnswerRefused
from app.services.library_events import EngineState, EngineStateChanged, FoldersChanged, JobProgressed
from app.services.settings import Settings
from app.ui.application import samples_folder
from app.ui.deferred_services import DeferredServices
from app.ui.document_table_model import Column
from app.ui.engine_bridge import EngineBridge
from app.ui.main_window import MainWindow
from app.ui.samples import Samples, find_samples
from app.ui.settings_dialog import SettingsDialog
from app.ui.transcript_model import EntryState
from app.ui.turn_view import AnswerView
from app.ui.welcome import Welcome
from engine.messages import AnswerMode
from storage.errors import StorageError
from storage.records import DocumentKind, DocumentState
from tests.app.ui.fakes import NOTHING_ADDED, FakeApplication, FakeRunningAnswer, document, source
from tests.app.ui.gestures import drag_onto, drop_onto, files


def fill(qtbot: QtBot, window: MainWindow, services: FakeApplication, *titles: str) -> None:
    services.library.put(*(document(number, title) for number, title in enumerate(titles, 1)))
    qtbot.waitUntil(lambda: len(window.documents.documents) == len(titles))


def ask(qtbot: QtBot, window: MainWindow, services: FakeApplication, question: str) -> FakeRunningAnswer:
    n_before = len(services.chat.running)
    QTest.keyClicks(window.chat.question, question)
    QTest.keyClick(window.chat.question, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: len(services.chat.running) > n_before and window.lanes["chat"].is_idle)
    return services.chat.running[-1]


def last_answer(window: MainWindow) -> AnswerView:
    view = window.chat.transcript.turns[-1]
    assert isinstance(view, AnswerView)
    return view


def confirm(qtbot: QtBot, window: MainWindow, verb: str) -> None:
    box = window.findChild(QMessageBox)
    assert isinstance(box, QMessageBox)
    button = next(button for button in box.buttons() if button.text() == verb)
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


# --- adding ------------------------------------------------------------------------------------------------


def test_files_and_folders_dropped_on_the_window_are_added(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    event = drop_onto(window, files("/notes/boat.md", "/notes/journal"))
    assert event.isAccepted()
    assert event.dropAction() == Qt.DropAction.CopyAction  # moving would make the file manager delete them
    qtbot.waitUntil(lambda: bool(services.ingest.added))
    assert services.ingest.added == [(Path("/notes/boat.md"), Path("/notes/journal"))]


def test_a_drag_covers_the_window_with_what_a_drop_would_do(window: MainWindow) -> None:
    assert drag_onto(window, files("/notes/boat.md")).isAccepted()
    assert window.overlay.isVisible()
    assert window.overlay.geometry() == window.rect()
    window.resize(900, 700)
    assert window.overlay.geometry() == window.rect()
    QApplication.sendEvent(window, QDragLeaveEvent())
    assert not window.overlay.isVisible()


@pytest.mark.parametrize("url", ["https://example.org/note.md", ""])
def test_what_is_not_a_file_of_this_computer_is_not_taken(
    qtbot: QtBot, window: MainWindow, services: FakeApplication, url: str
) -> None:
    mime = QMimeData()
    mime.setText("plain text")
    if url:
        mime.setUrls([QUrl(url)])
    drop_onto(window, mime)
    assert not window.overlay.isVisible()
    assert window.lanes["intake"].is_idle
    assert services.ingest.added == []


def test_a_drop_on_any_child_reaches_the_window(window: MainWindow) -> None:
    takers = [child for child in window.findChildren(QWidget) if child.acceptDrops()]
    assert takers == []


def test_files_that_were_left_out_are_named_with_their_reasons(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.ingest.report = replace(
        NOTHING_ADDED,
        added=(document(1, "A"), document(2, "B")),
        skipped=((Path("/n/a.zip"), "It is no text."), (Path("/n/b"), "It is empty.")),
    )
    drop_onto(window, files("/n"))
    qtbot.waitUntil(window.notice_bar.isVisible)
    assert window.notice_bar.title.text() == "2 files were left out."
    assert window.notice_bar.detail.toPlainText() == "/n/a.zip: It is no text.\n/n/b: It is empty."


def test_adding_that_fails_is_told_and_the_window_goes_on(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.ingest.error = StorageError("The disk is full.", "0 bytes left on /home.")
    drop_onto(window, files("/n"))
    qtbot.waitUntil(window.notice_bar.isVisible)
    assert window.notice_bar.title.text() == "The disk is full."
    services.ingest.error = None
    drop_onto(window, files("/n"))
    qtbot.waitUntil(lambda: len(services.ingest.added) == 1)


# --- library -----------------------------------------------------------------------------------------------


def test_the_first_run_offers_the_samples_and_one_click_adds_them(
    qtbot: QtBot, window: MainWindow, services: FakeApplication, samples: Path
) -> None:
    assert window.chat.empty.isVisible()
    assert window.chat.empty.button.text() == "Try it with 3 sample notes of an invented person"
    QTest.mouseClick(window.chat.empty.button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(
        lambda: (
            services.ingest.added == [tuple(samples / name for name in ("bees.md", "boat.md", "bread.md"))]
        )
    )


def test_the_counts_line_speaks_of_every_state(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.library.put(
        document(1, "A"),
        document(2, "B", enabled=False),
        document(3, "C", DocumentState.FAILED, reason="The file is empty."),
        document(4, "D", DocumentState.LEARNING),
        document(5, "E", DocumentState.QUEUED),
    )
    qtbot.waitUntil(lambda: window.documents.rowCount() == 5)
    shown = window.library.counts.text()
    assert shown.startswith("2 notes ready (1 off), ")
    assert ">1 failed</a>, 1 learning, 1 waiting" in shown


def test_the_failed_link_shows_only_failed_notes(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.library.put(document(1, "A"), document(2, "B", DocumentState.FAILED, reason="Empty."))
    qtbot.waitUntil(lambda: window.documents.rowCount() == 2)
    window.library.counts.linkActivated.emit("failed")
    assert window.library.filter_model.rowCount() == 1
    window.library.search.setText("nothing like this")
    assert window.library.empty.isVisible()
    QTest.mouseClick(window.library.empty.button, Qt.MouseButton.LeftButton)
    assert window.library.filter_model.rowCount() == 2


def test_a_click_on_the_box_switches_the_note_off(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    fill(qtbot, window, services, "Boat", "Car")
    table = window.library.table
    cell = table.visualRect(table.model().index(1, Column.TITLE))
    place = QPoint(cell.left() + 18, cell.center().y())
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: services.library.switched == [((2,), False)])
    assert not window.documents.documents[1].enabled


def test_space_switches_all_selected_notes_in_one_call(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    fill(qtbot, window, services, "Boat", "Car", "Diary")
    window.library.table.selectAll()
    QTest.keyClick(window.library.table, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: services.library.switched == [((1, 2, 3), False)])
    QTest.keyClick(window.library.table, Qt.Key.Key_Space)
    qtbot.waitUntil(lambda: services.library.switched[1:] == [((1, 2, 3), True)])


def test_a_switch_that_cannot_be_stored_jumps_back_and_says_why(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    fill(qtbot, window, services, "Boat")
    services.library.error = StorageError("The disk is full.")
    window.documents.set_enabled([0], False)
    qtbot.waitUntil(window.notice_bar.isVisible)
    qtbot.waitUntil(lambda: window.documents.documents[0].enabled)


def test_a_failed_note_shows_its_reason_and_retry_tries_it_again(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.library.put(document(7, "Scan", DocumentState.FAILED, reason="This PDF has no text."))
    qtbot.waitUntil(lambda: window.documents.rowCount() == 1)
    table = window.library.table
    cell: QRect = table.visualRect(table.model().index(0, Column.STATE))
    place = window.library.delegate.retry_rect(cell, table.font()).center()
    QTest.mouseClick(table.viewport(), Qt.MouseButton.LeftButton, pos=place)
    qtbot.waitUntil(lambda: services.ingest.retried == [7])


def test_the_menu_of_a_row_retries_only_what_failed(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.library.put(document(1, "A"), document(2, "B", DocumentState.FAILED, reason="Empty."))
    qtbot.waitUntil(lambda: window.documents.rowCount() == 2)
    window.library.table.selectAll()
    menu = window.library.context_menu()
    actions = {action.text(): action for action in menu.actions() if action.text()}
    assert list(actions) == ["Turn off", "Retry", "Open file", "Show folder", "Export adapter", "Forget…"]
    assert not actions["Export adapter"].isEnabled()
    assert not actions["Open file"].isEnabled()
    actions["Retry"].trigger()
    qtbot.waitUntil(lambda: services.ingest.retried == [2])
    window.library.table.selectRow(0)
    single = {action.text(): action for action in window.library.context_menu().actions() if action.text()}
    assert single["Open file"].isEnabled()
    assert not single["Retry"].isEnabled()


def test_an_imported_adapter_has_no_file_to_open_but_a_folder(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.library.put(document(1, "Style", kind=DocumentKind.ADAPTER))
    qtbot.waitUntil(lambda: window.documents.rowCount() == 1)
    window.library.table.selectRow(0)
    actions = {action.text(): action for action in window.library.context_menu().actions() if action.text()}
    assert not actions["Open file"].isEnabled()
    assert actions["Show folder"].isEnabled()
    QTest.keyClick(window.library.table, Qt.Key.Key_Delete)
    box = window.findChild(QMessageBox)
    assert isinstance(box, QMessageBox)
    assert "only from the file that it came from" in box.informativeText()
    confirm(qtbot, window, "Keep")


def export_actions(window: MainWindow) -> list[QAction]:
    """What the selected rows can be exported as."""
    (export,) = [
        action for action in window.library.context_menu().actions() if action.text() == "Export adapter"
    ]
    menu = export.menu()
    assert isinstance(menu, QMenu)
    return menu.actions()


@pytest.mark.parametrize(
    ("n", "form", "name", "may_overwrite"), [(0, "gguf", "Boat_ 2.gguf", True), (1, "peft", "Boat_ 2", False)]
)
def test_the_adapters_of_the_chosen_notes_are_written_where_the_user_says(
    n: int,
    form: str,
    name: str,
    may_overwrite: bool,
    qtbot: QtBot,
    window: MainWindow,
    services: FakeApplication,
    tmp_path: Path,
) -> None:
    fill(qtbot, window, services, "Boat: 2", "Car")
    window.library.table.selectAll()
    export_actions(window)[n].trigger()
    chooser = window.findChild(QFileDialog)
    assert isinstance(chooser, QFileDialog)
    assert [Path(path).name for path in chooser.selectedFiles()] == [name]
    assert chooser.acceptMode() is QFileDialog.AcceptMode.AcceptSave

    chooser.filesSelected.emit([str(tmp_path / name)])

    qtbot.waitUntil(lambda: window.notice_bar.isVisible())
    assert services.exports.written == [(["Boat: 2", "Car"], form, tmp_path / name, may_overwrite)]
    assert "The adapter was written, 6.1 MB." in window.notice_bar.title.text()


def test_an_export_that_is_refused_is_told_in_its_words(
    qtbot: QtBot, window: MainWindow, services: FakeApplication, tmp_path: Path
) -> None:
    services.exports.error = NotExportable("“Boat” was learnt with an earlier version.", "Learn it again.")
    fill(qtbot, window, services, "Boat")
    window.library.table.selectAll()
    export_actions(window)[0].trigger()
    chooser = window.findChild(QFileDialog)
    assert isinstance(chooser, QFileDialog)

    chooser.filesSelected.emit([str(tmp_path / "boat.gguf")])

    qtbot.waitUntil(lambda: window.notice_bar.isVisible())
    assert "“Boat” was learnt with an earlier version." in window.notice_bar.title.text()


def test_forgetting_asks_first(qtbot: QtBot, window: MainWindow, services: FakeApplication) -> None:
    fill(qtbot, window, services, "Boat", "Car")
    window.library.table.selectRow(0)
    QTest.keyClick(window.library.table, Qt.Key.Key_Delete)
    confirm(qtbot, window, "Keep")
    assert services.library.forgotten == []
    qtbot.waitUntil(lambda: window.findChild(QMessageBox) is None)
    QTest.keyClick(window.library.table, Qt.Key.Key_Delete)
    confirm(qtbot, window, "Forget")
    qtbot.waitUntil(lambda: services.library.forgotten == [(1,)])
    qtbot.waitUntil(lambda: window.documents.rowCount() == 1)


def test_forgetting_offers_to_delete_backups_where_there_are_some(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.library.backups = (Path("/home/backups/catalog-1.sqlite3"),)
    fill(qtbot, window, services, "Boat", "Car")
    window.library.table.selectRow(0)
    QTest.keyClick(window.library.table, Qt.Key.Key_Delete)
    box = window.findChild(QMessageBox)
    assert isinstance(box, QMessageBox)
    option = box.checkBox()
    assert option is not None
    assert option.text() == "Also delete 1 backup of the library, which may hold it too"
    assert not option.isChecked()
    option.setChecked(True)
    confirm(qtbot, window, "Forget")
    qtbot.waitUntil(lambda: services.library.backups == ())
    assert services.library.forgotten == [(1,)]


def test_watched_folders_are_listed_and_can_be_unwatched(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    window.library_actions.watch(Path("/notes/journal"))
    qtbot.waitUntil(window.library.folders.isVisible)
    buttons = window.library.folders.findChildren(QToolButton)
    assert [button.accessibleName() for button in buttons] == ["Stop watching journal"]
    QTest.mouseClick(buttons[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: not window.library.folders.isVisible())
    assert services.library.folder_records == ()


def test_learning_shows_in_the_row_and_in_the_status_bar(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.library.put(document(1, "Diary", DocumentState.LEARNING), document(2, "B", DocumentState.QUEUED))
    services.events.publish(JobProgressed(1, 3, 7))
    qtbot.waitUntil(lambda: window.documents.rowCount() == 2)
    words = "Learning “Diary” (3 of 7 passages), 1 waiting"
    qtbot.waitUntil(lambda: window.status.activity.text() == words)
    assert window.documents.index(1, Column.STATE).data() == "Learning, 3 of 7"


@pytest.mark.parametrize(
    ("states", "enabled", "expected"),
    [
        ((), True, Welcome.FIRST_RUN),
        ((DocumentState.QUEUED,), True, Welcome.LEARNING),
        ((DocumentState.READY, DocumentState.LEARNING), True, Welcome.READY),
        ((DocumentState.READY,), False, Welcome.ALL_OFF),
        ((DocumentState.FAILED,), True, Welcome.ALL_FAILED),
    ],
)
def test_the_empty_chat_knows_the_library(
    qtbot: QtBot,
    window: MainWindow,
    services: FakeApplication,
    states: Sequence[DocumentState],
    enabled: bool,
    expected: Welcome,
) -> None:
    services.library.put(
        *(document(n, str(n), state, enabled=enabled) for n, state in enumerate(states)),
    )
    words = expected.words
    qtbot.waitUntil(lambda: window.chat.empty.title.text() == words.title)
    assert window.chat.empty.button.isVisible() == bool(words.button)


# --- chat --------------------------------------------------------------------------------------------------


def test_enter_asks_and_the_answer_streams_to_its_end(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    running = ask(qtbot, window, services, "Which colour?")
    assert (running.question, running.mode, running.chat_id) == ("Which colour?", AnswerMode.MEMORY, 1)
    assert window.chat.stop_button.isVisible()
    running.start(source("Boat"))
    qtbot.waitUntil(lambda: last_answer(window).waiting.text() == "Remembering Boat…")
    running.say("Dark ")
    qtbot.waitUntil(lambda: "Dark" in last_answer(window).text.toPlainText())
    running.say("green.")
    running.finish()
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)
    assert last_answer(window).text.text == "Dark green."
    assert [view.toggle.text() for view in last_answer(window).source_views] == ["Boat"]
    assert window.chat.send_button.isVisible()
    qtbot.waitUntil(lambda: window.chat.title.text() == "Which colour?")


def test_the_second_question_goes_into_the_same_chat(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    ask(qtbot, window, services, "First?").finish()
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)
    assert ask(qtbot, window, services, "Second?").chat_id == 1
    services.chat.running[-1].finish()
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)
    assert len(window.transcript.entries) == 4


def test_nothing_is_sent_while_an_answer_runs(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    running = ask(qtbot, window, services, "First?")
    QTest.keyClicks(window.chat.question, "Second?")
    QTest.keyClick(window.chat.question, Qt.Key.Key_Return)
    assert window.chat.question.question() == "Second?"  # kept for when the answer is there
    running.finish()
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)
    assert len(services.chat.running) == 1
    assert window.chat.send_button.isEnabled()


@pytest.mark.parametrize("way", ["button", "escape"])
def test_stop_stops(qtbot: QtBot, window: MainWindow, services: FakeApplication, way: str) -> None:
    running = ask(qtbot, window, services, "Which colour?")
    running.say("Dark")
    if way == "button":
        QTest.mouseClick(window.chat.stop_button, Qt.MouseButton.LeftButton)
    else:
        window.stop_action.trigger()
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)
    assert running.n_stops == 1
    assert last_answer(window).remark.text() == "You stopped this answer."
    assert not window.stop_action.isEnabled()


def test_stop_pressed_before_the_service_took_the_question_still_stops(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    window.chat_actions.ask("Which colour?", AnswerMode.MEMORY)
    window.chat_actions.stop()
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)
    assert services.chat.running[0].n_stops == 1


def test_a_refused_question_can_be_asked_again(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    running = ask(qtbot, window, services, "Which colour?")
    running.on_event(AnswerRefused("The answering process stopped.", "It was started again."))
    qtbot.waitUntil(lambda: window.transcript.entries[-1].state is EntryState.REFUSED)
    QTest.mouseClick(last_answer(window).retry_button, Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: len(services.chat.running) == 2)
    assert services.chat.running[1].question == "Which colour?"
    services.chat.running[1].finish()
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)


def test_a_question_the_store_refuses_says_why(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.chat.error = StorageError("The disk is full.", "0 bytes left.")
    QTest.keyClicks(window.chat.question, "Which colour?")
    QTest.keyClick(window.chat.question, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)
    assert last_answer(window).refusal.text() == "The disk is full."


def test_an_answer_goes_on_in_its_own_chat_while_another_is_shown(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    running = ask(qtbot, window, services, "Which colour?")
    running.start(source())
    running.say("Dark ")
    qtbot.waitUntil(lambda: "Dark" in last_answer(window).text.toPlainText())
    window.chat_actions.new_chat()
    assert window.transcript.rowCount() == 0
    running.say("green")
    window.chat_actions.show_chat(services.chat.records[1])
    qtbot.waitUntil(lambda: len(window.transcript.entries) == 2)
    qtbot.waitUntil(lambda: window.transcript.entries[1].text == "Dark green")
    running.say(".")
    running.finish()
    qtbot.waitUntil(lambda: window.transcript.entries[1].state is EntryState.COMPLETE)
    assert window.transcript.entries[1].text == "Dark green."


def test_new_chat_begins_a_new_one_with_its_first_question(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    ask(qtbot, window, services, "First?").finish()
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)
    QTest.mouseClick(window.chat.new_button, Qt.MouseButton.LeftButton)
    assert window.transcript.rowCount() == 0
    assert len(services.chat.records) == 1
    assert ask(qtbot, window, services, "Second?").chat_id == 2
    services.chat.running[-1].finish()
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)


def test_an_earlier_chat_can_be_found_opened_and_deleted(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    for question in ("About boats?", "About bees?"):
        window.chat_actions.new_chat()
        ask(qtbot, window, services, question).finish()
        qtbot.waitUntil(lambda: not window.chat_actions.is_answering)
    qtbot.waitUntil(lambda: window.chats.rowCount() == 2)
    popup = window.chat.popup
    window.chat.chats_button.click()
    popup.search.setText("boats")
    assert window.chats.rowCount() == 1
    QTest.keyClick(popup.search, Qt.Key.Key_Return)
    qtbot.waitUntil(lambda: bool(window.transcript.entries))
    assert window.chat_actions.shown_chat_id == 1
    popup.delete_requested.emit(services.chat.records[1])
    confirm(qtbot, window, "Delete")
    qtbot.waitUntil(lambda: list(services.chat.records) == [2])
    assert window.transcript.rowCount() == 0


def test_a_chat_is_renamed_in_the_list(qtbot: QtBot, window: MainWindow, services: FakeApplication) -> None:
    ask(qtbot, window, services, "About boats?").finish()
    qtbot.waitUntil(lambda: window.chats.rowCount() == 1 and window.chat.title.text() == "About boats?")
    chats = window.chat.popup.list
    window.chat.chats_button.click()

    type_title(chats, "  The boat in spring ", Qt.Key.Key_Return)

    qtbot.waitUntil(lambda: window.chat.title.text() == "The boat in spring")
    assert services.chat.records[1].title == "The boat in spring"
    assert chats.isVisible()  # the list stays open
    for title, key in (("Something else", Qt.Key.Key_Escape), ("  ", Qt.Key.Key_Return)):
        type_title(chats, title, key)
        assert window.chats.index(0).data() == "The boat in spring"
    assert services.chat.records[1].title == "The boat in spring"


def type_title(chats: QListView, title: str, end: Qt.Key) -> None:
    """Rename the first chat of the list as with the keyboard."""
    chats.setFocus()
    chats.setCurrentIndex(chats.model().index(0, 0))
    QTest.keyClick(chats, Qt.Key.Key_F2)
    editor = chats.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    editor.selectAll()
    QTest.keyClicks(editor, title)
    QTest.keyClick(editor, end)


def test_the_menu_of_a_chat_renames_it(qtbot: QtBot, window: MainWindow, services: FakeApplication) -> None:
    ask(qtbot, window, services, "About boats?").finish()
    qtbot.waitUntil(lambda: window.chats.rowCount() == 1 and not window.chat_actions.is_answering)
    popup = window.chat.popup
    window.chat.chats_button.click()
    popup.list.customContextMenuRequested.emit(popup.list.visualRect(window.chats.index(0)).center())
    menu = popup.findChild(QMenu)
    assert isinstance(menu, QMenu)

    menu.actions()[0].trigger()
    menu.close()

    editor = popup.list.findChild(QLineEdit)
    assert isinstance(editor, QLineEdit)
    assert editor.text() == "About boats?"


def test_the_chosen_mode_is_asked_with_and_remembered(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    window.chat.mode_box.setCurrentIndex(1)
    running = ask(qtbot, window, services, "Which colour?")
    assert running.mode is AnswerMode.QUOTES
    running.finish()
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)
    qtbot.waitUntil(lambda: services.settings.current.mode is AnswerMode.QUOTES)


# --- window ------------------------------------------------------------------------------------------------


def test_a_graver_notice_comes_first_and_dismissing_brings_up_the_next(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.notices.info("A tip.")
    services.notices.error("A problem.", "What to do.", "errno 28")
    services.notices.error("A problem.", "What to do.", "errno 28")
    bar = window.notice_bar
    qtbot.waitUntil(lambda: bar.title.text() == "A problem.")
    assert bar.count.text() == "1 of 2"
    QTest.mouseClick(bar.details_button, Qt.MouseButton.LeftButton)
    assert bar.detail.isVisible()
    QTest.mouseClick(bar.dismiss_button, Qt.MouseButton.LeftButton)
    assert bar.title.text() == "A tip."
    assert not bar.detail.isVisible()
    assert not bar.details_button.isVisible()
    QTest.mouseClick(bar.dismiss_button, Qt.MouseButton.LeftButton)
    assert not bar.isVisible()


def test_the_device_is_shown_with_its_reason(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.events.publish(EngineStateChanged("ingest", EngineState.STARTING))
    qtbot.waitUntil(lambda: window.status.activity.text() == "Starting the model…")
    services.events.publish(
        EngineStateChanged("ingest", EngineState.READY, "CPU, 2 threads", "no CUDA or Apple GPU found")
    )
    qtbot.waitUntil(lambda: window.status.device.text() == "CPU, 2 threads · no CUDA or Apple GPU found")
    assert window.status.activity.text() == "Ready"


def test_an_engine_that_cannot_work_is_named_in_the_status_bar_until_it_is_tried_again(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    told = "Answering is not available. The model is missing. To try again, ask."
    services.events.publish(EngineStateChanged("chat", EngineState.FAILED, reason="The model is missing."))
    qtbot.waitUntil(lambda: window.status.activity.text() == told)
    services.events.publish(EngineStateChanged("chat", EngineState.STOPPED))
    qtbot.waitUntil(lambda: window.status.activity.text() == "Ready")


def test_settings_are_saved_as_chosen(qtbot: QtBot, window: MainWindow, services: FakeApplication) -> None:
    dialog = SettingsDialog(services.settings.current, window)
    qtbot.addWidget(dialog)
    dialog.settings_chosen.connect(window._on_settings_chosen)
    dialog.passages.setValue(8)
    dialog.mode.setCurrentIndex(2)
    dialog.threads.setValue(3)
    dialog.accept()
    expected = Settings(mode=AnswerMode.PLAIN, max_active_chunks=8, n_threads=3)
    qtbot.waitUntil(lambda: services.settings.saved == [expected])
    assert window.chat.mode is AnswerMode.PLAIN


def test_settings_opened_and_saved_without_a_change_stay_the_same(qtbot: QtBot) -> None:
    dialog = SettingsDialog(Settings(device="cpu", n_threads=None, temperature=0.5))
    qtbot.addWidget(dialog)
    assert dialog.chosen() == Settings(device="cpu", n_threads=None, temperature=0.5)


def test_the_window_remembers_its_size(qtbot: QtBot, window: MainWindow, services: FakeApplication) -> None:
    window.resize(760, 560)
    window.close()
    again = MainWindow(services.basics, DeferredServices(lambda: services), EngineBridge(), Path("/none"))
    qtbot.addWidget(again)
    assert (again.width(), again.height()) == (760, 560)
    again.shut()


def test_every_control_has_a_name_for_screen_readers(window: MainWindow) -> None:
    kinds = (QAbstractButton, QLineEdit, QPlainTextEdit, QComboBox)
    nameless = [
        child
        for child in window.findChildren(QWidget)
        if isinstance(child, kinds)
        and not child.accessibleName()
        and not (isinstance(child, QAbstractButton) and child.text())
        and not child.objectName().startswith("qt_")
        and child.isVisible()
        and not isinstance(child.parent(), QLineEdit)
    ]
    assert nameless == []


def test_the_services_start_once_the_window_is_there(window: MainWindow, services: FakeApplication) -> None:
    assert services.n_starts == 1
    assert services.n_closes == 0


def test_services_that_cannot_start_are_told_and_the_library_is_shown(
    qtbot: QtBot, services: FakeApplication, samples: Path
) -> None:
    services.start_error = StorageError("The profile is in use.", "Another program holds it.")
    services.library.put(document(1, "Boat"))
    window = MainWindow(services.basics, DeferredServices(lambda: services), EngineBridge(), samples)
    qtbot.addWidget(window)
    window.start()
    qtbot.waitUntil(lambda: window.documents.rowCount() == 1)
    qtbot.waitUntil(lambda: window.notice_bar.title.text() == "The profile is in use.")
    window.shut()


def test_folders_are_read_anew_when_the_service_says_so(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    services.watch.watch(Path("/notes/a"))
    services.events.publish(FoldersChanged())
    qtbot.waitUntil(window.library.folders.isVisible)


def test_a_folder_of_samples_that_is_missing_has_none(tmp_path: Path) -> None:
    assert find_samples(tmp_path / "none") == Samples((), ())


def test_the_shipped_samples_are_found_with_their_questions() -> None:
    samples = find_samples(samples_folder())
    assert len(samples.notes) == 12
    assert all(question.path in samples.notes for question in samples.questions)


def test_learnt_samples_suggest_questions_and_a_click_asks(
    qtbot: QtBot, window: MainWindow, services: FakeApplication, samples: Path
) -> None:
    boat = replace(document(1, "Boat"), path=samples / "boat.md")
    bees = replace(document(2, "Bees", enabled=False), path=samples / "bees.md")
    services.library.put(boat, bees)
    qtbot.waitUntil(lambda: len(window.chat.empty.suggestion_buttons) == 1)
    QTest.mouseClick(window.chat.empty.suggestion_buttons[0], Qt.MouseButton.LeftButton)
    qtbot.waitUntil(lambda: bool(services.chat.running) and window.lanes["chat"].is_idle)
    assert services.chat.running[0].question == "Which colour is the boat?"
    services.chat.running[0].finish()
    qtbot.waitUntil(lambda: not window.chat_actions.is_answering)
