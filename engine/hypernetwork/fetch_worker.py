"""The process that downloads a model and brings its hypernetwork into Loreleaf's form.

Here and not among the models: it knows how a checkpoint is converted.
"""

import logging
import threading
from multiprocessing.connection import Connection
from pathlib import Path

from engine.messages import Shutdown
from engine.models.download import FetchStopped
from engine.models.fetch import ModelFetch
from engine.models.hub import Hub, TokenRequired
from engine.models.messages import FetchModel, ModelFetched, TokenNeeded
from engine.models.preparation import Convert
from engine.models.registry import find_entry
from engine.models.store import ModelStore
from engine.outcome import send_result

logger = logging.getLogger(__name__)


def _convert(checkpoint: Path, folder: Path) -> None:
    from engine.hypernetwork.convert import convert_checkpoint  # brings torch along

    convert_checkpoint(checkpoint, folder)


def main(conn: Connection, wanted: FetchModel, convert: Convert = _convert) -> None:
    """Fetch, tell how it goes and how it ended; Shutdown stops it. See ``engine.client``."""
    stop = threading.Event()
    threading.Thread(target=_hear_shutdown, args=(conn, stop), name="fetch-commands", daemon=True).start()
    send_result(
        conn, lambda: _fetch(conn, wanted, stop, convert), "The model cannot be fetched.", wanted.models_dir
    )


def _fetch(
    conn: Connection, wanted: FetchModel, stop: threading.Event, convert: Convert
) -> ModelFetched | TokenNeeded | None:
    """What came of it; None when it was stopped."""
    store = ModelStore(wanted.models_dir, wanted.records_dir)
    try:
        entry = find_entry(wanted.name)
        fetch = ModelFetch(
            entry,
            store,
            lambda: Hub(wanted.given_token, wanted.kept_token),
            conn.send,
            stop,
            convert,
        )
        return fetch.run(wanted.sources)
    except FetchStopped:
        logger.info("The download of %s was stopped.", wanted.name)
        return None
    except TokenRequired as exc:
        return TokenNeeded(exc.title, exc.detail, exc.page, exc.has_refused)


def _hear_shutdown(conn: Connection, stop: threading.Event) -> None:
    try:
        while not isinstance(conn.recv(), Shutdown):
            pass
    except (EOFError, OSError, TypeError):  # TypeError: the pipe was closed under it, at the end
        logger.info("Nobody waits for the model any more.")
    stop.set()
