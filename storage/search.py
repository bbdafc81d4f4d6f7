"""Passages that have words of a question, best first by FTS5's BM25: found in the file, not in memory.

What the words count and what is made of the matches is for the caller to say (app/services/ranking.py).
Private to ``storage``: ``Catalog.search`` and ``Catalog.occurrences`` are for others.
"""

import sqlite3
from collections.abc import Collection, Iterable, Mapping, Sequence

from sqlalchemy import select, text
from sqlalchemy.orm import Session

from storage.records import CandidateChunk, Matches, Occurrences
from storage.schema import Chunk, Document

MARK = "\ufdd0"
"""Stands before each occurrence of a term in a marked passage. A noncharacter: no text has it."""

# Imported adapters have no text to find them by. The plus keeps SQLite from beginning with the index of
# states: nearly all notes are ready.
_MAY_ANSWER = "{0}.enabled AND +{0}.state = 'ready' AND {0}.kind = 'note'"
_THIS_MAY_ANSWER = _MAY_ANSWER.format("documents")
_NO_EARLIER_ONE_HAS_THE_SAME_CONTENT = f"""NOT EXISTS (
  SELECT 1 FROM documents AS earlier
  WHERE earlier.content_id = documents.content_id AND earlier.id < documents.id
    AND {_MAY_ANSWER.format("earlier")}
)"""

# bm25() is negative, better is lower. https://sqlite.org/fts5.html#the_bm25_function
_WORDS = "SELECT rowid, ? * -bm25(chunk_search) FROM chunk_search WHERE chunk_search MATCH ?"
# MATERIALIZED: FTS5 refuses bm25() where the planner has folded its query into one that groups.
_SCORES = f"""
WITH of_words (chunk_id, score) AS MATERIALIZED ({{words}}),
of_titles (document_id, score) AS MATERIALIZED (
  SELECT rowid, -bm25(title_search) FROM title_search WHERE title_search MATCH ?
),
of_chunks (chunk_id, score, has_words) AS (
  SELECT chunk_id, sum(score), 1 FROM of_words GROUP BY chunk_id
  UNION ALL
  SELECT chunks.id, max(of_titles.score), 0
  FROM of_titles CROSS JOIN documents ON documents.id = of_titles.document_id
  CROSS JOIN chunks ON chunks.content_id = documents.content_id
  WHERE {_THIS_MAY_ANSWER}
  GROUP BY chunks.id
)
SELECT chunk_id, sum(score), max(has_words) FROM of_chunks
GROUP BY chunk_id ORDER BY 2 DESC, 1
"""
_THOSE_THAT_MAY_ANSWER = f"""
SELECT chunks.id FROM chunks JOIN documents ON documents.content_id = chunks.content_id
WHERE chunks.id IN ({{ids}}) AND {_THIS_MAY_ANSWER}
"""
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

# Of documents with the same content the first one is named as the source.
_PASSAGES = (
    select(Chunk.id, Document.id, Document.title, Document.path, Chunk.position, Chunk.text)
    .join(Document, Document.content_id == Chunk.content_id)
    .where(text(_THIS_MAY_ANSWER), text(_NO_EARLIER_ONE_HAS_THE_SAME_CONTENT))
)


def find_matches(
    session: Session, factors: Mapping[str, float], *, n_scored: int, n_marked: int, n_in_all: int | None
) -> Matches:
    """See ``Catalog.search``."""
    connection = _connection(session)
    best = _best(connection, factors, n_scored) if factors else []
    scores = {chunk_id: score for chunk_id, score, _ in best}
    to_mark = [chunk_id for chunk_id, _, has_words in best if has_words][:n_marked]
    n_others = None if n_in_all is None else max(0, n_in_all - len(scores))
    return Matches(
        scored=_scored(session, scores),
        others=_others(session, scores, n_others),
        marked=_marked(connection, to_mark, factors),
        n_passages=connection.execute(_N_CHUNKS).fetchone()[0],
        n_with_term={term: connection.execute(_N_WITH_TERM, (term,)).fetchone()[0] for term in factors},
    )


def find_occurrences(session: Session, terms: Iterable[str], chunk_id: int, document_id: int) -> Occurrences:
    """See ``Catalog.occurrences``."""
    connection = _connection(session)
    in_title: set[str] = set()
    marked: dict[str, str] = {}
    for term in terms:
        if connection.execute(_TITLE_HAS_TERM, (term, document_id)).fetchone():
            in_title.add(term)
        if row := connection.execute(_MARKED_CHUNK, (MARK, term, chunk_id)).fetchone():
            marked[term] = row[0]
    return Occurrences(frozenset(in_title), marked)


def _best(
    connection: sqlite3.Connection, factors: Mapping[str, float], limit: int
) -> list[tuple[int, float, int]]:
    """Chunk id, score, and whether the passage itself has a term; of the best ones, best first."""
    terms_by_factor: dict[float, list[str]] = {}
    for term, factor in factors.items():
        terms_by_factor.setdefault(factor, []).append(term)
    # BM25 of several terms is the sum of each one's, and there are few factors: few parts for any question.
    words = " UNION ALL ".join([_WORDS] * len(terms_by_factor))
    parameters = [
        value for factor, terms in terms_by_factor.items() for value in (factor, " OR ".join(terms))
    ]
    ranked = connection.execute(_SCORES.format(words=words), (*parameters, " OR ".join(factors)))
    best: list[tuple[int, float, int]] = []
    # Looked up from the best on: the documents of all that have a common word take as long as their scores.
    while len(best) < limit and (some := ranked.fetchmany(limit)):
        statement = _THOSE_THAT_MAY_ANSWER.format(ids=_marks(some))
        may_answer = {row[0] for row in connection.execute(statement, [row[0] for row in some])}
        best += [row for row in some if row[0] in may_answer]
    return best[:limit]


def _scored(session: Session, scores: Mapping[int, float]) -> tuple[CandidateChunk, ...]:
    rows = session.execute(_PASSAGES.where(Chunk.id.in_(scores)))
    passages = {row[0]: CandidateChunk(*row, score=scores[row[0]]) for row in rows}
    return tuple(passages[chunk_id] for chunk_id in scores)


def _others(session: Session, found: Collection[int], limit: int | None) -> tuple[CandidateChunk, ...]:
    query = _PASSAGES.where(Chunk.id.not_in(found)).order_by(Document.id, Chunk.position).limit(limit)
    return tuple(CandidateChunk(*row, score=0.0) for row in session.execute(query))


def _marked(
    connection: sqlite3.Connection, chunk_ids: Sequence[int], terms: Iterable[str]
) -> dict[int, dict[str, str]]:
    statement = _MARKED_CHUNKS.format(ids=_marks(chunk_ids))
    marked: dict[int, dict[str, str]] = {chunk_id: {} for chunk_id in chunk_ids}
    for term in terms if chunk_ids else ():
        # One term at a time: FTS5 knows which words have its stem, but not which of several terms it marked.
        for chunk_id, passage in connection.execute(statement, (MARK, term, *chunk_ids)):
            marked[chunk_id][term] = passage
    return marked


def _marks(values: Sequence[object]) -> str:
    return ",".join("?" * len(values))


def _connection(session: Session) -> sqlite3.Connection:
    """Straight to sqlite3, for what SQLAlchemy has no words."""
    connection = session.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    return connection
