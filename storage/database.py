"""The catalog's file: its connections, its transactions, its one writer."""

import logging
import sqlite3
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy import URL, Connection, Engine, create_engine, event
from sqlalchemy.orm import Session

from storage import opening
from storage.errors import CatalogDamaged, StorageError
from storage.sqlite_errors import translated

logger = logging.getLogger(__name__)

BUSY_TIMEOUT_S = 10.0
"""How long a statement waits for another process's transaction."""


class Database:
    """An open catalog file. Any thread may use it; several processes may have the same file open.

    Writes run one at a time, each in its own BEGIN IMMEDIATE transaction: SQLite has one writer anyway, and a
    deferred transaction that turns into a write later fails when another one was faster. Reads run beside
    them, each on a snapshot (WAL).

    Attributes:
        path: the file.
        recovery_note: what to tell the user when the file was found damaged at opening and moved aside; else
            None.
        has_old_log: whether the -wal may hold bytes that were deleted since it was emptied last.
    """

    def __init__(self, path: Path, recovery_note: CatalogDamaged | None) -> None:
        self.path = path
        self.recovery_note = recovery_note
        self.has_old_log = True  # a process that was killed may have left one
        self._write_lock = threading.Lock()
        self._is_closed = False
        self._writer = _engine(path, "BEGIN IMMEDIATE", read_only=False)
        self._reader = _engine(path, "BEGIN", read_only=True)

    @classmethod
    def open(cls, path: Path) -> "Database":
        """Open the catalog at ``path``, making it or bringing it to the current schema if need be.

        Blocks: up to seconds when a large catalog is migrated or checked.

        Raises:
            CatalogTooNew: written by a newer version; left unchanged.
            StorageError: it cannot be opened, or there is no room to back it up before a migration.
        """
        return cls(path, opening.prepare(path))

    def close(self) -> None:
        """Close every connection. SQLite folds the -wal into the file when the last process does so."""
        with self._write_lock:
            self._is_closed = True
            self._reader.dispose()
            self._writer.dispose()

    @contextmanager
    def read(self) -> Iterator[Session]:
        """A session on one snapshot. It cannot write.

        Raises:
            StorageError: the file cannot be read.
        """
        with self._translated(), Session(self._reader) as session, session.begin():
            yield session

    @contextmanager
    def write(self) -> Iterator[Session]:
        """The one write transaction: committed at the end of the block, rolled back by any exception.

        Not reentrant: a block inside a block would wait for itself.

        Raises:
            StorageError: nothing of the block was kept.
        """
        with self._write_lock, self._translated(), Session(self._writer) as session, session.begin():
            yield session

    def truncate_log(self) -> None:
        """Fold the -wal into the file and empty it, if no reader needs it and there is room; else later."""
        try:
            with self._write_lock, self._translated():
                connection = self._writer.raw_connection()
                try:
                    # Not in a transaction: a checkpoint inside one fails.
                    row = connection.cursor().execute("PRAGMA wal_checkpoint(TRUNCATE)").fetchone()
                finally:
                    connection.close()
                is_busy = row is None or row[0] != 0
                self.has_old_log = is_busy
        except CatalogDamaged:
            raise
        except StorageError:
            # What was to be done is committed; SQLite tries again by itself.
            logger.warning("the log of %s could not be emptied", self.path, exc_info=True)

    @contextmanager
    def _translated(self) -> Iterator[None]:
        if self._is_closed:
            # A disposed engine would quietly connect again, to a file that may belong to someone else by now.
            raise StorageError("The library is closed.", f"{self.path} was closed while it was still in use")
        try:
            with translated(self.path):
                yield
        except CatalogDamaged:
            # Found in the middle of work, where nothing can be repaired: the next start checks every page.
            logger.exception("the catalog is damaged")
            opening.mark_suspect(self.path)
            raise


def _engine(path: Path, begin: str, *, read_only: bool) -> Engine:
    engine = create_engine(
        URL.create("sqlite", database=str(path)),
        hide_parameters=True,  # they are what notes say, and would stand in tracebacks
        connect_args={"timeout": BUSY_TIMEOUT_S},
        # One connection writes; a reader never waits for another reader's connection.
        pool_size=4 if read_only else 1,
        max_overflow=-1 if read_only else 0,
    )

    @event.listens_for(engine, "connect")
    def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
        # Python's module would begin deferred transactions at moments of its own choosing.
        connection.isolation_level = None
        connection.execute("PRAGMA foreign_keys = ON")
        # WAL: a crash loses nothing that was committed, a power cut at most the last commits, never the file.
        connection.execute("PRAGMA synchronous = NORMAL")
        # A forgotten note's bytes are overwritten, not just unlinked.
        connection.execute("PRAGMA secure_delete = ON")
        if read_only:
            connection.execute("PRAGMA query_only = ON")

    @event.listens_for(engine, "begin")
    def _on_begin(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    return engine
