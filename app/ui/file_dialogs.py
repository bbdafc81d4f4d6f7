"""Choosing files and folders. The dialogs open and return at once; nothing waits for them."""

from collections.abc import Callable, Sequence
from functools import partial
from pathlib import Path

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QFileDialog, QWidget

NOTE_FILES = "Notes (*.txt *.md *.markdown *.rst *.org *.html *.htm *.pdf *.docx *.csv);;All files (*)"
ADAPTER_FILES = "Adapters (*.gguf adapter_model.safetensors adapter_config.json);;All files (*)"

GGUF_ADAPTERS = "Adapters for llama.cpp (*.gguf)"
NEW_FOLDERS = "Folders (*)"
MODEL_FILES = "Model files (*.gguf);;All files (*)"


def choose_files(
    parent: QWidget, title: str, kinds: str, on_chosen: Callable[[Sequence[Path]], None]
) -> None:
    """Let the user choose files; ``on_chosen`` is called if they do.

    Args:
        parent: the dialog's.
        title: of the dialog.
        kinds: of files, in Qt's form.
        on_chosen: takes what was chosen.
    """
    dialog = QFileDialog(parent, title, str(Path.home()), kinds)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFiles)
    _open(dialog, on_chosen)


def choose_file(parent: QWidget, title: str, kinds: str, on_chosen: Callable[[Path], None]) -> None:
    """The same for a single file."""
    dialog = QFileDialog(parent, title, str(Path.home()), kinds)
    dialog.setFileMode(QFileDialog.FileMode.ExistingFile)
    _open(dialog, partial(_pass_first, on_chosen))


def choose_folder(parent: QWidget, title: str, on_chosen: Callable[[Sequence[Path]], None]) -> None:
    """The same for a folder, in a sequence of one."""
    dialog = QFileDialog(parent, title, str(Path.home()))
    dialog.setFileMode(QFileDialog.FileMode.Directory)
    _open(dialog, on_chosen)


def choose_place(
    parent: QWidget, title: str, name: str, kinds: str, suffix: str, on_chosen: Callable[[Path], None]
) -> None:
    """Let the user say where to write, and under which name; asked before something is replaced.

    Args:
        parent: the dialog's.
        title: of the dialog.
        name: offered, without a folder.
        kinds: of files, in Qt's form.
        suffix: of a name that has none; empty for none.
        on_chosen: takes what was chosen.
    """
    dialog = QFileDialog(parent, title, str(Path.home()), kinds)
    dialog.setAcceptMode(QFileDialog.AcceptMode.AcceptSave)
    dialog.setDefaultSuffix(suffix)
    dialog.selectFile(name)
    _open(dialog, partial(_pass_first, on_chosen))


def _open(dialog: QFileDialog, on_chosen: Callable[[Sequence[Path]], None]) -> None:
    dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
    # Qt's own dialog would let files be renamed and deleted, and ask with their names taken for markup.
    dialog.setOption(QFileDialog.Option.ReadOnly)
    dialog.filesSelected.connect(partial(_pass_on, on_chosen))
    dialog.open()


def _pass_on(on_chosen: Callable[[Sequence[Path]], None], path_strs: list[str]) -> None:
    on_chosen([Path(path_str) for path_str in path_strs])


def _pass_first(on_chosen: Callable[[Path], None], paths: Sequence[Path]) -> None:
    for path in paths[:1]:
        on_chosen(path)
