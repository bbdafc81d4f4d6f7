"""Makes the pictures in docs/screenshots: `PYTHONPATH=. python packaging/screenshots.py [FOLDER]`.

Everything is real: window, services, store, worker processes, models, and each answer is the engine's own.
The profile is thrown away afterwards. Takes a minute or two; needs no display.
"""

import argparse
import json
import os
import re
import shutil
import sys
import tempfile
import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass
from pathlib import Path

os.environ.setdefault("QT_QPA_PLATFORM", "offscreen")

from PySide6.QtCore import QMimeData, QObject, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication

from app.bootstrap import Application, assemble, open_catalog
from app.profile_basics import read_basics
from app.services.answers import AnswerEvent, AnswerFinished, AnswerText
from app.ui.application import samples_folder
from app.ui.deferred_services import DeferredServices
from app.ui.engine_bridge import EngineBridge
from app.ui.icon import app_icon
from app.ui.main_window import MainWindow
from app.ui.samples import QUESTIONS_NAME, find_samples
from app.ui.theme import DARK, LIGHT, apply_theme
from app.ui.turn_view import AnswerView
from engine.messages import AnswerMode
from storage.records import DocumentState

PATIENCE_S = 300.0
MAX_BYTES = 1_000_000
"""All pictures together: they are in everybody's clone."""

STREAMED = "Who is my tax adviser?"
"""Its right answer has words enough to be caught half-way."""

MAX_TRIES = 5
"""A busy machine may deliver an answer of a few words all at once."""

ASKED = "Who wrote The Saltpan Sisters?"
N_SAMPLES = 12
SWITCHED_OFF = "Dentist"
LONG_NOTE = "Apache License"
"""Still being learnt when the samples are ready."""

_COPY = Qt.DropAction.CopyAction
_LEFT = Qt.MouseButton.LeftButton
_NO_KEY = Qt.KeyboardModifier.NoModifier


@dataclass
class Stage:
    """Everything a scene needs."""

    application: Application
    window: MainWindow
    bridge: EngineBridge
    notes: Path
    folder: Path

    def take(self, name: str) -> None:
        """One picture of the window once its fades are over."""
        QTest.qWait(400)
        self.save(name, self.window.grab().toImage())

    def save(self, name: str, image: QImage) -> None:
        """Write a picture, as small as PNG gets."""
        path = self.folder / f"{name}.png"
        smallest = 0  # Qt's scale of quality: 0 compresses most, and PNG loses nothing by it
        if not image.convertToFormat(QImage.Format.Format_RGB888).save(str(path), quality=smallest):
            raise OSError(f"{path} could not be written")
        print(f"{path}  {path.stat().st_size // 1024} KiB")


class StreamCatcher(QObject):
    """Takes a picture at the moment when a part of an answer, and only a part, has arrived; once.

    Args:
        bridge: which delivers the answer; the window must be connected to it already.
        whole: the answer; a part of it is anything shorter with two words begun.
        shoot: takes the picture.
    """

    def __init__(self, bridge: EngineBridge, whole: str, shoot: Callable[[], None]) -> None:
        super().__init__()
        self._whole = whole
        self._shoot = shoot
        self._text = ""
        self.is_caught = False
        bridge.answer_event.connect(self._on_answer_event)

    def _on_answer_event(self, _token: object, event: AnswerEvent) -> None:
        if isinstance(event, AnswerFinished):
            self._text = ""
        elif isinstance(event, AnswerText) and not self.is_caught:
            self._text += event.text
            if " " in self._text.strip() and len(self._text) < len(self._whole):
                self.is_caught = True
                # The widgets made for this piece come to light when the loop turns; the next piece is later.
                QTimer.singleShot(0, self._shoot)


def until(condition: Callable[[], object], what: str) -> None:
    """Run Qt's loop until ``condition`` holds.

    Raises:
        TimeoutError: it does not, within PATIENCE_S.
    """
    deadline_s = time.monotonic() + PATIENCE_S
    while not condition():
        if time.monotonic() > deadline_s:
            raise TimeoutError(f"never happened: {what}")
        QTest.qWait(10)


def first_run(stage: Stage) -> None:
    """Nothing was added yet."""
    until(lambda: stage.window.chat.empty.button.isVisible(), "the offer of the samples")
    until(lambda: stage.window.status.activity.text() == "Ready", "the models")
    stage.take("first-run")


def drop(stage: Stage) -> None:
    """The samples, and files that are no notes, are dragged over the window and let go."""
    samples = find_samples(samples_folder()).notes
    (stage.notes / "Shopping list.md").touch()
    (stage.notes / "Holiday.md").write_bytes(bytes(range(256)) * 64)  # a picture with a wrong name
    shutil.copy(Path("LICENSE"), stage.notes / f"{LONG_NOTE}.txt")
    others = sorted(stage.notes.iterdir(), key=lambda path: path.stem == LONG_NOTE)
    mime = mime_of([*samples, *others])
    QApplication.sendEvent(stage.window, QDragEnterEvent(QPoint(600, 400), _COPY, mime, _LEFT, _NO_KEY))
    stage.take("drop")
    QApplication.sendEvent(stage.window, QDropEvent(QPointF(600, 400), _COPY, mime, _LEFT, _NO_KEY))


def library(stage: Stage) -> None:
    """Samples are ready, two files failed, one note is off, a long one is being learnt."""
    window = stage.window
    until(lambda: count(stage, DocumentState.FAILED) == 2, "the two failures")
    until(lambda: count(stage, DocumentState.READY) == N_SAMPLES, "the samples")
    until(lambda: passages_learnt(stage) >= 9, "some of the long note")
    off = next(
        row for row, document in enumerate(window.documents.documents) if document.title == SWITCHED_OFF
    )
    window.documents.set_enabled([off], False)
    until(lambda: window.lanes["writes"].is_idle, "the switch")
    window.library.table.scrollToTop()
    stage.take("library")
    until(lambda: count(stage, DocumentState.LEARNING) == 0, "the long note")


def answers(stage: Stage) -> None:
    """Part of an answer; then two answers, one with an open source."""
    window = stage.window
    catcher = StreamCatcher(
        stage.bridge, expected_answer(STREAMED), lambda: stage.save("answering", window.grab().toImage())
    )
    for _ in range(MAX_TRIES):
        window.chat_actions.new_chat()
        ask(stage, STREAMED)
        if catcher.is_caught:
            break
    else:
        raise RuntimeError("the answer always came in one piece: the machine is too busy")
    answer = ask(stage, ASKED)
    answer.source_views[0].toggle.setChecked(True)
    stage.take("answered")


def failed(stage: Stage) -> None:
    """Only what failed, with reasons and Retry; and the notice of a file that is no note by its name."""
    window = stage.window
    photo = stage.notes / "harbour.jpg"
    photo.write_bytes(b"\xff\xd8\xff")
    mime = mime_of([photo])
    QApplication.sendEvent(window, QDragEnterEvent(QPoint(600, 400), _COPY, mime, _LEFT, _NO_KEY))
    QApplication.sendEvent(window, QDropEvent(QPointF(600, 400), _COPY, mime, _LEFT, _NO_KEY))
    until(lambda: window.notice_bar.isVisible(), "the notice")
    window.library.search.setText("failed")
    window.library.table.selectRow(0)
    stage.take("failed")
    window.notice_bar.dismiss_button.click()
    window.library.search.clear()
    window.library.table.clearSelection()


def models(stage: Stage) -> None:
    """The base models, as this computer can have them."""
    stage.window.show_models()
    dialog = stage.window.models_dialog
    assert dialog is not None
    until(lambda: dialog.cards, "the models")
    QTest.qWait(400)
    stage.save("models", dialog.grab().toImage())
    dialog.close()


def ask(stage: Stage, question: str) -> AnswerView:
    """Ask and wait for the end of the answer.

    Raises:
        RuntimeError: the answer is wrong. No picture of that goes into the README.
    """
    actions = stage.window.chat_actions
    actions.ask(question, AnswerMode.MEMORY)
    until(lambda: not actions.is_answering, "the end of the answer")
    view = stage.window.chat.transcript.turns[-1]
    assert isinstance(view, AnswerView)
    expected = expected_answer(question)
    if expected not in view.text.text:
        raise RuntimeError(f"“{question}” was answered “{view.text.text}”, not “{expected}”")
    return view


def expected_answer(question: str) -> str:
    """The right answer to a question about the samples."""
    rows: list[dict[str, str]] = json.loads((samples_folder() / QUESTIONS_NAME).read_text(encoding="utf-8"))
    return next(row["answer"] for row in rows if row["question"] == question)


def mime_of(paths: Iterable[Path]) -> QMimeData:
    """What a file manager hands over when ``paths`` are dragged."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(str(path)) for path in paths])
    return mime


def count(stage: Stage, state: DocumentState) -> int:
    """How many notes the window shows in ``state``."""
    return sum(document.state is state for document in stage.window.documents.documents)


def passages_learnt(stage: Stage) -> int:
    """How far the status line says that the current note is; 0 while it says nothing."""
    found = re.search(r"\((\d+) of \d+ passages\)", stage.window.status.activity.text())
    return int(found[1]) if found else 0


def make(folder: Path) -> None:
    """All pictures, into ``folder``.

    Raises:
        OSError: a picture could not be written, or all together are too large for a repository.
    """
    folder.mkdir(parents=True, exist_ok=True)
    qt = QApplication(sys.argv[:1])
    qt.setStyle("Fusion")
    qt.setWindowIcon(app_icon())
    apply_theme(qt, LIGHT)
    with tempfile.TemporaryDirectory(prefix="loreleaf-") as scratch:
        notes = Path(scratch, "notes")
        notes.mkdir()
        basics = read_basics(Path(scratch, "home"))
        application = assemble(open_catalog(basics))
        bridge = EngineBridge()
        window = MainWindow(basics, DeferredServices(lambda: application), bridge, samples_folder())
        window.show()
        window.start()
        stage = Stage(application, window, bridge, notes, folder)
        try:
            for scene in (first_run, drop, library, answers, failed, models):
                scene(stage)
            apply_theme(qt, DARK)
            stage.take("dark")
        finally:
            window.hide()
            window.shut()
            application.close()
    n_bytes = sum(path.stat().st_size for path in folder.glob("*.png"))
    if n_bytes > MAX_BYTES:
        raise OSError(f"the pictures have {n_bytes:,} bytes, more than {MAX_BYTES:,}")


if __name__ == "__main__":
    parser = argparse.ArgumentParser(description="Make the pictures of the window.")
    parser.add_argument("folder", nargs="?", type=Path, default=Path("docs/screenshots"))
    make(parser.parse_args().folder)
