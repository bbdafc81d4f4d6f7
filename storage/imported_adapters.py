"""Adapters that were made elsewhere: documents without text, which no hypernetwork learns anew.

Every method may be called from any thread, blocks, and is one transaction. All raise StorageError when the
file cannot be read or written; then nothing was changed. Switching and forgetting are as for notes: Catalog.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, select, update
from sqlalchemy.orm import Session

from storage import quotations, search_index
from storage.column_types import utc_now
from storage.content_rows import put_model
from storage.database import Database
from storage.records import DocumentKind, DocumentRecord, DocumentState, ImportRecord, NewImport
from storage.row_records import DOCUMENTS, document_record
from storage.schema import Adapter, Chunk, Content, Document, Model
from storage.titles import title_of, title_of_file

NO_HYPERNETWORK = ""
"""What stands for a hypernetwork in the catalog where none made the adapter."""


class ImportedAdapters:
    """All imported adapters."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def put(self, new: NewImport, title: str | None) -> DocumentRecord:
        """Take an adapter into the library, READY and on.

        One that came from the same file is replaced, and keeps its name and its switch.

        Args:
            new: the adapter.
            title: what it is called; None keeps the name it has, or takes that of the file.

        Raises:
            ValueError: the path is not absolute, or a note's.
        """
        if not new.path.is_absolute():
            raise ValueError(f"the catalog knows files by their absolute path, got {new.path}")
        with self._database.write() as session:
            content_id = _put_content(session, new)
            document = session.scalars(select(Document).where(Document.path == new.path)).one_or_none()
            if document is None:
                document_id = _insert(
                    session, new, content_id, title_of(title or "") or title_of_file(new.path)
                )
            elif document.kind is DocumentKind.ADAPTER:
                document_id = document.id
                _replace(session, document, new, content_id)
                if title is not None:
                    _set_title(session, document_id, title)
            else:
                raise ValueError(f"{new.path} is a note")
            return document_record(session.execute(DOCUMENTS.where(Document.id == document_id)).one())

    def rename(self, document_id: int, title: str) -> bool:
        """Call an imported adapter something else; False if there is none of this id."""
        with self._database.write() as session:
            document = session.get(Document, document_id)
            if document is None or document.kind is not DocumentKind.ADAPTER:
                return False
            _set_title(session, document_id, title)
            return True

    def switched_on(self, base_hash: str) -> tuple[ImportRecord, ...]:
        """Those that take part in answers of this base model, by id; equal ones once."""
        return self._read(base_hash, Document.enabled.is_(True))

    def of_documents(self, ids: Sequence[int], base_hash: str) -> tuple[ImportRecord, ...]:
        """Those of these documents that fit the base model, by id; equal ones once. Others are left out."""
        return self._read(base_hash, Document.id.in_(ids))

    def for_other_bases(self, base_hash: str) -> tuple[DocumentRecord, ...]:
        """Those that are on and yet take no part: they were imported for another base model."""
        fitting = (
            select(Chunk.content_id)
            .join(Adapter, Adapter.chunk_id == Chunk.id)
            .join(Model, Adapter.model_id == Model.id)
            .where(*_made_for(base_hash))
        )
        query = DOCUMENTS.where(
            Document.kind == DocumentKind.ADAPTER, Document.enabled, Document.content_id.not_in(fitting)
        )
        with self._database.read() as session:
            return tuple(document_record(row) for row in session.execute(query.order_by(Document.id)))

    def _read(self, base_hash: str, chosen: ColumnElement[bool]) -> tuple[ImportRecord, ...]:
        query = (
            select(Document.id, Document.title, Document.path, Content.hash, Adapter.codec, Adapter.data)
            .join(Content, Document.content_id == Content.id)
            .join(Chunk, Chunk.content_id == Content.id)
            .join(Adapter, Adapter.chunk_id == Chunk.id)
            .join(Model, Adapter.model_id == Model.id)
            .where(Document.kind == DocumentKind.ADAPTER, *_made_for(base_hash), chosen)
            .order_by(Document.id)
        )
        found: dict[str, ImportRecord] = {}
        with self._database.read() as session:
            for id_, title, path, content_hash, codec, data in session.execute(query):
                record = ImportRecord(id_, title, path, f"sha256:{content_hash}", codec, data)
                found.setdefault(record.key, record)
        return tuple(found.values())


def _made_for(base_hash: str) -> tuple[ColumnElement[bool], ColumnElement[bool]]:
    return Model.base_hash == base_hash, Model.hypernetwork_hash == NO_HYPERNETWORK


def _put_content(session: Session, new: NewImport) -> int:
    """The content with these factors, for this base model too; made as far as it is missing."""
    content = session.scalars(select(Content).where(Content.hash == new.content_hash)).one_or_none()
    if content is None:
        content = Content(hash=new.content_hash, size_bytes=new.size_bytes, n_chunks=1)
        session.add(content)
        session.flush()
        # Without text, hence without a row in the search index.
        session.add(Chunk(content_id=content.id, position=0, char_start=0, char_end=0, n_tokens=0, text=""))
    content.note = new.note
    session.flush()
    chunk_id = session.scalars(select(Chunk.id).where(Chunk.content_id == content.id)).one()
    model = put_model(session, new.base_hash, NO_HYPERNETWORK)
    known = select(Adapter.id).where(Adapter.chunk_id == chunk_id, Adapter.model_id == model.id)
    if session.scalars(known).one_or_none() is None:
        session.add(
            Adapter(
                chunk_id=chunk_id,
                model_id=model.id,
                codec=new.codec,
                rank=new.rank,
                size_bytes=len(new.data),
                data=new.data,
            )
        )
        session.flush()
    return content.id


def _insert(session: Session, new: NewImport, content_id: int, title: str) -> int:
    document = Document(
        path=new.path,
        title=title,
        state=DocumentState.READY,
        kind=DocumentKind.ADAPTER,
        content_id=content_id,
        size_bytes=new.size_bytes,
    )
    session.add(document)
    session.flush()
    search_index.add_title(session, document.id, title)
    return document.id


def _replace(session: Session, document: Document, new: NewImport, content_id: int) -> None:
    old_content_id = document.content_id
    values = {"content_id": content_id, "size_bytes": new.size_bytes, "updated_at": utc_now()}
    session.execute(update(Document).where(Document.id == document.id).values(values))
    quotations.leave_content(session, old_content_id, content_id)


def _set_title(session: Session, document_id: int, title: str) -> None:
    title = title_of(title)
    values = {"title": title, "updated_at": utc_now()}
    session.execute(update(Document).where(Document.id == document_id).values(values))
    search_index.set_title(session, document_id, title)
