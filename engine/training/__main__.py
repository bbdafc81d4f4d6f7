"""``python -m engine.training CONFIG [--minutes M]``; on several GPUs start it with ``torchrun``.

``loreleaf train`` calls ``main`` too.
"""

import argparse
import json
import logging
import sys
from collections.abc import Sequence
from pathlib import Path

from engine.errors import EngineError
from engine.training.config import TrainConfig
from engine.training.loop import Trainer
from engine.training.place import find_place


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and measure; returns the exit code."""
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
    if options.measure and options.measure < config.measured_sizes[-1]:
        parser.error(f"--measure must be 0 or at least {config.measured_sizes[-1]}, got {options.measure}")
    place = find_place()
    try:
        trainer = Trainer(config, place)
        trainer.run(options.minutes)
        if place.is_first and options.measure:
            results = trainer.measure(limit=options.measure)
            print(json.dumps(results, indent=1), flush=True)
        place.barrier()
    except (EngineError, OSError) as exc:
        print(f"loreleaf train: {exc}", file=sys.stderr)
        return 1
    place.leave()
    return 0


if __name__ == "__main__":
    sys.exit(main())
