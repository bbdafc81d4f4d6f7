"""The tokenizer of a GGUF file, rebuilt for the ``tokenizers`` library.

Used where llama.cpp is not loaded: by the ingest worker, to cut notes into chunks, and by the training.
tests/engine/hypernetwork/test_gguf_tokenizer.py holds it against llama.cpp's own. With SmolLM2's vocabulary
they differ only beside characters with a byte that it has no token for: six control characters, and U+40000
to U+BFFFF, where nothing is assigned.
"""

from collections.abc import Mapping
from pathlib import Path

from tokenizers import AddedToken, Regex, Tokenizer, decoders, models, pre_tokenizers
from tokenizers.pre_tokenizers import PreTokenizer

from engine.errors import ModelUnavailable
from engine.formats.gguf_header import Scalar, Value, read_header

_CONTROL_TOKEN = 3
"""llama.cpp's LLAMA_TOKEN_TYPE_CONTROL: <|im_start|> and the like."""

_QWEN2_PIECES = (
    r"(?i:'s|'t|'re|'ve|'m|'ll|'d)|[^\r\n\p{L}\p{N}]?\p{L}+|\p{N}| ?[^\s\p{L}\p{N}]+[\r\n]*"
    r"|\s*[\r\n]+|\s+(?!\S)|\s+"
)
"""As llama.cpp's LLAMA_VOCAB_PRE_TYPE_QWEN2 splits a text, which is as transformers' Qwen2Tokenizer does."""


def load_tokenizer(gguf_path: Path) -> Tokenizer:
    """The byte-level BPE tokenizer stored in a GGUF file.

    Raises:
        ModelUnavailable: the file's tokenizer is of a kind that the embedded model does not use, or the file
            is missing or damaged.
    """
    try:
        values = read_header(gguf_path).values
    except (OSError, ValueError) as exc:
        raise ModelUnavailable("The base model's file cannot be read.", f"{gguf_path.name}: {exc}") from exc
    pieces = _pieces(_value(values, "tokenizer.ggml.pre"), gguf_path.name)
    tokens = [str(token) for token in _list(values, "tokenizer.ggml.tokens")]
    merges = [_pair(str(merge)) for merge in _list(values, "tokenizer.ggml.merges")]
    types = _list(values, "tokenizer.ggml.token_type")
    vocabulary = {token: i for i, token in enumerate(tokens)}
    known = len(vocabulary) == len(types) and all(
        part in vocabulary for left, right in merges for part in (left, right, left + right)
    )
    if not known:
        raise ModelUnavailable(
            "The base model's file is damaged.",
            f"{gguf_path.name} has {len(vocabulary)} tokens and {len(types)} types, or unknown merges.",
        )

    tokenizer = Tokenizer(models.BPE(vocabulary, merges))
    tokenizer.pre_tokenizer = pieces
    tokenizer.decoder = decoders.ByteLevel()
    tokenizer.add_special_tokens(
        [
            AddedToken(t, special=True, normalized=False)
            for t, k in zip(tokens, types, strict=True)
            if k == _CONTROL_TOKEN
        ]
    )
    return tokenizer


def _pieces(kind: Value, file_name: str) -> PreTokenizer:
    """What a text is split into before its letters are merged.

    Raises:
        ModelUnavailable: a kind that the embedded model does not use.
    """
    if kind == "smollm":  # every digit is a token of its own, then GPT-2's byte-level splitting
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False)
        return pre_tokenizers.Sequence([pre_tokenizers.Digits(individual_digits=True), byte_level])
    if kind == "qwen2":
        byte_level = pre_tokenizers.ByteLevel(add_prefix_space=False, use_regex=False)
        return pre_tokenizers.Sequence([pre_tokenizers.Split(Regex(_QWEN2_PIECES), "isolated"), byte_level])
    raise ModelUnavailable(
        "This base model cannot be used by the embedded hypernetwork.",
        f"{file_name} has a tokenizer of the kind {kind!r}; expected 'smollm' or 'qwen2'.",
    )


def _value(values: Mapping[str, Value], name: str) -> Value:
    if name not in values:
        raise ModelUnavailable("The base model's file is incomplete.", f"It lacks the entry {name}.")
    return values[name]


def _list(values: Mapping[str, Value], name: str) -> list[Scalar]:
    value = _value(values, name)
    if not isinstance(value, list):
        raise ModelUnavailable("The base model's file is damaged.", f"The entry {name} is not a list.")
    return value


def _pair(merge: str) -> tuple[str, str]:
    left, _, right = merge.partition(" ")
    return left, right
