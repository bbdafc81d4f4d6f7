"""What the whole window says while files are dragged over it."""

from pathlib import Path

from PySide6.QtCore import QEvent, QMimeData, QObject, QRectF, Qt
from PySide6.QtGui import QColor, QPainter, QPaintEvent, QPen
from PySide6.QtWidgets import QWidget

from app.ui.theme import current_theme
from storage.titles import on_one_line


def local_paths(mime: QMimeData) -> tuple[Path, ...]:
    """The files and folders of a drag; empty when it carries none from this machine."""
    return tuple(Path(url.toLocalFile()) for url in mime.urls() if url.isLocalFile())


class DropOverlay(QWidget):
    """Covers its parent while shown. It takes no drops itself: they go to the window below."""

    def __init__(self, parent: QWidget) -> None:
        super().__init__(parent)
        self.setAttribute(Qt.WidgetAttribute.WA_TransparentForMouseEvents)
        self.setAccessibleName("Drop here to learn")
        self._title = ""
        self.hide()
        parent.installEventFilter(self)

    def announce(self, paths: tuple[Path, ...]) -> None:
        """Show what dropping ``paths`` would do."""
        n = len(paths)
        if n == 1:
            what = f"“{on_one_line(paths[0].name)}”"
        elif n:
            what = f"{n:,} items"
        else:
            what = "these notes"
        self._title = f"Drop to learn {what}"
        self.setGeometry(self._covered().rect())
        self.raise_()
        self.show()

    def paintEvent(self, _event: QPaintEvent) -> None:
        """A veil, a dashed frame and two lines of text."""
        theme = current_theme(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        veil = QColor(theme.window)
        veil.setAlphaF(0.92)  # what is behind must not compete with the card
        painter.fillRect(self.rect(), veil)
        card = QRectF(0, 0, min(self.width() - 80, 680), 150)
        card.moveCenter(QRectF(self.rect()).center())
        painter.setPen(QPen(QColor(theme.line), 1))
        painter.setBrush(QColor(theme.surface))
        painter.drawRoundedRect(card, 16, 16)
        painter.setBrush(Qt.BrushStyle.NoBrush)
        pen = QPen(QColor(theme.accent), 2, Qt.PenStyle.DashLine)
        painter.setPen(pen)
        painter.drawRoundedRect(QRectF(self.rect()).adjusted(10, 10, -10, -10), 16, 16)
        font = self.font()
        font.setPointSizeF(font.pointSizeF() * 1.8)
        font.setBold(True)
        painter.setFont(font)
        painter.setPen(QColor(theme.text))
        middle = card.toRect().adjusted(24, 0, -24, -32)
        title = painter.fontMetrics().elidedText(self._title, Qt.TextElideMode.ElideMiddle, middle.width())
        painter.drawText(middle, Qt.AlignmentFlag.AlignCenter, title)
        painter.setFont(self.font())
        painter.setPen(QColor(theme.muted))
        painter.drawText(
            card.toRect().adjusted(24, 44, -24, 0),
            Qt.AlignmentFlag.AlignCenter,
            "Files and whole folders. They stay where they are, and nothing leaves this computer.",
        )

    def eventFilter(self, watched: QObject, event: QEvent) -> bool:
        """Keep covering a window that changes its size."""
        if event.type() == QEvent.Type.Resize and self.isVisible():
            self.setGeometry(self._covered().rect())
        return super().eventFilter(watched, event)

    def _covered(self) -> QWidget:
        parent = self.parentWidget()
        assert parent is not None  # given to the constructor
        return parent
