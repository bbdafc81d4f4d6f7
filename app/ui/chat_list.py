"""Earlier chats: a list that drops down from the chat's title."""

from collections.abc import Sequence
from datetime import UTC, datetime

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, QPoint, Qt, Signal
from PySide6.QtGui import QAction, QKeyEvent, QKeySequence
from PySide6.QtWidgets import QFrame, QLineEdit, QListView, QMenu, QVBoxLayout, QWidget

from app.ui.plain_text import PlainLabel, plain_tool_tip
from storage.records import ChatRecord
from storage.titles import on_one_line

Index = QModelIndex | QPersistentModelIndex

CHAT_ROLE = Qt.ItemDataRole.UserRole + 1
"""The row's ChatRecord."""


class ChatListModel(QAbstractListModel):
    """Chats, the last one used first. GUI thread only.

    Signals:
        rename_requested: the user typed another title for a chat. chat: its ChatRecord, title: the new one.
    """

    rename_requested = Signal(object, str)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._all: tuple[ChatRecord, ...] = ()
        self._shown: list[ChatRecord] = []
        self._text = ""

    def show(self, chats: Sequence[ChatRecord]) -> None:
        """Replace all rows."""
        self._all = tuple(sorted(chats, key=lambda chat: chat.updated_at, reverse=True))
        self._refresh()

    def set_text(self, text: str) -> None:
        """Show only chats whose title contains ``text``, in any case."""
        self._text = text.casefold().strip()
        self._refresh()

    def rowCount(self, parent: Index | None = None) -> int:
        """Rows are chats."""
        return 0 if parent is not None and parent.isValid() else len(self._shown)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """The title, and CHAT_ROLE."""
        if not index.isValid():
            return None
        chat = self._shown[index.row()]
        if role == Qt.ItemDataRole.DisplayRole:
            return on_one_line(chat.title) or "Untitled chat"
        if role == Qt.ItemDataRole.ToolTipRole:
            return plain_tool_tip(f"{on_one_line(chat.title)}\n{_when(chat.updated_at)}")
        if role == Qt.ItemDataRole.EditRole:
            return chat.title
        return chat if role == CHAT_ROLE else None

    def flags(self, index: Index) -> Qt.ItemFlag:
        """A chat's title can be edited in its place."""
        return super().flags(index) | Qt.ItemFlag.ItemIsEditable

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Ask for another title; an empty one, or the same, changes nothing."""
        title = str(value).strip()
        if role != Qt.ItemDataRole.EditRole or not index.isValid():
            return False
        chat = self._shown[index.row()]
        if not title or title == chat.title:
            return False
        self.rename_requested.emit(chat, title)
        return True

    def _refresh(self) -> None:
        self.beginResetModel()
        self._shown = [chat for chat in self._all if self._text in chat.title.casefold()]
        self.endResetModel()


class _ChatListView(QListView):
    """Enter opens, F2 renames, Delete asks to delete."""

    opened = Signal(QModelIndex)
    delete_pressed = Signal(QModelIndex)

    def keyPressEvent(self, event: QKeyEvent) -> None:
        index = self.currentIndex()
        if self.state() == QListView.State.EditingState:
            super().keyPressEvent(event)  # what the editor leaves over: the Enter that ends it
        elif index.isValid() and event.key() in {Qt.Key.Key_Return, Qt.Key.Key_Enter}:
            self.opened.emit(index)
        elif index.isValid() and event.key() == Qt.Key.Key_F2:
            self.edit(index)
        elif index.isValid() and event.matches(QKeySequence.StandardKey.Delete):
            self.delete_pressed.emit(index)
        else:
            super().keyPressEvent(event)


class ChatListPopup(QFrame):
    """The drop-down with a search field.

    Signals:
        chat_chosen: a chat is to be shown. chat: its ChatRecord.
        delete_requested: a chat is to be deleted; not confirmed yet. chat: its ChatRecord.
    """

    chat_chosen = Signal(object)
    delete_requested = Signal(object)

    def __init__(self, model: ChatListModel, parent: QWidget | None = None) -> None:
        super().__init__(parent, Qt.WindowType.Popup)
        self.setObjectName("popup")
        self.setAccessibleName("Chats")
        self._model = model
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Find a chat")
        self.search.setAccessibleName("Find a chat")
        self.search.setClearButtonEnabled(True)
        self.search.setAcceptDrops(False)
        self.search.textChanged.connect(model.set_text)
        self.search.returnPressed.connect(self._on_return_pressed)
        self.list = _ChatListView(self)
        self.list.setObjectName("chats")
        self.list.setAccessibleName("Chats")
        self.list.setModel(model)
        self.list.setUniformItemSizes(True)
        self.list.setEditTriggers(QListView.EditTrigger.NoEditTriggers)  # a click opens, and does not edit
        self.list.setTextElideMode(Qt.TextElideMode.ElideRight)
        self.list.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self.list.clicked.connect(self._choose)
        self.list.opened.connect(self._choose)
        self.list.delete_pressed.connect(self._ask_to_delete)
        self.list.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        self.list.customContextMenuRequested.connect(self._on_context_menu_requested)
        self.none = PlainLabel("No chats yet.", self)
        self.none.setProperty("kind", "muted")
        self.none.setAlignment(Qt.AlignmentFlag.AlignCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(8, 8, 8, 8)
        layout.addWidget(self.search)
        layout.addWidget(self.list, 1)
        layout.addWidget(self.none, 1)
        self.resize(340, 360)
        model.modelReset.connect(self._on_model_reset)
        self._on_model_reset()

    def drop_down_from(self, widget: QWidget) -> None:
        """Show the list under ``widget``."""
        self.search.clear()
        self.move(widget.mapToGlobal(QPoint(0, widget.height() + 4)))
        self.show()
        self.search.setFocus()

    def _on_model_reset(self) -> None:
        is_empty = self._model.rowCount() == 0
        self.list.setVisible(not is_empty)
        self.none.setVisible(is_empty)
        self.none.setText("No chat matches." if self.search.text() else "No chats yet.")

    def _on_return_pressed(self) -> None:
        if self._model.rowCount():
            self._choose(self._model.index(0))

    def _choose(self, index: QModelIndex) -> None:
        self.hide()
        self.chat_chosen.emit(index.data(CHAT_ROLE))

    def _ask_to_delete(self, index: QModelIndex) -> None:
        chat: ChatRecord = index.data(CHAT_ROLE)
        self.hide()
        self.delete_requested.emit(chat)

    def _on_context_menu_requested(self, place: QPoint) -> None:
        index = self.list.indexAt(place)
        if not index.isValid():
            return
        self.list.setCurrentIndex(index)
        menu = QMenu(self)
        menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        rename = QAction("Rename chat", menu)
        rename.triggered.connect(self._on_rename_action)
        menu.addAction(rename)
        action = QAction("Delete chat…", menu)
        action.triggered.connect(self._on_delete_action)
        menu.addAction(action)
        menu.popup(self.list.viewport().mapToGlobal(place))

    def _on_rename_action(self) -> None:
        self.list.edit(self.list.currentIndex())

    def _on_delete_action(self) -> None:
        self._ask_to_delete(self.list.currentIndex())


def _when(moment: datetime) -> str:
    """A stored UTC time in the user's zone."""
    return moment.replace(tzinfo=moment.tzinfo or UTC).astimezone().strftime("%d %b %Y, %H:%M")
