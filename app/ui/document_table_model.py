"""The library as a table: one row per document, with its switch, its title and its state in words."""

from collections.abc import Sequence
from dataclasses import replace
from enum import IntEnum

from PySide6.QtCore import (
    QAbstractTableModel,
    QModelIndex,
    QObject,
    QPersistentModelIndex,
    QSortFilterProxyModel,
    Qt,
    Signal,
)

from app.ui.plain_text import plain_tool_tip
from storage.records import DocumentKind, DocumentRecord, DocumentState
from storage.titles import on_one_line

Index = QModelIndex | QPersistentModelIndex


class Column(IntEnum):
    """What a column shows."""

    TITLE = 0
    STATE = 1


class DocumentRole(IntEnum):
    """What else a cell knows, beside Qt's own roles."""

    RECORD = Qt.ItemDataRole.UserRole + 1
    """The row's DocumentRecord."""
    PROGRESS = Qt.ItemDataRole.UserRole + 2
    """(n_done, n_chunks) while it is learnt and the count is known, otherwise None."""
    REMARK = Qt.ItemDataRole.UserRole + 3
    """The second line of the row: why it failed, or how it was read."""


def plural(count: int, noun: str) -> str:
    """``1 note``, ``3 notes``, ``1,204 notes``."""
    return f"{count:,} {noun}" if count == 1 else f"{count:,} {noun}s"


def state_in_words(document: DocumentRecord, progress: tuple[int, int] | None) -> str:
    """What the state column says; never a bare number."""
    match document.state:
        case DocumentState.QUEUED:
            return "Waiting"
        case DocumentState.LEARNING:
            if progress is None or progress[1] == 0:
                return "Reading…"
            return f"Learning, {progress[0]} of {progress[1]}"
        case DocumentState.READY:
            return "Ready" if document.enabled else "Ready, off"
        case DocumentState.FAILED:
            return "Failed"


def remark(document: DocumentRecord) -> str:
    """The row's second line."""
    match document.state:
        case DocumentState.FAILED:
            return document.reason_title or "The reason is unknown."
        case DocumentState.READY:
            is_note = document.kind is DocumentKind.NOTE
            what = plural(document.n_chunks, "passage") if is_note else "Imported adapter"
            return f"{what} · {document.note}" if document.note else what
        case _:
            return document.path.name


class DocumentTableModel(QAbstractTableModel):
    """Document records for the library's view. GUI thread only.

    Switching a note is shown at once; the catalog's answer then replaces the whole row.

    Signals:
        enabled_changed: the user switched notes on or off.
            ids: tuple of document ids; enabled: the new state.
    """

    enabled_changed = Signal(object, bool)

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._documents: list[DocumentRecord] = []
        self._progress: dict[int, tuple[int, int]] = {}

    @property
    def documents(self) -> tuple[DocumentRecord, ...]:
        """All rows, in their order."""
        return tuple(self._documents)

    def document(self, row: int) -> DocumentRecord:
        """The document in a row."""
        return self._documents[row]

    def searchable(self, row: int) -> str:
        """All that a row says, in lower case."""
        document = self._documents[row]
        state = state_in_words(document, self._progress.get(document.id))
        return f"{document.title}\n{state}\n{remark(document)}\n{document.path}".casefold()

    # --- changes --------------------------------------------------------------------------------------------

    def show(self, documents: Sequence[DocumentRecord]) -> None:
        """Make the rows equal to ``documents``, keeping the selection of those that stay."""
        self._drop_progress_of_finished(documents)
        if not self._documents or not documents:
            self.beginResetModel()
            self._documents = list(documents)
            self.endResetModel()
            return
        self._remove_rows_not_in({document.id for document in documents})
        known = {document.id for document in self._documents}
        row = 0
        while row < len(documents):
            document = documents[row]
            if document.id not in known:
                row = self._insert_run(row, documents, known)
                continue
            if self._documents[row].id != document.id:
                self._move_up(document.id, row)
            if self._documents[row] != document:
                self._documents[row] = document
                self._row_changed(row)
            row += 1

    def set_progress(self, document_id: int, n_done: int, n_chunks: int) -> None:
        """Show that ``n_done`` of ``n_chunks`` passages are learnt."""
        # Kept for a row that is yet to come as well: show() drops what is not being learnt. A row that still
        # says "waiting" is read anew in a moment; turned here it would count beside the note before it.
        self._progress[document_id] = (n_done, n_chunks)
        row = self._row_of(document_id)
        if row is not None:
            self._row_changed(row)

    def set_enabled(self, rows: Sequence[int], enabled: bool) -> None:
        """Switch rows as the user asked, and say so."""
        changed = [row for row in rows if self._documents[row].enabled != enabled]
        for row in changed:
            self._documents[row] = replace(self._documents[row], enabled=enabled)
        if changed:
            # One signal for all rows between: ten thousand signals would hold the window for half a second.
            self.dataChanged.emit(self.index(min(changed), 0), self.index(max(changed), len(Column) - 1))
            self.enabled_changed.emit(tuple(self._documents[row].id for row in changed), enabled)

    # --- QAbstractTableModel --------------------------------------------------------------------------------

    def rowCount(self, parent: Index | None = None) -> int:
        """Rows are documents."""
        return 0 if parent is not None and parent.isValid() else len(self._documents)

    def columnCount(self, parent: Index | None = None) -> int:
        """See Column."""
        return 0 if parent is not None and parent.isValid() else len(Column)

    def flags(self, index: Index) -> Qt.ItemFlag:
        """Only titles can be checked."""
        flags = Qt.ItemFlag.ItemIsEnabled | Qt.ItemFlag.ItemIsSelectable | Qt.ItemFlag.ItemNeverHasChildren
        if index.isValid() and index.column() == Column.TITLE:
            flags |= Qt.ItemFlag.ItemIsUserCheckable
        return flags if index.isValid() else Qt.ItemFlag.NoItemFlags

    def headerData(
        self, section: int, orientation: Qt.Orientation, role: int = Qt.ItemDataRole.DisplayRole
    ) -> object:
        """Names for screen readers; the header itself is hidden."""
        if orientation == Qt.Orientation.Horizontal and role == Qt.ItemDataRole.DisplayRole:
            return ("Note", "State")[section]
        return None

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """See DocumentRole for what is ours."""
        if not index.isValid():
            return None
        document = self._documents[index.row()]
        progress = self._progress.get(document.id)
        match role:
            case Qt.ItemDataRole.DisplayRole:
                if index.column() == Column.TITLE:
                    return on_one_line(document.title)
                return state_in_words(document, progress)
            case Qt.ItemDataRole.CheckStateRole if index.column() == Column.TITLE:
                return Qt.CheckState.Checked if document.enabled else Qt.CheckState.Unchecked
            case Qt.ItemDataRole.ToolTipRole:
                return plain_tool_tip(_tip(document))
            case Qt.ItemDataRole.AccessibleTextRole:
                switch = "on" if document.enabled else "off"
                state = state_in_words(document, progress)
                return on_one_line(f"{document.title}, {switch}, {state}, {remark(document)}")
            case DocumentRole.RECORD:
                return document
            case DocumentRole.PROGRESS:
                return progress
            case DocumentRole.REMARK:
                return on_one_line(remark(document))
            case _:
                return None

    def setData(self, index: Index, value: object, role: int = Qt.ItemDataRole.EditRole) -> bool:
        """Only the switch can be set."""
        if not index.isValid() or role != Qt.ItemDataRole.CheckStateRole or index.column() != Column.TITLE:
            return False
        self.set_enabled([index.row()], Qt.CheckState(value) == Qt.CheckState.Checked)
        return True

    # --- inside ---------------------------------------------------------------------------------------------

    def _row_of(self, document_id: int) -> int | None:
        return next((row for row, document in enumerate(self._documents) if document.id == document_id), None)

    def _row_changed(self, row: int) -> None:
        self.dataChanged.emit(self.index(row, 0), self.index(row, len(Column) - 1))

    def _drop_progress_of_finished(self, documents: Sequence[DocumentRecord]) -> None:
        learning = {document.id for document in documents if document.state is DocumentState.LEARNING}
        self._progress = {key: value for key, value in self._progress.items() if key in learning}

    def _remove_rows_not_in(self, staying: set[int]) -> None:
        row = len(self._documents) - 1
        while row >= 0:
            if self._documents[row].id in staying:
                row -= 1
                continue
            last = row
            while row > 0 and self._documents[row - 1].id not in staying:
                row -= 1
            self.beginRemoveRows(QModelIndex(), row, last)
            del self._documents[row : last + 1]
            self.endRemoveRows()
            row -= 1

    def _insert_run(self, row: int, documents: Sequence[DocumentRecord], known: set[int]) -> int:
        """Insert the unknown documents from ``row`` on in one go; returns the row after them."""
        end = row
        while end < len(documents) and documents[end].id not in known:
            end += 1
        self.beginInsertRows(QModelIndex(), row, end - 1)
        self._documents[row:row] = documents[row:end]
        self.endInsertRows()
        return end

    def _move_up(self, document_id: int, row: int) -> None:
        """Rows above ``row`` are in place already, so a document that is elsewhere is below."""
        source = next(
            place for place in range(row, len(self._documents)) if self._documents[place].id == document_id
        )
        self.beginMoveRows(QModelIndex(), source, source, QModelIndex(), row)
        self._documents.insert(row, self._documents.pop(source))
        self.endMoveRows()


class DocumentFilter(QSortFilterProxyModel):
    """Rows whose title, state, reason or path contain every word that was typed."""

    def __init__(self, model: DocumentTableModel, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._model = model
        self._words: tuple[str, ...] = ()
        self.setSourceModel(model)

    def set_text(self, text: str) -> None:
        """Show only rows that contain each word of ``text``, in any case."""
        self.beginFilterChange()
        self._words = tuple(text.casefold().split())
        self.endFilterChange(QSortFilterProxyModel.Direction.Rows)

    def filterAcceptsRow(self, source_row: int, source_parent: Index) -> bool:
        """Called by Qt for each row."""
        if not self._words:
            return True
        haystack = self._model.searchable(source_row)
        return all(word in haystack for word in self._words)


def _tip(document: DocumentRecord) -> str:
    lines = [on_one_line(str(document.path))]
    if document.state is DocumentState.FAILED:
        lines += [document.reason_title, document.reason_detail]
    elif document.note:
        lines.append(document.note)
    return "\n".join(line for line in lines if line)
