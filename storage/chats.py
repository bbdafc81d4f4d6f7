"""Conversations and where their answers came from.

Every method may be called from any thread, blocks, and is one transaction. All raise StorageError when the
file cannot be read or written; then nothing was changed.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Row, Select, delete, select, update
from sqlalchemy.orm import InstrumentedAttribute, Session

from storage.answer_redaction import redact_answers
from storage.column_types import utc_now
from storage.database import Database
from storage.errors import NotInCatalog
from storage.records import (
    AnswerFacts,
    ChatRecord,
    DocumentKind,
    Role,
    SourceRecord,
    SourceState,
    TurnRecord,
)
from storage.schema import Chat, Chunk, Document, Source, Turn
from storage.titles import on_one_line, title_of

TITLE_CHARS = 60
"""Longest title made from a question."""


class Chats:
    """All conversations."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def create(self) -> ChatRecord:
        """Begin a conversation; its title is empty until the first question."""
        with self._database.write() as session:
            chat = Chat(title="")
            session.add(chat)
            session.flush()
            return _chat_record(chat)

    def chats(self) -> tuple[ChatRecord, ...]:
        """All conversations, the one used last first."""
        query = select(Chat).order_by(Chat.updated_at.desc(), Chat.id.desc())
        with self._database.read() as session:
            return tuple(_chat_record(chat) for chat in session.scalars(query))

    def turns(self, chat_id: int) -> tuple[TurnRecord, ...]:
        """The turns of a conversation in order; empty when it was deleted."""
        with self._database.read() as session:
            sources: dict[int, list[SourceRecord]] = {}
            rows = session.execute(
                _SOURCES.join(Turn, Source.turn_id == Turn.id)
                .where(Turn.chat_id == chat_id)
                .order_by(Source.turn_id, Source.position)
            )
            for row in rows:
                sources.setdefault(row.turn_id, []).append(_source_record(row))
            turns = session.scalars(select(Turn).where(Turn.chat_id == chat_id).order_by(Turn.id))
            return tuple(_turn_record(turn, sources.get(turn.id, ())) for turn in turns)

    def add_question(self, chat_id: int, text: str) -> TurnRecord:
        """Append what the user asked; the first question names the chat.

        Raises:
            NotInCatalog: the chat was deleted.
        """
        with self._database.write() as session:
            chat = _touched_chat(session, chat_id)
            if not chat.title:
                chat.title = _as_title(text)
            turn = Turn(chat_id=chat_id, role=Role.USER, text=text, stopped=False)
            session.add(turn)
            session.flush()
            return _turn_record(turn, ())

    def add_answer(
        self,
        chat_id: int,
        text: str,
        mode: str,
        sources: Sequence[SourceRecord],
        facts: AnswerFacts | None,
        stopped: bool,
    ) -> TurnRecord:
        """Append an answer with its sources, strongest first.

        A source that was forgotten or changed while the answer ran is kept as one that was so later: without
        what it said, and the answer without the words that stand nowhere any more.

        Raises:
            NotInCatalog: the chat was deleted.
        """
        with self._database.write() as session:
            _touched_chat(session, chat_id)
            turn = Turn(chat_id=chat_id, role=Role.ASSISTANT, text=text, mode=mode, stopped=stopped)
            if facts is not None:
                turn.prompt_tokens = facts.prompt_tokens
                turn.completion_tokens = facts.completion_tokens
                turn.adapter_rank = facts.adapter_rank
                turn.first_token_s = facts.first_token_s
                turn.tokens_per_s = facts.tokens_per_s
                turn.device = facts.device
            session.add(turn)
            session.flush()
            documents = _still_there(session, Document.id, (source.document_id for source in sources))
            chunks = _still_there(session, Chunk.id, (source.chunk_id for source in sources))
            session.add_all(
                Source(
                    turn_id=turn.id,
                    position=position,
                    document_id=source.document_id if source.document_id in documents else None,
                    chunk_id=source.chunk_id if source.chunk_id in chunks else None,
                    weight=source.weight,
                )
                for position, source in enumerate(sources)
            )
            session.flush()
            gone = [source.passage for source in sources if source.chunk_id not in chunks]
            gone += [source.document for source in sources if source.document_id not in documents]
            redact_answers(session, {turn.id: gone})
            session.refresh(turn)
            kept = session.execute(_SOURCES.where(Source.turn_id == turn.id).order_by(Source.position))
            return _turn_record(turn, [_source_record(row) for row in kept])

    def rename(self, chat_id: int, title: str) -> None:
        """Give a conversation another title; a deleted one is passed over."""
        with self._database.write() as session:
            session.execute(update(Chat).where(Chat.id == chat_id).values(title=title_of(title)))

    def delete(self, chat_id: int) -> None:
        """Remove a conversation with its turns and sources, and its bytes from the file."""
        with self._database.write() as session:
            session.execute(delete(Chat).where(Chat.id == chat_id))
        self._database.truncate_log()


def _touched_chat(session: Session, chat_id: int) -> Chat:
    chat = session.get(Chat, chat_id)
    if chat is None:
        raise NotInCatalog("This chat was deleted.", f"chat {chat_id} is not in the catalog")
    chat.updated_at = utc_now()
    return chat


def _as_title(question: str) -> str:
    """The question on one line, cut at a word's end."""
    words = on_one_line(" ".join(question.split()))
    if len(words) <= TITLE_CHARS:
        return words
    head, space, _ = words[:TITLE_CHARS].rpartition(" ")
    return (head if space else words[: TITLE_CHARS - 1]) + "…"


def _chat_record(chat: Chat) -> ChatRecord:
    return ChatRecord(chat.id, chat.title, chat.created_at, chat.updated_at)


def _still_there(
    session: Session, column: InstrumentedAttribute[int], ids: Iterable[int | None]
) -> set[int | None]:
    return set(session.scalars(select(column).where(column.in_({id_ for id_ in ids if id_ is not None}))))


_SOURCES: Select[*tuple[object, ...]] = (
    select(
        Source.turn_id,
        Source.document_id,
        Source.weight,
        Document.title,
        Document.path,
        Document.kind,
        Source.chunk_id,
        Chunk.text,
    )
    .select_from(Source)
    .outerjoin(Document, Source.document_id == Document.id)
    .outerjoin(Chunk, Source.chunk_id == Chunk.id)
)


def _source_record(row: Row[*tuple[object, ...]]) -> SourceRecord:
    """Of a row of _SOURCES."""
    if row.document_id is None:
        return SourceRecord(None, "", "", None, "", row.weight, SourceState.FORGOTTEN)
    is_changed = row.chunk_id is None and row.kind is DocumentKind.NOTE
    return SourceRecord(
        document_id=row.document_id,
        document=row.title,
        path=str(row.path),
        chunk_id=row.chunk_id,
        passage=row.text or "",
        weight=row.weight,
        state=SourceState.CHANGED if is_changed else SourceState.PRESENT,
    )


def _turn_record(turn: Turn, sources: Sequence[SourceRecord]) -> TurnRecord:
    return TurnRecord(
        id=turn.id,
        chat_id=turn.chat_id,
        role=turn.role,
        text=turn.text,
        mode=turn.mode,
        sources=tuple(sources),
        facts=_facts(turn),
        stopped=turn.stopped,
        created_at=turn.created_at,
    )


def _facts(turn: Turn) -> AnswerFacts | None:
    if (
        turn.prompt_tokens is None
        or turn.completion_tokens is None
        or turn.adapter_rank is None
        or turn.first_token_s is None
        or turn.tokens_per_s is None
        or turn.device is None
    ):
        return None
    return AnswerFacts(
        turn.prompt_tokens,
        turn.completion_tokens,
        turn.adapter_rank,
        turn.first_token_s,
        turn.tokens_per_s,
        turn.device,
    )
