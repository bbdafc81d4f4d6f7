"""Titles are text from elsewhere: one line, bounded, and nothing in them that turns letters around."""

from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.catalog import Catalog
from storage.chats import Chats
from storage.database import Database
from storage.imported_adapters import ImportedAdapters
from storage.records import NewImport
from storage.titles import MAX_TITLE_CHARS, on_one_line, title_of, title_of_file


@pytest.mark.parametrize(
    ("name", "title"),
    [
        ("Boat.md", "Boat"),
        ("invoice\u202efdp.exe.md", "invoice\ufffdfdp.exe"),
        ("a\u2066b\u2069c\u202ad.md", "a\ufffdb\ufffdc\ufffdd"),
        ("two\nlines\x1b[2J.md", "two lines\ufffd[2J"),
        ("שלום עולם\u200f.md", "שלום עולם\u200f"),
        ("  .md", ".md"),
        ("not text \udcff.md", "not text \ufffd"),
    ],
)
def test_a_file_is_called_by_its_name_without_what_would_disguise_it(name: str, title: str) -> None:
    assert title_of_file(Path("/notes") / name) == title


@given(st.text(st.characters(), max_size=500))
def test_a_title_is_short_and_on_one_line(text: str) -> None:
    title = title_of(text)
    assert len(title) <= MAX_TITLE_CHARS
    assert title.splitlines() in ([], [title])
    assert title.strip() == title
    assert not set(title) & {chr(code) for code in (*range(0x202A, 0x202F), *range(0x2066, 0x206A))}
    assert title_of(title) == title
    title.encode()


def test_a_name_on_one_line_keeps_its_length() -> None:
    name = "a\tb\u202ec\x00" * 100
    assert len(on_one_line(name)) == len(name)


def test_the_library_keeps_no_title_that_is_longer_or_turned_around(
    database: Database, tmp_path: Path
) -> None:
    catalog, imported, chats = Catalog(database), ImportedAdapters(database), Chats(database)
    path = tmp_path / "a\u202eb.md"
    note = catalog.add_document(path, size_bytes=1, mtime_ns=1)
    assert (note.title, note.path) == ("a\ufffdb", path)
    catalog.rename_document(note.id, tmp_path / "c\u202ed.md", 1, 1)
    moved = catalog.document(note.id)
    assert moved is not None
    assert moved.title == "c\ufffdd"
    new = NewImport(tmp_path / "style.gguf", "0" * 64, 1, "", "base", "codec", 1, b"factors")
    long = imported.put(new, "<b>\u202e" + "x" * 5_000_000)
    assert (len(long.title), long.title[:6]) == (MAX_TITLE_CHARS, "<b>\ufffdxx")
    imported.rename(long.id, "y" * 5_000_000)
    renamed = catalog.document(long.id)
    assert renamed is not None
    assert len(renamed.title) == MAX_TITLE_CHARS
    chat = chats.create()
    chats.add_question(chat.id, "Is it\u202e a\nquestion?")
    assert [shown.title for shown in chats.chats()] == ["Is it\ufffd a question?"]
    chats.rename(chat.id, "z" * 5_000_000)
    assert [len(shown.title) for shown in chats.chats()] == [MAX_TITLE_CHARS]
