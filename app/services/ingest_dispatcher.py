"""The thread between the job queue and the ingest worker: one job at a time, none lost, none done twice."""

import logging
import threading
import time
from collections.abc import Callable
from dataclasses import dataclass

from app.services.library_events import DocumentsChanged, JobProgressed, LibraryEvents
from app.services.message_loop import MessageLoop
from app.services.model_service import ModelOutcome, ModelsPrepared, ModelsRefused
from app.services.notices import NoticeBoard
from app.services.ports import IngestWorkerFactory
from app.services.profile_lock import ProfileLock
from app.services.queueing import Queueing
from app.services.worker_supervisor import Phase, WorkerEvent, WorkerSupervisor
from engine.messages import (
    CancelJob,
    ChunkAdapter,
    IngestCommand,
    IngestEvent,
    Internalize,
    JobCancelled,
    JobDone,
    JobFailed,
    JobProgress,
    WorkerDied,
    WorkerFailed,
)
from engine.models.messages import PreparedModels
from storage.catalog import Catalog
from storage.errors import StorageError
from storage.ingest_queue import IngestQueue
from storage.records import JobRecord, JobState, NewChunk

logger = logging.getLogger(__name__)

POLL_S = 2.0
"""Other processes of the profile may enqueue, or give the lock back: look this often."""

CANCEL_PATIENCE_S = 5.0
"""A worker that does not stop a cancelled job within this time is killed."""

STORAGE_PAUSE_S = 15.0
"""After the store failed (disk full, locked) no job is claimed for this long."""

PROGRESS_INTERVAL_S = 0.05

CLEAN_UP_AFTER_S = 2.0
"""What is left of forgotten and edited notes in the file is removed this long after it was noticed..."""

CLEAN_UP_AT_LAST_S = 60.0
"""...if nothing is to be learnt, else after this long."""


@dataclass(frozen=True, slots=True)
class _Wake:
    """There may be something to do. ``retry_now``: a user asked for it, so a failed worker is tried again."""

    retry_now: bool = False


_Message = _Wake | ModelOutcome | WorkerEvent[IngestEvent]


@dataclass(slots=True)
class _Current:
    """The job the worker has."""

    job: JobRecord
    mtime_ns: int | None
    cancel_sent_s: float | None = None
    progress_told_s: float = 0.0


class IngestDispatcher:
    """Claims jobs, passes them to the worker and stores what comes back.

    Public methods may be called on any thread; everything else runs on the thread "ingest-dispatch", so the
    state of the current job needs no lock. What counts as true is the job's row: a job that was cancelled or
    forgotten there is stopped here, and its result is not stored.

    Args:
        prepare_models: called when a user asks for work that needs the models and they could not be prepared.
        clock_s: monotonic seconds.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        jobs: IngestQueue,
        queueing: Queueing,
        events: LibraryEvents,
        notices: NoticeBoard,
        worker_factory: IngestWorkerFactory,
        prepare_models: Callable[[], None],
        lock: ProfileLock,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._queueing = queueing
        self._events = events
        self._notices = notices
        self._lock = lock
        self._clock_s = clock_s
        self._loop: MessageLoop[_Message] = MessageLoop(
            "ingest-dispatch",
            step=self._step,
            wait_s=self._wait_s,
            on_storage_error=self._pause_after,
            at_end=self._shut_down,
        )
        self._worker: WorkerSupervisor[IngestCommand, IngestEvent] = WorkerSupervisor(
            "ingest",
            factory=worker_factory,
            post=self._loop.post,
            prepare_models=prepare_models,
            events=events,
            notices=notices,
            clock_s=clock_s,
        )
        self._current: _Current | None = None
        self._is_recovery_due = True
        self._not_before_s = 0.0
        self._clean_up_due_since_s: float | None = None
        self._stepped = threading.Condition()

    # --- any thread ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to work; jobs wait until the models are there and the profile's lock is held."""
        self._loop.start()

    def stop(self) -> None:
        """Stop the worker, put its job back into the queue, end the thread. Takes ten seconds at most."""
        self._loop.stop()

    def take_models(self, outcome: ModelOutcome) -> None:
        """The models are there; or they cannot be had, and jobs stay queued."""
        self._loop.post(outcome)

    def wake(self, *, retry_now: bool = False) -> None:
        """Look at the queue: there are new jobs, or the current one was cancelled or forgotten."""
        self._loop.post(_Wake(retry_now))

    def wait_until_idle(self, timeout_s: float) -> bool:
        """Wait until no job is queued or running; False if the time is over or the worker cannot work."""
        deadline_s = time.monotonic() + timeout_s
        with self._stepped:
            while self._current is not None or self._jobs.pending() > 0:
                remaining_s = deadline_s - time.monotonic()
                if remaining_s <= 0 or self._worker.phase is Phase.FAILED:
                    return False
                # In slices: another process may be the one that works.
                self._stepped.wait(min(remaining_s, 0.5))
            return True

    # --- the thread ----------------------------------------------------------------------------------------

    def _step(self, message: _Message | None) -> None:
        try:
            self._handle(message)
            if not _is_progress(message):
                self._advance()
        finally:
            self._tell_waiting()

    def _tell_waiting(self) -> None:
        with self._stepped:
            self._stepped.notify_all()

    def _wait_s(self) -> float:
        return min(wait for wait in (POLL_S, self._worker.wait_s()) if wait is not None)

    def _handle(self, message: _Message | None) -> None:
        match message:
            case _Wake(retry_now=True):
                self._worker.reset_backoff()
                self._not_before_s = 0.0
            case ModelsPrepared(settings=settings, models=models):
                self._worker.prepare(settings)
                self._queueing.models = models
                self._is_recovery_due = True
            case ModelsRefused(title=title, detail=detail):
                self._worker.fail(title, detail)
            case WorkerEvent() as said:
                if self._worker.accept(said):
                    self._handle_event(said.event)

    def _advance(self) -> None:
        """Do whatever can be done now."""
        if not self._lock.try_acquire() or self._clock_s() < self._not_before_s:
            return
        if self._is_recovery_due and self._current is None:
            self._recover()
        if self._current is not None:
            self._check_cancelled(self._current)
        if self._current is None and self._queueing.models is not None and self._jobs.pending() > 0:
            self._worker.start_if_allowed()
            if self._worker.phase is Phase.READY:
                self._claim_next()
        self._clean_up_if_quiet()

    def _clean_up_if_quiet(self) -> None:
        """Rewriting the search index takes long in a large library: once for many notes, not for each."""
        if not self._catalog.is_clean_up_due():
            self._clean_up_due_since_s = None
            return
        if self._clean_up_due_since_s is None:
            self._clean_up_due_since_s = self._clock_s()
        waited_s = self._clock_s() - self._clean_up_due_since_s
        is_quiet = self._current is None and self._jobs.pending() == 0
        if waited_s >= (CLEAN_UP_AFTER_S if is_quiet else CLEAN_UP_AT_LAST_S):
            self._catalog.clean_up()
            self._clean_up_due_since_s = None

    def _recover(self) -> None:
        """Only the lock's holder may: jobs "running" in the catalog while none runs here were interrupted."""
        self._jobs.requeue_interrupted()
        for document in self._jobs.left_behind():
            self._queueing.learn_again(document)
        models = self._queueing.models
        # For a model without a hypernetwork any passages will do: those of notes that another one has learnt.
        if models is not None and models.has_hypernetwork:
            self._relearn_outdated(models)
        self._is_recovery_due = False

    def _relearn_outdated(self, models: PreparedModels) -> None:
        ids = self._catalog.documents_for_other_models(models.base_hash, models.hypernetwork_hash)
        outdated = [document for id_ in ids if (document := self._catalog.document(id_)) is not None]
        # Those whose drive is unplugged wait for the next start: failing them would lose their text.
        reachable = [document for document in outdated if self._queueing.has_file(document)]
        for document in reachable:
            self._queueing.learn_again(document)
        if outdated:
            waiting = len(outdated) - len(reachable)
            self._notices.info(
                "Your notes are learnt anew.",
                f"{len(reachable)} were not learnt for this model yet."
                + (f" {waiting} more wait until their files can be found." if waiting else ""),
            )

    def _claim_next(self) -> None:
        while (job := self._jobs.claim()) is not None:
            # Another document may have had the same bytes since this was queued: a copy costs no model pass.
            if self._queueing.attach_if_known(job.document_id, job.content_hash):
                continue
            document = self._catalog.document(job.document_id)
            self._current = _Current(job, document.mtime_ns if document else None)
            self._events.publish(DocumentsChanged((job.document_id,)))
            self._worker.send(Internalize(job.id, job.path))
            return

    def _check_cancelled(self, current: _Current) -> None:
        if current.cancel_sent_s is not None:
            if self._clock_s() - current.cancel_sent_s > CANCEL_PATIENCE_S:
                logger.warning("Job %d did not stop when cancelled; its worker is killed.", current.job.id)
                self._worker.kill()
                self._current = None
            return
        if not self._is_running(current.job):
            current.cancel_sent_s = self._clock_s()
            self._worker.send(CancelJob(current.job.id))

    # --- what the worker says ------------------------------------------------------------------------------

    def _handle_event(self, event: IngestEvent | WorkerDied) -> None:
        current = self._current
        if current is None:
            return
        match event:
            case WorkerDied():
                self._current = None
                self._jobs.give_back(current.job.id)
                self._events.publish(DocumentsChanged((current.job.document_id,)))
            case WorkerFailed():
                self._current = None
                self._queueing.put_back(current.job)
            case JobProgress(job_id=current.job.id) as progress:
                self._tell_progress(current, progress)
            case JobDone(job_id=current.job.id) as done:
                self._current = None
                self._worker.succeeded()
                self._store(current, done)
            case JobFailed(job_id=current.job.id, title=title, detail=detail):
                self._current = None
                self._worker.succeeded()
                self._fail(current.job, title, detail)
            case JobCancelled(job_id=current.job.id):
                self._current = None

    def _store(self, current: _Current, done: JobDone) -> None:
        job = current.job
        is_stored = self._catalog.store_content(
            job.document_id,
            done.content_hash,
            size_bytes=done.size_bytes,
            mtime_ns=current.mtime_ns,
            base_hash=done.base_hash,
            hypernetwork_hash=done.hypernetwork_hash,
            chunks=[_new_chunk(chunk) for chunk in done.chunks],
            note=done.note,
            job_id=job.id,
        )
        self._loop.recovered()
        if is_stored:
            self._events.publish(DocumentsChanged((job.document_id,)))

    def _fail(self, job: JobRecord, title: str, detail: str) -> None:
        document = self._catalog.document(job.document_id)
        if document is not None and document.path != job.path:
            self._queueing.put_back(job)  # renamed under the worker's hands: it looked in the wrong place
            return
        if self._catalog.mark_failed(job.document_id, title, detail, job_id=job.id):
            self._events.publish(DocumentsChanged((job.document_id,)))

    def _tell_progress(self, current: _Current, progress: JobProgress) -> None:
        now_s = self._clock_s()
        is_last = progress.n_done >= progress.n_chunks
        if is_last or now_s - current.progress_told_s >= PROGRESS_INTERVAL_S:
            current.progress_told_s = now_s
            self._events.publish(JobProgressed(current.job.document_id, progress.n_done, progress.n_chunks))

    def _is_running(self, job: JobRecord) -> bool:
        """Whether the catalog still wants this job done."""
        return any(
            row.id == job.id and row.state is JobState.RUNNING for row in self._jobs.jobs(job.document_id)
        )

    # --- trouble and end -----------------------------------------------------------------------------------

    def _pause_after(self, exc: StorageError, is_news: bool) -> None:
        """The store failed: say so, and begin again later from what its rows say."""
        if is_news:  # once, however long it lasts
            self._notices.error(exc.title, "Learning pauses and goes on by itself.", exc.detail)
        self._not_before_s = self._clock_s() + STORAGE_PAUSE_S
        self._is_recovery_due = True

    def _shut_down(self) -> None:
        self._worker.stop()
        current, self._current = self._current, None
        if current is not None:
            try:
                self._queueing.put_back(current.job)
            except StorageError as exc:
                # Not lost: the row says "running", and the next start puts it back.
                logger.warning("The running job could not be put back.", exc_info=exc)
        self._tell_waiting()


def _is_progress(message: _Message | None) -> bool:
    """Progress comes often and leaves nothing to do: the catalog need not be asked each time."""
    return isinstance(message, WorkerEvent) and isinstance(message.event, JobProgress)


def _new_chunk(chunk: ChunkAdapter) -> NewChunk:
    return NewChunk(
        position=chunk.position,
        char_start=chunk.char_start,
        char_end=chunk.char_end,
        text=chunk.text,
        n_tokens=chunk.n_tokens,
        codec=str(chunk.codec),
        rank=chunk.rank,
        data=chunk.data,
    )
