"""Which chunks may take part in an answer, and how well each fits the question (FTS5, BM25)."""

import heapq
import math
import sqlite3
import threading
from collections.abc import Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from storage.records import CandidateChunk, DocumentKind, DocumentState
from storage.schema import CandidateVersion, Chunk, Document
from storage.search_query import index_text, match_expression, match_terms

MAX_SCORED = 256
"""How many candidates get a score; far more than take part in an answer. The others count as unrelated."""

_ADD_CHUNK = text("INSERT INTO chunk_search (rowid, text) VALUES (:id, :text)")
_ADD_TITLE = text("INSERT INTO title_search (rowid, title) VALUES (:id, :title)")
_SET_TITLE = text("UPDATE title_search SET title = :title WHERE rowid = :id")
# bm25() is negative, better is lower. https://sqlite.org/fts5.html#the_bm25_function
_CHUNK_SCORES = "SELECT rowid, -bm25(chunk_search) FROM chunk_search WHERE chunk_search MATCH ?"
_TITLE_SCORES = "SELECT rowid, -bm25(title_search) FROM title_search WHERE title_search MATCH ?"
# Each has one row in the index, which takes FTS5 milliseconds to count.
_N_CHUNKS = "SELECT count(*) FROM chunks"
_N_WITH_TERM = "SELECT count(*) FROM chunk_search WHERE chunk_search MATCH ?"
_HAS_TERM = """
SELECT 1 FROM chunk_search WHERE chunk_search MATCH ? AND rowid = ?
UNION ALL SELECT 1 FROM title_search WHERE title_search MATCH ? AND rowid = ?
"""
_MERGE = (
    text("INSERT INTO chunk_search (chunk_search) VALUES ('optimize')"),
    text("INSERT INTO title_search (title_search) VALUES ('optimize')"),
)


def add_chunks(session: Session, chunks: Sequence[tuple[int, str]]) -> None:
    """Index chunks given as (id, text). Deleting the chunk deletes its search row (trigger)."""
    session.execute(_ADD_CHUNK, [{"id": chunk_id, "text": index_text(text_)} for chunk_id, text_ in chunks])


def add_title(session: Session, document_id: int, title: str) -> None:
    """Index a new document's title. Deleting the document deletes its search row (trigger)."""
    session.execute(_ADD_TITLE, {"id": document_id, "title": index_text(title)})


def set_title(session: Session, document_id: int, title: str) -> None:
    """Index a renamed document."""
    session.execute(_SET_TITLE, {"id": document_id, "title": index_text(title)})


def drop_deleted_words(session: Session) -> None:
    """Rewrite the index without the words of deleted rows: FTS5 only marks them as deleted until then."""
    for statement in _MERGE:
        session.execute(statement)


@dataclass(frozen=True, slots=True)
class _Library:
    """The candidates at one version of the catalog, by chunk id, all with score 0."""

    version: int
    candidates: dict[int, CandidateChunk]
    chunks_of: dict[int, list[int]] = field(default_factory=dict)
    """Chunk ids by document id, for every document that is ready and enabled."""


class SearchIndex:
    """Candidates for questions. Thread-safe.

    The chunks of enabled documents are kept in memory until a document changes (schema.CandidateVersion):
    reading 10,000 of them takes some 100 ms, scoring them for a question a few.
    """

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._library = _Library(version=-1, candidates={})

    def candidates(self, session: Session, question: str) -> tuple[CandidateChunk, ...]:
        """All chunks of ready, enabled documents: those with a word of the question first, best first."""
        library = self._current(session)
        scores = _scores(session, library, match_expression(question))
        found = [replace(library.candidates[chunk_id], score=score) for chunk_id, score in scores.items()]
        rest = [chunk for chunk_id, chunk in library.candidates.items() if chunk_id not in scores]
        return (*found, *rest)

    def coverage(self, session: Session, question: str, chunk: CandidateChunk) -> float:
        """Which share of the question's words a passage, or its document's title, has; in [0, 1].

        A word counts the more, the fewer passages have it, and most if none has; as in BM25, but never
        nothing: in a library of one note BM25 gives no weight to any word that the note has.
        """
        connection = _connection(session)
        (n_chunks,) = connection.execute(_N_CHUNKS).fetchone()
        found = total = 0.0
        for term in match_terms(question):
            (n_with,) = connection.execute(_N_WITH_TERM, (term,)).fetchone()
            weight = math.log(1.0 + (n_chunks - n_with + 0.5) / (n_with + 0.5))
            total += weight
            if connection.execute(_HAS_TERM, (term, chunk.chunk_id, term, chunk.document_id)).fetchone():
                found += weight
        return found / total if total else 0.0

    def _current(self, session: Session) -> _Library:
        """The library as this session's snapshot sees it."""
        version = session.scalars(select(CandidateVersion.version)).one()
        with self._lock:
            if self._library.version != version:
                self._library = _read_library(session, version)
            return self._library


def _read_library(session: Session, version: int) -> _Library:
    may_answer = (
        Document.enabled,
        Document.state == DocumentState.READY,
        Document.kind == DocumentKind.NOTE,  # imported adapters have no text to find them by
    )
    passages: dict[int | None, list[tuple[int, int, str]]] = {}
    for chunk_id, of_content, position, passage in session.execute(
        select(Chunk.id, Chunk.content_id, Chunk.position, Chunk.text)
        .where(Chunk.content_id.in_(select(Document.content_id).where(*may_answer)))
        .order_by(Chunk.content_id, Chunk.position)
    ):
        passages.setdefault(of_content, []).append((chunk_id, position, passage))
    library = _Library(version, {})
    for document_id, content_id, title, path in session.execute(
        select(Document.id, Document.content_id, Document.title, Document.path)
        .where(*may_answer)
        .order_by(Document.id)
    ):
        chunks = passages[content_id]
        library.chunks_of[document_id] = [chunk[0] for chunk in chunks]
        for chunk_id, position, passage in chunks:
            # Two documents with the same content: the first one, by id, speaks for it.
            if chunk_id not in library.candidates:
                library.candidates[chunk_id] = CandidateChunk(
                    chunk_id, document_id, title, path, position, passage, 0.0
                )
    return library


def _scores(session: Session, library: _Library, query: str) -> dict[int, float]:
    """Score by chunk id of the best candidates: the passage's, plus its document's title's."""
    if not query or not library.candidates:
        return {}
    scores = _matches(session, _CHUNK_SCORES, query)
    of_titles: dict[int, float] = {}
    for document_id, score in _matches(session, _TITLE_SCORES, query).items():
        for chunk_id in library.chunks_of.get(document_id, ()):
            of_titles[chunk_id] = max(score, of_titles.get(chunk_id, 0.0))
    for chunk_id, score in of_titles.items():
        scores[chunk_id] = scores.get(chunk_id, 0.0) + score
    candidates = ((score, -chunk_id) for chunk_id, score in scores.items() if chunk_id in library.candidates)
    return {-minus_id: score for score, minus_id in heapq.nlargest(MAX_SCORED, candidates)}


def _matches(session: Session, statement: str, query: str) -> dict[int, float]:
    """Score by rowid. Straight from sqlite3: a common word has thousands of rows, and Row objects cost."""
    return dict(_connection(session).execute(statement, (query,)))


def _connection(session: Session) -> sqlite3.Connection:
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection
