"""The search in SQL against the same in Python over the whole library, as it was written first."""

import random
import sqlite3
from contextlib import closing
from pathlib import Path

import pytest

from app.services.ranking import MAX_READ, MAX_SCORED, coverage, search
from app.services.relevance import asked_things, best_line, rarity, term_factors
from app.services.retrieval import retrieve, take_all
from storage.database import Database
from storage.records import CandidateChunk
from storage.search import MARK
from tests.storage.library import Library

WORDS = [
    *("garden", "house", "kitchen", "boiler", "Marta", "Tomas", "painted", "repaired", "date", "name"),
    *("number", "price", "release", "party", "budget", "tiles", "oak", "roses", "4417", "7b", "2024"),
    *("clinic", "dentist", "blue", "tablets"),
]

QUESTIONS = (
    "",
    "What is it about?",
    "Xylophones?",
    "When was the garden painted by Marta?",
    "How much did Tomas pay for the release party in 2024?",
    "What is the name of the dentist with number 4417?",
    "Kitchen tiles",
    "house",
    "note",
    "Is the boiler in room 7b blue?",
    " ".join(WORDS),
)
LIMITS = (1, 2, 8, 9, MAX_READ, MAX_SCORED + 10, None)
N_NOTES = 220


def fill(library: Library) -> None:
    """Notes of few words, so that they are alike; copies, notes that are off, queued and failed ones."""
    chance = random.Random(7)
    known: list[list[str]] = []
    for number in range(N_NOTES):
        name = f"note {number} {chance.choice(WORDS)}.md"
        if known and chance.random() < 0.15:
            passages = chance.choice(known)
        else:
            passages = [passage(chance) for _ in range(chance.randint(1, 4))]
            known.append(passages)
        document = library.learn(name, *passages)
        if chance.random() < 0.25:
            library.catalog.set_enabled([document.id], False)
        elif chance.random() < 0.05:
            library.catalog.mark_failed(document.id, "No.", "")
    library.add("waiting kitchen.md")


def passage(chance: random.Random) -> str:
    lines = [" ".join(chance.choices(WORDS, k=chance.randint(1, 6))) for _ in range(chance.randint(1, 4))]
    return chance.choice((". ", "\n")).join(lines)


class Reference:
    """Everything that may answer is in memory, and every score is added up in Python."""

    def __init__(self, connection: sqlite3.Connection) -> None:
        self.connection = connection
        self.candidates: dict[int, CandidateChunk] = {}
        self.chunks_of: dict[int, list[int]] = {}
        documents = connection.execute(
            "SELECT id, content_id, title, path FROM documents "
            "WHERE enabled AND state = 'ready' AND kind = 'note' ORDER BY id"
        ).fetchall()
        for document_id, content_id, title, path in documents:
            chunks = connection.execute(
                "SELECT id, position, text FROM chunks WHERE content_id = ? ORDER BY position", (content_id,)
            ).fetchall()
            self.chunks_of[document_id] = [chunk[0] for chunk in chunks]
            for chunk_id, position, text in chunks:
                one = CandidateChunk(chunk_id, document_id, title, Path(path), position, text, 0.0)
                self.candidates.setdefault(chunk_id, one)

    def search(self, question: str) -> list[CandidateChunk]:
        scores = self.scores(question)
        found = [
            CandidateChunk(
                one.chunk_id,
                one.document_id,
                one.document_title,
                one.document_path,
                one.position,
                one.text,
                scores.get(one.chunk_id, 0.0),
            )
            for one in self.candidates.values()
        ]
        return sorted(found, key=lambda one: (-one.score, one.document_id, one.position))

    def scores(self, question: str) -> dict[int, float]:
        factors = term_factors(question)
        if not factors:
            return {}
        of_passages = self.passage_scores(factors)
        scores = dict(of_passages)
        for chunk_id, score in self.title_scores(factors).items():
            scores[chunk_id] = scores.get(chunk_id, 0.0) + score
        ranked = sorted(
            (-score, chunk_id) for chunk_id, score in scores.items() if chunk_id in self.candidates
        )
        best = {chunk_id: -minus for minus, chunk_id in ranked[:MAX_SCORED]}
        weights = self.weights(factors)
        to_read = [chunk_id for chunk_id in best if chunk_id in of_passages][:MAX_READ]
        for chunk_id in to_read:
            best[chunk_id] += best_line(self.marked(chunk_id, weights), asked_things(question))
        return best

    def passage_scores(self, factors: dict[str, float]) -> dict[int, float]:
        terms_by_factor: dict[float, list[str]] = {}
        for term, factor in factors.items():
            terms_by_factor.setdefault(factor, []).append(term)
        scores: dict[int, float] = {}
        for factor, terms in terms_by_factor.items():
            for chunk_id, score in self.connection.execute(
                "SELECT rowid, -bm25(chunk_search) FROM chunk_search WHERE chunk_search MATCH ?",
                (" OR ".join(terms),),
            ):
                scores[chunk_id] = scores.get(chunk_id, 0.0) + factor * score
        return scores

    def title_scores(self, factors: dict[str, float]) -> dict[int, float]:
        scores: dict[int, float] = {}
        for document_id, score in self.connection.execute(
            "SELECT rowid, -bm25(title_search) FROM title_search WHERE title_search MATCH ?",
            (" OR ".join(factors),),
        ):
            for chunk_id in self.chunks_of.get(document_id, ()):
                scores[chunk_id] = max(score, scores.get(chunk_id, 0.0))
        return scores

    def weights(self, factors: dict[str, float]) -> dict[str, float]:
        (n_chunks,) = self.connection.execute("SELECT count(*) FROM chunks").fetchone()
        weights = {}
        for term, factor in factors.items():
            (n_with,) = self.connection.execute(
                "SELECT count(*) FROM chunk_search WHERE chunk_search MATCH ?", (term,)
            ).fetchone()
            weights[term] = factor * rarity(n_chunks, n_with)
        return weights

    def marked(self, chunk_id: int, weights: dict[str, float]) -> list[tuple[float, str]]:
        marked = []
        for term, weight in weights.items():
            row = self.connection.execute(
                "SELECT highlight(chunk_search, 0, ?, '') FROM chunk_search "
                "WHERE chunk_search MATCH ? AND rowid = ?",
                (MARK, term, chunk_id),
            ).fetchone()
            if row:
                marked.append((weight, row[0]))
        return marked

    def coverage(self, question: str) -> float:
        scores = self.scores(question)
        if not scores:
            return 0.0
        first = min(scores, key=lambda chunk_id: (-scores[chunk_id], chunk_id))
        weights = self.weights(term_factors(question))
        of_title = {
            term: weight
            for term, weight in weights.items()
            if self.connection.execute(
                "SELECT 1 FROM title_search WHERE title_search MATCH ? AND rowid = ?",
                (term, self.candidates[first].document_id),
            ).fetchone()
        }
        marked = self.marked(first, {term: weights[term] for term in weights if term not in of_title})
        of_passage = sum(weight for weight, _ in marked)
        return (sum(of_title.values()) + (of_passage + best_line(marked, ())) / 2) / sum(weights.values())


def test_passages_scores_order_and_coverage_are_those_of_a_search_of_the_whole_library(
    library: Library, database: Database
) -> None:
    fill(library)
    n_documents = len(library.catalog.documents())
    with closing(sqlite3.connect(database.path)) as connection:
        for n_off in (0, n_documents - 6, n_documents):
            # All that were on; all but a few, which the others must not crowd out; none.
            library.catalog.set_enabled([one.id for one in library.catalog.documents()[:n_off]], False)
            reference = Reference(connection)
            for question in QUESTIONS:
                expected = reference.search(question)
                for limit in LIMITS:
                    assert_same(search(library.catalog, question, limit).passages, expected[:limit])
                for budget in (1, 3, 8):
                    chosen = retrieve(search(library.catalog, question, budget + 1).passages, budget)
                    whole = retrieve(expected, budget)
                    assert_same([one.candidate for one in chosen], [one.candidate for one in whole])
                    assert [one.weight for one in chosen] == pytest.approx([one.weight for one in whole])
                everything = take_all(search(library.catalog, question, None).passages)
                assert_same([one.candidate for one in everything], expected)
                found = search(library.catalog, question, 1)
                assert coverage(library.catalog, found) == pytest.approx(reference.coverage(question))


def assert_same(
    found: list[CandidateChunk] | tuple[CandidateChunk, ...], expected: list[CandidateChunk]
) -> None:
    assert [without_score(one) for one in found] == [without_score(one) for one in expected]
    # Newer versions of SQLite add up with less rounding.
    assert [one.score for one in found] == pytest.approx([one.score for one in expected], rel=1e-12)


def without_score(passage: CandidateChunk) -> tuple[object, ...]:
    return (
        passage.chunk_id,
        passage.document_id,
        passage.document_title,
        passage.document_path,
        passage.position,
        passage.text,
    )
