"""Have the models unpacked for a command, with the progress in the terminal."""

from app.bootstrap import Profile, models_wanted
from app.cli.console import Console
from app.services import one_shot
from engine.models.messages import PreparationProgress, PreparedModels, PrepareModels
from engine.worker_clients import preparation_client


def prepare_models(profile: Profile, console: Console, wanted: PrepareModels | None = None) -> PreparedModels:
    """Unpack the base model unless it is, and say what the models are.

    Args:
        profile: whose models.
        console: shows the progress.
        wanted: other models than those that the settings name.

    Raises:
        EngineError: they cannot be had.
    """

    def show(progress: PreparationProgress) -> None:
        console.progress(f"Unpacking the language model: {progress.share:.0%}")

    console.progress("Unpacking the language model")
    return one_shot.prepare_models(preparation_client(wanted or models_wanted(profile)), show)
