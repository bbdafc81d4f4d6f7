"""Small questions in windows of their own. They open and return at once; nothing waits for them."""

from collections.abc import Callable, Sequence

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QMessageBox, QWidget

from app.ui.document_table_model import plural
from storage.records import DocumentKind, DocumentRecord

SHORTCUTS = (
    ("Ctrl+L", "Go to the question"),
    ("Enter", "Send"),
    ("Shift+Enter", "New line"),
    ("Esc", "Stop the answer"),
    ("Ctrl+N", "New chat"),
    ("F2", "Rename the chat that is selected in the list of chats"),
    ("Ctrl+O", "Add files"),
    ("Ctrl+Shift+O", "Add a folder"),
    ("Ctrl+F", "Filter notes"),
    ("Space", "Switch the selected notes on or off"),
    ("Delete", "Forget the selected notes"),
    ("Ctrl+,", "Settings"),
)


def confirm(
    parent: QWidget, question: str, consequence: str, verb: str, on_confirmed: Callable[[], None]
) -> None:
    """Ask before something that cannot be undone; Enter and Esc keep things as they are.

    Args:
        question: one sentence that names what it is about.
        consequence: what would happen, and what would not.
        verb: on the button that does it.
        on_confirmed: called if the user presses that button.
    """
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(verb)
    box.setTextFormat(Qt.TextFormat.PlainText)
    box.setText(question)
    box.setInformativeText(consequence)
    yes = box.addButton(verb, QMessageBox.ButtonRole.DestructiveRole)
    keep = box.addButton("Keep", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    yes.clicked.connect(on_confirmed)
    box.open()


def confirm_forgetting(
    parent: QWidget, documents: Sequence[DocumentRecord], on_confirmed: Callable[[], None]
) -> None:
    """Ask before documents are forgotten; see ``confirm``."""
    if len(documents) == 1 and documents[0].kind is DocumentKind.ADAPTER:
        what = f"“{documents[0].title}”"
        rest = "this adapter. It can be imported again only from the file that it came from."
    elif len(documents) == 1:
        what = f"“{documents[0].title}”"
        rest = "this note. The file stays where it is, and you can add it again."
    else:
        what = plural(len(documents), "note")
        rest = "these notes. The files stay where they are, and you can add them again."
    consequence = f"Loreleaf forgets everything it learnt from {rest}"
    confirm(parent, f"Forget {what}?", consequence, "Forget", on_confirmed)


def show_shortcuts(parent: QWidget) -> None:
    """The keys and what they do."""
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("Keyboard")
    cell = "<td style='padding: 3px 24px 3px 0'>"
    rows = "".join(f"<tr>{cell}<b>{keys}</b></td>{cell}{what}</td></tr>" for keys, what in SHORTCUTS)
    box.setTextFormat(Qt.TextFormat.RichText)
    box.setText(f"<table>{rows}</table>")
    box.addButton(QMessageBox.StandardButton.Close)
    box.open()
