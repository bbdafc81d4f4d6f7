"""What the storage tests share: notes on their way through the catalog, without a model."""

import hashlib
import sqlite3
from collections.abc import Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path

from app.services.ranking import search
from storage.catalog import Catalog
from storage.ingest_queue import IngestQueue
from storage.records import DocumentRecord, JobRecord, NewChunk

BASE = "b" * 64
HYPERNETWORK = "0123456789ab" + "c" * 52
NOTES = Path("/notes")


def hash_of(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


def new_chunks(passages: Sequence[str]) -> list[NewChunk]:
    chunks = []
    start = 0
    for position, text in enumerate(passages):
        data = f"adapter of {text}".encode(errors="replace")
        end = start + len(text)
        chunks.append(NewChunk(position, start, end, text, len(text.split()) + 4, "latents-f16", 8, data))
        start = end + 2
    return chunks


@dataclass
class Library:
    catalog: Catalog
    queue: IngestQueue

    def add(self, name: str) -> DocumentRecord:
        return self.catalog.add_document(NOTES / name, size_bytes=1, mtime_ns=1)

    def start(self, name: str, content: str) -> JobRecord:
        """A running job for the document; nothing else may be queued."""
        self.queue.enqueue(self.add(name).id, hash_of(content))
        job = self.queue.claim()
        assert job is not None
        return job

    def finish(
        self,
        job: JobRecord,
        *passages: str,
        content: str | None = None,
        base: str = BASE,
        hypernetwork: str = HYPERNETWORK,
        note: str = "",
    ) -> bool:
        content_hash = job.content_hash if content is None else hash_of(content)
        return self.catalog.store_content(
            job.document_id,
            content_hash,
            size_bytes=sum(map(len, passages)),
            mtime_ns=7,
            base_hash=base,
            hypernetwork_hash=hypernetwork,
            chunks=new_chunks(passages),
            note=note,
            job_id=job.id,
        )

    def learn(
        self, name: str, *passages: str, base: str = BASE, hypernetwork: str = HYPERNETWORK, note: str = ""
    ) -> DocumentRecord:
        job = self.start(name, "\n\n".join(passages))
        assert self.finish(job, *passages, base=base, hypernetwork=hypernetwork, note=note)
        document = self.catalog.document(job.document_id)
        assert document is not None
        return document

    def texts(self, question: str = "") -> list[str]:
        return [candidate.text for candidate in search(self.catalog, question, None).passages]

    def found(self, question: str) -> list[str]:
        return [chunk.text for chunk in search(self.catalog, question, None).passages if chunk.score > 0]


def count_rows(path: Path, *tables: str) -> list[int]:
    with closing(sqlite3.connect(path)) as connection:
        return [connection.execute(f"SELECT count(*) FROM {table}").fetchone()[0] for table in tables]
