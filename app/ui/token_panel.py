"""Where the user gives a token that a publisher wants."""

from markupsafe import Markup
from PySide6.QtCore import QEvent, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QLineEdit, QPushButton, QVBoxLayout, QWidget

from app.services.hub_token import TokenMissing
from app.ui.links import with_links
from app.ui.plain_text import MarkupLabel
from app.ui.theme import GAP, current_theme


class TokenPanel(QFrame):
    """Says what the publisher wants, with links, and takes a token unseen. Hidden until ``ask``.

    Signals:
        token_given: the user typed or pasted something. text: as it stands in the field.
    """

    token_given = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("tokenPanel")
        self._missing: TokenMissing | None = None
        self.words = MarkupLabel(self, opens_links=True)
        self.words.setWordWrap(True)
        self.field = QLineEdit(self)
        self.field.setEchoMode(QLineEdit.EchoMode.Password)
        self.field.setPlaceholderText("Paste the token here; it stays invisible")
        self.field.setAccessibleName("Token for the Hugging Face hub")
        self.field.setAcceptDrops(False)
        self.field.setMaxLength(1000)
        self.button = QPushButton("Use token", self)
        self.button.setProperty("kind", "primary")
        self.button.setAutoDefault(False)
        self.button.setEnabled(False)
        self.field.textChanged.connect(self._on_text_changed)
        self.field.returnPressed.connect(self._on_given)
        self.button.clicked.connect(self._on_given)
        line = QHBoxLayout()
        line.setSpacing(GAP)
        line.addWidget(self.field, 1)
        line.addWidget(self.button)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(12, 10, 12, 12)
        layout.setSpacing(GAP)
        layout.addWidget(self.words)
        layout.addLayout(line)
        self.hide()

    def ask(self, missing: TokenMissing | None) -> None:
        """Show the question, or with None nothing. What was typed stays for another try."""
        if missing is None and self._missing is None:
            return
        self._missing = missing
        self.setVisible(missing is not None)
        self._write()

    def forget(self) -> None:
        """Keep nothing of what was typed."""
        self.field.clear()

    def changeEvent(self, event: QEvent) -> None:
        """The links carry their colour with them."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._write()

    def _write(self) -> None:
        if self._missing is not None:
            colour = current_theme(self).accent
            title, detail = (with_links(text, colour) for text in (self._missing.title, self._missing.detail))
            words = Markup("<b>{}</b> {} Then paste it here; Loreleaf keeps it once it worked.")
            self.words.setText(words.format(title, detail))

    def _on_text_changed(self, text: str) -> None:
        self.button.setEnabled(bool(text.strip()))

    def _on_given(self) -> None:
        if self.field.text().strip():
            self.token_given.emit(self.field.text())
