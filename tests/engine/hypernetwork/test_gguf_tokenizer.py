"""The tokenizer of the ingest worker and the training against llama.cpp's own, on the real vocabulary."""

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any, cast

import gguf
import llama_cpp
import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from tokenizers import Tokenizer

from engine.errors import ModelUnavailable
from engine.formats.gguf_header import read_header
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.models.embedded import find_embedded_gguf
from tests.engine.tiny_llama import SPECIAL_TOKENS, TinySize, vocabulary, write_gguf

Tokenise = Callable[[str], list[int]]
reads_real_model = pytest.mark.model

WORDS = st.sampled_from(
    """
    the Käse don't WE'LL it's naïve Zürich Straße ÇA œuvre привет שלום مرحبا 日本語 中文字符 한국어
    é e\u0301 ½ ² ٣ Ⅳ 12 👩\u200d👩\u200d👧 🇨🇭 😀 3.14 1,000 f(x): += {'a':[0]} <b> https://a.b/c?d=1
    #!/bin/sh snake_case €5 — … <|im_end|> <|im_start|>user <repo_name> \u200b \ufeff \x00 \U0010ffff
    """.strip().split()  # a list of forty words is no easier to read
)
GAPS = st.sampled_from(
    ["", " ", "  ", "    ", "\n", "\n\n", "\r\n", "\t", " \n ", " \t  ", "\u00a0", "\u3000", "\x85", "\u2028"]
)
MADE_UP = st.lists(st.tuples(WORDS, GAPS), max_size=12).map(lambda pairs: "".join(w + g for w, g in pairs))
# Without the characters whose bytes SmolLM2 has no tokens for: their neighbours are merged differently.
KNOWN = st.one_of(
    st.characters(
        exclude_categories=["Cs"], exclude_characters="\x04\x06\x13\x14\x16\x1d", max_codepoint=0x3FFFF
    ),
    st.characters(min_codepoint=0xC0000),
)
ANY = st.text(KNOWN, max_size=60)


@pytest.fixture(scope="module")
def llama_cpp_tokens(f16_base_model: Path) -> Iterator[Tokenise]:
    """llama.cpp's tokenizer; special tokens are not recognised."""
    yield from llama_cpp_tokens_of(f16_base_model)


def llama_cpp_tokens_of(path: Path) -> Iterator[Tokenise]:
    params = llama_cpp.llama_model_default_params()
    params.vocab_only = True
    model = llama_cpp.llama_model_load_from_file(str(path).encode(), params)
    assert model is not None
    vocab = llama_cpp.llama_model_get_vocab(model)

    def tokenise(text: str) -> list[int]:
        data = text.encode()
        tokens = (llama_cpp.llama_token * (len(data) + 8))()
        count = llama_cpp.llama_tokenize(vocab, data, len(data), tokens, len(tokens), False, False)
        assert count >= 0
        return list(tokens[:count])

    yield tokenise
    llama_cpp.llama_model_free(model)


@pytest.fixture(scope="module")
def note_tokenizer(f16_base_model: Path) -> Tokenizer:
    """As notes are tokenised: special tokens are not recognised either."""
    tokenizer = load_tokenizer(f16_base_model)
    tokenizer.encode_special_tokens = True
    return tokenizer


@pytest.fixture(scope="module")
def qwens_vocabulary(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """SmolLM2's vocabulary under the name of Qwen's tokenizer.

    With tokens that only the one splitting of texts or only the other may ever make.
    """
    values = read_header(find_embedded_gguf()).values
    tokens, merges, types = (
        list(cast("list[Any]", values[f"tokenizer.ggml.{name}"]))
        for name in ("tokens", "merges", "token_type")
    )
    for merge in (". Ċ", "Ċ Ċ", ".Ċ Ċ", ") Ċ", "Ġ Ċ", "1 2", "( a", "' s", "' S", "âĢľ a", "Ġ âĢľ"):
        if merge not in merges and set(merge.split()) <= set(tokens):
            merges.append(merge)
            if merge.replace(" ", "") not in tokens:
                tokens.append(merge.replace(" ", ""))
                types.append(1)
    path = tmp_path_factory.mktemp("qwen") / "vocabulary.gguf"
    writer = gguf.GGUFWriter(path, "qwen2")
    writer.add_tokenizer_model("gpt2")
    writer.add_tokenizer_pre("qwen2")
    writer.add_token_list(tokens)
    writer.add_token_merges(merges)
    writer.add_token_types(types)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    return path


@pytest.fixture(scope="module")
def qwens_llama_cpp_tokens(qwens_vocabulary: Path) -> Iterator[Tokenise]:
    yield from llama_cpp_tokens_of(qwens_vocabulary)


@pytest.fixture(scope="module")
def qwens_note_tokenizer(qwens_vocabulary: Path) -> Tokenizer:
    tokenizer = load_tokenizer(qwens_vocabulary)
    tokenizer.encode_special_tokens = True
    return tokenizer


def ids(tokenizer: Tokenizer, text: str) -> list[int]:
    return list(tokenizer.encode(text, add_special_tokens=False).ids)


@reads_real_model
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(MADE_UP, ANY))
@example("")
@example(" ")
@example("a  b   c    1  2")
@example("Room 1204, 20:15, +41 44 668 18 00")
@example("\n\n\n  - item\n  - item\n\n")
@example("if x:\n    return {'k': [1, 2]}  # ok\n")
def test_texts_have_the_tokens_that_llama_cpp_gives_them(
    llama_cpp_tokens: Tokenise, note_tokenizer: Tokenizer, text: str
) -> None:
    assert ids(note_tokenizer, text) == llama_cpp_tokens(text)


@reads_real_model
@settings(max_examples=400, suppress_health_check=[HealthCheck.too_slow])
@given(st.one_of(MADE_UP, ANY))
@example("He said (as ever):\n\n“No.”\n \n\nIT'S 12.\r\n\tEnd.\n")
def test_texts_have_the_tokens_that_llama_cpp_gives_them_with_qwens_splitting(
    qwens_llama_cpp_tokens: Tokenise, qwens_note_tokenizer: Tokenizer, text: str
) -> None:
    assert ids(qwens_note_tokenizer, text) == qwens_llama_cpp_tokens(text)


@reads_real_model
def test_qwens_full_stop_takes_the_line_break_and_its_digits_stay_apart(
    qwens_note_tokenizer: Tokenizer,
) -> None:
    assert qwens_note_tokenizer.encode("12.\na").tokens == ["1", "2", ".Ċ", "a"]


@reads_real_model
@pytest.mark.parametrize("prefix", ["", "qwens_"])
def test_every_character_of_the_basic_plane_is_split_alike(
    request: pytest.FixtureRequest, prefix: str
) -> None:
    llama_cpp_tokens: Tokenise = request.getfixturevalue(f"{prefix}llama_cpp_tokens")
    note_tokenizer: Tokenizer = request.getfixturevalue(f"{prefix}note_tokenizer")
    # In blocks: between letters, after a space and doubled, which is where the classes of characters matter.
    for start in range(0, 0x10000, 0x100):
        if 0xD800 <= start < 0xE000:
            continue  # surrogates are no characters
        text = "".join(f"a{chr(c)}b {chr(c)}{chr(c)}" for c in range(start, start + 0x100))
        assert ids(note_tokenizer, text) == llama_cpp_tokens(text), f"U+{start:04X}"


@reads_real_model
@settings(max_examples=150)
@given(ANY)
def test_tokens_decode_to_the_text(note_tokenizer: Tokenizer, text: str) -> None:
    assert note_tokenizer.decode(ids(note_tokenizer, text), skip_special_tokens=False) == text


@reads_real_model
@pytest.mark.parametrize("text", ["a\x06b", "\U00040000", "x \U00077000 y"])
def test_characters_without_tokens_are_dropped_as_llama_cpp_drops_them(
    llama_cpp_tokens: Tokenise, note_tokenizer: Tokenizer, text: str
) -> None:
    assert ids(note_tokenizer, text) == llama_cpp_tokens(text)


@reads_real_model
def test_special_tokens_are_recognised_in_templates_and_are_plain_text_in_notes(
    f16_base_model: Path, note_tokenizer: Tokenizer, llama_cpp_tokens: Tokenise
) -> None:
    template_tokenizer = load_tokenizer(f16_base_model)
    text = "<|im_start|>user\n<|im_end|>"
    start, *_, end = ids(template_tokenizer, text)
    assert (start, end) == (1, 2)
    in_a_note = ids(note_tokenizer, text)
    assert not {0, 1, 2} & set(in_a_note)
    assert in_a_note == llama_cpp_tokens(text)
    assert note_tokenizer.decode(in_a_note, skip_special_tokens=False) == text


@reads_real_model
def test_numbers_are_cut_into_digits(note_tokenizer: Tokenizer) -> None:
    assert note_tokenizer.encode("on 2024", add_special_tokens=False).tokens == [
        "on",
        "Ġ",
        "2",
        "0",
        "2",
        "4",
    ]


# --- files that must not be used ------------------------------------------------------------------------


def test_a_tiny_file_has_merges_and_special_tokens(tmp_path: Path) -> None:
    tokenizer = load_tokenizer(write_gguf(tmp_path / "tiny.gguf", TinySize(), {}))
    assert tokenizer.encode("<|im_start|>in the").tokens == ["<|im_start|>", "in", "Ġthe"]
    assert tokenizer.get_vocab_size() == len(vocabulary())
    assert [tokenizer.token_to_id(token) for token in SPECIAL_TOKENS] == [0, 1, 2]


def test_a_tokenizer_of_another_kind_is_refused(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", TinySize(), {}, tokenizer="llama-bpe")
    with pytest.raises(ModelUnavailable, match="'llama-bpe'"):
        load_tokenizer(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        load_tokenizer(tmp_path / "nowhere.gguf")


def test_a_merge_of_unknown_tokens_is_refused(tmp_path: Path) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", TinySize(), {})
    # "Ġ a" becomes "Ġ 中"-like: a letter pair that is in no vocabulary, of the same length in bytes.
    data = path.read_bytes().replace(b"h e", b"hhe")
    path.write_bytes(data)
    with pytest.raises(ModelUnavailable, match="unknown merges"):
        load_tokenizer(path)
