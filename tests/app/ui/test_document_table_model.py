from dataclasses import replace

import pytest
from hypothesis import given
from hypothesis import strategies as st
from PySide6.QtCore import Qt
from PySide6.QtTest import QAbstractItemModelTester
from pytestqt.qtbot import QtBot

from app.ui.document_table_model import (
    Column,
    DocumentFilter,
    DocumentRole,
    DocumentTableModel,
    plural,
    remark,
    state_in_words,
)
from app.ui.library_view import counts_in_words
from storage.records import DocumentKind, DocumentRecord, DocumentState
from tests.app.ui.fakes import document

BOAT = document(1, "Boat")
CAR = document(2, "Car", DocumentState.FAILED, reason="The file is empty.")
DIARY = document(3, "Diary", DocumentState.LEARNING)


def checked_model() -> tuple[DocumentTableModel, QAbstractItemModelTester]:
    model = DocumentTableModel()
    return model, QAbstractItemModelTester(model, QAbstractItemModelTester.FailureReportingMode.Fatal)


@given(st.lists(st.lists(st.integers(0, 12), unique=True, max_size=10), min_size=1, max_size=5))
def test_after_any_series_of_changes_the_rows_are_what_was_shown_last(orders: list[list[int]]) -> None:
    model, _tester = checked_model()
    for version, order in enumerate(orders):
        shown = tuple(
            replace(document(document_id, f"Note {document_id}"), n_chunks=version) for document_id in order
        )
        model.show(shown)
        assert model.documents == shown
        assert [model.index(row, 0).data() for row in range(model.rowCount())] == [d.title for d in shown]


def test_a_row_keeps_its_place_among_new_ones_without_a_reset(qtbot: QtBot) -> None:
    model, _tester = checked_model()
    model.show((BOAT, DIARY))
    with qtbot.assertNotEmitted(model.modelReset), qtbot.waitSignal(model.rowsInserted):
        model.show((BOAT, CAR, DIARY))
    with qtbot.assertNotEmitted(model.modelReset), qtbot.waitSignal(model.rowsRemoved):
        model.show((CAR, DIARY))
    with qtbot.assertNotEmitted(model.modelReset), qtbot.waitSignal(model.rowsMoved):
        model.show((DIARY, CAR))


def test_nothing_is_said_when_nothing_changed(qtbot: QtBot) -> None:
    model, _tester = checked_model()
    model.show((BOAT, CAR))
    with qtbot.assertNotEmitted(model.dataChanged), qtbot.assertNotEmitted(model.modelReset):
        model.show((BOAT, CAR))


def test_checking_a_box_shows_at_once_and_tells_the_ids(qtbot: QtBot) -> None:
    model, _tester = checked_model()
    model.show((BOAT,))
    index = model.index(0, Column.TITLE)
    with qtbot.waitSignal(model.enabled_changed) as told:
        assert model.setData(index, Qt.CheckState.Unchecked.value, Qt.ItemDataRole.CheckStateRole)
    assert told.args == [(1,), False]
    assert index.data(Qt.ItemDataRole.CheckStateRole) == Qt.CheckState.Unchecked


def test_only_titles_can_be_checked() -> None:
    model, _tester = checked_model()
    model.show((BOAT,))
    assert not model.setData(model.index(0, Column.STATE), 0, Qt.ItemDataRole.CheckStateRole)
    assert model.flags(model.index(0, Column.TITLE)) & Qt.ItemFlag.ItemIsUserCheckable
    assert not model.flags(model.index(0, Column.STATE)) & Qt.ItemFlag.ItemIsUserCheckable


def test_progress_turns_into_words_and_ends_with_the_learning() -> None:
    model, _tester = checked_model()
    model.show((DIARY,))
    model.set_progress(3, 2, 7)
    assert model.index(0, Column.STATE).data() == "Learning, 2 of 7"
    model.show((replace(DIARY, state=DocumentState.READY, n_chunks=7),))
    assert model.index(0, Column.STATE).data() == "Ready"
    assert model.index(0, Column.STATE).data(DocumentRole.PROGRESS) is None


def test_progress_that_comes_before_its_row_is_not_lost() -> None:
    model, _tester = checked_model()
    model.set_progress(3, 1, 4)
    model.show((DIARY,))
    assert model.index(0, Column.STATE).data() == "Learning, 1 of 4"


def test_two_notes_are_never_counted_as_being_learnt_at_once() -> None:
    model, _tester = checked_model()
    first = document(1, "A", DocumentState.LEARNING)
    second = document(2, "B", DocumentState.QUEUED)
    model.show((first, second))
    model.set_progress(2, 0, 4)  # the worker is ahead of what was read from the catalog
    assert counts_in_words(model.documents) == "0 notes ready, 1 learning, 1 waiting"
    model.show((replace(first, state=DocumentState.READY), replace(second, state=DocumentState.LEARNING)))
    assert counts_in_words(model.documents) == "1 note ready, 1 learning"


@pytest.mark.parametrize(
    ("shown", "words"),
    [
        (document(1, "A", DocumentState.QUEUED), "Waiting"),
        (document(1, "A", DocumentState.LEARNING), "Reading…"),
        (document(1, "A"), "Ready"),
        (document(1, "A", enabled=False), "Ready, off"),
        (document(1, "A", DocumentState.FAILED), "Failed"),
    ],
)
def test_every_state_has_its_words(shown: DocumentRecord, words: str) -> None:
    assert state_in_words(shown, None) == words


def test_a_failed_row_says_why_and_what_exactly() -> None:
    model, _tester = checked_model()
    model.show((CAR,))
    index = model.index(0, Column.TITLE)
    assert index.data(DocumentRole.REMARK) == "The file is empty."
    assert "The file has 0 bytes." in index.data(Qt.ItemDataRole.ToolTipRole)
    assert "The file is empty." in index.data(Qt.ItemDataRole.AccessibleTextRole)


def test_a_ready_row_says_how_it_was_read() -> None:
    shown = replace(BOAT, note="Read as Windows-1252.")
    assert remark(shown) == "2 passages · Read as Windows-1252."


def test_an_imported_adapter_is_shown_as_what_it_is_and_not_counted_as_a_note() -> None:
    style = document(9, "Style", kind=DocumentKind.ADAPTER, n_chunks=0)
    shown = replace(style, note="rank 4 on q_proj")
    assert remark(shown) == "Imported adapter · rank 4 on q_proj"
    assert counts_in_words([BOAT, shown]) == "1 note ready, 1 imported adapter ready"
    off = replace(shown, enabled=False)
    assert counts_in_words([BOAT, shown, off]) == "1 note ready, 2 imported adapters ready (1 off)"


@pytest.mark.parametrize(
    ("text", "titles"),
    [
        ("", ["Boat", "Car", "Diary"]),
        ("CAR", ["Car"]),
        ("failed", ["Car"]),
        ("empty file", ["Car"]),
        (".md learn", []),
        (".md reading", ["Diary"]),
        ("zebra", []),
    ],
)
def test_the_filter_finds_title_state_reason_and_path(text: str, titles: list[str]) -> None:
    model, _tester = checked_model()
    model.show((BOAT, CAR, DIARY))
    rows = DocumentFilter(model)
    rows.set_text(text)
    assert [rows.index(row, 0).data() for row in range(rows.rowCount())] == titles


def test_numbers_agree_with_their_nouns() -> None:
    assert [plural(n, "note") for n in (0, 1, 2, 12000)] == ["0 notes", "1 note", "2 notes", "12,000 notes"]
