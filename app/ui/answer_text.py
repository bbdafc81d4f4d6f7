"""A label for answers: Markdown, selectable, as high as its text."""

import re

from PySide6.QtCore import QEvent, QObject, QSize, Qt, QUrl
from PySide6.QtGui import (
    QHelpEvent,
    QImage,
    QResizeEvent,
    QTextCharFormat,
    QTextDocument,
    QTextFormat,
    QTextImageFormat,
    QTextOption,
    QWheelEvent,
)
from PySide6.QtWidgets import QFrame, QSizePolicy, QTextBrowser, QToolTip, QWidget

from app.services.plain_text import printable
from app.ui.plain_text import plain_tool_tip

_FENCE = re.compile(r"^\s*(```|~~~)")
_PICTURE = "\ufffc"
"""What stands for a picture in a QTextDocument."""
_OF_PICTURES = (
    QTextFormat.Property.ImageName,
    QTextFormat.Property.ImageTitle,
    QTextFormat.Property.ImageAltText,
)
_MAX_ADDRESS_CHARS = 200
"""A picture's address may hold the whole picture."""


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


def page_of(markdown: str, parent: QObject) -> QTextDocument:
    """What is shown of Markdown: HTML in it literally, and of each picture its description and address.

    A picture must be gone before the text is laid out: for a screen of high resolution Qt then looks for a
    larger one beside it, on a drive or another computer, whatever ``loadResource`` says.
    """
    page = QTextDocument(parent)
    page.setUndoRedoEnabled(False)
    page.setDocumentMargin(0)
    page.setMarkdown(markdown, QTextDocument.MarkdownFeature.MarkdownNoHTML)
    place = 0
    while not (picture := page.find(_PICTURE, place)).isNull():
        place = picture.selectionStart() + 1
        look = picture.charFormat()
        if look.isImageFormat():
            picture.insertText(_in_words(look.toImageFormat()), _without_picture(look))
    return page


def _in_words(picture: QTextImageFormat) -> str:
    address = picture.name()
    if len(address) > _MAX_ADDRESS_CHARS:
        address = address[:_MAX_ADDRESS_CHARS] + "…"
    description = str(picture.property(QTextFormat.Property.ImageAltText) or "").strip()
    return f"[Picture, not loaded: {', '.join(part for part in (description, address) if part)}]"


def _without_picture(look: QTextCharFormat) -> QTextCharFormat:
    words = QTextCharFormat(look)
    words.setObjectType(QTextFormat.ObjectTypes.NoObject.value)
    for name in _OF_PICTURES:
        words.clearProperty(name)
    return words


class AnswerText(QTextBrowser):
    """Shows text a model wrote. It loads nothing, and its links lead nowhere; their tool tip says where to.

    Nothing in the text makes Qt open or look for a file, here or on another computer.
    """

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
        self._shown = ""
        self._page: QTextDocument | None = None

    @property
    def text(self) -> str:
        """What was shown last, as it was given."""
        return self._shown

    def show_markdown(self, text: str) -> None:
        """Replace the text. HTML inside it is shown, not obeyed."""
        if text == self._shown:
            return
        self._shown = text
        old, self._page = self._page, page_of(with_hard_breaks(printable(text)), self)
        self._page.setDefaultFont(self.font())
        self.setDocument(self._page)
        if old is not None:
            old.deleteLater()
        self._fit()

    def loadResource(self, _kind: int, _name: QUrl | str) -> object:
        """Nothing is ever loaded. Given None or no bytes, Qt would open the file itself."""
        return QImage()

    def viewportEvent(self, event: QEvent) -> bool:
        """A link's tool tip is its address: Qt would show the title that the text gives it, as HTML."""
        if isinstance(event, QHelpEvent) and event.type() == QEvent.Type.ToolTip:
            QToolTip.showText(event.globalPos(), plain_tool_tip(self.anchorAt(event.pos())), self)
            return True
        return super().viewportEvent(event)

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
