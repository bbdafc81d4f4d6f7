"""Which chunks take part in an answer, and how strongly. Pure."""

from collections.abc import Sequence
from dataclasses import dataclass

from storage.records import CandidateChunk

LEAST_WEIGHT = 0.5
"""Factor on a chunk that takes part although no word of the question occurs in it. Several adapters at once
disturb each other, so what has less to say speaks more softly; but it may be the one that answers in other
words."""


@dataclass(frozen=True, slots=True)
class RoutedChunk:
    """A chunk that takes part.

    Attributes:
        weight: factor on its adapter's delta, in (0, 1].
    """

    candidate: CandidateChunk
    weight: float


def route(
    candidates: Sequence[CandidateChunk], budget: int, least_weight: float = LEAST_WEIGHT
) -> tuple[RoutedChunk, ...]:
    """Choose at most ``budget`` chunks, the most relevant first.

    If all candidates fit they all take part. Otherwise only those in which a word of the question occurs can
    be chosen: an arbitrary few of the rest would disturb the answer and be named as its sources.

    Args:
        candidates: all chunks of the enabled, ready documents.
        budget: how many may take part, at least 1.
        least_weight: weight of a chunk with score 0 beside one that scores; in (0, 1].
    """
    if budget < 1:
        raise ValueError(f"budget must be at least 1, got {budget}")
    chosen = sorted(candidates, key=_by_relevance)
    if len(chosen) > budget:
        chosen = [candidate for candidate in chosen if candidate.score > 0][:budget]
    best_score = max((candidate.score for candidate in chosen), default=0.0)
    return tuple(
        RoutedChunk(candidate, _weight(candidate.score, best_score, least_weight)) for candidate in chosen
    )


def shares(routed: Sequence[RoutedChunk]) -> tuple[float, ...]:
    """Each chunk's share in the adapter set; they add up to 1 unless there is no chunk."""
    total = sum(chunk.weight for chunk in routed)
    return tuple(chunk.weight / total for chunk in routed)


def _weight(score: float, best_score: float, least_weight: float) -> float:
    if best_score <= 0:
        return 1.0
    return least_weight + (1.0 - least_weight) * max(score, 0.0) / best_score


def _by_relevance(candidate: CandidateChunk) -> tuple[float, int, int]:
    # Ties in the order of the library, so that equal questions build equal sets (they are cached by content).
    return (-candidate.score, candidate.document_id, candidate.position)
