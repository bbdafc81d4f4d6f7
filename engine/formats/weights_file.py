"""The shipped form of a hypernetwork's tensors: safetensors, matrices as int8 with a scale per row.

numpy only, since the chat process reads it without torch. A quantised tensor ``name`` (int8) has a companion
``name.scale`` (float32, the tensor's shape without its last axis): value = int8 * scale.
"""

import hashlib
from collections.abc import Mapping
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from safetensors import SafetensorError, safe_open
from safetensors.numpy import save_file

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE

SCALE_SUFFIX = ".scale"
_INT8_MAX = 127
_MIN_QUANTISED_SIZE = 4096
"""Smaller tensors (norms, scalers) stay float32: they cost nothing and matter most."""


_HASHED_BYTES = 2**22


def quantise_rows(values: NDArray[np.float32]) -> tuple[NDArray[np.int8], NDArray[np.float32]]:
    """Symmetric int8 with one scale per row.

    Args:
        values: (..., d)

    Returns:
        int8 (..., d) and float32 scale (...), with ``int8 * scale`` within half a step of ``values``.
    """
    peak = np.abs(values).max(axis=-1)  # (...)
    scale = np.where(peak > 0, peak / _INT8_MAX, 1.0).astype(np.float32)
    return np.rint(values / scale[..., None]).astype(np.int8), scale


def save_tensors(path: Path, tensors: Mapping[str, NDArray[np.float32]], *, quantise: bool = True) -> None:
    """Write tensors; with ``quantise``, those of two or more axes and 4096 or more values as int8."""
    stored: dict[str, NDArray[np.float32] | NDArray[np.int8]] = {}
    for name, values in tensors.items():
        array = np.ascontiguousarray(values, dtype=np.float32)
        if quantise and array.ndim > 1 and array.size >= _MIN_QUANTISED_SIZE:
            stored[name], stored[name + SCALE_SUFFIX] = quantise_rows(array)
        else:
            stored[name] = array
    save_file(stored, path, metadata={"format": "loreleaf-hypernetwork-1"})


def load_tensors(path: Path, prefixes: tuple[str, ...] = ("",)) -> dict[str, NDArray[np.float32]]:
    """Read what ``save_tensors`` wrote, dequantised to float32.

    Args:
        path: the file.
        prefixes: only tensors whose names begin with one of them: of a published hypernetwork's 1.2 GB the
            chat needs half.

    Raises:
        ModelUnavailable: the file is missing or damaged, or a tensor and its scale do not belong together.
    """
    try:
        with safe_open(path, framework="numpy") as file:
            stored = {name: file.get_tensor(name) for name in file.keys() if name.startswith(prefixes)}  # noqa: SIM118  # no mapping
    except (OSError, SafetensorError) as exc:
        raise _damaged(path, str(exc)) from exc
    tensors: dict[str, NDArray[np.float32]] = {}
    for name, array in stored.items():
        if name.endswith(SCALE_SUFFIX):
            if name.removesuffix(SCALE_SUFFIX) not in stored:
                raise _damaged(path, f"{name} belongs to no tensor")
            continue
        scale = stored.get(name + SCALE_SUFFIX)
        if (array.dtype == np.int8) != (scale is not None):
            raise _damaged(path, f"{name} is {array.dtype} {'without' if scale is None else 'with'} a scale")
        values = array.astype(np.float32, copy=False)
        if scale is None:
            tensors[name] = values
        elif scale.shape == values.shape[:-1]:
            tensors[name] = values * scale[..., None]
        else:
            raise _damaged(path, f"{name} is {values.shape} and its scale {scale.shape}")
    return tensors


def _damaged(path: Path, reason: str) -> ModelUnavailable:
    return ModelUnavailable(
        "The part of Loreleaf that learns notes is missing or damaged.",
        f"{path} could not be read ({reason}). Reinstall Loreleaf, or restore that file.",
    )


def hypernetwork_hash(weights_dir: Path) -> str:
    """Identity of a hypernetwork: SHA-256 over its tensor file, then its config file, in hex.

    Raises:
        ModelUnavailable: a file is missing.
    """
    digest = hashlib.sha256()
    for name in (TENSORS_FILE, CONFIG_FILE):
        try:
            with (weights_dir / name).open("rb") as file:
                while block := file.read(_HASHED_BYTES):
                    digest.update(block)
        except OSError as exc:
            raise ModelUnavailable(
                "The part of Loreleaf that learns notes is missing.",
                f"{weights_dir / name} could not be read ({exc.strerror}). Reinstall Loreleaf.",
            ) from exc
    return digest.hexdigest()
