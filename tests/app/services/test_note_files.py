import os
from collections.abc import Callable
from pathlib import Path

import pytest

from app.services.note_files import (
    MAX_NOTE_BYTES,
    NOTE_SUFFIXES,
    Skipped,
    canonical,
    hash_file,
    is_in_hidden_folder,
    stamp_of,
    walk_notes,
    why_not_a_note,
)
from engine.documents.reader import MAX_FILE_BYTES, SUPPORTED_SUFFIXES, read_document


def test_what_counts_as_a_note_here_is_what_the_worker_can_read() -> None:
    assert NOTE_SUFFIXES == SUPPORTED_SUFFIXES
    assert MAX_NOTE_BYTES == MAX_FILE_BYTES


def test_the_hash_is_the_one_the_worker_computes(tmp_path: Path) -> None:
    note = tmp_path / "a.md"
    note.write_bytes("Grüße.\r\n".encode())

    assert hash_file(note) == read_document(note).content_hash


@pytest.mark.parametrize("name", [".a.md", "~$letter.docx", "a.md~", "4913", "a.md.swp", "a.jpg", "README"])
def test_what_editors_leave_behind_is_no_note(name: str) -> None:
    assert why_not_a_note(Path("/notes") / name)


@pytest.mark.parametrize("name", ["a.md", "A.MD", "b.Txt", "c d.docx", "note.about.x.pdf"])
def test_the_usual_names_are_notes(name: str) -> None:
    assert why_not_a_note(Path("/notes") / name) == ""


def test_a_missing_file_a_folder_and_a_pipe_have_no_stamp(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe")

    assert stamp_of(tmp_path / "gone") is None
    assert stamp_of(tmp_path) is None
    assert stamp_of(tmp_path / "pipe") is None
    (tmp_path / "file").touch()
    assert stamp_of(tmp_path / "file" / "below a file") is None


def test_links_to_folders_are_not_followed_in_circles(tmp_path: Path) -> None:
    (tmp_path / "a.md").touch()
    (tmp_path / "loop").symlink_to(tmp_path, target_is_directory=True)

    assert list(walk_notes(tmp_path)) == [tmp_path / "a.md"]


def test_a_walk_names_hidden_things_and_goes_on(tmp_path: Path) -> None:
    (tmp_path / ".hidden").mkdir()
    (tmp_path / ".hidden" / "a.md").touch()
    (tmp_path / "b.md").touch()

    found = list(walk_notes(tmp_path))

    assert [item.path.name for item in found if isinstance(item, Skipped)] == [".hidden"]
    assert tmp_path / "b.md" in found


def test_a_walk_names_a_folder_that_it_may_not_look_into_and_goes_on(
    tmp_path: Path, seal: Callable[[Path], None]
) -> None:
    (tmp_path / "private").mkdir()
    (tmp_path / "b.md").touch()
    seal(tmp_path / "private")

    note, skipped = walk_notes(tmp_path)

    assert note == tmp_path / "b.md"
    assert skipped == Skipped(
        tmp_path / "private",
        "The folder cannot be opened (Permission denied). Notes in it are left out.",
        is_unreadable=True,
    )


def test_a_relative_path_through_a_link_has_one_form(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    real = tmp_path / "real"
    real.mkdir()
    (tmp_path / "link").symlink_to(real, target_is_directory=True)
    monkeypatch.chdir(tmp_path)

    assert canonical(Path("link/../link/a.md")) == real.resolve() / "a.md"


def test_only_folders_below_the_root_make_a_file_hidden() -> None:
    root = Path("/home/.config/notes")

    assert not is_in_hidden_folder(root / "a.md", root)
    assert is_in_hidden_folder(root / ".obsidian" / "a.md", root)
