"""Copies of the catalog, made before a migration changes it."""

import os
import sqlite3
from contextlib import closing
from datetime import UTC, datetime
from pathlib import Path

KEPT = 3
"""How many copies are kept; the oldest go first."""


def backups_folder(catalog: Path) -> Path:
    """Where the copies of the catalog at ``catalog`` are (ProfilePaths.backups)."""
    return catalog.parent / "backups"


def back_up(catalog: Path) -> Path:
    """Copy the committed state of the catalog, other connections notwithstanding.

    Returns:
        the copy, complete and on the disk.

    Raises:
        OSError, sqlite3.Error: no copy was made (disk full, folder not writable).
    """
    folder = backups_folder(catalog)
    folder.mkdir(exist_ok=True)
    stamp = datetime.now(UTC).strftime("%Y%m%dT%H%M%S%fZ")  # sorts by time
    target = folder / f"{catalog.stem}-{stamp}{catalog.suffix}"
    unfinished = target.with_suffix(".part")
    try:
        with closing(sqlite3.connect(catalog)) as source, closing(sqlite3.connect(unfinished)) as copy:
            # SQLite's own copy: one consistent state, committed pages in the -wal included.
            source.backup(copy)
            # The copy is one file that opens anywhere, even on a read-only disk.
            copy.execute("PRAGMA journal_mode = DELETE")
        _sync(unfinished)
        unfinished.replace(target)
    finally:
        unfinished.unlink(missing_ok=True)
    for old in sorted(folder.glob(f"{catalog.stem}-*{catalog.suffix}"))[:-KEPT]:
        old.unlink(missing_ok=True)
    return target


def older_copies(catalog: Path) -> tuple[Path, ...]:
    """Files that hold an earlier state of the catalog: backups, and damaged ones that were moved aside."""
    damaged = catalog.parent.glob(f"{catalog.stem}.damaged-*")
    return tuple(sorted((*backups_folder(catalog).glob(f"{catalog.stem}-*"), *damaged)))


def _sync(path: Path) -> None:
    with path.open("rb+") as file:
        os.fsync(file.fileno())
