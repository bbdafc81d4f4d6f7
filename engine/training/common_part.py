"""How much of what the adapters do is the same for all notes.

What all of them have in common is added as often as there are notes, while what each has of its own mostly
cancels out: of forty deltas the sum is nearly all common part (docs/training.md). It belongs into the bias
block, which is added once.

Shapes: C contexts, L layers, r rank.
"""

from torch import Tensor


def common_share(lora_A: Tensor, lora_B: Tensor) -> Tensor:
    """|| mean of the deltas ||^2 / mean of || delta ||^2, over all layers.

    Args:
        lora_A: (C, L, r, d_in)
        lora_B: (C, L, r, d_out); a context's delta is B^T A in each layer.

    Returns:
        A scalar, float32: 1 if all deltas are the same, 1 / C if each is perpendicular to the others.
        NaN if all are zero.
    """
    n_contexts = lora_A.shape[0]
    # The sum over contexts and the one over ranks are one: (L, C * r, d_out)^T @ (L, C * r, d_in)
    all_A = lora_A.transpose(0, 1).flatten(1, 2)
    all_B = lora_B.transpose(0, 1).flatten(1, 2)
    mean = (all_B.transpose(1, 2) @ all_A).float() / n_contexts  # (L, d_out, d_in)
    # || B^T A ||^2 = sum of (A A^T) * (B B^T), without the delta itself
    gram_A = (lora_A @ lora_A.transpose(2, 3)).float()  # (C, L, r, r)
    gram_B = (lora_B @ lora_B.transpose(2, 3)).float()
    return mean.square().sum() / ((gram_A * gram_B).sum() / n_contexts)
