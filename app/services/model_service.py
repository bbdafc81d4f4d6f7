"""Have the models unpacked and hashed in a process of their own, and tell those who wait for them."""

import threading
from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol

from app.services.library_events import (
    EngineState,
    EngineStateChanged,
    LibraryEvents,
    ModelPreparationProgressed,
)
from app.services.notices import NoticeBoard
from app.services.ports import PreparationWorker, PreparationWorkerFactory
from app.services.settings import Settings
from engine.messages import EngineSettings, WorkerDied, WorkerFailed
from engine.models.messages import PreparationEvent, PreparationProgress, PreparedModels, PrepareModels

_NOT_PREPARED = "The language model could not be prepared."


@dataclass(frozen=True, slots=True)
class ModelsPrepared:
    """The models are there, and the workers may be started with these settings."""

    settings: EngineSettings
    models: PreparedModels


@dataclass(frozen=True, slots=True)
class ModelsRefused:
    """The models cannot be had, for this reason."""

    title: str
    detail: str


ModelOutcome = ModelsPrepared | ModelsRefused


class NeedsModels(Protocol):
    """A service that cannot work without the models."""

    def take_models(self, outcome: ModelOutcome) -> None:
        """What came of preparing them. Any thread."""
        ...


def engine_settings(settings: Settings, models: PreparedModels) -> EngineSettings:
    """What a worker is started with."""
    return EngineSettings(
        base_model=models.base_model,
        weights_dir=models.weights_dir,
        device=settings.device,
        n_threads=settings.n_threads,
        n_ctx=settings.n_ctx,
        idle_unload_s=settings.idle_unload_s,
        encoder_dir=models.encoder_dir,
        base_hash=models.base_hash,
        hypernetwork_hash=models.hypernetwork_hash,
        form=models.form,
    )


class ModelService:
    """Prepares the models, without blocking, until they are there. numpy stays out of this process.

    Public methods may be called on any thread, but for ``tell``, which comes before ``start``.

    Args:
        wanted: where the models are.
        current_settings: read when the models are there.
    """

    def __init__(
        self,
        wanted: PrepareModels,
        *,
        current_settings: Callable[[], Settings],
        events: LibraryEvents,
        notices: NoticeBoard,
        worker_factory: PreparationWorkerFactory,
    ) -> None:
        self._wanted = wanted
        self._current_settings = current_settings
        self._events = events
        self._notices = notices
        self._worker_factory = worker_factory
        self._waiting: tuple[NeedsModels, ...] = ()
        self._worker: PreparationWorker | None = None
        self._has_failed = False
        self._is_stopped = False
        # Over start, prepare_again and stop. Not for the process's reader, which they may wait for.
        self._lock = threading.Lock()

    def tell(self, *waiting: NeedsModels) -> None:
        """Who is told what comes of it, on the reader's thread of the preparing process."""
        self._waiting = waiting

    def start(self) -> None:
        """Begin to prepare."""
        with self._lock:
            self._begin()

    def prepare_again(self) -> None:
        """Somebody asks for what cannot be done without the models: try once more if it failed."""
        with self._lock:
            if self._has_failed and not self._is_stopped:
                self._begin()

    def stop(self) -> None:
        """End the preparation if it still runs; what it wrote is complete or ignored."""
        with self._lock:
            self._is_stopped = True
            self._end_process()

    def _begin(self) -> None:
        self._end_process()  # one that said it failed may still be on its way out
        self._has_failed = False
        self._events.publish(EngineStateChanged("models", EngineState.STARTING))
        self._worker = self._worker_factory(self._wanted)
        try:
            self._worker.start(self._on_event)
        except OSError as exc:  # no memory, too many processes
            self._refuse(_NOT_PREPARED, f"The process could not be started: {exc}")

    def _end_process(self) -> None:
        if self._worker is not None:
            self._worker.stop(timeout_s=1.0)

    def _on_event(self, event: PreparationEvent | WorkerDied) -> None:
        match event:
            case PreparationProgress(share=share):
                self._events.publish(ModelPreparationProgressed(share))
            case PreparedModels() as models:
                self._use(models)
            case WorkerFailed(title=title, detail=detail):
                self._refuse(title, detail)
            case WorkerDied() as died:
                self._refuse(_NOT_PREPARED, f"The process that prepares it has ended. {died.reason}")

    def _use(self, models: PreparedModels) -> None:
        prepared = ModelsPrepared(engine_settings(self._current_settings(), models), models)
        self._events.publish(EngineStateChanged("models", EngineState.READY))
        self._pass_on(prepared)

    def _refuse(self, title: str, detail: str) -> None:
        self._has_failed = True
        self._notices.error(title, detail)
        self._events.publish(EngineStateChanged("models", EngineState.FAILED, reason=title))
        self._pass_on(ModelsRefused(title, detail))

    def _pass_on(self, outcome: ModelOutcome) -> None:
        for service in self._waiting:
            service.take_models(outcome)
