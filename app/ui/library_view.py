"""The left side: the notes, what became of each, and the ways to add more."""

from collections import Counter
from collections.abc import Sequence

from markupsafe import Markup, escape
from PySide6.QtCore import QEvent, QItemSelectionModel, QModelIndex, QPoint, QSize, Qt, QTimer, QUrl, Signal
from PySide6.QtGui import QAction, QDesktopServices, QKeyEvent, QKeySequence
from PySide6.QtWidgets import (
    QAbstractItemView,
    QGridLayout,
    QHBoxLayout,
    QHeaderView,
    QLineEdit,
    QMenu,
    QPushButton,
    QStackedWidget,
    QTableView,
    QVBoxLayout,
    QWidget,
)

from app.ui.document_delegate import DocumentDelegate
from app.ui.document_table_model import Column, DocumentFilter, DocumentTableModel, plural
from app.ui.empty_state import EmptyState
from app.ui.folder_list import FolderList
from app.ui.plain_text import MarkupLabel, PlainLabel
from app.ui.theme import MARGIN, current_theme
from storage.records import DocumentKind, DocumentRecord, DocumentState


def counts_in_words(documents: Sequence[DocumentRecord]) -> str:
    """``12 notes ready, 1 imported adapter ready, 1 failed, 3 learning``; empty for an empty library."""
    if not documents:
        return ""
    notes = [document for document in documents if document.kind is DocumentKind.NOTE]
    count = Counter(document.state for document in notes)
    parts = [_ready_in_words([note for note in notes if note.state is DocumentState.READY], "note")]
    adapters = [document for document in documents if document.kind is DocumentKind.ADAPTER]
    if adapters:
        parts.append(_ready_in_words(adapters, "imported adapter"))
    for state, words in (
        (DocumentState.FAILED, "failed"),
        (DocumentState.LEARNING, "learning"),
        (DocumentState.QUEUED, "waiting"),
    ):
        if count[state]:
            parts.append(f"{count[state]:,} {words}")
    return ", ".join(parts)


def _ready_in_words(ready: Sequence[DocumentRecord], noun: str) -> str:
    n_off = sum(not document.enabled for document in ready)
    words = f"{plural(len(ready), noun)} ready"
    return f"{words} ({n_off:,} off)" if n_off else words


class DocumentTable(QTableView):
    """The table; Space switches all selected rows, Delete asks to forget them.

    Signals:
        switch_requested: Space was pressed.
        forget_requested: Delete was pressed.
    """

    switch_requested = Signal()
    forget_requested = Signal()

    def keyPressEvent(self, event: QKeyEvent) -> None:
        """Keys that mean the same in any column."""
        if event.key() == Qt.Key.Key_Space and self.selectionModel().hasSelection():
            self.switch_requested.emit()
        elif event.matches(QKeySequence.StandardKey.Delete) and self.selectionModel().hasSelection():
            self.forget_requested.emit()
        else:
            super().keyPressEvent(event)


class LibraryView(QWidget):
    """Shows a DocumentTableModel and says what the user wants done; does nothing itself.

    Signals:
        add_files_requested, add_folder_requested, watch_folder_requested: a button was pressed.
        retry_requested: failed documents are to be tried again.
            ids: tuple of document ids.
        forget_requested: the user asked to forget documents; not confirmed yet.
            documents: tuple of DocumentRecord.
        export_requested: the selected documents' adapters are to be written for other programs.
            form: see ExportFormat.  documents: tuple of DocumentRecord, all of them ready.
        unwatch_requested: a folder is to be followed no longer.
            folder_id: its id.
    """

    add_files_requested = Signal()
    add_folder_requested = Signal()
    watch_folder_requested = Signal()
    retry_requested = Signal(object)
    forget_requested = Signal(object)
    export_requested = Signal(str, object)
    unwatch_requested = Signal(object)

    def __init__(self, model: DocumentTableModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("library")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._model = model
        self._is_loaded = False
        # However many rows change in one go, they are counted once.
        self._refresh_timer = QTimer(self)
        self._refresh_timer.setSingleShot(True)
        self._refresh_timer.setInterval(0)
        self._refresh_timer.timeout.connect(self._refresh)
        self.filter_model = DocumentFilter(model, self)
        self.counts = MarkupLabel(self, opens_links=False)
        self.counts.setProperty("kind", "muted")
        self.counts.setWordWrap(True)
        self.counts.setAccessibleName("State of the library")
        self.counts.linkActivated.connect(self._on_counts_link)
        self.search = QLineEdit(self)
        self.search.setPlaceholderText("Filter notes")
        self.search.setClearButtonEnabled(True)
        self.search.setAccessibleName("Filter notes")
        self.search.setAcceptDrops(False)
        self.search.textChanged.connect(self._on_search_changed)
        self.table = DocumentTable(self)
        self.delegate = DocumentDelegate(self.table)
        self._set_up_table()
        self.empty = EmptyState("libraryEmpty", parent=self)
        self.empty.button.clicked.connect(self._on_empty_button)
        self.body = QStackedWidget(self)
        self.body.addWidget(self.table)
        self.body.addWidget(self.empty)
        self.folders = FolderList(self)
        self.folders.unwatch_requested.connect(self.unwatch_requested)
        self._lay_out()
        for signal in (model.modelReset, model.rowsInserted, model.rowsRemoved, model.dataChanged):
            signal.connect(self._refresh_timer.start)
        self._refresh()

    def minimumSizeHint(self) -> QSize:
        """Wide enough to read titles, and for the buttons in whatever font."""
        return super().minimumSizeHint().expandedTo(QSize(320, 0))

    def selected(self) -> tuple[DocumentRecord, ...]:
        """The documents of the selected rows, in the order shown."""
        # By ranges: Qt's list of ten thousand selected indexes would hold the window for half a second.
        rows = {
            row
            for part in self.table.selectionModel().selection().toList()
            for row in range(part.top(), part.bottom() + 1)
        }
        shown = self.filter_model
        return tuple(
            self._model.document(shown.mapToSource(shown.index(row, Column.TITLE)).row())
            for row in sorted(rows)
        )

    def set_loaded(self) -> None:
        """The library was read; if the model is empty, so is the library."""
        if not self._is_loaded:
            self._is_loaded = True
            self._refresh()

    def context_menu(self) -> QMenu:
        """What can be done with the selected rows."""
        documents = self.selected()
        menu = QMenu(self)
        is_failed = any(document.state is DocumentState.FAILED for document in documents)
        all_on = all(document.enabled for document in documents)
        self._add(menu, "Turn off" if all_on else "Turn on", self._on_switch_requested)
        retry = self._add(menu, "Retry", self._on_retry_action)
        retry.setEnabled(is_failed)
        menu.addSeparator()
        single = len(documents) == 1
        self._add(menu, "Open file", self._on_open_file).setEnabled(single and _has_text(documents[0]))
        self._add(menu, "Show folder", self._on_show_folder).setEnabled(single)
        menu.addSeparator()
        export = menu.addMenu("Export adapter")
        export.setEnabled(all(document.state is DocumentState.READY for document in documents))
        self._add(export, "For llama.cpp (GGUF)…", self._on_export_gguf)
        self._add(export, "For PEFT…", self._on_export_peft)
        menu.addSeparator()
        self._add(menu, "Forget…", self._on_forget_requested)
        return menu

    # --- set-up ---------------------------------------------------------------------------------------------

    def _set_up_table(self) -> None:
        table = self.table
        table.setObjectName("documents")
        table.setAccessibleName("Notes")
        table.setModel(self.filter_model)
        table.setItemDelegate(self.delegate)
        table.setSelectionBehavior(QAbstractItemView.SelectionBehavior.SelectRows)
        table.setSelectionMode(QAbstractItemView.SelectionMode.ExtendedSelection)
        table.setEditTriggers(QAbstractItemView.EditTrigger.NoEditTriggers)
        table.setShowGrid(False)
        table.setMouseTracking(True)
        table.setTabKeyNavigation(False)
        table.setVerticalScrollMode(QAbstractItemView.ScrollMode.ScrollPerPixel)
        table.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        table.horizontalHeader().hide()
        table.horizontalHeader().setMinimumSectionSize(60)
        table.horizontalHeader().setSectionResizeMode(Column.TITLE, QHeaderView.ResizeMode.Stretch)
        table.horizontalHeader().setSectionResizeMode(Column.STATE, QHeaderView.ResizeMode.Fixed)
        table.setColumnWidth(Column.STATE, self.delegate.state_width(table.font()))
        table.verticalHeader().hide()
        # One height for all rows: asking the delegate for each of ten thousand would hold the window.
        table.verticalHeader().setSectionResizeMode(QHeaderView.ResizeMode.Fixed)
        table.verticalHeader().setDefaultSectionSize(self.delegate.row_height(table.font()))
        table.setContextMenuPolicy(Qt.ContextMenuPolicy.CustomContextMenu)
        table.customContextMenuRequested.connect(self._on_context_menu_requested)
        table.doubleClicked.connect(self._on_double_clicked)
        table.switch_requested.connect(self._on_switch_requested)
        table.forget_requested.connect(self._on_forget_requested)
        self.delegate.retry_clicked.connect(self._on_retry_clicked)

    def _lay_out(self) -> None:
        heading = PlainLabel("Notes", self)
        heading.setProperty("kind", "title")
        self.add_files_button = _button("Add files…", self.add_files_requested, self)
        self.add_folder_button = _button("Add folder…", self.add_folder_requested, self)
        self.watch_folder_button = _button("Watch folder…", self.watch_folder_requested, self)
        self.add_files_button.setToolTip("Learn single files (Ctrl+O)")
        self.add_folder_button.setToolTip("Learn everything inside a folder, once (Ctrl+Shift+O)")
        self.watch_folder_button.setToolTip("Learn a folder and follow every change in it")
        buttons = QGridLayout()
        buttons.setSpacing(8)
        for column, button in enumerate(
            (self.add_files_button, self.add_folder_button, self.watch_folder_button)
        ):
            buttons.addWidget(button, 0, column)
        top = QHBoxLayout()
        top.addWidget(heading)
        top.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, 12, MARGIN, MARGIN)
        layout.setSpacing(10)
        layout.addLayout(top)
        layout.addWidget(self.counts)
        layout.addWidget(self.search)
        layout.addWidget(self.body, 1)
        layout.addWidget(self.folders)
        layout.addLayout(buttons)

    def _add(self, menu: QMenu, text: str, slot: object) -> QAction:
        action = QAction(text, menu)
        action.triggered.connect(slot)
        menu.addAction(action)
        return action

    def changeEvent(self, event: QEvent) -> None:
        """The link in the counts line carries its colour with it."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange:
            self._refresh()

    # --- what happens ---------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        documents = self._model.documents
        words = escape(counts_in_words(documents))
        colour = current_theme(self).bad
        n_failed = sum(document.state is DocumentState.FAILED for document in documents)
        failed = f"{n_failed:,} failed"
        if n_failed:
            link = Markup('<a href="failed" style="color: {}">{}</a>').format(colour, failed)
            words = words.replace(failed, link)
        self.counts.setText(words)
        self.counts.setVisible(bool(words))
        self.search.setVisible(bool(documents))
        self._show_body()

    def _on_search_changed(self, text: str) -> None:
        self.filter_model.set_text(text)
        self._show_body()

    def _show_body(self) -> None:
        if not self._is_loaded:
            # Not known to be empty yet: say nothing rather than something wrong for a moment.
            self.empty.say("", "")
            self.body.setCurrentWidget(self.empty)
        elif not self._model.rowCount():
            self.empty.say(
                "", "Drop notes or whole folders anywhere in this window, or choose them.", "Choose files…"
            )
            self.body.setCurrentWidget(self.empty)
        elif not self.filter_model.rowCount():
            self.empty.say("", f"No note matches “{self.search.text()}”.", "Show all notes")
            self.body.setCurrentWidget(self.empty)
        else:
            self.body.setCurrentWidget(self.table)

    def _on_empty_button(self) -> None:
        if self._model.rowCount():
            self.search.clear()
        else:
            self.add_files_requested.emit()

    def _on_counts_link(self, _link: str) -> None:
        self.search.setText("failed")

    def _on_context_menu_requested(self, place: QPoint) -> None:
        if self.table.selectionModel().hasSelection():
            menu = self.context_menu()
            menu.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
            menu.popup(self.table.viewport().mapToGlobal(place))

    def _on_switch_requested(self) -> None:
        documents = self.selected()
        wanted = not all(document.enabled for document in documents)
        ids = {document.id for document in documents}
        rows = [row for row, document in enumerate(self._model.documents) if document.id in ids]
        self._model.set_enabled(rows, wanted)

    def _on_retry_clicked(self, document_id: int) -> None:
        self.retry_requested.emit((document_id,))

    def _on_retry_action(self) -> None:
        ids = tuple(document.id for document in self.selected() if document.state is DocumentState.FAILED)
        if ids:
            self.retry_requested.emit(ids)

    def _on_forget_requested(self) -> None:
        documents = self.selected()
        if documents:
            self.forget_requested.emit(documents)

    def _on_export_gguf(self) -> None:
        self._request_export("gguf")

    def _on_export_peft(self) -> None:
        self._request_export("peft")

    def _request_export(self, form: str) -> None:
        documents = self.selected()
        if documents:
            self.export_requested.emit(form, documents)

    def _on_double_clicked(self, index: QModelIndex) -> None:
        self.table.selectionModel().select(
            index, QItemSelectionModel.SelectionFlag.ClearAndSelect | QItemSelectionModel.SelectionFlag.Rows
        )
        self._on_open_file()

    def _on_open_file(self) -> None:
        for document in self.selected()[:1]:
            if _has_text(document):
                QDesktopServices.openUrl(QUrl.fromLocalFile(str(document.path)))

    def _on_show_folder(self) -> None:
        for document in self.selected()[:1]:
            QDesktopServices.openUrl(QUrl.fromLocalFile(str(document.path.parent)))


def _has_text(document: DocumentRecord) -> bool:
    """Whether there is a file that a person can read."""
    return document.kind is DocumentKind.NOTE


def _button(text: str, signal: object, parent: QWidget) -> QPushButton:
    button = QPushButton(text, parent)
    button.setAccessibleName(text.removesuffix("…"))
    button.clicked.connect(signal)
    return button
