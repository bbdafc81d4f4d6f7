"""Documents, what was learnt from them, and which of it may answer.

Every method may be called from any thread, blocks, and is one transaction. All raise StorageError when the
file cannot be read or written; then nothing was changed.
"""

from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from sqlalchemy import delete, exists, func, select, text, update
from sqlalchemy.orm import Session

from storage import backups, quotations, search, search_index
from storage.column_types import utc_now
from storage.content_rows import find_model, has_all_adapters, put_content, put_model
from storage.database import Database
from storage.job_rows import end_job, end_live_jobs, has_live_job
from storage.records import (
    AdapterRecord,
    CandidateChunk,
    ChunkRecord,
    Counts,
    DocumentKind,
    DocumentRecord,
    DocumentState,
    FolderRecord,
    JobState,
    Matches,
    NewChunk,
    Occurrences,
)
from storage.row_records import DOCUMENTS, document_record, folder_record
from storage.schema import Adapter, Chunk, Content, Document, Folder, Job, Model, SearchUpkeep
from storage.titles import title_of_file

_IDS_PER_STATEMENT = 500


class Catalog:
    """The library."""

    def __init__(self, database: Database) -> None:
        self._database = database

    # --- folders

    def add_folder(self, path: Path) -> FolderRecord:
        """Watch a folder; the one already there when it is watched already.

        Raises:
            ValueError: the path is not absolute.
        """
        _require_absolute(path)
        with self._database.write() as session:
            folder = session.scalars(select(Folder).where(Folder.path == path)).one_or_none()
            if folder is None:
                folder = Folder(path=path)
                session.add(folder)
                session.flush()
            return folder_record(folder)

    def remove_folder(self, folder_id: int) -> None:
        """Watch it no longer. Its documents stay, without a folder."""
        with self._database.write() as session:
            session.execute(delete(Folder).where(Folder.id == folder_id))

    def folders(self) -> tuple[FolderRecord, ...]:
        """All watched folders, in the order they were added."""
        with self._database.read() as session:
            return tuple(
                folder_record(folder) for folder in session.scalars(select(Folder).order_by(Folder.id))
            )

    # --- documents

    def add_document(
        self,
        path: Path,
        *,
        folder_id: int | None = None,
        size_bytes: int | None = None,
        mtime_ns: int | None = None,
    ) -> DocumentRecord:
        """Take a file into the library, QUEUED and enabled.

        A path that is there already is left as it is, except that a watched folder adopts it.

        Raises:
            ValueError: the path is not absolute.
        """
        _require_absolute(path)
        with self._database.write() as session:
            document = session.scalars(select(Document).where(Document.path == path)).one_or_none()
            if document is None:
                document = Document(
                    path=path,
                    title=title_of_file(path),
                    state=DocumentState.QUEUED,
                    folder_id=folder_id,
                    size_bytes=size_bytes,
                    mtime_ns=mtime_ns,
                )
                session.add(document)
                session.flush()
                search_index.add_title(session, document.id, document.title)
            elif document.folder_id is None and folder_id is not None:
                document.folder_id = folder_id
                session.flush()
            return document_record(session.execute(DOCUMENTS.where(Document.id == document.id)).one())

    def document(self, document_id: int) -> DocumentRecord | None:
        """The document, or None when it was forgotten."""
        with self._database.read() as session:
            row = session.execute(DOCUMENTS.where(Document.id == document_id)).one_or_none()
            return None if row is None else document_record(row)

    def document_by_path(self, path: Path) -> DocumentRecord | None:
        """The document at this very path, or None."""
        with self._database.read() as session:
            row = session.execute(DOCUMENTS.where(Document.path == path)).one_or_none()
            return None if row is None else document_record(row)

    def documents(self, folder_id: int | None = None) -> tuple[DocumentRecord, ...]:
        """All documents, or those of one watched folder, by title without regard to case."""
        query = DOCUMENTS if folder_id is None else DOCUMENTS.where(Document.folder_id == folder_id)
        with self._database.read() as session:
            records = [document_record(row) for row in session.execute(query)]
        return tuple(sorted(records, key=lambda record: (record.title.casefold(), record.path)))

    def set_enabled(self, ids: Iterable[int], enabled: bool) -> None:
        """Let documents take part in answers, or not. Forgotten ones are passed over."""
        with self._database.write() as session:
            for some in _batches(ids):
                session.execute(update(Document).where(Document.id.in_(some)).values(enabled=enabled))

    def rename_document(self, document_id: int, new_path: Path, size_bytes: int, mtime_ns: int) -> int | None:
        """The file has moved; what was learnt from it stays. The title follows.

        Returns:
            id of the document that had the new path before and is forgotten now, its file having been
            replaced; usually None.

        Raises:
            ValueError: the path is not absolute.
        """
        _require_absolute(new_path)
        title = title_of_file(new_path)
        with self._database.write() as session:
            if session.get(Document, document_id) is None:
                return None
            replaced = session.scalars(
                select(Document.id).where(Document.path == new_path, Document.id != document_id)
            ).one_or_none()
            if replaced is not None:
                _forget(session, [replaced])
            session.execute(
                update(Document)
                .where(Document.id == document_id)
                .values(
                    path=new_path, title=title, size_bytes=size_bytes, mtime_ns=mtime_ns, updated_at=utc_now()
                )
            )
            search_index.set_title(session, document_id, title)
            return replaced

    def note_file_seen(self, document_id: int, size_bytes: int, mtime_ns: int) -> None:
        """Remember the file's size and time, so that the next start need not read it."""
        with self._database.write() as session:
            session.execute(
                update(Document)
                .where(Document.id == document_id)
                .values(size_bytes=size_bytes, mtime_ns=mtime_ns)
            )

    def forget(self, ids: Iterable[int]) -> None:
        """Remove documents for good: their jobs, and contents nobody else has, with adapters and search rows.

        Answers quote them no more, and lose the words that stood nowhere else. What is left of their bytes in
        the search index and in the log goes with the next ``clean_up``. Watched folders are not told: a file
        that still lies there will be found again.
        """
        with self._database.write() as session:
            _forget(session, list(ids))

    def is_clean_up_due(self) -> bool:
        """Whether words of notes that were forgotten, edited or renamed are still in the file."""
        with self._database.read() as session:
            return session.scalars(select(SearchUpkeep.is_due)).one() or self._database.has_old_log

    def clean_up(self) -> None:
        """Remove such words. It rewrites the search index: for when nobody waits, not for each change."""
        with self._database.write() as session:
            if session.scalars(select(SearchUpkeep.is_due)).one():
                search_index.drop_deleted_words(session)
                session.execute(update(SearchUpkeep).values(is_due=False))
        self._database.truncate_log()

    def older_copies(self) -> tuple[Path, ...]:
        """Files beside the catalog that hold it as it was earlier, with what was forgotten since."""
        return backups.older_copies(self._database.path)

    def delete_older_copies(self) -> None:
        """Delete them.

        Raises:
            OSError: one cannot be deleted.
        """
        for path in self.older_copies():
            path.unlink(missing_ok=True)

    # --- learning

    def mark_learning(self, document_id: int) -> None:
        """The worker has begun with it."""
        with self._database.write() as session:
            _set_state(session, document_id, DocumentState.LEARNING)

    def attach_known_content(
        self, document_id: int, content_hash: str, *, base_hash: str, hypernetwork_hash: str
    ) -> bool:
        """Make the document READY without a model pass, if its bytes were learnt before with these models.

        Its queued and running jobs are cancelled: they are about what the file was before.

        Returns:
            whether they were; otherwise nothing is changed.
        """
        with self._database.write() as session:
            document = session.get(Document, document_id)
            content = session.scalars(select(Content).where(Content.hash == content_hash)).one_or_none()
            model = find_model(session, base_hash, hypernetwork_hash)
            if document is None or content is None or model is None:
                return False
            if not has_all_adapters(session, content.id, model.id):
                return False
            old_content_id = document.content_id
            end_live_jobs(session, document_id, JobState.CANCELLED)
            _set_state(session, document_id, DocumentState.READY, content_id=content.id)
            quotations.leave_content(session, old_content_id, content.id)
            return True

    def store_content(
        self,
        document_id: int,
        content_hash: str,
        *,
        size_bytes: int,
        mtime_ns: int | None,
        base_hash: str,
        hypernetwork_hash: str,
        chunks: Sequence[NewChunk],
        note: str,
        job_id: int,
    ) -> bool:
        """Keep what the worker made of a document; in one transaction with the end of its job.

        The document becomes READY; or stays QUEUED when a newer version of it waits in the queue.

        Returns:
            False, with nothing stored, when the document was forgotten or the job is not running any more.

        Raises:
            ValueError: no chunks; a document without text is a failure, not a content.
        """
        if not chunks:
            raise ValueError(f"document {document_id} has no chunks")
        with self._database.write() as session:
            document = session.get(Document, document_id)
            job = session.get(Job, job_id)
            if document is None or job is None:
                return False
            if job.document_id != document_id or job.state is not JobState.RUNNING:
                return False
            old_content_id = document.content_id
            model = put_model(session, base_hash, hypernetwork_hash)
            content_id = put_content(session, content_hash, size_bytes, note, model, chunks)
            end_job(session, job_id, JobState.DONE)
            # The worker read newer bytes than those queued: then the job waiting for them is done as well.
            end_live_jobs(session, document_id, JobState.DONE, content_hash=content_hash)
            state = DocumentState.QUEUED if has_live_job(session, document_id) else DocumentState.READY
            _set_state(
                session, document_id, state, content_id=content_id, size_bytes=size_bytes, mtime_ns=mtime_ns
            )
            quotations.leave_content(session, old_content_id, content_id)
            return True

    def mark_failed(self, document_id: int, title: str, detail: str, job_id: int | None = None) -> bool:
        """The document could not be learnt. What was learnt from an older version of it answers no more.

        With ``job_id``, that job fails in the same transaction, and the document stays QUEUED when a newer
        version of it waits in the queue. Without, it is about the file as it is now: its jobs are cancelled.

        Returns:
            False, with nothing changed, when the document was forgotten or the job is not running any more.
        """
        with self._database.write() as session:
            document = session.get(Document, document_id)
            if document is None:
                return False
            if job_id is not None:
                job = session.get(Job, job_id)
                if job is None or job.document_id != document_id or job.state is not JobState.RUNNING:
                    return False
                end_job(session, job_id, JobState.FAILED, title, detail)
            else:
                end_live_jobs(session, document_id, JobState.CANCELLED)
            old_content_id = document.content_id
            waiting = has_live_job(session, document_id)
            state = DocumentState.QUEUED if waiting else DocumentState.FAILED
            reason = {} if waiting else {"reason_title": title, "reason_detail": detail}
            _set_state(session, document_id, state, content_id=None, **reason)
            quotations.leave_content(session, old_content_id, None)
            return True

    def documents_for_other_models(self, base_hash: str, hypernetwork_hash: str) -> tuple[int, ...]:
        """Ids of learnt notes that these models cannot use: their adapters are of others."""
        with self._database.read() as session:
            model = find_model(session, base_hash, hypernetwork_hash)
            with_adapter = exists().where(
                Adapter.chunk_id == Chunk.id, Adapter.model_id == (None if model is None else model.id)
            )
            lacking = select(Chunk.content_id).where(~with_adapter)
            chosen = select(Document.id).where(
                Document.state == DocumentState.READY,
                Document.kind == DocumentKind.NOTE,  # nothing can be learnt anew from an imported adapter
                Document.content_id.in_(lacking),
            )
            return tuple(session.scalars(chosen.order_by(Document.id)))

    # --- answering

    def search(
        self, factors: Mapping[str, float], *, n_scored: int, n_marked: int, n_in_all: int | None
    ) -> Matches:
        """The passages of enabled, READY notes that fit a question, of one moment.

        Only these are read, however large the library is. Of documents with the same content the first one,
        by id, is named.

        Args:
            factors: how much each term of the question counts; terms are those of
                ``search_query.match_terms``. A passage scores the sum of its terms' BM25 times their factors,
                and the BM25 of its document's title.
            n_scored: at most this many passages with a score.
            n_marked: at most this many of them marked.
            n_in_all: passages without a score follow until there are as many; None: all of them.
        """
        with self._database.read() as session:
            return search.find_matches(
                session, factors, n_scored=n_scored, n_marked=n_marked, n_in_all=n_in_all
            )

    def occurrences(self, terms: Iterable[str], passage: CandidateChunk) -> Occurrences:
        """Which of the terms a passage and the title of its document have."""
        with self._database.read() as session:
            return search.find_occurrences(session, terms, passage.chunk_id, passage.document_id)

    def chunks_of(self, document_id: int) -> tuple[ChunkRecord, ...]:
        """The passages last learnt from a document, in order; empty when there are none."""
        query = (
            select(Chunk, Content.hash)
            .join(Content)
            .join(Document, Document.content_id == Content.id)
            .where(Document.id == document_id)
            .order_by(Chunk.position)
        )
        with self._database.read() as session:
            return tuple(
                ChunkRecord(
                    chunk.id,
                    content_hash,
                    chunk.position,
                    chunk.char_start,
                    chunk.char_end,
                    chunk.text,
                    chunk.n_tokens,
                )
                for chunk, content_hash in session.execute(query)
            )

    def adapters(self, chunk_ids: Sequence[int], hypernetwork_hash: str) -> tuple[AdapterRecord, ...]:
        """The chunks' adapters of one hypernetwork, in the order asked; those that do not exist left out."""
        found: dict[int, AdapterRecord] = {}
        with self._database.read() as session:
            for some in _batches(chunk_ids):
                rows = session.execute(
                    select(Adapter.chunk_id, Adapter.codec, Adapter.rank, Adapter.data)
                    .join(Model)
                    .where(Adapter.chunk_id.in_(some), Model.hypernetwork_hash == hypernetwork_hash)
                )
                for chunk_id, codec, rank, data in rows:
                    key = f"{chunk_id}:{hypernetwork_hash[:12]}"
                    found[chunk_id] = AdapterRecord(chunk_id, key, codec, rank, data)
        return tuple(found[chunk_id] for chunk_id in chunk_ids if chunk_id in found)

    # --- facts about the whole

    def counts(self) -> Counts:
        """How much there is."""
        ready = func.count().filter(Document.state == DocumentState.READY)
        with self._database.read() as session:
            n_documents, n_ready = session.execute(select(func.count(), ready).select_from(Document)).one()
            n_chunks = session.scalars(select(func.count()).select_from(Chunk)).one()
            size_bytes = session.scalars(select(func.coalesce(func.sum(Adapter.size_bytes), 0))).one()
        return Counts(n_documents, n_ready, n_chunks, size_bytes)

    def quick_check(self) -> list[str]:
        """What is wrong with the file, in SQLite's words; empty when it is sound. Reads all of it."""
        with self._database.read() as session:
            found = [str(row[0]) for row in session.execute(text("PRAGMA quick_check"))]
            dangling = session.execute(text("PRAGMA foreign_key_check")).all()
        return [line for line in found if line != "ok"] + [
            f"row {row[1]} of {row[0]} points to a row of {row[2]} that is not there" for row in dangling
        ]


def _require_absolute(path: Path) -> None:
    if not path.is_absolute():
        raise ValueError(f"the catalog knows files by their absolute path, got {path}")


def _batches(ids: Iterable[int]) -> list[list[int]]:
    every = list(ids)
    return [every[start : start + _IDS_PER_STATEMENT] for start in range(0, len(every), _IDS_PER_STATEMENT)]


def _set_state(session: Session, document_id: int, state: DocumentState, **more: object) -> None:
    """Set the state and ``more`` columns; the reason goes, unless it is among them."""
    values = {"reason_title": "", "reason_detail": "", **more, "state": state, "updated_at": utc_now()}
    session.execute(update(Document).where(Document.id == document_id).values(values))


def _forget(session: Session, ids: list[int]) -> None:
    for some in _batches(ids):
        quotations.forget_documents(session, some)
