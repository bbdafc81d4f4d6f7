import os
import shutil
import sqlite3
from collections.abc import Callable, Iterator
from contextlib import closing
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.runtime.migration import MigrationContext
from sqlalchemy import URL, create_engine

from app.services.ranking import search
from storage import backups, migration
from storage.catalog import Catalog
from storage.chats import Chats
from storage.database import Database
from storage.errors import StorageError
from storage.imported_adapters import ImportedAdapters
from storage.ingest_queue import IngestQueue
from storage.records import DocumentKind, DocumentState, JobState
from storage.schema import Base
from tests.storage.library import Library, count_rows

FROZEN = sorted((Path(__file__).parents[1] / "catalogs").glob("schema_*.sqlite3"))

NEWEST = migration.newest_revision()
NEXT = f"{int(NEWEST) + 1:04}"

REBUILDS_CHATS = f"""
import sqlalchemy as sa
from alembic import op

revision = "{NEXT}"
down_revision = "{NEWEST}"
branch_labels = None
depends_on = None

def upgrade():
    with op.batch_alter_table("chats", recreate="always") as batch:
        batch.add_column(sa.Column("pinned", sa.Boolean(), nullable=False, server_default="0"))
"""


def schema_of(path: Path) -> set[tuple[str, str, str | None]]:
    with closing(sqlite3.connect(path)) as connection:
        return set(connection.execute("SELECT type, name, sql FROM sqlite_schema"))


def backups_of(path: Path) -> list[Path]:
    return sorted((path.parent / "backups").glob("*"))


@pytest.fixture
def add_revision(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Callable[[str], None]]:
    """Makes the program one version newer: ``add_revision(text of the next migration)``."""

    def add(text: str) -> None:
        scripts = tmp_path / "migrations of the next version"
        ignored = shutil.ignore_patterns("__pycache__")
        shutil.copytree(Path(migration.__file__).parent / "migrations", scripts, ignore=ignored)
        (scripts / "versions" / f"{NEXT}_next.py").write_text(text)
        monkeypatch.setattr(migration, "_SCRIPTS", scripts)
        migration.known_revisions.cache_clear()

    yield add
    migration.known_revisions.cache_clear()


@pytest.mark.parametrize("frozen", FROZEN, ids=lambda path: path.stem)
def test_a_catalog_of_every_released_schema_opens_with_all_that_is_in_it(
    frozen: Path, tmp_path: Path, empty_catalog: Path
) -> None:
    path = Path(shutil.copy(frozen, tmp_path / "catalog.sqlite3"))

    database = Database.open(path)
    catalog, queue, chats = Catalog(database), IngestQueue(database), Chats(database)

    documents = catalog.documents()
    notes = [document for document in documents if document.kind is DocumentKind.NOTE]
    assert {document.title: document.state for document in notes} == {
        "Kitchen": DocumentState.READY,
        "Kitchen copy": DocumentState.READY,
        "Car": DocumentState.READY,
        "Scan": DocumentState.FAILED,
        "Draft": DocumentState.QUEUED,
        "Diary": DocumentState.LEARNING,
    }
    imported = [(document.title, document.note) for document in documents if document not in notes]
    has_kinds = frozen.stem > "schema_0001"
    assert imported == ([("Style", "rank 4 on q_proj")] if has_kinds else [])
    adapters = ImportedAdapters(database).switched_on("0" * 64)
    assert [(adapter.title, len(adapter.data)) for adapter in adapters] == [("Style", 128)] * has_kinds
    car = next(document for document in documents if document.title == "Car")
    assert (car.enabled, car.note, car.n_chunks) == (False, "Read as Windows-1252.", 1)
    assert [folder.path for folder in catalog.folders()] == [Path("/home/ada/Notes")]
    best = search(catalog, "What colour are the kitchen's tiles?", None).passages[0]
    assert best.text == "The tiles in the kitchen are sea green."
    (adapter,) = catalog.adapters([best.chunk_id], "1" * 64)
    assert (adapter.codec, adapter.rank, len(adapter.data)) == ("latents-f16", 8, 96)
    assert queue.requeue_interrupted() == 1
    claimed = queue.claim()
    assert claimed is not None
    assert claimed.path.name == "Diary.md"  # older than the draft
    assert [job.state for job in queue.jobs()].count(JobState.DONE) == 3
    (chat,) = chats.chats()
    question, answer = chats.turns(chat.id)
    assert question.text == chat.title == "What colour are the tiles?"
    assert answer.facts is not None
    assert [(source.document, source.passage) for source in answer.sources] == [
        ("Kitchen", "The tiles in the kitchen are sea green."),
        ("Car", "The car's licence plate is AL-42."),
    ]
    assert catalog.quick_check() == []
    database.close()
    assert schema_of(path) == schema_of(empty_catalog)
    is_newest = frozen.stem == f"schema_{migration.newest_revision()}"
    assert len(backups_of(path)) == (0 if is_newest else 1)


def test_documents_of_the_first_schema_keep_their_triggers_and_their_ids_for_themselves(
    tmp_path: Path,
) -> None:
    path = Path(shutil.copy(FROZEN[0], tmp_path / "catalog.sqlite3"))
    with closing(sqlite3.connect(path)) as connection, connection:
        last_id = connection.execute("SELECT max(id) FROM documents").fetchone()[0]
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM documents WHERE id = ?", (last_id,))  # given out, and gone
    database = Database.open(path)
    catalog = Catalog(database)
    kitchen = next(document for document in catalog.documents() if document.title == "Kitchen")

    assert catalog.add_document(Path("/home/ada/Notes/New.md")).id == last_id + 1
    assert "Kitchen" in [chunk.document_title for chunk in search(catalog, "", None).passages]
    catalog.set_enabled([kitchen.id], False)
    assert "Kitchen" not in [chunk.document_title for chunk in search(catalog, "", None).passages]
    catalog.forget([document.id for document in catalog.documents()])
    database.close()
    assert count_rows(path, "documents", "title_search", "chunk_search") == [0, 0, 0]


def test_a_first_schema_without_documents_is_migrated_too(tmp_path: Path) -> None:
    path = Path(shutil.copy(FROZEN[0], tmp_path / "catalog.sqlite3"))
    with closing(sqlite3.connect(path)) as connection, connection:
        last_id = connection.execute("SELECT max(id) FROM documents").fetchone()[0]
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM documents")
    database = Database.open(path)
    assert Catalog(database).add_document(Path("/home/ada/Notes/New.md")).id == last_id + 1
    database.close()


def test_what_chats_quoted_of_forgotten_notes_goes_with_the_migration(tmp_path: Path) -> None:
    path = Path(shutil.copy(FROZEN[1], tmp_path / "catalog.sqlite3"))
    with closing(sqlite3.connect(path)) as connection, connection:
        connection.execute("PRAGMA foreign_keys = ON")
        connection.execute("DELETE FROM documents WHERE title = 'Car'")  # as versions before did
        connection.execute("DELETE FROM contents WHERE note = 'Read as Windows-1252.'")

    database = Database.open(path)
    Catalog(database).clean_up()
    database.close()

    left = b"".join(file.read_bytes() for file in tmp_path.glob("catalog.*"))
    assert b"AL-42" not in left
    assert b"Car.txt" not in left
    assert b"sea green" in left
    (copy,) = backups_of(path)
    assert b"AL-42" in copy.read_bytes()


def test_there_is_a_frozen_catalog_of_every_schema() -> None:
    assert [path.stem for path in FROZEN] == [f"schema_{name}" for name in migration.known_revisions()]


def test_the_migrations_make_the_tables_that_the_code_expects(empty_catalog: Path) -> None:
    engine = create_engine(URL.create("sqlite", database=str(empty_catalog)))
    with engine.connect() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        differences = compare_metadata(context, Base.metadata)
    engine.dispose()

    # FTS5's own tables are not the ORM's.
    assert [entry for entry in differences if entry[0] != "remove_table"] == []
    assert {entry[1].name.split("_search")[0] for entry in differences} == {"chunk", "title"}


def test_constraints_and_autoincrement_are_those_the_code_declares(
    tmp_path: Path, empty_catalog: Path
) -> None:
    # Alembic's comparison does not look at them.
    declared = tmp_path / "declared.sqlite3"
    engine = create_engine(URL.create("sqlite", database=str(declared)))
    Base.metadata.create_all(engine)
    engine.dispose()

    def tables(path: Path) -> dict[str, list[str]]:
        # Clause by clause: their order means nothing, nor do the quotes of a table that was renamed.
        return {
            name: sorted(line.strip().rstrip(",").replace('"', "") for line in sql.splitlines())
            for kind, name, sql in schema_of(path)
            if kind == "table" and sql is not None and name in Base.metadata.tables
        }

    assert tables(empty_catalog) == tables(declared)


def test_the_catalog_is_backed_up_before_a_migration_and_rows_survive_it(
    library: Library, database: Database, add_revision: Callable[[str], None]
) -> None:
    document = library.learn("a.md", "Tiles are blue.")
    chat = Chats(database).create()
    Chats(database).add_question(chat.id, "Which colour?")
    database.close()
    add_revision(REBUILDS_CHATS)

    migrated = Database.open(database.path)

    # The rebuilt table's children are still there: foreign keys were off while it was dropped.
    assert [turn.text for turn in Chats(migrated).turns(chat.id)] == ["Which colour?"]
    assert Catalog(migrated).document(document.id) == document
    migrated.close()
    (backup,) = backups_of(database.path)
    with closing(sqlite3.connect(f"{backup.as_uri()}?mode=ro", uri=True)) as connection:
        assert connection.execute("PRAGMA journal_mode").fetchone() == ("delete",)
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (NEWEST,)
        assert connection.execute("SELECT text FROM turns").fetchall() == [("Which colour?",)]
    with closing(sqlite3.connect(database.path)) as connection:
        assert connection.execute("SELECT version_num FROM alembic_version").fetchone() == (NEXT,)
        assert connection.execute("SELECT pinned FROM chats").fetchall() == [(0,)]


def test_a_backup_holds_what_was_committed_but_is_still_in_the_wal(
    library: Library, database: Database
) -> None:
    library.learn("a.md", "Tiles are blue.")
    assert (database.path.parent / "catalog.sqlite3-wal").stat().st_size > 0

    copy = backups.back_up(database.path)

    assert count_rows(copy, "documents", "adapters", "chunk_search") == [1, 1, 1]


def test_only_the_newest_backups_are_kept(database: Database) -> None:
    made = [backups.back_up(database.path) for _ in range(backups.KEPT + 2)]

    assert backups_of(database.path) == made[-backups.KEPT :]


@pytest.mark.parametrize(
    "failing_step",
    ['op.execute("DROP TABLE jobs"); op.execute("SELECT nonsense")', 'op.execute("DELETE FROM contents")'],
)
def test_a_migration_that_fails_changes_nothing(
    library: Library, database: Database, add_revision: Callable[[str], None], failing_step: str
) -> None:
    library.learn("a.md", "Tiles are blue.")
    database.close()
    before = schema_of(database.path)
    add_revision(REBUILDS_CHATS + f"    {failing_step}\n")

    # A migration that does not work, or leaves rows that point nowhere, is a bug: it is not dressed up.
    with pytest.raises(Exception, match=r"nonsense|dangling"):
        Database.open(database.path)

    assert schema_of(database.path) == before
    assert count_rows(database.path, "documents", "contents", "jobs") == [1, 1, 1]
    assert len(backups_of(database.path)) == 1


@pytest.mark.skipif(os.name == "nt", reason="a file in the folder's place is enough elsewhere")
def test_without_room_for_a_backup_nothing_is_migrated(
    library: Library, database: Database, add_revision: Callable[[str], None]
) -> None:
    library.learn("a.md", "Tiles are blue.")
    database.close()
    (database.path.parent / "backups").write_text("not a folder")
    before = schema_of(database.path)
    add_revision(REBUILDS_CHATS)

    with pytest.raises(StorageError):
        Database.open(database.path)

    assert schema_of(database.path) == before
    assert count_rows(database.path, "documents") == [1]


def test_a_program_one_version_older_refuses_the_migrated_catalog(
    database: Database, add_revision: Callable[[str], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    database.close()
    with monkeypatch.context() as newer:
        scripts = migration._SCRIPTS
        add_revision(REBUILDS_CHATS)
        Database.open(database.path).close()
        newer.setattr(migration, "_SCRIPTS", scripts)
        migration.known_revisions.cache_clear()

        with pytest.raises(StorageError, match="newer Loreleaf"):
            Database.open(database.path)
