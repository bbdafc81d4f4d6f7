import io
import os
import stat
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.formats.atomic_files import git_blob_id_of, put_in_place, sha256_of, write_all, write_whole


def test_checksums_are_those_that_others_compute(tmp_path: Path) -> None:
    path = tmp_path / "file"
    path.write_bytes(b"hello\n")
    seen: list[int] = []

    assert sha256_of(path, seen.append) == "5891b5b522d5df086d0ff0b110fbd9d21bb4fc7163af34d08286a2e846f6be03"
    assert git_blob_id_of(path, seen.append) == "ce013625030ba8dba906f756967f9e9ca394464a"  # git hash-object
    assert seen == [6, 6]


def test_a_file_is_put_in_place_over_what_was_there(tmp_path: Path) -> None:
    (tmp_path / "new.part").write_text("new", encoding="utf-8")
    (tmp_path / "target").write_text("old", encoding="utf-8")

    put_in_place(tmp_path / "new.part", tmp_path / "target")

    assert [(path.name, path.read_text(encoding="utf-8")) for path in tmp_path.iterdir()] == [
        ("target", "new")
    ]


def test_a_small_file_is_written_whole_or_not_at_all(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    target = tmp_path / "new" / "record.json"
    write_whole(target, "first")
    monkeypatch.setattr(os, "fsync", _full)

    with pytest.raises(OSError, match="No space left"):
        write_whole(target, "second")

    assert [(path.name, path.read_text(encoding="utf-8")) for path in target.parent.iterdir()] == [
        ("record.json", "first")
    ]


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_a_secret_is_never_readable_by_others_not_even_while_it_is_written(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    modes: list[int] = []

    def note_mode(descriptor: int) -> None:
        modes.append(stat.S_IMODE(os.fstat(descriptor).st_mode))

    monkeypatch.setattr(os, "fsync", note_mode)

    write_whole(tmp_path / "secret", "hf_abc", mode=0o600)

    assert modes[0] == 0o600
    assert stat.S_IMODE((tmp_path / "secret").stat().st_mode) == 0o600


class _Reluctant(io.RawIOBase):
    """Takes a few bytes at once."""

    def __init__(self, most: int) -> None:
        self.taken = b""
        self._most = most

    def writable(self) -> bool:
        return True

    def write(self, block: bytes | memoryview) -> int:  # type: ignore[override]  # typeshed's Buffer is of 3.12
        self.taken += bytes(block[: self._most])
        return min(self._most, len(block))


@given(st.binary(max_size=50), st.integers(1, 9))
def test_nothing_is_lost_to_a_file_that_takes_little_at_once(block: bytes, most: int) -> None:
    file = _Reluctant(most)

    write_all(file, block)

    assert file.taken == block


def _full(_descriptor: int) -> None:
    raise OSError(28, "No space left on device")
