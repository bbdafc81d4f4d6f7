"""Prefers the notes' own words while an answer is chosen.

An adapter knows what a note says better than how it is spelt: a name or a number has several tokens, and one
wrong token spoils it. The passages that take part are at hand, so their words are made likelier, and most so
those that go on where the answer stands in a passage. The prompt stays without them.

After the copying mechanisms of Gu et al. 2016 (CopyNet, arXiv 1603.06393) and See et al. 2017 (arXiv
1704.04368), with fixed weights in the place of a trained gate.
"""

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from engine.chat.token_automaton import MAX_WORDS, TokenAutomaton

FOREIGN_NATS = 2.0
"""What the logit of a token loses that no passage has.

This and the next were chosen on questions that the hypernetwork was not trained on: docs/decisions/0009.
"""
BREAK_NATS = 4.0
"""What a token loses that does not go on as a passage does where the answer stands in it."""


class CopyBias:
    """Where an answer stands in the passages that take part.

    Args:
        graphs: of the passages, that of the greatest weight first; taken until MAX_WORDS words are full.
        ends: tokens that end a turn; they never lose anything.
        n_vocab: number of logits.
    """

    def __init__(self, graphs: Iterable[TokenAutomaton], *, ends: Iterable[int], n_vocab: int) -> None:
        self._tokens: list[int] = []
        self._following: list[tuple[int, ...]] = []
        self._starts: list[int] = []
        self._join(graphs)
        self._losses = np.full(n_vocab, -FOREIGN_NATS - BREAK_NATS, np.float32)
        self._losses[self._tokens] = -BREAK_NATS
        self._losses[list(ends)] = 0.0
        self._starting = self._tokens_at(self._starts)
        self._places, self._going_on = self._starts, self._starting

    def prefer(self, logits: NDArray[np.float32]) -> NDArray[np.float32]:
        """Logits (n_vocab,) -> new ones, in which the passages' words stand out."""
        preferred = logits + self._losses
        preferred[self._going_on] = logits[self._going_on]
        return preferred

    def take(self, token: int) -> None:
        """Go on to where the answer stands after its next token; anywhere, if no passage has it."""
        places = self._after(self._places, token)
        if places is None:
            places = self._after(self._starts, token)
        self._places = self._starts if places is None else places
        self._going_on = self._starting if places is None else self._tokens_at(places)

    def _after(self, places: Sequence[int], token: int) -> list[int] | None:
        """Where one stands after the token; None if none of the places has it."""
        taken = [place for place in places if self._tokens[place] == token]
        return sorted({after for place in taken for after in self._following[place]}) if taken else None

    def _tokens_at(self, places: Sequence[int]) -> list[int]:
        return sorted({self._tokens[place] for place in places})

    def _join(self, graphs: Iterable[TokenAutomaton]) -> None:
        n_words = 0
        for graph in graphs:
            n_words += graph.n_words
            if n_words > MAX_WORDS:
                return
            first = len(self._tokens)
            self._tokens += graph.tokens
            self._following += [tuple(first + place for place in places) for places in graph.following]
            self._starts += [first + place for place in graph.starts]
