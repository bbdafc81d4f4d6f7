"""The ingest process: takes one job after the other, says how it goes, can be stopped between two chunks."""

import logging
from collections import deque
from collections.abc import Callable
from multiprocessing.connection import Connection
from time import monotonic
from typing import Protocol

from engine.allocator import keep_freed_memory, return_freed_memory
from engine.errors import EngineError
from engine.messages import (
    CancelJob,
    EngineSettings,
    IngestCommand,
    IngestEvent,
    Internalize,
    JobCancelled,
    JobDone,
    JobFailed,
    JobProgress,
    Shutdown,
    WorkerFailed,
    WorkerReady,
)
from engine.pipeline import IngestPipeline, JobStopped, PipelineFacts

logger = logging.getLogger(__name__)

_PROGRESS_INTERVAL_S = 0.05
"""The window draws at most 20 times a second."""


class Pipeline(Protocol):
    """What the worker needs of ``engine.pipeline.IngestPipeline``."""

    @property
    def is_loaded(self) -> bool:
        """Whether the models take up memory."""
        ...

    def load(self) -> PipelineFacts:
        """Load the models."""
        ...

    def unload(self) -> None:
        """Free the models."""
        ...

    def internalize(
        self, job: Internalize, on_progress: Callable[[int, int], None], is_cancelled: Callable[[], bool]
    ) -> JobDone:
        """Turn the job's file into adapters; raises JobStopped or an EngineError."""
        ...


def main(conn: Connection, settings: EngineSettings) -> None:
    """Entry of the spawned process; see ``engine.client``."""
    keep_freed_memory()
    serve(conn, IngestPipeline(settings), idle_unload_s=settings.idle_unload_s)


def serve(conn: Connection, pipeline: Pipeline, *, idle_unload_s: float) -> None:
    """Answer commands until Shutdown, or until the parent is gone.

    Sends WorkerReady once the models are loaded, or WorkerFailed and returns. Each Internalize is answered
    with JobProgress events and one of JobDone, JobFailed and JobCancelled; only a job that Shutdown
    interrupts gets no answer, and is found still running at the next start. A bug in the pipeline ends the
    process.
    """
    try:
        facts = pipeline.load()
    except EngineError as exc:
        logger.exception("The models could not be loaded.")
        conn.send(WorkerFailed(exc.title, exc.detail))
        return
    conn.send(WorkerReady(facts.device, facts.reason, facts.base_hash, facts.hypernetwork_hash))
    inbox = _Inbox(conn)
    while not inbox.is_shut_down:
        job = inbox.next_job(idle_unload_s if pipeline.is_loaded else None)
        if job is not None:
            _work(conn, pipeline, inbox, job)
        elif not inbox.is_shut_down:
            pipeline.unload()
            return_freed_memory()


def _work(conn: Connection, pipeline: Pipeline, inbox: "_Inbox", job: Internalize) -> None:
    last_progress_s = float("-inf")

    def report(n_done: int, n_chunks: int) -> None:
        nonlocal last_progress_s
        now_s = monotonic()
        if n_done == n_chunks or now_s - last_progress_s >= _PROGRESS_INTERVAL_S:
            last_progress_s = now_s
            conn.send(JobProgress(job.job_id, n_done, n_chunks))

    event: IngestEvent
    try:
        event = pipeline.internalize(job, report, lambda: inbox.is_unwanted(job.job_id))
    except JobStopped:
        event = JobCancelled(job.job_id)
    except EngineError as exc:
        logger.info("Job %d failed.", job.job_id, exc_info=True)
        event = JobFailed(job.job_id, exc.title, exc.detail)
    if not (inbox.is_shut_down and isinstance(event, JobCancelled)):
        conn.send(event)


class _Inbox:
    """The commands that have come, of which some concern a job that is already running."""

    def __init__(self, conn: Connection) -> None:
        self._conn = conn
        self._jobs: deque[Internalize] = deque()
        self._cancelled: set[int] = set()
        self.is_shut_down = False

    def next_job(self, timeout_s: float | None) -> Internalize | None:
        """The next job; None when there was none for ``timeout_s``, or at shut-down."""
        self._cancelled.clear()  # what is left was said of jobs that were over
        self._take_all()
        while not self._jobs and not self.is_shut_down:
            if not self._conn.poll(timeout_s):
                return None
            self._take_all()
        return None if self.is_shut_down else self._jobs.popleft()

    def is_unwanted(self, job_id: int) -> bool:
        """Whether the running job is to be stopped."""
        self._take_all()
        return self.is_shut_down or job_id in self._cancelled

    def _take_all(self) -> None:
        while not self.is_shut_down and self._conn.poll():
            try:
                command: IngestCommand = self._conn.recv()
            except (EOFError, ConnectionError):  # the parent is gone
                self.is_shut_down = True
                return
            self._take(command)

    def _take(self, command: IngestCommand) -> None:
        match command:
            case Internalize():
                self._cancelled.discard(command.job_id)  # said of an earlier run of the same job
                self._jobs.append(command)
            case CancelJob(job_id):
                waiting = next((job for job in self._jobs if job.job_id == job_id), None)
                if waiting is None:
                    self._cancelled.add(job_id)
                else:
                    self._jobs.remove(waiting)
                    self._conn.send(JobCancelled(job_id))
            case Shutdown():
                self.is_shut_down = True
