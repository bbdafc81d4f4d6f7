"""JSON from elsewhere: what it may be, and what is refused before it costs memory or an odd error."""

import json
import os
import sys
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.formats.foreign_json import MAX_DEPTH, parse_json, read_json

_PLAIN = (
    st.none()
    | st.booleans()
    | st.integers(-(2**63), 2**63 - 1)
    | st.floats(allow_nan=False, allow_infinity=False)
    | st.text()
)


@given(st.recursive(_PLAIN, lambda inner: st.lists(inner) | st.dictionaries(st.text(), inner), max_leaves=20))
def test_what_the_standard_library_writes_comes_back(value: object) -> None:
    assert parse_json(json.dumps(value)) == value
    assert parse_json(json.dumps(value, ensure_ascii=False).encode("utf-8", "surrogatepass")) == value


@pytest.mark.parametrize(
    ("text", "reason"),
    [
        ("", "Expecting value"),
        ("{", "Expecting property name"),
        (b"\xff\xfe[]", "can't decode"),
        ("[" * 200_000, "nested"),
        ('{"a":' * 100_000, "nested"),
        ("[" * (MAX_DEPTH + 1) + "]" * (MAX_DEPTH + 1), f"more than {MAX_DEPTH} deep"),
        ("[1, NaN]", "NaN is not a number"),
        ("-Infinity", "-Infinity is not a number"),
        ("1e400", "1e400 is too large"),
        ("[-1e999]", "too large"),
        ("9" * 400, "400 digits"),
        ("9" * 100_000, "100000 digits"),
        ('{"a": 1, "b": 2, "a": 3}', "'a' twice"),
        ('[{"x": {"y": 1, "y": 1}}]', "'y' twice"),
    ],
    ids=range(14),
)
def test_what_is_no_json_or_more_than_that_is_refused(text: str | bytes, reason: str) -> None:
    with pytest.raises(ValueError, match=reason):
        parse_json(text)


def test_as_deep_as_is_allowed_is_read() -> None:
    assert parse_json("[" * MAX_DEPTH + "]" * MAX_DEPTH) is not None


def test_of_a_file_no_more_is_read_than_was_asked_for(tmp_path: Path) -> None:
    file = tmp_path / "config.json"
    file.write_text("[1]" + " " * 997)
    assert read_json(file, 1000) == [1]
    with file.open("rb+") as opened:
        opened.truncate(1 << 40)  # a hole, not bytes
    with pytest.raises(ValueError, match=r"more than 1,000 bytes"):
        read_json(file, 1000)


def test_a_folder_and_a_missing_file_are_told_apart(tmp_path: Path) -> None:
    with pytest.raises(ValueError, match="not a file"):
        read_json(tmp_path)
    with pytest.raises(FileNotFoundError):
        read_json(tmp_path / "gone")


@pytest.mark.skipif(sys.platform == "win32", reason="has no named pipes among its files")
def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "config.json")
    with pytest.raises(ValueError, match="not a file"):
        read_json(tmp_path / "config.json")
