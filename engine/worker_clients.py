"""The processes that there are: which module each runs, what it is started with, what it says.

Free of torch, numpy and llama_cpp, as ``engine.client`` is.
"""

import logging

from engine.adapters.messages import (
    AdapterExported,
    AdapterImported,
    ExportAdapter,
    ImportAdapter,
    MergeAdapters,
    MergeProgress,
    ModelMerged,
)
from engine.client import WorkerClient
from engine.messages import (
    ChatCommand,
    ChatEvent,
    EngineSettings,
    IngestCommand,
    IngestEvent,
    Shutdown,
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


def ingest_client(settings: EngineSettings) -> WorkerClient[IngestCommand, IngestEvent]:
    """The client of the process that turns documents into adapters."""
    return WorkerClient("engine.worker:main", settings, "ingest")


def chat_client(settings: EngineSettings) -> WorkerClient[ChatCommand, ChatEvent]:
    """The client of the process that answers."""
    return WorkerClient("engine.chat.worker:main", settings, "chat")


def survey_client(wanted: SurveyModels) -> WorkerClient[Shutdown, ModelsFound | WorkerFailed]:
    """The client of the process that looks which models are there."""
    return WorkerClient("engine.models.inventory:main", wanted, "survey")


def fetch_client(wanted: FetchModel) -> WorkerClient[Shutdown, FetchEvent | WorkerFailed]:
    """The client of the process that downloads a model; the only one that uses the network."""
    return WorkerClient("engine.hypernetwork.fetch_worker:main", wanted, "fetch")


def add_client(wanted: AddModel) -> WorkerClient[Shutdown, AddEvent]:
    """The client of the process that tries a model file of the user's."""
    return WorkerClient("engine.chat.model_trial:main", wanted, "add", logging.INFO)


def import_client(order: ImportAdapter) -> WorkerClient[Shutdown, AdapterImported | WorkerFailed]:
    """The client of the process that reads an adapter which another program wrote."""
    return WorkerClient("engine.adapters.importing:main", order, "import")


def preparation_client(wanted: PrepareModels) -> WorkerClient[object, PreparationEvent]:
    """The client of the process that unpacks the base model."""
    return WorkerClient("engine.models.prepare_worker:main", wanted, "models")


def export_client(wanted: ExportAdapter) -> WorkerClient[Shutdown, AdapterExported | WorkerFailed]:
    """The client of the process that writes an adapter for other programs."""
    return WorkerClient("engine.adapters.export:main", wanted, "export")


def merge_client(
    wanted: MergeAdapters,
) -> WorkerClient[Shutdown, MergeProgress | ModelMerged | WorkerFailed]:
    """The client of the process that adds adapters to a model's weights."""
    return WorkerClient("engine.adapters.merging:main", wanted, "merge")
