"""What an adapter must fit: the linear layers of a base model, by llama.cpp's names."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.formats.gguf_header import read_header

_INTERLEAVED = frozenset({"llama"})
"""Architectures whose GGUFs hold the rows of queries and keys in another order than transformers.

llama.cpp rotates neighbouring numbers of a head there, transformers the two halves of it, and its converter
permutes the rows. An adapter written without that permutation would be silently wrong.
"""
_AS_IN_TRANSFORMERS = frozenset({"gemma2", "gemma3", "qwen2", "qwen3"})
"""Architectures whose GGUFs keep those rows as they are. Of any other, queries and keys cannot be adapted."""


@dataclass(frozen=True, slots=True)
class AdapterTarget:
    """A base model's architecture and layers.

    Attributes:
        architecture: ``general.architecture`` of the base model.
        n_layers: its decoder blocks.
        modules: llama.cpp's tensor name -> (d_in, d_out), of every layer an adapter may touch.
        interleaved: tensor name -> number of heads, of those whose rows llama.cpp keeps interleaved.
    """

    architecture: str
    n_layers: int
    modules: Mapping[str, tuple[int, int]]
    interleaved: Mapping[str, int] = field(default_factory=dict)


def read_target(value: Callable[[str], str | None]) -> AdapterTarget:
    """The target that a base model's GGUF metadata describe.

    Args:
        value: a key's value as text; None if the file does not say.

    Raises:
        ModelUnavailable: a size is missing.
    """
    architecture = _required(value, "general.architecture")
    n_layers = _size(value, f"{architecture}.block_count")
    d_model = _size(value, f"{architecture}.embedding_length")
    d_ffn = _size(value, f"{architecture}.feed_forward_length")
    n_heads = _size(value, f"{architecture}.attention.head_count")
    n_kv_heads = _size(value, f"{architecture}.attention.head_count_kv", n_heads)
    d_key = _size(value, f"{architecture}.attention.key_length", d_model // n_heads)
    d_value = _size(value, f"{architecture}.attention.value_length", d_model // n_heads)
    modules = {
        "ffn_down": (d_ffn, d_model),
        "ffn_up": (d_model, d_ffn),
        "ffn_gate": (d_model, d_ffn),
        "attn_v": (d_model, n_kv_heads * d_value),
        "attn_output": (n_heads * d_value, d_model),
    }
    if architecture in _INTERLEAVED | _AS_IN_TRANSFORMERS:
        modules |= {"attn_q": (d_model, n_heads * d_key), "attn_k": (d_model, n_kv_heads * d_key)}
    is_interleaved = architecture in _INTERLEAVED
    interleaved = {"attn_q": n_heads, "attn_k": n_kv_heads} if is_interleaved else {}
    return AdapterTarget(architecture, n_layers, modules, interleaved)


def target_of(base_model: Path) -> AdapterTarget:
    """The target that a base model's GGUF file describes.

    Raises:
        ModelUnavailable: the file is missing or damaged, or does not say it.
    """
    try:
        values = read_header(base_model).values
    except (OSError, ValueError) as exc:
        raise ModelUnavailable("The language model's file is damaged.", f"{base_model}: {exc}.") from exc
    return read_target(lambda key: str(values[key]) if key in values else None)


def _required(value: Callable[[str], str | None], key: str) -> str:
    found = value(key)
    if found is None:
        raise ModelUnavailable("The language model cannot be used.", f"Its file does not say {key}.")
    return found


def _size(value: Callable[[str], str | None], key: str, default: int | None = None) -> int:
    if default is not None and value(key) is None:
        return default
    found = _required(value, key)
    if not found.isdecimal() or int(found) < 1:
        raise ModelUnavailable("The language model cannot be used.", f"Its file says {found!r} as {key}.")
    return int(found)
