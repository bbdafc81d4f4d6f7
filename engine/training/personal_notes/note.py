"""What the generator returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A question about a note; answer is a span of the note's text, alternatives are also right."""

    text: str
    answer: str
    alternatives: tuple[str, ...] = ()


@dataclass(frozen=True)
class Note:
    """An invented note. The text alone answers the questions; the title may be missing from the text."""

    title: str
    text: str
    questions: tuple[Question, ...]
