"""The index of the words of passages and titles (FTS5): what writes it, and whether it knows a word."""

from collections.abc import Sequence

from sqlalchemy import text
from sqlalchemy.orm import Session

from storage.search_query import index_text

_ADD_CHUNK = text("INSERT INTO chunk_search (rowid, text) VALUES (:id, :text)")
_ADD_TITLE = text("INSERT INTO title_search (rowid, title) VALUES (:id, :title)")
_SET_TITLE = text("UPDATE title_search SET title = :title WHERE rowid = :id")
_PASSAGE_HAS = text("SELECT 1 FROM chunk_search WHERE chunk_search MATCH :term LIMIT 1")
_TITLE_HAS = text("SELECT 1 FROM title_search WHERE title_search MATCH :term LIMIT 1")
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
    return any(session.execute(query, {"term": f'"{term}"'}).first() for query in (_PASSAGE_HAS, _TITLE_HAS))
