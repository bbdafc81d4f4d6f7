import shutil
import sqlite3
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing
from pathlib import Path

import pytest
from alembic.script import ScriptDirectory
from filelock import FileLock
from sqlalchemy import text
from sqlalchemy.exc import IntegrityError

from app.services.ranking import search
from storage import migration, opening
from storage.backups import backups_folder
from storage.catalog import Catalog
from storage.chats import Chats
from storage.database import Database
from storage.errors import CatalogDamaged, CatalogTooNew, StorageError
from storage.ingest_queue import IngestQueue
from storage.paths import ProfilePaths, default_home
from tests.storage.library import NOTES, Library

PAGE = 4096


def files(folder: Path) -> dict[str, bytes]:
    return {file.name: file.read_bytes() for file in folder.iterdir() if not file.name.endswith(".opening")}


def opened(path: Path) -> StorageError:
    """The failure of opening the catalog."""
    with pytest.raises(StorageError) as caught:
        Database.open(path)
    return caught.value


def test_the_profile_folder_holds_the_catalog_and_its_backups(tmp_path: Path) -> None:
    paths = ProfilePaths(tmp_path)

    assert paths.catalog == tmp_path / "catalog.sqlite3"
    assert paths.backups == backups_folder(paths.catalog)
    assert default_home().is_absolute()


def test_a_missing_catalog_is_made_with_its_folders(tmp_path: Path) -> None:
    # A question mark and a percent sign would be read as parts of a URL or of an ini file.
    path = tmp_path / "new 100% home?" / "deeper" / "catalog.sqlite3"

    database = Database.open(path)

    assert database.recovery_note is None
    assert Catalog(database).counts().documents == 0
    database.close()
    with closing(sqlite3.connect(path)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("wal",)
    assert not (path.parent / "backups").exists()


def test_every_connection_enforces_what_was_decided(database: Database) -> None:
    with database.write() as session:
        for pragma, value in (("foreign_keys", 1), ("synchronous", 1), ("secure_delete", 1)):
            assert session.scalar(text(f"PRAGMA {pragma}")) == value
        assert session.scalar(text("PRAGMA journal_mode")) == "wal"
    with database.read() as session:
        assert session.scalar(text("PRAGMA foreign_keys")) == 1
        assert session.scalar(text("PRAGMA query_only")) == 1


def test_what_was_stored_is_there_after_closing_and_opening(library: Library, database: Database) -> None:
    document = library.learn("a.md", "Tiles are blue.")
    database.close()

    again = Database.open(database.path)

    assert Catalog(again).document(document.id) == document
    assert [chunk.text for chunk in search(Catalog(again), "tile", None).passages] == ["Tiles are blue."]
    again.close()
    assert sorted(files(database.path.parent)) == ["catalog.sqlite3"]


def test_a_closed_catalog_says_so_instead_of_connecting_again(library: Library, database: Database) -> None:
    database.close()
    database.close()

    with pytest.raises(StorageError, match="library is closed"):
        library.catalog.documents()
    with pytest.raises(StorageError, match="library is closed"):
        library.add("a.md")


def test_a_bug_is_not_told_as_a_failure_of_the_disk(database: Database, library: Library) -> None:
    document = library.add("a.md")

    with pytest.raises(IntegrityError, match="ready_has_content"), database.write() as session:
        session.execute(text("UPDATE documents SET state = 'ready'"))

    assert library.catalog.document(document.id) == document


# --- damage -------------------------------------------------------------------------------------------------


def overwrite_header(path: Path) -> None:
    with path.open("r+b") as file:
        file.write(b"not a database at all" * 10)


def overwrite_a_page(path: Path) -> None:
    with path.open("r+b") as file:
        file.seek(2 * PAGE)
        file.write(b"\xff" * PAGE)


def cut_off(path: Path) -> None:
    with path.open("r+b") as file:
        file.truncate(path.stat().st_size // 2 // PAGE * PAGE)


def replace_with_text(path: Path) -> None:
    path.write_text("My shopping list\n" * 500)


@pytest.mark.parametrize("damage", [overwrite_header, overwrite_a_page, cut_off, replace_with_text])
def test_a_damaged_catalog_is_moved_aside_and_an_empty_one_opened(
    library: Library, database: Database, damage: Callable[[Path], None]
) -> None:
    library.learn("a.md", "Tiles are blue.")
    database.close()
    path = database.path
    damage(path)
    path.with_name(path.name + "-wal").write_bytes(b"left by a crash")
    path.with_name(path.name + "-shm").write_bytes(b"left too")
    before = files(path.parent)

    again = Database.open(path)

    note = again.recovery_note
    assert isinstance(note, CatalogDamaged)
    assert note.title == "The library was damaged and a new one was started."
    assert Catalog(again).documents() == ()
    assert IngestQueue(again).pending() == 0
    again.close()
    aside = {name: content for name, content in files(path.parent).items() if ".damaged-" in name}
    (kept,) = (name for name in aside if name.endswith(".sqlite3"))
    assert str(path.with_name(kept)) in note.detail
    assert sorted(aside) == [kept, f"{kept}-shm", f"{kept}-wal"]
    assert aside[kept] == before["catalog.sqlite3"]
    assert aside[f"{kept}-wal"] == before["catalog.sqlite3-wal"]
    third = Database.open(path)
    assert third.recovery_note is None
    third.close()


def test_damage_found_while_working_is_dealt_with_at_the_next_start(
    library: Library, database: Database, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "CHECKED_AT_EVERY_OPENING_BYTES", 0)  # as if the file were a large one
    library.learn("a.md", "Tiles are blue.")
    chat = Chats(database).create()
    Chats(database).add_question(chat.id, "Which colour?")
    database.close()
    path = database.path
    with closing(sqlite3.connect(path)) as connection:
        (root,) = connection.execute("SELECT rootpage FROM sqlite_schema WHERE name = 'turns'").fetchone()
    with path.open("r+b") as file:
        file.seek((root - 1) * PAGE)
        file.write(b"\xff" * PAGE)

    working = Database.open(path)
    assert working.recovery_note is None
    with pytest.raises(CatalogDamaged, match="library is damaged"):
        Chats(working).turns(chat.id)
    assert [document.title for document in Catalog(working).documents()] == ["a"]
    working.close()

    after = Database.open(path)
    assert after.recovery_note is not None
    assert Catalog(after).documents() == ()
    after.close()
    Database.open(path).close()
    assert len(list(path.parent.glob("*.damaged-*.sqlite3"))) == 1


def test_a_damaged_search_index_is_rebuilt_and_nothing_is_lost(library: Library, database: Database) -> None:
    document = library.learn("a.md", "Tiles are blue.", "The floor is oak.")
    database.close()
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("UPDATE chunk_search_data SET block = x'0102030405060708' WHERE id > 10")

    working = Database.open(database.path)
    with pytest.raises(CatalogDamaged):
        search(Catalog(working), "tiles", None)
    working.close()
    after = Database.open(database.path)

    assert after.recovery_note is None
    assert search(Catalog(after), "tiles", None).passages[0].text == "Tiles are blue."
    assert Catalog(after).document(document.id) == document
    after.close()


def test_two_openings_at_once_make_one_catalog(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"

    with ThreadPoolExecutor(4) as pool:
        databases = list(pool.map(lambda _: Database.open(path), range(4)))

    added = {Catalog(database).add_document(NOTES / "a.md").id for database in databases}
    for database in databases:
        database.close()
    assert added == {1}


# --- newer, foreign, unreachable ----------------------------------------------------------------------------


def test_a_catalog_of_a_newer_version_is_refused_unchanged(library: Library, database: Database) -> None:
    library.learn("a.md", "Tiles are blue.")
    database.close()
    with closing(sqlite3.connect(database.path)) as connection, connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
    before = database.path.read_bytes()

    failure = opened(database.path)

    assert isinstance(failure, CatalogTooNew)
    assert "0999" in failure.detail
    assert database.path.read_bytes() == before
    assert not list(database.path.parent.glob("*damaged*"))
    assert not (database.path.parent / "backups").exists()


def test_a_newer_catalog_left_by_a_crash_keeps_its_wal(
    library: Library, database: Database, tmp_path: Path
) -> None:
    library.learn("a.md", "Tiles are blue.")
    crashed = tmp_path / "crashed"
    with closing(sqlite3.connect(database.path)) as connection:
        connection.execute("UPDATE alembic_version SET version_num = '0999'")
        connection.commit()
        shutil.copytree(database.path.parent, crashed, ignore=shutil.ignore_patterns("*-shm"))
    before = files(crashed)
    assert len(before["catalog.sqlite3-wal"]) > 0

    failure = opened(crashed / "catalog.sqlite3")

    assert isinstance(failure, CatalogTooNew)
    after = files(crashed)
    assert {name: after[name] for name in before} == before


def test_a_database_of_another_program_is_refused_unchanged(tmp_path: Path) -> None:
    path = tmp_path / "catalog.sqlite3"
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("CREATE TABLE recipes (id INTEGER PRIMARY KEY, name TEXT)")
    before = path.read_bytes()

    failure = opened(path)

    assert failure.title == "This is not a Loreleaf library."
    assert "recipes" in failure.detail
    assert path.read_bytes() == before


def test_a_folder_in_the_catalogs_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "catalog.sqlite3").mkdir()

    assert opened(tmp_path / "catalog.sqlite3").title == "The library cannot be opened."


def test_a_file_in_the_profile_folders_place_is_told(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("")

    assert opened(tmp_path / "home" / "catalog.sqlite3").title == "The library cannot be opened."


def test_an_opening_that_takes_too_long_elsewhere_is_told(
    catalog_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(opening, "LOCK_TIMEOUT_S", 0.05)
    with FileLock(f"{catalog_path}.opening"):
        assert opened(catalog_path).title == "The library is in use."


def test_a_writer_that_waits_too_long_is_told(library: Library, database: Database) -> None:
    with database.write() as session:
        session.execute(text("PRAGMA busy_timeout = 50"))
    with closing(sqlite3.connect(database.path, isolation_level=None)) as other:
        other.execute("BEGIN IMMEDIATE")
        with pytest.raises(StorageError) as caught:
            library.add("a.md")
        other.execute("ROLLBACK")

    assert caught.value.title == "The library is in use."
    assert library.add("a.md").title == "a"


def test_a_full_disk_is_told_and_nothing_is_kept(library: Library, database: Database) -> None:
    document = library.learn("old.md", "Old text.")
    job = library.start("old.md", "New text.")
    with database.write() as session:
        pages = session.scalar(text("PRAGMA page_count"))
        session.execute(text(f"PRAGMA max_page_count = {pages + 3}"))

    with pytest.raises(StorageError) as caught:
        library.finish(job, *[f"passage {number} " + "text " * 300 for number in range(200)])

    assert caught.value.title == "The disk is full."
    assert str(database.path) in caught.value.detail
    assert [chunk.text for chunk in library.catalog.chunks_of(document.id)] == ["Old text."]
    assert library.catalog.quick_check() == []
    with database.write() as session:
        session.execute(text("PRAGMA max_page_count = 1000000"))
    assert library.finish(job, "New text.")
    assert library.texts() == ["New text."]


def test_the_newest_revision_is_the_one_alembic_finds() -> None:
    scripts = ScriptDirectory.from_config(migration.config())

    assert scripts.get_heads() == [migration.newest_revision()]
    assert {script.revision for script in scripts.walk_revisions()} == set(migration.known_revisions())
