"""kill -9 at chosen places inside a transaction, in a process of its own."""

import signal
import subprocess
import sys
from pathlib import Path

import pytest

from storage.catalog import Catalog
from storage.database import Database
from storage.ingest_queue import IngestQueue
from storage.records import DocumentState, JobState
from tests.patience import PROCESS_PATIENCE_S
from tests.storage.library import Library, count_rows, hash_of

N_CHUNKS = 40
ROOT = Path(__file__).parents[2]

CHILD = """
import sys
from pathlib import Path
from sqlalchemy import event
from storage.catalog import Catalog
from storage.database import Database
from storage.ingest_queue import IngestQueue
from tests.storage.library import Library

path, place, n_chunks = Path(sys.argv[1]), sys.argv[2], int(sys.argv[3])
database = Database.open(path)
library = Library(Catalog(database), IngestQueue(database))
job = library.queue.claim()
assert job is not None

def wait_for_the_end(*_):
    print("there", flush=True)
    sys.stdin.read()

def on_statement(_connection, _cursor, statement, _parameters, _context, _many):
    if place in statement:
        wait_for_the_end()

if place == "COMMIT":
    event.listen(database._writer, "commit", wait_for_the_end)
elif place != "stored":
    event.listen(database._writer, "after_cursor_execute", on_statement)
passages = [f"passage {number} " + "many words " * 400 for number in range(n_chunks)]
assert library.finish(job, *passages)
wait_for_the_end()
"""


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
@pytest.mark.parametrize(
    ("place", "is_stored"),
    [
        ("INSERT INTO chunks", False),
        ("INSERT INTO adapters", False),
        ("COMMIT", False),
        ("stored", True),
    ],
)
def test_a_process_killed_while_storing_leaves_all_or_nothing(
    library: Library, database: Database, place: str, is_stored: bool
) -> None:
    old = library.learn("a.md", "The old text.")
    library.queue.enqueue(old.id, hash_of("new"))
    command = [sys.executable, "-c", CHILD, str(database.path), place, str(N_CHUNKS)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"there\n"
        child.send_signal(signal.SIGKILL)
        assert child.wait(timeout=PROCESS_PATIENCE_S) == -signal.SIGKILL

    assert library.catalog.quick_check() == []
    document = library.catalog.document(old.id)
    assert document is not None
    chunks = library.catalog.chunks_of(old.id)
    tables = ("contents", "chunks", "adapters", "chunk_search")
    if is_stored:
        assert (document.state, len(chunks)) == (DocumentState.READY, N_CHUNKS)
        assert count_rows(database.path, *tables) == [1, N_CHUNKS, N_CHUNKS, N_CHUNKS]
        assert library.queue.requeue_interrupted() == 0
    else:
        assert (document.state, [chunk.text for chunk in chunks]) == (
            DocumentState.LEARNING,
            ["The old text."],
        )
        assert count_rows(database.path, *tables) == [1, 1, 1, 1]
        assert library.queue.requeue_interrupted() == 1
        job = library.queue.claim()
        assert job is not None
        assert library.finish(job, "The new text.")
        assert library.texts() == ["The new text."]


@pytest.mark.skipif(sys.platform == "win32", reason="SIGKILL")
def test_a_catalog_whose_only_process_was_killed_opens_without_recovery(
    library: Library, database: Database
) -> None:
    job = library.queue.enqueue(library.add("a.md").id, hash_of("a"))
    database.close()
    command = [sys.executable, "-c", CHILD, str(database.path), "INSERT INTO adapters", str(N_CHUNKS)]
    with subprocess.Popen(command, cwd=ROOT, stdin=subprocess.PIPE, stdout=subprocess.PIPE) as child:
        assert child.stdout is not None
        assert child.stdout.readline() == b"there\n"
        child.kill()
    assert database.path.with_name("catalog.sqlite3-wal").exists()

    after = Database.open(database.path)

    assert after.recovery_note is None
    assert Catalog(after).quick_check() == []
    assert IngestQueue(after).requeue_interrupted() == 1
    assert [found.state for found in IngestQueue(after).jobs(job.document_id)] == [JobState.QUEUED]
    after.close()
