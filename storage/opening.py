"""Opening a catalog that may be missing, old, newer than this program, or damaged.

All of it happens under a lock file beside the catalog, so that two processes neither migrate nor move the
same file at once.
"""

import logging
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

from filelock import FileLock, Timeout

from storage import backups, migration
from storage.errors import CatalogDamaged, CatalogTooNew, StorageError
from storage.sqlite_errors import DAMAGE_CODES, primary_code, translated

logger = logging.getLogger(__name__)

CHECKED_AT_EVERY_OPENING_BYTES = 32 * 2**20
"""Up to this size every page is checked at each opening (about 0.1 s); larger files only when suspect."""
LOCK_TIMEOUT_S = 60.0
"""Longer than migrating or checking a large catalog takes."""
_COMPANIONS = ("", "-shm", "-wal", "-journal")


def prepare(path: Path) -> CatalogDamaged | None:
    """Make the file at ``path`` a sound catalog of the current schema.

    Returns:
        what to tell the user when a damaged file was moved aside and an empty catalog took its place.

    Raises:
        CatalogTooNew, StorageError: see Database.open; the file is as it was.
    """
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        if path.exists() and not path.is_file():
            raise StorageError("The library cannot be opened.", f"{path} is not a file")
        with FileLock(_beside(path, ".opening"), timeout=LOCK_TIMEOUT_S):
            return _prepare_locked(path)
    except Timeout as exc:
        raise StorageError(
            "The library is in use.", f"Another Loreleaf has been opening {path} for {LOCK_TIMEOUT_S:.0f} s."
        ) from exc
    except OSError as exc:
        raise StorageError("The library cannot be opened.", f"{path}: {exc}") from exc


def mark_suspect(path: Path) -> None:
    """Have the next opening check every page, however large the file is."""
    try:
        _beside(path, ".suspect").touch()
    except OSError:
        # The damage itself is being reported already; without the mark the check happens on a later finding.
        logger.exception("cannot mark %s as suspect", path)


def _prepare_locked(path: Path) -> CatalogDamaged | None:
    suspect = _beside(path, ".suspect")
    note = None
    with translated(path):
        damage = _find_damage(path, thorough=suspect.exists())
        if damage:
            note = _move_aside(path, damage)
        suspect.unlink(missing_ok=True)
        if _read_revision(path) != migration.newest_revision():
            migration.migrate(path, before_step=lambda: backups.back_up(path))
    return note


def _find_damage(path: Path, *, thorough: bool) -> str:
    """What is wrong with the file, in SQLite's words; empty when it is sound or does not exist."""
    if not path.exists():
        return ""
    try:
        with closing(_connect(path)) as connection:
            if thorough or path.stat().st_size <= CHECKED_AT_EVERY_OPENING_BYTES:
                found = [row[0] for row in connection.execute("PRAGMA quick_check(5)")]
                if found != ["ok"]:
                    return "; ".join(found)
            connection.execute("SELECT count(*) FROM sqlite_schema").fetchone()
        if thorough:
            _rebuild_search(path)
    except sqlite3.Error as exc:
        if primary_code(exc) in DAMAGE_CODES:
            return str(exc)
        raise
    return ""


def _rebuild_search(path: Path) -> None:
    """Make the search index anew from the texts it keeps: the check of pages does not see into it."""
    if _read_revision(path) is None:
        return
    with closing(sqlite3.connect(path, timeout=10.0)) as connection, connection:
        connection.execute("PRAGMA secure_delete = ON")
        for table in ("chunk_search", "title_search"):
            connection.execute(f"INSERT INTO {table} ({table}) VALUES ('rebuild')")


def _read_revision(path: Path) -> str | None:
    """The schema of the file; None when it is missing or empty.

    Raises:
        CatalogTooNew: of a newer version.
        StorageError: of another program. In both cases nothing has touched the file.
    """
    if not path.exists() or path.stat().st_size == 0:
        return None
    with closing(_connect(path)) as connection:
        revision = migration.read_revision(connection)
        tables = {row[0] for row in connection.execute("SELECT name FROM sqlite_schema WHERE type = 'table'")}
    if revision is None and tables:
        raise StorageError(
            "This is not a Loreleaf library.",
            f"{path} belongs to another program (tables: {', '.join(sorted(tables)[:5])}); "
            "it was left unchanged. Choose another profile folder.",
        )
    if revision is not None and revision not in migration.known_revisions():
        raise CatalogTooNew(
            "The library was made by a newer Loreleaf.",
            f"{path} has schema {revision}, this version knows up to {migration.newest_revision()}. "
            "It was left unchanged. Install the newer version again.",
        )
    return revision


def _move_aside(path: Path, damage: str) -> CatalogDamaged:
    """Rename the file with its -wal and -shm, which belong to it alone, and say where it went."""
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")
    aside = path.with_name(f"{path.stem}.damaged-{stamp}{path.suffix}")
    # The -wal and -journal first: left behind, SQLite would replay them into the new catalog.
    for companion in reversed(_COMPANIONS):
        source = _beside(path, companion)
        if source.exists():
            source.replace(_beside(aside, companion))
    logger.error("moved the damaged catalog aside to %s: %s", aside, damage)
    return CatalogDamaged(
        "The library was damaged and a new one was started.",
        f"The old file was kept as {aside} ({damage}). Add your notes and folders again to have them learnt.",
    )


def _connect(path: Path) -> sqlite3.Connection:
    """A connection that changes nothing, not even by folding a left -wal into the file."""
    # Except after a crash while the file was made: nothing can read it before its journal was rolled back.
    mode = "rw" if _beside(path, "-journal").exists() else "ro"
    return sqlite3.connect(f"{path.absolute().as_uri()}?mode={mode}", uri=True, timeout=10.0)


def _beside(path: Path, ending: str) -> Path:
    return path.with_name(path.name + ending)
