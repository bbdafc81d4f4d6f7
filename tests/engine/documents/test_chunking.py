import re
import time
from collections.abc import Sequence

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.documents.chunking import TextSpan, chunk_text

TEMPLATE_TOKENS = 3
MAX_TOKENS = 40


class WordTokens:
    """Like byte-level BPE: a word takes its leading space along; long words and rare letters are several."""

    def __init__(self) -> None:
        self.n_characters_counted = 0

    def token_offsets(self, text: str) -> Sequence[int]:
        self.n_characters_counted += len(text)
        offsets: list[int] = []
        for piece in re.finditer(r" ?[^\W\d_]{1,6}|\d|\s|.", text):
            offsets += [piece.start()] * (1 if piece[0].isascii() else 2)
        return offsets

    def count_tokens(self, text: str) -> int:
        return TEMPLATE_TOKENS + len(self.token_offsets(text))


class ContextTokens(WordTokens):
    """Pieces cut out of the text have far more tokens than inside it."""

    def count_tokens(self, text: str) -> int:
        return TEMPLATE_TOKENS + 2 * len(self.token_offsets(text))


def chunks(text: str, max_tokens: int = MAX_TOKENS) -> list[str]:
    return [text[span.start : span.end] for span in chunk_text(text, WordTokens(), max_tokens)]


def assert_valid(text: str, spans: Sequence[TextSpan], tokens: WordTokens, max_tokens: int) -> None:
    position = 0
    for span in spans:
        assert position <= span.start < span.end <= len(text), "spans are in order, apart and not empty"
        assert not text[position : span.start].strip(), "only blank space lies between spans"
        piece = text[span.start : span.end]
        assert piece == piece.strip()
        assert tokens.count_tokens(piece) <= max_tokens
        position = span.end
    assert not text[position:].strip(), "the end of the text is covered"


words = st.one_of(
    st.text(alphabet="abcdefgh", min_size=1, max_size=12),
    st.sampled_from(["# ", "## ", "- ", "* ", "1. ", "| ", "---", "===", "Dr.", "end.", "What?!", "”", "…"]),
    st.text(min_size=1, max_size=8),
    st.text(alphabet="xyz", min_size=200, max_size=400),
)
gaps = st.sampled_from([" ", " ", " ", "\n", "\n\n", "\n \n", "  \n\n\n", "\t", "", "\u00a0", "\u3000"])
texts = st.lists(st.tuples(words, gaps), max_size=150).map(lambda parts: "".join(a + b for a, b in parts))


@settings(max_examples=300)
@given(text=texts, max_tokens=st.integers(min_value=6, max_value=60))
def test_spans_are_ordered_disjoint_complete_and_fit(text: str, max_tokens: int) -> None:
    tokens = WordTokens()
    assert_valid(text, chunk_text(text, tokens, max_tokens), tokens, max_tokens)


@settings(max_examples=100)
@given(text=texts)
def test_spans_fit_also_when_a_piece_has_more_tokens_alone_than_inside_the_text(text: str) -> None:
    tokens = ContextTokens()
    assert_valid(text, chunk_text(text, tokens, 25), tokens, 25)


@settings(max_examples=100)
@given(n_paragraphs=st.integers(2, 40), n_words=st.integers(1, 20))
def test_no_chunk_is_tiny_when_paragraphs_are_alike(n_paragraphs: int, n_words: int) -> None:
    text = "\n\n".join([" ".join(["word"] * n_words) + "."] * n_paragraphs)
    lengths = [len(chunk.split()) for chunk in chunks(text)]
    assert max(lengths) <= 3 * min(lengths) or min(lengths) >= n_words


@pytest.mark.parametrize("text", ["", "   \n\n \t ", "\u3000"])
def test_a_text_without_letters_gives_no_chunk(text: str) -> None:
    assert chunks(text) == []


def test_a_short_note_stays_whole() -> None:
    note = "# Garden\n\nThe gate's code is 4711.\n\nWater the roses."
    assert chunks(f"\n{note}\n\n") == [note]


def test_a_text_slightly_too_long_becomes_two_even_chunks() -> None:
    sentence = "Seven small words stand here in line."  # 8 tokens
    text = " ".join([sentence] * 6)
    assert chunks(text) == [" ".join([sentence] * 3)] * 2


def test_paragraphs_are_preferred_to_sentences() -> None:
    first = "One two three four five six. Seven eight nine ten one two."
    second = "Red blue green grey pink. Black white brown gold lime. Olive teal navy cyan rust."
    assert chunks(f"{first}\n\n{second}", max_tokens=30) == [first, second]


def test_a_heading_stays_with_its_paragraph() -> None:
    body = "one two three four five six seven eight nine ten one two three four."
    parts = [f"{heading}\n\n{body}" for heading in ("# Rent", "## Roof", "Bees\n====")]
    assert chunks("\n\n".join(parts), max_tokens=30) == parts


def test_a_heading_is_not_left_behind_when_only_the_heading_would_fit() -> None:
    body = "one two three four five six seven eight nine ten. " * 4
    text = f"Some words come first and they end here.\n\n# Heading\n\n{body}"
    for chunk in chunks(text, max_tokens=20):
        assert not chunk.endswith("# Heading")


def test_a_rule_between_blank_lines_is_a_border_and_no_heading() -> None:
    half = "one two three four five six seven eight nine ten one two three four"
    assert chunks(f"{half}\n\n---\n\n{half}", max_tokens=30) == [half, f"---\n\n{half}"]


def test_list_entries_are_not_cut() -> None:
    entries = [f"- entry {n} has some words" for n in "abcdefghijkl"]
    for chunk in chunks("\n".join(entries)):
        assert all(line in entries for line in chunk.split("\n"))


def test_wrapped_prose_is_cut_at_sentences_and_not_at_line_ends() -> None:
    sentence = "all of these words belong\nto one long sentence that was\nwrapped by hand."
    text = " ".join([sentence.replace("all", "All")] * 4)
    assert all(chunk.endswith(".") for chunk in chunks(text, max_tokens=30))


def test_a_gigantic_word_is_cut_so_that_it_fits() -> None:
    tokens = WordTokens()
    text = "See: " + "x" * 10_000 + " end."
    spans = chunk_text(text, tokens, MAX_TOKENS)
    assert_valid(text, spans, tokens, MAX_TOKENS)
    assert len(spans) < 1.3 * len(tokens.token_offsets(text)) / (MAX_TOKENS - TEMPLATE_TOKENS)


def test_text_without_spaces_is_cut_after_its_sentences() -> None:
    sentence = "今天我去商店买面包。"
    assert all(chunk.endswith("。") for chunk in chunks(sentence * 12, max_tokens=90))


def test_a_character_that_cannot_fit_is_refused_with_the_numbers() -> None:
    with pytest.raises(ValueError, match="needs 5 tokens, but a chunk may have 4"):
        chunks("é è", max_tokens=4)


@pytest.mark.parametrize(
    "unit",
    ["word and word, then more. ", "nospaceatall", "line\n", " ", "\n", ". ", "a\n\n", "# h\n"],
    ids=["prose", "one-word", "lines", "blanks", "newlines", "stops", "paragraphs", "headings"],
)
def test_time_and_tokenizing_grow_no_faster_than_the_text(unit: str) -> None:
    def seconds(n_characters: int) -> float:
        text = (unit * n_characters)[:n_characters] + "end"
        tokens = WordTokens()
        started = time.process_time()
        spans = chunk_text(text, tokens, 384)
        elapsed = time.process_time() - started
        assert spans[-1].end == len(text)
        return elapsed

    small, large = seconds(50_000), seconds(400_000)
    # Eight times the text; a quadratic algorithm would take 64 times as long.
    assert large < 24 * max(small, 0.02), f"{small:.3f} s for 50 kB, {large:.3f} s for 400 kB"


def test_the_text_is_tokenized_as_a_whole_once_and_in_pieces_about_once() -> None:
    tokens = WordTokens()
    text = "word and word, then more. " * 4000
    chunk_text(text, tokens, 384)
    assert tokens.n_characters_counted < 2.5 * len(text)
