"""The sum of any number of adapters as one, in bounded memory."""

import numpy as np

from engine.formats.lora import Float32, LoraFactors, concatenate

_SLACK = 2
"""Factors are gathered up to this many times the width before they are multiplied out."""


class LoraSum:
    """Gathers adapters; their ranks add up until the delta itself is smaller, and is kept instead.

    A delta of a (d_out, d_in) layer has at most min(d_in, d_out) ranks: beyond them, factors only cost. It is
    then kept as factors of exactly that rank, one of which is the unit matrix.
    """

    def __init__(self) -> None:
        self._gathered: list[LoraFactors] = []
        self._folded: set[str] = set()

    @property
    def is_folded(self) -> bool:
        """Whether parts can no longer be told apart by their ranks."""
        return bool(self._folded)

    def add(self, factors: LoraFactors) -> None:
        """Add an adapter.

        Raises:
            InvalidAdapter: it has other layers or widths than those before.
        """
        self._gathered.append(factors)
        if any(
            _excess(total, factors.modules[name]) > _SLACK for name, total in self._ranks(factors).items()
        ):
            self._gathered = [self._fold(concatenate(self._gathered))]

    def result(self) -> LoraFactors:
        """The sum; the parts' ranks in the order they were added, unless ``is_folded``.

        Raises:
            ValueError: nothing was added.
            InvalidAdapter: what was added does not fit together.
        """
        self._gathered = [self._fold(concatenate(self._gathered))]
        return self._gathered[0]

    def _ranks(self, factors: LoraFactors) -> dict[str, int]:
        """Gathered ranks of the modules that ``factors`` covers."""
        return {
            name: sum(part.modules[name][0].shape[1] for part in self._gathered if name in part.modules)
            for name in factors.modules
        }

    def _fold(self, factors: LoraFactors) -> LoraFactors:
        modules = dict(factors.modules)
        for name, (A, B) in factors.modules.items():
            if _excess(A.shape[1], (A, B)) > 1:
                modules[name] = _multiplied_out(A, B)
                self._folded.add(name)
        return LoraFactors(modules)


def _excess(rank: int, pair: tuple[Float32, Float32]) -> float:
    """``rank`` over the largest that a delta of this layer can have."""
    return rank / int(min(pair[0].shape[2], pair[1].shape[2]))


def _multiplied_out(A: Float32, B: Float32) -> tuple[Float32, Float32]:
    """The same deltas with the smallest of the two widths for a rank, layer by layer.

    Args:
        A: (n_layers, R, d_in)
        B: (n_layers, R, d_out)

    Returns:
        factors of rank min(d_in, d_out).
    """
    n_layers, _, d_in = A.shape
    d_out = B.shape[2]
    width = min(d_in, d_out)
    unit = np.broadcast_to(np.eye(width, dtype=np.float32), (n_layers, width, width))
    product = np.empty((n_layers, width, max(d_in, d_out)), dtype=np.float32)
    left, right = (B, A) if d_out <= d_in else (A, B)
    for layer in range(n_layers):
        np.matmul(left[layer].T, right[layer], out=product[layer])  # (width, R) @ (R, the larger width)
    return (product, unit) if d_out <= d_in else (unit, product)
