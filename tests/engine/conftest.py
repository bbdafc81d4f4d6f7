"""Fixtures with the real embedded base model; and a hypernetwork for it with random weights."""

import os
from collections.abc import Iterator
from pathlib import Path

# Before anything loads OpenMP: spinning threads of torch and llama.cpp would starve each other on two cores.
os.environ.setdefault("OMP_WAIT_POLICY", "passive")
os.environ.setdefault("GGML_NO_BACKTRACE", "1")

import numpy as np
import pytest
import torch

from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE, HypernetworkConfig, TargetModule
from engine.formats.weights_file import save_tensors
from engine.models.embedded import ensure_base_model


@pytest.fixture(scope="session")
def f16_base_model(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The embedded base model as float16 GGUF, converted once per test run."""
    return ensure_base_model(tmp_path_factory.mktemp("models"), lambda _share: None)


@pytest.fixture(scope="session")
def random_weights_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A hypernetwork's weights folder that fits the base model: what reading latents needs, at random.

    Sizes are chosen so that a chunk's delta is half as large as the base's weights: it changes any answer.
    """
    folder = tmp_path_factory.mktemp("weights")
    config = HypernetworkConfig(
        n_layers=30,
        d_encoder=576,
        d_latent=16,
        lora_rank=8,
        target_modules=(TargetModule("down_proj", 1536, 576),),
        lora_alpha=45.254833995939045,
        bias_rank=4,
    )
    random = np.random.default_rng(7)

    def normal(*shape: int, scale: float) -> np.ndarray[tuple[int, ...], np.dtype[np.float32]]:
        return (random.standard_normal(shape) * scale).astype(np.float32)

    tensors = {
        "head.weight": normal(30, 16, 1536 + 576, scale=0.03),
        "scaler_A.down_proj": np.ones((1, 30, 8, 1), np.float32),
        "scaler_B.down_proj": np.full((1, 30, 8, 1), 1.0, np.float32),
        "bias_A.down_proj": normal(30, 4, 1536, scale=0.03),
        "bias_B.down_proj": normal(30, 4, 576, scale=0.0005),
    }
    save_tensors(folder / TENSORS_FILE, tensors)
    (folder / CONFIG_FILE).write_text(config.to_json(), encoding="utf-8")
    return folder


@pytest.fixture
def one_thread() -> Iterator[None]:
    """For tiny models: matrices of width 16 are not worth a second thread."""
    before = torch.get_num_threads()
    torch.set_num_threads(1)
    yield
    torch.set_num_threads(before)
