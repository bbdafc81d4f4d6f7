"""Applies an adapter to a transformers model for as long as a ``with`` block lasts.

For parity tests and for the published bases; the app's chat applies adapters in llama.cpp.
"""

from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager

import torch
from torch import Tensor, nn

PARENTS = ("self_attn", "mlp")
"""Where a decoder block keeps its linear layers."""


@contextmanager
def attached(
    layers: Sequence[nn.Module],
    factors: Mapping[str, tuple[Tensor, Tensor]],
    lora_alpha: float,
    n_queries: Sequence[int],
) -> Iterator[None]:
    """Within the block, ``y = W x + lora_alpha * B^T A x`` in float32, cast back to the layer's dtype.

    Args:
        layers: the model's decoder blocks.
        factors: per module A (G, L, R, d_in), B (G, L, R, d_out), one adapter per context.
        lora_alpha: factor on the delta, not divided by the rank.
        n_queries: rows of the batch that each adapter serves, in order.
    """
    handles = []
    repeats = torch.tensor(list(n_queries))
    for name, (lora_A, lora_B) in factors.items():
        for index, layer in enumerate(layers):
            linear = _find(layer, name)
            A = lora_A[:, index].repeat_interleave(repeats.to(lora_A.device), dim=0)  # (rows, R, d_in)
            B = lora_B[:, index].repeat_interleave(repeats.to(lora_B.device), dim=0)  # (rows, R, d_out)

            def add_delta(
                _module: nn.Module, inputs: tuple[Tensor, ...], output: Tensor, A: Tensor = A, B: Tensor = B
            ) -> Tensor:
                delta = inputs[0].float() @ A.float().mT @ B.float()  # (rows, T, d_out)
                return (output + lora_alpha * delta).to(output.dtype)

            handles.append(linear.register_forward_hook(add_delta))
    try:
        yield
    finally:
        for handle in handles:
            handle.remove()


def _find(layer: nn.Module, name: str) -> nn.Module:
    for parent in PARENTS:
        module = getattr(getattr(layer, parent, None), name, None)
        if isinstance(module, nn.Module):
            return module
    msg = f"no linear layer named {name!r} in {type(layer).__name__}"
    raise ValueError(msg)
