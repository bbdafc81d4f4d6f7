import pytest
from PySide6.QtCore import QCoreApplication, Qt
from PySide6.QtGui import QInputMethodEvent
from PySide6.QtTest import QTest
from pytestqt.qtbot import QtBot

from app.ui.composer import MAX_LINES, QuestionEdit


@pytest.fixture
def edit(qtbot: QtBot) -> QuestionEdit:
    edit = QuestionEdit()
    qtbot.addWidget(edit)
    edit.resize(300, 40)
    edit.show()
    return edit


@pytest.mark.parametrize("key", [Qt.Key.Key_Return, Qt.Key.Key_Enter])
def test_enter_sends(qtbot: QtBot, edit: QuestionEdit, key: Qt.Key) -> None:
    QTest.keyClicks(edit, "Which colour?")
    with qtbot.waitSignal(edit.submitted):
        QTest.keyClick(edit, key)
    assert edit.question() == "Which colour?"


def test_shift_and_enter_breaks_the_line(qtbot: QtBot, edit: QuestionEdit) -> None:
    QTest.keyClicks(edit, "Which")
    with qtbot.assertNotEmitted(edit.submitted):
        QTest.keyClick(edit, Qt.Key.Key_Return, Qt.KeyboardModifier.ShiftModifier)
    QTest.keyClicks(edit, "colour?")
    assert edit.question() == "Which\ncolour?"


def test_enter_sends_no_blanks(qtbot: QtBot, edit: QuestionEdit) -> None:
    QTest.keyClicks(edit, "   ")
    with qtbot.assertNotEmitted(edit.submitted):
        QTest.keyClick(edit, Qt.Key.Key_Return)


def test_enter_that_confirms_an_input_methods_word_does_not_send(qtbot: QtBot, edit: QuestionEdit) -> None:
    edit.setPlainText("色")
    QCoreApplication.sendEvent(edit, QInputMethodEvent("いろ", []))
    with qtbot.assertNotEmitted(edit.submitted):
        QTest.keyClick(edit, Qt.Key.Key_Return)
    confirmed = QInputMethodEvent("", [])
    confirmed.setCommitString("色")
    QCoreApplication.sendEvent(edit, confirmed)
    with qtbot.waitSignal(edit.submitted):
        QTest.keyClick(edit, Qt.Key.Key_Return)


def test_it_grows_with_its_lines_up_to_a_limit(edit: QuestionEdit) -> None:
    one = edit.height()
    edit.setPlainText("a\nb\nc")
    three = edit.height()
    edit.setPlainText("\n".join("line" for _ in range(MAX_LINES + 20)))
    most = edit.height()
    edit.clear()
    assert one < three < most
    assert most <= edit.fontMetrics().lineSpacing() * MAX_LINES + 8
    assert edit.height() == one
