"""One profile in a temporary folder, with toys for worker processes; closed, and checked, at the end."""

import errno
import os
import threading
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.bootstrap import Application, WorkerFactories, build
from app.profile_basics import ProfileBasics
from app.services.chat_service import COMPLETE, Ablation
from app.services.library_events import LibraryEvent
from app.services.notices import Notice, NoticeBoard
from app.services.settings import Settings, SettingsFile
from engine.models import registry
from storage.paths import ProfilePaths
from storage.records import DocumentRecord, DocumentState
from tests.app.fakes import FakeChatEngine, FakeIngestEngine, FakePreparation
from tests.engine.fake_hub import FakeHub, running_hub
from tests.engine.toy_registry import publish, toy_entry
from tests.patience import PATIENCE_S

SETTLE_S = 0.1


@dataclass
class Bench:
    """An application over real storage and fake workers.

    Attributes:
        workers: the other processes, which are the real ones unless a test says otherwise.
        happenings: every event and notice so far, in order.
    """

    home: Path
    notes: Path
    ingest_engine: FakeIngestEngine = field(default_factory=FakeIngestEngine)
    chat_engine: FakeChatEngine = field(default_factory=FakeChatEngine)
    preparation: FakePreparation = field(default_factory=FakePreparation)
    events: list[LibraryEvent] = field(default_factory=list)
    notices: list[Notice] = field(default_factory=list)
    changed: threading.Condition = field(default_factory=threading.Condition)
    opened: list[Application] = field(default_factory=list)
    workers: WorkerFactories = field(default_factory=WorkerFactories)

    def build(self, *, headless: bool = False, ablation: Ablation = COMPLETE) -> Application:
        """The application; not started."""
        application = build(
            self.home,
            headless=headless,
            weights_dir=self.home,
            workers=replace(
                self.workers, ingest=self.ingest_engine, chat=self.chat_engine, models=self.preparation
            ),
            ablation=ablation,
        )
        application.events.subscribe(self._note_event)
        application.notices.subscribe(self._note_notice)
        self.opened.append(application)
        return application

    def start(self, *, headless: bool = False, ablation: Ablation = COMPLETE) -> Application:
        """The application, started."""
        application = self.build(headless=headless, ablation=ablation)
        application.start()
        return application

    def write(self, name: str, text: str) -> Path:
        """A note in the notes' folder."""
        path = self.notes / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def wait(self, condition: Callable[[], object], what: str = "", timeout_s: float = PATIENCE_S) -> None:
        """Wait until ``condition`` holds; it is asked again after every event and notice."""
        deadline_s = time.monotonic() + timeout_s
        while True:
            n_known = len(self.events) + len(self.notices)
            if condition():  # not under the lock: whoever has something to tell must not wait for this
                return
            assert time.monotonic() < deadline_s, f"never happened: {what}; notices: {self.notices}"
            with self.changed:
                # Some conditions hold without an event; look again soon.
                if len(self.events) + len(self.notices) == n_known:
                    self.changed.wait(0.02)

    def state(self, name: str) -> DocumentState | None:
        """State of the note of this name in the newest application."""
        document = self.document(name)
        return document.state if document is not None else None

    def document(self, name: str) -> DocumentRecord | None:
        """The note of this name."""
        for document in self.opened[-1].library.documents():
            if document.path.name == name:
                return document
        return None

    def known(self, name: str) -> DocumentRecord:
        """The note of this name, which must be in the library."""
        document = self.document(name)
        assert document is not None, f"no note is named {name}"
        return document

    def wait_ready(self, *names: str) -> None:
        """Wait until these notes are learnt."""
        self._wait_state(DocumentState.READY, names)

    def wait_failed(self, *names: str) -> None:
        """Wait until these notes have failed."""
        self._wait_state(DocumentState.FAILED, names)

    def _wait_state(self, state: DocumentState, names: tuple[str, ...]) -> None:
        def are_there() -> bool:
            documents = self.opened[-1].library.documents()
            return set(names) <= {document.path.name for document in documents if document.state is state}

        self.wait(are_there, f"{state}: {', '.join(names)}")

    def _note_event(self, event: LibraryEvent) -> None:
        with self.changed:
            self.events.append(event)
            self.changed.notify_all()

    def _note_notice(self, notice: Notice) -> None:
        with self.changed:
            self.notices.append(notice)
            self.changed.notify_all()


def basics_of(application: Application) -> ProfileBasics:
    """What its window has from the start."""
    return ProfileBasics(application.paths, application.notices, application.settings)


@pytest.fixture
def seal(monkeypatch: pytest.MonkeyPatch) -> Callable[[Path], None]:
    """Has the system refuse to list a folder. Not by its permissions: root is refused nothing."""
    sealed: set[Path] = set()
    scandir = os.scandir

    def refuse_sealed(path: str) -> object:
        if Path(path) in sealed:
            raise PermissionError(errno.EACCES, "Permission denied", path)
        return scandir(path)

    monkeypatch.setattr(os, "scandir", refuse_sealed)
    return sealed.add


@pytest.fixture
def toy_hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub with the toy, where the processes look for theirs."""
    monkeypatch.setenv("HF_HOME", str(tmp_path / "no-login"))
    monkeypatch.setenv("NO_PROXY", "127.0.0.1")
    monkeypatch.delenv("HF_TOKEN", raising=False)
    monkeypatch.setattr(registry, "REGISTRY", (registry.REGISTRY[0], toy_entry()))
    with running_hub() as hub:
        publish(hub, tmp_path)
        monkeypatch.setenv("HF_ENDPOINT", hub.endpoint)
        yield hub


@pytest.fixture
def bench(tmp_path: Path) -> Iterator[Bench]:
    notes = tmp_path.resolve() / "notes"
    notes.mkdir()
    bench = Bench(tmp_path.resolve() / "home", notes)
    before = set(threading.enumerate())
    # Files settle sooner than for people.
    SettingsFile(ProfilePaths(bench.home).settings, NoticeBoard()).save(Settings(settle_s=SETTLE_S))
    yield bench
    bench.ingest_engine.release()
    bench.chat_engine.released.set()
    for application in bench.opened:
        application.close()
    left = {thread.name for thread in set(threading.enumerate()) - before if thread.is_alive()}
    assert not {name for name in left if name.endswith(("-dispatch", "-folders"))}, left
