"""Notes cut into chunks as the app cuts them, and which chunk answers which question."""

import re
from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from engine.documents.chunking import iterate_chunks

_WORD = re.compile(r"\w+")


class ChunkTokens:
    """The tokenizer as ``iterate_chunks`` wants it; remembers one note's tokens, which are asked for twice.

    Args:
        n_template: tokens of the template around a chunk.
    """

    def __init__(self, tokenizer: Tokenizer, n_template: int) -> None:
        self._tokenizer, self._n_template = tokenizer, n_template
        self._known: dict[str, list[int]] = {"": []}

    def count_tokens(self, text: str) -> int:
        """Tokens of a chunk with this text, the template's included."""
        return self._n_template + len(self.ids(text))

    def token_offsets(self, text: str) -> list[int]:
        """Where each token of the text alone starts, in characters; forgets the note before."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        self._known = {"": [], text: encoding.ids}
        return [start for start, _ in encoding.offsets]

    def ids(self, text: str) -> list[int]:
        """Tokens of a text without template."""
        if text not in self._known:
            self._known[text] = self._tokenizer.encode(text, add_special_tokens=False).ids
        return self._known[text]


@dataclass(frozen=True, slots=True)
class CutNote:
    """A note's chunks.

    Attributes:
        chunks: tokens of each, without template, in the note's order.
        owners: per question the chunk that answers it; None if no single chunk does.
    """

    chunks: list[list[int]]
    owners: list[int | None]


def cut_note(
    text: str, questions: Sequence[tuple[str, Sequence[str]]], tokens: ChunkTokens, max_tokens: int
) -> CutNote:
    """Cut a note with the app's chunker and give each question to a chunk.

    Args:
        questions: question and accepted answers, the reference answer first.
        max_tokens: longest chunk, template included.

    Raises:
        ValueError: not even one character fits ``max_tokens``.
    """
    spans = iterate_chunks(text, tokens, max_tokens)
    texts = [text[span.start : span.end] for span in spans]
    return CutNote(
        [tokens.ids(chunk) for chunk in texts], find_owners(texts, [(q, a[0]) for q, a in questions])
    )


def find_owners(chunks: Sequence[str], questions: Sequence[tuple[str, str]]) -> list[int | None]:
    """The chunk each question is answered by.

    The chunk that has the answer literally, in whole words, whatever its case and blank space; of several the
    one that has most of the question's words. A note of one chunk answers all its questions, also those
    whose answer is in other words.
    """
    if len(chunks) <= 1:
        return [0 if chunks else None for _ in questions]
    folded = [_folded(chunk) for chunk in chunks]
    words = [set(_WORD.findall(chunk)) for chunk in folded]
    owners: list[int | None] = []
    for question, answer in questions:
        wanted = _folded(answer)
        holders = [i for i, chunk in enumerate(folded) if _holds(chunk, wanted)]
        if len(holders) > 1:
            asked = set(_WORD.findall(_folded(question)))
            holders.sort(key=lambda i: -len(asked & words[i]))
        owners.append(holders[0] if holders else None)
    return owners


def _folded(text: str) -> str:
    return " ".join(text.casefold().split())


def _holds(text: str, wanted: str) -> bool:
    """Whether ``wanted`` stands in the text, not inside a longer word: no 5 in 1995."""
    start = text.find(wanted) if wanted else -1
    while start >= 0:
        end = start + len(wanted)
        cuts_word = (start > 0 and _same_word(text[start - 1], text[start])) or (
            end < len(text) and _same_word(text[end - 1], text[end])
        )
        if not cuts_word:
            return True
        start = text.find(wanted, start + 1)
    return False


def _same_word(left: str, right: str) -> bool:
    return left.isalnum() and right.isalnum()
