"""The services over processes that are really spawned and really killed; only the models inside are toys."""

import os
import queue
import signal
import sys
import threading
from pathlib import Path

import pytest

from app.bootstrap import WorkerFactories, build
from app.services.library_events import JobProgressed, LibraryEvent
from app.services.notices import Notice
from engine.client import WorkerClient
from engine.messages import EngineSettings, IngestCommand, IngestEvent
from storage.records import DocumentState, JobState
from tests.app.fakes import FakeChatEngine, FakePreparation
from tests.patience import PROCESS_PATIENCE_S

N_NOTES = 100
KILLED_AT = (10, 40)
"""The worker is killed in the middle of these notes, counted by their progress."""


class _Clients:
    """Makes the clients of the toy ingest process and remembers them."""

    def __init__(self) -> None:
        self.made: list[WorkerClient[IngestCommand, IngestEvent]] = []

    def __call__(self, settings: EngineSettings) -> WorkerClient[IngestCommand, IngestEvent]:
        client: WorkerClient[IngestCommand, IngestEvent] = WorkerClient(
            "tests.engine.toy_models:serve_toy_models", settings, "ingest"
        )
        self.made.append(client)
        return client


@pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL")
def test_an_ingest_process_killed_twice_in_the_middle_of_a_hundred_notes_loses_none(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for number in range(N_NOTES):
        text = "\n\n".join(f"Paragraph {part} of note {number}, which is not short." for part in range(6))
        (notes / f"{number:03}.md").write_text(text, encoding="utf-8")
    clients = _Clients()
    application = build(
        tmp_path / "home",
        headless=True,
        weights_dir=tmp_path,
        workers=WorkerFactories(clients, FakeChatEngine(), FakePreparation()),
    )
    notices: list[Notice] = []
    application.notices.subscribe(notices.append)
    begun: set[int] = set()
    killed = threading.Semaphore(0)

    def kill_now_and_then(event: LibraryEvent) -> None:
        if isinstance(event, JobProgressed) and event.document_id not in begun:
            begun.add(event.document_id)
            if len(begun) in KILLED_AT:
                process_id = clients.made[-1].process_id
                assert process_id is not None
                os.kill(process_id, signal.SIGKILL)
                killed.release()

    application.events.subscribe(kill_now_and_then)
    try:
        report = application.ingest.add_paths([notes])
        application.start()

        assert application.dispatcher.wait_until_idle(PROCESS_PATIENCE_S)

        for _ in KILLED_AT:
            assert killed.acquire(timeout=0)
        assert len(report.added) == N_NOTES
        documents = application.library.documents()
        assert [document.state for document in documents] == [DocumentState.READY] * N_NOTES
        jobs = application.profile.jobs.jobs()
        assert [job.state for job in jobs] == [JobState.DONE] * N_NOTES
        assert sum(job.attempts for job in jobs) <= N_NOTES + len(KILLED_AT)
        assert application.profile.catalog.counts().chunks == sum(document.n_chunks for document in documents)
        assert application.profile.catalog.quick_check() == []
        assert len(clients.made) == len(KILLED_AT) + 1
        assert ["unexpectedly" in notice.title for notice in notices] == [True] * len(KILLED_AT)
    finally:
        application.close()
    assert not any(client.is_running for client in clients.made)


def test_a_worker_that_lacks_a_package_is_told_to_the_user_with_the_line_that_installs_it(
    tmp_path: Path,
) -> None:
    def without_torch(settings: EngineSettings) -> WorkerClient[IngestCommand, IngestEvent]:
        run = (("torch",), False, "engine.worker:main", settings)
        return WorkerClient("tests.engine.toy_workers:run_without", run, "ingest")

    application = build(
        tmp_path / "home",
        headless=True,
        weights_dir=tmp_path,
        workers=WorkerFactories(without_torch, FakeChatEngine(), FakePreparation()),
    )
    told: queue.SimpleQueue[Notice] = queue.SimpleQueue()
    application.notices.subscribe(told.put)
    note = tmp_path / "note.md"
    note.write_text("Something.", encoding="utf-8")
    try:
        application.ingest.add_paths([note])
        application.start()

        notice = told.get(timeout=120)

        assert notice.title == "A part of Loreleaf is not installed correctly."
        assert "-m pip install torch==" in notice.message + notice.detail
        assert application.library.documents()[0].state is DocumentState.QUEUED
    finally:
        application.close()
