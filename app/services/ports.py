"""What the services ask of the engine's worker processes.

The services own these protocols; ``engine.client.WorkerClient`` and the tests' fakes fit them without
inheriting.
"""

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
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
from engine.models.catalogue import BUILT_IN
from engine.models.messages import AddEvent, AddModel, FetchEvent, FetchModel, ModelsFound, SurveyModels
from engine.prompt_frame import ChatForm

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


@dataclass(frozen=True, slots=True)
class PreparedModels:
    """The models every answer and every adapter of this run belongs to.

    Attributes:
        base_model: the GGUF of the base model.
        weights_dir: folder of the hypernetwork.
        base_hash: SHA-256 hex of ``base_model``.
        hypernetwork_hash: SHA-256 hex over the hypernetwork's tensors and config.
        encoder_dir: transformers folder of the context encoder; None for the built-in model.
        form: how a model of the user's own is asked, for which no hypernetwork is known: nothing is learnt
            for it. Then ``base_hash`` is empty and ``weights_dir`` the built-in hypernetwork's. Else None.
    """

    base_model: Path
    weights_dir: Path
    base_hash: str
    hypernetwork_hash: str
    encoder_dir: Path | None = None
    form: ChatForm | None = None

    @property
    def has_hypernetwork(self) -> bool:
        """Whether notes are learnt for it; otherwise they are searched and quoted."""
        return self.form is None


@dataclass(frozen=True, slots=True)
class PrepareModels:
    """What the preparing process is started with.

    Attributes:
        cache_dir: where base models are kept.
        weights_dir: hypernetwork of the built-in model.
        records_dir: where it is written down what was fetched.
        name: of the model, as ``loreleaf models list`` shows it.
    """

    cache_dir: Path
    weights_dir: Path
    records_dir: Path
    name: str = BUILT_IN


@dataclass(frozen=True, slots=True)
class PreparationProgress:
    """Share of the base model's preparation that is done, 0 to 1."""

    share: float


PreparationEvent = PreparationProgress | PreparedModels | WorkerFailed

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
