"""What the services tell the window and the terminal about the library and the engine.

The catalog is always written before an event is published, so a redraw on an event reads the new state.
"""

from dataclasses import dataclass
from enum import StrEnum
from typing import Literal

from app.services.listeners import Listeners

WorkerName = Literal["models", "ingest", "chat"]
"""Which process: "models" unpacks the base model once, "ingest" learns, "chat" answers."""


class EngineState(StrEnum):
    """Where a process of the engine stands."""

    STARTING = "starting"
    READY = "ready"
    FAILED = "failed"
    """It cannot work as things stand; a notice said why."""
    STOPPED = "stopped"


@dataclass(frozen=True, slots=True)
class DocumentsChanged:
    """These documents were added, or their state, title or switch changed."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class DocumentsRemoved:
    """These documents are no longer in the catalog."""

    ids: tuple[int, ...]


@dataclass(frozen=True, slots=True)
class FoldersChanged:
    """The list of watched folders changed."""


@dataclass(frozen=True, slots=True)
class JobProgressed:
    """``n_done`` of ``n_chunks`` chunks of a document are learnt. At most 20 a second."""

    document_id: int
    n_done: int
    n_chunks: int


@dataclass(frozen=True, slots=True)
class EngineStateChanged:
    """A process of the engine changed its state.

    Attributes:
        device: for people, e.g. "CPU, 2 threads, float32"; empty unless READY.
        reason: why this device, or why it failed; may be empty.
    """

    worker: WorkerName
    state: EngineState
    device: str = ""
    reason: str = ""


@dataclass(frozen=True, slots=True)
class ModelPreparationProgressed:
    """Share of the base model's first preparation that is done, 0 to 1."""

    share: float


LibraryEvent = (
    DocumentsChanged
    | DocumentsRemoved
    | FoldersChanged
    | JobProgressed
    | EngineStateChanged
    | ModelPreparationProgressed
)

LibraryEvents = Listeners[LibraryEvent]
