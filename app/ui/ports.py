"""What the window asks of the profile and its services.

``app.profile_basics.ProfileBasics`` and ``app.bootstrap.Application`` fit it, and so do the tests' fakes.
"""

from collections.abc import Callable, Iterable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Protocol

from app.services.answers import AnswerEvent
from app.services.library_events import LibraryEvents
from app.services.notices import NoticeBoard
from app.services.settings import Settings
from engine.adapters.messages import AdapterExported
from engine.messages import AnswerMode
from storage.records import ChatRecord, DocumentRecord, FolderRecord, TurnRecord

if TYPE_CHECKING:  # not needed until the user thinks of models: the window is painted without
    from app.services.adapter_exports import ExportFormat
    from app.services.hub_token import HubToken
    from engine.models.messages import FetchProgressed, ModelAdded, ModelFetched, ModelsFound


class PathsPort(Protocol):
    """Where the profile keeps its files."""

    @property
    def home(self) -> Path:
        """The profile's folder; the window's geometry is remembered there."""
        ...


class SettingsPort(Protocol):
    """The settings in force."""

    @property
    def current(self) -> Settings:
        """The settings in force."""
        ...

    def change(self, change: Callable[[Settings], Settings], /) -> None:
        """Put what ``change`` makes of them in force. Raises OSError when the file cannot be written."""
        ...


class AddReportPort(Protocol):
    """What became of the paths that were added."""

    @property
    def added(self) -> Sequence[object]:
        """New or changed documents."""
        ...

    @property
    def unchanged(self) -> Sequence[object]:
        """Documents the catalog knows already, with the same bytes."""
        ...

    @property
    def skipped(self) -> Sequence[tuple[Path, str]]:
        """Paths that are no notes, and why."""
        ...


class LibraryPort(Protocol):
    """See app.services.library_service."""

    def documents(self) -> Sequence[DocumentRecord]:
        """All documents by title."""
        ...

    def set_enabled(self, ids: Sequence[int], on: bool, /) -> None:
        """Let documents take part in answers, or not."""
        ...

    def forget(self, ids: Sequence[int], /) -> None:
        """Remove documents and what was learnt from them; their files stay."""
        ...

    def older_copies(self) -> Sequence[Path]:
        """Backups of the library, which hold what was forgotten since."""
        ...

    def delete_older_copies(self) -> None:
        """Delete them."""
        ...

    def folders(self) -> Sequence[FolderRecord]:
        """The watched folders."""
        ...


class IngestPort(Protocol):
    """See app.services.ingest_service."""

    def add_paths(self, paths: Iterable[Path], /) -> AddReportPort:
        """Queue files, and what is inside folders. Hashes, so it may take a while."""
        ...

    def retry(self, document_id: int, /) -> None:
        """Try a failed document again."""
        ...


class WatchPort(Protocol):
    """See app.services.watch_service."""

    def watch(self, folder: Path, /) -> object:
        """Learn a folder and follow its changes."""
        ...

    def unwatch(self, folder_id: int, /) -> None:
        """Follow it no longer; its documents stay."""
        ...


class RunningAnswerPort(Protocol):
    """A question on its way."""

    def stop(self) -> None:
        """Ask for it to stop; its end follows as an event."""
        ...


class ChatPort(Protocol):
    """See app.services.chat_service."""

    def new_chat(self) -> ChatRecord:
        """Start a stored conversation."""
        ...

    def chats(self) -> Sequence[ChatRecord]:
        """All conversations, the newest first."""
        ...

    def turns(self, chat_id: int, /) -> Sequence[TurnRecord]:
        """What was said, oldest first."""
        ...

    def rename_chat(self, chat_id: int, title: str, /) -> None:
        """Give a conversation another title."""
        ...

    def delete_chat(self, chat_id: int, /) -> None:
        """Remove a conversation for good."""
        ...

    def ask(
        self,
        chat_id: int | None,
        question: str,
        /,
        *,
        mode: AnswerMode,
        on_event: Callable[[AnswerEvent], None],
    ) -> RunningAnswerPort:
        """Begin an answer; ``on_event`` is called on the chat's thread."""
        ...


class CataloguePort(Protocol):
    """See app.services.model_catalogue."""

    @property
    def token(self) -> "HubToken":
        """The kept token for the hub."""
        ...

    def models(self, *, is_stopped: Callable[[], bool]) -> "ModelsFound":
        """All models and how they stand here. Takes a second or two."""
        ...

    def get(
        self,
        name: str,
        /,
        *,
        sources: Sequence[Path],
        token: str,
        on_progress: "Callable[[FetchProgressed], None]",
        is_stopped: Callable[[], bool],
    ) -> "ModelFetched":
        """Make a model complete: minutes to hours."""
        ...

    def add(
        self,
        path: Path,
        /,
        *,
        on_progress: "Callable[[FetchProgressed], None]",
        is_stopped: Callable[[], bool],
    ) -> "ModelAdded":
        """Take in a model file of the user's. Takes seconds to minutes."""
        ...

    def use(self, name: str, /, *, is_stopped: Callable[[], bool]) -> bool:
        """Choose the model for the next start; False if it was chosen already. Takes a second or two."""
        ...

    def remove(self, name: str, /) -> int:
        """Delete what was downloaded for a model; returns how many bytes that freed."""
        ...


class ImportsPort(Protocol):
    """See app.services.adapter_imports."""

    def add(self, source: Path, /, *, is_stopped: Callable[[], bool]) -> DocumentRecord:
        """Take an adapter into the library. Takes seconds."""
        ...


class ExportsPort(Protocol):
    """See app.services.adapter_exports."""

    def export(
        self,
        documents: Sequence[DocumentRecord],
        form: "ExportFormat",
        out: Path,
        /,
        *,
        may_overwrite: bool,
        is_stopped: Callable[[], bool],
    ) -> AdapterExported:
        """Write documents' adapters for other programs. Takes seconds."""
        ...


class BasicsPort(Protocol):
    """What the window has from the start."""

    @property
    def paths(self) -> PathsPort: ...  # noqa: D102 - see PathsPort

    @property
    def settings(self) -> SettingsPort: ...  # noqa: D102 - see SettingsPort

    @property
    def notices(self) -> NoticeBoard: ...  # noqa: D102 - see NoticeBoard


class ApplicationPort(Protocol):
    """The services of one profile; the window gets them when they are open."""

    @property
    def events(self) -> LibraryEvents: ...  # noqa: D102 - see LibraryEvents

    @property
    def library(self) -> LibraryPort: ...  # noqa: D102 - see LibraryPort

    @property
    def ingest(self) -> IngestPort: ...  # noqa: D102 - see IngestPort

    @property
    def watch(self) -> WatchPort: ...  # noqa: D102 - see WatchPort

    @property
    def chat(self) -> ChatPort: ...  # noqa: D102 - see ChatPort

    @property
    def catalogue(self) -> CataloguePort: ...  # noqa: D102 - see CataloguePort

    @property
    def imports(self) -> ImportsPort: ...  # noqa: D102 - see ImportsPort

    @property
    def exports(self) -> ExportsPort: ...  # noqa: D102 - see ExportsPort

    def start(self) -> None:
        """Start the services; may take a while, any thread."""
        ...

    def close(self) -> None:
        """Stop them in reverse; may take seconds."""
        ...
