"""The first run as a stranger sees it: the samples, the shipped weights, the questions that are suggested."""

from pathlib import Path

import pytest

from app.bootstrap import build
from app.ui.application import samples_folder
from app.ui.samples import MAX_QUESTIONS, find_samples
from engine.messages import AnswerMode
from storage.records import DocumentState
from tests.patience import PROCESS_PATIENCE_S

pytestmark = [pytest.mark.model, pytest.mark.slow]


def test_suggested_questions_are_answered_right_and_no_longer_when_their_note_is_off(tmp_path: Path) -> None:
    samples = find_samples(samples_folder())
    expected = {"Garden plan.md": "9 May", "Sourdough.md": "Bertram", "Book club.md": "Imogen Varrick"}
    suggested = samples.questions[:MAX_QUESTIONS]
    assert [question.path.name for question in suggested] == list(expected)
    application = build(tmp_path / "home", headless=True)
    try:
        application.ingest.add_paths(samples.notes)
        application.start()
        assert application.dispatcher.wait_until_idle(PROCESS_PATIENCE_S)
        documents = application.library.documents()
        assert {document.state for document in documents} == {DocumentState.READY}
        chat_id = application.chat.new_chat().id

        def ask(number: int) -> tuple[str, set[str]]:
            text = suggested[number].text
            answer = application.chat.ask(chat_id, text, mode=AnswerMode.MEMORY).result(PROCESS_PATIENCE_S)
            return answer.answer, {source.document for source in answer.sources}

        for number, (name, fact) in enumerate(expected.items()):
            answer, sources = ask(number)
            assert fact in answer
            assert Path(name).stem in sources
        off = [document.id for document in documents if document.path == suggested[0].path]
        application.library.set_enabled(off, False)
        answer, sources = ask(0)
        assert "9 May" not in answer
        assert "Garden plan" not in sources
        application.library.set_enabled(off, True)
        answer, _ = ask(0)
        assert "9 May" in answer
    finally:
        application.close()
