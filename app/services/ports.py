"""What the services ask of the engine's worker processes.

The services own these protocols; ``engine.client.WorkerClient`` and the tests' fakes fit them without
inheriting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Protocol, TypeVar

from engine.adapters.messages import (
    AdapterExported,
    AdapterImported,
    ExportAdapter,
    ImportAdapter,
    MergeAdapters,
    MergeProgress,
    ModelMerged,
)
from engine.messages import (
    ChatCommand,
    ChatEvent,
    EngineSettings,
    IngestCommand,
    IngestEvent,
    Shutdown,
    WorkerDied,
    WorkerFailed,
)
from engine.models.messages import (
    AddEvent,
    AddModel,
    FetchEvent,
    FetchModel,
    ModelsFound,
    PreparationEvent,
    PrepareModels,
    SurveyModels,
)

CommandT = TypeVar("CommandT", contravariant=True)
EventT = TypeVar("EventT", covariant=True)


class WorkerPort(Protocol[CommandT, EventT]):
    """One worker process, seen from the window's process. All methods may be called on any thread."""

    @property
    def is_running(self) -> bool:
        """Whether a worker was started and has not ended."""
        ...

    def start(self, on_event: Callable[[EventT | WorkerDied], None]) -> None:
        """Spawn the worker; ``on_event`` is called on a reader thread, one event at a time, in order."""
        ...

    def send(self, command: CommandT) -> None:
        """Pass a command on.

        Raises:
            engine.errors.EngineDied: there is no worker, or it just ended.
        """
        ...

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ask the worker to finish, wait, kill it when the time is over. Not from inside ``on_event``."""
        ...


IngestWorker = WorkerPort[IngestCommand, IngestEvent]
ChatWorker = WorkerPort[ChatCommand, ChatEvent]
PreparationWorker = WorkerPort[object, PreparationEvent]
SurveyWorker = WorkerPort[Shutdown, ModelsFound | WorkerFailed]
FetchWorker = WorkerPort[Shutdown, FetchEvent | WorkerFailed]
AddWorker = WorkerPort[Shutdown, AddEvent]
ImportWorker = WorkerPort[Shutdown, AdapterImported | WorkerFailed]
ExportWorker = WorkerPort[Shutdown, AdapterExported | WorkerFailed]
MergeWorker = WorkerPort[Shutdown, MergeProgress | ModelMerged | WorkerFailed]

IngestWorkerFactory = Callable[[EngineSettings], IngestWorker]
ChatWorkerFactory = Callable[[EngineSettings], ChatWorker]
PreparationWorkerFactory = Callable[[PrepareModels], PreparationWorker]
SurveyWorkerFactory = Callable[[SurveyModels], SurveyWorker]
FetchWorkerFactory = Callable[[FetchModel], FetchWorker]
AddWorkerFactory = Callable[[AddModel], AddWorker]
ImportWorkerFactory = Callable[[ImportAdapter], ImportWorker]
ExportWorkerFactory = Callable[[ExportAdapter], ExportWorker]
MergeWorkerFactory = Callable[[MergeAdapters], MergeWorker]


@dataclass(frozen=True, slots=True)
class ModelWorkers:
    """The processes that see to base models: they look, fetch, prepare, and try the user's own."""

    survey: SurveyWorkerFactory
    fetch: FetchWorkerFactory
    prepare: PreparationWorkerFactory
    add: AddWorkerFactory
