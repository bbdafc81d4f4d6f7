"""The passages that fit a question best, and how well its words are covered by the best of them.

The catalog finds passages by BM25; the best of these are read line by line (relevance.py).
"""

from collections.abc import Mapping
from dataclasses import dataclass, replace

from app.services.relevance import asked_things, best_line, rarity, term_factors
from storage.catalog import Catalog
from storage.records import CandidateChunk, Matches

MAX_SCORED = 256
"""How many passages get a score; far more than take part in an answer. The others count as unrelated."""

MAX_READ = 64
"""How many passages are read line by line, in which the best one nearly always is; it bounds the cost."""


@dataclass(frozen=True, slots=True)
class SearchResult:
    """What fits a question.

    Attributes:
        passages: the best ones, best first; equal ones by document and position.
        term_weights: what each term of the question weighs in a line or in the coverage, at least 0.
    """

    passages: tuple[CandidateChunk, ...]
    term_weights: Mapping[str, float]


def search(catalog: Catalog, question: str, limit: int | None) -> SearchResult:
    """The passages of enabled, READY notes that fit best.

    Those with a word of the question (or in a document whose title has one) come first, best first; the
    others follow with score 0, by document and position. Any text is a question, also an empty one.

    Args:
        catalog: the library.
        question: the user's words.
        limit: at most this many passages; None: all there are, read from the file one by one.

    Raises:
        StorageError: the catalog cannot be read.
    """
    factors = term_factors(question)
    matches = catalog.search(factors, n_scored=MAX_SCORED, n_marked=MAX_READ, n_in_all=limit)
    weights = {
        term: factor * rarity(matches.n_passages, matches.n_with_term[term])
        for term, factor in factors.items()
    }
    best = sorted(_with_best_lines(matches, weights, question), key=by_relevance)
    return SearchResult((*best, *matches.others)[:limit], weights)


def coverage(catalog: Catalog, found: SearchResult) -> float:
    """Which share of the question's words the best passage has, and its best line; their mean, in [0, 1].

    The words of its document's title stand in every line. A word counts the more, the fewer passages have it,
    and most if none has; as in BM25, but never nothing: in a library of one note BM25 gives no weight to any
    word that the note has.

    Raises:
        StorageError: the catalog cannot be read.
    """
    weights = found.term_weights
    total = sum(weights.values())
    if not total or not found.passages:
        return 0.0
    occurrences = catalog.occurrences(weights, found.passages[0])
    of_title = sum(weights[term] for term in weights if term in occurrences.in_title)
    marked = [
        (weights[term], passage)
        for term, passage in occurrences.marked.items()
        if term not in occurrences.in_title
    ]
    of_passage = sum(weight for weight, _ in marked)
    return (of_title + (of_passage + best_line(marked, ())) / 2) / total


def by_relevance(passage: CandidateChunk) -> tuple[float, int, int]:
    """Sorts the best ones first; ties as in the library, so that equal questions find equal passages."""
    return (-passage.score, passage.document_id, passage.position)


def _with_best_lines(matches: Matches, weights: Mapping[str, float], question: str) -> list[CandidateChunk]:
    things = asked_things(question)
    passages = []
    for passage in matches.scored:
        marked = [(weights[term], text) for term, text in matches.marked.get(passage.chunk_id, {}).items()]
        passages.append(replace(passage, score=passage.score + best_line(marked, things)))
    return passages
