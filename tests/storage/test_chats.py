import pytest

from storage.chats import TITLE_CHARS, Chats
from storage.errors import NotInCatalog
from storage.records import AnswerFacts, DocumentRecord, Role, SourceRecord, SourceState
from tests.storage.library import Library

FACTS = AnswerFacts(31, 12, 136, 0.25, 41.5, "CPU, 1 thread")


FORGOTTEN = SourceRecord(None, "", "", None, "", 0.25, SourceState.FORGOTTEN)


def source(library: Library, document: DocumentRecord, weight: float = 1.0) -> SourceRecord:
    (chunk,) = library.catalog.chunks_of(document.id)
    return SourceRecord(document.id, document.title, str(document.path), chunk.id, chunk.text, weight)


def test_a_conversation_comes_back_as_it_was(chats: Chats, library: Library) -> None:
    document = library.learn("Kitchen.md", "Tiles are blue.")
    chat = chats.create()

    question = chats.add_question(chat.id, "Which colour have the tiles?")
    sources = [source(library, document, 0.75), FORGOTTEN]
    answer = chats.add_answer(chat.id, "Blue. 🟦", "memory", sources, FACTS, False)

    assert chats.turns(chat.id) == (question, answer)
    assert (question.role, question.mode, question.facts, question.sources) == (Role.USER, None, None, ())
    assert (answer.role, answer.mode, answer.facts) == (Role.ASSISTANT, "memory", FACTS)
    assert answer.sources == tuple(sources)
    assert not answer.stopped


def test_a_stopped_answer_without_facts_is_kept(chats: Chats) -> None:
    chat = chats.create()

    turn = chats.add_answer(chat.id, "Half an ans", "plain", [], None, True)

    assert chats.turns(chat.id) == (turn,)
    assert (turn.stopped, turn.facts) == (True, None)


def test_the_first_question_names_the_chat(chats: Chats) -> None:
    chat = chats.create()
    assert chat.title == ""

    chats.add_question(chat.id, "  What\ncolour? ")
    chats.add_question(chat.id, "And the floor?")

    assert [found.title for found in chats.chats()] == ["What colour?"]


@pytest.mark.parametrize("question", ["word " * 40, "x" * 500])
def test_a_long_question_makes_a_short_title(chats: Chats, question: str) -> None:
    chat = chats.create()

    chats.add_question(chat.id, question)

    (found,) = chats.chats()
    assert found.title.endswith("…")
    assert 50 < len(found.title) <= TITLE_CHARS
    assert question.startswith(found.title[:-1])


def test_a_renamed_chat_keeps_its_name(chats: Chats) -> None:
    chat = chats.create()
    chats.rename(chat.id, " Kitchen ")

    chats.add_question(chat.id, "What colour?")

    assert [found.title for found in chats.chats()] == ["Kitchen"]


def test_the_chat_used_last_comes_first(chats: Chats) -> None:
    first = chats.create()
    second = chats.create()
    assert [chat.id for chat in chats.chats()] == [second.id, first.id]

    chats.add_question(first.id, "Again?")

    assert [chat.id for chat in chats.chats()] == [first.id, second.id]


def test_a_deleted_chat_takes_its_turns_along_and_accepts_no_more(chats: Chats, library: Library) -> None:
    chat = chats.create()
    other = chats.create()
    chats.add_question(chat.id, "What?")
    chats.add_answer(chat.id, "That.", "memory", [FORGOTTEN], FACTS, False)

    chats.delete(chat.id)

    assert chats.turns(chat.id) == ()
    assert [found.id for found in chats.chats()] == [other.id]
    assert library.catalog.quick_check() == []
    with pytest.raises(NotInCatalog, match="chat was deleted"):
        chats.add_answer(chat.id, "Late.", "memory", [], None, False)
    with pytest.raises(NotInCatalog, match="chat was deleted"):
        chats.add_question(chat.id, "Late?")
