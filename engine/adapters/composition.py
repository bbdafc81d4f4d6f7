"""What a set of adapters adds up to: parts of any codec, and the hypernetwork's bias block once."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field

from engine.adapters.latent_head import LatentHead
from engine.adapters.lora_f16 import decode
from engine.adapters.lora_sum import LoraSum
from engine.formats.lora import LoraFactors
from engine.messages import AdapterPart, Codec

BATCH = 16
"""Chunks whose factors are computed at once; bounds the memory in between to about 70 MB."""


@dataclass(frozen=True)
class Block:
    """One part as factors.

    Attributes:
        lora_alpha: factor on their delta.
        wants_bias: whether the bias block belongs to them: it joins a set once if any part wants it.
    """

    factors: LoraFactors
    lora_alpha: float
    wants_bias: bool


class Composition:
    """Turns parts into factors. Immutable; any thread.

    Args:
        head: of the hypernetwork that made the parts which are kept as latents.
        hypernetwork_hash: its identity. An imported adapter that was exported with this hypernetwork brings
            its bias block along; it is left out here, so that a set never has it twice.
    """

    def __init__(self, head: LatentHead, hypernetwork_hash: str) -> None:
        self._head = head
        self._hypernetwork_hash = hypernetwork_hash

    @property
    def bias(self) -> Block | None:
        """The learned block that joins a set once; None if the hypernetwork has none."""
        bias = self._head.bias()
        return None if bias is None else Block(bias, self._head.config.lora_alpha, wants_bias=False)

    @property
    def quotes(self) -> Block | None:
        """What takes the bias block's place where passages stand in the prompt; None if nothing does."""
        quotes = self._head.quotes()
        return None if quotes is None else Block(quotes, self._head.config.lora_alpha, wants_bias=False)

    def blocks_of(self, parts: Sequence[AdapterPart]) -> list[Block]:
        """The parts' factors, in their order; computed together, so pass a batch, not a library.

        Raises:
            InvalidAdapter: one of them is damaged.
        """
        learnt = [part.data for part in parts if part.codec is Codec.LATENTS_F16]
        factors = iter(self._head.factors_of(learnt) if learnt else [])
        lora_alpha = self._head.config.lora_alpha
        return [
            Block(next(factors), lora_alpha, wants_bias=True)
            if part.codec is Codec.LATENTS_F16
            else self._imported(part.data)
            for part in parts
        ]

    def _imported(self, data: bytes) -> Block:
        imported = decode(data)
        is_shared = bool(imported.bias_ranks) and imported.hypernetwork_hash == self._hypernetwork_hash
        if is_shared and self._head.bias() is not None:
            return Block(imported.without_bias(), 1.0, wants_bias=True)
        return Block(imported.factors, 1.0, wants_bias=False)


@dataclass(frozen=True)
class ComposedSet:
    """A whole set as one adapter.

    Attributes:
        factors: all scaling folded in, so that the delta is B^T A.
        bias_ranks: module -> how many of its last ranks are the bias block; empty if they cannot be told
            apart, or there is none.
    """

    factors: LoraFactors
    bias_ranks: Mapping[str, int] = field(default_factory=dict)


def compose(composition: Composition, parts: Sequence[AdapterPart]) -> ComposedSet:
    """Add up the parts, each with its weight. Memory stays bounded whatever their number.

    Raises:
        ValueError: no parts.
        InvalidAdapter: a part is damaged, or they do not fit together.
    """
    if not parts:
        raise ValueError("nothing to compose")
    total = LoraSum()
    is_bias_wanted = False
    for part, block in _blocks(composition, parts):
        total.add(block.factors.scaled(block.lora_alpha * part.weight))
        is_bias_wanted |= block.wants_bias
    bias = composition.bias
    if bias is None or not is_bias_wanted:
        return ComposedSet(total.result())
    total.add(bias.factors.scaled(bias.lora_alpha))
    factors = total.result()
    ranks = {name: A.shape[1] for name, (A, _B) in bias.factors.modules.items()}
    return ComposedSet(factors, {} if total.is_folded else ranks)


def _blocks(composition: Composition, parts: Sequence[AdapterPart]) -> Iterator[tuple[AdapterPart, Block]]:
    for first in range(0, len(parts), BATCH):
        batch = parts[first : first + BATCH]
        yield from zip(batch, composition.blocks_of(batch), strict=True)
