"""Notes cut into chunks as the app cuts them, and which chunk answers which question."""

import re
from bisect import bisect_left
from collections.abc import Sequence
from dataclasses import dataclass

from tokenizers import Tokenizer

from engine.documents.chunking import iterate_chunks

_WORD = re.compile(r"\w+")
_FIRST_BLANK = re.compile(r"\s")


class ChunkTokens:
    """The tokenizer as ``iterate_chunks`` wants it; tokenises a note once, and of its chunks the first words.

    Args:
        n_template: tokens of the template around a chunk.
    """

    def __init__(self, tokenizer: Tokenizer, n_template: int) -> None:
        self._tokenizer, self._n_template = tokenizer, n_template
        self._note, self._note_ids, self._starts = "", list[int](), list[int]()
        self._known: dict[str, list[int]] = {}

    def count_tokens(self, text: str) -> int:
        """Tokens of a chunk with this text, the template's included."""
        return self._n_template + len(self.ids(text))

    def token_offsets(self, text: str) -> list[int]:
        """Where each token of the text alone starts, in characters; the text is the note from now on."""
        encoding = self._tokenizer.encode(text, add_special_tokens=False)
        self._note, self._note_ids = text, encoding.ids
        self._starts = [start for start, _ in encoding.offsets]
        self._known = {"": [], text: self._note_ids}
        return self._starts

    def ids(self, text: str) -> list[int]:
        """Tokens of a text without template."""
        if text not in self._known:
            self._known[text] = self._cut_out(text) or self._encoded(text)
        return self._known[text]

    def _cut_out(self, text: str) -> list[int] | None:
        """Tokens of a part of the note; None if it is none, or its ends cut tokens.

        From the first blank that begins a token on, a part has the tokens it has in the whole. Its first word
        may have others, for it lost the space before it.
        """
        start = self._note.find(text)
        end = start + len(text)
        if start < 0 or not self._begins_a_token(end):
            return None
        blank = _FIRST_BLANK.search(text)
        if blank is None or not self._begins_a_token(start + blank.start()):
            return None
        first = bisect_left(self._starts, start + blank.start())
        rest = self._note_ids[first : bisect_left(self._starts, end)]
        return self._encoded(text[: blank.start()]) + rest

    def _begins_a_token(self, place: int) -> bool:
        """Whether a token certainly begins at this place of the note, whatever stands around the text.

        Before a space one does, and before a line break (a digit even stands alone); not before other blanks,
        nor before a line break behind punctuation, of which Qwen's tokenizer makes one token.
        """
        after, before = self._note[place : place + 1], self._note[place - 1 : place]
        return after in ("", " ") or (after == "\n" and before.isalnum())

    def _encoded(self, text: str) -> list[int]:
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)


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
    text: str, questions: Sequence[tuple[str, str]], tokens: ChunkTokens, max_tokens: int
) -> CutNote:
    """Cut a note with the app's chunker and give each question to a chunk.

    Args:
        questions: question and the span that answers it, as ``RawExample.spans`` gives them.
        max_tokens: longest chunk, template included.

    Raises:
        ValueError: not even one character fits ``max_tokens``.
    """
    spans = iterate_chunks(text, tokens, max_tokens)
    texts = [text[span.start : span.end] for span in spans]
    return CutNote([tokens.ids(chunk) for chunk in texts], find_owners(texts, questions))


def find_owners(chunks: Sequence[str], questions: Sequence[tuple[str, str]]) -> list[int | None]:
    """The chunk each question is answered by.

    The chunk that has the answer literally, in whole words, whatever its case and blank space; of several the
    one that has most of the question's words. A note of one chunk answers all its questions, also those
    whose answer is in other words.
    """
    if len(chunks) <= 1:
        return [0 if chunks else None for _ in questions]
    folded = [fold(chunk) for chunk in chunks]
    words = [set(_WORD.findall(chunk)) for chunk in folded]
    owners: list[int | None] = []
    for question, answer in questions:
        wanted = fold(answer)
        holders = [i for i, chunk in enumerate(folded) if _holds(chunk, wanted)]
        if len(holders) > 1:
            asked = set(_WORD.findall(fold(question)))
            holders.sort(key=lambda i: -len(asked & words[i]))
        owners.append(holders[0] if holders else None)
    return owners


def holds_words(text: str, wanted: str) -> bool:
    """Whether a text has a span literally, in whole words, whatever its case and blank space."""
    return _holds(fold(text), fold(wanted))


def fold(text: str) -> str:
    """Whatever its case and blank space."""
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
