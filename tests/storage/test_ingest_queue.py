import shutil
import tempfile
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import (
    RuleBasedStateMachine,
    invariant,
    precondition,
    rule,
    run_state_machine_as_test,
)

from storage.catalog import Catalog
from storage.database import Database
from storage.errors import NotInCatalog
from storage.ingest_queue import IngestQueue
from storage.records import DocumentState, JobState
from tests.patience import PATIENCE_S
from tests.storage.library import NOTES, Library, hash_of


def states(library: Library) -> list[DocumentState]:
    return [document.state for document in library.catalog.documents()]


def test_jobs_are_claimed_oldest_first(library: Library) -> None:
    names = ["c.md", "a.md", "b.md"]
    for name in names:
        library.queue.enqueue(library.add(name).id, hash_of(name))

    claimed = [library.queue.claim() for _ in names]

    assert [job.path.name for job in claimed if job is not None] == names
    assert library.queue.claim() is None


def test_a_claimed_job_is_running_and_its_document_learning(library: Library) -> None:
    queued = library.queue.enqueue(library.add("a.md").id, hash_of("a"))
    assert (queued.state, queued.attempts, queued.started_at) == (JobState.QUEUED, 0, None)
    assert states(library) == [DocumentState.QUEUED]

    claimed = library.queue.claim()

    assert claimed is not None
    assert (claimed.id, claimed.state, claimed.attempts) == (queued.id, JobState.RUNNING, 1)
    assert claimed.path == NOTES / "a.md"
    assert claimed.started_at is not None
    assert claimed.started_at >= queued.queued_at
    assert states(library) == [DocumentState.LEARNING]


def test_a_document_is_queued_once_per_hash(library: Library) -> None:
    document = library.add("a.md")

    first = library.queue.enqueue(document.id, hash_of("a"))
    again = library.queue.enqueue(document.id, hash_of("a"))
    library.queue.claim()
    while_running = library.queue.enqueue(document.id, hash_of("a"))

    assert first.id == again.id == while_running.id
    assert library.queue.pending() == 1
    assert states(library) == [DocumentState.LEARNING]


def test_a_newer_version_cancels_the_older_one_that_waits_but_not_the_one_that_runs(library: Library) -> None:
    document = library.add("a.md")
    running = library.queue.enqueue(document.id, hash_of("1"))
    library.queue.claim()
    waiting = library.queue.enqueue(document.id, hash_of("2"))
    newest = library.queue.enqueue(document.id, hash_of("3"))

    assert {job.id: job.state for job in library.queue.jobs(document.id)} == {
        running.id: JobState.RUNNING,
        waiting.id: JobState.CANCELLED,
        newest.id: JobState.QUEUED,
    }


def test_a_failed_document_can_be_queued_again_and_loses_its_reason(library: Library) -> None:
    job = library.start("a.md", "a")
    library.catalog.mark_failed(job.document_id, "No.", "", job.id)

    again = library.queue.enqueue(job.document_id, job.content_hash)

    assert again.id != job.id
    (document,) = library.catalog.documents()
    assert (document.state, document.reason_title) == (DocumentState.QUEUED, "")


def test_a_forgotten_document_cannot_be_queued(library: Library) -> None:
    document = library.add("a.md")
    library.catalog.forget([document.id])

    with pytest.raises(NotInCatalog, match="no longer in the library"):
        library.queue.enqueue(document.id, hash_of("a"))


def test_forgetting_a_document_takes_its_queued_job_along(library: Library) -> None:
    job = library.queue.enqueue(library.add("a.md").id, hash_of("a"))

    library.catalog.forget([job.document_id])

    assert library.queue.claim() is None
    assert library.queue.jobs() == ()


def test_a_job_whose_worker_died_is_claimed_once_more_at_its_old_place_and_then_fails(
    library: Library,
) -> None:
    first = library.start("a.md", "a")
    library.queue.enqueue(library.add("b.md").id, hash_of("b"))

    assert library.queue.give_back(first.id)
    again = library.queue.claim()
    assert again is not None
    assert (again.id, again.attempts) == (first.id, 2)
    assert not library.queue.give_back(first.id)

    document = library.catalog.document(first.document_id)
    assert document is not None
    assert document.state is DocumentState.FAILED
    assert document.reason_title == "Learning this note ended unexpectedly."
    assert "tried 2 times" in document.reason_detail
    assert not library.queue.give_back(first.id)


def test_a_job_left_running_by_a_crash_is_claimed_again(library: Library) -> None:
    job = library.start("a.md", "a")

    assert library.queue.requeue_interrupted() == 1

    assert states(library) == [DocumentState.QUEUED]
    again = library.queue.claim()
    assert again is not None
    assert again.id == job.id


def test_a_job_that_was_interrupted_three_times_fails(library: Library) -> None:
    library.start("a.md", "a")
    for _ in range(2):
        assert library.queue.requeue_interrupted() == 1
        assert library.queue.claim() is not None

    assert library.queue.requeue_interrupted() == 0

    assert states(library) == [DocumentState.FAILED]
    assert library.queue.pending() == 0


def test_a_document_without_a_job_after_a_crash_is_reported_as_left_behind(library: Library) -> None:
    never_queued = library.add("a.md")
    learning = library.add("b.md")
    library.catalog.mark_learning(learning.id)
    library.queue.enqueue(library.add("c.md").id, hash_of("c"))
    library.catalog.mark_failed(library.add("d.md").id, "No.", "")

    library.queue.requeue_interrupted()

    assert [document.id for document in library.queue.left_behind()] == [never_queued.id, learning.id]


def test_cancelling_returns_what_runs_and_shows_what_was_learnt_before(library: Library) -> None:
    document = library.learn("a.md", "Old.")
    running = library.start("a.md", "New.")
    library.queue.enqueue(document.id, hash_of("Newer."))

    assert [job.id for job in library.queue.cancel(document.id)] == [running.id]

    assert library.queue.pending() == 0
    assert states(library) == [DocumentState.READY]
    assert library.texts() == ["Old."]


def test_cancelling_a_document_never_learnt_says_so(library: Library) -> None:
    job = library.queue.enqueue(library.add("a.md").id, hash_of("a"))

    assert library.queue.cancel(job.document_id) == ()

    (document,) = library.catalog.documents()
    assert (document.state, document.reason_title) == (DocumentState.FAILED, "Not learnt yet.")
    assert library.queue.cancel(job.document_id) == ()
    assert library.queue.cancel(999) == ()


def test_four_threads_in_two_databases_claim_sixty_jobs_once_each(
    library: Library, catalog_path: Path
) -> None:
    for number in range(60):
        library.queue.enqueue(library.add(f"{number}.md").id, hash_of(str(number)))
    other = Database.open(catalog_path)  # as a second process has it
    start = Barrier(4)

    def claim_all(queue: IngestQueue) -> list[int]:
        start.wait(timeout=PATIENCE_S)
        claimed = []
        while (job := queue.claim()) is not None:
            claimed.append(job.id)
        return claimed

    try:
        with ThreadPoolExecutor(4) as pool:
            queues = [library.queue, IngestQueue(other)] * 2
            per_thread = list(pool.map(claim_all, queues))
    finally:
        other.close()

    assert sorted(job for claimed in per_thread for job in claimed) == [
        job.id for job in library.queue.jobs()
    ]
    assert sum(map(len, per_thread)) == 60
    assert all(claimed == sorted(claimed) for claimed in per_thread)


class QueueMachine(RuleBasedStateMachine):
    """The queue against a model of it: a list of (document, hash) in order."""

    empty_catalog: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        path = Path(shutil.copy(self.empty_catalog, self.folder.name))
        self.database = Database.open(path)
        self.catalog = Catalog(self.database)
        self.queue = IngestQueue(self.database)
        self.documents = [self.catalog.add_document(NOTES / f"{number}.md").id for number in range(4)]
        self.waiting: list[tuple[int, int, str, int]] = []  # (job, document, hash, attempts)
        self.running: list[tuple[int, int, str, int]] = []
        self.finished: Counter[int] = Counter()

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @rule(index=st.integers(0, 3), content=st.sampled_from("xyz"))
    def enqueue(self, index: int, content: str) -> None:
        document = self.documents[index]
        job = self.queue.enqueue(document, content)
        known = [entry for entry in self.waiting + self.running if entry[1:3] == (document, content)]
        self.waiting = [entry for entry in self.waiting if entry[1] != document or entry[2] == content]
        if known:
            assert job.id == known[0][0]
        else:
            self.waiting.append((job.id, document, content, 0))
            self.waiting.sort()

    @rule()
    def claim(self) -> None:
        job = self.queue.claim()
        if not self.waiting:
            assert job is None
            return
        oldest = self.waiting.pop(0)
        assert job is not None
        assert (job.id, job.document_id, job.content_hash, job.attempts) == (*oldest[:3], oldest[3] + 1)
        self.running.append((*oldest[:3], oldest[3] + 1))

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def give_back(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.running))
        self.running.remove(entry)
        again = self.queue.give_back(entry[0])
        assert again == (entry[3] < 2)
        if again:
            self.waiting.append(entry)
            self.waiting.sort()

    @precondition(lambda self: self.running)
    @rule(data=st.data())
    def fail(self, data: st.DataObject) -> None:
        entry = data.draw(st.sampled_from(self.running))
        self.running.remove(entry)
        assert self.catalog.mark_failed(entry[1], "No.", "", entry[0])
        assert not self.catalog.mark_failed(entry[1], "No.", "", entry[0])

    @rule(index=st.integers(0, 3))
    def cancel(self, index: int) -> None:
        document = self.documents[index]
        told = self.queue.cancel(document)
        assert [job.id for job in told] == sorted(entry[0] for entry in self.running if entry[1] == document)
        self.waiting = [entry for entry in self.waiting if entry[1] != document]
        self.running = [entry for entry in self.running if entry[1] != document]

    @rule()
    def restart(self) -> None:
        again = [entry for entry in self.running if entry[3] < 3]
        assert self.queue.requeue_interrupted() == len(again)
        self.waiting = sorted(self.waiting + again)
        self.running = []

    @invariant()
    def the_queue_holds_what_the_model_holds(self) -> None:
        live = [job for job in self.queue.jobs() if job.state in (JobState.QUEUED, JobState.RUNNING)]
        queued = [job.id for job in live if job.state is JobState.QUEUED]
        assert queued == [entry[0] for entry in self.waiting]
        assert sorted(entry[0] for entry in self.running) == [
            job.id for job in live if job.state is JobState.RUNNING
        ]
        assert self.queue.pending() == len(live)

    @invariant()
    def no_document_waits_without_a_job_once_it_had_one(self) -> None:
        with_job = {job.document_id for job in self.queue.jobs()}
        assert not with_job & {document.id for document in self.queue.left_behind()}


def test_the_queue_keeps_its_order_whatever_happens(empty_catalog: Path) -> None:
    QueueMachine.empty_catalog = empty_catalog
    run_state_machine_as_test(QueueMachine, settings=settings(max_examples=8, stateful_step_count=30))
