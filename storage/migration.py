"""Bringing a catalog file to the newest schema, with Alembic and without an ini file.

Alembic is imported only when there is something to migrate: it takes longer to import than a catalog to open.
"""

import sqlite3
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import TYPE_CHECKING

from sqlalchemy import URL, Connection, NullPool, create_engine, event, inspect

if TYPE_CHECKING:
    from alembic.config import Config

VERSION_TABLE = "alembic_version"
_SCRIPTS = Path(__file__).with_name("migrations")


def config() -> "Config":
    """Alembic's settings; also what ``alembic revision`` needs, see migrations/env.py."""
    from alembic.config import Config

    settings = Config()
    # ConfigParser takes a percent sign in a path for an interpolation.
    settings.set_main_option("script_location", str(_SCRIPTS).replace("%", "%%"))
    return settings


@cache
def known_revisions() -> tuple[str, ...]:
    """Every schema this program can open, oldest first; from the names of the files, NNNN_title.py."""
    return tuple(sorted(file.name[:4] for file in (_SCRIPTS / "versions").glob("[0-9]*_*.py")))


def newest_revision() -> str:
    """The schema this program works with."""
    return known_revisions()[-1]


def read_revision(connection: sqlite3.Connection) -> str | None:
    """The file's schema; None when it has none yet."""
    tables = connection.execute("SELECT 1 FROM sqlite_schema WHERE name = ?", (VERSION_TABLE,)).fetchall()
    row = connection.execute(f"SELECT version_num FROM {VERSION_TABLE}").fetchone() if tables else None
    return None if row is None else str(row[0])


def migrate(path: Path, *, before_step: Callable[[], object]) -> None:
    """Take the file from its schema (or none) to the newest one: all steps in one transaction, or none.

    Args:
        path: the catalog; made when missing.
        before_step: called before the first change to a catalog that has a schema already; when it raises,
            nothing is changed.

    Raises:
        sqlalchemy.exc.DBAPIError, sqlite3.Error, OSError: the file is as it was.
    """
    from alembic import command

    url = URL.create("sqlite", database=str(path))
    engine = create_engine(url, connect_args={"timeout": 30.0}, poolclass=NullPool, hide_parameters=True)
    event.listen(engine, "connect", _on_connect)
    event.listen(engine, "begin", _on_begin)
    with engine.connect() as connection, connection.begin():
        if inspect(connection).has_table(VERSION_TABLE):
            before_step()
        settings = config()
        settings.attributes["connection"] = connection
        command.upgrade(settings, "head")
        dangling = connection.exec_driver_sql("PRAGMA foreign_key_check").fetchall()
        if dangling:
            raise RuntimeError(f"a migration of {path} left dangling rows: {dangling[:5]}")


def _on_connect(connection: sqlite3.Connection, _record: object) -> None:
    connection.isolation_level = None
    connection.execute("PRAGMA journal_mode = WAL")
    # A table that is rebuilt without a column leaves nothing of that column in free pages.
    connection.execute("PRAGMA secure_delete = ON")
    # Batch mode rebuilds a table and drops the old one; with foreign keys on, that drop would delete the
    # rows that point to it. They are checked at the end instead.
    connection.execute("PRAGMA foreign_keys = OFF")


def _on_begin(connection: Connection) -> None:
    connection.exec_driver_sql("BEGIN IMMEDIATE")
