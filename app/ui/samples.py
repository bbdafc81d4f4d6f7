"""The sample notes of an invented person that the first run offers, and what may be asked about them."""

import json
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.services.note_files import why_not_a_note
from storage.records import DocumentRecord, DocumentState

QUESTIONS_NAME = "questions.json"
"""A list of {"question", "answer", "file"} beside the notes; it is no note itself."""

MAX_QUESTIONS = 3


@dataclass(frozen=True, slots=True)
class SampleQuestion:
    """A question that one sample note answers."""

    text: str
    path: Path


@dataclass(frozen=True, slots=True)
class Samples:
    """What is shipped.

    Attributes:
        notes: their files, by name.
        questions: the best first.
    """

    notes: tuple[Path, ...]
    questions: tuple[SampleQuestion, ...]

    def questions_about(self, documents: Sequence[DocumentRecord]) -> tuple[str, ...]:
        """A few questions, each about another sample note, that can be answered now."""
        usable = {
            document.path
            for document in documents
            if document.enabled and document.state is DocumentState.READY
        }
        first_of: dict[Path, str] = {}
        for question in self.questions:
            if question.path in usable:
                first_of.setdefault(question.path, question.text)
        return tuple(first_of.values())[:MAX_QUESTIONS]


def find_samples(folder: Path) -> Samples:
    """The samples in ``folder``; none if it is missing, no questions if their file is."""
    if not folder.is_dir():
        return Samples((), ())
    folder = folder.resolve()  # as the catalog knows them
    notes = tuple(sorted(path for path in folder.iterdir() if path.is_file() and not why_not_a_note(path)))
    questions_file = folder / QUESTIONS_NAME
    if not questions_file.exists():
        return Samples(notes, ())
    rows: list[dict[str, str]] = json.loads(questions_file.read_text(encoding="utf-8"))
    return Samples(notes, tuple(SampleQuestion(row["question"], folder / row["file"]) for row in rows))
