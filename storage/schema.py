"""Tables of the catalog. Private to ``storage``: rows never leave it, records do (see records.py).

The two search tables and the triggers are not ORM tables; they are made by migration 0001, written in
search_index.py and read in search.py. Ids are AUTOINCREMENT throughout: SQLite would otherwise hand the id
of a deleted last row to the next one, and an id that lives on in a cache (an adapter's key, a job's
cancellation) would then name something else.
"""

from datetime import datetime
from enum import StrEnum
from pathlib import Path

from sqlalchemy import CheckConstraint, Enum, ForeignKey, Index, LargeBinary, MetaData, UniqueConstraint, text
from sqlalchemy.orm import DeclarativeBase, Mapped, mapped_column

from storage.column_types import PathText, UserText, UtcDateTime, utc_now
from storage.records import DocumentKind, DocumentState, JobState, Role

_NAMES = {
    # Named constraints: Alembic's batch mode can only change what has a name.
    "ix": "ix_%(table_name)s_%(column_0_N_name)s",
    "uq": "uq_%(table_name)s_%(column_0_N_name)s",
    "ck": "ck_%(table_name)s_%(constraint_name)s",
    "fk": "fk_%(table_name)s_%(column_0_name)s",
    "pk": "pk_%(table_name)s",
}
_AUTOINCREMENT = {"sqlite_autoincrement": True}


def _values(kind: type[StrEnum]) -> list[str]:
    return [member.value for member in kind]


def _enum(kind: type[StrEnum], name: str) -> Enum:
    """Stored as the member's value, with a CHECK."""
    return Enum(
        kind, name=name, native_enum=False, length=16, create_constraint=True, values_callable=_values
    )


class Base(DeclarativeBase):
    """Root of the tables."""

    metadata = MetaData(naming_convention=_NAMES)


class Folder(Base):
    """A watched folder."""

    __tablename__ = "folders"
    __table_args__ = (_AUTOINCREMENT,)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Never reused."""
    path: Mapped[Path] = mapped_column(PathText, unique=True)
    """Absolute path of the folder."""
    added_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    """When the user chose it, UTC."""


class Content(Base):
    """The bytes of one or more documents, known by their hash. Deleted when no document has it any more."""

    __tablename__ = "contents"
    __table_args__ = (_AUTOINCREMENT,)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Never reused."""
    hash: Mapped[str] = mapped_column(unique=True)
    """SHA-256 of the file's bytes, or of an imported adapter's data; lower-case hex."""
    size_bytes: Mapped[int]
    """Number of the bytes that it came from."""
    n_chunks: Mapped[int]
    """Number of its rows in chunks; at least 1."""
    note: Mapped[str] = mapped_column(UserText, default="")
    """Remark from reading it, e.g. "Read as Windows-1252."; empty if there is none."""
    learnt_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    """When its chunks were last stored, UTC."""


class Document(Base):
    """A file, known by its path; or an adapter that was imported from one."""

    __tablename__ = "documents"
    __table_args__ = (
        CheckConstraint("state != 'ready' OR content_id IS NOT NULL", name="ready_has_content"),
        _AUTOINCREMENT,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    """Never reused."""
    path: Mapped[Path] = mapped_column(PathText, unique=True)
    """Absolute path of the file; of an imported adapter, where it came from. Never the same as a note's: the
    suffixes differ."""
    title: Mapped[str] = mapped_column(UserText)
    """Of a note the file name without its suffix; follows a rename. Also in title_search."""
    state: Mapped[DocumentState] = mapped_column(_enum(DocumentState, "state"), index=True)
    """Only READY documents may answer; then content_id is set."""
    enabled: Mapped[bool] = mapped_column(default=True)
    """Whether the user lets it take part in answers."""
    content_id: Mapped[int | None] = mapped_column(ForeignKey("contents.id"), index=True)
    """What was learnt last; None until then and after a failure. Kept while a newer version is queued."""
    folder_id: Mapped[int | None] = mapped_column(ForeignKey("folders.id", ondelete="SET NULL"), index=True)
    """The watched folder it came from; None when added by hand or no longer watched."""
    size_bytes: Mapped[int | None]
    """Of the file when last looked at; None when never."""
    mtime_ns: Mapped[int | None]
    """Modification time of the file when last looked at, nanoseconds since 1970 UTC; None when never."""
    reason_title: Mapped[str] = mapped_column(UserText, default="")
    """Why it failed, one sentence for the user; empty unless FAILED."""
    reason_detail: Mapped[str] = mapped_column(UserText, default="")
    """The same with values and what to do; empty unless FAILED."""
    added_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    """When it entered the library, UTC."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    """When state, path or content last changed, UTC."""
    kind: Mapped[DocumentKind] = mapped_column(
        _enum(DocumentKind, "kind"), default=DocumentKind.NOTE, server_default=DocumentKind.NOTE.value
    )
    """A note, or an imported adapter: one chunk without text, whose adapter is of no hypernetwork."""


class Chunk(Base):
    """A passage of a content. Its search row (chunk_search, same id) is deleted by a trigger."""

    __tablename__ = "chunks"
    __table_args__ = (UniqueConstraint("content_id", "position"), _AUTOINCREMENT)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Never reused: the engine caches factors under it."""
    content_id: Mapped[int] = mapped_column(ForeignKey("contents.id", ondelete="CASCADE"))
    """The content it is a passage of."""
    position: Mapped[int]
    """0-based order inside the content."""
    char_start: Mapped[int]
    """First character in the extracted text, 0-based."""
    char_end: Mapped[int]
    """One past the last character in the extracted text."""
    n_tokens: Mapped[int]
    """Tokens of the base model, template included."""
    text: Mapped[str] = mapped_column(UserText)
    """The passage."""


class Model(Base):
    """A base model and the hypernetwork made for it: what an adapter was computed with and fits to."""

    __tablename__ = "models"
    __table_args__ = (UniqueConstraint("base_hash", "hypernetwork_hash"), _AUTOINCREMENT)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Never reused."""
    base_hash: Mapped[str]
    """SHA-256 hex of the base model's file."""
    hypernetwork_hash: Mapped[str] = mapped_column(index=True)
    """SHA-256 hex over the hypernetwork's tensors and config; empty for what was made elsewhere."""


class Adapter(Base):
    """The adapter of one chunk for one model. The bytes live here, so that they commit with all the rest."""

    __tablename__ = "adapters"
    __table_args__ = (UniqueConstraint("chunk_id", "model_id"), _AUTOINCREMENT)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Never reused."""
    chunk_id: Mapped[int] = mapped_column(ForeignKey("chunks.id", ondelete="CASCADE"))
    """The chunk it holds."""
    model_id: Mapped[int] = mapped_column(ForeignKey("models.id"), index=True)
    """What computed it. A chunk never has two of the same hypernetwork: their key would be the same."""
    codec: Mapped[str]
    """How data is to be read, a value of engine.messages.Codec."""
    rank: Mapped[int]
    """Rank of the LoRA that data stands for."""
    size_bytes: Mapped[int]
    """Length of data: summing lengths must not read megabytes of blobs."""
    data: Mapped[bytes] = mapped_column(LargeBinary)
    """The adapter. Last column: SQLite then finds all others without walking the blob's overflow pages."""


_LIVE_JOB = text("state IN ('queued', 'running')")


class Job(Base):
    """One internalization of one document."""

    __tablename__ = "jobs"
    __table_args__ = (
        Index("uq_jobs_live", "document_id", "content_hash", unique=True, sqlite_where=_LIVE_JOB),
        Index("ix_jobs_state_id", "state", "id"),
        _AUTOINCREMENT,
    )

    id: Mapped[int] = mapped_column(primary_key=True)
    """Never reused; also the order of the queue."""
    document_id: Mapped[int] = mapped_column(ForeignKey("documents.id", ondelete="CASCADE"), index=True)
    """The document to learn."""
    content_hash: Mapped[str]
    """Of the file's bytes when the job was queued; the worker may read newer ones."""
    state: Mapped[JobState] = mapped_column(_enum(JobState, "state"))
    """At most one job per document and hash is QUEUED or RUNNING."""
    attempts: Mapped[int] = mapped_column(default=0)
    """How often it was claimed."""
    error_title: Mapped[str] = mapped_column(UserText, default="")
    """Why it failed, one sentence for the user; empty unless FAILED."""
    error_detail: Mapped[str] = mapped_column(UserText, default="")
    """The same with values and what to do; empty unless FAILED."""
    queued_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    """When it was queued first, UTC."""
    started_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was last claimed, UTC; None while it never was, and again after it was given back."""
    finished_at: Mapped[datetime | None] = mapped_column(UtcDateTime)
    """When it was done, failed or cancelled, UTC; None until then."""


class Chat(Base):
    """A conversation."""

    __tablename__ = "chats"
    __table_args__ = (_AUTOINCREMENT,)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Never reused."""
    title: Mapped[str] = mapped_column(UserText, default="")
    """Its first question, shortened, or what the user renamed it to; empty until then."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    """When it was begun, UTC."""
    updated_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    """When its last turn was added, UTC."""


class Turn(Base):
    """One utterance. Everything from mode on is of assistant turns only, and the facts come all or none."""

    __tablename__ = "turns"
    __table_args__ = (_AUTOINCREMENT,)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Never reused; also the order in the chat."""
    chat_id: Mapped[int] = mapped_column(ForeignKey("chats.id", ondelete="CASCADE"), index=True)
    """The chat it belongs to."""
    role: Mapped[Role] = mapped_column(_enum(Role, "role"))
    """Who speaks."""
    text: Mapped[str] = mapped_column(UserText)
    """What was said; the part that was generated when stopped."""
    created_at: Mapped[datetime] = mapped_column(UtcDateTime, default=utc_now)
    """When it was added, UTC."""
    mode: Mapped[str | None]
    """A value of engine.messages.AnswerMode; None for the user's turns."""
    stopped: Mapped[bool] = mapped_column(default=False)
    """Whether the user stopped the answer."""
    prompt_tokens: Mapped[int | None]
    """Tokens in the prompt; None without facts."""
    completion_tokens: Mapped[int | None]
    """Tokens generated; None without facts."""
    adapter_rank: Mapped[int | None]
    """Rank of the applied adapter, 0 without one; None without facts."""
    first_token_s: Mapped[float | None]
    """Seconds from the question to the first token; None without facts."""
    tokens_per_s: Mapped[float | None]
    """Generation speed after the first token; None without facts."""
    device: Mapped[str | None]
    """Where it ran, for people, e.g. "CPU, 1 thread"; None without facts."""


class Source(Base):
    """A passage that took part in an answer, by reference: chats hold no copy of what notes say."""

    __tablename__ = "sources"
    __table_args__ = (UniqueConstraint("turn_id", "position"), _AUTOINCREMENT)

    id: Mapped[int] = mapped_column(primary_key=True)
    """Never reused."""
    turn_id: Mapped[int] = mapped_column(ForeignKey("turns.id", ondelete="CASCADE"))
    """The answer."""
    position: Mapped[int]
    """0-based order, strongest first as the caller gave them."""
    document_id: Mapped[int | None] = mapped_column(
        ForeignKey("documents.id", ondelete="SET NULL"), index=True
    )
    """The document; None once it was forgotten."""
    chunk_id: Mapped[int | None] = mapped_column(ForeignKey("chunks.id", ondelete="SET NULL"), index=True)
    """The passage; None once it was changed or forgotten, and for an imported adapter."""
    weight: Mapped[float]
    """Share in the adapter set, 0 to 1."""


class SearchUpkeep(Base):
    """One row that triggers set whenever words left the search index: FTS5 only marks them as deleted."""

    __tablename__ = "search_upkeep"

    id: Mapped[int] = mapped_column(primary_key=True, autoincrement=False)
    """Always 1."""
    is_due: Mapped[bool]
    """Whether the index still holds words of deleted rows; see Catalog.clean_up."""
