"""A label for answers: Markdown, selectable, as high as its text."""

import re

from PySide6.QtCore import QSize, Qt, QUrl
from PySide6.QtGui import QResizeEvent, QTextDocument, QTextOption, QWheelEvent
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser, QWidget

_FENCE = re.compile(r"^\s*(```|~~~)")


def with_hard_breaks(text: str) -> str:
    """Markdown that keeps the model's line ends: it means them, while Markdown joins lines.

    Code fences, blank lines and the last line stay as they are.
    """
    lines = text.split("\n")
    in_fence = False
    for place, line in enumerate(lines):
        if _FENCE.match(line):
            in_fence = not in_fence
            continue
        is_last = place == len(lines) - 1
        if not in_fence and not is_last and line.strip() and lines[place + 1].strip():
            lines[place] = line.rstrip() + "  "
    return "\n".join(lines)


class AnswerText(QTextBrowser):
    """Shows text a model wrote. It loads nothing: no image or link in it reaches the network or a file."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setVerticalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Fixed)
        self.setWordWrapMode(QTextOption.WrapMode.WrapAtWordBoundaryOrAnywhere)
        self.setOpenLinks(False)
        self.setAcceptDrops(False)
        self.viewport().setAcceptDrops(False)
        self.viewport().setAutoFillBackground(False)
        self.setStyleSheet("background: transparent;")
        self.document().setDocumentMargin(0)
        self._shown = ""

    @property
    def text(self) -> str:
        """What was shown last, as it was given."""
        return self._shown

    def show_markdown(self, text: str) -> None:
        """Replace the text. HTML inside it is shown, not obeyed."""
        if text == self._shown:
            return
        self._shown = text
        self.document().setMarkdown(with_hard_breaks(text), QTextDocument.MarkdownFeature.MarkdownNoHTML)
        self._fit()

    def loadResource(self, _kind: int, _name: QUrl | str) -> object:
        """Nothing is ever loaded."""
        return None

    def resizeEvent(self, event: QResizeEvent) -> None:
        """Width decides height."""
        super().resizeEvent(event)
        self._fit()

    def wheelEvent(self, event: QWheelEvent) -> None:
        """The transcript scrolls, not one of its answers."""
        event.ignore()

    def sizeHint(self) -> QSize:
        """As high as the text at the present width."""
        return QSize(super().sizeHint().width(), self.height())

    def _fit(self) -> None:
        self.document().setTextWidth(self.viewport().width())
        height = int(self.document().size().height()) + 2
        if height != self.height():
            self.setFixedHeight(height)
