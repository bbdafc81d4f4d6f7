"""models list, get, add, use, remove: which base models there are, having, choosing, deleting one."""

import argparse
import getpass
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from pathlib import Path
from time import monotonic

from app.bootstrap import build_model_registry, models_wanted, open_profile
from app.cli.console import Console
from app.cli.errors import CommandFailed
from app.cli.home import home_of
from app.cli.model_listing import model_as_json, model_lines, progress_line
from app.cli.one_shot import prepare_models
from app.services.download_speed import DownloadSpeed
from app.services.hub_token import TokenMissing, check_token
from app.services.model_registry import ModelRegistry
from app.services.model_words import (
    FROM_THE_NEXT_START,
    KEPT,
    LEARNT_ANEW,
    QUOTED,
    STATES,
)
from engine.models.messages import FetchPhase, FetchProgressed, ModelFetched, ModelsFound, ModelState
from engine.models.registry import BUILT_IN, is_own
from engine.models.requirements import Fit, gigabytes


def list_models(options: argparse.Namespace, console: Console) -> int:
    """Show the base models, and whether they fit; 1 if the default one cannot be used."""
    with _model_registry(options) as model_registry:
        found = survey_models(model_registry, console)
    if options.json:
        console.result_json({"models": [model_as_json(model) for model in found.models]})
    else:
        for line in model_lines(found):
            console.result(line)
    if found.built_in.problem:
        console.failure(found.built_in.problem)
        return 1
    return 0


def get_model(options: argparse.Namespace, console: Console) -> int:
    """Make a base model ready for use: unpack or download it, and check it."""
    if options.name == BUILT_IN:
        return _unpack(options, console)
    token = _read_token(options.token_file) if options.token_file else ""
    with _model_registry(options) as model_registry:
        _say_whether_it_fits(options.name, model_registry, console)
        try:
            fetched = _fetch(model_registry, options, console, token)
        except TokenMissing as exc:
            token = _ask_for_token(options.name, console, exc)
            fetched = _fetch(model_registry, options, console, token)
        if token:  # for the next time; only once it has worked
            console.remark(model_registry.token.remember(token))
    console.result(f"{fetched.name}  {STATES[ModelState.READY]}  {fetched.path}")
    return 0


def add_model(options: argparse.Namespace, console: Console) -> int:
    """Take in a model file of the user's."""
    with _model_registry(options) as model_registry:
        added = model_registry.add(
            Path(options.path),
            name=options.name or "",
            on_progress=lambda progress: console.progress(progress_line(Path(options.path).name, progress)),
        )
    console.result(f"{added.name}  {added.title}  added  {added.path}")
    console.remark(f"{QUOTED} To use it, type: loreleaf models use {added.name}")
    return 0


def use_model(options: argparse.Namespace, console: Console) -> int:
    """Choose the base model that learns and answers from the next start on."""
    console.progress("Looking at the model")
    try:
        with _model_registry(options) as model_registry:
            is_new = model_registry.use(
                options.name,
                on_progress=lambda progress: console.progress(
                    f"Unpacking the language model: {progress.share:.0%}"
                ),
            )
    except OSError as exc:
        raise CommandFailed(f"The settings cannot be written: {exc.strerror}.", str(exc.filename)) from exc
    if not is_new:
        console.result(f"{options.name} is in use already.")
        return 0
    console.result(f"{options.name} {FROM_THE_NEXT_START}")
    console.remark(QUOTED if is_own(options.name) else LEARNT_ANEW)
    return 0


def remove_model(options: argparse.Namespace, console: Console) -> int:
    """Delete what was downloaded for a base model."""
    with _model_registry(options) as model_registry:
        n_bytes = model_registry.remove(options.name)
    freed = "your file stays" if is_own(options.name) else f"{gigabytes(n_bytes)} freed"
    console.result(f"{options.name}  removed  {freed}")
    return 0


def survey_models(model_registry: ModelRegistry, console: Console) -> ModelsFound:
    """Look which models are there, in a process of its own.

    Raises:
        EngineError: that process has failed.
    """
    console.progress("Looking at the models")
    return model_registry.models()


@contextmanager
def _model_registry(options: argparse.Namespace) -> Iterator[ModelRegistry]:
    profile = open_profile(home_of(options.home))
    try:
        yield build_model_registry(profile)
    finally:
        profile.close()


def _unpack(options: argparse.Namespace, console: Console) -> int:
    if options.sources or options.token_file:
        raise CommandFailed(f"“{options.name}” comes with Loreleaf.", "It needs neither --from nor a token.")
    profile = open_profile(home_of(options.home))
    try:
        wanted = replace(models_wanted(profile), name=BUILT_IN)
        models = prepare_models(profile, console, wanted)
    finally:
        profile.close()
    console.result(f"{options.name}  ready  {models.base_model}")
    return 0


def _say_whether_it_fits(name: str, model_registry: ModelRegistry, console: Console) -> None:
    """Before the download: what this computer or its set-up lacks for the model."""
    found = survey_models(model_registry, console).models
    verdict = next((model.verdict for model in found if model.name == name), None)
    if verdict is not None and verdict.fit is not Fit.FITS:
        console.remark(f"{name}: {verdict.fit.value}. {verdict.reason}")


def _fetch(
    model_registry: ModelRegistry, options: argparse.Namespace, console: Console, token: str
) -> ModelFetched:
    speed = DownloadSpeed()

    def show(progress: FetchProgressed) -> None:
        is_arriving = progress.phase is FetchPhase.DOWNLOADING
        bytes_per_s = speed.note(monotonic(), progress.n_done_bytes) if is_arriving else None
        console.progress(progress_line(options.name, progress, bytes_per_s))

    try:
        return model_registry.get(
            options.name,
            sources=[Path(source) for source in options.sources],
            token=token,
            on_progress=show,
        )
    except KeyboardInterrupt:
        console.remark(f"Stopped. {KEPT}; the same command goes on from there.")
        raise


def _read_token(file: str) -> str:
    """The token that the user put into a file.

    Raises:
        CommandFailed: there is none.
    """
    try:
        return check_token(sys.stdin.read() if file == "-" else Path(file).read_text(encoding="utf-8"))
    except OSError as exc:
        raise CommandFailed(f"The token's file cannot be read: {exc.strerror}.", file) from exc
    except ValueError as exc:  # no text, or no token
        raise CommandFailed("The token's file does not hold a token.", f"{file}: {exc}.") from exc


def _ask_for_token(name: str, console: Console, needed: TokenMissing) -> str:
    """Let the user type or paste the token, unseen.

    Raises:
        CommandFailed: nobody is there to ask, there was a token that did not do, or it is no token.
    """
    detail = f"{needed.detail} Save it in a file, and type: loreleaf models get {name} --token-file FILE"
    if needed.has_refused or not (sys.stdin.isatty() and console.is_watched):
        raise CommandFailed(needed.title, detail) from needed
    console.remark(f"{needed.title} {detail}")
    try:
        return check_token(getpass.getpass("Or paste the token here (it stays invisible): "))
    except EOFError as exc:
        raise CommandFailed(needed.title, detail) from exc
    except ValueError as exc:
        raise CommandFailed("That was not a token.", f"{exc}.") from exc
