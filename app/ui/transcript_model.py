"""A chat as a list: questions and answers, the last of which may still be growing."""

from collections.abc import Sequence
from dataclasses import dataclass, replace
from enum import IntEnum, StrEnum

from PySide6.QtCore import QAbstractListModel, QModelIndex, QObject, QPersistentModelIndex, Qt

from storage.records import AnswerFacts, Role, SourceRecord, TurnRecord

Index = QModelIndex | QPersistentModelIndex


class EntryState(StrEnum):
    """How far an entry is."""

    WAITING = "waiting"
    """Asked; nothing has come back yet."""
    RECALLING = "recalling"
    """The notes that take part are known; the first word is not there yet."""
    STREAMING = "streaming"
    STOPPED = "stopped"
    """The user stopped it; the text is what there was."""
    REFUSED = "refused"
    """No answer; ``text`` and ``detail`` say why."""
    COMPLETE = "complete"


@dataclass(frozen=True, slots=True)
class TranscriptEntry:
    """One question or answer as it stands on the screen.

    Attributes:
        mode: see engine.messages.AnswerMode; None for questions.
        detail: more about a refusal; empty otherwise.
    """

    role: Role
    text: str
    state: EntryState = EntryState.COMPLETE
    mode: str | None = None
    sources: tuple[SourceRecord, ...] = ()
    facts: AnswerFacts | None = None
    detail: str = ""


class TranscriptRole(IntEnum):
    """What an index knows, beside Qt's own roles."""

    ENTRY = Qt.ItemDataRole.UserRole + 1
    """The TranscriptEntry."""


def entry_of(turn: TurnRecord) -> TranscriptEntry:
    """A stored turn as an entry."""
    state = EntryState.STOPPED if turn.stopped else EntryState.COMPLETE
    return TranscriptEntry(turn.role, turn.text, state, turn.mode, turn.sources, turn.facts)


class TranscriptModel(QAbstractListModel):
    """The entries of the chat that is shown. GUI thread only."""

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._entries: list[TranscriptEntry] = []

    @property
    def entries(self) -> tuple[TranscriptEntry, ...]:
        """All entries, oldest first."""
        return tuple(self._entries)

    def show(self, turns: Sequence[TurnRecord]) -> None:
        """Replace everything by stored turns."""
        self.beginResetModel()
        self._entries = [entry_of(turn) for turn in turns]
        self.endResetModel()

    def begin_question(self, question: str, mode: str) -> None:
        """Append a question and the answer that is awaited."""
        first = len(self._entries)
        self.beginInsertRows(QModelIndex(), first, first + 1)
        self._entries.append(TranscriptEntry(Role.USER, question))
        self._entries.append(TranscriptEntry(Role.ASSISTANT, "", EntryState.WAITING, mode))
        self.endInsertRows()

    def set_sources(self, sources: tuple[SourceRecord, ...]) -> None:
        """The notes that take part in the running answer."""
        self._put_last(replace(self._last(), sources=sources, state=EntryState.RECALLING))

    def append_text(self, text: str) -> None:
        """The next piece of the running answer."""
        self._put_last(replace(self._last(), text=self._last().text + text, state=EntryState.STREAMING))

    def finish(
        self, text: str, sources: tuple[SourceRecord, ...], facts: AnswerFacts | None, stopped: bool
    ) -> None:
        """The running answer is complete, or was stopped."""
        state = EntryState.STOPPED if stopped else EntryState.COMPLETE
        self._put_last(replace(self._last(), text=text, sources=sources, facts=facts, state=state))

    def refuse(self, title: str, detail: str) -> None:
        """There will be no answer."""
        self._put_last(replace(self._last(), text=title, detail=detail, state=EntryState.REFUSED))

    # --- QAbstractListModel ---------------------------------------------------------------------------------

    def rowCount(self, parent: Index | None = None) -> int:
        """Rows are questions and answers."""
        return 0 if parent is not None and parent.isValid() else len(self._entries)

    def data(self, index: Index, role: int = Qt.ItemDataRole.DisplayRole) -> object:
        """See TranscriptRole for what is ours."""
        if not index.isValid():
            return None
        entry = self._entries[index.row()]
        if role == TranscriptRole.ENTRY:
            return entry
        if role == Qt.ItemDataRole.DisplayRole:
            return entry.text
        return None

    # --- inside ---------------------------------------------------------------------------------------------

    def _last(self) -> TranscriptEntry:
        if not self._entries or self._entries[-1].role is not Role.ASSISTANT:
            raise RuntimeError("no answer is awaited")
        return self._entries[-1]

    def _put_last(self, entry: TranscriptEntry) -> None:
        self._entries[-1] = entry
        index = self.index(len(self._entries) - 1)
        self.dataChanged.emit(index, index)
