"""Which chunks take part in an answer, and how strongly. Pure."""

import math
from collections.abc import Sequence
from dataclasses import dataclass

from storage.records import CandidateChunk

SHARPNESS = 4.0
"""Weight of a chunk = (its score / the best score) to this power.

Adapters that are applied together disturb each other. Measured on the 36 questions about the twelve sample
notes, all on, four chunks each, first hypernetwork: token recall .18 with all weights 1, .24 falling linearly
to .5, .38 with powers 2 and 3, .39 with power 4, as good as the best chunk alone; and notes that score alike
still share.
"""

LEAST_WEIGHT = 0.05
"""A chunk that takes part without a word of the question may be the one that says it in other words."""


@dataclass(frozen=True, slots=True)
class RoutedChunk:
    """A chunk that takes part.

    Attributes:
        weight: factor on its adapter's delta, in (0, 1].
    """

    candidate: CandidateChunk
    weight: float


def route(candidates: Sequence[CandidateChunk], budget: int) -> tuple[RoutedChunk, ...]:
    """Choose at most ``budget`` chunks, the most relevant first.

    If all candidates fit they all take part. Otherwise only those in which a word of the question occurs can
    be chosen: an arbitrary few of the rest would disturb the answer and be named as its sources.

    Args:
        candidates: all chunks of the enabled, ready documents.
        budget: how many may take part, at least 1.
    """
    if budget < 1:
        raise ValueError(f"budget must be at least 1, got {budget}")
    chosen = sorted(candidates, key=_by_relevance)
    if len(chosen) > budget:
        chosen = [candidate for candidate in chosen if candidate.score > 0][:budget]
    best_score = max((candidate.score for candidate in chosen), default=0.0)
    return tuple(RoutedChunk(candidate, _weight(candidate.score, best_score)) for candidate in chosen)


def shares(routed: Sequence[RoutedChunk]) -> tuple[float, ...]:
    """Each chunk's share in the adapter set; they add up to 1 unless there is no chunk."""
    total = sum(chunk.weight for chunk in routed)
    return tuple(chunk.weight / total for chunk in routed)


def _weight(score: float, best_score: float) -> float:
    if best_score <= 0:
        return 1.0
    return max(LEAST_WEIGHT, math.pow(max(score, 0.0) / best_score, SHARPNESS))


def _by_relevance(candidate: CandidateChunk) -> tuple[float, int, int]:
    # Ties in the order of the library, so that equal questions build equal sets (they are cached by content).
    return (-candidate.score, candidate.document_id, candidate.position)
