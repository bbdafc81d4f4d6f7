"""A trained hypernetwork -> files: the trained weights in parts of moderate size, and the int8 form."""

import argparse
import dataclasses
import sys
from collections.abc import Mapping, Sequence
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE, HypernetworkConfig
from engine.formats.weights_file import save_tensors
from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.training.config import TrainConfig

PART_BYTES = 14 * 2**20
"""Machines that train for us give files back up to 16 MiB."""

Tensors = Mapping[str, NDArray[np.float32]]


def export_weights(hypernetwork: Hypernetwork, config: TrainConfig, step: int, seconds: float) -> None:
    """Write the run's weights as ``trained/``: float16 parts and config.json."""
    state = hypernetwork.state_dict()
    tensors = {name: value.detach().float().cpu().numpy() for name, value in state.items()}
    facts = {"steps": step, "minutes": round(seconds / 60, 1), "device": _device_name()}
    shape = dataclasses.replace(hypernetwork.config, training=facts)
    folder = config.out / "trained"
    folder.mkdir(exist_ok=True)
    (folder / CONFIG_FILE).write_text(shape.to_json(), encoding="utf-8")
    save_parts(folder, tensors)


def save_parts(folder: Path, tensors: Tensors) -> None:
    """Write float16 files of at most PART_BYTES; larger tensors are cut along their first axis.

    Parts of an earlier export are removed.
    """
    for old in folder.glob("part-*.safetensors"):
        old.unlink()
    part: dict[str, NDArray[np.float16]] = {}
    size = index = 0
    for name, values in tensors.items():
        row_bytes = values[:1].size * 2
        rows = max(1, PART_BYTES // max(row_bytes, 1))
        for start in range(0, len(values), rows):
            piece = np.ascontiguousarray(values[start : start + rows], dtype=np.float16)
            if part and size + piece.nbytes > PART_BYTES:
                save_file(part, folder / f"part-{index}.safetensors")
                part, size, index = {}, 0, index + 1
            part[f"{name}@{start}"] = piece
            size += piece.nbytes
    save_file(part, folder / f"part-{index}.safetensors")


def load_parts(folder: Path) -> dict[str, NDArray[np.float32]]:
    """Read what ``save_parts`` wrote.

    Raises:
        FileNotFoundError: there are no parts.
    """
    pieces: dict[str, dict[int, NDArray[np.float32]]] = {}
    for path in sorted(folder.glob("part-*.safetensors")):
        for key, values in load_file(path).items():
            name, _, start = key.rpartition("@")
            pieces.setdefault(name, {})[int(start)] = values.astype(np.float32)
    if not pieces:
        msg = f"no part-*.safetensors in {folder}"
        raise FileNotFoundError(msg)
    return {name: np.concatenate([cut[start] for start in sorted(cut)]) for name, cut in pieces.items()}


def ship(trained: Path, shipped: Path, base_model_hash: str, *, quantise: bool = True) -> None:
    """Write a weights folder for the app from a run's ``trained/``.

    Args:
        base_model_hash: of the F16 GGUF that the app will use the weights with.
        quantise: int8; without, float32 (to measure what int8 costs).
    """
    shape = HypernetworkConfig.load(trained)
    shape = dataclasses.replace(shape, base_model_hash=base_model_hash)
    shipped.mkdir(parents=True, exist_ok=True)
    (shipped / CONFIG_FILE).write_text(shape.to_json(), encoding="utf-8")
    save_tensors(shipped / TENSORS_FILE, load_parts(trained), quantise=quantise)


def _device_name() -> str:
    if not torch.cuda.is_available():
        return "CPU"
    return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"


def main(arguments: Sequence[str] | None = None) -> int:
    """``python -m engine.training.export TRAINED SHIPPED HASH [--float32]``"""
    parser = argparse.ArgumentParser(description="Turn a run's trained/ folder into a weights folder.")
    parser.add_argument("trained", type=Path)
    parser.add_argument("shipped", type=Path)
    parser.add_argument("base_model_hash", help="SHA-256 of the F16 GGUF")
    parser.add_argument("--float32", action="store_true", help="do not quantise")
    options = parser.parse_args(arguments)
    ship(options.trained, options.shipped, options.base_model_hash, quantise=not options.float32)
    return 0


if __name__ == "__main__":
    sys.exit(main())
