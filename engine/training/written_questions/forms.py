"""The writer's two tasks as texts: a paragraph -> an answer and its question, and a question -> its answer.

The answer comes first, so that the question is written for a span that stands in the paragraph.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Self

from tokenizers import Tokenizer

from engine.documents.chunking import iterate_chunks
from engine.evaluation.metrics import normalise_answer
from engine.evaluation.question_sets import RawExample
from engine.prompt_frame import ASSISTANT_ROLE, NEXT_TURN, TURN_END, TURN_START, USER_ROLE
from engine.training.chunked import ChunkTokens, find_owners, holds_words

_ASK = "Write a question about:\n"
_MAX_ANSWER_CHARS = 80
_MIN_QUESTION_WORDS = 4


@dataclass(frozen=True, slots=True)
class Lesson:
    """A prompt and what is to be said to it, as token ids, templates included."""

    prompt: list[int]
    target: list[int]


@dataclass(frozen=True, slots=True)
class Asked:
    """A question about a paragraph and its answer, as texts."""

    paragraph: str
    question: str
    answer: str


class Forms:
    """Texts to token ids; the template's pieces are tokenised apart from the texts."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer
        self._opening = self._ids(TURN_START + USER_ROLE)
        self._closing = self._ids(NEXT_TURN + ASSISTANT_ROLE)
        self.end_of_turn = self._ids(TURN_END)

    def _ids(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def to_ask(self, paragraph: str) -> list[int]:
        """Prompt for an answer and its question."""
        return [*self._opening, *self._ids(_ASK + paragraph), *self._closing]

    def to_answer(self, paragraph: str, question: str) -> list[int]:
        """Prompt for the answer to a question."""
        return [*self._opening, *self._ids(f"{paragraph}\n\n{question}"), *self._closing]

    def lessons(self, asked: Asked) -> tuple[Lesson, Lesson]:
        """Both tasks on one question of a person."""
        written = [*self._ids(f"{asked.answer}\n{asked.question}"), *self.end_of_turn]
        answer = [*self._ids(asked.answer), *self.end_of_turn]
        return (
            Lesson(self.to_ask(asked.paragraph), written),
            Lesson(self.to_answer(asked.paragraph, asked.question), answer),
        )


class Paragraphs:
    """Cuts texts into paragraphs with the app's chunker.

    Args:
        max_tokens: longest paragraph.
    """

    def __init__(self, tokenizer: Tokenizer, max_tokens: int) -> None:
        self._counter, self._max_tokens = ChunkTokens(tokenizer, 0), max_tokens

    def of(self, text: str) -> list[str]:
        """The paragraphs of a text, in its order."""
        text = text.strip()
        spans = iterate_chunks(text, self._counter, self._max_tokens)
        return [text[span.start : span.end] for span in spans]

    def asked(self, example: RawExample) -> list[Asked]:
        """The example's questions with the paragraph that has their answer; others are left out."""
        paragraphs = self.of(example.context)
        owners = find_owners(paragraphs, example.spans())
        return [
            Asked(paragraphs[owner], question, answers[0])
            for (question, answers), owner in zip(example.questions, owners, strict=True)
            if owner is not None and holds_words(paragraphs[owner], answers[0])
        ]


def read_written(paragraph: str, text: str) -> Asked | None:
    """What the writer wrote; None if it is no question, or its answer does not stand in the paragraph."""
    answer, _, question = (part.strip() for part in text.partition("\n"))
    is_question = question.endswith("?") and len(question.split()) >= _MIN_QUESTION_WORDS
    if not is_question or "\n" in question or not can_be_answer(paragraph, answer):
        return None
    if normalise_answer(answer) in normalise_answer(question):
        return None  # gives itself away
    return Asked(paragraph, question, answer)


def can_be_answer(text: str, answer: str) -> bool:
    """Whether it is short, says something, and stands in the text in whole words."""
    is_short = len(answer) <= _MAX_ANSWER_CHARS
    return is_short and bool(normalise_answer(answer)) and holds_words(text, answer)


def without_repeats(asked: Sequence[Asked]) -> list[Asked]:
    """One question for each answer of a paragraph, the first."""
    seen: dict[tuple[str, str], Asked] = {}
    for one in asked:
        seen.setdefault((one.paragraph, normalise_answer(one.answer)), one)
    return list(seen.values())


@dataclass(frozen=True, slots=True)
class Styles:
    """How questions are typed.

    Attributes:
        keyword_share: share of them in lower case and without a question mark.
    """

    keyword_share: float
    rng: random.Random

    def type(self, question: str) -> str:
        """The question as somebody types it."""
        if self.rng.random() < self.keyword_share:
            return question.rstrip("?").strip().lower()
        return question

    @classmethod
    def of(cls, keyword_share: float, seed: int) -> Self:
        """The same seed types the same way."""
        return cls(keyword_share, random.Random(seed))
