"""Questions that a set of contexts cannot answer: from them the model learns to refuse.

Of a far set alone they would teach no more than to tell strange words from known ones; in the app a question
without an answer is mostly about what the notes do speak of.
"""

import re
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass
from functools import cached_property

import numpy as np

from engine.training.chunked import fold, holds_words
from engine.training.corpus import Pair, Tokens
from engine.training.prompts import Templates

_ALIKE_SHARE = 0.5
"""Refusals whose question has words of the asked set, if there is such a question."""
_COMMON_SHARE = 0.5
"""Words that more of the questions have say nothing about what one asks for."""
_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class Unanswerable:
    """A question that the asked set cannot answer.

    Attributes:
        pair: the question, and its answer where it is from.
        is_alike: whether it was chosen for having words of the asked set.
    """

    pair: Pair
    is_alike: bool


class Refusals:
    """Finds them among the questions of one batch.

    Args:
        contexts: C contexts, template included.
        chosen: (C * Q) questions, context-major; each stands in a row of the set that answers it.
        set_size: neighbours that will be joined.
    """

    def __init__(
        self, contexts: Sequence[Tokens], chosen: Sequence[Pair | None], set_size: int, templates: Templates
    ) -> None:
        self._contexts, self._chosen, self._templates = contexts, chosen, templates
        self._set_size = set_size
        self._rows_per_set = len(chosen) // len(contexts) * set_size
        self._words_of_sets: dict[int, frozenset[str]] = {}

    def draw(self, row: int, rng: np.random.Generator) -> Unanswerable | None:
        """A question that the set of ``row`` cannot answer; None if there is none."""
        asked = row // self._rows_per_set
        alike = self._alike(asked, rng) if rng.random() < _ALIKE_SHARE else None
        return alike or self._far(asked, rng)

    def _far(self, asked: int, rng: np.random.Generator) -> Unanswerable | None:
        """Any question of a far set: those right beside may hold the rest of a note that this one holds."""
        n_sets = len(self._chosen) // self._rows_per_set
        far = [i for i in range(n_sets) if abs(i - asked) > 1]
        if not far:
            return None
        start = far[int(rng.integers(len(far)))] * self._rows_per_set
        pairs = [pair for pair in self._chosen[start : start + self._rows_per_set] if pair]
        return Unanswerable(pairs[int(rng.integers(len(pairs)))], is_alike=False) if pairs else None

    def _alike(self, asked: int, rng: np.random.Generator) -> Unanswerable | None:
        """The question of which the asked set has most words, but not all, and not the answer.

        The answer must stand in the set that the question is from, and so must a word that the asked set
        lacks: only then does it say anything that they do not stand in the asked one. (How tall is the
        window? may be answered where it is 2 m high.)
        """
        known = self._words_of(asked)
        ranked: list[tuple[float, int]] = []
        for row in rng.permutation(len(self._chosen)).tolist():  # equal ones in no order
            words = self._question_words[row]
            if words and row // self._rows_per_set != asked:
                share = len(words & known) / len(words)
                if 0 < share < 1:
                    ranked.append((share, row))
        ranked.sort(key=lambda entry: -entry[0])
        for _, row in ranked:
            pair, answer, source = self._chosen[row], self._answers[row], row // self._rows_per_set
            if not pair or self._has(asked, answer) or not self._has(source, answer, as_words=True):
                continue
            if (self._question_words[row] - known) & self._words_of(source):
                return Unanswerable(pair, is_alike=True)
        return None

    def _words_of(self, index: int) -> frozenset[str]:
        """Words of a set's contexts."""
        if index not in self._words_of_sets:
            self._words_of_sets[index] = _words(" ".join(self._texts_of(index)))
        return self._words_of_sets[index]

    def _has(self, index: int, answer: str, *, as_words: bool = False) -> bool:
        """Whether the answer stands in a context of a set, inside of longer words too or only ``as_words``.

        Texts are compared, since a word has other tokens behind a space than alone.
        """
        return any(
            holds_words(text, answer) if as_words else answer in text for text in self._texts_of(index)
        )

    def _texts_of(self, index: int) -> list[str]:
        return self._texts[index * self._set_size : (index + 1) * self._set_size]

    @cached_property
    def _texts(self) -> list[str]:
        """(C,) texts of the contexts."""
        n_prefix = len(self._templates.context_prefix)
        return [fold(text) for text in self._templates.texts([c[n_prefix:] for c in self._contexts])]

    @cached_property
    def _question_words(self) -> list[frozenset[str]]:
        """(C * Q) words of each question, less those of most questions; none in an empty row."""
        n_prefix, n_suffix = len(self._templates.prompt_prefix), len(self._templates.prompt_suffix)
        questions = [p[0][n_prefix : len(p[0]) - n_suffix] if p else _NOTHING for p in self._chosen]
        words = [_words(fold(text)) for text in self._templates.texts(questions)]
        counts = Counter(word for of_one in words for word in of_one)
        most = _COMMON_SHARE * sum(pair is not None for pair in self._chosen)
        common = {word for word, count in counts.items() if count > most}
        return [of_one - common for of_one in words]

    @cached_property
    def _answers(self) -> list[str]:
        """(C * Q) answers' texts."""
        n_end = len(self._templates.end_of_turn)
        answers = [p[1][: len(p[1]) - n_end] if p else _NOTHING for p in self._chosen]
        return [fold(text) for text in self._templates.texts(answers)]


_NOTHING: Tokens = np.zeros(0, np.int32)


def _words(text: str) -> frozenset[str]:
    return frozenset(_WORD.findall(text))
