"""The measurements of ``bench``: through the services, as a user's click goes, with the embedded model."""

import queue
import statistics
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import cycle, islice
from pathlib import Path
from typing import ClassVar

from app.bootstrap import Application
from app.cli.console import Console
from app.cli.demo import samples_folder
from app.cli.errors import CommandFailed
from app.cli.learning import Learning
from app.cli.session import start
from app.services.answers import AnswerEvent, AnswerFinished, AnswerRefused, AnswerText, QuestionRefused
from app.services.library_events import EngineState, EngineStateChanged, LibraryEvent
from app.ui.samples import find_samples
from engine.messages import AnswerMode
from storage.records import DocumentRecord, DocumentState

N_WORDS = 300
N_ENABLED = 12
N_NOTES_TIMED = 7
N_ROUNDS = 9
_SLICE_S = 0.1
_PATIENCE_S = 120.0
_ANSWER_TOKENS = 4
"""Answers are cut here: it is the first token that is timed."""


@dataclass(slots=True)
class Measurements:
    """Seconds, each list in the order measured.

    Attributes:
        note: from handing a file over to "ready", with the models loaded.
        none: to the first token, every note switched off.
        twelve_on: the same with twelve notes of 300 words on, of whose passages the retriever picks.
        twelve_at_once: the same with twelve short notes on that all take part.
        in_prompt: the same with every note off and one of 300 words in front of the question.
    """

    ASKED: ClassVar[tuple[str, ...]] = ("none", "twelve_on", "twelve_at_once", "in_prompt")

    note: list[float] = field(default_factory=list)
    none: list[float] = field(default_factory=list)
    twelve_on: list[float] = field(default_factory=list)
    twelve_at_once: list[float] = field(default_factory=list)
    in_prompt: list[float] = field(default_factory=list)
    learning_device: str = ""
    answering_device: str = ""

    @property
    def n_rounds(self) -> int:
        """How often each way of asking was timed."""
        return len(self.none)

    def median_s(self, name: str) -> float:
        """Median of one list."""
        seconds: list[float] = getattr(self, name)
        return statistics.median(seconds)

    def as_json(self) -> dict[str, list[float]]:
        """All that was measured."""
        return {name: [round(s, 5) for s in getattr(self, name)] for name in ("note", *self.ASKED)}


def measure(application: Application, console: Console, folder: Path) -> Measurements:
    """Run all measurements; about a minute.

    Args:
        application: of an empty profile, not started; closed by the caller.
        console: shows the progress.
        folder: for the notes.

    Raises:
        CommandFailed: a note could not be learnt.
        QuestionRefused: a question was not answered.
    """
    measured = Measurements()
    notes = write_notes(folder, 1 + N_NOTES_TIMED + N_ENABLED)
    devices = _Devices(application)
    # The first note waits for the models; it is not timed.
    warm_up = application.ingest.add_paths(notes[:1])
    learning = Learning(application, console, warm_up.added, is_quiet=True)
    start(application, learn=True)
    _require_learnt(learning)
    for number, path in enumerate(notes[1 : 1 + N_NOTES_TIMED], start=1):
        console.progress(f"Learning a note of {N_WORDS} words: {number} of {N_NOTES_TIMED}")
        measured.note.append(_time_note(application, path))
    long = application.ingest.add_paths(notes[1 + N_NOTES_TIMED :]).added
    short = application.ingest.add_paths(write_short_notes(folder)).added
    _require_learnt(Learning(application, console, [*long, *short], is_quiet=True))
    _time_answers(application, console, measured, _ways(application, long, short))
    measured.learning_device, measured.answering_device = devices.of("ingest"), devices.of("chat")
    return measured


def write_notes(folder: Path, n_notes: int) -> list[Path]:
    """Different notes of exactly 300 words each, out of the samples' sentences."""
    words: list[str] = []
    for sample in find_samples(samples_folder()).notes:
        words += sample.read_text(encoding="utf-8").split()
    paths: list[Path] = []
    for number in range(n_notes):
        heading = f"Note {number} of the measurement.".split()
        first = number * N_WORDS // 2
        body = islice(cycle(words), first, first + N_WORDS - len(heading))
        paths.append(folder / f"note {number:02}.md")
        paths[-1].write_text(" ".join([*heading, *body]) + "\n", encoding="utf-8")
    return paths


def write_short_notes(folder: Path) -> list[Path]:
    """Twelve notes of one passage each, without a word of the questions: then all take part in an answer."""
    paths = [folder / f"Crate {number}.md" for number in range(N_ENABLED)]
    for number, path in enumerate(paths):
        path.write_text(f"Crate {number}: {7 * number + 3} zinc washers.\n", encoding="utf-8")
    return paths


def _time_note(application: Application, path: Path) -> float:
    happened: queue.SimpleQueue[LibraryEvent] = queue.SimpleQueue()
    unsubscribe = application.events.subscribe(happened.put)
    try:
        begin_s = time.perf_counter()
        document = application.ingest.add_paths([path]).added[0]
        while time.perf_counter() - begin_s < _PATIENCE_S:
            try:
                happened.get(timeout=_SLICE_S)
            except queue.Empty:
                continue
            now_s = time.perf_counter()
            found = application.library.document(document.id)
            if found is not None and found.state is DocumentState.READY:
                return now_s - begin_s
            if found is None or found.state is DocumentState.FAILED:
                raise CommandFailed("A note could not be learnt.", found.reason_title if found else "")
    finally:
        unsubscribe()
    raise CommandFailed("A note was not learnt in time.", f"It took more than {_PATIENCE_S:.0f} s.")


@dataclass(frozen=True, slots=True)
class _Way:
    """A way of asking.

    Attributes:
        enabled: the documents that are on.
        budget: at most this many passages take part.
        mode: of the answer.
        prefix: text in front of the question.
    """

    enabled: tuple[int, ...] = ()
    budget: int = N_ENABLED
    mode: AnswerMode = AnswerMode.MEMORY
    prefix: str = ""


def _ways(
    application: Application, long: Sequence[DocumentRecord], short: Sequence[DocumentRecord]
) -> dict[str, _Way]:
    """What is compared, by its name in Measurements."""
    usual = application.settings.current.max_active_chunks
    return {
        "none": _Way(),
        "twelve_on": _Way(tuple(document.id for document in long), budget=usual),
        "twelve_at_once": _Way(tuple(document.id for document in short)),
        "in_prompt": _Way(mode=AnswerMode.PLAIN, prefix=long[0].path.read_text(encoding="utf-8") + "\n"),
    }


def _time_answers(
    application: Application, console: Console, measured: Measurements, ways: dict[str, _Way]
) -> None:
    """Ask in turn in every way, so that whatever else the computer does hits all of them alike."""
    questions = [question.text for question in find_samples(samples_folder()).questions]
    every = [document.id for document in application.library.documents()]
    settings = replace(application.settings.current, max_answer_tokens=_ANSWER_TOKENS)
    for number, question in enumerate(questions[: N_ROUNDS + 1]):
        for name, way in ways.items():
            console.progress(f"Asking: round {number} of {N_ROUNDS}")
            application.library.set_enabled(every, False)
            application.library.set_enabled(way.enabled, True)
            application.settings.save(replace(settings, max_active_chunks=way.budget))
            # Not timed: when a person asks, switching is long over, and there was a question before.
            _time_first_token(application, questions[-1 - number], way.mode)
            seconds = _time_first_token(application, way.prefix + question, way.mode)
            if number > 0:  # the first round fills the caches, as the first minute of use does
                getattr(measured, name).append(seconds)


def _time_first_token(application: Application, question: str, mode: AnswerMode) -> float:
    happened: queue.SimpleQueue[AnswerEvent] = queue.SimpleQueue()
    first_s: float | None = None
    begin_s = time.perf_counter()
    running = application.chat.ask(None, question, mode=mode, on_event=happened.put)
    try:
        while time.perf_counter() - begin_s < _PATIENCE_S:
            try:
                event = happened.get(timeout=_SLICE_S)
            except queue.Empty:
                continue
            match event:
                case AnswerText() if first_s is None:
                    first_s = time.perf_counter() - begin_s
                case AnswerRefused(title=title, detail=detail):
                    raise QuestionRefused(title, detail)
                case AnswerFinished():
                    return first_s if first_s is not None else time.perf_counter() - begin_s
    finally:
        running.stop()
    raise CommandFailed("An answer did not come in time.", f"It took more than {_PATIENCE_S:.0f} s.")


def _require_learnt(learning: Learning) -> None:
    failed: list[DocumentRecord] = learning.wait()
    if failed:
        raise CommandFailed(f"“{failed[0].title}” could not be learnt.", failed[0].reason_title)


class _Devices:
    """What the workers said they run on."""

    def __init__(self, application: Application) -> None:
        self._found: dict[str, str] = {}
        application.events.subscribe(self._note)

    def of(self, worker: str) -> str:
        """Of "ingest" or "chat"; empty if it has not said so."""
        return self._found.get(worker, "")

    def _note(self, event: LibraryEvent) -> None:
        if isinstance(event, EngineStateChanged) and event.state is EngineState.READY:
            self._found[event.worker] = event.device
