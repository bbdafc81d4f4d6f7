"""From a document's file to a job, or to a reason why there is none. Any thread; reads the file."""

from contextlib import suppress

from app.services.library_events import DocumentsChanged, LibraryEvents
from app.services.note_files import MAX_NOTE_BYTES, hash_file, stamp_of
from app.services.settling import FileStamp
from engine.models.messages import PreparedModels
from storage.catalog import Catalog
from storage.errors import NotInCatalog
from storage.ingest_queue import IngestQueue
from storage.records import DocumentRecord, DocumentState, JobRecord, JobState

LIVE_STATES = (JobState.QUEUED, JobState.RUNNING)


class Queueing:
    """Decides what has to be learnt. Whoever calls it wakes the dispatcher afterwards.

    Attributes:
        models: the models in use; None until they are prepared. Set by the dispatcher.
    """

    def __init__(self, catalog: Catalog, jobs: IngestQueue, events: LibraryEvents) -> None:
        self._catalog = catalog
        self._jobs = jobs
        self._events = events
        self.models: PreparedModels | None = None

    def live_job(self, document_id: int) -> JobRecord | None:
        """The newest job of a document that is queued or running; None if there is none."""
        live = [job for job in self._jobs.jobs(document_id) if job.state in LIVE_STATES]
        return live[-1] if live else None

    def hash_of_file(self, document: DocumentRecord) -> str | None:
        """Hash of the bytes the document's file had when last looked at; None if they were never hashed."""
        live = self.live_job(document.id)
        return live.content_hash if live is not None else document.content_hash

    def has_file(self, document: DocumentRecord) -> bool:
        """Whether the document's file can be seen."""
        try:
            return stamp_of(document.path) is not None
        except OSError:
            return False

    def learn_again(self, document: DocumentRecord) -> None:
        """Queue a document whatever is known about it; it fails, with a reason, when its file is gone."""
        try:
            stamp = stamp_of(document.path)
        except OSError as exc:
            self._fail(document.id, "The file cannot be opened.", f"{document.path}: {exc.strerror or exc}.")
            return
        if stamp is None:
            self._fail(document.id, "The file is gone.", f"There is no file {document.path} any more.")
            return
        self.learn(document, stamp, is_retry=True)

    def learn(self, document: DocumentRecord, stamp: FileStamp, *, is_retry: bool) -> bool:
        """Have the document's file learnt unless its bytes are; whether the document changed by that.

        Args:
            document: as the catalog has it.
            stamp: of its file, taken before this call: what is written later is seen as a change later.
            is_retry: run the model even if these bytes were learnt before.
        """
        self._catalog.note_file_seen(document.id, stamp.size_bytes, stamp.mtime_ns)
        if stamp.size_bytes > MAX_NOTE_BYTES:
            # Not hashed: it may be gigabytes.
            self._fail(
                document.id,
                "The file is too large.",
                f"{document.path} has {stamp.size_bytes / 1e6:.1f} MB; notes may have up to "
                f"{MAX_NOTE_BYTES / 1e6:.0f} MB. Divide it into smaller files.",
            )
            return True
        try:
            content_hash = hash_file(document.path)
        except OSError as exc:
            self._fail(document.id, "The file cannot be opened.", f"{document.path}: {exc.strerror or exc}.")
            return True
        return self._learn_content(document, content_hash, is_retry=is_retry)

    def put_back(self, job: JobRecord) -> None:
        """Queue a running job anew that did nothing wrong: the attempt does not count."""
        if self._jobs.cancel(job.document_id):
            with suppress(NotInCatalog):  # forgotten meanwhile
                self._jobs.enqueue(job.document_id, job.content_hash)
        self._events.publish(DocumentsChanged((job.document_id,)))

    def attach_if_known(self, document_id: int, content_hash: str) -> bool:
        """Make a document ready without a model pass if its bytes were learnt before; whether they were."""
        models = self.models
        is_known = models is not None and self._catalog.attach_known_content(
            document_id,
            content_hash,
            base_hash=models.base_hash,
            hypernetwork_hash=models.hypernetwork_hash,
        )
        if is_known:
            self._events.publish(DocumentsChanged((document_id,)))
        return is_known

    def _learn_content(self, document: DocumentRecord, content_hash: str, *, is_retry: bool) -> bool:
        live = self.live_job(document.id)
        if live is not None and live.content_hash == content_hash:
            return False
        is_learnt = document.state is DocumentState.READY and document.content_hash == content_hash
        if is_learnt and live is None and not is_retry:
            return False
        if not is_retry and self.attach_if_known(document.id, content_hash):
            return True
        if live is not None and live.state is JobState.RUNNING:
            # Of older bytes. The dispatcher stops it; its result would not be stored.
            self._jobs.cancel(document.id)
        try:
            self._jobs.enqueue(document.id, content_hash)
        except NotInCatalog:
            return False  # forgotten meanwhile, by another thread or process
        self._events.publish(DocumentsChanged((document.id,)))
        return True

    def _fail(self, document_id: int, title: str, detail: str) -> None:
        self._catalog.mark_failed(document_id, title, detail)  # cancels its jobs as well
        self._events.publish(DocumentsChanged((document_id,)))
