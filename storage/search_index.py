"""Which chunks may take part in an answer, and how well each fits the question (FTS5, BM25, best lines)."""

import heapq
import sqlite3
import threading
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from storage.records import CandidateChunk, DocumentKind, DocumentState
from storage.schema import CandidateVersion, Chunk, Document
from storage.search_query import index_text, match_expression
from storage.search_score import MARK, asked_things, best_line, rarity, term_factors

MAX_SCORED = 256
"""How many candidates get a score; far more than take part in an answer. The others count as unrelated."""

MAX_READ = 64
"""How many candidates are read line by line, in which the best one nearly always is; it bounds the cost."""

_ADD_CHUNK = text("INSERT INTO chunk_search (rowid, text) VALUES (:id, :text)")
_ADD_TITLE = text("INSERT INTO title_search (rowid, title) VALUES (:id, :title)")
_SET_TITLE = text("UPDATE title_search SET title = :title WHERE rowid = :id")
# bm25() is negative, better is lower. https://sqlite.org/fts5.html#the_bm25_function
_CHUNK_SCORES = "SELECT rowid, -bm25(chunk_search) FROM chunk_search WHERE chunk_search MATCH ?"
_TITLE_SCORES = "SELECT rowid, -bm25(title_search) FROM title_search WHERE title_search MATCH ?"
# The plus keeps FTS5 from looking each row up by itself, which takes three times as long.
_MARKED_CHUNKS = """
SELECT rowid, highlight(chunk_search, 0, ?, '') FROM chunk_search
WHERE chunk_search MATCH ? AND +rowid IN ({ids})
"""
# Each has one row in the index, which takes FTS5 milliseconds to count.
_N_CHUNKS = "SELECT count(*) FROM chunks"
_N_WITH_TERM = "SELECT count(*) FROM chunk_search WHERE chunk_search MATCH ?"
_TITLE_HAS_TERM = "SELECT 1 FROM title_search WHERE title_search MATCH ? AND rowid = ?"
_MARKED_CHUNK = (
    "SELECT highlight(chunk_search, 0, ?, '') FROM chunk_search WHERE chunk_search MATCH ? AND rowid = ?"
)
_PASSAGE_HAS = "SELECT 1 FROM chunk_search WHERE chunk_search MATCH ? LIMIT 1"
_TITLE_HAS = "SELECT 1 FROM title_search WHERE title_search MATCH ? LIMIT 1"
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


def stands_in_library(session: Session, term: str) -> bool:
    """Whether a passage or a title has a term of ``search_query.terms_of``, in this or a related form."""
    connection = _connection(session)
    return any(connection.execute(query, (f'"{term}"',)).fetchone() for query in (_PASSAGE_HAS, _TITLE_HAS))


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
        scores = _scores(session, library, question)
        found = [replace(library.candidates[chunk_id], score=score) for chunk_id, score in scores.items()]
        rest = [chunk for chunk_id, chunk in library.candidates.items() if chunk_id not in scores]
        return (*found, *rest)

    def coverage(self, session: Session, question: str, chunk: CandidateChunk) -> float:
        """Which share of the question's words a passage has, and its best line; the mean of both, in [0, 1].

        The words of its document's title stand in every line. A word counts the more, the fewer passages have
        it, and most if none has; as in BM25, but never nothing: in a library of one note BM25 gives no weight
        to any word that the note has.
        """
        connection = _connection(session)
        factors = term_factors(question)
        weights = {term: factors[term] * idf for term, idf in _rarities(connection, factors).items()}
        of_title = 0.0
        marked: list[tuple[float, str]] = []
        for term, weight in weights.items():
            if connection.execute(_TITLE_HAS_TERM, (term, chunk.document_id)).fetchone():
                of_title += weight
            elif row := connection.execute(_MARKED_CHUNK, (MARK, term, chunk.chunk_id)).fetchone():
                marked.append((weight, row[0]))
        of_passage = sum(weight for weight, _ in marked)
        total = sum(weights.values())
        return (of_title + (of_passage + best_line(marked, ())) / 2) / total if total else 0.0

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


def _scores(session: Session, library: _Library, question: str) -> dict[int, float]:
    """Score by chunk id of the best candidates, best first: the passage's, plus its document's title's."""
    factors = term_factors(question)
    if not factors or not library.candidates:
        return {}
    connection = _connection(session)
    of_passages = _passage_scores(connection, factors)
    scores = of_passages.copy()
    for chunk_id, score in _title_scores(connection, library, question).items():
        scores[chunk_id] = scores.get(chunk_id, 0.0) + score
    candidates = ((score, -chunk_id) for chunk_id, score in scores.items() if chunk_id in library.candidates)
    best = {-minus_id: score for score, minus_id in heapq.nlargest(MAX_SCORED, candidates)}
    to_read = [chunk_id for chunk_id in best if chunk_id in of_passages][:MAX_READ]
    for chunk_id, score in _line_scores(connection, to_read, factors, question).items():
        best[chunk_id] += score
    return dict(sorted(best.items(), key=lambda scored: (-scored[1], scored[0])))


def _passage_scores(connection: sqlite3.Connection, factors: Mapping[str, float]) -> dict[int, float]:
    """The terms' BM25 scores times their factors, by chunk id, of all chunks that have a term."""
    terms_by_factor: dict[float, list[str]] = {}
    for term, factor in factors.items():
        terms_by_factor.setdefault(factor, []).append(term)
    scores: dict[int, float] = {}
    # BM25 of several terms is the sum of each one's, and there are few factors: few queries for any question.
    for factor, terms in terms_by_factor.items():
        for chunk_id, score in connection.execute(_CHUNK_SCORES, (" OR ".join(terms),)):
            scores[chunk_id] = scores.get(chunk_id, 0.0) + factor * score
    return scores


def _title_scores(connection: sqlite3.Connection, library: _Library, question: str) -> dict[int, float]:
    """The score of its document's title, by chunk id; the better one of two documents with one content."""
    scores: dict[int, float] = {}
    for document_id, score in connection.execute(_TITLE_SCORES, (match_expression(question),)):
        for chunk_id in library.chunks_of.get(document_id, ()):
            scores[chunk_id] = max(score, scores.get(chunk_id, 0.0))
    return scores


def _line_scores(
    connection: sqlite3.Connection, chunk_ids: Sequence[int], factors: Mapping[str, float], question: str
) -> dict[int, float]:
    """The weight of the best line, by chunk id, of those of the chunks that have a term."""
    statement = _MARKED_CHUNKS.format(ids=",".join("?" * len(chunk_ids)))
    marked: dict[int, list[tuple[float, str]]] = {}
    for term, weight in _rarities(connection, factors).items():
        # One term at a time: FTS5 knows which words have its stem, but not which of several terms it marked.
        for chunk_id, passage in connection.execute(statement, (MARK, term, *chunk_ids)):
            marked.setdefault(chunk_id, []).append((factors[term] * weight, passage))
    things = asked_things(question)
    return {chunk_id: best_line(of_terms, things) for chunk_id, of_terms in marked.items()}


def _rarities(connection: sqlite3.Connection, terms: Iterable[str]) -> dict[str, float]:
    """The weight of each term by how many chunks have it, those of documents that are off included."""
    (n_chunks,) = connection.execute(_N_CHUNKS).fetchone()
    rarities = {}
    for term in terms:
        (n_with,) = connection.execute(_N_WITH_TERM, (term,)).fetchone()
        rarities[term] = rarity(n_chunks, n_with)
    return rarities


def _connection(session: Session) -> sqlite3.Connection:
    """Straight to sqlite3: a common word has thousands of rows, and Row objects cost."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection
