"""LoRA factors of all layers, and the two things done with them: joining and multiplying out."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from engine.errors import InvalidAdapter

Float32 = NDArray[np.float32]


@dataclass(frozen=True)
class LoraFactors:
    """Low-rank factors of one or more linear layers in every decoder block.

    B is kept rank-first, as the paper's code has it; PEFT and GGUF want it transposed.

    Attributes:
        modules: module name (as in transformers, e.g. "down_proj") -> (A, B), float32,
            A (n_layers, r, d_in), B (n_layers, r, d_out). All modules have the same layers; ranks may differ.

    Raises:
        InvalidAdapter: shapes disagree, or a value is not finite.
    """

    modules: Mapping[str, tuple[Float32, Float32]]

    def __post_init__(self) -> None:
        shapes = {name: (A.shape, B.shape) for name, (A, B) in self.modules.items()}
        n_layers = {A[0] for A, _B in shapes.values() if A}
        is_sound = all(len(A) == len(B) == 3 and A[:2] == B[:2] for A, B in shapes.values())
        if not is_sound or len(n_layers) != 1:
            raise InvalidAdapter(
                "A note's memory is damaged.", f"Factors of shapes {shapes} do not fit together."
            )
        for name, (A, B) in self.modules.items():
            if A.dtype != np.float32 or B.dtype != np.float32:
                raise TypeError(f"factors of {name} must be float32, got {A.dtype} and {B.dtype}")
            # A sum is finite only if every term is; it needs no temporary array of flags.
            with np.errstate(over="ignore", invalid="ignore"):
                is_finite = bool(
                    np.isfinite(A.sum(dtype=np.float64)) and np.isfinite(B.sum(dtype=np.float64))
                )
            if not is_finite:
                detail = f"The factors of {name} contain a value that is not a finite number."
                raise InvalidAdapter("A note's memory is damaged.", detail)

    @property
    def rank(self) -> int:
        """r, the largest of a module."""
        return max(int(A.shape[1]) for A, _B in self.modules.values())

    @property
    def n_layers(self) -> int:
        """Decoder blocks covered."""
        return int(next(iter(self.modules.values()))[0].shape[0])

    def scaled(self, weight: float) -> "LoraFactors":
        """The same adapter with ``weight`` times its effect (on B alone, so the effect is linear in it)."""
        if weight == 1.0:
            return self
        return LoraFactors({name: (A, B * np.float32(weight)) for name, (A, B) in self.modules.items()})

    def delta(self, module: str, layer: int) -> Float32:
        """Weight update of one layer, (d_out, d_in), without the factor alpha."""
        A, B = self.modules[module]
        product: Float32 = B[layer].T @ A[layer]  # (d_out, r) @ (r, d_in)
        return product


def concatenate(parts: Sequence[LoraFactors]) -> LoraFactors:
    """One adapter whose effect is the sum of the parts' effects; ranks add up, in the order given.

    Parts may cover different modules: each module has the rank of the parts that do.

    Raises:
        ValueError: no parts.
        InvalidAdapter: they cover different layers or widths.

    Source: Charakorn et al. 2026, section on chunks, arXiv:2602.15902.
    """
    if not parts:
        raise ValueError("nothing to concatenate")
    names = dict.fromkeys(name for part in parts for name in part.modules)
    try:
        return LoraFactors(
            {name: _joined([p.modules[name] for p in parts if name in p.modules]) for name in names}
        )
    except ValueError as exc:
        raise InvalidAdapter("Two notes' memories do not fit together.", str(exc)) from exc


def _joined(pairs: Sequence[tuple[Float32, Float32]]) -> tuple[Float32, Float32]:
    """One module's factors, one after the other along the rank."""
    return (
        np.concatenate([A for A, _B in pairs], axis=1),  # (n_layers, R, d_in)
        np.concatenate([B for _A, B in pairs], axis=1),  # (n_layers, R, d_out)
    )
