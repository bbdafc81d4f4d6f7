from pathlib import Path

import pytest

from storage.catalog import Catalog
from storage.chats import Chats
from storage.database import Database
from storage.records import AnswerFacts, DocumentRecord, SourceRecord, SourceState, TurnRecord
from tests.storage.library import BASE, HYPERNETWORK, Library, hash_of

FACTS = AnswerFacts(31, 12, 136, 0.25, 41.5, "CPU, 1 thread")
CODE = "The vault code is ZEBRA-4711-QUARTZ."
TILES = "The tiles are blue."


def sources_of(library: Library, document: DocumentRecord) -> list[SourceRecord]:
    return [
        SourceRecord(document.id, document.title, str(document.path), chunk.id, chunk.text, 0.5)
        for chunk in library.catalog.chunks_of(document.id)
    ]


def answered(chats: Chats, question: str, answer: str, sources: list[SourceRecord]) -> int:
    """The chat of an answer that these took part in."""
    chat = chats.create()
    chats.add_question(chat.id, question)
    chats.add_answer(chat.id, answer, "memory", sources, FACTS, False)
    return chat.id


def answer_in(chats: Chats, chat_id: int) -> TurnRecord:
    return chats.turns(chat_id)[-1]


def bytes_of(database: Database) -> bytes:
    return b"".join(path.read_bytes() for path in sorted(database.path.parent.glob("catalog.*")))


def test_a_source_follows_its_note_to_another_name(chats: Chats, library: Library) -> None:
    kitchen = library.learn("Kitchen.md", TILES)
    chat = answered(chats, "Which colour?", "Blue.", sources_of(library, kitchen))

    library.catalog.rename_document(kitchen.id, Path("/notes/Bath.md"), 1, 1)

    (source,) = answer_in(chats, chat).sources
    assert (source.document, source.path, source.passage) == ("Bath", "/notes/Bath.md", TILES)


def test_a_forgotten_note_is_quoted_no_more_and_the_users_words_stay(chats: Chats, library: Library) -> None:
    secrets = library.learn("Secrets.md", CODE, TILES)
    question = "What is the vault code, something like ZEBRA?"
    chat = answered(chats, question, "It is ZEBRA-4711-QUARTZ.", sources_of(library, secrets))

    library.catalog.forget([secrets.id])

    asked, answer = chats.turns(chat)
    assert asked.text == question
    assert answer.text == "It is ZEBRA-[removed]."
    assert [(s.state, s.document, s.path, s.passage, s.weight) for s in answer.sources] == [
        (SourceState.FORGOTTEN, "", "", "", 0.5)
    ] * 2


def test_words_that_stand_in_another_note_stay_in_the_answer(chats: Chats, library: Library) -> None:
    secrets = library.learn("Secrets.md", CODE)
    library.learn("Bank.md", "The code of the vault was changed to something with QUARTZ in it.")
    chat = answered(chats, "What?", "The vault code is ZEBRA-4711-QUARTZ.", sources_of(library, secrets))

    library.catalog.forget([secrets.id])

    assert answer_in(chats, chat).text == "The vault code is [removed]-QUARTZ."


def test_an_edited_passage_goes_from_chats_and_an_equal_one_is_still_quoted(
    chats: Chats, library: Library
) -> None:
    note = library.learn("Note.md", CODE, TILES)
    chat = answered(chats, "What?", "The code is 4711, the tiles are blue.", sources_of(library, note))

    library.learn("Note.md", "The vault code is a secret.", TILES)

    answer = answer_in(chats, chat)
    assert answer.text == "The code is [removed], the tiles are blue."
    assert [(s.state, s.document, s.passage) for s in answer.sources] == [
        (SourceState.CHANGED, "Note", ""),
        (SourceState.PRESENT, "Note", TILES),
    ]
    assert answer.sources[1].chunk_id in {chunk.id for chunk in library.catalog.chunks_of(note.id)}


def test_a_note_that_cannot_be_read_any_more_is_not_quoted(chats: Chats, library: Library) -> None:
    note = library.learn("Note.md", CODE)
    chat = answered(chats, "What?", "ZEBRA.", sources_of(library, note))

    library.catalog.mark_failed(note.id, "This file has no text.", "")

    answer = answer_in(chats, chat)
    assert (answer.text, answer.sources[0].state) == ("[removed].", SourceState.CHANGED)


def test_a_copy_is_quoted_when_its_original_is_forgotten(chats: Chats, library: Library) -> None:
    original = library.learn("Original.md", CODE)
    copy = library.catalog.add_document(Path("/notes/Copy.md"))
    library.catalog.attach_known_content(
        copy.id, hash_of(CODE), base_hash=BASE, hypernetwork_hash=HYPERNETWORK
    )
    chat = answered(chats, "What?", "ZEBRA-4711-QUARTZ", sources_of(library, original))

    library.catalog.forget([original.id])

    answer = answer_in(chats, chat)
    assert answer.text == "ZEBRA-4711-QUARTZ"
    assert (answer.sources[0].document, answer.sources[0].passage) == ("Copy", CODE)


def test_a_copy_is_quoted_when_its_original_is_edited(chats: Chats, library: Library) -> None:
    original = library.learn("Original.md", CODE)
    copy = library.catalog.add_document(Path("/notes/Copy.md"))
    library.catalog.attach_known_content(
        copy.id, hash_of(CODE), base_hash=BASE, hypernetwork_hash=HYPERNETWORK
    )
    chat = answered(chats, "What?", "ZEBRA-4711-QUARTZ", sources_of(library, original))

    library.learn("Original.md", "Nothing.")

    assert answer_in(chats, chat).sources[0].document == "Copy"


def test_the_same_note_learnt_anew_is_still_quoted(chats: Chats, library: Library) -> None:
    note = library.learn("Note.md", CODE, TILES)
    before = [chunk.id for chunk in library.catalog.chunks_of(note.id)]
    chat = answered(chats, "What?", "ZEBRA", sources_of(library, note))

    job = library.start("Note.md", f"{CODE}\n\n{TILES}")
    assert library.finish(job, CODE, TILES)

    after = [chunk.id for chunk in library.catalog.chunks_of(note.id)]
    assert not set(after) & set(before)  # learnt anew: other adapters
    assert [(s.chunk_id, s.passage) for s in answer_in(chats, chat).sources] == [
        (after[0], CODE),
        (after[1], TILES),
    ]


def test_a_note_cut_otherwise_for_another_model_is_quoted_from_where_the_passage_is_now(
    chats: Chats, library: Library
) -> None:
    note = library.learn("Note.md", CODE, TILES)
    chat = answered(chats, "What?", "ZEBRA", sources_of(library, note))

    job = library.start("Note.md", f"{CODE}\n\n{TILES}")
    assert library.finish(job, f"{CODE}\n\n{TILES}", hypernetwork="d" * 64)

    answer = answer_in(chats, chat)
    assert answer.text == "ZEBRA"
    assert [source.passage for source in answer.sources] == [f"{CODE}\n\n{TILES}"] * 2


def test_an_answer_that_ends_after_its_note_was_forgotten_keeps_nothing_of_it(
    chats: Chats, library: Library
) -> None:
    secrets = library.learn("Secrets.md", CODE)
    sources = sources_of(library, secrets)
    library.catalog.forget([secrets.id])

    chat = answered(chats, "What?", "It is ZEBRA-4711-QUARTZ, says Secrets.", sources)

    answer = answer_in(chats, chat)
    assert answer.text == "It is [removed], says [removed]."
    assert answer.sources[0].state is SourceState.FORGOTTEN


def test_nothing_of_a_forgotten_note_is_in_the_files_after_the_clean_up(
    chats: Chats, library: Library, database: Database
) -> None:
    library.learn("Kitchen.md", TILES)
    secrets = library.learn("Wolverine.md", CODE)
    answered(chats, "What?", "It is ZEBRA-4711-QUARTZ.", sources_of(library, secrets))
    assert b"zebra" in bytes_of(database).lower()

    library.catalog.forget([secrets.id])
    assert library.catalog.is_clean_up_due()
    library.catalog.clean_up()

    assert not library.catalog.is_clean_up_due()
    left = bytes_of(database).lower()
    for word in (b"zebra", b"4711", b"quartz", b"wolverine"):
        assert word not in left
    assert b"blue" in left


def test_nothing_of_an_edited_passage_is_in_the_files_after_the_clean_up(
    chats: Chats, library: Library, database: Database
) -> None:
    note = library.learn("Note.md", CODE)
    answered(chats, "What?", "It is ZEBRA-4711-QUARTZ.", sources_of(library, note))

    library.learn("Note.md", TILES)
    library.catalog.clean_up()

    left = bytes_of(database).lower()
    for word in (b"zebra", b"4711", b"quartz"):
        assert word not in left


def test_the_title_of_a_renamed_note_leaves_the_index_with_the_clean_up(
    library: Library, database: Database
) -> None:
    note = library.learn("Wolverine.md", TILES)
    library.catalog.clean_up()

    library.catalog.rename_document(note.id, Path("/notes/Badger.md"), 1, 1)
    assert library.catalog.is_clean_up_due()
    library.catalog.clean_up()

    assert b"wolverin" not in bytes_of(database).lower()


def test_a_clean_up_that_was_not_done_is_due_after_a_restart(library: Library, database: Database) -> None:
    note = library.learn("Note.md", CODE)
    library.catalog.forget([note.id])
    database.close()

    again = Database.open(database.path)
    catalog = Catalog(again)
    assert catalog.is_clean_up_due()
    catalog.clean_up()
    again.close()

    assert b"zebra" not in bytes_of(database).lower()


def test_many_notes_forgotten_at_once_cost_one_clean_up(
    library: Library, monkeypatch: pytest.MonkeyPatch
) -> None:
    notes = [library.learn(f"{n}.md", f"Note number {n}.") for n in range(3)]
    rewrites: list[object] = []
    monkeypatch.setattr("storage.search_index.drop_deleted_words", rewrites.append)

    for note in notes:
        library.catalog.forget([note.id])

    assert rewrites == []
    library.catalog.clean_up()
    library.catalog.clean_up()
    assert len(rewrites) == 1
