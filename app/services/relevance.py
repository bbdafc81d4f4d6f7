"""How much each word of a question counts, and how well the best line of a passage fits it. Pure.

A passage p scores, over the terms t of the question,

    sum of f(t) BM25(p, t)  +  max over lines l of p of [ sum of f(t) idf(t) over the t in l ] * k(l)

where f is ``term_factors``, idf is ``rarity``, and k is ``KIND_FACTOR`` for a line that has a thing of the
kind that is asked for, else 1. Chosen on training sets: docs/decisions/0008-lines-in-the-score.md.

The tables of words and kinds are English. In a question of another language no word is an asking word and no
kind is asked for; its words, names, digits and lines count all the same.
"""

import math
import re
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

from storage.search import MARK
from storage.search_query import match_terms, named_terms

NAME_BONUS = 0.25
"""What a word with a capital inside the question counts more: mostly it is a name."""

NUMBER_BONUS = 0.5
"""What a word with a digit counts more."""

ASKING_FACTOR = 0.5
"""Of an asking word: it says what to answer with, and stands in the notes where it wants."""

KIND_FACTOR = 1.4
"""Of a line that has a thing of the kind that is asked for."""

_ASKING_WORDS = (
    "call called calling calls came come comes coming date dated dates day days exactly find finding "
    "finds forgot happen happened happening happens idea ideas item items kind kinds long made make makes "
    "making moment moments month months name named names naming need needed needing needs note noted notes "
    "number numbered numbers old people person persons place placed places remember remembered remembering "
    "remembers remind reminded reminding reminds sort sorted sorts thing things time timed times type typed "
    "types use used uses using year years"
)
ASKING_WORDS = frozenset(_ASKING_WORDS.split())
"""English words that say what is asked for rather than where it stands, in their usual forms."""

_LINE_END = re.compile(r"\n+|(?<=[.!?;。।۔؟])\s+")

_MONTH = r"(?:jan|feb|mar|apr|may|jun|jul|aug|sep|oct|nov|dec)[a-z]*"
_DATE = "|".join(
    (
        rf"\b\d{{1,2}}(?:st|nd|rd|th)?(?: of)? {_MONTH}\b",
        rf"\b{_MONTH}\.? \d{{1,4}}\b",
        r"\b(?:january|february|march|april|june|july|august|september|october|november|december)\b",
        r"\b\d{4}-\d\d-\d\d\b",
        r"\b\d{1,2}[./]\d{1,2}[./]\d{2,4}\b",
        r"\b(?:1[5-9]|20)\d\d\b",
        r"\b(?:mon|tues|wednes|thurs|fri|satur|sun)day\b",
        r"\b(?:today|tomorrow|tonight|yesterday)\b",
    )
)
_CLOCK_TIME = r"\b\d{1,2}:\d\d\b|\b\d{1,2} ?[ap]\.?m\b|\bnoon\b|\bmidnight\b"
_MONEY = r"[$€£]\s?\d|\d\s?(?:euros?|dollars?|pounds?|eur|usd|chf|francs?|[$€£])"


@dataclass(frozen=True, slots=True)
class _Kind:
    """A kind of thing to ask for.

    Attributes:
        asked: found in questions that ask for it, without case.
        thing: found in lines that have one, without case and accents.
    """

    asked: re.Pattern[str]
    thing: re.Pattern[str]


_KINDS = tuple(
    _Kind(re.compile(asked), re.compile(thing))
    for asked, thing in (
        (r"\bwhen\b", f"{_DATE}|{_CLOCK_TIME}"),
        (r"\btime\b", _CLOCK_TIME),
        (r"\b(?:date|day|year|birthday|due|deadline)\b", _DATE),
        (r"\bhow (?:many|old|tall|high|big|hot|far|heavy|long)\b|\bpercentage\b", r"\d"),
        (r"\bhow much\b|\b(?:costs?|price|pay|paid|budget|fee|rent|money|salary|owes?|bill)\b", _MONEY),
        (r"\bphone|\bcall\b", r"\d{3,}"),
        (r"e-?mail", r"\S@\S"),
        (r"\b(?:website|url|link)\b", r"https?:|www\.|\w\.(?:com|org|net)\b"),
        (
            r"\b(?:number|code|pin|iban|serial|key|password|chip|plate|reference|ref)\b",
            r"\b(?=\w*\d)(?=\w*[a-z])[\w-]{4,}\b|\d{4,}",
        ),
    )
)


def term_factors(question: str) -> dict[str, float]:
    """How much each term of ``match_terms`` counts, in its order; 1 is a plain word."""
    names = named_terms(question)
    return {term: _factor(term, is_name=term in names) for term in match_terms(question)}


def rarity(n_passages: int, n_with_term: int) -> float:
    """Weight of a term by the passages that have it; above 0 even if all have.

    Source: the idf of Lucene's BM25Similarity. FTS5's own gives a word of half the passages nothing.
    """
    return math.log(1.0 + (n_passages - n_with_term + 0.5) / (n_with_term + 0.5))


def asked_things(question: str) -> tuple[re.Pattern[str], ...]:
    """What the things that the question asks for look like; empty if it asks for no known kind."""
    folded = question.casefold()
    return tuple(kind.thing for kind in _KINDS if kind.asked.search(folded))


def best_line(marked: Iterable[tuple[float, str]], things: Sequence[re.Pattern[str]]) -> float:
    """The weight of a passage's best line: of its terms, times ``KIND_FACTOR`` if it has an asked thing.

    Args:
        marked: for each term that the passage has, its weight, and the passage with ``MARK`` before the term.
        things: from ``asked_things``.
    """
    weights: dict[int, float] = {}  # by the line's number
    lines: list[str] = []
    for weight, passage in marked:
        lines = _LINE_END.split(passage)
        for number, line in enumerate(lines):
            if MARK in line:
                weights[number] = weights.get(number, 0.0) + weight
    return max(
        (weight * _kind_factor(lines[number], things) for number, weight in weights.items()), default=0.0
    )


def _kind_factor(line: str, things: Sequence[re.Pattern[str]]) -> float:
    plain = line.replace(MARK, "")
    return KIND_FACTOR if any(thing.search(plain) for thing in things) else 1.0


def _factor(term: str, *, is_name: bool) -> float:
    has_digit = any(char.isdigit() for char in term)
    factor = 1.0 + NAME_BONUS * is_name + NUMBER_BONUS * has_digit
    return factor * ASKING_FACTOR if term.strip('"') in ASKING_WORDS else factor
