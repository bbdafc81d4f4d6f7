"""A temporary profile with the notes of an evaluation, asked through the services that users get."""

import dataclasses
import time
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from tempfile import TemporaryDirectory

from app.bootstrap import Application, build
from app.services.answers import Answer
from app.services.chat_service import COMPLETE, Ablation
from engine.messages import AnswerMode
from storage.records import DocumentState

MAX_ANSWER_TOKENS = 48
_MODES = {"memory": AnswerMode.MEMORY, "quotes": AnswerMode.QUOTES}
_LEARN_S_PER_NOTE = 120.0
_ANSWER_S = 600.0


class EvaluationFailed(Exception):
    """A set or a model cannot be used; the message says why."""


class NoteLibrary:
    """Notes that are learnt by the ingest worker and asked about through the chat worker.

    Args:
        application: started; its library is empty.
        folder: where the notes are written.
    """

    def __init__(self, application: Application, folder: Path) -> None:
        self._application, self._folder = application, folder
        self._ids: list[int] = []

    def __len__(self) -> int:
        return len(self._ids)

    def learn(self, name: str, texts: Sequence[str]) -> float:
        """Learn texts, each as a note of its own; they are numbered on from those that are there.

        Returns:
            Seconds from handing them over until all are ready.

        Raises:
            EvaluationFailed: one cannot be learnt.
        """
        paths = [self._folder / f"{name} {len(self._ids) + i:05}.txt" for i in range(len(texts))]
        for path, text in zip(paths, texts, strict=True):
            path.write_text(text, encoding="utf-8")
        started = time.perf_counter()
        report = self._application.ingest.add_paths(paths)
        if report.skipped:
            raise EvaluationFailed(f"{report.skipped[0][0].name}: {report.skipped[0][1]}")
        if not self._application.dispatcher.wait_until_idle(_LEARN_S_PER_NOTE * len(paths)):
            raise EvaluationFailed("The notes were not learnt in time.")
        seconds = time.perf_counter() - started
        documents = {document.path: document for document in self._application.library.documents()}
        failed = [d for d in documents.values() if d.state is not DocumentState.READY]
        if failed:
            raise EvaluationFailed(f"{failed[0].title}: {failed[0].reason_title} {failed[0].reason_detail}")
        self._ids += [documents[path].id for path in paths]
        return seconds

    def enable(self, indices: Iterable[int]) -> None:
        """Switch on these notes and no other."""
        wanted = {self._ids[index] for index in indices}
        library = self._application.library
        enabled = {document.id for document in library.documents() if document.enabled}
        library.set_enabled(sorted(enabled - wanted), on=False)
        library.set_enabled(sorted(wanted - enabled), on=True)

    def ask(self, question: str, mode: str) -> tuple[Answer, float]:
        """The answer, and the seconds it took; any mode but "memory" and "quotes" is without the notes.

        Raises:
            QuestionRefused: there is no answer.
        """
        started = time.perf_counter()
        wanted = _MODES.get(mode, AnswerMode.PLAIN)
        running = self._application.chat.ask(None, question, mode=wanted, on_event=lambda _event: None)
        return running.result(_ANSWER_S), time.perf_counter() - started


@contextmanager
def temporary_library(weights_dir: Path, ablation: Ablation = COMPLETE) -> Iterator[NoteLibrary]:
    """An empty library; it is removed at the end.

    Args:
        weights_dir: folder of the hypernetwork.
        ablation: what is left out of the answering.
    """
    with TemporaryDirectory(prefix="loreleaf-eval-") as name:
        application = build(Path(name) / "profile", headless=True, weights_dir=weights_dir, ablation=ablation)
        try:
            settings = dataclasses.replace(application.settings.current, max_answer_tokens=MAX_ANSWER_TOKENS)
            application.settings.save(settings)
            application.start()
            notes = Path(name) / "notes"
            notes.mkdir()
            yield NoteLibrary(application, notes)
        finally:
            application.close()
