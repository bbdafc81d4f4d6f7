"""Column types for what SQLite does not know: time zones, paths, text that is not quite Unicode."""

import os
from datetime import UTC, datetime
from pathlib import Path

from sqlalchemy import DateTime, String, Text
from sqlalchemy.engine.interfaces import Dialect
from sqlalchemy.types import TypeDecorator

from storage.storable_text import is_storable, storable


def utc_now() -> datetime:
    """The current time, aware, UTC."""
    return datetime.now(UTC)


class UtcDateTime(TypeDecorator[datetime]):
    """Aware UTC in Python, naive UTC in the file: SQLite returns naive times whatever went in.

    Raises:
        ValueError: on binding a naive datetime; its zone would be a guess.
    """

    impl = DateTime
    cache_ok = True

    def process_bind_param(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To naive UTC."""
        if value is None:
            return None
        if value.tzinfo is None:
            raise ValueError(f"a time in the catalog must be aware, got {value!r}")
        return value.astimezone(UTC).replace(tzinfo=None)

    def process_result_value(self, value: datetime | None, dialect: Dialect) -> datetime | None:
        """To aware UTC."""
        return None if value is None else value.replace(tzinfo=UTC)


class PathText(TypeDecorator[Path]):
    """A path; as TEXT, or as BLOB when its name is not valid UTF-8.

    Linux allows any bytes in a file name. Python shows the odd ones as lone surrogates, which SQLite's TEXT
    refuses; as bytes they come back exactly and stay distinct from every TEXT.
    """

    impl = String
    cache_ok = True

    def process_bind_param(self, value: Path | None, dialect: Dialect) -> str | bytes | None:
        """To str, or to bytes where str cannot be stored."""
        if value is None:
            return None
        text = os.fspath(value)
        return text if is_storable(text) else os.fsencode(text)

    def process_result_value(self, value: str | bytes | None, dialect: Dialect) -> Path | None:
        """To Path."""
        if value is None:
            return None
        return Path(os.fsdecode(value))


class UserText(TypeDecorator[str]):
    """Text from people and files. Lone surrogates (some PDFs yield them) become U+FFFD, lengths stay."""

    impl = Text
    cache_ok = True

    def process_bind_param(self, value: str | None, dialect: Dialect) -> str | None:
        """To text that can be encoded."""
        return None if value is None else storable(value)
