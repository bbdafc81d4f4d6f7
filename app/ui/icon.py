"""The program's icon, drawn: a leaf on a page."""

from PySide6.QtCore import QPointF, QRectF, Qt
from PySide6.QtGui import QColor, QIcon, QPainter, QPainterPath, QPen, QPixmap

SIZES = (16, 32, 48, 128, 256)


def app_icon() -> QIcon:
    """The icon in all sizes a desktop asks for."""
    icon = QIcon()
    for size in SIZES:
        icon.addPixmap(_draw(size))
    return icon


def _draw(size: int) -> QPixmap:
    pixmap = QPixmap(size, size)
    pixmap.fill(Qt.GlobalColor.transparent)
    painter = QPainter(pixmap)
    painter.setRenderHint(QPainter.RenderHint.Antialiasing)
    painter.scale(size / 64, size / 64)
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor("#25704f"))
    painter.drawRoundedRect(QRectF(2, 2, 60, 60), 15, 15)
    leaf = QPainterPath(QPointF(15, 49))
    leaf.cubicTo(10, 24, 26, 12, 51, 13)
    leaf.cubicTo(52, 38, 40, 54, 15, 49)
    painter.setBrush(QColor("#f3f4f1"))
    painter.drawPath(leaf)
    painter.setPen(QPen(QColor("#25704f"), 2.6, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
    for start, end in (((15, 49), (43, 21)), ((25, 39), (24, 29)), ((31, 33), (42, 33))):
        painter.drawLine(QPointF(*start), QPointF(*end))
    painter.end()
    return pixmap
