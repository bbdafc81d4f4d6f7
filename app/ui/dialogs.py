"""Small questions in windows of their own. They open and return at once; nothing waits for them."""

from collections.abc import Callable, Sequence

from markupsafe import Markup
from PySide6.QtCore import Qt
from PySide6.QtWidgets import QCheckBox, QLabel, QMessageBox, QWidget

from app.services.plain_text import printable
from app.ui.document_table_model import plural
from storage.records import DocumentKind, DocumentRecord
from storage.titles import on_one_line

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
    _ask(parent, question, consequence, verb, on_confirmed).open()


def _ask(
    parent: QWidget, question: str, consequence: str, verb: str, on_confirmed: Callable[[], None]
) -> QMessageBox:
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setIcon(QMessageBox.Icon.Question)
    box.setWindowTitle(verb)
    box.setText(printable(question))
    box.setInformativeText(printable(consequence))
    # Not the box's own setTextFormat(): it leaves the informative text to be guessed at.
    for label in box.findChildren(QLabel):
        label.setTextFormat(Qt.TextFormat.PlainText)
    yes = box.addButton(verb, QMessageBox.ButtonRole.DestructiveRole)
    keep = box.addButton("Keep", QMessageBox.ButtonRole.RejectRole)
    box.setDefaultButton(keep)
    box.setEscapeButton(keep)
    yes.clicked.connect(on_confirmed)
    return box


def confirm_forgetting(
    parent: QWidget,
    documents: Sequence[DocumentRecord],
    n_backups: int,
    on_confirmed: Callable[[bool], None],
) -> None:
    """Ask before documents are forgotten; see ``confirm``.

    Args:
        documents: to be forgotten; at least one.
        n_backups: backups of the library, which may still hold what is forgotten.
        on_confirmed: called with whether the backups shall go, too.
    """
    if len(documents) == 1 and documents[0].kind is DocumentKind.ADAPTER:
        what = f"“{on_one_line(documents[0].title)}”"
        rest = "this adapter. It can be imported again only from the file that it came from."
    elif len(documents) == 1:
        what = f"“{on_one_line(documents[0].title)}”"
        rest = "this note. The file stays where it is, and you can add it again."
    else:
        what = plural(len(documents), "note")
        rest = "these notes. The files stay where they are, and you can add them again."
    consequence = (
        f"Loreleaf forgets everything it learnt from {rest} Your chats stay, without what they quote from it."
    )
    backups_too = QCheckBox(
        f"Also delete {plural(n_backups, 'backup')} of the library, which may hold it too"
    )
    box = _ask(
        parent, f"Forget {what}?", consequence, "Forget", lambda: on_confirmed(backups_too.isChecked())
    )
    if n_backups:
        box.setCheckBox(backups_too)
    box.open()


def show_shortcuts(parent: QWidget) -> None:
    """The keys and what they do."""
    box = QMessageBox(parent)
    box.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    box.setWindowTitle("Keyboard")
    row = Markup(
        "<tr><td style='padding: 3px 24px 3px 0'><b>{}</b></td>"
        "<td style='padding: 3px 24px 3px 0'>{}</td></tr>"
    )
    rows = Markup("").join(row.format(keys, what) for keys, what in SHORTCUTS)
    box.setTextFormat(Qt.TextFormat.RichText)
    box.setText(str(Markup("<table>{}</table>").format(rows)))
    box.addButton(QMessageBox.StandardButton.Close)
    box.open()
