import errno
import os
import shutil
from pathlib import Path

import pytest

from app.bootstrap import Application
from app.services.ranking import search
from app.services.watcher import FolderWatcher, advice_for
from storage.records import DocumentState
from tests.app.conftest import Bench


@pytest.fixture
def watching(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> Application:
    """An application that watches the notes' folder with one note, "a.md", learnt."""
    monkeypatch.setattr("app.services.watch_service.CHECK_S", 0.05)
    bench.write("a.md", "The words of a.")
    application = bench.start()
    application.watch.watch(bench.notes)
    bench.wait_ready("a.md")
    return application


def barrier(bench: Bench, name: str = "barrier.md") -> None:
    """Wait until everything that happened before has settled: a later note is learnt."""
    bench.write(name, f"The words of {name}.")
    bench.wait_ready(name)


def names(application: Application) -> list[str]:
    return sorted(document.path.name for document in application.library.documents())


def test_notes_that_were_there_before_are_learnt(bench: Bench, watching: Application) -> None:
    document = bench.known("a.md")

    assert document.folder_id == watching.library.folders()[0].id


def test_a_new_note_is_learnt_and_what_is_no_note_is_not(bench: Bench, watching: Application) -> None:
    bench.write("photo.jpg", "x")
    bench.write(".hidden.md", "x")
    bench.write(".git/c.md", "x")
    bench.write("sub/folder/b.md", "The words of b.")

    bench.wait_ready("b.md")
    barrier(bench)
    assert names(watching) == ["a.md", "b.md", "barrier.md"]


def test_folders_inside_folders_that_come_all_at_once_are_all_seen(
    bench: Bench, watching: Application
) -> None:
    # Each is found twice, by its own event and by the walk through the one around it, in a race.
    for number in range(300):
        bench.write(f"{number}/sub/folder/photo.jpg", "x")
    bench.write("299/sub/folder/last.md", "The words of the last.")

    bench.wait_ready("last.md")
    bench.write("0/sub/folder/first.md", "The words of the first.")
    bench.wait_ready("first.md")


def test_an_edit_is_one_job_and_replaces_the_old_text(bench: Bench, watching: Application) -> None:
    note = bench.notes / "a.md"
    with note.open("w", encoding="utf-8") as file:
        for word in ("These ", "are ", "new ", "words."):
            file.write(word)
            file.flush()

    bench.wait(lambda: len(bench.ingest_engine.learnt) == 2)
    bench.wait_ready("a.md")
    barrier(bench)
    document = bench.known("a.md")
    assert [chunk.text for chunk in watching.profile.catalog.chunks_of(document.id)] == [
        "These are new words."
    ]
    assert bench.ingest_engine.begun == ["a.md", "a.md", "barrier.md"]


def save_by_rename(note: Path, text: str) -> None:
    """GNOME, KDE, Obsidian, VS Code: write beside, then rename over."""
    beside = note.with_name(f".{note.name}.tmp-4711")
    beside.write_text(text, encoding="utf-8")
    beside.replace(note)


def save_with_backup(note: Path, text: str) -> None:
    """Vim, Emacs: rename the old file away, write a new one, delete the old."""
    backup = note.with_name(note.name + "~")
    note.replace(backup)
    note.write_text(text, encoding="utf-8")
    backup.unlink()


def save_with_a_note_as_backup(note: Path, text: str) -> None:
    """Editors whose backup looks like a note itself."""
    backup = note.with_name("backup of a.md")
    note.replace(backup)
    note.write_text(text, encoding="utf-8")
    backup.unlink()


def save_by_deleting(note: Path, text: str) -> None:
    """Simple programs and some sync clients: delete, then write."""
    note.unlink()
    note.write_text(text, encoding="utf-8")


@pytest.mark.parametrize(
    "save", [save_by_rename, save_with_backup, save_with_a_note_as_backup, save_by_deleting]
)
def test_however_an_editor_saves_it_is_one_edit_of_the_same_document(
    bench: Bench, watching: Application, save: object
) -> None:
    before = bench.known("a.md")
    watching.library.set_enabled([before.id], False)

    save(bench.notes / "a.md", "Entirely new words.")  # type: ignore[operator]

    bench.wait(lambda: bench.ingest_engine.learnt == ["a.md", "a.md"])
    bench.wait_ready("a.md")
    barrier(bench)
    after = bench.known("a.md")
    assert (after.id, after.enabled) == (before.id, False)
    assert bench.ingest_engine.begun == ["a.md", "a.md", "barrier.md"]
    assert names(watching) == ["a.md", "barrier.md"]


def test_a_touched_note_with_the_same_bytes_costs_nothing(bench: Bench, watching: Application) -> None:
    os.utime(bench.notes / "a.md", ns=(1, 1))

    bench.wait(lambda: (document := bench.document("a.md")) and document.mtime_ns == 1)
    barrier(bench)
    assert bench.ingest_engine.begun == ["a.md", "barrier.md"]


def test_a_renamed_note_keeps_what_was_learnt_and_its_switch(bench: Bench, watching: Application) -> None:
    before = bench.known("a.md")
    watching.library.set_enabled([before.id], False)
    (bench.notes / "deeper").mkdir()

    (bench.notes / "a.md").replace(bench.notes / "deeper" / "new name.md")

    bench.wait(lambda: bench.document("new name.md"))
    after = bench.known("new name.md")
    assert (after.id, after.title, after.enabled, after.state) == (
        before.id,
        "new name",
        False,
        DocumentState.READY,
    )
    assert bench.ingest_engine.begun == ["a.md"]
    assert names(watching) == ["new name.md"]


def test_a_copy_of_a_note_on_an_unplugged_drive_is_a_copy(
    bench: Bench, watching: Application, tmp_path: Path
) -> None:
    drive = tmp_path.resolve() / "drive"
    drive.mkdir()
    (drive / "d.md").write_text("The words of d.", encoding="utf-8")
    watching.watch.watch(drive)
    bench.wait_ready("d.md")
    drive.replace(tmp_path / "unplugged")
    bench.wait(lambda: bench.notices)

    bench.write("copy.md", "The words of d.")

    bench.wait_ready("copy.md")
    assert names(watching) == ["a.md", "copy.md", "d.md"]
    assert bench.ingest_engine.begun == ["a.md", "d.md"]


def test_a_renamed_folder_costs_no_model_pass(bench: Bench, watching: Application) -> None:
    for number in range(5):
        bench.write(f"old/{number}.md", f"The words of {number}.")
    bench.wait_ready(*(f"{number}.md" for number in range(5)))

    (bench.notes / "old").replace(bench.notes / "new")

    bench.wait(lambda: (document := bench.document("4.md")) and document.path.parent.name == "new")
    barrier(bench)
    assert {document.path.parent.name for document in watching.library.documents()} == {"notes", "new"}
    assert len(bench.ingest_engine.begun) == 7


def test_a_note_renamed_while_it_is_learnt_is_learnt_under_its_new_name(
    bench: Bench, watching: Application
) -> None:
    bench.ingest_engine.hold()
    bench.write("b.md", "The words of b.")
    bench.ingest_engine.wait_begun(2)

    (bench.notes / "b.md").replace(bench.notes / "c.md")
    bench.wait(lambda: bench.document("c.md"))
    bench.ingest_engine.release()

    bench.wait_ready("c.md")
    assert names(watching) == ["a.md", "c.md"]


def test_a_deleted_note_is_forgotten_with_its_adapter_and_search_rows(
    bench: Bench, watching: Application
) -> None:
    bench.write("b.md", "Something about xylophones.")
    bench.wait_ready("b.md")

    (bench.notes / "b.md").unlink()

    bench.wait(lambda: bench.document("b.md") is None)
    assert watching.profile.catalog.counts().chunks == 1
    found = search(watching.profile.catalog, "xylophones", None).passages
    assert all("xylophones" not in passage.text for passage in found)


def test_the_only_note_of_a_folder_can_be_deleted(bench: Bench, watching: Application) -> None:
    (bench.notes / "a.md").unlink()

    bench.wait(lambda: names(watching) == [])
    assert bench.notices == []


def test_a_deleted_folder_takes_its_notes_along(bench: Bench, watching: Application) -> None:
    for number in range(3):
        bench.write(f"sub/{number}.md", f"The words of {number}.")
    bench.wait_ready("0.md", "1.md", "2.md")

    shutil.rmtree(bench.notes / "sub")

    bench.wait(lambda: names(watching) == ["a.md"])


def test_a_folder_that_is_moved_in_is_learnt(bench: Bench, watching: Application, tmp_path: Path) -> None:
    outside = tmp_path / "outside"
    outside.mkdir()
    (outside / "b.md").write_text("The words of b.", encoding="utf-8")

    outside.replace(bench.notes / "inside")

    bench.wait_ready("b.md")


def test_a_vanished_folder_holds_everything_and_its_return_changes_nothing(
    bench: Bench, watching: Application, tmp_path: Path
) -> None:
    bench.write("b.md", "The words of b.")
    bench.wait_ready("b.md")

    bench.notes.replace(tmp_path / "unplugged")
    bench.wait(lambda: bench.notices, "the user is told")
    assert names(watching) == ["a.md", "b.md"]
    assert "cannot be found" in bench.notices[0].title

    (tmp_path / "unplugged").replace(bench.notes)
    barrier(bench)
    assert names(watching) == ["a.md", "b.md", "barrier.md"]
    assert bench.ingest_engine.begun == ["a.md", "b.md", "barrier.md"]
    assert len(bench.notices) == 1


def test_a_folder_that_vanishes_again_is_said_again(
    bench: Bench, watching: Application, tmp_path: Path
) -> None:
    for times in (1, 2):
        bench.notices.clear()
        bench.notes.replace(tmp_path / "unplugged")
        bench.wait(lambda: bench.notices, "the user is told")
        (tmp_path / "unplugged").replace(bench.notes)
        barrier(bench, f"barrier {times}.md")

    assert names(watching) == ["a.md", "barrier 1.md", "barrier 2.md"]


def test_an_emptied_folder_holds_everything(bench: Bench, watching: Application) -> None:
    bench.write("b.md", "The words of b.")
    bench.wait_ready("b.md")

    (bench.notes / "a.md").unlink()
    (bench.notes / "b.md").unlink()

    bench.wait(lambda: bench.notices, "the user is told")
    assert "is empty" in bench.notices[0].title
    assert names(watching) == ["a.md", "b.md"]


def test_a_folder_that_is_empty_at_the_start_holds_everything(bench: Bench, watching: Application) -> None:
    bench.write("b.md", "The words of b.")
    bench.wait_ready("b.md")
    watching.close()
    shutil.rmtree(bench.notes)
    bench.notes.mkdir()

    again = bench.start()

    bench.wait(lambda: bench.notices, "the user is told")
    assert names(again) == ["a.md", "b.md"]


def test_what_changed_while_the_program_was_off_is_found_at_the_start(
    bench: Bench, watching: Application
) -> None:
    for name in ("b.md", "c.md", "d.md"):
        bench.write(name, f"The words of {name}.")
    bench.wait_ready("b.md", "c.md", "d.md")
    watching.close()
    (bench.notes / "b.md").replace(bench.notes / "renamed.md")
    bench.write("c.md", "Other words.")
    (bench.notes / "d.md").unlink()
    bench.write("new.md", "New words.")

    again = bench.start()

    bench.wait_ready("a.md", "renamed.md", "new.md")
    bench.wait(lambda: names(again) == ["a.md", "c.md", "new.md", "renamed.md"])
    bench.wait(lambda: bench.ingest_engine.learnt.count("c.md") == 2)
    assert sorted(bench.ingest_engine.begun) == ["a.md", "b.md", "c.md", "c.md", "d.md", "new.md"]


def test_a_folder_no_longer_watched_keeps_its_notes_and_hears_nothing(
    bench: Bench, watching: Application, tmp_path: Path
) -> None:
    other = tmp_path.resolve() / "other"
    other.mkdir()
    watching.watch.watch(other)
    watching.watch.unwatch(watching.library.folders()[0].id)
    # Whatever is noticed in the other folder from now on is noticed after that.
    (other / "barrier.md").write_text("The words of a barrier.", encoding="utf-8")
    bench.wait_ready("barrier.md")

    bench.write("b.md", "The words of b.")
    (bench.notes / "a.md").unlink()
    (other / "o.md").write_text("The words of o.", encoding="utf-8")

    bench.wait_ready("o.md")
    assert names(watching) == ["a.md", "barrier.md", "o.md"]


def test_a_note_that_was_forgotten_does_not_come_back_by_itself(bench: Bench, watching: Application) -> None:
    document = bench.known("a.md")
    watching.library.forget([document.id])
    bench.write("a.md", "Edited afterwards.")
    barrier(bench)
    assert names(watching) == ["barrier.md"]
    watching.close()

    again = bench.start()
    barrier(bench, "second barrier.md")
    assert "a.md" not in names(again)

    again.ingest.add_paths([bench.notes / "a.md"])
    bench.wait_ready("a.md")


def test_a_folder_inside_a_watched_one_is_watched_already(bench: Bench, watching: Application) -> None:
    (bench.notes / "sub").mkdir()

    assert watching.watch.watch(bench.notes / "sub").path == bench.notes
    assert len(watching.library.folders()) == 1


def test_a_file_cannot_be_watched(bench: Bench, watching: Application) -> None:
    with pytest.raises(NotADirectoryError, match=r"a\.md"):
        watching.watch.watch(bench.notes / "a.md")


def test_a_folder_that_cannot_be_observed_is_compared_now_and_then_and_the_advice_names_the_number(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(_self: FolderWatcher, _root: Path) -> None:
        raise OSError(errno.ENOSPC, "inotify watch limit reached")

    monkeypatch.setattr(FolderWatcher, "observe", refuse)
    monkeypatch.setattr("app.services.watch_service.CHECK_S", 0.02)
    monkeypatch.setattr("app.services.watch_service.COMPARE_UNOBSERVED_S", 0.05)
    limit = bench.home / "max_user_watches"
    limit.write_text("8192\n", encoding="ascii")
    monkeypatch.setattr("app.services.watcher.INOTIFY_WATCHES", limit)
    application = bench.start()

    application.watch.watch(bench.notes)

    bench.wait(lambda: bench.notices, "the user is told")
    assert "fs.inotify.max_user_watches=524288" in bench.notices[0].message
    barrier(bench)
    (bench.notes / "barrier.md").unlink()
    bench.wait(lambda: names(application) == [])
    assert len(bench.notices) == 1


def test_the_advice_doubles_a_limit_that_is_large_already(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    limit = tmp_path / "max_user_instances"
    limit.write_text("4096\n", encoding="ascii")
    monkeypatch.setattr("app.services.watcher.INOTIFY_INSTANCES", limit)

    assert "fs.inotify.max_user_instances=8192" in advice_for(OSError(errno.EMFILE, "limit"))
    assert advice_for(OSError(errno.EACCES, "no permission")) == ""


def test_a_second_process_adds_a_folder_and_the_first_watches_it(
    bench: Bench, watching: Application, tmp_path: Path
) -> None:
    other = tmp_path.resolve() / "other"
    other.mkdir()
    second = bench.build(headless=True)
    second.watch.watch(other)
    second.close()
    bench.opened.remove(second)

    (other / "o.md").write_text("The words of o.", encoding="utf-8")

    bench.wait_ready("o.md")
