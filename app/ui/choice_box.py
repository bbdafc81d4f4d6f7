"""A combo box that fits the rest of the window."""

from PySide6.QtCore import QPointF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QComboBox

from app.ui.theme import current_theme


class ChoiceBox(QComboBox):
    """A QComboBox with its own arrow: a style sheet that rounds the box takes the style's arrow away."""

    def paintEvent(self, event: QPaintEvent) -> None:
        """The styled box, then a chevron at the right."""
        super().paintEvent(event)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        painter.setPen(
            QPen(QColor(current_theme(self).muted), 1.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap)
        )
        x, y = self.width() - 15.0, self.height() / 2
        painter.drawPolyline([QPointF(x - 4, y - 2), QPointF(x, y + 2), QPointF(x + 4, y - 2)])
