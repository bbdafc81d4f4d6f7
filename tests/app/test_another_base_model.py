"""Another base model, once chosen, learns a note and answers with it: real processes, tiny random models."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.bootstrap import build, open_profile
from app.cli.main import run
from app.services.settings import Settings
from engine.hypernetwork.convert import convert_checkpoint
from engine.hypernetwork.weights_file import hypernetwork_hash
from engine.models.catalogue import Role
from engine.models.messages import Origin
from engine.models.store import FileRecord, ModelRecord, ModelStore, PartRecord
from storage.records import DocumentState
from tests.engine.reference_checkpoints import random_hypernetwork, write_checkpoint
from tests.engine.test_doc_to_lora import words
from tests.engine.test_published_bases_in_llama import CONFIG
from tests.engine.tiny_bases import random_base, write_base
from tests.patience import PROCESS_PATIENCE_S

NAME = "gemma-2-2b"
pytestmark = pytest.mark.slow


@pytest.fixture
def home(tmp_path: Path) -> Path:
    """A profile in which a tiny model stands where the catalogue's Gemma 2 2B would."""
    files = tmp_path / "files"
    encoder, weights = files / "encoder", files / "weights"
    base = random_base("gemma2")
    base.save_pretrained(encoder)
    words().save_pretrained(encoder)
    config = replace(CONFIG, base_model="google/gemma-2-2b-it")
    write_checkpoint(files / "pytorch_model.bin", random_hypernetwork(config))
    convert_checkpoint(files / "pytorch_model.bin", weights)
    chat = write_base(files / "chat.gguf", "gemma2", base)
    home = tmp_path / "home"
    profile = open_profile(home)
    paths = profile.paths
    profile.close()
    parts = (
        _part(Role.CHAT, chat.parent, "chat.gguf"),
        _part(Role.ENCODER, encoder, "config.json", "model.safetensors", "tokenizer.json"),
        _part(Role.HYPERNETWORK, weights, "hypernetwork.safetensors", "config.json"),
    )
    record = ModelRecord(NAME, parts, hypernetwork_hash=hypernetwork_hash(weights))
    ModelStore(paths.cache_models, paths.models).save(record)
    return home


def _part(role: Role, folder: Path, *names: str) -> PartRecord:
    files = tuple(FileRecord.of(folder / name, "0" * 64) for name in names)
    return PartRecord(role, Origin.LOCAL, str(folder), "", "", files, is_complete=True)


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
        assert application.ingest.wait_until_idle(PROCESS_PATIENCE_S)
        learnt = application.library.document(document.id)
        assert learnt is not None
        assert learnt.state is DocumentState.READY, learnt.reason_detail
        answer = application.chat.ask(None, "w3?").result(PROCESS_PATIENCE_S)
        application.library.set_enabled([document.id], False)
        without = application.chat.ask(None, "w3?").result(PROCESS_PATIENCE_S)
    finally:
        application.close()

    assert [source.document for source in answer.sources] == ["note"]
    assert answer.facts.adapter_rank == 2 * CONFIG.lora_rank  # the note's one passage and the bias
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
