"""Training runs on a tiny base model; their clock counts steps, so that a slow machine trains as much."""

from pathlib import Path

import torch

from engine.training.config import TrainConfig
from engine.training.distributed import DistributedContext
from engine.training.loop import Trainer

TINY_RUN = """
log_every_steps = 10
compile = false
[sets]
notes = 1.0
[hypernetwork]
d_latent = 8
lora_rank = 4
n_latents = 4
n_blocks = 1
d_head = 4
bias_rank = 2
"""
"""The end of a run's config: what the tests do not vary. More fields of the hypernetwork may follow."""


def trainer_at(config_path: Path, device: str = "cpu") -> Trainer:
    """A run of one process."""
    config, place = TrainConfig.load(config_path), DistributedContext(0, 1, torch.device(device))
    trainer: Trainer = Trainer(config, place, clock=lambda: float(trainer.progress.step))
    return trainer
