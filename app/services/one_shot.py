"""Run a process of the engine that does one thing and ends, and wait for its result."""

import queue
from collections.abc import Callable
from typing import Any, TypeVar

from app.services.ports import PreparationWorker, WorkerPort
from engine.errors import EngineDied, EngineError
from engine.messages import WorkerDied, WorkerFailed
from engine.models.messages import PreparationProgress, PreparedModels

ResultT = TypeVar("ResultT")

_SLICE_S = 0.1
"""Ctrl-C and a wish to stop are noticed this soon."""


class OneShotStopped(Exception):
    """It was ended on request, before it had a result."""


def prepare_models(
    worker: PreparationWorker,
    on_progress: Callable[[PreparationProgress], None],
    *,
    is_stopped: Callable[[], bool] = lambda: False,
) -> PreparedModels:
    """Have the base model unpacked unless it is, and learn what the models are. Blocks.

    Args:
        worker: not started.
        on_progress: called in this thread while the base model is unpacked.
        is_stopped: asked ten times a second, in this thread.

    Raises:
        EngineError, OneShotStopped: as ``run_one_shot``.
    """

    def show(event: object) -> None:
        if isinstance(event, PreparationProgress):
            on_progress(event)

    return run_one_shot(worker, PreparedModels, show, is_stopped=is_stopped)


def run_one_shot(
    worker: WorkerPort[Any, Any],
    wanted: type[ResultT],
    on_event: Callable[[object], None],
    *,
    is_stopped: Callable[[], bool] = lambda: False,
) -> ResultT:
    """Start the process, wait for its event of the type ``wanted``, and end it. Blocks.

    Args:
        worker: not started.
        wanted: what is waited for.
        on_event: told every other event, in this thread; what it raises ends the process, too.
        is_stopped: asked ten times a second, in this thread.

    Raises:
        EngineError: it could not do it.
        EngineDied: it ended without having said why.
        OneShotStopped: ``is_stopped`` was true.
    """
    happened: queue.SimpleQueue[object] = queue.SimpleQueue()
    try:
        worker.start(happened.put)
        while not is_stopped():
            try:
                event = happened.get(timeout=_SLICE_S)
            except queue.Empty:
                continue
            match event:
                case WorkerFailed(title=title, detail=detail):
                    raise EngineError(title, detail)
                case WorkerDied() as died:
                    raise EngineDied(
                        "A part of Loreleaf stopped unexpectedly.",
                        f"{died.reason.rstrip('.')}. The log has the details.",
                    )
                case _ if isinstance(event, wanted):
                    return event
                case _:
                    on_event(event)
        raise OneShotStopped
    finally:
        worker.stop(timeout_s=2.0)
