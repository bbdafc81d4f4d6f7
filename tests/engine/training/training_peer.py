"""One of several training processes; started through torch.distributed.run by test_training_loop.py.

Its schedule counts steps instead of seconds, so that a slow machine trains as much as a quick one.
"""

import hashlib
import sys
from pathlib import Path

from engine.training.config import TrainConfig
from engine.training.distributed import find_context
from engine.training.loop import Trainer


def main() -> None:
    config = TrainConfig.load(Path(sys.argv[1]))
    place = find_context()
    trainer: Trainer = Trainer(config, place, clock=lambda: float(trainer.progress.step))
    trainer.run(20 / 60)
    digest = hashlib.sha256()
    for p in trainer.hypernetwork.parameters():
        digest.update(p.detach().numpy().tobytes())
    report = f"{trainer.progress.step} {trainer.progress.seconds} {digest.hexdigest()}"
    (config.out / f"rank-{place.rank}.txt").write_text(report, encoding="utf-8")
    place.leave()


if __name__ == "__main__":
    main()
