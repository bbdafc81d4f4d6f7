"""Run a process of the engine that does one thing: numpy and torch stay out of this one."""

from typing import Any, TypeVar

from app.bootstrap import Profile, models_wanted
from app.cli.console import Console
from app.services import one_shot
from engine.client import WorkerClient
from engine.models.messages import PreparationProgress, PreparedModels, PrepareModels
from engine.worker_clients import preparation_client

EventT = TypeVar("EventT")


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
        EngineError: it could not do it, or died.
    """

    def show(event: object) -> None:
        if isinstance(event, PreparationProgress):
            console.progress(f"{doing}: {event.share:.0%}")

    console.progress(doing)
    return one_shot.run_one_shot(client, wanted, show)


def prepare_models(profile: Profile, console: Console, wanted: PrepareModels | None = None) -> PreparedModels:
    """Unpack the base model unless it is, and say what the models are.

    Args:
        profile: whose models.
        console: shows the progress.
        wanted: other models than those that the settings name.

    Raises:
        EngineError: they cannot be had.
    """
    client = preparation_client(wanted or models_wanted(profile))
    return run_one_shot(client, PreparedModels, console, "Unpacking the language model")
