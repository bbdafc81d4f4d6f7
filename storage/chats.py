"""Conversations and where their answers came from.

Every method may be called from any thread, blocks, and is one transaction. All raise StorageError when the
file cannot be read or written; then nothing was changed.
"""

from collections.abc import Sequence

from sqlalchemy import delete, select, update
from sqlalchemy.orm import Session

from storage.column_types import utc_now
from storage.database import Database
from storage.errors import NotInCatalog
from storage.records import AnswerFacts, ChatRecord, Role, SourceRecord, TurnRecord
from storage.schema import Chat, Document, Source, Turn
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
            rows = session.scalars(
                select(Source)
                .join(Turn)
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

        A source whose document was forgotten while the answer ran is kept without the document's id.

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
            wanted = {source.document_id for source in sources} - {None}
            known = set(session.scalars(select(Document.id).where(Document.id.in_(wanted))))
            rows = [
                Source(
                    turn_id=turn.id,
                    position=position,
                    document_id=source.document_id if source.document_id in known else None,
                    document=source.document,
                    path=source.path,
                    passage=source.passage,
                    weight=source.weight,
                )
                for position, source in enumerate(sources)
            ]
            session.add_all(rows)
            session.flush()
            return _turn_record(turn, [_source_record(row) for row in rows])

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


def _source_record(source: Source) -> SourceRecord:
    return SourceRecord(source.document_id, source.document, source.path, source.passage, source.weight)


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
