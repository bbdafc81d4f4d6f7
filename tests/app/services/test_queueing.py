"""Which documents become jobs: over a real catalog, without a thread or a model."""

from pathlib import Path

import pytest

from app.bootstrap import Application
from app.services.library_events import DocumentsChanged
from app.services.note_files import MAX_NOTE_BYTES, hash_file, stamp_of
from app.services.queueing import Queueing
from app.services.settling import FileStamp
from engine.models.messages import PreparedModels
from storage.records import DocumentRecord, DocumentState, JobRecord, JobState
from tests.app.conftest import Bench
from tests.app.fakes import BASE_HASH, HYPERNETWORK_HASH
from tests.storage.library import new_chunks

MODELS = PreparedModels(Path("base.gguf"), Path("weights"), BASE_HASH, HYPERNETWORK_HASH)


class Desk:
    """Queueing over a catalog, and what a test asks of both."""

    def __init__(self, bench: Bench, application: Application) -> None:
        self._bench = bench
        self.catalog = application.profile.catalog
        self.jobs = application.profile.jobs
        self.queueing = Queueing(self.catalog, self.jobs, application.events)
        self.queueing.models = MODELS

    def add(self, name: str, text: str) -> DocumentRecord:
        """A document whose file has ``text``; nothing is queued."""
        return self.catalog.add_document(self._bench.write(name, text))

    def learn(self, document: DocumentRecord, *, is_retry: bool = False) -> bool:
        """Have the document's file looked at, as it is now."""
        stamp = stamp_of(document.path)
        assert stamp is not None
        return self.queueing.learn(self.now(document), stamp, is_retry=is_retry)

    def claim(self) -> JobRecord:
        job = self.jobs.claim()
        assert job is not None
        return job

    def finish(self, job: JobRecord) -> None:
        """As when the worker has learnt it."""
        assert self.catalog.store_content(
            job.document_id,
            job.content_hash,
            size_bytes=1,
            mtime_ns=1,
            base_hash=BASE_HASH,
            hypernetwork_hash=HYPERNETWORK_HASH,
            chunks=new_chunks(["One passage."]),
            note="",
            job_id=job.id,
        )

    def learnt(self, name: str, text: str) -> DocumentRecord:
        document = self.add(name, text)
        assert self.learn(document)
        self.finish(self.claim())
        return self.now(document)

    def now(self, document: DocumentRecord) -> DocumentRecord:
        found = self.catalog.document(document.id)
        assert found is not None
        return found

    def states(self, document: DocumentRecord) -> list[JobState]:
        return [job.state for job in self.jobs.jobs(document.id)]


@pytest.fixture
def desk(bench: Bench) -> Desk:
    return Desk(bench, bench.build())


# --- what is learnt, and what is not ------------------------------------------------------------------------


def test_a_new_file_becomes_a_job_for_its_bytes(bench: Bench, desk: Desk) -> None:
    document = desk.add("a.md", "Words.")

    assert desk.learn(document)

    (job,) = desk.jobs.jobs()
    assert (job.content_hash, job.state) == (hash_file(document.path), JobState.QUEUED)
    assert desk.now(document).state is DocumentState.QUEUED
    assert bench.events == [DocumentsChanged((document.id,))]


def test_bytes_that_are_learnt_are_not_learnt_again_but_their_stamp_is_kept(bench: Bench, desk: Desk) -> None:
    document = desk.learnt("a.md", "Words.")
    bench.events.clear()

    assert not desk.learn(document)

    assert desk.states(document) == [JobState.DONE]
    assert bench.events == []
    stamp = stamp_of(document.path)
    assert stamp is not None
    assert desk.now(document).mtime_ns == stamp.mtime_ns


def test_a_retry_learns_bytes_that_are_known(desk: Desk) -> None:
    document = desk.learnt("a.md", "Words.")

    assert desk.learn(document, is_retry=True)

    assert desk.states(document) == [JobState.DONE, JobState.QUEUED]


def test_a_copy_of_what_is_learnt_is_ready_at_once(bench: Bench, desk: Desk) -> None:
    desk.learnt("a.md", "The same words.")
    copy = desk.add("b.md", "The same words.")
    bench.events.clear()

    assert desk.learn(copy)

    assert desk.now(copy).state is DocumentState.READY
    assert desk.states(copy) == []
    assert bench.events == [DocumentsChanged((copy.id,))]


@pytest.mark.parametrize(
    "models",
    [None, PreparedModels(Path("base.gguf"), Path("weights"), BASE_HASH, "d" * 64)],
    ids=["no models yet", "another hypernetwork"],
)
def test_a_copy_of_what_other_models_learnt_is_queued(desk: Desk, models: PreparedModels | None) -> None:
    desk.learnt("a.md", "The same words.")
    desk.queueing.models = models
    copy = desk.add("b.md", "The same words.")

    assert desk.learn(copy)

    assert desk.states(copy) == [JobState.QUEUED]


# --- while there is a job already ---------------------------------------------------------------------------


@pytest.mark.parametrize("is_running", [False, True])
def test_bytes_with_a_job_are_not_queued_twice(desk: Desk, is_running: bool) -> None:
    document = desk.add("a.md", "Words.")
    desk.learn(document)
    if is_running:
        desk.claim()

    assert not desk.learn(document, is_retry=True)

    assert desk.states(document) == [JobState.RUNNING if is_running else JobState.QUEUED]


@pytest.mark.parametrize("is_running", [False, True])
def test_new_bytes_end_the_job_for_the_old_ones(bench: Bench, desk: Desk, is_running: bool) -> None:
    document = desk.add("a.md", "Old words.")
    desk.learn(document)
    if is_running:
        desk.claim()
    bench.write("a.md", "New words.")

    assert desk.learn(document)

    assert desk.states(document) == [JobState.CANCELLED, JobState.QUEUED]
    assert desk.claim().content_hash == hash_file(document.path)


def test_bytes_that_are_back_as_they_were_learnt_end_the_job_for_the_others(bench: Bench, desk: Desk) -> None:
    before = desk.learnt("a.md", "Old words.")
    bench.write("a.md", "New words.")
    desk.learn(before)
    bench.write("a.md", "Old words.")

    # As another thread saw the document, before it was queued.
    assert desk.queueing.learn(before, FileStamp(10, 1), is_retry=False)

    assert desk.states(before) == [JobState.DONE, JobState.CANCELLED]
    assert desk.now(before).state is DocumentState.READY


def test_the_hash_of_a_file_is_that_of_its_job_while_there_is_one(bench: Bench, desk: Desk) -> None:
    document = desk.learnt("a.md", "Old words.")
    old_hash = hash_file(document.path)
    assert desk.queueing.hash_of_file(document) == old_hash
    bench.write("a.md", "New words.")

    desk.learn(document)

    assert desk.queueing.hash_of_file(desk.now(document)) == hash_file(document.path) != old_hash


def test_a_file_that_nobody_looked_at_has_no_hash(desk: Desk) -> None:
    document = desk.add("a.md", "Words.")

    assert desk.queueing.hash_of_file(document) is None


# --- what cannot be learnt ----------------------------------------------------------------------------------


def test_the_largest_note_is_taken_and_one_byte_more_is_refused_without_reading_it(desk: Desk) -> None:
    document = desk.add("a.md", "Stands for four megabytes.")
    assert desk.queueing.learn(document, FileStamp(MAX_NOTE_BYTES, 1), is_retry=False)
    assert desk.states(document) == [JobState.QUEUED]
    document.path.unlink()

    assert desk.queueing.learn(document, FileStamp(MAX_NOTE_BYTES + 1, 1), is_retry=False)

    assert desk.states(document) == [JobState.CANCELLED]
    failed = desk.now(document)
    assert (failed.state, failed.reason_title) == (DocumentState.FAILED, "The file is too large.")
    assert str(document.path) in failed.reason_detail


def test_a_file_that_cannot_be_read_fails_with_its_reason(desk: Desk) -> None:
    document = desk.add("a.md", "Words.")
    document.path.unlink()
    document.path.mkdir()  # whoever opens it is refused, root too

    assert desk.queueing.learn(document, FileStamp(6, 1), is_retry=False)

    failed = desk.now(document)
    assert (failed.state, failed.reason_title) == (DocumentState.FAILED, "The file cannot be opened.")
    assert str(document.path) in failed.reason_detail


def test_what_is_learnt_again_fails_when_its_file_is_gone(desk: Desk) -> None:
    document = desk.learnt("a.md", "Words.")
    assert desk.queueing.has_file(document)
    document.path.unlink()
    assert not desk.queueing.has_file(document)

    desk.queueing.learn_again(document)

    assert desk.now(document).reason_title == "The file is gone."


def test_a_document_that_was_forgotten_meanwhile_is_no_error(bench: Bench, desk: Desk) -> None:
    document = desk.add("a.md", "Words.")
    desk.catalog.forget([document.id])

    assert not desk.queueing.learn(document, FileStamp(6, 1), is_retry=False)

    assert desk.jobs.jobs() == ()
    assert bench.events == []


# --- jobs that are put back ---------------------------------------------------------------------------------


def test_a_job_that_is_put_back_is_queued_with_no_attempt_counted(desk: Desk) -> None:
    document = desk.add("a.md", "Words.")
    desk.learn(document)
    job = desk.claim()

    desk.queueing.put_back(job)

    again = desk.queueing.live_job(document.id)
    assert again is not None
    assert (again.state, again.attempts, again.content_hash) == (JobState.QUEUED, 0, job.content_hash)


def test_a_job_of_a_forgotten_document_is_not_put_back(desk: Desk) -> None:
    document = desk.add("a.md", "Words.")
    desk.learn(document)
    job = desk.claim()
    desk.catalog.forget([document.id])

    desk.queueing.put_back(job)

    assert desk.jobs.pending() == 0


def test_a_job_that_has_ended_is_not_live(desk: Desk) -> None:
    document = desk.learnt("a.md", "Words.")

    assert desk.queueing.live_job(document.id) is None
    desk.queueing.put_back(desk.jobs.jobs(document.id)[0])
    assert desk.states(document) == [JobState.DONE]
