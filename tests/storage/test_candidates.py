"""Laws of the candidates, whatever is done to the library, and how much of it is read."""

import shutil
import sqlite3
import tempfile
from pathlib import Path

from hypothesis import settings
from hypothesis import strategies as st
from hypothesis.stateful import RuleBasedStateMachine, invariant, rule, run_state_machine_as_test

from app.services.ranking import search
from app.services.relevance import term_factors
from storage.catalog import Catalog
from storage.database import Database
from storage.ingest_queue import IngestQueue
from storage.records import DocumentState
from tests.storage.library import BASE, HYPERNETWORK, NOTES, Library, count_rows, hash_of

NAMES = ("apple.md", "pear.md", "plum.md")
TEXTS = ("cat one", "cat two", "dog")
names = st.sampled_from(NAMES)
contents = st.lists(st.sampled_from(TEXTS), min_size=1, max_size=2)


class LibraryMachine(RuleBasedStateMachine):
    """A catalog that stays open, against one opened for each look, and against a dict."""

    empty_catalog: Path

    def __init__(self) -> None:
        super().__init__()
        self.folder = tempfile.TemporaryDirectory()
        self.path = Path(shutil.copy(self.empty_catalog, self.folder.name))
        self.database = Database.open(self.path)
        self.library = Library(Catalog(self.database), IngestQueue(self.database))
        self.ready: dict[Path, list[str]] = {}
        self.off: set[Path] = set()

    def teardown(self) -> None:
        self.database.close()
        self.folder.cleanup()

    @rule(name=names, content=contents)
    def learn(self, name: str, content: list[str]) -> None:
        document = self.library.add(name)
        known = self.library.catalog.attach_known_content(
            document.id, hash_of("\n\n".join(content)), base_hash=BASE, hypernetwork_hash=HYPERNETWORK
        )
        assert known == (content in self.ready.values())
        if not known:
            self.library.learn(name, *content)
        self.ready[NOTES / name] = content

    @rule(name=names)
    def fail(self, name: str) -> None:
        self.library.catalog.mark_failed(self.library.add(name).id, "No.", "")
        self.ready.pop(NOTES / name, None)

    @rule(name=names, enabled=st.booleans())
    def switch(self, name: str, enabled: bool) -> None:
        self.library.catalog.set_enabled([self.library.add(name).id], enabled)
        self.off = self.off - {NOTES / name} if enabled else self.off | {NOTES / name}

    @rule(name=names)
    def forget(self, name: str) -> None:
        self.library.catalog.forget([self.library.add(name).id])
        self.ready.pop(NOTES / name, None)
        self.off.discard(NOTES / name)

    @rule(name=names, new_name=names)
    def rename(self, name: str, new_name: str) -> None:
        document = self.library.add(name)
        self.library.catalog.rename_document(document.id, NOTES / new_name, 1, 1)
        was_ready, was_off = self.ready.pop(NOTES / name, None), NOTES / name in self.off
        self.ready.pop(NOTES / new_name, None)
        self.off -= {NOTES / name, NOTES / new_name}
        if was_ready is not None:
            self.ready[NOTES / new_name] = was_ready
        if was_off:
            self.off.add(NOTES / new_name)

    @invariant()
    def the_candidates_are_those_of_the_documents_that_are_on(self) -> None:
        candidates = search(self.library.catalog, "cat plum", None).passages
        assert candidates == search(Catalog(self.database), "cat plum", None).passages
        on = [content for path, content in self.ready.items() if path not in self.off]
        once = {tuple(content) for content in on}
        assert sorted(chunk.text for chunk in candidates) == sorted(
            text for content in once for text in content
        )

    @invariant()
    def nothing_is_left_of_contents_that_no_document_has(self) -> None:
        distinct = {tuple(content) for content in self.ready.values()}
        n_chunks = sum(map(len, distinct))
        tables = ("contents", "chunks", "adapters", "chunk_search", "title_search")
        n_documents = len(self.library.catalog.documents())
        assert count_rows(self.path, *tables) == [len(distinct), n_chunks, n_chunks, n_chunks, n_documents]
        ready = [
            found.path for found in self.library.catalog.documents() if found.state is DocumentState.READY
        ]
        assert set(ready) == set(self.ready)


def test_only_what_is_on_answers_whatever_happens(empty_catalog: Path) -> None:
    LibraryMachine.empty_catalog = empty_catalog
    run_state_machine_as_test(LibraryMachine, settings=settings(max_examples=8, stateful_step_count=25))


def test_a_question_reads_no_more_of_a_large_library_than_it_needs_also_after_a_toggle(
    library: Library, database: Database
) -> None:
    filler = " ".join(f"word{number % 977}" for number in range(60))
    passages = [f"{filler} subject{number % 100} number{number}" for number in range(10_000)]
    library.learn("large.md", *passages)
    other = library.learn("other.md", "Roses.")
    with database.read() as session:
        connection = session.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)  # the pool's only one: the next reads take it too

    def n_steps(question: str, limit: int | None) -> int:
        """Instructions of SQLite's virtual machine, in hundreds."""
        steps: list[None] = []
        connection.set_progress_handler(lambda: steps.append(None), 100)
        search(library.catalog, question, limit)
        connection.set_progress_handler(None, 0)
        return len(steps)

    to_read_all = n_steps("", None)
    assert to_read_all > 100
    for question in ("What was number4242 about subject42?", "Xylophones?", ""):
        once = n_steps(question, 8)
        assert once < to_read_all / 3
        library.catalog.set_enabled([other.id], False)
        library.catalog.set_enabled([other.id], True)
        assert n_steps(question, 8) < once * 1.2 + 2
    (best,) = search(library.catalog, "What was number4242 about subject42?", 1).passages
    assert best.text == passages[4242]


def test_the_scores_of_a_page_of_words_are_asked_for_once_per_factor_not_per_word(
    library: Library, database: Database
) -> None:
    library.learn("note.md", *[f"One of the words {number}." for number in range(30)])
    page = "Which words and names of Anna are " + " ".join(map(str, range(30)))
    statements: list[str] = []
    with database.read() as session:
        connection = session.connection().connection.driver_connection
    assert isinstance(connection, sqlite3.Connection)
    connection.set_trace_callback(statements.append)

    search(library.catalog, page, 8)

    connection.set_trace_callback(None)
    n_scored = sum(statement.count("-bm25(chunk_search)") for statement in statements)
    assert n_scored == len(set(term_factors(page).values())) < len(term_factors(page)) / 5
