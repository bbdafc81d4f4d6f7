"""Copies a transformers folder with an adapter's deltas added to the tensors it adapts."""

import json
import os
import re
import shutil
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import BinaryIO

import numpy as np
from numpy.typing import NDArray

from engine.adapters.peft_format import BLOCKS, CARD_FILE
from engine.errors import InvalidAdapter, ModelUnavailable
from engine.formats.foreign_json import read_json
from engine.formats.lora import LoraFactors
from engine.formats.safetensors_header import (
    SafetensorsHeader,
    TensorSpan,
    from_float32,
    parse_header,
    to_float32,
)

SINGLE_FILE = "model.safetensors"
INDEX_FILE = "model.safetensors.index.json"
_CONFIG_FILE = "config.json"
_WEIGHT_SUFFIXES = frozenset({".safetensors", ".bin", ".pt", ".pth", ".h5", ".msgpack", ".onnx", ".gguf"})
"""Files with weights: those that are merged are written anew, others would be of the model as it was."""
_WEIGHT = re.compile(r"model\.layers\.(?P<layer>\d+)\.(?P<block>\w+)\.(?P<name>\w+)\.weight")
_COPIED_BYTES = 1 << 24
_INDEX_BYTES = 1 << 24

_Bytes = NDArray[np.uint8]


class TransformersBase:
    """A base model's folder, as ``save_pretrained`` leaves it; only read.

    Args:
        folder: with config.json, and the weights as safetensors in one file or in shards.

    Raises:
        ModelUnavailable: it is none, or damaged.
        OSError: it cannot be read.
    """

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        if not (folder / _CONFIG_FILE).is_file():
            raise _unfit(f"{folder} has no {_CONFIG_FILE}.")
        self._shards = {name: _read_header(folder / name) for name in self._shard_names()}

    @property
    def size_bytes(self) -> int:
        """Of its weights."""
        return sum((self._folder / name).stat().st_size for name in self._shards)

    def merge_into(
        self,
        out: Path,
        factors: LoraFactors,
        facts: Mapping[str, str],
        card: str,
        on_progress: Callable[[float], None],
    ) -> int:
        """Write the whole model to ``out`` with the deltas in its weights, in the types that they have.

        Args:
            out: an empty folder.
            factors: all scaling folded in.
            facts: added to the metadata of every shard.
            card: becomes the README.md, in the place of the base model's.
            on_progress: called with the share that is written, 0 to 1.

        Returns:
            how many tensors were changed.

        Raises:
            InvalidAdapter: the base model has no such layers, or a sum is beyond its type.
            OSError: reading or writing failed, e.g. the disk is full.
        """
        self._check_fit(factors)
        n_total, n_done = self.size_bytes, 0
        for name, header in self._shards.items():
            with (out / name).open("wb") as file:
                file.write(_header_bytes(header, facts))
                data: _Bytes = np.memmap(self._folder / name, dtype=np.uint8, mode="r").view(np.ndarray)
                for span in header.tensors:
                    _write_tensor(data, span, factors, file)
                    n_done += span.n_bytes
                    on_progress(n_done / n_total)
                file.flush()
                os.fsync(file.fileno())
        for path in self._folder.iterdir():
            if path.is_file() and path.suffix not in _WEIGHT_SUFFIXES and path.name != CARD_FILE:
                shutil.copyfile(path, out / path.name)
        (out / CARD_FILE).write_text(card, encoding="utf-8")
        return factors.n_layers * len(factors.modules)

    def _shard_names(self) -> list[str]:
        index = self._folder / INDEX_FILE
        if not index.is_file():
            if not (self._folder / SINGLE_FILE).is_file():
                raise _unfit(f"{self._folder} has neither {SINGLE_FILE} nor {INDEX_FILE}.")
            return [SINGLE_FILE]
        try:
            names = sorted(set(read_json(index, _INDEX_BYTES)["weight_map"].values()))
        except (ValueError, KeyError, TypeError, AttributeError) as exc:
            raise _unfit(f"{index} is damaged: {exc}.") from exc
        # Names from a file, so that none may lead out of the folder.
        odd = [name for name in names if not isinstance(name, str) or Path(name).name != name]
        if odd or not names:
            raise _unfit(f"{index} names the files {str(odd)[:200]}.")
        return names

    def _check_fit(self, factors: LoraFactors) -> None:
        """Every delta has its weight, once, in its shape."""
        spans = [span for header in self._shards.values() for span in header.tensors]
        weights = {place: span for span in spans if (place := _place_of(span)) is not None}
        n_layers = 1 + max((layer for _module, layer in weights), default=-1)
        if n_layers != factors.n_layers:
            raise _misfit(f"It has {n_layers} layers, the adapters have {factors.n_layers}.")
        for module, (A, B) in factors.modules.items():
            shape = (B.shape[2], A.shape[2])
            for layer in range(n_layers):
                span = weights.get((module, layer))
                if span is None or span.shape != shape or span.dtype not in ("F32", "F16", "BF16"):
                    found = f"{span.dtype} of {span.shape}" if span is not None else "nothing"
                    raise _misfit(f"It has {found} as {module} of layer {layer}; the adapters need {shape}.")


def _read_header(file: Path) -> SafetensorsHeader:
    try:
        return parse_header(np.memmap(file, dtype=np.uint8, mode="r").data)
    except FileNotFoundError as exc:
        raise _unfit(f"{file} is missing.") from exc
    except ValueError as exc:
        raise _unfit(f"{file}: {exc}.") from exc


def _place_of(span: TensorSpan) -> tuple[str, int] | None:
    """Module and layer of a weight that an adapter may touch."""
    match = _WEIGHT.fullmatch(span.name)
    if match is None or BLOCKS.get(match["name"]) != match["block"]:
        return None
    return match["name"], int(match["layer"])


def _header_bytes(header: SafetensorsHeader, facts: Mapping[str, str]) -> bytes:
    """The same table, with more metadata; padded so that tensors stay aligned."""
    table: dict[str, object] = {"__metadata__": {"format": "pt", **header.metadata, **facts}}
    for span in header.tensors:
        first = span.start - header.data_start
        offsets = [first, first + span.n_bytes]
        table[span.name] = {"dtype": span.dtype, "shape": list(span.shape), "data_offsets": offsets}
    text = json.dumps(table, ensure_ascii=False).encode()
    text += b" " * (-len(text) % 8)
    return len(text).to_bytes(8, "little") + text


def _write_tensor(data: _Bytes, span: TensorSpan, factors: LoraFactors, file: BinaryIO) -> None:
    place = _place_of(span)
    if place is None or place[0] not in factors.modules:
        for first in range(span.start, span.start + span.n_bytes, _COPIED_BYTES):
            file.write(data[first : min(first + _COPIED_BYTES, span.start + span.n_bytes)].data)
        return
    merged = to_float32(data, span) + factors.delta(*place)
    with np.errstate(over="ignore"):
        stored = from_float32(merged, span.dtype)
    if not np.isfinite(merged).all() or (span.dtype == "F16" and not np.isfinite(stored).all()):
        detail = f"A value of {span.name} would be beyond {span.dtype}."
        raise InvalidAdapter("These adapters are too strong to be merged.", detail)
    file.write(np.ascontiguousarray(stored).data)


def _misfit(reason: str) -> InvalidAdapter:
    return InvalidAdapter("The base model does not fit these adapters.", reason)


def _unfit(reason: str) -> ModelUnavailable:
    return ModelUnavailable("This folder is no base model that can be merged into.", reason)
