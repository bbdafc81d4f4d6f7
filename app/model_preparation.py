"""The process that unpacks the base model and hashes the models. Its imports (numpy) happen only there."""

from multiprocessing.connection import Connection

from app.services.ports import PreparationProgress, PreparedModels, PrepareModels
from engine.errors import EngineError
from engine.messages import WorkerFailed

PROGRESS_STEP = 0.01
"""Progress is sent in steps of at least this share."""


def main(conn: Connection, wanted: PrepareModels) -> None:
    """Prepare, tell the result, return. Entry of a process spawned by ``engine.client.WorkerClient``."""
    from engine.hypernetwork.weights_file import hypernetwork_hash
    from engine.models.embedded import base_model_hash, ensure_base_model

    told = -1.0

    def tell(share: float) -> None:
        nonlocal told
        if share - told >= PROGRESS_STEP or share >= 1.0:
            told = share
            conn.send(PreparationProgress(share))

    try:
        base_model = ensure_base_model(wanted.cache_dir, tell)
        prepared = PreparedModels(
            base_model=base_model,
            weights_dir=wanted.weights_dir,
            base_hash=base_model_hash(base_model),
            hypernetwork_hash=hypernetwork_hash(wanted.weights_dir),
        )
    except EngineError as exc:
        conn.send(WorkerFailed(exc.title, exc.detail))
        return
    conn.send(prepared)
