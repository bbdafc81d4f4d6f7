"""models list, models get: which base models there are, and making one ready."""

import argparse

from app.bootstrap import SHIPPED_WEIGHTS, Profile, open_profile
from app.cli.console import Console
from app.cli.errors import CommandFailed
from app.cli.one_shot import prepare_models, run_one_shot
from app.cli.opening import home_of
from engine.client import WorkerClient
from engine.messages import ModelsFound, ModelState, SurveyModels

_STATES = {
    ModelState.READY: "ready",
    ModelState.PACKED: "installed, unpacked at the first use",
    ModelState.MISSING: "missing",
    ModelState.UNFIT: "does not fit",
}


def list_models(options: argparse.Namespace, console: Console) -> int:
    """Show the base models with state, hash and size; 1 if the default one cannot be used."""
    profile = open_profile(home_of(options.home))
    try:
        found = survey_models(profile, console)
    finally:
        profile.close()
    if options.json:
        console.result_json({"models": [model_as_json(found)]})
    else:
        console.result(f"{found.name}  {found.title}  {_STATES[found.state]}")
        if found.path is not None:
            console.result(f"  {found.path}  {found.size_bytes / 1e6:.0f} MB")
        if found.sha256:
            console.result(f"  SHA-256 {found.sha256}")
    if found.problem:
        console.failure(found.problem)
        return 1
    return 0


def get_model(options: argparse.Namespace, console: Console) -> int:
    """Make a base model ready for use: unpack it, and check it."""
    if options.name != "embedded":
        raise CommandFailed(f"There is no base model “{options.name}”.", "“loreleaf models list” shows them.")
    profile = open_profile(home_of(options.home))
    try:
        models = prepare_models(profile, console)
    finally:
        profile.close()
    console.result(f"embedded  ready  {models.base_model}")
    return 0


def survey_models(profile: Profile, console: Console) -> ModelsFound:
    """Look which models are there, in a process of its own."""
    client: WorkerClient[object, object] = WorkerClient(
        "engine.models.survey:main", SurveyModels(profile.paths.cache_models, SHIPPED_WEIGHTS), "survey"
    )
    return run_one_shot(client, ModelsFound, console, "Looking at the models")


def model_as_json(found: ModelsFound) -> dict[str, object]:
    """All that is known about a base model."""
    return {
        "name": found.name,
        "title": found.title,
        "state": found.state.value,
        "path": str(found.path) if found.path is not None else None,
        "sha256": found.sha256 or None,
        "size_bytes": found.size_bytes,
        "hypernetwork_hash": found.hypernetwork_hash or None,
        "problem": found.problem,
    }
