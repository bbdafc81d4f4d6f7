"""Which adapter is in llama.cpp, and what is kept so that the next question need not wait for it.

Three caches, from cheap to dear to fill: packed factors of single chunks (8 ms each without), sets that are
loaded in llama.cpp (20 ms for twelve chunks), and the set that is active (a memory to clear).
"""

from collections import OrderedDict
from collections.abc import Sequence
from dataclasses import dataclass

from engine.adapters.composition import BATCH, Block, Composition
from engine.adapters.gguf_format import PackedFactors, pack, write_adapter
from engine.chat.runtime import LlamaRuntime, LoadedAdapter
from engine.errors import InvalidAdapter
from engine.messages import AdapterPart

SetKey = tuple[bool, tuple[tuple[str, float], ...]]
"""A set's identity: whether it is for quotes; key and weight of each part, sorted. A sum knows no order."""

_PACKED_BYTES = 352 << 20
"""Memory for packed factors: about 130 chunks of the embedded model, a dozen notes of a page each."""
_LOADED_BYTES = 96 << 20
_MAX_LOADED = 4
"""Loaded sets: llama.cpp sizes its compute graph by all loaded adapters, so they are not kept for free."""


@dataclass(frozen=True)
class _Packed:
    """A part's factors, ready to be joined, and whether the bias block belongs to them."""

    factors: PackedFactors
    wants_bias: bool


class AdapterSets:
    """Applies adapter sets to one runtime. Belongs to the runtime's thread.

    Args:
        runtime: where adapters are loaded.
        composition: what parts stand for.
    """

    def __init__(self, runtime: LlamaRuntime, composition: Composition) -> None:
        self._runtime = runtime
        self._composition = composition
        self._bias = self._pack_block(composition.bias) if composition.bias is not None else None
        self._quotes = self._pack_block(composition.quotes) if composition.quotes is not None else None
        self._packed: OrderedDict[str, _Packed] = OrderedDict()
        self._loaded: OrderedDict[SetKey, LoadedAdapter] = OrderedDict()

    def warm(self, parts: Sequence[AdapterPart]) -> None:
        """Compute and keep the packed factors of these parts.

        Raises:
            InvalidAdapter: a part is damaged; the others are kept all the same.
        """
        missing = {part.key: part for part in parts if part.key not in self._packed}
        damage: InvalidAdapter | None = None
        pending = list(missing.values())
        for first in range(0, len(pending), BATCH):
            batch = pending[first : first + BATCH]
            try:
                self._pack(batch)
            except InvalidAdapter:
                damage = self._pack_one_by_one(batch) or damage
        if damage is not None:
            raise damage

    def apply(self, parts: Sequence[AdapterPart], *, has_quotes: bool = False) -> int:
        """Make exactly these parts take part in the next answer.

        Nothing is rebuilt if they are what is active already.

        Args:
            parts: with their weights.
            has_quotes: whether passages stand in the prompt.

        Returns:
            The rank of the applied adapter, bias block included; 0 without parts.

        Raises:
            InvalidAdapter: a part is damaged; then none takes part.
        """
        weighted = tuple(sorted((part.key, part.weight) for part in parts if part.weight != 0.0))
        key: SetKey = (has_quotes and self._quotes is not None, weighted)
        if not weighted:
            self._runtime.set_adapter(None)
            return 0
        adapter = self._loaded.get(key)
        if adapter is None:
            try:
                adapter = self._load(key, {part.key: part for part in parts})
            except InvalidAdapter:
                self._runtime.set_adapter(None)
                raise
        self._loaded.move_to_end(key)
        self._runtime.set_adapter(adapter)
        return adapter.rank

    def forget(self) -> None:
        """Drop every set, e.g. after one made the model compute NaN."""
        self._runtime.set_adapter(None)
        while self._loaded:
            self._runtime.free_adapter(self._loaded.popitem()[1])

    def _load(self, key: SetKey, parts: dict[str, AdapterPart]) -> LoadedAdapter:
        packed = self._packed_of(list(parts.values()))
        is_for_quotes, weighted = key
        blocks = [(packed[part_key].factors, weight) for part_key, weight in weighted]
        shared = self._quotes if is_for_quotes else self._bias
        # Not for imported adapters alone: it belongs to what the hypernetwork made.
        if shared is not None and any(packed[part_key].wants_bias for part_key, _weight in weighted):
            blocks.append((shared.factors, 1.0))
        file = write_adapter(blocks, architecture=self._runtime.target.architecture)
        adapter = self._runtime.load_adapter(file)
        self._loaded[key] = adapter
        self._free_oldest()
        return adapter

    def _packed_of(self, parts: Sequence[AdapterPart]) -> dict[str, _Packed]:
        # Held here as well, since packing the missing ones may push others out of the cache.
        found = {part.key: self._packed[part.key] for part in parts if part.key in self._packed}
        for key in found:
            self._packed.move_to_end(key)
        missing = [part for part in parts if part.key not in found]
        for first in range(0, len(missing), BATCH):
            found |= self._pack(missing[first : first + BATCH])
        return found

    def _pack(self, parts: Sequence[AdapterPart]) -> dict[str, _Packed]:
        blocks = self._composition.blocks_of(parts)
        packed = {part.key: self._pack_block(block) for part, block in zip(parts, blocks, strict=True)}
        self._packed |= packed
        self._trim_packed()
        return packed

    def _pack_block(self, block: Block) -> _Packed:
        factors = pack(block.factors, block.lora_alpha, self._runtime.target.interleaved)
        return _Packed(factors, block.wants_bias)

    def _pack_one_by_one(self, parts: Sequence[AdapterPart]) -> InvalidAdapter | None:
        damage = None
        for part in parts:
            try:
                self._pack([part])
            except InvalidAdapter as exc:
                damage = exc
        return damage

    def _trim_packed(self) -> None:
        """Drop the longest unused packed factors until the rest fits."""
        size = sum(packed.factors.size_bytes for packed in self._packed.values())
        while size > _PACKED_BYTES:
            size -= self._packed.popitem(last=False)[1].factors.size_bytes

    def _free_oldest(self) -> None:
        def is_too_much() -> bool:
            size = sum(adapter.size_bytes for adapter in self._loaded.values())
            return len(self._loaded) > _MAX_LOADED or size > _LOADED_BYTES

        while len(self._loaded) > 1 and is_too_much():
            _key, adapter = self._loaded.popitem(last=False)
            self._runtime.free_adapter(adapter)
