"""One note under an answer: its share, and its passages when it is opened."""

from collections.abc import Sequence
from pathlib import Path

from PySide6.QtCore import QRectF, QSize, Qt, QUrl
from PySide6.QtGui import QColor, QDesktopServices, QPainter, QPaintEvent, QResizeEvent
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.plain_text import PlainLabel, button_text, set_tool_tip
from app.ui.theme import current_theme
from storage.records import SourceRecord, SourceState
from storage.titles import on_one_line

NO_TEXT = "An imported adapter. It has no text to show."
CHANGED = "This passage was changed or removed since."
FORGOTTEN = "It was forgotten, and its passages with it."
FORGOTTEN_TITLE = "A forgotten note"

INDENT = 34
"""Where a source's title begins, in device-independent pixels; its passage stands below."""


class ShareBar(QWidget):
    """How much of the adapter set a source is, as a short bar with its number beside it."""

    def __init__(self, share: float, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._share = min(1.0, max(0.0, share))
        self.setSizePolicy(QSizePolicy.Policy.Fixed, QSizePolicy.Policy.Fixed)
        self.setAccessibleName(f"Share {self._share:.0%}")
        self.setToolTip("Its share in the adapters of this answer")

    def sizeHint(self) -> QSize:
        """A bar of 48 pixels and room for 100 %."""
        return QSize(56 + self.fontMetrics().horizontalAdvance("100%"), self.fontMetrics().height())

    def paintEvent(self, _event: QPaintEvent) -> None:
        """Track, fill, number."""
        theme = current_theme(self)
        painter = QPainter(self)
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        track = QRectF(0, self.height() / 2 - 2, 48, 4)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(QColor(theme.line))
        painter.drawRoundedRect(track, 2, 2)
        painter.setBrush(QColor(theme.accent))
        painter.drawRoundedRect(QRectF(track.left(), track.top(), 48 * self._share, 4), 2, 2)
        painter.setPen(QColor(theme.muted))
        place = self.rect().adjusted(54, 0, 0, 0)
        painter.drawText(
            place, Qt.AlignmentFlag.AlignVCenter | Qt.AlignmentFlag.AlignRight, f"{self._share:.0%}"
        )


class SourceView(QFrame):
    """A note that opens and closes. Hovering its title shows the beginning of what stands inside.

    Args:
        passages: those of the note that took part, the strongest first; at least one. An imported adapter
            has one, and it is empty.
        parent: its owner.
    """

    def __init__(self, passages: Sequence[SourceRecord], parent: QWidget | None = None) -> None:
        super().__init__(parent)
        source = passages[0]
        share = sum(passage.weight for passage in passages)
        self._can_open = any(passage.passage for passage in passages) or source.state is SourceState.CHANGED
        is_forgotten = source.state is SourceState.FORGOTTEN
        self._title = FORGOTTEN_TITLE if is_forgotten else on_one_line(source.document)
        text = "\n\n".join(dict.fromkeys(_words(passage) for passage in passages))
        self.setObjectName("source")
        self._source = source
        self.toggle = QToolButton(self)
        self.toggle.setCheckable(True)
        self.toggle.setText(button_text(self._title))
        self.toggle.setArrowType(Qt.ArrowType.RightArrow)
        self.toggle.setToolButtonStyle(Qt.ToolButtonStyle.ToolButtonTextBesideIcon)
        # Its text is shortened to the room there is, so it must not ask for more.
        self.toggle.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Fixed)
        self.toggle.setAccessibleName(f"Source {self._title}, share {share:.0%}")
        set_tool_tip(self.toggle, _beginning(text))
        self.toggle.toggled.connect(self._on_toggled)

        self.passage = PlainLabel(text, self)
        self.passage.setWordWrap(True)
        self.passage.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )
        self.passage.setAccessibleName(
            f"Passages from {self._title}" if len(passages) > 1 else f"Passage from {self._title}"
        )
        self.passage.setContentsMargins(INDENT, 0, 12, 8)
        self.passage.hide()

        self.open_button = QPushButton("Open file", self)
        self.open_button.setProperty("kind", "link")
        self.open_button.setAccessibleName(f"Open the file of {self._title}")
        self.open_button.clicked.connect(self._on_open_clicked)
        self.open_button.hide()

        head = QHBoxLayout()
        head.setContentsMargins(4, 3, 12, 3)
        head.addWidget(self.toggle, 1)
        head.addWidget(ShareBar(share, self))
        self._foot = foot = QHBoxLayout()
        foot.setContentsMargins(INDENT, 0, 12, 0)
        foot.addWidget(self.open_button)
        foot.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(2)
        layout.addLayout(head)
        layout.addWidget(self.passage)
        layout.addLayout(foot)

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Shorten a long title."""
        super().resizeEvent(event)
        room = self.toggle.width() - INDENT
        metrics = self.toggle.fontMetrics()
        shown = metrics.elidedText(self._title, Qt.TextElideMode.ElideRight, max(room, 40))
        self.toggle.setText(button_text(shown))

    def _on_toggled(self, is_open: bool) -> None:
        self.toggle.setArrowType(Qt.ArrowType.DownArrow if is_open else Qt.ArrowType.RightArrow)
        self.passage.setVisible(is_open)
        can_open = is_open and self._can_open and Path(self._source.path).exists()
        self.open_button.setVisible(can_open)
        self._foot.setContentsMargins(INDENT, 0, 12, 8 if can_open else 0)

    def _on_open_clicked(self) -> None:
        QDesktopServices.openUrl(QUrl.fromLocalFile(self._source.path))


def _words(source: SourceRecord) -> str:
    """What is shown of a passage, or why there is nothing."""
    match source.state:
        case SourceState.PRESENT:
            return source.passage.strip() or NO_TEXT
        case SourceState.CHANGED:
            return CHANGED
        case SourceState.FORGOTTEN:
            return FORGOTTEN


def _beginning(text: str, n_chars: int = 240) -> str:
    """The text for a tool tip, one paragraph, cut at a word."""
    text = " ".join(text.split())
    if len(text) <= n_chars:
        return text
    return text[:n_chars].rsplit(" ", 1)[0] + " …"
