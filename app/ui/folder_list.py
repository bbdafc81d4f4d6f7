"""The watched folders under the library."""

from collections.abc import Sequence

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QScrollArea,
    QSizePolicy,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.elided_label import ElidedLabel
from app.ui.plain_text import PlainLabel, set_tool_tip
from storage.records import FolderRecord
from storage.titles import on_one_line

MAX_SHOWN = 3
"""Beyond this many folders the list scrolls."""


class FolderList(QWidget):
    """One line per watched folder. Hidden when none is watched.

    Signals:
        unwatch_requested: the user wants a folder followed no longer.
            folder_id: its id.
    """

    unwatch_requested = Signal(object)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        heading = PlainLabel("Watched folders", self)
        heading.setProperty("kind", "heading")
        self._scroll = QScrollArea(self)
        self._scroll.setFrameShape(QFrame.Shape.NoFrame)
        self._scroll.setWidgetResizable(True)
        self._scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._scroll.setAccessibleName("Watched folders")
        self._scroll.setFocusPolicy(Qt.FocusPolicy.NoFocus)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        layout.addWidget(heading)
        layout.addWidget(self._scroll)
        self._folders: tuple[FolderRecord, ...] = ()
        self.hide()

    def show_folders(self, folders: Sequence[FolderRecord]) -> None:
        """Replace the lines."""
        self._folders = tuple(folders)
        canvas = QWidget()
        canvas.setObjectName("libraryBody")
        lines = QVBoxLayout(canvas)
        lines.setContentsMargins(0, 0, 0, 0)
        lines.setSpacing(0)
        height = 0
        for folder in folders:
            line = _FolderLine(folder, canvas)
            line.unwatch_button.clicked.connect(self._on_unwatch_clicked)
            lines.addWidget(line)
            height = line.sizeHint().height()
        lines.addStretch(1)
        self._scroll.setWidget(canvas)
        self._scroll.setFixedHeight(height * min(len(folders), MAX_SHOWN))
        self.setVisible(bool(folders))

    def _on_unwatch_clicked(self) -> None:
        button = self.sender()
        assert isinstance(button, QToolButton)  # the only kind that is connected
        self.unwatch_requested.emit(button.property("folder_id"))


class _FolderLine(QWidget):
    """A folder's path and the button that stops watching it."""

    def __init__(self, folder: FolderRecord, parent: QWidget) -> None:
        super().__init__(parent)
        shown = on_one_line(str(folder.path))
        path = ElidedLabel(shown, Qt.TextElideMode.ElideMiddle, self)
        set_tool_tip(path, shown)
        path.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.unwatch_button = QToolButton(self)
        self.unwatch_button.setText("Unwatch")
        self.unwatch_button.setProperty("kind", "quiet")
        self.unwatch_button.setProperty("folder_id", folder.id)
        self.unwatch_button.setAccessibleName(f"Stop watching {on_one_line(folder.path.name)}")
        self.unwatch_button.setToolTip("Follow this folder no longer. Its notes stay in the library.")
        layout = QHBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.addWidget(path, 1)
        layout.addWidget(self.unwatch_button)
