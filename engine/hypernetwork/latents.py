"""Unit latents as the catalog keeps them: Codec.LATENTS_F16."""

import torch
from torch import Tensor

from engine.errors import EngineError


def encode_latents(u: Tensor, device_text: str) -> list[bytes]:
    """Each chunk's latents as little-endian float16.

    Args:
        u: (C, L, M * r, d)
        device_text: what computed them, for people.

    Raises:
        EngineError: no finite numbers came out.
    """
    # float16 on a GPU can overflow, and a catalog must not keep that.
    if not u.isfinite().all():
        raise EngineError(
            "This note could not be learnt on this device.",
            f"{device_text} computed numbers that are not finite. Choose the CPU in the settings.",
        )
    return [chunk.numpy().astype("<f2").tobytes() for chunk in u.to(torch.float16).cpu()]
