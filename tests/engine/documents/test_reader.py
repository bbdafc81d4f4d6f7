import errno
import hashlib
import os
import tempfile
from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from engine.documents import reader
from engine.documents.reader import MAX_FILE_BYTES, DocumentChanged, DocumentText, read_document
from engine.errors import UnreadableDocument


def failure(path: Path) -> UnreadableDocument:
    with pytest.raises(UnreadableDocument) as caught:
        read_document(path)
    error = caught.value
    assert error.title.endswith(".")
    assert error.detail.endswith(".")
    for word in ("Traceback", "Errno", "codec", "Error:"):
        assert word not in error.title + error.detail
    return error


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "Garden.md"
    path.write_bytes(b"# Garden\r\n\r\nThe gate's code is 4711.\r\n")
    return path


def test_a_note_gives_its_text_hash_and_size(note: Path) -> None:
    data = note.read_bytes()
    assert read_document(note) == DocumentText(
        text="# Garden\n\nThe gate's code is 4711.\n",
        content_hash=hashlib.sha256(data).hexdigest(),
        size_bytes=len(data),
        note="",
    )


def test_the_suffix_counts_in_any_case(note: Path) -> None:
    assert read_document(note.rename(note.with_suffix(".MD"))).text.startswith("# Garden")


def test_an_empty_file_says_so(tmp_path: Path) -> None:
    path = tmp_path / "empty.txt"
    path.touch()
    assert failure(path).title == "The file is empty."


@pytest.mark.parametrize("data", [b"\n\n  \t\n", "\ufeff\u200b\n".encode(), b"\xff\xfe"])
def test_a_file_with_only_blank_space_says_so(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "blank.md"
    path.write_bytes(data)
    assert failure(path).title == "There is no text in this file."


def test_a_kind_of_file_that_is_not_known_names_those_that_are(tmp_path: Path) -> None:
    error = failure(tmp_path / "picture.png")
    assert error.title == "Loreleaf cannot read this kind of file."
    assert "“.png”" in error.detail
    assert ".docx" in error.detail


def test_a_file_of_50_mb_is_refused_without_reading_it(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    path = tmp_path / "huge.txt"
    with path.open("wb") as file:
        file.truncate(50_000_000)

    def never(path: Path) -> bytes:
        raise AssertionError("the file was opened")

    monkeypatch.setattr(reader, "_read_once", never)
    error = failure(path)
    assert error.title == "The file is too large."
    assert "50.0 MB" in error.detail
    assert "4 MB" in error.detail


def test_a_file_that_grows_past_the_limit_after_it_was_looked_at_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "growing.txt"
    path.write_bytes(b"x" * (MAX_FILE_BYTES + 1))
    with pytest.raises(UnreadableDocument, match="too large"):
        reader._read_once(path)


def test_a_file_of_exactly_the_limit_is_read(tmp_path: Path) -> None:
    path = tmp_path / "large.txt"
    path.write_bytes(b"word " * (MAX_FILE_BYTES // 5))
    assert read_document(path).size_bytes == MAX_FILE_BYTES


def test_a_file_deleted_while_it_was_queued_is_gone(note: Path) -> None:
    note.unlink()
    error = failure(note)
    assert error.title == "The file is gone."
    assert "“Garden.md”" in error.detail


def test_a_file_deleted_between_looking_and_opening_is_gone(
    note: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    read_once = reader._read_once

    def delete_first(path: Path) -> bytes:
        path.unlink()
        return read_once(path)

    monkeypatch.setattr(reader, "_read_once", delete_first)
    assert failure(note).title == "The file is gone."


def test_a_file_whose_folder_became_a_file_is_gone(tmp_path: Path) -> None:
    (tmp_path / "folder").touch()
    assert failure(tmp_path / "folder" / "note.md").title == "The file is gone."


def test_a_folder_with_the_name_of_a_note_says_so(tmp_path: Path) -> None:
    (tmp_path / "folder.md").mkdir()
    assert failure(tmp_path / "folder.md").title == "This is a folder, not a file."


@pytest.mark.skipif(not hasattr(os, "mkfifo"), reason="this system has no named pipes")
def test_a_pipe_is_refused_instead_of_waiting_for_a_writer(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "pipe.txt")
    assert failure(tmp_path / "pipe.txt").title == "This is not a file with text."


@pytest.fixture
def as_nobody() -> Iterator[None]:
    """Root may read everything; without its rights a file can be unreadable."""
    if not hasattr(os, "seteuid"):
        pytest.skip("this system has no users to change to")
    user = os.geteuid()
    if user == 0:
        os.seteuid(65534)
    yield
    if user == 0:
        os.seteuid(0)


@pytest.fixture
def forbidden_file() -> Iterator[Path]:
    # Not in tmp_path, whose parents only their owner may enter: the file itself is to be forbidden.
    with tempfile.TemporaryDirectory() as folder:
        Path(folder).chmod(0o755)
        path = Path(folder) / "private.txt"
        path.write_text("a secret", encoding="utf-8")
        path.chmod(0o000)
        yield path


@pytest.mark.usefixtures("forbidden_file", "as_nobody")
def test_a_file_without_permission_says_what_to_do(forbidden_file: Path) -> None:
    error = failure(forbidden_file)
    assert error.title == "The file may not be read."
    assert "“private.txt”: Permission denied." in error.detail
    assert "permission to read it" in error.detail


@pytest.mark.skipif(not hasattr(os, "symlink"), reason="this system has no symbolic links")
def test_links_that_point_at_each_other_are_an_error_with_the_systems_words(tmp_path: Path) -> None:
    (tmp_path / "a.md").symlink_to(tmp_path / "b.md")
    (tmp_path / "b.md").symlink_to(tmp_path / "a.md")
    error = failure(tmp_path / "a.md")
    assert error.title == "The file could not be read."
    assert os.strerror(errno.ELOOP) in error.detail


def test_a_name_that_is_no_text_can_be_told(tmp_path: Path) -> None:
    error = failure(tmp_path / os.fsdecode(b"caf\xe9.txt"))
    assert "“caf\ufffd.txt”" in error.detail
    error.detail.encode("utf-8")


Change = Callable[[Path], object]


def append(path: Path) -> None:
    with path.open("ab") as file:
        file.write(b" more")


def replace(path: Path) -> None:
    """As editors save: another file of the same size and time takes the name."""
    status = path.stat()
    new = path.with_suffix(".new")
    new.write_bytes(b"B" * status.st_size)
    os.utime(new, ns=(status.st_atime_ns, status.st_mtime_ns))
    new.replace(path)


def rewrite(path: Path) -> None:
    status = path.stat()
    path.write_bytes(b"C" * status.st_size)
    os.utime(path, ns=(status.st_atime_ns, status.st_mtime_ns + 1000))


def change_during_reads(monkeypatch: pytest.MonkeyPatch, change: Change, *, reads: int) -> list[bytes]:
    """The first ``reads`` reads of a file are each followed by a change of it; gives what was read."""
    read_once = reader._read_once
    seen: list[bytes] = []

    def read_and_change(path: Path) -> bytes:
        seen.append(read_once(path))
        if len(seen) <= reads:
            change(path)
        return seen[-1]

    monkeypatch.setattr(reader, "_read_once", read_and_change)
    return seen


@pytest.mark.parametrize("change", [append, replace, rewrite])
def test_a_file_changed_once_while_being_read_is_read_again(
    note: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    seen = change_during_reads(monkeypatch, change, reads=1)
    document = read_document(note)
    assert len(seen) == 2
    assert seen[0] != seen[1]
    assert document.content_hash == hashlib.sha256(note.read_bytes()).hexdigest()


@pytest.mark.parametrize("change", [append, replace, rewrite])
def test_a_file_that_keeps_changing_is_left_for_later(
    note: Path, monkeypatch: pytest.MonkeyPatch, change: Change
) -> None:
    seen = change_during_reads(monkeypatch, change, reads=99)
    error = failure(note)
    assert isinstance(error, DocumentChanged)
    assert error.title == "The file kept changing while it was being read."
    assert len(seen) == 2


def test_a_file_deleted_while_being_read_is_gone(note: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    change_during_reads(monkeypatch, Path.unlink, reads=1)
    assert failure(note).title == "The file is gone."
