"""Another base model, once chosen, learns a note and answers with it: real processes, tiny random models."""

from pathlib import Path

import pytest

from app.bootstrap import build, open_profile
from app.cli.main import run
from app.services.settings import Settings
from storage.records import DocumentState
from tests.app.tiny_published import NAME, profile_with_a_tiny_model
from tests.engine.tiny_bases import HYPERNETWORK
from tests.patience import PROCESS_PATIENCE_S

pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return profile_with_a_tiny_model(tmp_path)


def test_it_learns_and_answers(home: Path, tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text("w1 w2 w3 w4 w5", encoding="utf-8")
    application = build(home)
    try:
        application.settings.save(Settings(model=NAME, max_answer_tokens=4))
    finally:
        application.close()

    application = build(home)
    try:
        application.start()
        document = application.ingest.add_paths([note]).added[0]
        assert application.dispatcher.wait_until_idle(PROCESS_PATIENCE_S)
        learnt = application.library.document(document.id)
        assert learnt is not None
        assert learnt.state is DocumentState.READY, learnt.reason_detail
        answer = application.chat.ask(None, "w3?").result(PROCESS_PATIENCE_S)
        application.library.set_enabled([document.id], False)
        without = application.chat.ask(None, "w3?").result(PROCESS_PATIENCE_S)
    finally:
        application.close()

    assert [source.document for source in answer.sources] == ["note"]
    assert answer.facts.adapter_rank == 2 * HYPERNETWORK.lora_rank  # the note's one passage and the bias
    assert without.facts.adapter_rank == 0
    assert answer.facts.prompt_tokens == without.facts.prompt_tokens


def test_a_model_is_chosen_only_when_it_is_ready(home: Path, capsys: pytest.CaptureFixture[str]) -> None:
    def chosen() -> str:
        profile = open_profile(home)
        profile.close()
        return profile.settings.current.model

    assert run(["--home", str(home), "models", "use", "qwen3-4b"]) == 1
    assert "not ready" in capsys.readouterr().err
    assert chosen() == "embedded"

    assert run(["--home", str(home), "models", "use", NAME]) == 0
    assert "from the next start on" in capsys.readouterr().out
    assert chosen() == NAME

    assert run(["--home", str(home), "models", "use", "nothing"]) == 1
    assert "There is no base model" in capsys.readouterr().err
