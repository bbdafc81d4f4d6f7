"""A trained hypernetwork -> files: the trained dtype in parts of moderate size, and the shipped int8 form."""

import dataclasses
import hashlib
from pathlib import Path

import numpy as np
import torch
from numpy.typing import NDArray
from safetensors.numpy import save_file

from engine.hypernetwork.config import CONFIG_FILE, TENSORS_FILE
from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.hypernetwork.weights_file import save_tensors
from engine.training.config import TrainConfig

PART_BYTES = 14 * 2**20
"""Machines that train for us give files back up to 16 MiB."""


def export_weights(hypernetwork: Hypernetwork, config: TrainConfig, step: int, seconds: float) -> None:
    """Write ``shipped/`` (int8 and config.json) and ``trained/`` (float16 parts) into the run's folder."""
    tensors = {
        name: value.detach().float().cpu().numpy() for name, value in hypernetwork.state_dict().items()
    }
    shape = dataclasses.replace(
        hypernetwork.config,
        base_model_hash=hashlib.sha256(config.base_model.read_bytes()).hexdigest(),
        training={"steps": step, "minutes": round(seconds / 60, 1), "device": _device_name()},
    )
    shipped, trained = config.out / "shipped", config.out / "trained"
    for folder in (shipped, trained):
        folder.mkdir(exist_ok=True)
    (shipped / CONFIG_FILE).write_text(shape.to_json(), encoding="utf-8")
    save_tensors(shipped / TENSORS_FILE, tensors)
    _save_parts(trained, tensors)


def _save_parts(folder: Path, tensors: dict[str, NDArray[np.float32]]) -> None:
    part: dict[str, NDArray[np.float16]] = {}
    size = index = 0
    for name, values in tensors.items():
        # A tensor larger than a part is cut along its first axis; parts are named "name@start".
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


def _device_name() -> str:
    if not torch.cuda.is_available():
        return "CPU"
    return f"{torch.cuda.device_count()} x {torch.cuda.get_device_name()}"
