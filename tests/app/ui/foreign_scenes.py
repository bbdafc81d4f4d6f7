"""Every place of the window that shows text from elsewhere, given text that names a picture.

``python -m tests.app.ui.foreign_scenes FOLDER`` shows them all in a process of its own, which a test watches.
Text of a scene names a picture in a folder of the scene's name.
"""

import os
import sys
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QEvent, QMimeData, QPoint
from PySide6.QtGui import QGuiApplication, QHelpEvent, QImage
from PySide6.QtWidgets import QApplication, QMessageBox, QToolTip, QWidget

from app.services.hub_token import TokenMissing
from app.services.library_events import EngineState, EngineStateChanged
from app.services.notices import Notice, NoticeLevel
from app.ui.answer_text import AnswerText
from app.ui.chat_list import ChatListModel, ChatListPopup
from app.ui.chat_view import ChatView
from app.ui.composer import QuestionEdit
from app.ui.dialogs import confirm, confirm_forgetting
from app.ui.document_table_model import Column, DocumentTableModel
from app.ui.drop_overlay import DropOverlay
from app.ui.elided_label import ElidedLabel
from app.ui.empty_state import EmptyState
from app.ui.folder_list import FolderList
from app.ui.library_view import LibraryView
from app.ui.model_actions import ModelsShown, Remark
from app.ui.model_card import ModelCard
from app.ui.model_files_dialog import ModelFilesDialog
from app.ui.notice_bar import NoticeBar
from app.ui.source_view import SourceView
from app.ui.status_line import StatusLine
from app.ui.transcript_model import EntryState, TranscriptEntry, TranscriptModel
from app.ui.turn_view import AnswerView, QuestionView
from engine.messages import AnswerMode
from engine.models.messages import ModelState
from storage.records import ChatRecord, DocumentState, FolderRecord, Role, SourceRecord
from tests.app.ui.fakes import FACTS, NOW, document, model

Painted = list[QImage]
Scene = Callable[[str], Painted]
"""Takes a picture's address, and returns what is on the screen."""


def markup(address: str) -> str:
    """What a note, a title, a name or a sentence may hold."""
    return f'<img src="{address}"><b>bold</b>'


def markdown(address: str) -> str:
    """What a model may answer: pictures of every form that Markdown knows, and HTML."""
    return (
        f"![one]({address}) ![two](file://{address} 'title') ![*three* and four][ref] ![ref]\n\n"
        f"- ![five](../../../../../../../..{address})\n\n"
        f"> [![six]({address})](http://l.example)\n\n"
        f"![seven](file:////server{address}) ![eight](//server{address}) ![nine](http://server{address})\n\n"
        f'{markup(address)} <link rel="stylesheet" href="{address}">\n\n'
        f'<img src="{address}">\n\n'
        f"[ref]: {address}\n"
    )


def painted(*widgets: QWidget) -> Painted:
    """Each widget, shown, as it looks."""
    for widget in widgets:
        widget.show()
    return [widget.grab().toImage() for widget in widgets]


def tool_tip(widget: QWidget, place: QPoint) -> QImage:
    """Rest the pointer there until the tool tip is shown, and look at it."""
    widget.window().show()
    QToolTip.hideText()
    event = QHelpEvent(QEvent.Type.ToolTip, place, widget.mapToGlobal(place))
    QApplication.sendEvent(widget, event)
    (tip,) = (top for top in QApplication.topLevelWidgets() if top.inherits("QTipLabel") and top.isVisible())
    return tip.grab().toImage()


def answer(address: str) -> Painted:
    text = AnswerText()
    text.resize(600, 400)
    text.show()
    text.show_markdown(markdown(address))
    return painted(text)


def title_of_a_link_in_an_answer(address: str) -> Painted:
    text = AnswerText()
    text.resize(400, 100)
    text.show()
    text.show_markdown(f"[hover](http://l.example \"<img src='{address}'>\")")
    return [*painted(text), tool_tip(text.viewport(), QPoint(8, 8))]


def answer_that_is_copied(address: str) -> Painted:
    text = AnswerText()
    text.show_markdown(markdown(address))
    text.selectAll()
    text.copy()
    mime = QGuiApplication.clipboard().mimeData()
    for kind in mime.formats():
        mime.data(kind)  # made when they are asked for
    return painted(text)


def answer_with_all_around_it(address: str) -> Painted:
    words = markup(address)
    note = SourceRecord(1, words, words, 1, words, 1.0)
    facts = replace(FACTS, device=words)
    refused = TranscriptEntry(Role.ASSISTANT, words, EntryState.REFUSED, AnswerMode.MEMORY, detail=words)
    waiting = TranscriptEntry(Role.ASSISTANT, "", EntryState.RECALLING, AnswerMode.MEMORY, (note,))
    done = TranscriptEntry(
        Role.ASSISTANT, markdown(address), EntryState.COMPLETE, AnswerMode.MEMORY, (note,), facts
    )
    answers = [AnswerView(entry) for entry in (refused, waiting, done)]
    return painted(*answers, QuestionView(TranscriptEntry(Role.USER, words)))


def source_of_an_answer(address: str) -> Painted:
    words = markup(address)
    view = SourceView([SourceRecord(1, words, "/notes/boat.md", 1, f"Its first line.\n{words}", 1.0)])
    view.resize(400, 200)
    tip = tool_tip(view.toggle, QPoint(8, 8))
    view.toggle.click()
    return [*painted(view), tip]


def list_of_chats(address: str) -> Painted:
    chats = ChatListModel()
    chats.show([ChatRecord(1, markup(address), NOW, NOW)])
    popup = ChatListPopup(chats)
    popup.show()
    place = popup.list.visualRect(chats.index(0)).center()
    return [*painted(popup), tool_tip(popup.list.viewport(), place)]


def title_of_the_chat(address: str) -> Painted:
    chats = ChatListModel()
    view = ChatView(TranscriptModel(), chats)
    chats.setParent(view)
    view.set_title(markup(address))
    view.resize(700, 300)
    view.show()
    return [*painted(view), tool_tip(view.title, QPoint(4, 4))]


def library(address: str) -> Painted:
    words = markup(address)
    failed = document(1, "Failed", DocumentState.FAILED, reason=words)
    failed = replace(failed, title=words, path=Path(f"/notes/{words}"), reason_detail=words)
    ready = replace(document(2, "Ready"), title=words, path=Path(f"/notes/{words}.md"), note=words)
    documents = DocumentTableModel()
    view = LibraryView(documents)
    documents.setParent(view)
    view.set_loaded()
    documents.show([failed, ready])
    view.resize(500, 400)
    view.show()
    places = [view.table.visualRect(view.filter_model.index(row, Column.TITLE)).center() for row in range(2)]
    return [*painted(view), *(tool_tip(view.table.viewport(), place) for place in places)]


def watched_folders(address: str) -> Painted:
    view = FolderList()
    view.resize(400, 200)
    view.show_folders([FolderRecord(1, Path(f"/home/{markup(address)}"), NOW)])
    view.show()
    (path,) = view.findChildren(ElidedLabel)
    return [*painted(view), tool_tip(path, QPoint(4, 4))]


def device_in_the_status_line(address: str) -> Painted:
    words = markup(address)
    line = StatusLine()
    line.set_started()
    line.set_documents((replace(document(1, "Boat", DocumentState.LEARNING), title=words),))
    line.set_engine_state(EngineStateChanged("ingest", EngineState.READY, words, words))
    line.resize(900, 30)
    line.show()
    return [*painted(line), tool_tip(line.device, QPoint(4, 4))]


def notice(address: str) -> Painted:
    words = markup(address)
    bar = NoticeBar()
    bar.add(Notice(NoticeLevel.ERROR, words, words, words))
    bar.details_button.setChecked(True)
    bar.resize(700, 300)
    return painted(bar)


def questions_before_something_is_lost(address: str) -> Painted:
    words = markup(address)
    window = QWidget()
    window.show()
    confirm(window, words, words, "Delete", lambda: None)
    confirm_forgetting(window, [replace(document(1, "Boat"), title=words)], 1, lambda _: None)
    return painted(*window.findChildren(QMessageBox))


def empty_chat(address: str) -> Painted:
    words = markup(address)
    empty = EmptyState("chatEmpty")
    empty.say(words, words, "Button", [words])
    empty.resize(500, 400)
    return painted(empty)


def files_dragged_over_the_window(address: str) -> Painted:
    window = QWidget()
    window.resize(700, 400)
    window.show()
    overlay = DropOverlay(window)
    overlay.announce((Path(markup(address)),))
    return painted(window)


def base_model(address: str) -> Painted:
    words = markup(address)
    found = model("gemma-2-2b", ModelState.MISSING)
    verdict = replace(found.verdict, reason=words)
    parts = tuple(replace(part, page=f"file://{address}", repo=words) for part in found.parts)
    found = replace(
        found, title=words, summary=words, licence=words, problem=words, verdict=verdict, parts=parts
    )
    card = ModelCard()
    remark = Remark(words, f"{words} https://l.example/{words}")
    asking = TokenMissing(words, words)
    card.show_model(found, ModelsShown("embedded", "embedded", remarks={found.name: remark}))
    card.resize(600, 500)
    with_remark = painted(card)
    card.show_model(found, ModelsShown("embedded", "embedded", asking={found.name: asking}))
    files = ModelFilesDialog(found)
    files.add([Path(f"/models/{words}")])
    return [*with_remark, *painted(card, files)]


def rich_text_pasted_into_the_question(address: str) -> Painted:
    mime = QMimeData()
    mime.setHtml(markup(address))
    mime.setText(markup(address))
    QGuiApplication.clipboard().setMimeData(mime)
    question = QuestionEdit()
    question.resize(500, 100)
    question.show()
    question.paste()
    return painted(question)


SCENES: tuple[Scene, ...] = (
    answer,
    title_of_a_link_in_an_answer,
    answer_that_is_copied,
    answer_with_all_around_it,
    source_of_an_answer,
    list_of_chats,
    title_of_the_chat,
    library,
    watched_folders,
    device_in_the_status_line,
    notice,
    questions_before_something_is_lost,
    empty_chat,
    files_dragged_over_the_window,
    base_model,
    rich_text_pasted_into_the_question,
)


def main(folder: str) -> None:
    """Show and paint every scene, one after the other."""
    qt = QApplication([])
    for scene in SCENES:
        scene(f"{folder}/{scene.__name__}/picture.png")
        print(scene.__name__, flush=True)
    QGuiApplication.clipboard().clear()
    qt.shutdown()  # left to the interpreter's end, some widgets outlive it


if __name__ == "__main__":
    main(sys.argv[1])
