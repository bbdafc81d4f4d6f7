"""The process that looks which models are there, without making any. Entry of a spawned process."""

from multiprocessing.connection import Connection
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.hypernetwork.config import HypernetworkConfig
from engine.hypernetwork.weights_file import hypernetwork_hash
from engine.messages import ModelsFound, ModelState, SurveyModels
from engine.models.embedded import BASE_MODEL_FILE, base_model_hash, find_embedded_gguf

NAME = "embedded"
TITLE = "SmolLM2-135M-Instruct"


def main(conn: Connection, wanted: SurveyModels) -> None:
    """Look, tell, return; see ``engine.client``."""
    conn.send(survey(wanted))


def survey(wanted: SurveyModels) -> ModelsFound:
    """What there is. Reads all of the base model's file if the record beside it does not fit."""
    path = wanted.cache_dir / BASE_MODEL_FILE
    try:
        expected = HypernetworkConfig.load(wanted.weights_dir).base_model_hash
        identity, problem = hypernetwork_hash(wanted.weights_dir), ""
    except (OSError, ValueError) as exc:
        expected, identity = "", ""
        problem = f"The part of Loreleaf that learns notes is missing or damaged: {exc}. Reinstall Loreleaf."
    except ModelUnavailable as exc:
        expected, identity, problem = "", "", f"{exc.title} {exc.detail}"
    if not path.is_file():
        return _not_unpacked(identity, problem)
    try:
        sha256 = base_model_hash(path)
    except ModelUnavailable as exc:
        return ModelsFound(
            NAME, TITLE, ModelState.MISSING, path, "", 0, identity, f"{exc.title} {exc.detail}"
        )
    state = ModelState.READY
    if expected not in ("", sha256):
        state = ModelState.UNFIT
        problem = f"The hypernetwork needs {expected}. Delete {path} and type: loreleaf models get {NAME}"
    return ModelsFound(NAME, TITLE, state, path, sha256, path.stat().st_size, identity, problem)


def _not_unpacked(identity: str, problem: str) -> ModelsFound:
    source: Path | None = None
    try:
        source, state = find_embedded_gguf(), ModelState.PACKED
    except ModelUnavailable as exc:
        state, problem = ModelState.MISSING, f"{exc.title} {exc.detail}"
    return ModelsFound(
        NAME, TITLE, state, source, "", source.stat().st_size if source else 0, identity, problem
    )
