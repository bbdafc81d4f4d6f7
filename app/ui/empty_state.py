"""What a panel says when it has nothing to show: one sentence, and one button or a few things to ask."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import QPushButton, QVBoxLayout, QWidget

from app.ui.plain_text import PlainLabel, button_text


class EmptyState(QWidget):
    """A title, a sentence and at most one button, in the middle; below, suggestions.

    Signals:
        suggestion_clicked: the user took a suggestion. text: its words.
    """

    suggestion_clicked = Signal(str)

    def __init__(self, object_name: str, *, is_primary: bool = False, parent: QWidget | None = None) -> None:
        """Args: is_primary: whether its button is the one that matters most in the window."""
        super().__init__(parent)
        self.setObjectName(object_name)
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self.title = PlainLabel(parent=self)
        self.title.setProperty("kind", "title")
        self.sentence = PlainLabel(parent=self)
        self.sentence.setProperty("kind", "muted")
        for label in (self.title, self.sentence):
            label.setAlignment(Qt.AlignmentFlag.AlignHCenter)
            label.setWordWrap(True)
        self.button = QPushButton(self)
        if is_primary:
            self.button.setProperty("kind", "primary")
        self._suggestions: tuple[str, ...] = ()
        self._suggestion_buttons: list[QPushButton] = []
        self._below = QVBoxLayout()
        self._below.setSpacing(8)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 24, 24, 24)
        layout.setSpacing(10)
        layout.addStretch(2)
        layout.addWidget(self.title)
        layout.addWidget(self.sentence)
        layout.addSpacing(6)
        layout.addWidget(self.button, 0, Qt.AlignmentFlag.AlignHCenter)
        layout.addLayout(self._below)
        layout.addStretch(3)

    @property
    def suggestion_buttons(self) -> tuple[QPushButton, ...]:
        """What is suggested, in order."""
        return tuple(self._suggestion_buttons)

    def say(self, title: str, sentence: str, button: str = "", suggestions: Sequence[str] = ()) -> None:
        """Show these words; without ``button`` there is none."""
        self.title.setText(title)
        self.title.setVisible(bool(title))
        self.sentence.setText(sentence)
        self.button.setText(button)
        self.button.setAccessibleName(button)
        self.button.setVisible(bool(button))
        self._suggest(tuple(suggestions))

    def _suggest(self, suggestions: tuple[str, ...]) -> None:
        if suggestions == self._suggestions:
            return
        self._suggestions = suggestions
        for old in self._suggestion_buttons:
            self._below.removeWidget(old)
            old.hide()
            old.deleteLater()
        self._suggestion_buttons = []
        for text in suggestions:
            button = QPushButton(button_text(text), self)
            button.setProperty("suggestion", text)
            button.setAccessibleName(f"Ask: {text}")
            button.clicked.connect(self._on_suggestion_clicked)
            self._below.addWidget(button, 0, Qt.AlignmentFlag.AlignHCenter)
            self._suggestion_buttons.append(button)

    def _on_suggestion_clicked(self) -> None:
        self.suggestion_clicked.emit(self.sender().property("suggestion"))
