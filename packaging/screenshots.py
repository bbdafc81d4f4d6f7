"""Makes the pictures in docs/screenshots: `PYTHONPATH=. python packaging/screenshots.py [FOLDER]`.

Window, services, store and sample notes are the real ones, in a profile that is thrown away. What the engine
says is scripted, to catch the same moment each time: half a note learnt, half an answer written.
"""

import argparse
import hashlib
import os
import sys
import tempfile
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtGui import QFont, QFontDatabase
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.bootstrap import Application, WorkerFactories, build
from app.services.ports import PreparationEvent, PreparedModels, PrepareModels
from app.ui.application import samples_folder
from app.ui.engine_bridge import EngineBridge
from app.ui.icon import app_icon
from app.ui.main_window import MainWindow
from app.ui.theme import DARK, LIGHT, apply_theme
from app.ui.turn_view import AnswerView
from engine.messages import (
    AnswerDone,
    AnswerMode,
    AnswerToken,
    Ask,
    ChatCommand,
    ChatEvent,
    ChunkAdapter,
    Codec,
    EngineSettings,
    IngestCommand,
    IngestEvent,
    Internalize,
    JobDone,
    JobFailed,
    JobProgress,
    WorkerDied,
    WorkerReady,
)
from storage.records import DocumentState

SIZE = (1200, 780)
FONTS = ("Inter", "Noto Sans", "Cantarell", "DejaVu Sans")
READY = WorkerReady("CPU, 2 threads, float32", "no CUDA or Apple GPU found", "b" * 64, "c" * 64)
QUESTION = "Where is the key to the cottage hidden?"
ANSWER = "The key to the cottage is hidden in the green watering can behind the woodshed."
SLOW_NOTE = "Diary of the year"
N_SAMPLES = 12


class _Worker:
    """A worker process that is none: it does what the script says, when the script says it."""

    def __init__(self) -> None:
        self.commands: list[object] = []
        self._tell: Callable[[object], None] | None = None

    @property
    def is_running(self) -> bool:
        """From start to stop."""
        return self._tell is not None

    def stop(self, timeout_s: float = 5.0) -> None:
        """It ends at once."""
        self._tell = None

    def say(self, event: object) -> None:
        """Report an event."""
        assert self._tell is not None, "the worker was not started"
        self._tell(event)


class IngestScript(_Worker):
    """Learns what the script tells it to."""

    def start(self, on_event: Callable[[IngestEvent | WorkerDied], None]) -> None:
        """Ready at once."""
        self._tell = on_event  # type: ignore[assignment]  # say() is given only this worker's events
        self.say(READY)

    def send(self, command: IngestCommand) -> None:
        """Note what is wanted."""
        self.commands.append(command)

    def waiting(self) -> Internalize | None:
        """The job that was not answered yet."""
        last = self.commands[-1] if self.commands else None
        return last if isinstance(last, Internalize) else None

    def learn(self, job: Internalize) -> None:
        """Finish a job, or fail at a note of pictures."""
        self.commands.clear()
        if job.path.suffix == ".pdf":
            title = "This PDF has no text, only pictures of pages."
            self.say(JobFailed(job.job_id, title, f"{job.path.name} has 4 pages and not one letter."))
            return
        text = job.path.read_text(encoding="utf-8")
        digest = hashlib.sha256(text.encode()).hexdigest()
        chunk = ChunkAdapter(0, 0, len(text), text, 200, Codec.LATENTS_F16, 8, digest.encode())
        self.say(JobDone(job.job_id, digest, len(text), READY.base_hash, READY.hypernetwork_hash, (chunk,)))


class ChatScript(_Worker):
    """Answers what the script tells it to."""

    def start(self, on_event: Callable[[ChatEvent | WorkerDied], None]) -> None:
        """Ready at once."""
        self._tell = on_event  # type: ignore[assignment]  # say() is given only this worker's events
        self.say(READY)

    def send(self, command: ChatCommand) -> None:
        """Note what is wanted."""
        self.commands.append(command)

    def asked(self) -> Ask | None:
        """The last question."""
        return next((command for command in reversed(self.commands) if isinstance(command, Ask)), None)


class PreparationScript(_Worker):
    """Has the models at once."""

    def __init__(self, wanted: PrepareModels) -> None:
        super().__init__()
        self._folder = wanted.weights_dir

    def start(self, on_event: Callable[[PreparationEvent | WorkerDied], None]) -> None:
        """No file stands behind the models."""
        self._tell = on_event  # type: ignore[assignment]  # say() is given only this worker's events
        models = PreparedModels(self._folder, self._folder, READY.base_hash, READY.hypernetwork_hash)
        self.say(models)

    def send(self, command: object) -> None:
        """It is asked nothing."""


@dataclass
class Stage:
    """Everything a scene needs."""

    application: Application
    window: MainWindow
    ingest: IngestScript
    chat: ChatScript
    folder: Path

    def take(self, name: str) -> None:
        """One picture of the window."""
        QTest.qWait(400)  # the style fades some things in and out
        path = self.folder / f"{name}.png"
        self.window.grab().save(str(path))
        print(f"{path}  {path.stat().st_size // 1024} KiB")


def until(condition: Callable[[], object], what: str, timeout_s: float = 30.0) -> None:
    """Run Qt's loop until ``condition`` holds.

    Raises:
        TimeoutError: it does not, within ``timeout_s``.
    """
    deadline_s = time.monotonic() + timeout_s
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"never happened: {what}")
        QTest.qWait(10)


def first_run(stage: Stage) -> None:
    """Nothing was added yet."""
    until(lambda: stage.window.chat.empty.button.isVisible(), "the offer of the samples")
    stage.take("first-run")


def drop(stage: Stage, notes: Path) -> None:
    """A folder is dragged over the window."""
    stage.window.overlay.announce((notes,))
    stage.take("drop")
    stage.window.overlay.hide()


def fill_library(stage: Stage, notes: Path) -> None:
    """Samples are ready, one file failed, one is being learnt, one waits."""
    (notes / "Scan of the lease.pdf").write_bytes(b"%PDF-1.4 pictures only")
    (notes / f"{SLOW_NOTE}.md").write_text("A long one.", encoding="utf-8")
    (notes / "Letters to Odile.md").write_text("Waits for its turn.", encoding="utf-8")
    actions, ingest = stage.window.library_actions, stage.ingest
    actions.add([path for path in samples_folder().iterdir() if path.suffix in {".md", ".txt"}])
    actions.add([notes / "Scan of the lease.pdf"])
    for _ in range(N_SAMPLES + 1):
        ingest.learn(_next_job(ingest))
    actions.add([notes / f"{SLOW_NOTE}.md"])
    slow = _next_job(ingest)
    actions.add([notes / "Letters to Odile.md"])
    model = stage.window.documents
    until(lambda: _count(stage, DocumentState.READY) == N_SAMPLES, "the samples ready")
    until(lambda: _count(stage, DocumentState.LEARNING) == 1, "one being learnt")
    until(lambda: _count(stage, DocumentState.QUEUED) == 1, "one waiting")
    ingest.say(JobProgress(slow.job_id, 3, 7))
    until(lambda: "3 of 7" in stage.window.status.activity.text(), "progress")
    off = next(row for row, document in enumerate(model.documents) if document.title == "Tax dates")
    model.set_enabled([off], False)
    until(lambda: stage.window.lanes["writes"].is_idle, "the switch")
    stage.window.library.table.scrollToTop()
    stage.take("library")


def answer(stage: Stage) -> None:
    """Half an answer, then the whole with an open source."""
    stage.window.chat_actions.ask(QUESTION, AnswerMode.MEMORY)
    until(stage.chat.asked, "the question")
    ask = stage.chat.asked()
    assert ask is not None  # until() saw it
    words = ANSWER.split(" ")
    for word in words[:9]:
        stage.chat.say(AnswerToken(ask.turn_id, word + " "))
    until(lambda: "hidden" in stage.window.transcript.entries[-1].text, "half an answer")
    stage.take("answering")
    stage.chat.say(AnswerToken(ask.turn_id, " ".join(words[9:])))
    stage.chat.say(
        AnswerDone(ask.turn_id, ANSWER, 34, 17, 8 * len(ask.parts), 0.38, 21.4, False, "CPU, 2 threads")
    )
    until(lambda: not stage.window.chat_actions.is_answering, "the end of the answer")
    view = stage.window.chat.transcript.turns[-1]
    assert isinstance(view, AnswerView)
    view.source_views[0].toggle.setChecked(True)
    stage.take("answered")


def failed(stage: Stage) -> None:
    """Only what failed, with its reason and Retry."""
    stage.window.library.search.setText("failed")
    stage.window.library.table.selectRow(0)
    stage.application.notices.warn(
        "1 file was left out.", "holiday.jpg: .jpg files cannot be read as notes.", "/notes/holiday.jpg"
    )
    until(lambda: stage.window.notice_bar.isVisible(), "the notice")
    stage.take("failed")
    stage.window.notice_bar.dismiss_button.click()
    stage.window.library.search.clear()
    stage.window.library.table.clearSelection()


def _next_job(ingest: IngestScript) -> Internalize:
    until(ingest.waiting, "the next job")
    job = ingest.waiting()
    assert job is not None  # until() saw one
    return job


def _count(stage: Stage, state: DocumentState) -> int:
    return sum(document.state is state for document in stage.window.documents.documents)


def make(folder: Path) -> None:
    """All pictures, into ``folder``."""
    folder.mkdir(parents=True, exist_ok=True)
    qt = QApplication(sys.argv[:1])
    qt.setStyle("Fusion")
    qt.setWindowIcon(app_icon())
    family = next((name for name in FONTS if name in QFontDatabase.families()), qt.font().family())
    qt.setFont(QFont(family, 10))
    apply_theme(qt, LIGHT)
    ingest, chat = IngestScript(), ChatScript()

    def ingest_worker(_settings: EngineSettings) -> IngestScript:
        return ingest

    def chat_worker(_settings: EngineSettings) -> ChatScript:
        return chat

    with tempfile.TemporaryDirectory() as scratch:
        notes = Path(scratch, "notes")
        notes.mkdir()
        factories = WorkerFactories(ingest_worker, chat_worker, PreparationScript)
        application = build(Path(scratch, "home"), weights_dir=Path(scratch), workers=factories)
        window = MainWindow(application, EngineBridge(), samples_folder())
        window.resize(*SIZE)
        window.show()
        window.start()
        stage = Stage(application, window, ingest, chat, folder)
        try:
            first_run(stage)
            drop(stage, notes)
            fill_library(stage, notes)
            answer(stage)
            failed(stage)
            apply_theme(qt, DARK)
            stage.take("dark")
        finally:
            window.hide()
            window.shut()
            application.close()


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the pictures of the window.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/screenshots"))
    make(parser.parse_args().folder)
