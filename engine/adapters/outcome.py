"""How the processes that write, read or merge adapters say what came of it."""

from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from engine.errors import EngineError
from engine.messages import WorkerFailed


def tell_outcome(conn: Connection, work: Callable[[], object], os_error_title: str, place: Path) -> None:
    """Do the work and send its result, or a WorkerFailed in words for the user.

    Args:
        conn: to the process that ordered it.
        work: what is to be done; its result is the message.
        os_error_title: what an OSError means here, e.g. "The adapter cannot be read."
        place: named where an OSError does not name a file.
    """
    try:
        result = work()
    except EngineError as exc:
        conn.send(WorkerFailed(exc.title, exc.detail))
    except OSError as exc:
        conn.send(WorkerFailed(os_error_title, f"{exc.filename or place}: {exc.strerror or exc}."))
    except MemoryError:
        conn.send(WorkerFailed("There is not enough memory for this adapter.", "Close other programs."))
    else:
        conn.send(result)
