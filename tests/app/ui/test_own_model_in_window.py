"""The window while a model of the user's own is in use: what it cannot do is greyed, with the reason."""

import pytest
from PySide6.QtCore import Qt
from pytestqt.qtbot import QtBot

from app.services.settings import Settings
from app.ui.chat_view import NO_MEMORY
from app.ui.main_window import MainWindow
from engine.messages import AnswerMode
from tests.app.ui.fakes import FakeApplication


@pytest.fixture
def services(services: FakeApplication) -> FakeApplication:
    services.settings.current = Settings(model="mine", mode=AnswerMode.MEMORY)
    return services


def test_memory_cannot_be_chosen_and_questions_are_answered_from_passages(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    box = window.chat.mode_box
    rows = {AnswerMode(box.itemData(row)): row for row in range(box.count())}
    memory = box.model().index(rows[AnswerMode.MEMORY], 0)

    assert not memory.flags() & Qt.ItemFlag.ItemIsEnabled
    assert NO_MEMORY in memory.data(Qt.ItemDataRole.ToolTipRole)
    assert window.chat.mode is AnswerMode.QUOTES
    assert box.currentText() == "From passages"
    window.chat.set_mode(AnswerMode.MEMORY)
    assert window.chat.mode is AnswerMode.QUOTES
    window.chat.set_mode(AnswerMode.PLAIN)
    assert window.chat.mode_box.currentText() == "Without notes"
