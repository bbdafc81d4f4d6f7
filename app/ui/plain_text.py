"""Text from elsewhere on the window: a note, an answer, a title or a path is shown as it is, never as markup.

Qt guesses: a tool tip or a label whose text looks like HTML is taken for HTML, and a picture in it is opened,
from a file, a pipe or another computer. So tool tips and labels are made here alone; a test holds the rest of
``app.ui`` to it (tests/app/ui/test_plain_text.py).
"""

from markupsafe import Markup, escape
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QLabel, QWidget

from app.services.plain_text import printable
from storage.titles import on_one_line

MAX_TOOL_TIP_CHARS = 2_000
"""More would not fit on a screen."""
_LINE_CHARS = 100
"""A tool tip with a longer line is wrapped."""


def plain_tool_tip(text: str) -> str:
    """For Qt, which takes it for HTML: ``text`` literally, with its line ends. None for empty text."""
    if not text:
        return ""
    shown = text if len(text) <= MAX_TOOL_TIP_CHARS else text[:MAX_TOOL_TIP_CHARS] + " …"
    # Free to choose, Qt breaks the shortest line until the tool tip is nearly square.
    space = "pre" if max(map(len, shown.splitlines())) <= _LINE_CHARS else "pre-wrap"
    return str(Markup('<p style="white-space: {}">{}</p>').format(space, printable(shown)))


def set_tool_tip(widget: QWidget, text: str) -> None:
    """Give a widget a tool tip that shows ``text`` literally; what is read aloud is the text as well."""
    widget.setToolTip(plain_tool_tip(text))
    widget.setAccessibleDescription(text)  # Qt would have the HTML read aloud


def button_text(name: str) -> str:
    """For a button or a menu: a name on one line. In Qt's form an & alone would be a shortcut."""
    return on_one_line(name).replace("&", "&&")


class PlainLabel(QLabel):
    """A label whose text is never taken for markup."""

    def __init__(self, text: str = "", parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.PlainText)
        self.setText(text)

    def setText(self, text: str) -> None:
        """Show this."""
        super().setText(printable(text))


class MarkupLabel(QLabel):
    """A label for markup of our own. Whatever is not Markup is shown literally.

    Args:
        parent: its owner.
        opens_links: whether a click opens a link in the browser. Otherwise ``linkActivated`` is emitted.
    """

    def __init__(self, parent: QWidget | None = None, *, opens_links: bool) -> None:
        super().__init__(parent)
        self.setTextFormat(Qt.TextFormat.RichText)
        self.setOpenExternalLinks(opens_links)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextBrowserInteraction
            if opens_links
            else Qt.TextInteractionFlag.LinksAccessibleByMouse
            | Qt.TextInteractionFlag.LinksAccessibleByKeyboard
        )

    def setText(self, text: str) -> None:
        """Show this."""
        super().setText(str(escape(text)))
