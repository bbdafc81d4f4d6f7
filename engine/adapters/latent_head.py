"""The hypernetwork's last step in numpy: unit latents of a chunk -> LoRA factors.

The catalog keeps latents, a tenth to a thirtieth of the factors' bytes, because this step is one matrix
product. No torch, so that the chat process stays small. Source: arXiv:2602.15902, section 3.
"""

from collections.abc import Sequence
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from engine.errors import InvalidAdapter, ModelUnavailable
from engine.formats.hypernetwork_config import TENSORS_FILE, HypernetworkConfig
from engine.formats.lora import LoraFactors
from engine.formats.weights_file import load_tensors

Float32 = NDArray[np.float32]
_PREFIXES = ("head.", "scaler_A.", "scaler_B.", "bias_A.", "bias_B.", "quotes_A.", "quotes_B.")


class LatentHead:
    """Head, scalers and learned blocks of one hypernetwork. Immutable after construction; any thread.

    Args:
        config: its shape.
        tensors: ``head.weight`` (L, d, d_lora), or (L, M, d, d_lora) with several modules; ``scaler_A.m`` and
            ``scaler_B.m`` (1, L, r, 1); with ``config.use_bias`` also ``bias_A.m`` (L, bias_rank, d_in) and
            ``bias_B.m`` (L, bias_rank, d_out), with ``config.quotes_rank`` ``quotes_A.m`` and ``quotes_B.m``
            likewise. Others are ignored.

    Raises:
        ModelUnavailable: a tensor is missing or has another shape than the config says.
    """

    def __init__(self, config: HypernetworkConfig, tensors: dict[str, Float32]) -> None:
        self.config = config
        n_layers, rank, n_modules = config.n_layers, config.lora_rank, config.n_modules
        head = _tensor(tensors, "head.weight", None)
        expected = (n_layers, n_modules, config.d_latent, config.d_lora)
        if n_modules == 1 and head.ndim == 3:
            head = head[:, None]  # (L, M=1, d, d_lora)
        if head.shape != expected:
            raise _damaged(f"head.weight has the shape {head.shape}, expected {expected}")
        # Without a gain not even copied: a published head has 600 MB.
        self._head = head if config.head_gain == 1 else head * np.float32(config.head_gain)
        self._scalers: dict[str, tuple[Float32, Float32]] = {}
        bias: dict[str, tuple[Float32, Float32]] = {}
        quotes: dict[str, tuple[Float32, Float32]] = {}
        for module in config.target_modules:
            self._scalers[module.name] = (
                _tensor(tensors, f"scaler_A.{module.name}", (1, n_layers, rank, 1)),
                _tensor(tensors, f"scaler_B.{module.name}", (1, n_layers, rank, 1)),
            )
            if config.use_bias:
                bias[module.name] = (
                    _tensor(tensors, f"bias_A.{module.name}", (n_layers, config.bias_rank, module.d_in)),
                    _tensor(tensors, f"bias_B.{module.name}", (n_layers, config.bias_rank, module.d_out)),
                )
            if config.quotes_rank:
                quotes[module.name] = (
                    _tensor(tensors, f"quotes_A.{module.name}", (n_layers, config.quotes_rank, module.d_in)),
                    _tensor(tensors, f"quotes_B.{module.name}", (n_layers, config.quotes_rank, module.d_out)),
                )
        self._bias = LoraFactors(bias) if bias else None
        self._quotes = LoraFactors(quotes) if quotes else None

    @classmethod
    def load(cls, weights_dir: Path) -> "LatentHead":
        """Read a weights folder (``config.json`` and ``hypernetwork.safetensors``); about 0.2 s.

        Raises:
            ModelUnavailable: a file is missing, damaged, or does not fit the other.
        """
        try:
            config = HypernetworkConfig.load(weights_dir)
        except (OSError, ValueError) as exc:
            raise _damaged(f"{weights_dir}: {exc}") from exc
        return cls(config, load_tensors(weights_dir / TENSORS_FILE, _PREFIXES))

    def factors(self, data: bytes) -> LoraFactors:
        """LoRA factors of one chunk.

        Args:
            data: unit latents, little-endian float16, C order, (L, M * r, d).

        Raises:
            InvalidAdapter: wrong length, or values that are not finite.
        """
        return self.factors_of([data])[0]

    def factors_of(self, chunks: Sequence[bytes]) -> list[LoraFactors]:
        """The same for several chunks at once; the head's matrices are read from memory only once.

        Raises:
            InvalidAdapter: as ``factors``, for any of them.
        """
        config = self.config
        latents = np.stack([self._latents(data) for data in chunks], axis=1)  # (L, C, M, r, d)
        n_layers, n_chunks, _, rank, d_latent = latents.shape
        modules: list[dict[str, tuple[Float32, Float32]]] = [{} for _ in chunks]
        for index, module in enumerate(config.target_modules):
            width = module.d_in + module.d_out
            rows = latents[:, :, index].reshape(n_layers, n_chunks * rank, d_latent)
            product = rows @ self._head[:, index, :, :width]  # (L, C * r, d_in + d_out)
            flat = product.reshape(n_layers, n_chunks, rank, width)
            scaler_A, scaler_B = (scaler[0] for scaler in self._scalers[module.name])  # (L, r, 1)
            for chunk in range(n_chunks):
                A = flat[:, chunk, :, : module.d_in] * scaler_A  # (L, r, d_in)
                B = flat[:, chunk, :, module.d_in :] * scaler_B  # (L, r, d_out)
                modules[chunk][module.name] = (A, B)
        return [LoraFactors(pairs) for pairs in modules]

    def bias(self) -> LoraFactors | None:
        """The learned block that joins every set of at least one chunk, once; None if the model has none."""
        return self._bias

    def quotes(self) -> LoraFactors | None:
        """What takes the bias block's place where passages stand in the prompt; None if nothing does."""
        return self._quotes

    def _latents(self, data: bytes) -> Float32:
        config = self.config
        shape = (config.n_layers, config.n_modules, config.lora_rank, config.d_latent)
        expected_bytes = 2 * int(np.prod(shape))
        if len(data) != expected_bytes:
            detail = f"It has {len(data)} bytes, expected {expected_bytes}. Learn the note again."
            raise InvalidAdapter("A note's memory is damaged.", detail)
        latents = np.frombuffer(data, dtype="<f2").astype(np.float32).reshape(shape)
        if not np.isfinite(latents).all():
            detail = "It contains values that are not finite numbers. Learn the note again."
            raise InvalidAdapter("A note's memory is damaged.", detail)
        return latents


def _tensor(tensors: dict[str, Float32], name: str, shape: tuple[int, ...] | None) -> Float32:
    found = tensors.get(name)
    if found is None:
        raise _damaged(f"the tensor {name} is missing")
    if shape is not None and found.shape != shape:
        raise _damaged(f"{name} has the shape {found.shape}, expected {shape}")
    if not np.isfinite(found).all():
        raise _damaged(f"{name} contains values that are not finite numbers")
    return np.ascontiguousarray(found, dtype=np.float32)


def _damaged(reason: str) -> ModelUnavailable:
    return ModelUnavailable(
        "The part of Loreleaf that learns notes is damaged.", f"{reason}. Reinstall Loreleaf."
    )
