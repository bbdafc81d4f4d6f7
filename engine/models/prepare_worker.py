"""The process that unpacks the base model and hashes the models."""

from collections.abc import Callable
from multiprocessing.connection import Connection

from engine.formats.weights_file import hypernetwork_hash
from engine.messages import NO_HYPERNETWORK
from engine.models.embedded import base_model_hash, ensure_base_model
from engine.models.messages import PreparationProgress, PreparedModels, PrepareModels
from engine.models.own import OwnModels
from engine.models.registry import BUILT_IN, is_own
from engine.models.store import ModelStore
from engine.outcome import send_result

PROGRESS_STEP = 0.01
"""Progress is sent in steps of at least this share."""


def main(conn: Connection, wanted: PrepareModels) -> None:
    """Prepare, tell the result, return. Entry of a process spawned by ``engine.client.WorkerClient``."""
    told = -1.0

    def tell(share: float) -> None:
        nonlocal told
        if share - told >= PROGRESS_STEP or share >= 1.0:
            told = share
            conn.send(PreparationProgress(share))

    send_result(conn, lambda: _prepared(wanted, tell), "The language model cannot be read.", wanted.cache_dir)


def _prepared(wanted: PrepareModels, tell: Callable[[float], None]) -> PreparedModels:
    if wanted.name == BUILT_IN:
        return _built_in(wanted, tell)
    return _own(wanted) if is_own(wanted.name) else _fetched(wanted)


def _own(wanted: PrepareModels) -> PreparedModels:
    """A file of the user's: nothing is to be made, nor to be learnt for it."""
    model = OwnModels(wanted.records_dir).ready(wanted.name)
    return PreparedModels(
        base_model=model.path,
        weights_dir=wanted.weights_dir,
        base_hash="",
        hypernetwork_hash=NO_HYPERNETWORK,
        form=model.form,
    )


def _built_in(wanted: PrepareModels, tell: Callable[[float], None]) -> PreparedModels:
    base_model = ensure_base_model(wanted.cache_dir, tell)
    return PreparedModels(
        base_model=base_model,
        weights_dir=wanted.weights_dir,
        base_hash=base_model_hash(base_model),
        hypernetwork_hash=hypernetwork_hash(wanted.weights_dir),
    )


def _fetched(wanted: PrepareModels) -> PreparedModels:
    ready = ModelStore(wanted.cache_dir, wanted.records_dir).ready(wanted.name)
    return PreparedModels(
        base_model=ready.chat,
        weights_dir=ready.weights_dir,
        base_hash=ready.chat_sha256,
        hypernetwork_hash=ready.hypernetwork_hash,
        encoder_dir=ready.encoder_dir,
    )
