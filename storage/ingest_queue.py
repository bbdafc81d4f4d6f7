"""The queue of documents to internalize. It outlives the process.

Every method may be called from any thread and any process, blocks, and is one transaction. All raise
StorageError when the file cannot be read or written; then nothing was changed.
"""

from collections.abc import Sequence

from sqlalchemy import ColumnElement, exists, func, select, update
from sqlalchemy.orm import Session

from storage.column_types import utc_now
from storage.database import Database
from storage.errors import NotInCatalog
from storage.job_rows import LIVE, end_job, end_live_jobs, has_live_job
from storage.records import DocumentRecord, DocumentState, JobRecord, JobState
from storage.row_records import DOCUMENTS, document_record, job_record
from storage.schema import Document, Job

ATTEMPTS_IN_ONE_RUN = 2
"""A job whose worker died is queued once more."""
ATTEMPTS_OVER_RESTARTS = 3
"""A job that was running when the app ended, this often, is probably what ended it."""

_DIED_TITLE = "Learning this note ended unexpectedly."
_STOPPED_TITLE = "Not learnt yet."
_STOPPED_DETAIL = "Learning was stopped before it was done. Choose Retry to learn this note."


class IngestQueue:
    """Jobs, oldest first."""

    def __init__(self, database: Database) -> None:
        self._database = database

    def enqueue(self, document_id: int, content_hash: str) -> JobRecord:
        """Queue a document's bytes; older queued jobs of it are cancelled.

        Returns:
            the new job, or the one that is queued or running for these bytes already.

        Raises:
            NotInCatalog: the document was forgotten.
        """
        with self._database.write() as session:
            document = session.get(Document, document_id)
            if document is None:
                raise NotInCatalog(
                    "This note is no longer in the library.", f"document {document_id} was removed"
                )
            session.execute(
                update(Job)
                .where(Job.document_id == document_id, Job.state == JobState.QUEUED)
                .where(Job.content_hash != content_hash)
                .values(state=JobState.CANCELLED, finished_at=utc_now())
            )
            job = session.scalars(
                select(Job).where(
                    Job.document_id == document_id, Job.content_hash == content_hash, Job.state.in_(LIVE)
                )
            ).one_or_none()
            if job is None:
                job = Job(document_id=document_id, content_hash=content_hash, state=JobState.QUEUED)
                session.add(job)
                session.flush()
            running = job.state is JobState.RUNNING
            _set_document(session, document_id, DocumentState.LEARNING if running else DocumentState.QUEUED)
            return job_record(job, document)

    def claim(self) -> JobRecord | None:
        """Take the oldest queued job; no other caller, in whatever process, gets the same one.

        Returns:
            the job, now RUNNING, its document LEARNING; None when nothing is queued.
        """
        oldest = select(func.min(Job.id)).where(Job.state == JobState.QUEUED).scalar_subquery()
        with self._database.write() as session:
            job = session.scalars(
                update(Job)
                .where(Job.id == oldest)
                .values(state=JobState.RUNNING, attempts=Job.attempts + 1, started_at=utc_now())
                .returning(Job)
            ).one_or_none()
            if job is None:
                return None
            _set_document(session, job.document_id, DocumentState.LEARNING)
            return job_record(job, session.get_one(Document, job.document_id))

    def give_back(self, job_id: int) -> bool:
        """The job's worker died: queue the job once more, at its old place, or else fail it.

        Returns:
            whether it is queued again. False as well when it was not running any more.
        """
        with self._database.write() as session:
            job = session.get(Job, job_id)
            if job is None or job.state is not JobState.RUNNING:
                return False
            return _put_back(session, job, ATTEMPTS_IN_ONE_RUN)

    def requeue_interrupted(self) -> int:
        """Queue what was running when the program ended. For the start, by the one process that ingests.

        Returns:
            how many jobs are queued again; those that were interrupted too often have failed instead.
        """
        with self._database.write() as session:
            running = session.scalars(select(Job).where(Job.state == JobState.RUNNING).order_by(Job.id)).all()
            requeued = sum(_put_back(session, job, ATTEMPTS_OVER_RESTARTS) for job in running)
            without_job = ~exists().where(Job.document_id == Document.id, Job.state.in_(LIVE))
            session.execute(
                update(Document)
                .where(Document.state == DocumentState.LEARNING, without_job)
                .values(state=DocumentState.QUEUED)
            )
            return requeued

    def cancel(self, document_id: int) -> tuple[JobRecord, ...]:
        """Stop what is queued or running for the document.

        The document answers again with what was learnt before; one never learnt says so and can be retried.

        Returns:
            the jobs that were running: their worker should be told.
        """
        with self._database.write() as session:
            document = session.get(Document, document_id)
            if document is None or not has_live_job(session, document_id):
                return ()
            running = _records(session, (Job.document_id == document_id) & (Job.state == JobState.RUNNING))
            end_live_jobs(session, document_id, JobState.CANCELLED)
            if document.content_id is not None:
                _set_document(session, document_id, DocumentState.READY)
            else:
                _set_document(session, document_id, DocumentState.FAILED, _STOPPED_TITLE, _STOPPED_DETAIL)
            return running

    def pending(self) -> int:
        """Number of jobs queued or running."""
        with self._database.read() as session:
            return session.scalars(select(func.count()).select_from(Job).where(Job.state.in_(LIVE))).one()

    def jobs(self, document_id: int | None = None) -> tuple[JobRecord, ...]:
        """All jobs, or those of one document, oldest first, finished ones included."""
        condition = Job.id > 0 if document_id is None else Job.document_id == document_id
        with self._database.read() as session:
            return _records(session, condition)

    def left_behind(self) -> tuple[DocumentRecord, ...]:
        """Documents that are QUEUED without a job: the program ended between adding and queueing them.

        For the start; queue them again.
        """
        without_job = ~exists().where(Job.document_id == Document.id, Job.state.in_(LIVE))
        query = DOCUMENTS.where(Document.state == DocumentState.QUEUED, without_job).order_by(Document.id)
        with self._database.read() as session:
            return tuple(document_record(row) for row in session.execute(query))


def _put_back(session: Session, job: Job, max_attempts: int) -> bool:
    if job.attempts < max_attempts:
        job.state = JobState.QUEUED
        job.started_at = None
        session.flush()
        _set_document(session, job.document_id, DocumentState.QUEUED)
        return True
    detail = (
        f"It was tried {job.attempts} times, and each time the learning process ended in the middle of it. "
        "There may be too little memory. Choose Retry to try again."
    )
    end_job(session, job.id, JobState.FAILED, _DIED_TITLE, detail)
    if has_live_job(session, job.document_id):
        _set_document(session, job.document_id, DocumentState.QUEUED)
    else:
        _set_document(session, job.document_id, DocumentState.FAILED, _DIED_TITLE, detail)
    return False


def _set_document(
    session: Session, document_id: int, state: DocumentState, reason_title: str = "", reason_detail: str = ""
) -> None:
    session.execute(
        update(Document)
        .where(Document.id == document_id)
        .values(state=state, reason_title=reason_title, reason_detail=reason_detail, updated_at=utc_now())
    )


def _records(session: Session, condition: ColumnElement[bool]) -> tuple[JobRecord, ...]:
    rows: Sequence[tuple[Job, Document]] = [
        (job, document)
        for job, document in session.execute(
            select(Job, Document)
            .join(Document, Job.document_id == Document.id)
            .where(condition)
            .order_by(Job.id)
        )
    ]
    return tuple(job_record(job, document) for job, document in rows)
