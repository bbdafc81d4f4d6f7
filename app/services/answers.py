"""What asking a question gives back, while it is answered and when it is over."""

import threading
from collections.abc import Callable
from dataclasses import dataclass

from app.services.confidence import Evidence
from app.services.errors import UserFacingError
from engine.messages import AnswerMode
from storage.records import AnswerFacts, SourceRecord


@dataclass(frozen=True, slots=True)
class Answer:
    """A complete or stopped answer.

    Attributes:
        answer: the model's words.
        preface: what Loreleaf says before them, e.g. that they are a guess; empty if nothing.
        sources: the passages that took part, the greatest share first; their shares add up to 1. Empty if no
            note took part.
        stopped: by the user; ``answer`` is what there was until then.
        turn_id: of the stored turn; None when nothing is stored.
        evidence: what tells whether it stands on the notes; None if that question does not arise.
        confidence: that it does, in (0, 1); None without evidence or without a calibration for the models.
    """

    answer: str
    mode: AnswerMode
    sources: tuple[SourceRecord, ...]
    facts: AnswerFacts
    stopped: bool
    turn_id: int | None
    preface: str = ""
    evidence: Evidence | None = None
    confidence: float | None = None

    @property
    def text(self) -> str:
        """All that is said and kept."""
        return in_words(self.preface, self.answer)


def in_words(preface: str, answer: str) -> str:
    """The preface in a paragraph of its own, then the model's words."""
    return "\n\n".join(filter(None, (preface, answer)))


@dataclass(frozen=True, slots=True)
class AnswerStarted:
    """The engine works on the question; ``sources`` take part in the answer."""

    sources: tuple[SourceRecord, ...]


@dataclass(frozen=True, slots=True)
class AnswerText:
    """The next piece of the answer, whole characters."""

    text: str


@dataclass(frozen=True, slots=True)
class AnswerFinished:
    """The answer is complete or was stopped; it is stored already if its chat is."""

    answer: Answer


@dataclass(frozen=True, slots=True)
class AnswerRefused:
    """There will be no answer; ``title`` and ``detail`` are for the user."""

    title: str
    detail: str = ""


AnswerEvent = AnswerStarted | AnswerText | AnswerFinished | AnswerRefused
"""A question gets at most one AnswerStarted, any number of AnswerText, and exactly one of the others."""


class QuestionRefused(UserFacingError):
    """The answer that somebody waits for will not come."""


class RunningAnswer:
    """A question on its way. Any thread.

    Args:
        on_event: told every event, on the chat's thread.
        on_stop: called when the user wants it to stop.
    """

    def __init__(
        self, on_event: Callable[[AnswerEvent], None], on_stop: Callable[["RunningAnswer"], None]
    ) -> None:
        self._on_event = on_event
        self._on_stop = on_stop
        self._over = threading.Event()
        self._end: AnswerFinished | AnswerRefused | None = None

    @property
    def is_over(self) -> bool:
        """Whether it was answered, stopped or refused."""
        return self._over.is_set()

    def stop(self) -> None:
        """Ask for the answer to stop; its end follows within a second or so. Does nothing when it is over."""
        if not self.is_over:
            self._on_stop(self)

    def result(self, timeout_s: float | None = None) -> Answer:
        """Wait for the end.

        Raises:
            QuestionRefused: there is no answer.
            TimeoutError: it is not over after ``timeout_s`` seconds.
        """
        if not self._over.wait(timeout_s):
            raise TimeoutError(f"no answer within {timeout_s} s")
        if isinstance(self._end, AnswerFinished):
            return self._end.answer
        assert self._end is not None
        raise QuestionRefused(self._end.title, self._end.detail)

    def tell(self, event: AnswerEvent) -> None:
        """Pass an event on to whoever asked. Of the chat service, on its thread."""
        if self.is_over:
            return
        is_end = isinstance(event, AnswerFinished | AnswerRefused)
        if is_end:
            self._end = event  # type: ignore[assignment]  # mypy does not narrow by the variable
        try:
            self._on_event(event)
        finally:
            # Last, so that who waits for the result finds the listener told.
            if is_end:
                self._over.set()
