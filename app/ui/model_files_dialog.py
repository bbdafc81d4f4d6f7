"""Which files of a base model the user has already."""

from collections.abc import Sequence
from pathlib import Path

from markupsafe import Markup
from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QAbstractItemView,
    QDialog,
    QDialogButtonBox,
    QHBoxLayout,
    QListWidget,
    QListWidgetItem,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.file_dialogs import choose_files, choose_folder
from app.ui.plain_text import MarkupLabel, PlainLabel
from engine.models.messages import ModelFound
from storage.titles import on_one_line

_WHICH_FILES = Markup(
    "<ul style='margin-left: -20px'>"
    "<li>the folder of the model as transformers saves it: config.json, tokenizer, safetensors</li>"
    "<li>a GGUF file of the same model, of any quantisation</li>"
    "<li>its hypernetwork: pytorch_model.bin of Doc-to-LoRA, or a folder with several parts</li>"
    "</ul>"
    "They are checked, and stay where they are. What is not among them is downloaded."
)
_WEIGHTS = "Models (*.gguf *.bin *.safetensors *.json);;All files (*)"
_PATH_ROLE = Qt.ItemDataRole.UserRole + 1
"""The Path; the text of a row is for the eye."""


class ModelFilesDialog(QDialog):
    """Collects files and folders to be used in place of a download.

    Signals:
        sources_chosen: the user is done. sources: tuple of Path.
    """

    sources_chosen = Signal(object)

    def __init__(self, model: ModelFound, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Use files I have")
        heading = PlainLabel(f"{model.title} from your own files", self)
        heading.setProperty("kind", "heading")
        words = MarkupLabel(self, opens_links=False)
        words.setText(_WHICH_FILES)
        words.setWordWrap(True)
        self.list = QListWidget(self)
        self.list.setObjectName("modelFiles")
        self.list.setAccessibleName("Files and folders")
        self.list.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        self.list.setTextElideMode(Qt.TextElideMode.ElideMiddle)
        self.folder_button = QPushButton("Add folder…", self)
        self.files_button = QPushButton("Add files…", self)
        self.drop_button = QPushButton("Take off the list", self)
        self.folder_button.clicked.connect(self._on_add_folder)
        self.files_button.clicked.connect(self._on_add_files)
        self.drop_button.clicked.connect(self._on_drop)
        self.list.itemSelectionChanged.connect(self._refresh)
        buttons = QDialogButtonBox(self)
        buttons.addButton("Cancel", QDialogButtonBox.ButtonRole.RejectRole)
        # Dressed before the box takes it: later the style would not look at it again.
        self.take_button = QPushButton("Use these", self)
        self.take_button.setProperty("kind", "primary")
        buttons.addButton(self.take_button, QDialogButtonBox.ButtonRole.AcceptRole)
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        adding = QHBoxLayout()
        for button in (self.folder_button, self.files_button, self.drop_button):
            button.setAutoDefault(False)
            adding.addWidget(button)
        adding.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(10)
        for widget in (heading, words, self.list):
            layout.addWidget(widget)
        layout.addLayout(adding)
        layout.addWidget(buttons)
        self.resize(560, 420)
        self._refresh()

    @property
    def sources(self) -> tuple[Path, ...]:
        """What is on the list."""
        return tuple(self.list.item(row).data(_PATH_ROLE) for row in range(self.list.count()))

    def add(self, paths: Sequence[Path]) -> None:
        """Put files and folders on the list, each once."""
        known = set(self.sources)
        for path in dict.fromkeys(paths):
            if path not in known:
                item = QListWidgetItem(on_one_line(str(path)), self.list)
                item.setData(_PATH_ROLE, path)
        self._refresh()

    def accept(self) -> None:
        """The user is done."""
        self.sources_chosen.emit(self.sources)
        super().accept()

    def _on_add_folder(self) -> None:
        choose_folder(self, "Choose a folder with files of the model", self.add)

    def _on_add_files(self) -> None:
        choose_files(self, "Choose files of the model", _WEIGHTS, self.add)

    def _on_drop(self) -> None:
        for item in self.list.selectedItems():
            self.list.takeItem(self.list.row(item))
        self._refresh()

    def _refresh(self) -> None:
        self.take_button.setEnabled(self.list.count() > 0)
        self.drop_button.setEnabled(bool(self.list.selectedItems()))
