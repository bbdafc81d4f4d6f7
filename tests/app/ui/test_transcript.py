from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QGuiApplication
from PySide6.QtTest import QAbstractItemModelTester, QTest
from pytestqt.qtbot import QtBot

from app.ui.answer_text import with_hard_breaks
from app.ui.transcript_model import EntryState, TranscriptModel
from app.ui.transcript_view import TranscriptView
from app.ui.turn_view import AnswerView, facts_in_words, waiting_words
from engine.messages import AnswerMode
from storage.records import AnswerFacts, Role, SourceRecord, SourceState, TurnRecord
from tests.app.ui.fakes import FACTS, source

NOW = datetime(2026, 3, 14, tzinfo=UTC)


@pytest.fixture
def model() -> TranscriptModel:
    return TranscriptModel()


@pytest.fixture
def view(qtbot: QtBot, model: TranscriptModel) -> TranscriptView:
    view = TranscriptView(model)
    qtbot.addWidget(view)
    view.resize(600, 400)
    view.show()
    return view


def answer_of(view: TranscriptView) -> AnswerView:
    answer = view.turns[-1]
    assert isinstance(answer, AnswerView)
    return answer


def test_a_chat_grows_by_question_pieces_and_end(model: TranscriptModel) -> None:
    _tester = QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)
    model.begin_question("Which colour?", AnswerMode.MEMORY)
    model.set_sources((source(),))
    model.append_text("Dark ")
    model.append_text("green.")
    assert [entry.state for entry in model.entries] == [EntryState.COMPLETE, EntryState.STREAMING]
    assert model.entries[1].text == "Dark green."
    model.finish("Dark green.", (source(),), FACTS, stopped=False)
    assert model.entries[1].state is EntryState.COMPLETE
    assert model.entries[1].facts == FACTS


def test_text_without_a_question_is_a_bug_of_ours(model: TranscriptModel) -> None:
    with pytest.raises(RuntimeError, match="no answer is awaited"):
        model.append_text("Dark")


def test_every_wait_has_words(model: TranscriptModel) -> None:
    model.begin_question("Which colour?", AnswerMode.MEMORY)
    assert waiting_words(model.entries[1]) == "Finding the notes that matter…"
    model.set_sources((source("Boat", 0.5), source("Bees", 0.5)))
    assert waiting_words(model.entries[1]) == "Remembering Boat, Bees…"


def test_many_sources_are_counted_not_listed(model: TranscriptModel) -> None:
    model.begin_question("Which colour?", AnswerMode.QUOTES)
    model.set_sources(tuple(source(title, 0.2) for title in "ABCDE"))
    assert waiting_words(model.entries[1]) == "Reading A, B, C and 2 more…"


def test_streamed_text_appears_as_it_comes(view: TranscriptView, model: TranscriptModel) -> None:
    model.begin_question("Which colour?", AnswerMode.MEMORY)
    answer = answer_of(view)
    assert not answer.waiting.isHidden()
    model.append_text("Dark ")
    assert "Dark" in answer.text.toPlainText()
    assert answer.waiting.isHidden()
    model.append_text("green.")
    assert "Dark green." in answer.text.toPlainText()


def test_a_finished_answer_has_its_sources_strongest_first_and_its_facts(
    view: TranscriptView, model: TranscriptModel
) -> None:
    model.begin_question("Which colour?", AnswerMode.MEMORY)
    model.finish("Dark green.", (source("Bees", 0.3), source("Boat", 0.7)), FACTS, stopped=False)
    answer = answer_of(view)
    assert [shown.toggle.text() for shown in answer.source_views] == ["Boat", "Bees"]
    assert answer.facts.text().split("  ·  ") == [
        "31 prompt tokens",
        "adapter rank 24",
        "first word after 0.41 s",
        "17.3 tokens/s",
        "CPU, 2 threads",
    ]


def test_a_source_opens_to_its_passage_and_closes_again(
    qtbot: QtBot, view: TranscriptView, model: TranscriptModel
) -> None:
    model.begin_question("Which colour?", AnswerMode.MEMORY)
    model.finish("Dark green.", (source("Boat"),), FACTS, stopped=False)
    shown = answer_of(view).source_views[0]
    assert shown.passage.isHidden()
    QTest.mouseClick(shown.toggle, Qt.MouseButton.LeftButton)
    assert not shown.passage.isHidden()
    assert shown.passage.text() == "What Boat says."
    QTest.mouseClick(shown.toggle, Qt.MouseButton.LeftButton)
    assert shown.passage.isHidden()


def test_an_imported_adapter_among_the_sources_has_nothing_to_open(
    qtbot: QtBot, view: TranscriptView, model: TranscriptModel, tmp_path: Path
) -> None:
    file = tmp_path / "adapter_model.safetensors"
    file.touch()
    model.begin_question("Which colour?", AnswerMode.MEMORY)
    imported = replace(source("Style"), path=str(file), passage="")
    model.finish("Dark green.", (imported,), FACTS, stopped=False)
    shown = answer_of(view).source_views[0]
    assert shown.toggle.text() == "Style"
    QTest.mouseClick(shown.toggle, Qt.MouseButton.LeftButton)
    assert shown.passage.text() == "An imported adapter. It has no text to show."
    assert shown.open_button.isHidden()


def test_a_note_with_several_passages_is_named_once(view: TranscriptView, model: TranscriptModel) -> None:
    model.begin_question("Which colour?", AnswerMode.MEMORY)
    two = (
        replace(source("Boat", 0.2), passage="Its hull."),
        replace(source("Boat", 0.35), passage="Its mast."),
    )
    model.finish("Dark green.", (two[0], source("Bees", 0.45), two[1]), FACTS, stopped=False)
    boat, bees = answer_of(view).source_views
    assert (boat.toggle.text(), bees.toggle.text()) == ("Boat", "Bees")
    assert boat.passage.text() == "Its mast.\n\nIts hull."
    assert boat.toggle.accessibleName() == "Source Boat, share 55%"


def test_a_stopped_answer_keeps_its_words_and_says_so(view: TranscriptView, model: TranscriptModel) -> None:
    model.begin_question("Which colour?", AnswerMode.MEMORY)
    model.append_text("Dark")
    model.finish("Dark", (), FACTS, stopped=True)
    answer = answer_of(view)
    assert answer.text.text == "Dark"
    assert answer.remark.text() == "You stopped this answer."


def test_a_refused_answer_says_why_and_can_be_asked_again(
    qtbot: QtBot, view: TranscriptView, model: TranscriptModel
) -> None:
    model.begin_question("Which colour?", AnswerMode.MEMORY)
    model.refuse("The answering process stopped.", "It was started again.")
    answer = answer_of(view)
    assert answer.refusal.text() == "The answering process stopped."
    assert not answer.refusal_detail.isHidden()
    with qtbot.waitSignal(view.retry_requested) as asked:
        QTest.mouseClick(answer.retry_button, Qt.MouseButton.LeftButton)
    assert asked.args == ["Which colour?"]


@pytest.mark.parametrize(
    ("mode", "words"),
    [
        (AnswerMode.PLAIN, "Answered without your notes."),
        (AnswerMode.MEMORY, "None of your notes took part."),
    ],
)
def test_an_answer_without_sources_says_so(
    view: TranscriptView, model: TranscriptModel, mode: AnswerMode, words: str
) -> None:
    model.begin_question("Which colour?", mode)
    model.finish("Blue.", (), FACTS, stopped=False)
    assert answer_of(view).remark.text() == words


def test_stored_turns_look_like_answered_ones(view: TranscriptView, model: TranscriptModel) -> None:
    model.show(
        (
            TurnRecord(1, 1, Role.USER, "Which colour?", None, (), None, False, NOW),
            TurnRecord(2, 1, Role.ASSISTANT, "Green.", "memory", (source(),), FACTS, False, NOW),
        )
    )
    assert len(view.turns) == 2
    assert answer_of(view).text.text == "Green."
    model.show(())
    assert list(view.turns) == []


def test_copy_takes_the_words_as_the_model_wrote_them(
    qtbot: QtBot, view: TranscriptView, model: TranscriptModel
) -> None:
    model.begin_question("Which colour?", AnswerMode.MEMORY)
    model.finish("**Dark** green.", (), FACTS, stopped=False)
    QTest.mouseClick(answer_of(view).copy_button, Qt.MouseButton.LeftButton)
    assert QGuiApplication.clipboard().text() == "**Dark** green."


def test_the_view_follows_the_answer_unless_the_user_scrolled_up(
    qtbot: QtBot, view: TranscriptView, model: TranscriptModel
) -> None:
    bar = view.verticalScrollBar()
    model.begin_question("Tell me everything.", AnswerMode.MEMORY)
    model.append_text("A line.\n\n" * 60)
    qtbot.waitUntil(lambda: bar.maximum() > 0 and bar.value() == bar.maximum())
    bar.setValue(0)
    before = bar.maximum()
    model.append_text("Another line.\n\n" * 20)
    qtbot.waitUntil(lambda: bar.maximum() > before)
    assert bar.value() == 0


def test_line_ends_of_the_model_are_kept_outside_code() -> None:
    assert with_hard_breaks("a\nb\n\nc") == "a  \nb\n\nc"
    assert with_hard_breaks("```\na\nb\n```") == "```\na\nb\n```"


def test_a_speed_of_nothing_is_left_out() -> None:
    facts = AnswerFacts(9, 1, 0, 0.2, 0.0, "CPU")
    assert facts_in_words(facts) == "9 prompt tokens  ·  no adapter  ·  first word after 0.20 s  ·  CPU"


def test_an_answer_the_engine_never_saw_has_no_facts() -> None:
    assert facts_in_words(AnswerFacts(0, 0, 0, 0.0, 0.0, "")) == ""


def test_a_source_that_was_forgotten_or_changed_says_so(view: TranscriptView, model: TranscriptModel) -> None:
    model.begin_question("Which colour?", AnswerMode.MEMORY)
    forgotten = SourceRecord(None, "", "", None, "", 0.4, SourceState.FORGOTTEN)
    changed = replace(source("Boat", 0.6), chunk_id=None, passage="", state=SourceState.CHANGED)
    model.finish("Dark green.", (changed, forgotten), FACTS, stopped=False)
    boat, gone = answer_of(view).source_views
    assert (boat.toggle.text(), boat.passage.text()) == ("Boat", "This passage was changed or removed since.")
    assert gone.toggle.text() == "A forgotten note"
    QTest.mouseClick(gone.toggle, Qt.MouseButton.LeftButton)
    assert gone.passage.text() == "It was forgotten, and its passages with it."
    assert gone.open_button.isHidden()
