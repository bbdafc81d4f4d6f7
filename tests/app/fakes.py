"""Stand-ins for the worker processes. They fit app.services.ports, and report on threads of their own as real
ones do."""

import hashlib
import queue
import threading
from collections.abc import Callable
from pathlib import Path
from typing import Generic, TypeVar

from engine.errors import EngineDied
from engine.messages import (
    AnswerBegun,
    AnswerDone,
    AnswerToken,
    Ask,
    CancelJob,
    ChatCommand,
    ChatEvent,
    ChunkAdapter,
    Codec,
    EngineSettings,
    IngestCommand,
    IngestEvent,
    Internalize,
    JobCancelled,
    JobDone,
    JobFailed,
    JobProgress,
    StopAnswer,
    WarmParts,
    WorkerDied,
    WorkerReady,
)
from engine.models.messages import PreparationEvent, PreparationProgress, PreparedModels, PrepareModels
from tests.patience import PATIENCE_S

CommandT = TypeVar("CommandT")
EventT = TypeVar("EventT")

BASE_HASH = "b" * 64
HYPERNETWORK_HASH = "c" * 64
READY = WorkerReady("CPU, fake", "a test", BASE_HASH, HYPERNETWORK_HASH)


class FakeWorker(Generic[CommandT, EventT]):
    """One worker process. ``behave`` is called on its thread for each command."""

    def __init__(
        self,
        first: EventT | None,
        behave: Callable[["FakeWorker[CommandT, EventT]", CommandT], None],
    ) -> None:
        self._first = first
        self._behave = behave
        self._commands: queue.SimpleQueue[CommandT | None] = queue.SimpleQueue()
        self._on_event: Callable[[EventT | WorkerDied], None] | None = None
        self._thread = threading.Thread(target=self._run, name="fake-worker", daemon=True)
        self._is_over = threading.Event()

    @property
    def is_running(self) -> bool:
        return self._thread.is_alive() and not self._is_over.is_set()

    def start(self, on_event: Callable[[EventT | WorkerDied], None]) -> None:
        self._on_event = on_event
        self._thread.start()

    def send(self, command: CommandT) -> None:
        if not self.is_running:
            raise EngineDied("It has stopped.")
        self._commands.put(command)

    def stop(self, timeout_s: float = 5.0) -> None:
        self._is_over.set()
        self._commands.put(None)
        if self._thread.is_alive():
            self._thread.join(timeout_s)

    def emit(self, event: EventT) -> None:
        """Report, unless the process has ended."""
        if not self._is_over.is_set() and self._on_event is not None:
            self._on_event(event)

    def die(self, exit_code: int = -9) -> None:
        """End as a killed process does."""
        if not self._is_over.is_set():
            self._is_over.set()
            assert self._on_event is not None
            self._on_event(WorkerDied(exit_code, "killed by a test"))
            self._commands.put(None)

    def _run(self) -> None:
        if self._first is not None:
            self.emit(self._first)
        while (command := self._commands.get()) is not None and not self._is_over.is_set():
            self._behave(self, command)


class FakeIngestEngine:
    """All lives of the ingest worker: learns one chunk per paragraph, and counts what it was asked.

    Attributes:
        learnt: names of the files that were internalized, in order, once per model pass.
        kills: a file with such a name ends the process.
        held: while set, jobs wait (until cancelled or released).
    """

    def __init__(self) -> None:
        self.learnt: list[str] = []
        self.begun: list[str] = []
        self.kills: set[str] = set()
        self.cancelled: list[int] = []
        self.ignores_cancel = False
        self.released = threading.Event()
        self.released.set()
        self.something_begun = threading.Condition()
        self.lives: list[FakeWorker[IngestCommand, IngestEvent]] = []
        self.settings: list[EngineSettings] = []
        self.first_event: IngestEvent | None = READY
        self.hypernetwork_hash = HYPERNETWORK_HASH
        self._job_to_cancel: int | None = None

    def __call__(self, settings: EngineSettings) -> FakeWorker[IngestCommand, IngestEvent]:
        self.settings.append(settings)
        worker = _CancellableWorker(self)
        self.lives.append(worker)
        return worker

    def hold(self) -> None:
        """Let jobs begin but not end."""
        self.released.clear()

    def release(self) -> None:
        """Let held jobs end."""
        self.released.set()

    def wait_begun(self, n: int = 1, timeout_s: float = PATIENCE_S) -> None:
        """Wait until ``n`` jobs were begun in all."""
        with self.something_begun:
            assert self.something_begun.wait_for(lambda: len(self.begun) >= n, timeout_s), self.begun

    def internalize(
        self,
        worker: FakeWorker[IngestCommand, IngestEvent],
        job: Internalize,
        is_cancelled: Callable[[], bool],
    ) -> None:
        with self.something_begun:
            self.begun.append(job.path.name)
            self.something_begun.notify_all()
        while not self.released.wait(0.005):
            if is_cancelled():
                self.cancelled.append(job.job_id)
                worker.emit(JobCancelled(job.job_id))
                return
            if not worker.is_running:
                return
        if not worker.is_running:
            return
        if job.path.name in self.kills:
            worker.die()
            return
        try:
            data = job.path.read_bytes()
        except OSError as exc:
            worker.emit(JobFailed(job.job_id, "The file cannot be read.", f"{job.path}: {exc.strerror}"))
            return
        text = data.decode("utf-8", "replace")
        if not text.strip():
            worker.emit(JobFailed(job.job_id, "The file is empty.", str(job.path)))
            return
        self.learnt.append(job.path.name)
        chunks = chunks_of(text)
        for n_done in range(1, len(chunks) + 1):
            worker.emit(JobProgress(job.job_id, n_done, len(chunks)))
        worker.emit(
            JobDone(
                job.job_id,
                hashlib.sha256(data).hexdigest(),
                len(data),
                BASE_HASH,
                self.hypernetwork_hash,
                chunks,
            )
        )


class _CancellableWorker(FakeWorker[IngestCommand, IngestEvent]):
    """Hears CancelJob while a job runs, as the real one does between chunks."""

    def __init__(self, engine: FakeIngestEngine) -> None:
        self._engine = engine
        self._cancelled: set[int] = set()
        super().__init__(engine.first_event, self._on_command)

    def send(self, command: IngestCommand) -> None:
        if isinstance(command, CancelJob) and not self._engine.ignores_cancel:
            self._cancelled.add(command.job_id)
        super().send(command)

    def _on_command(self, worker: FakeWorker[IngestCommand, IngestEvent], command: IngestCommand) -> None:
        if isinstance(command, Internalize):
            self._engine.internalize(worker, command, lambda: command.job_id in self._cancelled)


class FakeChatEngine:
    """All lives of the chat worker: answers "echo: QUESTION" in two pieces."""

    def __init__(self) -> None:
        self.asked: list[Ask] = []
        self.warmed: list[WarmParts] = []
        self.lives: list[FakeWorker[ChatCommand, ChatEvent]] = []
        self.released = threading.Event()
        self.released.set()
        self.is_deadly = False
        self.ignores_stop = False
        self.first_logprob = -0.1
        self.absent_logprob = -9.0
        self.has_warmed = threading.Event()
        self.first_event: ChatEvent | None = READY

    def __call__(self, settings: EngineSettings) -> FakeWorker[ChatCommand, ChatEvent]:
        worker = _StoppableWorker(self)
        self.lives.append(worker)
        return worker

    def answer(
        self, worker: FakeWorker[ChatCommand, ChatEvent], ask: Ask, is_stopped: Callable[[], bool]
    ) -> None:
        self.asked.append(ask)
        worker.emit(AnswerBegun(ask.turn_id, self.first_logprob, self.absent_logprob))
        worker.emit(AnswerToken(ask.turn_id, "echo: "))
        if self.is_deadly:
            worker.die()
            return
        while not self.released.wait(0.005):
            if is_stopped():
                worker.emit(
                    AnswerDone(ask.turn_id, "echo: ", 10, 2, _rank(ask), 0.1, 20.0, True, "CPU, fake")
                )
                return
            if not worker.is_running:
                return
        worker.emit(AnswerToken(ask.turn_id, ask.question))
        text = f"echo: {ask.question}"
        worker.emit(AnswerDone(ask.turn_id, text, 10, 5, _rank(ask), 0.1, 20.0, False, "CPU, fake"))


class _StoppableWorker(FakeWorker[ChatCommand, ChatEvent]):
    def __init__(self, engine: FakeChatEngine) -> None:
        self._engine = engine
        self._stopped: set[int] = set()
        super().__init__(engine.first_event, self._on_command)

    def send(self, command: ChatCommand) -> None:
        if isinstance(command, StopAnswer) and not self._engine.ignores_stop:
            self._stopped.add(command.turn_id)
        super().send(command)

    def _on_command(self, worker: FakeWorker[ChatCommand, ChatEvent], command: ChatCommand) -> None:
        match command:
            case Ask():
                self._engine.answer(worker, command, lambda: command.turn_id in self._stopped)
            case WarmParts():
                self._engine.warmed.append(command)
                self._engine.has_warmed.set()


class FakePreparation:
    """The preparing process: has the models at once, or ends as it is told.

    Attributes:
        attempts: how often it was started.
        wanted: what for, each time.
        released: while cleared, it does not end.
    """

    def __init__(self, *, hypernetwork_hash: str = HYPERNETWORK_HASH) -> None:
        self.hypernetwork_hash = hypernetwork_hash
        self.failure: PreparationEvent | None = None
        self.is_deadly = False
        self.attempts = 0
        self.wanted: list[PrepareModels] = []
        self.released = threading.Event()
        self.released.set()

    def __call__(self, wanted: PrepareModels) -> FakeWorker[object, PreparationEvent]:
        self.attempts += 1
        self.wanted.append(wanted)
        worker: FakeWorker[object, PreparationEvent] = _PreparingWorker(self, wanted)
        return worker


class _PreparingWorker(FakeWorker[object, PreparationEvent]):
    def __init__(self, preparation: FakePreparation, wanted: PrepareModels) -> None:
        self._preparation = preparation
        self._wanted = wanted
        super().__init__(None, lambda _worker, _command: None)

    def _run(self) -> None:
        self._preparation.released.wait()
        if self._preparation.is_deadly:
            self.die(1)
        elif self._preparation.failure is not None:
            self.emit(self._preparation.failure)
        else:
            self.emit(PreparationProgress(1.0))
            self.emit(prepared_models(self._wanted.weights_dir, self._preparation.hypernetwork_hash))
        self._is_over.set()


def prepared_models(folder: Path, hypernetwork_hash: str = HYPERNETWORK_HASH) -> PreparedModels:
    """Models that no file stands for."""
    return PreparedModels(folder / "base.gguf", folder, BASE_HASH, hypernetwork_hash)


def chunks_of(text: str) -> tuple[ChunkAdapter, ...]:
    """One chunk per paragraph, with the text's hash for an adapter."""
    chunks: list[ChunkAdapter] = []
    start = 0
    for paragraph in text.split("\n\n"):
        data = hashlib.sha256(paragraph.encode()).digest()
        end = start + len(paragraph)
        if paragraph.strip():
            chunks.append(ChunkAdapter(len(chunks), start, end, paragraph, 10, Codec.LATENTS_F16, 8, data))
        start = end + 2
    return tuple(chunks)


def _rank(ask: Ask) -> int:
    return 8 * len(ask.parts)
