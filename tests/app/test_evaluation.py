"""``loreleaf eval`` on two of the sample notes, with the real models."""

import gzip
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import pytest

from app.evaluation import question_set
from app.evaluation.command import main
from app.evaluation.library import EvaluationFailed
from app.evaluation.needle import HAY_TOKENS, NeedleResult, haystack
from app.evaluation.question_set import further_notes
from app.evaluation.report import plot_needle
from app.services.chat_service import Ablation
from app.services.confidence import Calibration
from app.ui.application import samples_folder
from engine.evaluation.question_sets import RawExample
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.models.embedded import find_embedded_gguf

ONE_PASSAGE = 16.0 + 8.0
"""Rank of one passage's adapter with the bias block."""


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


def test_a_note_is_known_by_its_adapter_alone(
    capsys: pytest.CaptureFixture[str], small_set: Path, tmp_path: Path
) -> None:
    modes = ["--mode", "none", "--mode", "memory"]
    none, alone, both = run(
        capsys, ["--data", str(small_set), *modes, "--distractors", "0", "1", "--plot", str(tmp_path)]
    )

    assert none["questions"] == alone["questions"] == 2
    assert (alone["distractors"], both["distractors"]) == (0, 1)
    assert alone["recall"] == both["recall"] == 1.0
    assert none["recall"] == 0.0
    assert alone["prompt_tokens"] == none["prompt_tokens"]
    # Of the two questions at most one had a second passage.
    assert alone["rank"] in (ONE_PASSAGE, ONE_PASSAGE + 8)
    assert "<svg" in (tmp_path / "recall by number of notes.svg").read_text(encoding="utf-8")


@pytest.mark.parametrize(
    ("option", "expected"),
    [
        ([], Ablation()),
        (["--no-retriever"], Ablation(is_ranked=False)),
        (["--no-copy-bias"], Ablation(has_copy_bias=False)),
    ],
)
def test_retrieval_and_copy_bias_are_left_out_on_request(
    monkeypatch: pytest.MonkeyPatch, small_set: Path, option: list[str], expected: Ablation
) -> None:
    asked_for: list[Ablation] = []

    def opened(_weights_dir: Path, ablation: Ablation) -> None:
        asked_for.append(ablation)
        raise EvaluationFailed("That is all this test wants to know.")

    monkeypatch.setattr(question_set, "temporary_library", opened)
    assert main(["--data", str(small_set), *option]) == 1
    assert asked_for == [expected]


def test_questions_without_their_note_are_told_apart_and_the_weights_for_it_are_fitted(
    capsys: pytest.CaptureFixture[str], small_set: Path, tmp_path: Path
) -> None:
    arguments = ["--answerable", "--data", str(small_set), "--distractors", "1", "--fit", str(tmp_path)]
    (result,) = run(capsys, arguments)
    assert (result["questions"], result["distractors"]) == (2, 1)
    assert result["auroc"] == 1.0
    assert float(str(result["auroc_coverage"])) > 0.7
    assert (result["guesses_told"], result["answers_doubted"]) == (1.0, 0.0)
    assert Calibration.load(tmp_path) is not None


def test_the_needle_is_found_and_its_accuracy_drawn(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    (result,) = run(capsys, ["--needle", "--tokens", "400", "--limit", "1", "--plot", str(tmp_path)])
    assert (result["tokens"], result["documents"], result["accuracy"]) == (400, 1, 1.0)
    assert "<svg" in (tmp_path / "needle by length.svg").read_text(encoding="utf-8")


def test_the_needle_lies_where_it_should_in_as_many_tokens_as_were_asked_for() -> None:
    text = haystack(2000, 0.5, "0042")
    lines = text.splitlines()
    assert [i for i, line in enumerate(lines) if "0042" in line] == [len(lines) // 2]
    assert haystack(2000, 1.0, "0042").endswith("number is 0042.")
    tokenizer = load_tokenizer(find_embedded_gguf())
    assert 2000 <= len(tokenizer.encode(text, add_special_tokens=False).ids) < 2000 + 2 * HAY_TOKENS


def test_a_set_that_is_none_is_refused_with_a_sentence(
    capsys: pytest.CaptureFixture[str], tmp_path: Path
) -> None:
    assert main(["--data", str(tmp_path / "notes.csv")]) == 1
    assert "expected a name that ends in .jsonl.gz" in capsys.readouterr().err


def test_a_missing_set_is_named(capsys: pytest.CaptureFixture[str], tmp_path: Path) -> None:
    assert main(["--data", str(tmp_path / "absent.jsonl.gz")]) == 1
    assert "no set named absent" in capsys.readouterr().err


def test_more_distractors_than_notes_are_refused(capsys: pytest.CaptureFixture[str], small_set: Path) -> None:
    assert main(["--data", str(small_set), "--distractors", "2"]) == 1
    error = capsys.readouterr().err
    assert "2 further notes are wanted" in error
    assert "1 of the 2" in error


def test_notes_that_are_asked_the_same_are_passed_over_on_request() -> None:
    asked = ["Where is the key?", "Who wrote?", "where is  the KEY?", "When?"]
    examples = [RawExample(f"note {i}", ((question, ("a",)),)) for i, question in enumerate(asked)]
    assert further_notes("keys", examples, 2, is_distinct=False) == [[1, 2], [2, 3], [3, 0], [0, 1]]
    assert further_notes("keys", examples, 2, is_distinct=True) == [[1, 3], [2, 3], [3, 1], [0, 1]]
    with pytest.raises(EvaluationFailed, match=r"^keys: 3 further notes .* note 1, and only 2 of the 4"):
        further_notes("keys", examples, 3, is_distinct=True)


@pytest.mark.parametrize(
    "arguments",
    [
        "",
        "--needle --distinct",
        "--needle --data x.gz",
        "--needle --mode none --mode memory",
        "--answerable --needle",
        "--answerable --data x.gz --distractors 1 2",
        "--data x.gz --fit folder",
    ],
)
def test_what_cannot_be_measured_is_an_error_of_usage(arguments: str) -> None:
    with pytest.raises(SystemExit) as caught:
        main(arguments.split())
    assert caught.value.code == 2


def test_pictures_without_matplotlib_say_what_to_install(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setitem(sys.modules, "matplotlib.figure", None)
    with pytest.raises(EvaluationFailed, match="matplotlib"):
        plot_needle([NeedleResult(100, "memory", 1, 1.0, 1.0, 1.0)], tmp_path)
