"""Rows of a content: its chunks, their adapters, their search rows. Private; runs inside a write session."""

from collections.abc import Sequence

from sqlalchemy import exists, func, insert, select
from sqlalchemy.orm import Session

from storage import quotations, search_index
from storage.column_types import utc_now
from storage.records import NewChunk
from storage.schema import Adapter, Chunk, Content, Model
from storage.storable_text import storable


def put_content(
    session: Session,
    content_hash: str,
    size_bytes: int,
    note: str,
    model: Model,
    chunks: Sequence[NewChunk],
) -> int:
    """Store a content with its adapters for one model; returns its id.

    Adapters of other models are kept as long as they are of the very same chunks.
    """
    content = session.scalars(select(Content).where(Content.hash == content_hash)).one_or_none()
    if content is None:
        content = Content(hash=content_hash, size_bytes=size_bytes, n_chunks=0)
        session.add(content)
    content.note = note
    content.n_chunks = len(chunks)
    content.learnt_at = utc_now()
    session.flush()
    ids = _reusable_chunks(session, content.id, model, chunks)
    if ids is None:
        quoted = quotations.delete_chunks(session, content.id)
        ids = _insert_chunks(session, content.id, chunks)
        quotations.quote_again(session, content.id, quoted)
    _insert_adapters(session, ids, model.id, chunks)
    return content.id


def put_model(session: Session, base_hash: str, hypernetwork_hash: str) -> Model:
    """The model's row, made when missing."""
    model = find_model(session, base_hash, hypernetwork_hash)
    if model is None:
        model = Model(base_hash=base_hash, hypernetwork_hash=hypernetwork_hash)
        session.add(model)
        session.flush()
    return model


def find_model(session: Session, base_hash: str, hypernetwork_hash: str) -> Model | None:
    """The model's row, if any adapter was ever stored for it."""
    return session.scalars(
        select(Model).where(Model.base_hash == base_hash, Model.hypernetwork_hash == hypernetwork_hash)
    ).one_or_none()


def has_all_adapters(session: Session, content_id: int, model_id: int) -> bool:
    """Whether every chunk of the content has its adapter of the model."""
    with_adapter = exists().where(Adapter.chunk_id == Chunk.id, Adapter.model_id == model_id)
    missing = select(Chunk.id).where(Chunk.content_id == content_id, ~with_adapter)
    return session.scalars(missing.limit(1)).one_or_none() is None


def _reusable_chunks(
    session: Session, content_id: int, model: Model, chunks: Sequence[NewChunk]
) -> list[int] | None:
    """Ids of the stored chunks if they are exactly these and none has an adapter of this hypernetwork yet.

    Otherwise the chunks are made anew, with new ids: "<chunk_id>:<hypernetwork>" names one adapter for ever.
    """
    stored = session.execute(
        select(Chunk.id, Chunk.char_start, Chunk.char_end, Chunk.text)
        .where(Chunk.content_id == content_id)
        .order_by(Chunk.position)
    ).all()
    wanted = [(chunk.char_start, chunk.char_end, storable(chunk.text)) for chunk in chunks]
    if [tuple(row[1:]) for row in stored] != wanted:
        return None
    ids = [row[0] for row in stored]
    same_hypernetwork = (
        select(func.count())
        .select_from(Adapter)
        .join(Model)
        .where(Adapter.chunk_id.in_(select(Chunk.id).where(Chunk.content_id == content_id)))
        .where(Model.hypernetwork_hash == model.hypernetwork_hash)
    )
    return ids if session.scalars(same_hypernetwork).one() == 0 else None


def _insert_chunks(session: Session, content_id: int, chunks: Sequence[NewChunk]) -> list[int]:
    rows = [
        {
            "content_id": content_id,
            "position": chunk.position,
            "char_start": chunk.char_start,
            "char_end": chunk.char_end,
            "n_tokens": chunk.n_tokens,
            "text": chunk.text,
        }
        for chunk in chunks
    ]
    ids = list(session.scalars(insert(Chunk).returning(Chunk.id, sort_by_parameter_order=True), rows))
    search_index.add_chunks(
        session, [(chunk_id, storable(chunk.text)) for chunk_id, chunk in zip(ids, chunks, strict=True)]
    )
    return ids


def _insert_adapters(
    session: Session, chunk_ids: Sequence[int], model_id: int, chunks: Sequence[NewChunk]
) -> None:
    rows = [
        {
            "chunk_id": chunk_id,
            "model_id": model_id,
            "codec": chunk.codec,
            "rank": chunk.rank,
            "size_bytes": len(chunk.data),
            "data": chunk.data,
        }
        for chunk_id, chunk in zip(chunk_ids, chunks, strict=True)
    ]
    session.execute(insert(Adapter), rows)
