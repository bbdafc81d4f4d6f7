"""``python -m engine.training CONFIG [--minutes M]``; on several GPUs start it with ``torchrun``.

``loreleaf train`` calls ``main`` too.
"""

import argparse
import json
import logging
import math
import sys
import time
from collections.abc import Sequence
from dataclasses import replace
from pathlib import Path

from engine.errors import EngineError
from engine.evaluation.question_sets import names_in
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.training.config import TrainConfig
from engine.training.corpus_files import CorpusFiles
from engine.training.distributed import find_context
from engine.training.held_out import SET_SIZES
from engine.training.loop import Trainer


def main(arguments: Sequence[str] | None = None) -> int:
    """Train and measure; returns the exit code."""
    started = time.monotonic()
    parser = argparse.ArgumentParser(prog="loreleaf train", description="Train a hypernetwork.")
    parser.add_argument("config", type=Path, help="TOML file, see engine/training/config.py")
    parser.add_argument(
        "--minutes",
        type=float,
        default=float("inf"),
        help="stop after so many minutes, counted from the command's start",
    )
    parser.add_argument("--fit", action="store_true", help="let the schedule end with --minutes")
    parser.add_argument(
        "--measure", type=int, default=192, metavar="N", help="held-out contexts per set; 0: none"
    )
    parser.add_argument("--prepare", action="store_true", help="only tokenise the sets that are there")
    options = parser.parse_args(arguments)
    if options.fit and math.isinf(options.minutes):
        parser.error("--fit needs --minutes")
    logging.basicConfig(level=logging.INFO, format="%(asctime)s %(message)s", stream=sys.stdout)
    try:
        config = TrainConfig.load(options.config)
    except (OSError, ValueError) as exc:
        parser.error(str(exc))
    if options.measure and options.measure < SET_SIZES[-1]:
        parser.error(f"--measure must be 0 or at least {SET_SIZES[-1]}, got {options.measure}")
    if options.prepare:
        return _prepare(config)
    place = find_context()
    try:
        trainer = Trainer(config, place)
        passed_s = time.monotonic() - started
        trainer.run(options.minutes - passed_s / 60, fit=options.fit)
        if place.is_first and options.measure:
            results = trainer.measure(limit=options.measure)
            print(json.dumps(results, indent=1), flush=True)
        place.barrier()
    except (EngineError, OSError) as exc:
        print(f"loreleaf train: {exc}", file=sys.stderr)
        return 1
    place.leave()
    return 0


def _prepare(config: TrainConfig) -> int:
    """Tokenise: what a machine can do while its GPUs are busy, with writing one of the sets, say."""
    try:
        config.out.mkdir(parents=True, exist_ok=True)
        there = names_in(config.data)
        sets = {name: weight for name, weight in config.sets.items() if name in there}
        CorpusFiles.of(replace(config, sets=sets), load_tokenizer(config.base_model)).make()
    except (EngineError, OSError) as exc:
        print(f"loreleaf train: {exc}", file=sys.stderr)
        return 1
    return 0


if __name__ == "__main__":
    sys.exit(main())
