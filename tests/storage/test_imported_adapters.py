"""Adapters that were made elsewhere, in the library beside the notes."""

from dataclasses import replace
from pathlib import Path

import pytest

from storage.catalog import Catalog
from storage.chats import Chats
from storage.database import Database
from storage.imported_adapters import ImportedAdapters
from storage.records import DocumentKind, DocumentState, NewImport, SourceRecord, SourceState
from tests.storage.library import BASE, HYPERNETWORK, Library, count_rows

STYLE = NewImport(
    path=Path("/downloads/style/adapter_model.safetensors"),
    content_hash="a" * 64,
    size_bytes=2000,
    note="rank 4 on q_proj",
    base_hash=BASE,
    codec="lora-f16",
    rank=4,
    data=b"factors of a style",
)
TONE = replace(STYLE, path=Path("/downloads/tone.gguf"), content_hash="b" * 64, data=b"factors of a tone")


@pytest.fixture
def imports(database: Database) -> ImportedAdapters:
    return ImportedAdapters(database)


def titles(imports: ImportedAdapters, base: str = BASE) -> list[str]:
    return [record.title for record in imports.switched_on(base)]


def test_an_imported_adapter_is_a_document_that_is_ready_and_on(
    imports: ImportedAdapters, catalog: Catalog
) -> None:
    document = imports.put(STYLE, "Style")

    assert (document.kind, document.state, document.enabled) == (
        DocumentKind.ADAPTER,
        DocumentState.READY,
        True,
    )
    assert (document.title, document.note, document.n_chunks) == ("Style", "rank 4 on q_proj", 0)
    assert (document.content_hash, document.size_bytes) == ("a" * 64, 2000)
    assert catalog.documents() == (document,)
    (record,) = imports.switched_on(BASE)
    assert (record.document_id, record.title, record.path) == (document.id, "Style", STYLE.path)
    assert (record.key, record.codec, record.data) == ("sha256:" + "a" * 64, "lora-f16", STYLE.data)


def test_it_survives_a_restart(imports: ImportedAdapters, database: Database) -> None:
    document = imports.put(STYLE, "Style")
    database.close()

    reopened = Database.open(database.path)

    assert Catalog(reopened).documents() == (document,)
    assert titles(ImportedAdapters(reopened)) == ["Style"]
    reopened.close()


def test_it_is_no_candidate_for_the_router_and_never_learnt_anew(
    imports: ImportedAdapters, library: Library
) -> None:
    imports.put(STYLE, "Tiles")
    note = library.learn("a.md", "Tiles are blue.")

    assert library.texts("Tiles") == ["Tiles are blue."]
    # Another hypernetwork: the note has to be learnt again, the import has not.
    assert library.catalog.documents_for_other_models(BASE, "f" * 64) == (note.id,)
    assert titles(imports) == ["Tiles"]


def test_what_is_off_or_forgotten_takes_no_part(
    imports: ImportedAdapters, catalog: Catalog, database: Database
) -> None:
    style, tone = imports.put(STYLE, "Style"), imports.put(TONE, "Tone")
    catalog.set_enabled([style.id], False)
    assert titles(imports) == ["Tone"]
    catalog.set_enabled([style.id], True)
    assert titles(imports) == ["Style", "Tone"]

    catalog.forget([style.id, tone.id])

    assert titles(imports) == []
    tables = ("documents", "contents", "chunks", "adapters", "title_search", "chunk_search")
    assert count_rows(database.path, *tables) == [0] * 6


def test_one_for_another_base_model_takes_no_part_and_is_told(imports: ImportedAdapters) -> None:
    style = imports.put(STYLE, "Style")

    assert titles(imports, base="f" * 64) == []
    assert imports.for_other_bases("f" * 64) == (style,)
    assert imports.for_other_bases(BASE) == ()
    # Imported again with the other base model in use, it fits both.
    imports.put(replace(STYLE, base_hash="f" * 64), None)
    assert titles(imports, base="f" * 64) == titles(imports) == ["Style"]
    assert imports.for_other_bases("f" * 64) == ()


def test_importing_the_same_file_again_replaces_it_and_keeps_its_name_and_switch(
    imports: ImportedAdapters, catalog: Catalog, database: Database
) -> None:
    first = imports.put(STYLE, "Style")
    catalog.set_enabled([first.id], False)

    again = imports.put(replace(STYLE, content_hash="c" * 64, data=b"trained further"), None)

    assert (again.id, again.title, again.enabled, again.content_hash) == (first.id, "Style", False, "c" * 64)
    assert count_rows(database.path, "contents", "adapters") == [1, 1]
    assert imports.put(STYLE, "Prose").title == "Prose"


def test_the_same_adapter_from_two_places_takes_part_once(
    imports: ImportedAdapters, catalog: Catalog
) -> None:
    first = imports.put(STYLE, "Style")
    copy = imports.put(replace(STYLE, path=TONE.path), "Copy")

    assert titles(imports) == ["Style"]
    catalog.forget([first.id])
    assert titles(imports) == ["Copy"]
    assert [record.title for record in imports.of_documents([copy.id], BASE)] == ["Copy"]


def test_it_can_be_renamed_and_a_note_cannot(imports: ImportedAdapters, library: Library) -> None:
    style, note = imports.put(STYLE, "Style"), library.learn("a.md", "Tiles are blue.")

    assert imports.rename(style.id, "Prose \ud800")
    assert not imports.rename(note.id, "Prose")
    assert not imports.rename(999, "Prose")

    assert titles(imports) == ["Prose \ufffd"]
    assert [document.title for document in library.catalog.documents()] == ["a", "Prose \ufffd"]


def test_without_a_name_it_is_called_as_its_file(imports: ImportedAdapters) -> None:
    assert imports.put(TONE, None).title == "tone"


def test_those_of_given_documents_are_read_whether_on_or_off(
    imports: ImportedAdapters, catalog: Catalog, library: Library
) -> None:
    style, tone = imports.put(STYLE, "Style"), imports.put(TONE, "Tone")
    note = library.learn("a.md", "Tiles are blue.")
    catalog.set_enabled([style.id, tone.id], False)

    found = imports.of_documents([tone.id, note.id], BASE)

    assert [record.title for record in found] == ["Tone"]


def test_an_answer_does_not_name_a_forgotten_adapter(
    imports: ImportedAdapters, catalog: Catalog, database: Database
) -> None:
    style = imports.put(STYLE, "Style")
    chats = Chats(database)
    chat = chats.create()
    source = SourceRecord(style.id, "Style", str(style.path), None, "", 1.0)
    added = chats.add_answer(chat.id, "Sea green.", "memory", [source], None, False)
    assert added.sources == (source,)

    catalog.forget([style.id])

    (answer,) = chats.turns(chat.id)
    assert answer.sources == (SourceRecord(None, "", "", None, "", 1.0, SourceState.FORGOTTEN),)


def test_a_path_that_is_relative_or_a_notes_is_refused(imports: ImportedAdapters, library: Library) -> None:
    with pytest.raises(ValueError, match="absolute"):
        imports.put(replace(STYLE, path=Path("tone.gguf")), None)
    note = library.learn("a.md", "Tiles are blue.", hypernetwork=HYPERNETWORK)
    with pytest.raises(ValueError, match="is a note"):
        imports.put(replace(STYLE, path=note.path), None)
    assert library.texts() == ["Tiles are blue."]
