"""A program to be killed: learns the notes of a folder, and holds in the middle of a job.

``python -m tests.app.victim HOME NOTES N_DONE`` prints "holding" in the job after the first N_DONE.
"""

import sys
import threading
from collections.abc import Callable
from pathlib import Path

from app.bootstrap import WorkerFactories, build
from engine.messages import IngestCommand, IngestEvent, Internalize
from tests.app.fakes import FakeChatEngine, FakeIngestEngine, FakePreparation, FakeWorker


class _HoldingEngine(FakeIngestEngine):
    def __init__(self, n_done: int) -> None:
        super().__init__()
        self._n_done = n_done

    def internalize(
        self,
        worker: FakeWorker[IngestCommand, IngestEvent],
        job: Internalize,
        is_cancelled: Callable[[], bool],
    ) -> None:
        if len(self.learnt) == self._n_done:
            print("holding", flush=True)
            threading.Event().wait()
        super().internalize(worker, job, is_cancelled)


def main() -> None:
    home, notes, n_done = Path(sys.argv[1]), Path(sys.argv[2]), int(sys.argv[3])
    workers = WorkerFactories(_HoldingEngine(n_done), FakeChatEngine(), FakePreparation())
    application = build(home, headless=True, weights_dir=home, workers=workers)
    application.ingest.add_paths([notes])
    application.start()
    threading.Event().wait()


if __name__ == "__main__":
    main()
