"""Where the question is typed."""

from PySide6.QtCore import QEvent, QSize, Qt, Signal
from PySide6.QtGui import QFocusEvent, QInputMethodEvent, QKeyEvent, QResizeEvent
from PySide6.QtWidgets import QPlainTextEdit, QSizePolicy, QWidget

MAX_LINES = 8


class QuestionEdit(QPlainTextEdit):
    """Grows with its text up to MAX_LINES lines. Enter sends, Shift+Enter breaks the line.

    An Enter that confirms a word in an input method (Chinese, Japanese, Korean) does not send.

    Signals:
        submitted: Enter was pressed and there is something to send.
        focus_changed: it got or lost the keyboard.
    """

    submitted = Signal()
    focus_changed = Signal(bool)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._is_composing = False
        self.setObjectName("question")
        self.setPlaceholderText("Ask your notes…")
        self.setAccessibleName("Question")
        self.setAccessibleDescription("Enter sends, Shift and Enter breaks the line.")
        self.setTabChangesFocus(True)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        # A file dropped on the question is for the library; the window takes it.
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.viewport().setAutoFillBackground(False)
        self.document().setDocumentMargin(2)
        self.textChanged.connect(self._fit)
        self._fit()

    def question(self) -> str:
        """The text without blanks around it."""
        return self.toPlainText().strip()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Decide what Enter means."""
        is_enter = event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}
        is_newline = bool(event.modifiers() & Qt.KeyboardModifier.ShiftModifier)
        if is_enter and not is_newline and not self._is_composing:
            if self.question():
                self.submitted.emit()
            event.accept()
            return
        super().keyPressEvent(event)

    def inputMethodEvent(self, event: QInputMethodEvent) -> None:
        """Remember whether a word is being composed."""
        self._is_composing = bool(event.preeditString())
        super().inputMethodEvent(event)

    def focusInEvent(self, event: QFocusEvent) -> None:
        """Tell the frame around it."""
        super().focusInEvent(event)
        self.focus_changed.emit(True)

    def focusOutEvent(self, event: QFocusEvent) -> None:
        """Tell the frame around it."""
        self._is_composing = False
        super().focusOutEvent(event)
        self.focus_changed.emit(False)

    def changeEvent(self, event: QEvent) -> None:
        """A new font has a new height."""
        super().changeEvent(event)
        if event.type() in {QEvent.Type.FontChange, QEvent.Type.StyleChange}:
            self._fit()

    def resizeEvent(self, event: QResizeEvent) -> None:
        """A new width wraps differently."""
        super().resizeEvent(event)
        self._fit()

    def sizeHint(self) -> QSize:
        """As high as the text."""
        return QSize(super().sizeHint().width(), self.height())

    def _fit(self) -> None:
        # QPlainTextEdit's document counts its height in lines, wrapped ones included.
        n_lines = max(1, int(self.document().size().height()))
        shown = min(n_lines, MAX_LINES)
        self.setVerticalScrollBarPolicy(
            Qt.ScrollBarPolicy.ScrollBarAsNeeded if n_lines > shown else Qt.ScrollBarPolicy.ScrollBarAlwaysOff
        )
        height = self.fontMetrics().lineSpacing() * shown + 8
        if height != self.height():
            self.setFixedHeight(height)
