import shutil
from collections.abc import Iterator
from pathlib import Path

import pytest

from storage.catalog import Catalog
from storage.chats import Chats
from storage.database import Database
from storage.ingest_queue import IngestQueue
from tests.storage.library import Library


@pytest.fixture(scope="session")
def empty_catalog(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A catalog of the current schema, migrated once for all tests. Copy it."""
    path = tmp_path_factory.mktemp("empty") / "catalog.sqlite3"
    Database.open(path).close()
    return path


@pytest.fixture
def catalog_path(tmp_path: Path, empty_catalog: Path) -> Path:
    path = tmp_path / "profile" / "catalog.sqlite3"
    path.parent.mkdir()
    return Path(shutil.copy(empty_catalog, path))


@pytest.fixture
def database(catalog_path: Path) -> Iterator[Database]:
    opened = Database.open(catalog_path)
    yield opened
    opened.close()


@pytest.fixture
def catalog(database: Database) -> Catalog:
    return Catalog(database)


@pytest.fixture
def queue(database: Database) -> IngestQueue:
    return IngestQueue(database)


@pytest.fixture
def chats(database: Database) -> Chats:
    return Chats(database)


@pytest.fixture
def library(catalog: Catalog, queue: IngestQueue) -> Library:
    return Library(catalog, queue)
