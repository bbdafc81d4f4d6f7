"""The one place where SQLite's failures become ours."""

import sqlite3
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from sqlalchemy.exc import DBAPIError

from storage.errors import CatalogDamaged, StorageError

DAMAGE_CODES = frozenset({sqlite3.SQLITE_CORRUPT, sqlite3.SQLITE_NOTADB})
_FULL = "The disk is full."
_TITLES = {
    sqlite3.SQLITE_FULL: (_FULL, "Free some space and try again; nothing was changed."),
    sqlite3.SQLITE_BUSY: ("The library is in use.", "Another Loreleaf holds it for too long; try again."),
    sqlite3.SQLITE_LOCKED: ("The library is in use.", "Another Loreleaf holds it for too long; try again."),
    sqlite3.SQLITE_READONLY: ("The library cannot be changed.", "The file or its folder is write-protected."),
    sqlite3.SQLITE_PERM: ("The library cannot be opened.", "The file or its folder is protected."),
    sqlite3.SQLITE_CANTOPEN: ("The library cannot be opened.", "Check that its folder exists and is yours."),
    sqlite3.SQLITE_IOERR: ("The disk reported an error.", "The last change was not kept."),
    sqlite3.SQLITE_NOMEM: ("Not enough memory.", "Close other programs and try again; nothing was changed."),
}


def primary_code(error: sqlite3.Error) -> int:
    """SQLite's primary result code; 0 for errors raised by Python's module itself."""
    # Extended codes keep the primary one in their low byte, https://sqlite.org/rescode.html
    code: int = getattr(error, "sqlite_errorcode", 0)
    return code & 0xFF


def as_storage_error(error: sqlite3.Error, path: Path) -> StorageError | None:
    """Our failure for SQLite's, or None when it is a bug of ours (constraint, syntax, misuse)."""
    code = primary_code(error)
    if code in DAMAGE_CODES:
        return CatalogDamaged(
            "The library is damaged.",
            f"{path}: {error}. Restart Loreleaf: it checks the file, and moves it aside if need be.",
        )
    if code not in _TITLES:
        return None
    title, advice = _TITLES[code]
    return StorageError(title, f"{path}: {error}. {advice}")


@contextmanager
def translated(path: Path) -> Iterator[None]:
    """Raise StorageError for failures of the file at ``path``; let bugs through as they are."""
    try:
        yield
    except sqlite3.Error as exc:
        failure = as_storage_error(exc, path)
        if failure is None:
            raise
        raise failure from exc
    except DBAPIError as exc:
        failure = as_storage_error(exc.orig, path) if isinstance(exc.orig, sqlite3.Error) else None
        if failure is None:
            raise
        raise failure from exc
