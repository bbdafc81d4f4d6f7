"""Which chunks take part in an answer, and with which weights. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from app.services.ranking import by_relevance
from engine.adapters.equal_weight import equal_weight
from storage.records import CandidateChunk

SHARPNESS = 4.0
"""Weight of a chunk = (its score / the best score) to this power.

Adapters that are applied together disturb each other, and the best passage is not always the right one. The
power and the default of eight passages were chosen on training sets (docs/training-log.md, "Routing"): 8
loses where one of several like passages answers, 2 and less where they are not alike.
"""

MIN_WEIGHT = 0.02
"""A chunk of lower weight takes no part: it would only interfere, and be named as a source."""


@dataclass(frozen=True, slots=True)
class RetrievedChunk:
    """A chunk that takes part.

    Attributes:
        weight: factor on its adapter's delta, in (0, 1].
    """

    candidate: CandidateChunk
    weight: float


def retrieve(candidates: Sequence[CandidateChunk], budget: int) -> tuple[RetrievedChunk, ...]:
    """Choose at most ``budget`` chunks, the most relevant first.

    Those in which no word of the question occurs take part only if that is true of all and all of them fit:
    an arbitrary few would disturb the answer and be named as its sources.

    Args:
        candidates: the chunks of enabled, ready documents that fit best; more than ``budget``, if there are.
        budget: how many may take part, at least 1.
    """
    if budget < 1:
        raise ValueError(f"budget must be at least 1, got {budget}")
    ordered = sorted(candidates, key=by_relevance)
    best_score = ordered[0].score if ordered else 0.0
    if best_score <= 0:
        return (
            tuple(RetrievedChunk(candidate, 1.0) for candidate in ordered) if len(ordered) <= budget else ()
        )
    retrieved = (
        RetrievedChunk(candidate, (max(candidate.score, 0.0) / best_score) ** SHARPNESS)
        for candidate in ordered[:budget]
    )
    return tuple(chunk for chunk in retrieved if chunk.weight >= MIN_WEIGHT)


def take_all(candidates: Sequence[CandidateChunk]) -> tuple[RetrievedChunk, ...]:
    """Every chunk at the same weight, the most relevant first."""
    ordered = sorted(candidates, key=by_relevance)
    return tuple(RetrievedChunk(candidate, equal_weight(len(ordered))) for candidate in ordered)


def shares(weights: Sequence[float]) -> tuple[float, ...]:
    """The share in the adapter set that each weight stands for; they add up to 1 unless there is none."""
    total = sum(weights)
    return tuple(weight / total for weight in weights)
