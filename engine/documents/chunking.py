"""A document's text to chunks that fit the hypernetwork.

A chunk ends where a reader would pause: before a heading, between paragraphs, after a sentence, between
words, in this order; inside a word only when the word alone is too long. Among these places the one is taken
that makes the chunks about equally long: 400 tokens become two chunks of 200, not 384 and 16, because an
adapter of a few words says little and takes as much room in an answer as any other.
"""

import re
from bisect import bisect_left
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from math import ceil
from typing import Protocol


class TokenCounter(Protocol):
    """The base model's tokenizer, as far as chunking needs it."""

    def count_tokens(self, text: str) -> int:
        """Tokens of a chunk with this text, the template's included."""
        ...

    def token_offsets(self, text: str) -> Sequence[int]:
        """Where each token of the text alone starts, in characters, ascending."""
        ...


@dataclass(frozen=True, slots=True)
class TextSpan:
    """``text[start:end]``, without blank space at its ends."""

    start: int
    end: int


@dataclass(frozen=True, slots=True)
class _Break:
    """A place where a chunk may end.

    Attributes:
        end: where the text before it ends; only blank space lies between this and the next chunk.
        cost: 0 for the best kind of place; compared with the squared relative distance to the ideal length.
    """

    end: int
    cost: float


_COST_HEADING = 0.0
_COST_PARAGRAPH = 0.15
_COST_LINE = 0.4
"""A list's next entry, a table's next row, or a line that ended with its sentence."""
_COST_SENTENCE = 0.5
_COST_NEW_LINE = 0.8
"""A line that begins with a capital letter or a digit: a poem, an address; or a sentence that was wrapped."""
_COST_WRAPPED_LINE = 2.0
_COST_WORD = 3.0
_COST_INSIDE_WORD = 3.6
_COST_AFTER_HEADING = 4.0
"""A heading belongs to what follows it; even the middle of a sentence is a better place."""
_COST_ONE_MORE_CHUNK = 0.3
"""For leaving so much over that it takes one chunk more than necessary."""

_HORIZON_CHARS = 200
"""How far past the last possible end of a chunk it is looked what follows there."""

_MARKED_HEADING = re.compile(r" {0,3}#{1,6}\s|\*{2,} \S")
"""Markdown, and Org from the second level on (one star is a bullet in Markdown)."""
_RULE = re.compile(r"([=\-~^*_])\1{2,}\s*$")
"""Directly below a line it makes that a heading (Markdown, reStructuredText); alone it divides a text."""
_LIST_OR_TABLE = re.compile(r"\s*(?:[-*+•>]\s|\d+[.)]\s|\|)")
_SENTENCE_END = re.compile(r"""[.!?…]["'”’»)\]]*(?=\s+[^\sa-z])|[。！？]""")
_ENDS_SENTENCE = re.compile(r"""[.!?…:;。！？]["'”’»)\]]*\s*$""")
_WORD_END = re.compile(r"(?<=\S)(?=\s)")


def chunk_text(text: str, tokens: TokenCounter, max_tokens: int) -> tuple[TextSpan, ...]:
    """Divide a text into spans of at most ``max_tokens`` tokens each, by ``tokens.count_tokens``.

    The spans are in order, do not overlap, and leave out nothing but blank space. The text is tokenized once
    as a whole and about once in pieces, whatever its length.

    Raises:
        ValueError: not even one character fits ``max_tokens``.
    """
    return tuple(iterate_chunks(text, tokens, max_tokens))


def iterate_chunks(text: str, tokens: TokenCounter, max_tokens: int) -> Iterator[TextSpan]:
    """``chunk_text``, one span after the other: for long texts, where the caller may want to stop."""
    return _Chunker(text, tokens, max_tokens).spans()


class _Chunker:
    """One call of ``chunk_text``."""

    def __init__(self, text: str, tokens: TokenCounter, max_tokens: int) -> None:
        self._text = text
        self._tokens = tokens
        self._max_tokens = max_tokens
        self._starts = tokens.token_offsets(text)
        self._budget = max(1, max_tokens - tokens.count_tokens(""))

    def spans(self) -> Iterator[TextSpan]:
        yield from self._divide(0, len(self._text), self._budget)

    def _divide(self, start: int, end: int, budget: int) -> Iterator[TextSpan]:
        """Spans of ``text[start:end]``, planned for ``budget`` tokens each."""
        while span := self._trim(start, end):
            start = span.end
            if (n_left := self._n_tokens(span.start, span.end)) > budget:
                start = self._best_end(span, n_left, budget)
            if piece := self._trim(span.start, start):
                yield from self._checked(piece, budget)

    def _checked(self, span: TextSpan, budget: int) -> Iterator[TextSpan]:
        """The span, if it fits; else its parts.

        Cut out, a text may have a few tokens more than inside the whole: a word loses the space before it,
        or is cut where two tokens were one.
        """
        n_tokens = self._tokens.count_tokens(self._text[span.start : span.end])
        if n_tokens <= self._max_tokens:
            yield span
            return
        if span.end - span.start == 1:
            raise ValueError(
                f"one character needs {n_tokens} tokens, but a chunk may have {self._max_tokens} at most"
            )
        smaller = min(budget, self._n_tokens(span.start, span.end)) * 2 // 3
        if smaller >= 1:
            yield from self._divide(span.start, span.end, smaller)
        else:  # a single token of the whole text becomes many when it stands alone
            middle = (span.start + span.end) // 2
            yield from self._divide(span.start, middle, budget)
            yield from self._divide(middle, span.end, budget)

    def _best_end(self, rest: TextSpan, n_left: int, budget: int) -> int:
        """Where the next chunk of ``rest``, which has ``n_left`` tokens, ends; after ``rest.start``."""
        first = bisect_left(self._starts, rest.start)
        limit = self._starts[first + budget]  # exists: n_left > budget
        n_chunks = ceil(n_left / budget)
        ideal = n_left / n_chunks

        def cost(place: _Break) -> float:
            n_tokens = self._n_tokens(rest.start, place.end)
            needs_one_more = n_left - n_tokens > (n_chunks - 1) * budget
            distance = (n_tokens - ideal) / ideal
            return distance * distance + place.cost + (_COST_ONE_MORE_CHUNK if needs_one_more else 0.0)

        # The last resort, also where there is no blank space at all; one character at least, so that it ends.
        inside_word = max(self._starts[first + ceil(ideal)], rest.start + 1)
        places = [_Break(inside_word, _COST_INSIDE_WORD)]
        horizon = min(limit + _HORIZON_CHARS, rest.end)
        places += (place for place in _breaks(self._text, rest.start, horizon) if place.end <= limit)
        return min(places, key=cost).end

    def _n_tokens(self, start: int, end: int) -> int:
        return bisect_left(self._starts, end) - bisect_left(self._starts, start)

    def _trim(self, start: int, end: int) -> TextSpan | None:
        """``text[start:end]`` without the blank space at its ends; None when nothing is left."""
        text = self._text
        while start < end and text[start].isspace():
            start += 1
        while start < end and text[end - 1].isspace():
            end -= 1
        return TextSpan(start, end) if start < end else None


def _breaks(text: str, start: int, horizon: int) -> Iterator[_Break]:
    """All places inside ``text[start:horizon]`` where a chunk that begins at ``start`` may end."""
    above, above_end, is_above_heading = "", start, False
    is_blank_between = False
    position = start
    while position < horizon:
        newline = text.find("\n", position, horizon)
        line_end = horizon if newline < 0 else newline + 1
        below = text[position:line_end].rstrip()
        if below:
            is_underline = bool(above and not is_blank_between and _RULE.match(below))
            if above and (is_above_heading or is_underline):
                yield _Break(above_end, _COST_AFTER_HEADING)
            elif above:
                yield _Break(above_end, _border_cost(above, below, is_blank_between=is_blank_between))
            is_above_heading = is_underline or _MARKED_HEADING.match(below) is not None
            above, above_end = below, position + len(below)
            yield from _breaks_in_line(text, position, above_end, is_heading=is_above_heading)
        is_blank_between = not below
        position = line_end


def _border_cost(above: str, below: str, *, is_blank_between: bool) -> float:
    """How bad it is to end a chunk between two lines of which the upper one is no heading."""
    if _MARKED_HEADING.match(below) or _RULE.match(below):
        return _COST_HEADING
    if is_blank_between:
        return _COST_PARAGRAPH
    if _LIST_OR_TABLE.match(below) or _ENDS_SENTENCE.search(above[-10:]):
        return _COST_LINE
    return _COST_WRAPPED_LINE if below.lstrip()[0].islower() else _COST_NEW_LINE


def _breaks_in_line(text: str, start: int, end: int, *, is_heading: bool) -> Iterator[_Break]:
    """Places inside a line whose text ends at ``end``; not that end itself."""
    for match in _WORD_END.finditer(text, start, end):
        yield _Break(match.start(), _COST_WORD)
    if not is_heading:
        for match in _SENTENCE_END.finditer(text, start, end):
            if match.end() < end:
                yield _Break(match.end(), _COST_SENTENCE)
