"""An adapter as another program wrote it, and how it is brought into the shape of ours."""

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from engine.adapters.gguf_format import TENSOR_NAMES
from engine.errors import InvalidAdapter
from engine.formats.lora import Float32, LoraFactors
from engine.models.base_geometry import AdapterTarget

MAX_NUMBERS = 1 << 28
"""Half a gigabyte in float16: a rank of 64 on all layers of a model of 7B. SQLite takes blobs of one."""

_MAX_FILE_BYTES = 4 * MAX_NUMBERS + (16 << 20)
"""As many numbers in float32, and a header."""

Place = tuple[str, int]
"""A module's name as in transformers, and the number of its decoder block."""


@dataclass(frozen=True)
class ExternalAdapter:
    """Factors of single layers, of any rank, in any of them.

    Attributes:
        layers: A (r, d_in) and B (r, d_out), rows in transformers' order, with all scaling in B.
        facts: what the file says about itself.
        file: the file with the factors.
        size_bytes: of all that was read.
    """

    layers: Mapping[Place, tuple[Float32, Float32]]
    facts: Mapping[str, object]
    file: Path
    size_bytes: int


def refused(reason: str) -> InvalidAdapter:
    """Why an adapter cannot be imported, for the user."""
    return InvalidAdapter("This adapter cannot be imported.", reason)


def check_size(file: Path) -> None:
    """Refuse a file that cannot be an adapter of the size that is possible, before it is read.

    Raises:
        InvalidAdapter: it is too large.
        OSError: it cannot be looked at.
    """
    if not file.is_file():  # to open a pipe would wait for ever
        raise refused(f"{file} is not a file.")
    size_bytes = file.stat().st_size
    if size_bytes > _MAX_FILE_BYTES:
        raise refused(f"{file} has {size_bytes / 1e6:,.0f} MB; {_MAX_FILE_BYTES / 1e6:,.0f} MB are possible.")


def fit(adapter: ExternalAdapter, target: AdapterTarget) -> LoraFactors:
    """The adapter as factors of the base model: all layers of each module, at the module's largest rank.

    Layers and ranks that it does not have are zero, and change nothing.

    Raises:
        InvalidAdapter: the base model has no such layer, or another one, or a value is not finite.
    """
    if not adapter.layers:
        raise refused(f"{adapter.file} holds no factors.")
    ranks: dict[str, int] = {}
    for (name, layer), (A, B) in sorted(adapter.layers.items()):
        _check(name, layer, A, B, target)
        ranks[name] = max(ranks.get(name, 0), A.shape[0])
    widths = {name: target.modules[TENSOR_NAMES[name]] for name in ranks}
    n_numbers = sum(target.n_layers * rank * sum(widths[name]) for name, rank in ranks.items())
    if n_numbers > MAX_NUMBERS:
        raise refused(
            f"It has {n_numbers / 1e6:,.0f} million numbers; {MAX_NUMBERS / 1e6:,.0f} are possible."
        )
    modules = {
        name: (
            np.zeros((target.n_layers, rank, widths[name][0]), dtype=np.float32),
            np.zeros((target.n_layers, rank, widths[name][1]), dtype=np.float32),
        )
        for name, rank in ranks.items()
    }
    for (name, layer), (A, B) in adapter.layers.items():
        modules[name][0][layer, : A.shape[0]] = A
        modules[name][1][layer, : B.shape[0]] = B
    return LoraFactors(modules)


def _check(name: str, layer: int, A: Float32, B: Float32, target: AdapterTarget) -> None:
    widths = target.modules.get(TENSOR_NAMES.get(name, ""))
    if widths is None:
        raise refused(f"It adapts {name}, which cannot be done with this base model ({target.architecture}).")
    if layer >= target.n_layers:
        raise refused(
            f"It adapts layer {layer}, counted from 0, and the base model has {target.n_layers} layers: "
            "it was made for another base model."
        )
    if (A.shape[1], B.shape[1]) != widths:
        raise refused(
            f"Its {name} takes {A.shape[1]} numbers and gives {B.shape[1]}, that of the base model "
            f"{widths[0]} and {widths[1]}: it was made for another base model."
        )
    if A.shape[0] != B.shape[0] or A.shape[0] < 1:
        raise refused(f"The factors of {name} in layer {layer} have the ranks {A.shape[0]} and {B.shape[0]}.")
    if not (np.isfinite(A).all() and np.isfinite(B).all()):
        raise refused(f"The factors of {name} in layer {layer} hold a value that is not a finite number.")
