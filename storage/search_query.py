"""Words to search for: from any text to what SQLite's FTS5 can be given, without fail.

The index and the question go through the same folding, so the two agree. Pure functions.
"""

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from itertools import groupby, pairwise

MAX_TERMS = 64
"""Of a pasted page only the longest words are searched for: they tell most, and FTS5 limits an expression."""

_UNSPACED = (
    "\u0e00-\u0eff"  # Thai, Lao
    "\u1000-\u109f"  # Myanmar
    "\u1780-\u17ff"  # Khmer
    "\u3040-\u30ff\u31f0-\u31ff"  # Hiragana, Katakana
    "\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"  # Han
    "\uac00-\ud7af"  # Hangul: has spaces, but particles stick to words
)
_ACCENTS = re.compile("[\u0300-\u036f]+")
_UNSPACED_CHAR = re.compile(f"([{_UNSPACED}])")
_UNSPACED_RUN = re.compile(f"[{_UNSPACED}]+")

_STOP_WORDS = (
    "a about above after again all also am an and any anybody anyone anything are aren as ask at be "
    "because been before being below between both but by can cannot could couldn d did didn do does "
    "doesn doing don down during each either else ever every few for from further get give go got had "
    "hadn has hasn have haven having he her here hers herself him himself his how i if in into is isn "
    "it its itself just know let like ll m many may me might mine more most much must my myself "
    "neither no nor not now of off on once one only or other our ours ourselves out over own please "
    "re s same say says shall she should shouldn so some somebody someone something such t tell than "
    "that the their theirs them themselves then there these they thing this those through to too "
    "under until up upon us ve very was wasn we were weren what whatever when where whether which "
    "while who whom whose why will with without won would wouldn yes you your yours yourself"
)
STOP_WORDS = frozenset(_STOP_WORDS.split())
"""English words that say nothing about the subject of a question."""


def index_text(text: str) -> str:
    """What is indexed for a text: letters without case, accents and variants; unspaced scripts split."""
    return _UNSPACED_CHAR.sub(r" \1 ", _fold(text))


def match_terms(question: str) -> list[str]:
    """FTS5 expressions, each of which matches texts with one of the question's words.

    Returns:
        quoted words; none when the question has no word that tells anything. Nothing of the question is ever
        read as an operator: every term is letters, digits and marks between double quotes.
    """
    terms = dict.fromkeys(_terms(question))  # distinct, in order
    return [f'"{term}"' for term in sorted(terms, key=len, reverse=True)[:MAX_TERMS]]


def named_terms(question: str) -> frozenset[str]:
    """The terms of words with a capital that do not begin the question: names, mostly, in English."""
    inside = _words(question)[1:]
    return frozenset(f'"{term}"' for word in inside if word[0].isupper() for term in _terms(word))


@dataclass(frozen=True, slots=True)
class Term:
    """A term of a text, and where it stands: the characters from ``start`` up to ``end``."""

    text: str
    start: int
    end: int


def terms_of(text: str) -> Iterator[Term]:
    """The terms of a text in order; those of scripts without spaces are pairs, and overlap."""
    start = 0
    for _kind, group in groupby(text, _kind_of):
        run = "".join(group)
        end = start + len(run)
        if len(run) > 1 and _UNSPACED_CHAR.match(run):
            for first, pair in enumerate(pairwise(run), start):
                yield Term(" ".join(_fold("".join(pair))), first, first + 2)
        else:
            yield from (Term(term, start, end) for term in _terms(run))
        start = end


def _kind_of(char: str) -> int:
    """0 between words, 1 in a word, 2 in a script without spaces."""
    return 2 if _UNSPACED_CHAR.match(char) else int(_is_of_word(char))


def _terms(question: str) -> Iterator[str]:
    for word in _words(_fold(question)):
        end = 0
        for run in _UNSPACED_RUN.finditer(word):
            yield from _worth_a_search(word[end : run.start()])
            yield from _pairs(run.group())
            end = run.end()
        yield from _worth_a_search(word[end:])


def _fold(text: str) -> str:
    """Done here because the tokenizer removes accents of Latin letters only."""
    apart = unicodedata.normalize("NFKD", text.casefold())
    return unicodedata.normalize("NFKC", _ACCENTS.sub("", apart))


def _words(text: str) -> list[str]:
    return "".join(char if _is_of_word(char) else " " for char in text).split()


def _is_of_word(char: str) -> bool:
    """Letters, marks and digits: the characters that the index's tokenizer keeps."""
    return unicodedata.category(char)[0] in "LMN"


def _worth_a_search(word: str) -> Iterator[str]:
    if word and word not in STOP_WORDS:
        yield word


def _pairs(run: str) -> Iterator[str]:
    """Neighbouring characters as phrases: without spaces a pair is the nearest thing to a word."""
    if len(run) == 1:
        yield run
    for left, right in pairwise(run):
        yield f"{left} {right}"
