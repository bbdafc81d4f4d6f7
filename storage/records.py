"""Frozen values that leave the store. No ORM row crosses its border.

Times are aware UTC datetimes. Hashes are SHA-256 in lower-case hex.
"""

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime
from enum import StrEnum
from pathlib import Path


class DocumentKind(StrEnum):
    """What a document is."""

    NOTE = "note"
    """A file of the user's; what is learnt from it follows its changes."""
    ADAPTER = "adapter"
    """Made elsewhere and imported; has no text, and takes part in every answer while it is on."""


class DocumentState(StrEnum):
    """Where a document stands. Only READY documents take part in answers."""

    QUEUED = "queued"
    LEARNING = "learning"
    READY = "ready"
    FAILED = "failed"
    """Could not be learnt; ``reason_title`` says why. Retry is possible."""


class JobState(StrEnum):
    """Where an ingest job stands. A finished job is kept for its facts until its document is forgotten."""

    QUEUED = "queued"
    RUNNING = "running"
    DONE = "done"
    FAILED = "failed"
    CANCELLED = "cancelled"


class Role(StrEnum):
    """Who speaks in a turn."""

    USER = "user"
    ASSISTANT = "assistant"


@dataclass(frozen=True, slots=True)
class FolderRecord:
    """A watched folder."""

    id: int
    path: Path
    added_at: datetime


@dataclass(frozen=True, slots=True)
class DocumentRecord:
    """A file known by its path.

    Attributes:
        path: of the note; of an imported adapter, the file it came from, which may be gone.
        title: the name shown; of a note, the file name without its suffix.
        state: see DocumentState.
        enabled: whether the user lets it take part in answers.
        content_hash: of the bytes last learnt, or of the imported factors; None until then.
        folder_id: the watched folder it came from; None when it was added by hand.
        size_bytes, mtime_ns: of the file when it was last looked at; None when never.
        n_chunks: number of passages with an adapter; 0 until ready, and for imported adapters.
        reason_title, reason_detail: why it failed, for the user; empty otherwise.
        note: a remark such as "Read as Windows-1252."; empty if there is none.
    """

    id: int
    path: Path
    title: str
    state: DocumentState
    enabled: bool
    content_hash: str | None
    folder_id: int | None
    size_bytes: int | None
    mtime_ns: int | None
    n_chunks: int
    reason_title: str
    reason_detail: str
    note: str
    added_at: datetime
    updated_at: datetime
    kind: DocumentKind = DocumentKind.NOTE


@dataclass(frozen=True, slots=True)
class NewChunk:
    """A chunk and its adapter on their way into the catalog."""

    position: int
    char_start: int
    char_end: int
    text: str
    n_tokens: int
    codec: str
    rank: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ChunkRecord:
    """A chunk of a content, without its adapter."""

    id: int
    content_hash: str
    position: int
    char_start: int
    char_end: int
    text: str
    n_tokens: int


@dataclass(frozen=True, slots=True)
class CandidateChunk:
    """A chunk that may take part in an answer: its document is ready and enabled.

    Attributes:
        document_id, document_title, document_path: the enabled document (the first one, by id, when several
            documents have the same content).
        score: how well it fits the question, higher is better; 0.0 without a word of it.
    """

    chunk_id: int
    document_id: int
    document_title: str
    document_path: Path
    position: int
    text: str
    score: float


@dataclass(frozen=True, slots=True)
class Matches:
    """What was found for the terms of a question.

    Attributes:
        scored: the best passages with a term, or of a document with one in its title; best first.
        others: passages that are not among them, with score 0, by document and position.
        marked: by chunk id, of the best of ``scored`` that have a term themselves: for each of the terms in
            it the passage, with ``storage.search.MARK`` before every word that is one.
        n_passages: how many there are, those of documents that are off included.
        n_with_term: how many of them have each term.
    """

    scored: tuple[CandidateChunk, ...]
    others: tuple[CandidateChunk, ...]
    marked: Mapping[int, Mapping[str, str]]
    n_passages: int
    n_with_term: Mapping[str, int]


@dataclass(frozen=True, slots=True)
class Occurrences:
    """Which terms of a question a passage has.

    Attributes:
        in_title: those that its document's title has.
        marked: for each that the passage has, the passage marked as in ``Matches``.
    """

    in_title: frozenset[str]
    marked: Mapping[str, str]


@dataclass(frozen=True, slots=True)
class AdapterRecord:
    """The adapter of one chunk.

    Attributes:
        key: stable identity, "<chunk_id>:<hypernetwork_hash[:12]>".
    """

    chunk_id: int
    key: str
    codec: str
    rank: int
    data: bytes


@dataclass(frozen=True, slots=True)
class NewImport:
    """An adapter that was made elsewhere, on its way into the catalog.

    Attributes:
        path: the file it came from.
        content_hash: of ``data``.
        size_bytes: of the files it came from.
        note: a remark for the library row.
        base_hash: of the base model that it fits.
    """

    path: Path
    content_hash: str
    size_bytes: int
    note: str
    base_hash: str
    codec: str
    rank: int
    data: bytes


@dataclass(frozen=True, slots=True)
class ImportRecord:
    """An imported adapter that takes part in answers.

    Attributes:
        key: stable identity of ``data``, "sha256:<content_hash>".
    """

    document_id: int
    title: str
    path: Path
    key: str
    codec: str
    data: bytes


@dataclass(frozen=True, slots=True)
class JobRecord:
    """One internalization of one document.

    Attributes:
        content_hash: of the file's bytes when the job was queued.
        attempts: how often the job was claimed; a job whose worker died is queued once more, then failed.
    """

    id: int
    document_id: int
    path: Path
    content_hash: str
    state: JobState
    attempts: int
    error_title: str
    error_detail: str
    queued_at: datetime
    started_at: datetime | None
    finished_at: datetime | None


class SourceState(StrEnum):
    """Whether the passage that took part in an answer still stands in the library."""

    PRESENT = "present"
    CHANGED = "changed"
    """The note is there, and this passage is not: it was edited, or the note cannot be read any more."""
    FORGOTTEN = "forgotten"


@dataclass(frozen=True, slots=True)
class SourceRecord:
    """A passage that took part in an answer. It follows its note: chats hold no copy of what notes say.

    Attributes:
        document_id: None once the document was forgotten.
        document: its title; empty once it was forgotten.
        path: its path; empty once it was forgotten.
        chunk_id: the passage; None once it was changed or forgotten, and for an imported adapter.
        passage: the chunk's text; empty once it was changed or forgotten, and for an imported adapter.
        weight: its share in the adapter set, 0 to 1; shares of one answer add up to 1.
        state: why the passage is empty.
    """

    document_id: int | None
    document: str
    path: str
    chunk_id: int | None
    passage: str
    weight: float
    state: SourceState = SourceState.PRESENT


@dataclass(frozen=True, slots=True)
class AnswerFacts:
    """Measurements of one answer; see engine.messages.AnswerDone for units."""

    prompt_tokens: int
    completion_tokens: int
    adapter_rank: int
    first_token_s: float
    tokens_per_s: float
    device: str


@dataclass(frozen=True, slots=True)
class ChatRecord:
    """A conversation. ``title`` is its first question, shortened."""

    id: int
    title: str
    created_at: datetime
    updated_at: datetime


@dataclass(frozen=True, slots=True)
class TurnRecord:
    """One utterance of a chat. ``mode``, ``sources``, ``facts``, ``stopped`` are of assistant turns only."""

    id: int
    chat_id: int
    role: Role
    text: str
    mode: str | None
    sources: tuple[SourceRecord, ...]
    facts: AnswerFacts | None
    stopped: bool
    created_at: datetime


@dataclass(frozen=True, slots=True)
class Counts:
    """How much the catalog holds.

    Attributes:
        documents: all of them, in every state.
        ready: those that may answer when enabled.
        chunks: of all contents.
        bytes_of_adapters: of all models together.
    """

    documents: int
    ready: int
    chunks: int
    bytes_of_adapters: int
