"""What the generator returns."""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True)
class Question:
    """A question about a note; alternatives are right answers too.

    Attributes:
        answer: a span of the note's text, or a sentence that restates ``evidence``.
        evidence: the span of the note's text that a restating answer is made of; "" if the answer is a span.
    """

    text: str
    answer: str
    alternatives: tuple[str, ...] = ()
    evidence: str = ""

    @property
    def span(self) -> str:
        """What stands literally in the note's text."""
        return self.evidence or self.answer


@dataclass(frozen=True)
class Note:
    """An invented note. The text alone answers; the title may be missing from the text, or be empty."""

    title: str
    text: str
    questions: tuple[Question, ...]
