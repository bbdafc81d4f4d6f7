"""A new feature cannot bring back what takes text for markup: where ``app.ui`` may call it is listed here."""

import ast
from collections.abc import Iterator
from pathlib import Path

import pytest

import app.ui

SOURCES = Path(app.ui.__path__[0])

# Whatever shows, or may guess at, rich text; and the files that take care of it.
ALLOWED: dict[str, frozenset[str]] = {
    "QLabel": frozenset({"plain_text.py", "dialogs.py"}),
    "QMessageBox": frozenset({"dialogs.py"}),
    "QTextBrowser": frozenset({"answer_text.py"}),
    "QTextDocument": frozenset({"answer_text.py"}),
    "QToolTip": frozenset({"answer_text.py"}),
    "setTextFormat": frozenset({"plain_text.py", "dialogs.py"}),
    "setOpenExternalLinks": frozenset({"plain_text.py"}),
    "setOpenLinks": frozenset({"answer_text.py"}),
    "setMarkdown": frozenset({"answer_text.py"}),
    "setInformativeText": frozenset({"dialogs.py"}),
} | dict.fromkeys(
    (
        *("QErrorMessage", "QGraphicsTextItem", "QInputDialog", "QProgressDialog", "QSplashScreen"),
        *("QStaticText", "QSystemTrayIcon", "QTextDocumentFragment", "QTextEdit", "QWebEngineView"),
        *("QWhatsThis", "QWizard", "StatusTipRole", "WhatsThisRole", "appendHtml", "insertHtml"),
        *("insertMarkdown", "setDefaultStyleSheet", "setDetailedText", "setHtml", "setSource"),
        *("setStatusTip", "setWhatsThis", "showMessage"),
    ),
    frozenset(),
)

LITERAL_ONLY = {
    "setToolTip": "set_tool_tip",
    "setWindowTitle": "a fixed title",
    "QAction": "button_text",
    "QGroupBox": "button_text",
    "QPushButton": "button_text",
    "Markup": "Markup(...).format",
}
"""Calls whose text must be written in the source, with what to use for other text."""

FROM_PARAMETER = {"_button", "_link", "_add", "_action", "_ask"}
"""Functions that pass a text of ours on to such a call."""


def faults(source: str, file: str = "new.py") -> list[str]:
    """What the rules forbid in a file of ``app.ui``."""
    tree = ast.parse(source)
    found = list(_forbidden_names(tree, file))
    found += _tips_that_are_not_plain(tree)
    if file != "plain_text.py":
        found += _texts_that_are_not_literal(tree)
    return found


def _forbidden_names(tree: ast.Module, file: str) -> Iterator[str]:
    for node in ast.walk(tree):
        name = getattr(node, "id", None) or getattr(node, "attr", None)
        if isinstance(node, ast.Name | ast.Attribute) and name in ALLOWED and file not in ALLOWED[name]:
            yield f"line {node.lineno}: {name}"


def _texts_that_are_not_literal(tree: ast.Module) -> Iterator[str]:
    for function in ast.walk(tree):
        if not isinstance(function, ast.FunctionDef):
            continue
        for call in ast.walk(function):
            if not isinstance(call, ast.Call) or not call.args or function.name in FROM_PARAMETER:
                continue
            name = getattr(call.func, "id", None) or getattr(call.func, "attr", None)
            if name in LITERAL_ONLY and not _is_literal(call.args[0]):
                yield f"line {call.lineno}: {name}, use {LITERAL_ONLY[name]}"


def _is_literal(text: ast.expr) -> bool:
    if isinstance(text, ast.IfExp):
        return _is_literal(text.body) and _is_literal(text.orelse)
    if isinstance(text, ast.Call) and getattr(text.func, "id", "") == "button_text":
        return True
    # A widget's parent, a constant of the module, or text.
    return (
        isinstance(text, ast.Constant)
        or ast.unparse(text).removeprefix("self.").isupper()
        or (ast.unparse(text) in {"self", "parent"})
    )


def _tips_that_are_not_plain(tree: ast.Module) -> Iterator[str]:
    """Each mention of ToolTipRole must be the condition for returning, or go with, a plain tool tip."""
    plain: set[ast.AST] = set()
    for node in ast.walk(tree):
        match node:
            case ast.If(test=condition, body=[ast.Return(value=ast.Call(func=ast.Name("plain_tool_tip")))]):
                plain.update(ast.walk(condition))
            case ast.match_case(
                pattern=pattern, body=[ast.Return(value=ast.Call(func=ast.Name("plain_tool_tip")))]
            ):
                plain.update(ast.walk(pattern))
            case ast.Call(args=[*_, ast.Call(func=ast.Name("plain_tool_tip")), role]):
                plain.update(ast.walk(role))
            case _:
                pass
    for node in ast.walk(tree):
        if isinstance(node, ast.Attribute) and node.attr == "ToolTipRole" and node not in plain:
            yield f"line {node.lineno}: ToolTipRole without plain_tool_tip"


@pytest.mark.parametrize("file", sorted(SOURCES.glob("*.py")), ids=lambda file: file.name)
def test_text_is_shown_only_in_ways_that_do_not_guess(file: Path) -> None:
    assert faults(file.read_text(encoding="utf-8"), file.name) == []


@pytest.mark.parametrize(
    "line",
    [
        "widget.setToolTip(note.text)",
        "widget.setToolTip(f'{title}')",
        "widget.setToolTip('' if title else title)",
        "label = QLabel(title)",
        "label = QtWidgets.QLabel(title)",
        "label.setTextFormat(Qt.TextFormat.AutoText)",
        "QMessageBox.warning(self, 'Loreleaf', message)",
        "view.setHtml(note)",
        "view.setMarkdown(note)",
        "QToolTip.showText(place, note)",
        "self.statusBar().showMessage(title)",
        "self.setWindowTitle(chat.title)",
        "menu.addAction(QAction(chat.title, menu))",
        "button = QPushButton(title, self)",
        "label.setText(Markup(note))",
        "label.setText(Markup(f'<b>{note}</b>'))",
        "box.setItemData(0, title, Qt.ItemDataRole.ToolTipRole)",
        "if role == Qt.ItemDataRole.ToolTipRole: return document.title",
        "if role in {Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole}: return document.title",
    ],
)
def test_the_guard_refuses(line: str) -> None:
    assert len(faults(f"def show(self, title: str) -> object:\n    {line}\n")) == 1


def test_the_guard_refuses_a_subclass() -> None:
    assert faults("class Title(QLabel):\n    pass\n") == ["line 1: QLabel"]
