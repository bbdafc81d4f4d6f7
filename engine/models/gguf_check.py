"""Whether a GGUF file holds a whole language model: what its header says it has must be there.

llama.cpp finds most of this out as well, but only when somebody asks the first question.
"""

import math
import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.formats.gguf_header import GgufHeader, read_header
from engine.models.base_geometry import AdapterTarget, read_target

_ONE_OF_SEVERAL = re.compile(r"-(\d{5})-of-(\d{5})\.gguf$", re.IGNORECASE)
"""How llama-gguf-split names what it makes."""
_BLOCK = re.compile(r"blk\.(\d+)\.")
_EMBEDDING = "token_embd.weight"
_NORMS = ("attn_norm", "ffn_norm")


class NotAWholeModel(ModelUnavailable):
    """A GGUF file is no language model, or not all of one; the detail says what it has."""


@dataclass(frozen=True, slots=True)
class GgufFacts:
    """What a GGUF file says it is.

    Attributes:
        architecture: as llama.cpp names it; empty if it does not say.
        n_layers, d_model, n_vocab: decoder layers, width, tokens; 0 if it does not say.
        d_kv: numbers per token and layer in the key cache; as wide as the model if it does not say less.
        n_parameters: numbers in all its tensors.
    """

    architecture: str
    n_layers: int
    d_model: int
    n_vocab: int
    d_kv: int
    n_parameters: int

    @classmethod
    def of(cls, header: GgufHeader) -> "GgufFacts":
        """Read them."""
        values = header.values
        named = values.get("general.architecture", "")
        architecture = named if isinstance(named, str) else ""

        def count(key: str) -> int:
            found = values.get(f"{architecture}.{key}", 0)
            return found if isinstance(found, int) and not isinstance(found, bool) else 0

        tokens = values.get("tokenizer.ggml.tokens")
        d_model, n_heads = count("embedding_length"), count("attention.head_count")
        d_head = count("attention.key_length") or (d_model // n_heads if n_heads else 0)
        return cls(
            architecture,
            count("block_count"),
            d_model,
            len(tokens) if isinstance(tokens, list) else 0,
            count("attention.head_count_kv") * d_head or d_model,
            sum(math.prod(tensor.shape) for tensor in header.tensors),
        )

    def __str__(self) -> str:
        """For people, after "it is" or "it has"."""
        if not self.architecture:
            return "of no architecture that it names"
        sizes = f"{self.n_layers or 'no'} layers of {self.d_model or 'no'} numbers"
        return f"of the architecture {self.architecture!r} with {sizes} and {self.n_vocab or 'no'} tokens"


def read_model(path: Path) -> GgufHeader:
    """The header of a GGUF file that holds a whole language model, of whatever kind.

    Raises:
        NotAWholeModel: it cannot be read, is another kind of GGUF, one of several files, cut off, or lacks
            layers.
    """
    if not path.is_file():  # a named pipe would never end
        raise NotAWholeModel("There is no such file.", f"{path} is not there, or is no file.")
    try:
        header = read_header(path)
    except (OSError, ValueError) as exc:
        raise NotAWholeModel("This GGUF file cannot be read.", f"{path}: {exc}") from exc
    _check_kind(path, header)
    _check_not_split(path, header)
    _check_not_cut_off(path, header)
    _check_layers(path, header)
    return header


def check_matrices(path: Path, header: GgufHeader) -> None:
    """See that each layer has its matrices in the sizes that the header gives: of Llama's relatives only.

    Args:
        path: of the file, for the message.
        header: from ``read_model``.

    Raises:
        NotAWholeModel: one is missing or has other sizes.
        ModelUnavailable: the header lacks a size.
    """
    values = header.values
    target = read_target(lambda key: str(values[key]) if key in values else None)
    found = {tensor.name: tensor.shape for tensor in header.tensors}
    for name, shape in _needed(target, GgufFacts.of(header)):
        if name not in found:
            raise NotAWholeModel("This GGUF file is not complete.", f"{path} lacks the tensor {name}.")
        if found[name] != shape:
            raise NotAWholeModel(
                "This GGUF file is damaged.", f"{path}: its tensor {name} is {found[name]}, expected {shape}."
            )


def _needed(target: AdapterTarget, facts: GgufFacts) -> Iterator[tuple[str, tuple[int, ...]]]:
    """Name and shape (slowest axis first) of what every such model has."""
    yield _EMBEDDING, (facts.n_vocab, facts.d_model)
    yield "output_norm.weight", (facts.d_model,)
    for layer in range(target.n_layers):
        for norm in _NORMS:
            yield f"blk.{layer}.{norm}.weight", (facts.d_model,)
        for module, (d_in, d_out) in target.modules.items():
            yield f"blk.{layer}.{module}.weight", (d_out, d_in)


def _check_kind(path: Path, header: GgufHeader) -> None:
    kind = header.values.get("general.type", "model")
    if kind != "model":
        raise NotAWholeModel(
            "This GGUF file is no language model.", f"{path} says that it is of the type {kind!r}."
        )
    if not GgufFacts.of(header).architecture:
        raise NotAWholeModel(
            "This GGUF file is no language model.", f"{path} does not say general.architecture."
        )


def _check_not_split(path: Path, header: GgufHeader) -> None:
    named = _ONE_OF_SEVERAL.search(path.name)
    is_split = header.values.get("split.count", 0) not in (0, 1)
    if is_split or (named and int(named[2]) > 1):
        raise NotAWholeModel(
            "This GGUF file is one of several.",
            f"{path}: join them with llama-gguf-split --merge, and name the result otherwise.",
        )


def _check_not_cut_off(path: Path, header: GgufHeader) -> None:
    if not header.tensors:
        raise NotAWholeModel(
            "This GGUF file is empty.",
            f"{path} is {GgufFacts.of(header)}, but holds no tensors. Fetch it again.",
        )
    n_found, n_needed = path.stat().st_size, _end_of_tensors(header)
    if n_found < n_needed:
        raise NotAWholeModel(
            "This GGUF file is cut off.", f"{path} has {n_found} bytes and needs {n_needed}. Fetch it again."
        )


def _check_layers(path: Path, header: GgufHeader) -> None:
    facts = GgufFacts.of(header)
    embedding = next((tensor.shape for tensor in header.tensors if tensor.name == _EMBEDDING), None)
    if embedding is None:
        raise NotAWholeModel("This GGUF file is not complete.", f"{path} lacks the tensor {_EMBEDDING}.")
    if not facts.n_vocab or embedding[0] != facts.n_vocab:
        raise NotAWholeModel(
            "This GGUF file is damaged.",
            f"{path} has {facts.n_vocab or 'no'} tokens, and a table for {embedding[0]}.",
        )
    blocks = {int(block[1]) for tensor in header.tensors if (block := _BLOCK.match(tensor.name))}
    if missing := set(range(facts.n_layers)) - blocks:
        raise NotAWholeModel(
            "This GGUF file is not complete.",
            f"{path} is {facts}; {len(missing)} of the layers are missing, the first of them {min(missing)}.",
        )


def _end_of_tensors(header: GgufHeader) -> int:
    """How many bytes the file must have at least, as far as the types of its tensors are known here."""
    from gguf import GGML_QUANT_SIZES

    known = {kind.value: sizes for kind, sizes in GGML_QUANT_SIZES.items()}
    end = header.values_end
    for tensor in header.tensors:
        n_values, n_bytes = known.get(tensor.kind, (1, 0))
        end = max(end, tensor.start + math.prod(tensor.shape) // n_values * n_bytes)
    return end
