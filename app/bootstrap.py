"""Composition root: builds everything, passes it to constructors, and closes it in reverse."""

import logging
import threading
from collections.abc import Callable
from contextlib import ExitStack
from dataclasses import dataclass, field
from pathlib import Path

import engine
from app.log_file import log_into
from app.profile_basics import ProfileBasics, read_basics
from app.services.adapter_exports import AdapterExports
from app.services.adapter_imports import AdapterImports
from app.services.chat_service import COMPLETE, Ablation, ChatService
from app.services.forgotten_paths import ForgottenPaths
from app.services.hub_token import HubToken
from app.services.ingest_dispatcher import IngestDispatcher
from app.services.ingest_service import IngestService
from app.services.library_events import LibraryEvents
from app.services.library_service import LibraryService
from app.services.model_registry import ModelRegistry
from app.services.model_service import ModelService
from app.services.notices import NoticeBoard
from app.services.ports import (
    AddWorkerFactory,
    ChatWorkerFactory,
    ExportWorkerFactory,
    FetchWorkerFactory,
    ImportWorkerFactory,
    IngestWorkerFactory,
    MergeWorkerFactory,
    ModelWorkers,
    PreparationWorkerFactory,
    SurveyWorkerFactory,
)
from app.services.profile_lock import ProfileLock
from app.services.queueing import Queueing
from app.services.settings import SettingsFile
from app.services.watch_service import WatchService
from engine.models.messages import PrepareModels, SurveyModels
from engine.worker_clients import (
    add_client,
    chat_client,
    export_client,
    fetch_client,
    import_client,
    ingest_client,
    merge_client,
    preparation_client,
    survey_client,
)
from storage import private_files
from storage.catalog import Catalog
from storage.chats import Chats
from storage.database import Database
from storage.errors import StorageError
from storage.imported_adapters import ImportedAdapters
from storage.ingest_queue import IngestQueue
from storage.paths import ProfilePaths

logger = logging.getLogger(__name__)

SHIPPED_WEIGHTS = Path(engine.__path__[0]) / "weights"
FORGOTTEN_NAME = "forgotten.json"


@dataclass(frozen=True, slots=True)
class WorkerFactories:
    """How the worker processes are made; tests put toys in their place."""

    ingest: IngestWorkerFactory = ingest_client
    chat: ChatWorkerFactory = chat_client
    models: PreparationWorkerFactory = preparation_client
    survey: SurveyWorkerFactory = survey_client
    fetch: FetchWorkerFactory = fetch_client
    add: AddWorkerFactory = add_client
    imports: ImportWorkerFactory = import_client
    exports: ExportWorkerFactory = export_client
    merges: MergeWorkerFactory = merge_client


@dataclass(frozen=True, slots=True)
class Profile:
    """A profile's files, open. Enough for commands that only read or switch; nothing runs."""

    paths: ProfilePaths
    notices: NoticeBoard
    settings: SettingsFile
    database: Database
    catalog: Catalog
    imported: ImportedAdapters
    jobs: IngestQueue
    chats: Chats
    forgotten: ForgottenPaths

    def close(self) -> None:
        """Close the catalog, with nothing in it of what was forgotten."""
        try:
            if self.catalog.is_clean_up_due():
                self.catalog.clean_up()
        except StorageError:
            logger.warning("The catalog could not be cleaned up; the next start does it.", exc_info=True)
        self.database.close()


def open_profile(home: Path) -> Profile:
    """Open the profile in ``home``, making it if need be.

    Raises:
        StorageError: the folder or the catalog cannot be used; see its title and detail.
    """
    return open_catalog(read_basics(home))


def open_catalog(basics: ProfileBasics) -> Profile:
    """Open the rest of a profile whose basics are known, making it if need be.

    Raises:
        StorageError: as ``open_profile``.
    """
    paths, notices = basics.paths, basics.notices
    private_files.restrict_new_files()
    try:
        paths.home.mkdir(parents=True, exist_ok=True)
        is_private = private_files.restrict_profile(paths.home)
    except OSError as exc:
        raise StorageError(
            "The folder for Loreleaf's data cannot be used.",
            f"{paths.home}: {exc.strerror or exc}. Choose another one with --home.",
        ) from exc
    if not is_private:
        notices.warn(
            "Other users of this computer can see the folder of Loreleaf's data.",
            "It holds other files too, so it was left as it is; Loreleaf's own files in it are protected.",
            str(paths.home),
        )
    database = Database.open(paths.catalog)
    if (note := database.recovery_note) is not None:
        notices.warn(note.title, note.detail)
    return Profile(
        paths=paths,
        notices=notices,
        settings=basics.settings,
        database=database,
        catalog=Catalog(database),
        imported=ImportedAdapters(database),
        jobs=IngestQueue(database),
        chats=Chats(database),
        forgotten=ForgottenPaths(paths.home / FORGOTTEN_NAME, notices),
    )


def build_model_registry(
    profile: Profile, weights_dir: Path = SHIPPED_WEIGHTS, workers: ModelWorkers | None = None
) -> ModelRegistry:
    """The base models of a profile; nothing runs until it is asked."""
    where = SurveyModels(profile.paths.cache_models, profile.paths.models, weights_dir)
    workers = workers or ModelWorkers(survey_client, fetch_client, preparation_client, add_client)
    return ModelRegistry(where, HubToken(profile.paths.hub_token), profile.settings, workers)


def build_adapter_imports(
    profile: Profile,
    wanted: PrepareModels | None = None,
    events: LibraryEvents | None = None,
    workers: WorkerFactories | None = None,
) -> AdapterImports:
    """The way into the library for adapters made elsewhere; nothing runs until it is asked.

    Args:
        profile: whose library.
        wanted: the base model that they must fit; by default the one that the settings name.
        events: told of what was taken in; by default nobody listens.
        workers: how the processes are made.
    """
    factories = workers or WorkerFactories()
    return AdapterImports(
        wanted or models_wanted(profile),
        catalog=profile.catalog,
        imported=profile.imported,
        events=events or LibraryEvents(),
        prepare_factory=factories.models,
        import_factory=factories.imports,
    )


def build_adapter_exports(
    profile: Profile, wanted: PrepareModels | None = None, workers: WorkerFactories | None = None
) -> AdapterExports:
    """The way out of the library for adapters; nothing runs until it is asked. Arguments as for imports."""
    factories = workers or WorkerFactories()
    return AdapterExports(
        wanted or models_wanted(profile),
        catalog=profile.catalog,
        imported=profile.imported,
        prepare_factory=factories.models,
        export_factory=factories.exports,
        merge_factory=factories.merges,
    )


@dataclass(slots=True, kw_only=True)
class Application:
    """The services of one profile. ``start`` and ``close`` may be called on any thread, each once."""

    profile: Profile
    events: LibraryEvents
    lock: ProfileLock
    models: ModelService
    dispatcher: IngestDispatcher
    ingest: IngestService
    library: LibraryService
    watch: WatchService
    chat: ChatService
    model_registry: ModelRegistry
    imports: AdapterImports
    exports: AdapterExports
    is_headless: bool
    closers: ExitStack
    """What has to be undone, in the order it was done."""
    _guard: threading.Lock = field(default_factory=threading.Lock)
    _is_closed: bool = False

    @property
    def paths(self) -> ProfilePaths:
        """Where the profile keeps its files."""
        return self.profile.paths

    @property
    def settings(self) -> SettingsFile:
        """The settings in force."""
        return self.profile.settings

    @property
    def notices(self) -> NoticeBoard:
        """Where notices are published."""
        return self.profile.notices

    def start(self, *, learn: bool = True) -> None:
        """Start the services: within milliseconds, the models follow by themselves.

        Args:
            learn: take part in learning; without it this process only reads, asks and enqueues, and leaves
                the profile's lock to others.
        """
        with self._guard:
            if self._is_closed:
                return  # the window was closed before it was open
            self._start_one(self.chat)
            if learn:
                self._start_one(self.dispatcher)
                if not self.is_headless:
                    self._start_one(self.watch)
            # Last: it tells the others, who must be there to hear it.
            self._start_one(self.models)

    def close(self) -> None:
        """Stop the services in reverse order, give the lock back, close the catalog."""
        with self._guard:
            if not self._is_closed:
                self._is_closed = True
                self.closers.close()

    def _start_one(self, service: IngestDispatcher | WatchService | ChatService | ModelService) -> None:
        self.closers.callback(service.stop)
        service.start()


def models_wanted(profile: Profile, weights_dir: Path = SHIPPED_WEIGHTS) -> PrepareModels:
    """The models that the settings name.

    Args:
        profile: whose settings.
        weights_dir: hypernetwork of the built-in model.
    """
    paths = profile.paths
    return PrepareModels(paths.cache_models, weights_dir, paths.models, profile.settings.current.model)


def build(
    home: Path,
    *,
    headless: bool = False,
    weights_dir: Path = SHIPPED_WEIGHTS,
    workers: WorkerFactories | None = None,
    ablation: Ablation = COMPLETE,
) -> Application:
    """Open the profile in ``home`` and assemble its services; see ``assemble``.

    Raises:
        StorageError: the folder or the catalog cannot be used.
    """
    return assemble(
        open_profile(home), headless=headless, weights_dir=weights_dir, workers=workers, ablation=ablation
    )


def assemble(
    profile: Profile,
    *,
    headless: bool = False,
    weights_dir: Path = SHIPPED_WEIGHTS,
    workers: WorkerFactories | None = None,
    ablation: Ablation = COMPLETE,
) -> Application:
    """The services of a profile; nothing runs yet. They close the profile when they are closed.

    Args:
        profile: open.
        headless: for a command that does one thing and ends: folders are not watched, and the process that
            answers is started with the first question.
        weights_dir: folder of the hypernetwork.
        workers: how the worker processes are made.
        ablation: what an evaluation leaves out.
    """
    factories = workers or WorkerFactories()
    events = LibraryEvents()
    lock = ProfileLock(profile.paths.lock)
    queueing = Queueing(profile.catalog, profile.jobs, events)
    wanted = models_wanted(profile, weights_dir)
    models = ModelService(
        wanted,
        current_settings=lambda: profile.settings.current,
        events=events,
        notices=profile.notices,
        worker_factory=factories.models,
    )
    dispatcher = IngestDispatcher(
        catalog=profile.catalog,
        jobs=profile.jobs,
        queueing=queueing,
        events=events,
        notices=profile.notices,
        worker_factory=factories.ingest,
        prepare_models=models.prepare_again,
        lock=lock,
    )
    ingest = IngestService(
        catalog=profile.catalog,
        queueing=queueing,
        dispatcher=dispatcher,
        forgotten=profile.forgotten,
    )
    library = LibraryService(
        catalog=profile.catalog, events=events, dispatcher=dispatcher, forgotten=profile.forgotten
    )
    watch = WatchService(
        catalog=profile.catalog,
        events=events,
        notices=profile.notices,
        queueing=queueing,
        ingest=ingest,
        library=library,
        forgotten=profile.forgotten,
        lock=lock,
        settle_s=profile.settings.current.settle_s,
    )
    chat = ChatService(
        catalog=profile.catalog,
        imported=profile.imported,
        chats=profile.chats,
        settings=profile.settings,
        events=events,
        notices=profile.notices,
        worker_factory=factories.chat,
        prepare_models=models.prepare_again,
        is_eager=not headless,
        ablation=ablation,
    )
    models.tell(dispatcher, chat)
    model_registry = build_model_registry(
        profile,
        weights_dir,
        ModelWorkers(factories.survey, factories.fetch, factories.models, factories.add),
    )
    closers = ExitStack()
    closers.callback(profile.close)
    closers.callback(lock.release)
    closers.callback(_log_or_say(profile))
    return Application(
        profile=profile,
        events=events,
        lock=lock,
        models=models,
        dispatcher=dispatcher,
        ingest=ingest,
        library=library,
        watch=watch,
        chat=chat,
        model_registry=model_registry,
        imports=build_adapter_imports(profile, wanted, events, factories),
        exports=build_adapter_exports(profile, wanted, factories),
        is_headless=headless,
        closers=closers,
    )


def _log_or_say(profile: Profile) -> Callable[[], None]:
    """Begin the log file; without one the program works all the same, and says so."""
    try:
        return log_into(profile.paths.logs)
    except OSError as exc:
        profile.notices.warn("Loreleaf cannot write its log.", "", f"{profile.paths.logs}: {exc.strerror}")
        return lambda: None
