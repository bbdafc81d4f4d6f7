"""Measure what choosing the passages of an answer takes, by the size of the library. Not a test.

    python -m tests.storage.measure_search [NOTES ...] [--against COMMIT]

With ``--against`` the same is measured of a checkout of that commit, by turns, and the ratio is printed.
"""

import argparse
import io
import itertools
import json
import random
import sqlite3
import statistics
import subprocess
import sys
import tarfile
import tempfile
import time
from collections.abc import Callable
from contextlib import closing
from functools import partial
from pathlib import Path

from app.services.answer_sets import gather
from engine.messages import AnswerMode
from engine.models.messages import PreparedModels
from storage.catalog import Catalog
from storage.database import Database
from storage.imported_adapters import ImportedAdapters
from storage.search_query import index_text

PASSAGES_A_NOTE = 3
N_TIMED = 15
BUDGET = 8
MODELS = PreparedModels(Path(), Path(), "b" * 64, "c" * 64)
VOCABULARY = ["".join(letters) for letters in itertools.product("bdfgklmnprst", "aeiou", "mnrst")]
QUESTIONS = {
    "rare words": "What did number4 say about subject4?",
    "common words": "When was the garden painted by Marta, and what did the house cost?",
    "no such word": "Xylophones?",
}
IN_EVERY_PASSAGE = "garden house painted"


def fill(path: Path, n_notes: int) -> None:
    """Write a library of ready notes past the API, whose commit for each of them takes minutes."""
    Database.open(path).close()
    words = random.Random(1)
    with closing(sqlite3.connect(path)) as connection, connection:
        now = "2026-01-01 00:00:00.000000"
        connection.execute(
            "INSERT INTO models VALUES (1, ?, ?)", (MODELS.base_hash, MODELS.hypernetwork_hash)
        )
        for number in range(1, n_notes + 1):
            title = f"note {number}"
            connection.execute(
                "INSERT INTO contents VALUES (?, ?, 1, ?, '', ?)",
                (number, f"{number:064}", PASSAGES_A_NOTE, now),
            )
            connection.execute(
                "INSERT INTO documents (id, path, title, state, enabled, content_id, reason_title, "
                "reason_detail, added_at, updated_at) VALUES (?, ?, ?, 'ready', 1, ?, '', '', ?, ?)",
                (number, f"/notes/{title}.md", title, number, now, now),
            )
            connection.execute("INSERT INTO title_search (rowid, title) VALUES (?, ?)", (number, title))
            for position in range(PASSAGES_A_NOTE):
                chunk_id = (number - 1) * PASSAGES_A_NOTE + position + 1
                filler = " ".join(words.choices(VOCABULARY, k=40))
                text = f"{filler}. {IN_EVERY_PASSAGE} subject{number % 100}.\n{filler} number{number}."
                connection.execute(
                    "INSERT INTO chunks (id, content_id, position, char_start, char_end, n_tokens, text) "
                    "VALUES (?, ?, ?, 0, ?, 60, ?)",
                    (chunk_id, number, position, len(text), text),
                )
                connection.execute(
                    "INSERT INTO chunk_search (rowid, text) VALUES (?, ?)", (chunk_id, index_text(text))
                )
                connection.execute(
                    "INSERT INTO adapters (chunk_id, model_id, codec, rank, size_bytes, data) "
                    "VALUES (?, 1, 'latents-f16', 8, 96, ?)",
                    (chunk_id, bytes(96)),
                )


def measure(n_notes: int) -> dict[str, float]:
    """Median milliseconds of the processor to choose what takes part, by the kind of question."""
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "catalog.sqlite3"
        fill(path, n_notes)
        database = Database.open(path)
        catalog, imported = Catalog(database), ImportedAdapters(database)

        def ask(question: str) -> None:
            gather(
                catalog,
                imported,
                question,
                mode=AnswerMode.MEMORY,
                budget=BUDGET,
                models=MODELS,
                max_quotes=1,
            )

        def toggle() -> None:
            catalog.set_enabled([n_notes], False)
            catalog.set_enabled([n_notes], True)

        found = {}
        for kind, question in QUESTIONS.items():
            found[f"{kind}, after a toggle"] = _median_ms(partial(ask, question), before_each=toggle)
            found[f"{kind}, again"] = _median_ms(partial(ask, question))
        database.close()
    return found


def _median_ms(timed: Callable[[], None], before_each: Callable[[], None] = lambda: None) -> float:
    took = []
    for _ in range(N_TIMED):
        before_each()
        started = time.thread_time()
        timed()
        took.append(time.thread_time() - started)
    return statistics.median(took) * 1000


def _measure_elsewhere(checkout: Path, n_notes: int) -> dict[str, float]:
    # -P: the modules of that checkout, not those beside this script.
    command = [sys.executable, "-P", __file__, "--json", str(n_notes)]
    done = subprocess.run(
        command, env={"PYTHONPATH": str(checkout)}, capture_output=True, text=True, check=True
    )
    found: dict[str, float] = json.loads(done.stdout)
    return found


def _check_out(commit: str, folder: Path) -> None:
    here = Path(__file__).parents[2]
    packed = subprocess.run(["git", "archive", commit], cwd=here, capture_output=True, check=True)
    with tarfile.open(fileobj=io.BytesIO(packed.stdout)) as archive:
        archive.extractall(folder, filter="data")


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument("notes", nargs="*", type=int, default=[500, 2_000, 10_000])
    parser.add_argument("--against", metavar="COMMIT")
    parser.add_argument("--json", action="store_true")
    options = parser.parse_args()
    if options.json:
        print(json.dumps(measure(options.notes[0])))
        return
    with tempfile.TemporaryDirectory() as folder:
        if options.against:
            _check_out(options.against, Path(folder))
        for n_notes in options.notes:
            before = _measure_elsewhere(Path(folder), n_notes) if options.against else {}
            for kind, now_ms in measure(n_notes).items():
                compared = f", was {before[kind]:.1f} ms: x{now_ms / before[kind]:.2f}" if before else ""
                print(f"{n_notes} notes, {kind}: {now_ms:.1f} ms{compared}", flush=True)


if __name__ == "__main__":
    main()
