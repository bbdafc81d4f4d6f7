"""Write tests/catalogs/schema_NNNN.sqlite3 for the newest schema: once, when that schema is released.

    python -m tests.storage.freeze_catalog

A file already there is what people have on their disks and is never written again. All of them hold the
same notes, and from 0002 on an imported adapter, which test_migrations.py looks for.
"""

import sqlite3
import sys
import tempfile
from contextlib import closing
from pathlib import Path

from storage import backups, migration
from storage.catalog import Catalog
from storage.chats import Chats
from storage.database import Database
from storage.imported_adapters import ImportedAdapters
from storage.ingest_queue import IngestQueue
from storage.records import AnswerFacts, DocumentRecord, NewChunk, NewImport, SourceRecord

FOLDER = Path("/home/ada/Notes")
STYLE = Path("/home/ada/style/adapter_model.safetensors")
MTIME_NS = 1_760_000_000_123_456_789
BASE = "0" * 64
HYPERNETWORK = "1" * 64


def learn(
    catalog: Catalog, queue: IngestQueue, name: str, *texts: str, folder_id: int | None, note: str = ""
) -> DocumentRecord:
    document = catalog.add_document(FOLDER / name, folder_id=folder_id, size_bytes=100, mtime_ns=MTIME_NS)
    queue.enqueue(document.id, name[0].encode().hex() * 32)
    job = queue.claim()
    assert job is not None
    chunks = [
        NewChunk(number, 50 * number, 50 * number + len(text), text, 12, "latents-f16", 8, bytes(96))
        for number, text in enumerate(texts)
    ]
    assert catalog.store_content(
        document.id,
        job.content_hash,
        size_bytes=100,
        mtime_ns=MTIME_NS,
        base_hash=BASE,
        hypernetwork_hash=HYPERNETWORK,
        chunks=chunks,
        note=note,
        job_id=job.id,
    )
    return document


def first_chunk(catalog: Catalog, document: DocumentRecord) -> int:
    return catalog.chunks_of(document.id)[0].id


def fill(database: Database) -> None:
    """A document in every state, two of one content, an imported adapter, a chat with an answer."""
    catalog, queue, chats = Catalog(database), IngestQueue(database), Chats(database)
    folder_id = catalog.add_folder(FOLDER).id
    tiles = "The tiles in the kitchen are sea green."
    plate = "The car's licence plate is AL-42."
    kitchen = learn(catalog, queue, "Kitchen.md", tiles, "The fridge is from March.", folder_id=folder_id)
    car = learn(catalog, queue, "Car.txt", plate, folder_id=None, note="Read as Windows-1252.")
    catalog.set_enabled([car.id], False)
    scan = learn(catalog, queue, "Scan.pdf", "An older text.", folder_id=folder_id)
    copy = catalog.add_document(FOLDER / "Kitchen copy.md", folder_id=folder_id)
    assert catalog.attach_known_content(
        copy.id, b"K".hex() * 32, base_hash=BASE, hypernetwork_hash=HYPERNETWORK
    )

    queue.enqueue(scan.id, "f" * 64)
    failing = queue.claim()
    assert failing is not None
    catalog.mark_failed(scan.id, "This file has no text.", "Scan.pdf: 3 pages of images", failing.id)
    queue.enqueue(catalog.add_document(FOLDER / "Diary.md").id, "e" * 64)
    assert queue.claim() is not None  # left running
    queue.enqueue(catalog.add_document(FOLDER / "Draft.md").id, "d" * 64)

    adapter = NewImport(STYLE, "a" * 64, 200, "rank 4 on q_proj", BASE, "lora-f16", 4, bytes(128))
    ImportedAdapters(database).put(adapter, "Style")

    chat = chats.create()
    chats.add_question(chat.id, "What colour are the tiles?")
    sources = [
        SourceRecord(kitchen.id, "Kitchen", str(kitchen.path), first_chunk(catalog, kitchen), tiles, 0.8),
        SourceRecord(car.id, "Car", str(car.path), first_chunk(catalog, car), plate, 0.2),
    ]
    facts = AnswerFacts(31, 4, 136, 0.21, 40.0, "CPU, 1 thread")
    chats.add_answer(chat.id, "Sea green.", "memory", sources, facts, False)


def main() -> None:
    target = Path(__file__).parents[1] / "catalogs" / f"schema_{migration.newest_revision()}.sqlite3"
    if target.exists():
        sys.exit(f"{target} is frozen")
    with tempfile.TemporaryDirectory() as folder:
        database = Database.open(Path(folder) / "catalog.sqlite3")
        fill(database)
        # One file without a -wal.
        copy = backups.back_up(database.path)
        database.close()
        with closing(sqlite3.connect(copy)) as connection:
            connection.execute("VACUUM")
        target.write_bytes(copy.read_bytes())


if __name__ == "__main__":
    main()
