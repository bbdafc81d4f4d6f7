"""Have the models unpacked and hashed in a process of their own, and tell those who wait for them."""

from collections.abc import Callable
from typing import Protocol

from app.services.library_events import (
    EngineState,
    EngineStateChanged,
    LibraryEvents,
    ModelPreparationProgressed,
)
from app.services.notices import NoticeBoard
from app.services.ports import (
    PreparationEvent,
    PreparationProgress,
    PreparationWorkerFactory,
    PreparedModels,
    PrepareModels,
)
from app.services.settings import Settings
from engine.messages import EngineSettings, WorkerDied, WorkerFailed


class NeedsModels(Protocol):
    """A service that cannot work without the models."""

    def use_models(self, settings: EngineSettings, models: PreparedModels) -> None:
        """The models are there."""
        ...

    def refuse_models(self, title: str, detail: str) -> None:
        """The models cannot be had."""
        ...


class ModelService:
    """Prepares the models once per run, without blocking. numpy stays out of this process.

    Args:
        wanted: where the models are.
        waiting: told on the reader's thread of the preparing process.
        current_settings: read when the models are there.
    """

    def __init__(
        self,
        wanted: PrepareModels,
        waiting: tuple[NeedsModels, ...],
        current_settings: Callable[[], Settings],
        events: LibraryEvents,
        notices: NoticeBoard,
        worker_factory: PreparationWorkerFactory,
    ) -> None:
        self._waiting = waiting
        self._wanted = wanted
        self._current_settings = current_settings
        self._events = events
        self._notices = notices
        self._worker = worker_factory(wanted)

    def start(self) -> None:
        """Begin to prepare."""
        self._events.publish(EngineStateChanged("models", EngineState.STARTING))
        self._worker.start(self._on_event)

    def stop(self) -> None:
        """End the preparation if it still runs; what it wrote is complete or ignored."""
        self._worker.stop(timeout_s=1.0)

    def _on_event(self, event: PreparationEvent | WorkerDied) -> None:
        match event:
            case PreparationProgress(share=share):
                self._events.publish(ModelPreparationProgressed(share))
            case PreparedModels() as models:
                self._use(models)
            case WorkerFailed(title=title, detail=detail):
                self._refuse(title, detail)
            case WorkerDied(exit_code=exit_code, last_words=last_words):
                self._refuse(
                    "The language model could not be prepared.",
                    f"The process that prepares it ended with exit code {exit_code}. {last_words}".strip(),
                )

    def _use(self, models: PreparedModels) -> None:
        settings = self._current_settings()
        engine_settings = EngineSettings(
            base_model=models.base_model,
            weights_dir=models.weights_dir,
            device=settings.device,
            n_threads=settings.n_threads,
            n_ctx=settings.n_ctx,
            idle_unload_s=settings.idle_unload_s,
        )
        self._events.publish(EngineStateChanged("models", EngineState.READY))
        for service in self._waiting:
            service.use_models(engine_settings, models)

    def _refuse(self, title: str, detail: str) -> None:
        self._notices.error(title, detail)
        self._events.publish(EngineStateChanged("models", EngineState.FAILED, reason=title))
        for service in self._waiting:
            service.refuse_models(title, detail)
