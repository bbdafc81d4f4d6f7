"""What settled files mean for the library: a real catalog and real files, no thread and no watcher."""

from collections.abc import Iterable
from pathlib import Path

import pytest

from app.bootstrap import Application
from app.services.note_files import stamp_of
from app.services.queueing import Queueing
from app.services.settled_files import SettledFiles
from storage.records import DocumentRecord, DocumentState, FolderRecord
from tests.app.conftest import Bench
from tests.app.fakes import BASE_HASH, HYPERNETWORK_HASH
from tests.storage.library import new_chunks


class Watched:
    """A watched folder whose files settle when a test says so.

    Attributes:
        is_held: whether nothing may be removed now.
    """

    def __init__(self, bench: Bench, application: Application) -> None:
        self.bench = bench
        self.catalog = application.profile.catalog
        self.jobs = application.profile.jobs
        self.library = application.library
        self.folder = self.catalog.add_folder(bench.notes)
        self.is_held = False
        self._settled = SettledFiles(
            catalog=self.catalog,
            queueing=Queueing(self.catalog, self.jobs, application.events),
            ingest=application.ingest,
            library=application.library,
            forgotten=application.profile.forgotten,
            is_held=self._may_not_remove,
        )

    def _may_not_remove(self, folder: FolderRecord) -> bool:
        assert folder == self.folder
        return self.is_held

    def settle(self, *names: str) -> None:
        """These paths have settled, as they are now, all in one batch."""
        paths = [self.bench.notes / name for name in names]
        self._settled.apply({path: stamp_of(path) for path in paths}, dict.fromkeys(paths, self.folder))

    def write(self, name: str, text: str) -> None:
        self.bench.write(name, text)

    def move(self, name: str, new_name: str) -> None:
        (self.bench.notes / name).replace(self.bench.notes / new_name)

    def learnt(self, name: str, text: str) -> DocumentRecord:
        """A document that is ready, its file below the folder."""
        self.write(name, text)
        self.settle(name)
        job = self.jobs.claim()
        assert job is not None
        assert job.path.name == name
        self.catalog.store_content(
            job.document_id,
            job.content_hash,
            size_bytes=len(text),
            mtime_ns=(self.bench.notes / name).stat().st_mtime_ns,
            base_hash=BASE_HASH,
            hypernetwork_hash=HYPERNETWORK_HASH,
            chunks=new_chunks([text]),
            note="",
            job_id=job.id,
        )
        return self.known(name)

    def known(self, name: str) -> DocumentRecord:
        document = self.catalog.document_by_path(self.bench.notes / name)
        assert document is not None
        return document

    def names(self) -> list[str]:
        return sorted(document.path.name for document in self.catalog.documents())

    def queued(self) -> list[str]:
        """Names of what waits to be learnt."""
        return [job.path.name for job in self.jobs.jobs() if job.finished_at is None]


@pytest.fixture
def watched(bench: Bench) -> Watched:
    return Watched(bench, bench.build())


# --- came, changed, went ------------------------------------------------------------------------------------


def test_a_file_that_came_is_queued_as_a_note_of_its_folder(watched: Watched) -> None:
    watched.write("a.md", "Words.")

    watched.settle("a.md")

    assert watched.queued() == ["a.md"]
    assert watched.known("a.md").folder_id == watched.folder.id


def test_what_is_no_note_and_what_was_forgotten_does_not_come(watched: Watched) -> None:
    forgotten = watched.learnt("a.md", "Words.")
    watched.library.forget([forgotten.id])
    watched.write("photo.jpg", "x")
    watched.write(".hidden.md", "x")

    watched.settle("a.md", "photo.jpg", ".hidden.md")

    assert watched.names() == []


def test_a_file_that_changed_is_queued_and_one_that_did_not_is_left_alone(watched: Watched) -> None:
    watched.learnt("a.md", "Old words.")
    watched.learnt("b.md", "Words of b.")
    watched.write("a.md", "Quite new words.")

    watched.settle("a.md", "b.md")

    assert watched.queued() == ["a.md"]


def test_a_file_that_went_is_removed(watched: Watched) -> None:
    watched.learnt("a.md", "Words of a.")
    watched.learnt("b.md", "Words of b.")
    (watched.bench.notes / "a.md").unlink()

    watched.settle("a.md")

    assert watched.names() == ["b.md"]


def test_a_file_that_went_from_a_folder_that_is_held_stays(watched: Watched) -> None:
    watched.learnt("a.md", "Words of a.")
    (watched.bench.notes / "a.md").unlink()
    watched.is_held = True

    watched.settle("a.md")

    assert watched.names() == ["a.md"]


def test_a_file_that_nobody_knew_may_go(watched: Watched) -> None:
    watched.settle("never there.md")

    assert watched.names() == []


# --- renamed ------------------------------------------------------------------------------------------------


def assert_renamed(watched: Watched, before: DocumentRecord, name: str) -> None:
    after = watched.known(name)
    assert (after.id, after.state) == (before.id, DocumentState.READY)
    assert watched.queued() == []


@pytest.mark.parametrize("batches", [[("a.md", "b.md")], [("b.md", "a.md")], [("b.md",), ("a.md",)]])
def test_a_renamed_file_keeps_what_was_learnt_in_whatever_order_its_halves_settle(
    watched: Watched, batches: Iterable[tuple[str, ...]]
) -> None:
    before = watched.learnt("a.md", "Words.")
    watched.move("a.md", "b.md")

    for names in batches:
        watched.settle(*names)

    assert_renamed(watched, before, "b.md")
    assert watched.names() == ["b.md"]


def test_a_file_renamed_while_it_waits_to_be_learnt_is_the_same_document(watched: Watched) -> None:
    watched.write("a.md", "Words.")
    watched.settle("a.md")
    before = watched.known("a.md")
    watched.move("a.md", "b.md")

    watched.settle("a.md", "b.md")

    assert watched.known("b.md").id == before.id
    assert watched.names() == ["b.md"]
    assert watched.queued() == ["b.md"]


def test_a_copy_is_a_document_of_its_own(watched: Watched) -> None:
    original = watched.learnt("a.md", "Words.")
    watched.write("copy.md", "Words.")

    watched.settle("copy.md")

    assert watched.names() == ["a.md", "copy.md"]
    assert watched.known("a.md").id == original.id


def test_a_copy_of_a_note_whose_drive_is_unplugged_is_a_copy(watched: Watched, tmp_path: Path) -> None:
    drive = tmp_path.resolve() / "drive"
    document = watched.learnt("a.md", "Words.")
    folder = watched.catalog.add_folder(drive)
    away = watched.catalog.rename_document(document.id, drive / "a.md", 6, 1)
    assert (away, folder.path) == (None, drive)
    watched.move("a.md", "copy.md")

    watched.settle("copy.md")

    assert watched.names() == ["a.md", "copy.md"]


def test_of_several_that_went_the_one_of_the_same_name_is_taken(watched: Watched) -> None:
    watched.learnt("first.md", "The same words.")
    other = watched.learnt("second.md", "Other words.")
    # Two documents with the same bytes; the second one's name is kept by the move.
    watched.write("second.md", "The same words.")
    watched.settle("second.md")
    job = watched.jobs.claim()
    assert job is not None
    watched.catalog.attach_known_content(
        other.id, job.content_hash, base_hash=BASE_HASH, hypernetwork_hash=HYPERNETWORK_HASH
    )
    (watched.bench.notes / "deeper").mkdir()
    (watched.bench.notes / "first.md").unlink()
    watched.move("second.md", "deeper/second.md")

    watched.settle("first.md", "second.md", "deeper/second.md")

    assert watched.known("deeper/second.md").id == other.id
    assert watched.names() == ["second.md"]


def two_copies(watched: Watched) -> tuple[DocumentRecord, DocumentRecord]:
    """ "a.md", which is learnt, and "b.md" with the same bytes."""
    first = watched.learnt("a.md", "The same words.")
    watched.write("b.md", "The same words.")
    watched.settle("b.md")
    return first, watched.known("b.md")


@pytest.mark.parametrize("new_names", [("deeper/a.md", "deeper/b.md"), ("c.md", "d.md")])
def test_two_copies_that_are_renamed_stay_two(watched: Watched, new_names: tuple[str, str]) -> None:
    before = two_copies(watched)
    (watched.bench.notes / "deeper").mkdir()
    for name, new_name in zip(("a.md", "b.md"), new_names, strict=True):
        watched.move(name, new_name)

    watched.settle("a.md", "b.md", *new_names)

    assert [watched.known(name).id for name in new_names] == [document.id for document in before]
    assert len(watched.names()) == 2


def test_of_several_that_went_the_one_that_settled_with_the_new_path_is_taken(watched: Watched) -> None:
    _first, second = two_copies(watched)
    (watched.bench.notes / "a.md").unlink()  # has not settled yet
    watched.move("b.md", "new.md")

    watched.settle("b.md", "new.md")

    assert watched.known("new.md").id == second.id


def test_a_file_in_whose_place_another_came_is_both_renamed_and_new(watched: Watched) -> None:
    before = watched.learnt("a.md", "Words of the first.")
    watched.move("a.md", "b.md")
    watched.write("a.md", "Words of the second, which took its name.")

    watched.settle("a.md", "b.md")

    # The name is what a document is known by; the bytes that moved are learnt under their new name.
    assert watched.known("a.md").id == before.id
    assert watched.names() == ["a.md", "b.md"]


def test_a_file_that_cannot_be_read_says_so_under_its_name(
    watched: Watched, monkeypatch: pytest.MonkeyPatch
) -> None:
    watched.learnt("a.md", "Words.")
    watched.move("a.md", "b.md")

    def refuse(path: Path) -> str:
        raise PermissionError(13, "Permission denied", str(path))

    monkeypatch.setattr("app.services.settled_files.hash_file", refuse)
    monkeypatch.setattr("app.services.queueing.hash_file", refuse)
    watched.settle("b.md")

    failed = watched.known("b.md")
    assert (failed.state, failed.reason_title) == (DocumentState.FAILED, "The file cannot be opened.")
