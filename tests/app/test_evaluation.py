"""``loreleaf eval`` on two of the sample notes, with the real models."""

import gzip
import json
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.evaluation import main
from app.ui.application import samples_folder


@pytest.fixture(scope="module")
def small_set(tmp_path_factory: pytest.TempPathFactory) -> Path:
    questions = json.loads((samples_folder() / "questions.json").read_text(encoding="utf-8"))
    wanted = ("What is my sourdough starter called?", "At what time does the ferry leave?")
    path = tmp_path_factory.mktemp("sets") / "two notes.jsonl.gz"
    with gzip.open(path, "wt", encoding="utf-8") as lines:
        for question in questions:
            if question["question"] in wanted:
                context = (samples_folder() / question["file"]).read_text(encoding="utf-8")
                qas = [{"q": question["question"], "a": [question["answer"]]}]
                lines.write(json.dumps({"context": context, "qas": qas}) + "\n")
    return path


def run(capsys: pytest.CaptureFixture[str], arguments: Sequence[str]) -> list[dict[str, object]]:
    assert main([*arguments, "--json"]) == 0
    results = json.loads(capsys.readouterr().out)
    assert isinstance(results, list)
    return results


def test_a_note_is_known_by_its_adapter_alone(capsys: pytest.CaptureFixture[str], small_set: Path) -> None:
    none, memory = run(capsys, ["--data", str(small_set), "--mode", "none", "--mode", "memory"])

    assert none["questions"] == memory["questions"] == 2
    assert memory["recall"] == 1.0
    assert none["recall"] == 0.0
    assert memory["prompt_tokens"] == none["prompt_tokens"]


def test_a_set_that_is_none_is_refused_with_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--data", str(tmp_path / "notes.csv")]) == 1
    assert "expected a name that ends in .jsonl.gz" in capsys.readouterr().err


def test_a_missing_set_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--data", str(tmp_path / "absent.jsonl.gz")]) == 1
    assert "no set named absent" in capsys.readouterr().err
