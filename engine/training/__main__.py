"""``python -m engine.training CONFIG [--minutes M]``; on several GPUs start it with ``torchrun``.

The window's ``loreleaf train`` calls ``main`` too.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

import torch.distributed as dist

from engine.training.config import TrainConfig
from engine.training.export import export_weights
from engine.training.loop import Trainer, find_place


def main(arguments: Sequence[str] | None = None) -> int:
    """Train, export and measure; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loreleaf train", description="Train a hypernetwork.")
    parser.add_argument("config", type=Path, help="TOML file, see engine/training/config.py")
    parser.add_argument(
        "--minutes", type=float, default=float("inf"), help="stop this run after so many minutes"
    )
    parser.add_argument(
        "--measure", type=int, default=192, metavar="N", help="held-out contexts per set; 0: none"
    )
    options = parser.parse_args(arguments)
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    try:
        config = TrainConfig.load(options.config)
    except (OSError, ValueError) as exc:
        parser.error(str(exc))
    place = find_place()
    trainer = Trainer(config, place)
    trainer.run(options.minutes)
    if place.is_first:
        export_weights(trainer.hypernetwork, config, trainer.progress.step, trainer.progress.seconds)
        if options.measure:
            print(json.dumps(trainer.measure(limit=options.measure), indent=1), flush=True)
    place.barrier()
    if place.n_processes > 1:
        dist.destroy_process_group()
    return 0


if __name__ == "__main__":
    sys.exit(main())
