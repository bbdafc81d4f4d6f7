"""Services without engine or store: they remember what was asked and say what the test tells them to.

They inherit from the services, so that mypy holds them to the same signatures; nothing of those runs.
"""

import threading
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass, field, replace
from datetime import UTC, datetime
from pathlib import Path

from app.bootstrap import Application
from app.profile_basics import ProfileBasics
from app.services.adapter_exports import AdapterExports, ExportFormat
from app.services.adapter_imports import AdapterImports
from app.services.answers import Answer, AnswerEvent, AnswerFinished, AnswerStarted, AnswerText, RunningAnswer
from app.services.chat_service import ChatService
from app.services.hub_token import HubToken
from app.services.ingest_service import AddReport, IngestService
from app.services.library_events import DocumentsChanged, DocumentsRemoved, FoldersChanged, LibraryEvents
from app.services.library_service import LibraryService
from app.services.model_registry import ModelRegistry
from app.services.notices import NoticeBoard
from app.services.one_shot import OneShotStopped
from app.services.settings import Settings, SettingsFile
from app.services.watch_service import WatchService
from engine.adapters.messages import AdapterExported
from engine.messages import AnswerMode
from engine.models.messages import (
    FetchPhase,
    FetchProgressed,
    ModelAdded,
    ModelFetched,
    ModelFound,
    ModelsFound,
    ModelState,
    Origin,
    PartFound,
    PreparationProgress,
)
from engine.models.registry import find_entry, is_own
from engine.models.requirements import Fit, Machine, Verdict
from storage.paths import ProfilePaths
from storage.records import (
    AnswerFacts,
    ChatRecord,
    DocumentKind,
    DocumentRecord,
    DocumentState,
    FolderRecord,
    Role,
    SourceRecord,
    TurnRecord,
)

NOW = datetime(2026, 3, 14, 9, 26, tzinfo=UTC)
FACTS = AnswerFacts(31, 12, 24, 0.41, 17.3, "CPU, 2 threads")


def document(
    document_id: int,
    title: str,
    state: DocumentState = DocumentState.READY,
    *,
    enabled: bool = True,
    reason: str = "",
    n_chunks: int = 2,
    kind: DocumentKind = DocumentKind.NOTE,
) -> DocumentRecord:
    return DocumentRecord(
        id=document_id,
        path=Path(f"/notes/{title.lower().replace(' ', '-')}.md"),
        title=title,
        state=state,
        enabled=enabled,
        content_hash="0" * 64 if state is DocumentState.READY else None,
        folder_id=None,
        size_bytes=1200,
        mtime_ns=1,
        n_chunks=n_chunks if state is DocumentState.READY else 0,
        reason_title=reason,
        reason_detail="The file has 0 bytes." if reason else "",
        note="",
        added_at=NOW,
        updated_at=NOW,
        kind=kind,
    )


def source(title: str = "Boat", weight: float = 1.0) -> SourceRecord:
    return SourceRecord(1, title, f"/notes/{title.lower()}.md", 1, f"What {title} says.", weight)


class FakeSettings(SettingsFile):
    """Settings in memory."""

    current = Settings()

    def __init__(self) -> None:
        self.saved: list[Settings] = []

    def change(self, change: Callable[[Settings], Settings]) -> None:
        self.current = change(self.current)
        self.saved.append(self.current)


NOTHING_ADDED = AddReport((), (), (), frozenset())


class FakeLibrary(LibraryService):
    """Documents in memory. ``error`` is raised by the next write."""

    def __init__(self, events: LibraryEvents) -> None:
        self._events = events
        self.records: dict[int, DocumentRecord] = {}
        self.folder_records: tuple[FolderRecord, ...] = ()
        self.switched: list[tuple[tuple[int, ...], bool]] = []
        self.forgotten: list[tuple[int, ...]] = []
        self.backups: tuple[Path, ...] = ()
        self.error: Exception | None = None

    def put(self, *documents: DocumentRecord) -> None:
        self.records.update((document.id, document) for document in documents)
        self._events.publish(DocumentsChanged(tuple(document.id for document in documents)))

    def documents(self) -> tuple[DocumentRecord, ...]:
        return tuple(sorted(self.records.values(), key=lambda document: document.title.casefold()))

    def folders(self) -> tuple[FolderRecord, ...]:
        return self.folder_records

    def set_enabled(self, ids: Sequence[int], on: bool) -> None:
        if self.error is not None:
            raise self.error
        self.switched.append((tuple(ids), on))
        self.put(*(replace(self.records[document_id], enabled=on) for document_id in ids))

    def forget(self, ids: Sequence[int]) -> None:
        self.forgotten.append(tuple(ids))
        for document_id in ids:
            del self.records[document_id]
        self._events.publish(DocumentsRemoved(tuple(ids)))

    def older_copies(self) -> tuple[Path, ...]:
        return self.backups

    def delete_older_copies(self) -> None:
        self.backups = ()


class FakeIngest(IngestService):
    def __init__(self) -> None:
        self.added: list[tuple[Path, ...]] = []
        self.retried: list[int] = []
        self.report = NOTHING_ADDED
        self.error: Exception | None = None

    def add_paths(self, paths: Iterable[Path]) -> AddReport:
        if self.error is not None:
            raise self.error
        self.added.append(tuple(paths))
        return self.report

    def retry(self, document_id: int) -> None:
        self.retried.append(document_id)


class FakeWatch(WatchService):
    def __init__(self, library: FakeLibrary, events: LibraryEvents) -> None:
        self._library = library
        self._events = events

    def watch(self, directory: Path) -> FolderRecord:
        record = FolderRecord(len(self._library.folder_records) + 1, directory, NOW)
        self._library.folder_records += (record,)
        self._events.publish(FoldersChanged())
        return record

    def unwatch(self, folder_id: int) -> None:
        self._library.folder_records = tuple(
            folder for folder in self._library.folder_records if folder.id != folder_id
        )
        self._events.publish(FoldersChanged())


@dataclass
class FakeRunningAnswer(RunningAnswer):
    """The test plays the engine through ``on_event``, ``say`` and ``finish``."""

    question: str
    mode: AnswerMode
    chat_id: int | None
    on_event: Callable[[AnswerEvent], None]
    n_stops: int = 0
    sources: tuple[SourceRecord, ...] = ()
    said: list[str] = field(default_factory=list)

    def stop(self) -> None:
        self.n_stops += 1
        self.finish(stopped=True)

    def start(self, *sources: SourceRecord) -> None:
        self.sources = sources
        self.on_event(AnswerStarted(sources))

    def say(self, text: str) -> None:
        self.said.append(text)
        self.on_event(AnswerText(text))

    def finish(self, *, stopped: bool = False) -> None:
        answer = Answer("".join(self.said), self.mode, self.sources, FACTS, stopped, 1)
        self.on_event(AnswerFinished(answer))


class FakeChat(ChatService):
    def __init__(self) -> None:
        self.running: list[FakeRunningAnswer] = []
        self.records: dict[int, ChatRecord] = {}
        self.stored: dict[int, list[TurnRecord]] = {}
        self.error: Exception | None = None

    def new_chat(self) -> ChatRecord:
        chat = ChatRecord(len(self.records) + 1, "", NOW, NOW)
        self.records[chat.id] = chat
        self.stored[chat.id] = []
        return chat

    def chats(self) -> tuple[ChatRecord, ...]:
        return tuple(self.records.values())

    def turns(self, chat_id: int) -> tuple[TurnRecord, ...]:
        return tuple(self.stored[chat_id])

    def rename_chat(self, chat_id: int, title: str) -> None:
        self.records[chat_id] = replace(self.records[chat_id], title=title)

    def delete_chat(self, chat_id: int) -> None:
        del self.records[chat_id]

    def ask(
        self,
        chat_id: int | None,
        question: str,
        *,
        mode: AnswerMode | None = None,
        on_event: Callable[[AnswerEvent], None] = lambda _event: None,
    ) -> FakeRunningAnswer:
        if self.error is not None:
            raise self.error
        if chat_id is not None:
            self.records[chat_id] = replace(self.records[chat_id], title=question)
            self.stored[chat_id].append(
                TurnRecord(1, chat_id, Role.USER, question, None, (), None, False, NOW)
            )
        assert mode is not None, "the window always says which"
        running = FakeRunningAnswer(question, mode, chat_id, on_event)
        self.running.append(running)
        return running


class FakeImports(AdapterImports):
    """Takes any path for an adapter. ``error`` is raised by the next one."""

    def __init__(self, library: FakeLibrary) -> None:
        self._library = library
        self.taken: list[Path] = []
        self.error: Exception | None = None

    def add(
        self,
        source: Path,
        name: str | None = None,
        *,
        on_progress: Callable[[PreparationProgress], None] = lambda _progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> DocumentRecord:
        if self.error is not None:
            raise self.error
        self.taken.append(source)
        adapter = document(100 + len(self.taken), source.stem, kind=DocumentKind.ADAPTER)
        self._library.put(adapter)
        return adapter


class FakeExports(AdapterExports):
    """Writes nothing. ``error`` is raised by the next one."""

    def __init__(self) -> None:
        self.written: list[tuple[list[str], ExportFormat, Path, bool]] = []
        self.error: Exception | None = None

    def export(
        self,
        documents: Sequence[DocumentRecord],
        form: ExportFormat,
        out: Path,
        *,
        may_overwrite: bool = False,
        makes_folders: bool = False,
        on_progress: Callable[[PreparationProgress], None] = lambda _progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> AdapterExported:
        if self.error is not None:
            raise self.error
        self.written.append(([document.title for document in documents], form, out, may_overwrite))
        return AdapterExported(out, 24, 6_100_000)


class FakeModelRegistry(ModelRegistry):
    """A computer with the built-in model and two others, and a hub that does what the test tells it to.

    Attributes:
        got: name, sources and token of each download, in order.
        script: progress that the next download tells, in order.
        released: while cleared, a download does not end, unless it is stopped.
        error: raised by the next call but ``models``.
    """

    def __init__(self, folder: Path) -> None:
        self.token = HubToken(folder / "hub-token")
        self.found: tuple[ModelFound, ...] = (
            model("embedded", ModelState.READY),
            model("gemma-2-2b", ModelState.MISSING),
            model("qwen3-4b", ModelState.READY),
        )
        self.looking_error: Exception | None = None
        self.error: Exception | None = None
        self.got: list[tuple[str, tuple[Path, ...], str]] = []
        self.used: list[str] = []
        self.removed: list[str] = []
        self.script: tuple[FetchProgressed, ...] = ()
        self.released = threading.Event()
        self.released.set()
        self.n_stopped = 0
        self.n_looks = 0

    def models(self, *, is_stopped: Callable[[], bool] = lambda: False) -> ModelsFound:
        self.n_looks += 1
        if self.looking_error is not None:
            raise self.looking_error
        return ModelsFound(self.found, Machine(16_000_000_000, 100_000_000_000))

    def get(
        self,
        name: str,
        *,
        sources: Sequence[Path] = (),
        token: str = "",
        on_progress: Callable[[FetchProgressed], None] = lambda _progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> ModelFetched:
        self.got.append((name, tuple(sources), token))
        for progress in self.script:
            on_progress(progress)
        while not self.released.wait(0.005):
            if is_stopped():
                self.n_stopped += 1
                raise OneShotStopped
        self._raise_error()
        self.put(name, ModelState.READY)
        return ModelFetched(name, Path("/models/chat.gguf"))

    def add(
        self,
        path: Path,
        *,
        name: str = "",
        on_progress: Callable[[FetchProgressed], None] = lambda _progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> ModelAdded:
        on_progress(FetchProgressed(FetchPhase.TRYING))
        while not self.released.wait(0.005):
            if is_stopped():
                raise OneShotStopped
        self._raise_error()
        added = own_model(path)
        self.found = (*self.found, added)
        return ModelAdded(added.name, added.title, path)

    def use(
        self,
        name: str,
        *,
        on_progress: Callable[[PreparationProgress], None] = lambda _progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> bool:
        self._raise_error()
        self.used.append(name)
        return True

    def remove(self, name: str) -> int:
        self._raise_error()
        self.removed.append(name)
        if is_own(name):
            self.found = tuple(model for model in self.found if model.name != name)
            return 0
        self.put(name, ModelState.MISSING)
        return 8_200_000_000

    def put(self, name: str, state: ModelState) -> None:
        """From now on this model stands so."""
        self.found = tuple(model(name, state) if found.name == name else found for found in self.found)

    def _raise_error(self) -> None:
        error, self.error = self.error, None
        if error is not None:
            raise error


def own_model(path: Path) -> ModelFound:
    """A file of the user's that was added."""
    return replace(
        model("embedded", ModelState.READY),
        name=path.stem,
        title=f"<b>{path.stem}</b>",
        summary="Your own file: qwen2, 1.5 billion parameters. No hypernetwork is known for it.",
        path=path,
        size_bytes=0,
        is_own=True,
    )


def model(name: str, state: ModelState, fit: Fit = Fit.FITS) -> ModelFound:
    """A model of the real model_registry, in this state."""
    entry = find_entry(name)
    is_here = state is not ModelState.MISSING
    return ModelFound(
        name=name,
        title=entry.title,
        summary=entry.summary,
        licence=entry.licence,
        state=state,
        path=Path(f"/models/{name}.gguf") if is_here else None,
        sha256="0" * 64 if is_here else "",
        size_bytes=(entry.size_bytes or entry.chat_size_bytes) if is_here else 0,
        hypernetwork_hash="",
        problem="",
        n_missing_bytes=0 if is_here else entry.size_bytes,
        verdict=Verdict(fit, "A reason."),
        parts=tuple(
            PartFound(
                role=part.role,
                repo=part.repo,
                page=part.page,
                licence=part.licence,
                is_gated=part.is_gated,
                revision=part.revision,
                size_bytes=part.size_bytes,
                is_size_derived=part.is_size_derived,
                origin=Origin.HUB if is_here else None,
                folder=Path("/models"),
                is_complete=is_here,
            )
            for part in entry.parts
        ),
    )


class FakeApplication(Application):
    """Everything the window is given."""

    library: FakeLibrary
    ingest: FakeIngest
    watch: FakeWatch
    chat: FakeChat
    model_registry: FakeModelRegistry
    imports: FakeImports
    exports: FakeExports

    def __init__(self, home: Path) -> None:
        self.events = LibraryEvents()
        self._settings = FakeSettings()
        self.basics = ProfileBasics(ProfilePaths(home), NoticeBoard(), self._settings)
        self.library = FakeLibrary(self.events)
        self.ingest = FakeIngest()
        self.watch = FakeWatch(self.library, self.events)
        self.chat = FakeChat()
        self.model_registry = FakeModelRegistry(home)
        self.imports = FakeImports(self.library)
        self.exports = FakeExports()
        self.start_error: Exception | None = None
        self.n_starts = 0
        self.n_closes = 0

    @property
    def settings(self) -> FakeSettings:
        return self._settings

    @property
    def notices(self) -> NoticeBoard:
        return self.basics.notices

    def start(self, *, learn: bool = True) -> None:
        self.n_starts += 1
        if self.start_error is not None:
            raise self.start_error

    def close(self) -> None:
        self.n_closes += 1
