"""What answers quote, when its passages change or go. Private; runs inside a write session.

Sources refer to passages (schema.Source). This module moves them to where a passage stands now, deletes
contents that no document has any more, and has the words that went taken out of the answers.
"""

from collections.abc import Iterable, Sequence

from sqlalchemy import Select, delete, exists, func, select, update
from sqlalchemy.orm import Session, aliased

from storage.answer_redaction import redact_answers
from storage.schema import Chunk, Content, Document, Source

_Gone = dict[int, set[str]]
"""Texts that went, by id of the turn that they took part in."""


def forget_documents(session: Session, ids: Sequence[int]) -> None:
    """Delete documents, and the contents that nobody else has, with all that answers took from them."""
    chosen = Document.id.in_(ids)
    contents = session.scalars(select(Document.content_id).where(chosen)).all()
    for content_id in {found for found in contents if found is not None}:
        _hand_over_to_copies(session, content_id, without=ids)
    gone: _Gone = {}
    titles = select(Source.turn_id, Document.title).join(Document, Source.document_id == Document.id)
    _gather(session, titles.where(chosen), gone)
    session.execute(delete(Document).where(chosen))
    _delete_unused(session, contents, gone)
    redact_answers(session, gone)


def leave_content(session: Session, old_content_id: int | None, new_content_id: int | None) -> None:
    """After a document went from one content to another, or to none: delete the old one if it was the last.

    Passages that stand in the new one word for word are quoted from there.
    """
    if old_content_id is None or old_content_id == new_content_id:
        return
    _hand_over_to_copies(session, old_content_id, without=())
    if new_content_id is not None:
        _follow_equal_passages(session, old_content_id, new_content_id)
    gone: _Gone = {}
    _delete_unused(session, [old_content_id], gone)
    redact_answers(session, gone)


def delete_chunks(session: Session, content_id: int) -> list[tuple[int, int, int]]:
    """Delete the chunks of a content that is cut anew, and tell which were quoted, for ``quote_again``.

    Returns:
        of each source of an answer: its id, and first and last-plus-one character of its passage.
    """
    query = select(Source.id, Chunk.char_start, Chunk.char_end).join(Chunk, Source.chunk_id == Chunk.id)
    quoted = [
        (row[0], row[1], row[2]) for row in session.execute(query.where(Chunk.content_id == content_id))
    ]
    session.execute(delete(Chunk).where(Chunk.content_id == content_id))
    return quoted


def quote_again(session: Session, content_id: int, quoted: Iterable[tuple[int, int, int]]) -> None:
    """Have sources refer to the new chunk of the same text that has most of their passage."""
    spans = session.execute(
        select(Chunk.id, Chunk.char_start, Chunk.char_end).where(Chunk.content_id == content_id)
    ).all()
    for source_id, start, end in quoted:
        overlaps = [(min(end, last) - max(start, first), -chunk_id) for chunk_id, first, last in spans]
        most, minus_id = max(overlaps)
        if most > 0:
            session.execute(update(Source).where(Source.id == source_id).values(chunk_id=-minus_id))


def _hand_over_to_copies(session: Session, content_id: int, *, without: Sequence[int]) -> None:
    """Let another document of the same content be the source of what documents that leave it were."""
    copy = session.scalars(
        select(func.min(Document.id)).where(Document.content_id == content_id, Document.id.not_in(without))
    ).one_or_none()
    if copy is None:
        return
    stays = exists().where(
        Document.id == Source.document_id, Document.content_id == content_id, Document.id.not_in(without)
    )
    of_content = Source.chunk_id.in_(select(Chunk.id).where(Chunk.content_id == content_id))
    session.execute(update(Source).where(of_content, ~stays).values(document_id=copy))


def _follow_equal_passages(session: Session, old_content_id: int, new_content_id: int) -> None:
    old = aliased(Chunk)
    equal = (
        select(func.min(Chunk.id))
        .join(old, Chunk.text == old.text)
        .where(Chunk.content_id == new_content_id, old.id == Source.chunk_id)
        .correlate(Source)
        .scalar_subquery()
    )
    of_old = Source.chunk_id.in_(select(Chunk.id).where(Chunk.content_id == old_content_id))
    session.execute(update(Source).where(of_old).values(chunk_id=func.coalesce(equal, Source.chunk_id)))


def _delete_unused(session: Session, content_ids: Iterable[int | None], gone: _Gone) -> None:
    """Delete those of the contents that no document has any more, with all that hangs on them."""
    for content_id in {wanted for wanted in content_ids if wanted is not None}:
        if session.scalars(select(exists().where(Document.content_id == content_id))).one():
            continue
        quoted = select(Source.turn_id, Chunk.text).join(Chunk, Source.chunk_id == Chunk.id)
        _gather(session, quoted.where(Chunk.content_id == content_id), gone)
        session.execute(delete(Content).where(Content.id == content_id))


def _gather(session: Session, query: Select[int, str], gone: _Gone) -> None:
    for turn_id, text in session.execute(query):
        gone.setdefault(turn_id, set()).add(text)
