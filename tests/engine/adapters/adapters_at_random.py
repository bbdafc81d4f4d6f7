"""Adapters for tests, drawn at random but the same in every run."""

import numpy as np

from engine.formats.lora import LoraFactors
from engine.messages import AdapterPart, Codec


def random_factors(
    seed: int, *, n_layers: int = 2, rank: int = 3, d_in: int = 12, d_out: int = 8, scale: float = 1.0
) -> LoraFactors:
    random = np.random.default_rng(seed)
    A = random.standard_normal((n_layers, rank, d_in)).astype(np.float32)
    B = (random.standard_normal((n_layers, rank, d_out)) * scale).astype(np.float32)
    return LoraFactors({"down_proj": (A, B)})


def base_model_factors(seed: int, *, rank: int = 8, scale: float = 0.002, d_in: int = 1536) -> LoraFactors:
    """Factors for the embedded base model; together with alpha 1 their delta is about 3 % of its weights."""
    return random_factors(seed, n_layers=30, rank=rank, d_in=d_in, d_out=576, scale=scale)


def latents(seed: int) -> bytes:
    """Unit latents of one chunk, for the hypernetwork of ``random_weights_dir``."""
    u = np.random.default_rng(seed).standard_normal((30, 8, 16))
    unit: np.ndarray[tuple[int, ...], np.dtype[np.float64]] = u / np.linalg.norm(u, axis=-1, keepdims=True)
    return unit.astype("<f2").tobytes()


def random_part(seed: int, weight: float = 1.0) -> AdapterPart:
    return AdapterPart(f"chunk-{seed}", Codec.LATENTS_F16, latents(seed), weight)
