"""A question from its asking to its answer: what the chat's thread knows about it meanwhile."""

from dataclasses import dataclass, field

from app.services.answer_sets import AnswerSet
from app.services.answers import Answer, AnswerText, RunningAnswer, in_words
from app.services.confidence import NOT_IN_NOTES, Calibration, Evidence
from engine.messages import AnswerBegun, AnswerDone, AnswerMode
from storage.records import AnswerFacts


@dataclass(frozen=True, slots=True)
class Question:
    """What was asked.

    Attributes:
        running: whoever waits for the answer.
        chat_id: where both are to be kept; None keeps nothing.
    """

    running: RunningAnswer
    chat_id: int | None
    text: str
    mode: AnswerMode


@dataclass(slots=True)
class CurrentQuestion:
    """The question that is being answered. Of the chat's thread.

    Attributes:
        chat_id: where the answer is kept; None when nothing is kept, or no longer.
        engine_turn_id: names it to the worker; None until it was sent.
        text: the model's words so far.
        preface: what is said before them.
        stop_sent_s: when the worker was asked to stop; None if it was not.
    """

    question: Question
    chat_id: int | None
    engine_turn_id: int | None = None
    answer_set: AnswerSet = field(default_factory=AnswerSet)
    text: str = ""
    preface: str = ""
    evidence: Evidence | None = None
    confidence: float | None = None
    stop_sent_s: float | None = None

    def check_fit(self, begun: AnswerBegun, calibration: Calibration | None) -> None:
        """Say before the first word that it is a guess, if it is."""
        if self.answer_set.coverage is None:
            return
        self.evidence = Evidence(self.answer_set.coverage, begun.first_logprob, begun.absent_logprob)
        if calibration is None:
            return
        self.confidence = calibration.confidence(self.evidence)
        if self.confidence < calibration.threshold:
            self.preface = NOT_IN_NOTES
            self.question.running.tell(AnswerText(f"{NOT_IN_NOTES}\n\n"))

    def add(self, text: str) -> None:
        """Pass the next words on."""
        self.text += text
        self.question.running.tell(AnswerText(text))

    def said(self, text: str) -> str:
        """All that is kept of an answer whose words are ``text``."""
        return in_words(self.preface, text)

    def answer(self, text: str, facts: AnswerFacts, turn_id: int | None, *, stopped: bool) -> Answer:
        """The answer whose words are ``text``."""
        return Answer(
            text,
            self.question.mode,
            self.answer_set.sources,
            facts,
            stopped,
            turn_id,
            preface=self.preface,
            evidence=self.evidence,
            confidence=self.confidence,
        )


def facts_of(done: AnswerDone) -> AnswerFacts:
    """What is measured of an answer."""
    return AnswerFacts(
        prompt_tokens=done.prompt_tokens,
        completion_tokens=done.completion_tokens,
        adapter_rank=done.adapter_rank,
        first_token_s=done.first_token_s,
        tokens_per_s=done.tokens_per_s,
        device=done.device,
    )
