"""A passage as a graph of tokens: what may follow what, and where an answer may begin.

The passage's own tokens are a chain. Beside it, each word has the spellings with which an answer may begin:
it has other tokens there, for no space stands before it.
"""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from functools import lru_cache
from itertools import accumulate

from engine.chat.tokenizer import SpellingTokenizer

MAX_WORDS = 1024
"""Longer passages are cut: where everything may be said, nothing is preferred."""
_MAX_KEPT = 256
_MAX_STARTS = 4
"""Places inside one word from which it may be copied: a path or a web address has many."""
_FIRST_FOREIGN_BYTE = 0x80

_WORD = re.compile(r"\w+")


@dataclass(frozen=True, slots=True)
class TokenAutomaton:
    """Places in a passage, each with a token.

    Attributes:
        tokens: of each place.
        following: of each place, the places that may come next; none at the passage's end.
        starts: places where an answer may begin.
        n_words: of the passage.
    """

    tokens: tuple[int, ...]
    following: tuple[tuple[int, ...], ...]
    starts: tuple[int, ...]
    n_words: int


class PassageGraphs:
    """Makes graphs, and keeps recent ones: a passage takes 2 ms, and the same ones are asked again and again.

    Args:
        tokenizer: of the base model.
    """

    def __init__(self, tokenizer: SpellingTokenizer) -> None:
        self._tokenizer = tokenizer
        self.of = lru_cache(_MAX_KEPT)(self._make)

    def _make(self, passage: str) -> TokenAutomaton:
        return _Builder(self._tokenizer, passage.split()[:MAX_WORDS]).build()


class _Builder:
    def __init__(self, tokenizer: SpellingTokenizer, words: Sequence[str]) -> None:
        self._tokenizer, self._words = tokenizer, words
        self._tokens: list[int] = []
        self._following: list[tuple[int, ...]] = []
        self._starts: list[int] = []

    def build(self) -> TokenAutomaton:
        ends = self._add_text()
        spellings = [_spellings(word) for word in self._words]
        tokens_of = _tokenize_apart(self._tokenizer, sorted({s for of_word in spellings for s in of_word}))
        for of_word, after in zip(spellings, ends, strict=True):
            self._starts += [self._add_chain(tokens_of[spelling], after) for spelling in of_word]
        return TokenAutomaton(
            tuple(self._tokens), tuple(self._following), tuple(self._starts), len(self._words)
        )

    def _add_text(self) -> list[tuple[int, ...]]:
        """The words as they follow each other.

        Returns:
            What follows each word: the marks at its end, if it has any, and the next word.
        """
        text = "".join(f" {word}" for word in self._words)
        tokens = self._tokenizer.tokenize(text, parse_special=False)
        pieces = [self._tokenizer.piece_of(token) for token in tokens]
        self._add_chain(tokens, ())
        # An answer may go on with each word, and anywhere in a script without spaces.
        self._starts += [
            place
            for place, piece in enumerate(pieces)
            if piece[:1] == b" " or (piece and piece[0] >= _FIRST_FOREIGN_BYTE)
        ]
        place_at = {n: place for place, n in enumerate([0, *accumulate(map(len, pieces))][:-1])}
        ends: list[tuple[int, ...]] = []
        begin = 0
        for word in self._words:
            letters = begin + 1 + _n_bytes(word[: _end_of_letters(word)])
            begin += 1 + _n_bytes(word)
            # A tokenizer may join what is apart here: then nothing is known to follow.
            ends.append(tuple(sorted({place_at[n] for n in (letters, begin) if n in place_at})))
        return ends

    def _add_chain(self, tokens: Sequence[int], after: tuple[int, ...]) -> int:
        """Add tokens that follow each other, ``after`` following the last one; returns the first's place."""
        first = len(self._tokens)
        self._tokens += tokens
        self._following += [(first + i + 1,) for i in range(len(tokens) - 1)]
        if tokens:
            self._following.append(after)
        return first


def _spellings(word: str) -> list[str]:
    """How a word may begin an answer: as it stands, from each of its parts on, with its first letter changed.

    Without a mark at its end: tokenizers may join that to what follows.
    """
    starts = [match.start() for match in _WORD.finditer(word)][:_MAX_STARTS]
    if not starts:
        return []
    end = _end_of_letters(word)
    whole = word[starts[0] : end]
    changed = {whole[0].upper() + whole[1:], whole[0].lower() + whole[1:]}
    return sorted(changed | {word[start:end] for start in (0, *starts)})


def _end_of_letters(word: str) -> int:
    """Where the marks at a word's end begin."""
    return max((match.end() for match in _WORD.finditer(word)), default=len(word))


def _n_bytes(text: str) -> int:
    return len(text.encode("utf-8", errors="replace"))  # as the runtime gives it to llama.cpp


def _tokenize_apart(tokenizer: SpellingTokenizer, texts: Sequence[str]) -> dict[str, list[int]]:
    """Tokens of each text by itself, in one call: a call takes a tenth of a millisecond."""
    line_break = tokenizer.tokenize("a\na", parse_special=False)[1:-1]
    joined = tokenizer.tokenize("\n".join(["a", *texts, "a"]), parse_special=False)
    lines: list[list[int]] = [[]]
    for token in joined:
        if [token] == line_break:
            lines.append([])
        else:
            lines[-1].append(token)
    if len(lines) != len(texts) + 2:  # this tokenizer joins line breaks with their neighbours
        return {text: tokenizer.tokenize(text, parse_special=False) for text in texts}
    return dict(zip(texts, lines[1:-1], strict=True))
