"""From rows to records. Private."""

from sqlalchemy import Row, Select, select

from storage.records import DocumentKind, DocumentRecord, DocumentState, FolderRecord, JobRecord
from storage.schema import Content, Document, Folder, Job

# Columns, not entities: a library of 10,000 documents is listed in a third of the time.
DOCUMENTS: Select[*tuple[object, ...]] = select(
    Document.id,
    Document.path,
    Document.title,
    Document.state,
    Document.enabled,
    Content.hash,
    Document.folder_id,
    Document.size_bytes,
    Document.mtime_ns,
    Content.n_chunks,
    Document.reason_title,
    Document.reason_detail,
    Content.note,
    Document.added_at,
    Document.updated_at,
    Document.kind,
).outerjoin(Content, Document.content_id == Content.id)


def document_record(row: Row[*tuple[object, ...]]) -> DocumentRecord:
    """Of a row of DOCUMENTS."""
    has_passages = row.state is DocumentState.READY and row.kind is DocumentKind.NOTE
    return DocumentRecord(
        id=row.id,
        path=row.path,
        title=row.title,
        state=row.state,
        enabled=row.enabled,
        content_hash=row.hash,
        folder_id=row.folder_id,
        size_bytes=row.size_bytes,
        mtime_ns=row.mtime_ns,
        n_chunks=row.n_chunks if has_passages else 0,
        reason_title=row.reason_title,
        reason_detail=row.reason_detail,
        note=row.note or "",
        added_at=row.added_at,
        updated_at=row.updated_at,
        kind=row.kind,
    )


def folder_record(folder: Folder) -> FolderRecord:
    """Of a folder's row."""
    return FolderRecord(folder.id, folder.path, folder.added_at)


def job_record(job: Job, document: Document) -> JobRecord:
    """Of a job's row and its document's."""
    return JobRecord(
        id=job.id,
        document_id=job.document_id,
        path=document.path,
        content_hash=job.content_hash,
        state=job.state,
        attempts=job.attempts,
        error_title=job.error_title,
        error_detail=job.error_detail,
        queued_at=job.queued_at,
        started_at=job.started_at,
        finished_at=job.finished_at,
    )
