"""Run a process of the engine that does one thing: numpy and torch stay out of this one."""

import queue
from typing import Any, TypeVar

from app.bootstrap import SHIPPED_WEIGHTS, Profile, preparation_client
from app.cli.console import Console
from app.cli.errors import CommandFailed
from app.services.ports import PreparationProgress, PreparedModels, PrepareModels
from engine.client import WorkerClient
from engine.messages import WorkerDied, WorkerFailed

EventT = TypeVar("EventT")
_SLICE_S = 0.1


def run_one_shot(
    client: WorkerClient[Any, Any], wanted: type[EventT], console: Console, doing: str
) -> EventT:
    """Start the process, wait for its event of the type ``wanted``, and end it.

    Args:
        client: not started.
        wanted: what is waited for.
        console: shows the progress.
        doing: for the progress, e.g. "Unpacking the language model".

    Raises:
        CommandFailed: it could not do it, or died.
    """
    happened: queue.SimpleQueue[object] = queue.SimpleQueue()
    try:
        client.start(happened.put)
        while True:
            console.progress(doing)
            try:
                event = happened.get(timeout=_SLICE_S)
            except queue.Empty:
                continue
            match event:
                case PreparationProgress(share=share):
                    doing = f"{doing.partition(':')[0]}: {share:.0%}"
                case WorkerFailed(title=title, detail=detail):
                    raise CommandFailed(title, detail)
                case WorkerDied(exit_code=exit_code, last_words=last_words):
                    raise CommandFailed(
                        "A part of Loreleaf stopped unexpectedly.",
                        f"Exit code {exit_code}. {last_words}".strip(),
                    )
                case _ if isinstance(event, wanted):
                    return event
    finally:
        client.stop(timeout_s=2.0)


def prepare_models(profile: Profile, console: Console) -> PreparedModels:
    """Unpack the base model unless it is, and say what the models are.

    Raises:
        CommandFailed: they cannot be had.
    """
    client = preparation_client(PrepareModels(profile.paths.cache_models, SHIPPED_WEIGHTS))
    return run_one_shot(client, PreparedModels, console, "Unpacking the language model")
