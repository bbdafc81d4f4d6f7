"""A label that shortens its text instead of asking for more room."""

from PySide6.QtCore import QSize, Qt
from PySide6.QtGui import QPainter, QPaintEvent
from PySide6.QtWidgets import QWidget

from app.ui.plain_text import PlainLabel


class ElidedLabel(PlainLabel):
    """One line of plain text; what does not fit becomes an ellipsis."""

    def __init__(self, text: str, elide: Qt.TextElideMode, parent: QWidget | None = None) -> None:
        super().__init__(text, parent)
        self._elide = elide

    def minimumSizeHint(self) -> QSize:
        """Room for a few characters is enough."""
        return QSize(self.fontMetrics().horizontalAdvance("abcdef…"), super().minimumSizeHint().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Draw what fits."""
        painter = QPainter(self)
        rect = self.contentsRect()
        words = self.fontMetrics().elidedText(self.text(), self._elide, rect.width())
        self.style().drawItemText(
            painter,
            rect,
            int(self.alignment() | Qt.AlignmentFlag.AlignVCenter),
            self.palette(),
            self.isEnabled(),
            words,
            self.foregroundRole(),
        )
