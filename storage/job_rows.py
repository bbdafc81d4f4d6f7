"""Ends of ingest jobs, as parts of other transactions. Private; runs inside a write session."""

from sqlalchemy import exists, select, update
from sqlalchemy.orm import Session

from storage.column_types import utc_now
from storage.records import JobState
from storage.schema import Job

LIVE = (JobState.QUEUED, JobState.RUNNING)
"""States of a job that is not over."""


def has_live_job(session: Session, document_id: int) -> bool:
    """Whether a job of the document is queued or running."""
    return session.scalars(select(exists().where(Job.document_id == document_id, Job.state.in_(LIVE)))).one()


def end_job(session: Session, job_id: int, state: JobState, title: str = "", detail: str = "") -> None:
    """Set the job's final state, and why if it failed."""
    session.execute(
        update(Job)
        .where(Job.id == job_id)
        .values(state=state, error_title=title, error_detail=detail, finished_at=utc_now())
    )


def end_live_jobs(
    session: Session, document_id: int, state: JobState, *, content_hash: str | None = None
) -> None:
    """End the document's queued and running jobs: all, or those for one hash."""
    ending = update(Job).where(Job.document_id == document_id, Job.state.in_(LIVE))
    if content_hash is not None:
        ending = ending.where(Job.content_hash == content_hash)
    session.execute(ending.values(state=state, finished_at=utc_now()))
