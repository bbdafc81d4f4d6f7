import os
import queue
import signal
import threading
from collections.abc import Callable, Iterator
from multiprocessing import Pipe
from multiprocessing.connection import Connection, Listener
from pathlib import Path

import pytest

from engine.client import WorkerClient
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
    WorkerDied,
    WorkerFailed,
    WorkerReady,
)
from engine.pipeline import PipelineFacts
from engine.worker import Pipeline, serve
from tests.engine.toy_models import toy_pipeline
from tests.patience import PATIENCE_S


def sentences(count: int) -> str:
    """Ten words each, and no two alike: what repeats is learnt once."""
    return "".join(f"one two three four five six seven eight nine {n}. " for n in range(count))


NOTE = sentences(4)
"""Four chunks of the toy models."""


class Worker:
    """A spawned ingest worker over toy models, and its events in a queue."""

    def __init__(self, target: str, settings: EngineSettings) -> None:
        self.client: WorkerClient[IngestCommand, IngestEvent] = WorkerClient(
            f"tests.engine.toy_models:{target}", settings, "ingest"
        )
        self._events: queue.Queue[IngestEvent] = queue.Queue()
        self.client.start(self._events.put)

    def next_event(self) -> IngestEvent:
        return self._events.get(timeout=PATIENCE_S)

    def end_of_job(self) -> IngestEvent:
        """The next event that is no progress."""
        while isinstance(event := self.next_event(), JobProgress):
            pass
        return event

    def assert_silent(self) -> None:
        assert self._events.empty()


Start = Callable[..., Worker]


@pytest.fixture
def start(tmp_path: Path) -> Iterator[Start]:
    workers: list[Worker] = []

    def start(target: str, base_model: Path = tmp_path / "base.gguf") -> Worker:
        workers.append(Worker(target, EngineSettings(base_model=base_model, weights_dir=tmp_path)))
        return workers[-1]

    yield start
    for worker in workers:
        worker.client.stop(timeout_s=2.0)


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "note.md"
    path.write_text(NOTE, encoding="utf-8")
    return path


Gated = tuple[Worker, Connection]


@pytest.fixture
def gated(start: Start, tmp_path: Path) -> Iterator[Gated]:
    """A worker that is ready, and the connection on which it names each chunk and waits for an answer."""
    with Listener(str(tmp_path / "gate"), authkey=b"toy") as listener:
        worker = start("serve_gated_models", Path(str(listener.address)))
        with listener.accept() as chunks:
            assert isinstance(worker.next_event(), WorkerReady)
            yield worker, chunks


@pytest.fixture
def held(gated: Gated, note: Path) -> Gated:
    """The same worker, waiting in the first chunk of job 1."""
    worker, chunks = gated
    worker.client.send(Internalize(1, note))
    chunks.recv()
    return gated


def test_a_note_is_internalized_by_the_spawned_worker(start: Start, note: Path) -> None:
    worker = start("serve_toy_models")
    assert worker.next_event() == WorkerReady("CPU, toy", "this is a test", "b" * 64, "c" * 64)
    worker.client.send(Internalize(5, note))
    assert worker.next_event() == JobProgress(5, 0, 4)
    done = worker.end_of_job()
    assert isinstance(done, JobDone)
    assert done.job_id == 5
    assert len(done.chunks) == 4


def test_bad_files_fail_with_a_reason_and_the_next_job_goes_on(
    start: Start, note: Path, tmp_path: Path
) -> None:
    empty, binary, huge, gone = (tmp_path / name for name in ("e.txt", "b.txt", "h.txt", "gone.txt"))
    empty.touch()
    binary.write_bytes(b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR")
    with huge.open("wb") as file:
        file.truncate(50_000_000)
    worker = start("serve_toy_models")
    assert isinstance(worker.next_event(), WorkerReady)
    for job_id, path in enumerate([empty, binary, huge, gone, tmp_path, note]):
        worker.client.send(Internalize(job_id, path))
    failures = [worker.end_of_job() for _ in range(5)]
    assert [(e.job_id, e.title) for e in failures if isinstance(e, JobFailed)] == [
        (0, "The file is empty."),
        (1, "This file is not text."),
        (2, "The file is too large."),
        (3, "The file is gone."),
        (4, "Loreleaf cannot read this kind of file."),
    ]
    assert isinstance(worker.end_of_job(), JobDone)


def test_a_running_job_is_cancelled_between_two_chunks(held: Gated) -> None:
    worker, chunks = held
    worker.client.send(CancelJob(1))
    chunks.send("go")
    assert worker.end_of_job() == JobCancelled(1)
    assert not chunks.poll(), "a chunk was computed after the job was cancelled"


def test_a_waiting_job_is_cancelled_and_the_running_one_goes_on(gated: Gated, note: Path) -> None:
    worker, chunks = gated
    for command in (Internalize(1, note), Internalize(2, note), CancelJob(2), CancelJob(99)):
        worker.client.send(command)
    for _ in range(4):
        chunks.recv()
        chunks.send("go")
    assert worker.end_of_job() == JobCancelled(2)
    done = worker.end_of_job()
    assert isinstance(done, JobDone)
    assert done.job_id == 1


def test_a_cancellation_that_comes_too_late_does_not_hit_the_same_job_later(start: Start, note: Path) -> None:
    worker = start("serve_toy_models")
    assert isinstance(worker.next_event(), WorkerReady)
    worker.client.send(Internalize(1, note))
    assert isinstance(worker.end_of_job(), JobDone)
    worker.client.send(CancelJob(1))
    worker.client.send(Internalize(1, note))
    assert isinstance(worker.end_of_job(), JobDone)


def test_shutting_down_in_the_middle_of_a_job_is_orderly_and_says_nothing_about_the_job(held: Gated) -> None:
    worker, chunks = held
    assert worker.next_event() == JobProgress(1, 0, 4)
    worker.client.send(Shutdown())
    chunks.send("go")
    with pytest.raises(EOFError):  # the process leaves by itself, before anybody kills it
        chunks.recv()
    worker.client.stop(timeout_s=PATIENCE_S)
    worker.assert_silent()


def test_too_little_memory_fails_the_job_and_the_worker_goes_on(held: Gated, note: Path) -> None:
    worker, chunks = held
    chunks.send("no memory")
    failed = worker.end_of_job()
    assert isinstance(failed, JobFailed)
    assert failed.title == "There is not enough memory to learn this."
    worker.client.send(Internalize(2, note))
    assert chunks.recv()
    chunks.send("go")


def test_a_bug_in_the_models_ends_the_worker_with_its_traceback(held: Gated) -> None:
    worker, chunks = held
    chunks.send("bug")
    died = worker.end_of_job()
    assert isinstance(died, WorkerDied)
    assert "ZeroDivisionError" in died.stderr_tail


def test_a_worker_killed_in_the_middle_of_a_chunk_is_reported(held: Gated) -> None:
    worker, _chunks = held
    assert worker.client.process_id is not None
    os.kill(worker.client.process_id, signal.SIGKILL)
    assert worker.end_of_job() == WorkerDied(-signal.SIGKILL)


def test_missing_models_are_told_and_the_worker_ends_in_an_orderly_way(start: Start) -> None:
    worker = start("serve_missing_models")
    assert worker.next_event() == WorkerFailed("The language model is missing.", "base.gguf is not there.")
    worker.client.stop(timeout_s=PATIENCE_S)
    worker.assert_silent()


# --- in this process: the worker's loop on a thread ---------------------------------------------------


class WatchedPipeline:
    """The toy pipeline, which tells when its models are loaded and unloaded."""

    def __init__(self, settings: EngineSettings) -> None:
        self._pipeline = toy_pipeline(settings)
        self.told: queue.Queue[str] = queue.Queue()
        self.internalize = self._pipeline.internalize

    @property
    def is_loaded(self) -> bool:
        return self._pipeline.is_loaded

    def load(self) -> PipelineFacts:
        self.told.put("loaded")
        return self._pipeline.load()

    def unload(self) -> None:
        self._pipeline.unload()
        self.told.put("unloaded")


Ends = tuple[Connection, Connection]


@pytest.fixture
def pipe() -> Iterator[Ends]:
    ours, theirs = Pipe()
    yield ours, theirs
    ours.close()
    theirs.close()


def serve_on_a_thread(pipe: Ends, pipeline: Pipeline, *, idle_unload_s: float) -> threading.Thread:
    """The worker's loop, ready for commands."""
    ours, theirs = pipe
    loop = threading.Thread(target=serve, args=(theirs, pipeline), kwargs={"idle_unload_s": idle_unload_s})
    loop.start()
    assert isinstance(ours.recv(), WorkerReady)
    return loop


def test_idle_models_are_unloaded_once_and_loaded_again_for_the_next_job(
    tmp_path: Path, note: Path, pipe: Ends
) -> None:
    ours, _theirs = pipe
    pipeline = WatchedPipeline(EngineSettings(base_model=tmp_path, weights_dir=tmp_path))
    loop = serve_on_a_thread(pipe, pipeline, idle_unload_s=0.01)
    assert pipeline.told.get(timeout=PATIENCE_S) == "loaded"
    assert pipeline.told.get(timeout=PATIENCE_S) == "unloaded"
    assert not pipeline.is_loaded
    ours.send(Internalize(1, note))
    while isinstance(event := ours.recv(), JobProgress):
        pass
    assert isinstance(event, JobDone)
    assert pipeline.told.get(timeout=PATIENCE_S) == "unloaded"
    ours.send(Shutdown())
    loop.join(PATIENCE_S)
    assert not loop.is_alive()
    assert pipeline.told.empty()


def test_the_loop_ends_when_the_parent_is_gone(tmp_path: Path, pipe: Ends) -> None:
    ours, _theirs = pipe
    pipeline = toy_pipeline(EngineSettings(base_model=tmp_path, weights_dir=tmp_path))
    loop = serve_on_a_thread(pipe, pipeline, idle_unload_s=60.0)
    ours.close()
    loop.join(PATIENCE_S)
    assert not loop.is_alive()


def test_progress_comes_at_most_twenty_times_a_second_but_always_at_the_end(
    tmp_path: Path, pipe: Ends
) -> None:
    ours, _theirs = pipe
    path = tmp_path / "long.md"
    path.write_text(sentences(760), encoding="utf-8")
    pipeline = toy_pipeline(EngineSettings(base_model=tmp_path, weights_dir=tmp_path))
    loop = serve_on_a_thread(pipe, pipeline, idle_unload_s=60.0)
    ours.send(Internalize(1, path))
    progress: list[JobProgress] = []
    while isinstance(event := ours.recv(), JobProgress):
        progress.append(event)
    assert isinstance(event, JobDone)
    assert len(event.chunks) == 760
    assert progress[0] == JobProgress(1, 0, 760)
    assert progress[-1] == JobProgress(1, 760, 760)
    assert len(progress) <= event.seconds / 0.05 + 3
    ours.send(Shutdown())
    loop.join(PATIENCE_S)
