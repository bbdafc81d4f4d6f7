"""What is kept out of the training to choose between runs."""

import gzip
import json
from pathlib import Path

import pytest

from engine.evaluation.question_sets import parse, read_lines
from engine.training.hold_out import hold_out, main


def write_set(folder: Path, name: str, contexts: dict[str, str]) -> None:
    folder.mkdir(exist_ok=True)
    with gzip.open(folder / f"{name}.jsonl.gz", "wt", encoding="utf-8") as file:
        for key, context in contexts.items():
            qas = [{"q": "which word is the last?", "a": [context.split()[-1]]}]
            file.write(json.dumps({"id": key, "context": context, "qas": qas}) + "\n")


def contexts_of(folder: Path, name: str) -> set[str]:
    return {example.context for example in parse(read_lines(folder, name))}


@pytest.fixture
def data(tmp_path: Path) -> Path:
    folder = tmp_path / "data"
    write_set(folder, "people", {f"id-{i}": f"A text of its own with the number n{i}" for i in range(20)})
    write_set(folder, "others", {f"o-{i}": f"Another text with the number {i}" for i in range(5)})
    return folder


def test_what_is_held_out_is_not_trained_on_and_the_rest_is(tmp_path: Path, data: Path) -> None:
    counts = hold_out(data, tmp_path, ["people"], 6)
    train, held = (contexts_of(tmp_path / folder, "people") for folder in ("train", "held"))
    assert counts == {"others": (5, 0), "people": (14, 6)}
    assert len(held) == 6
    assert train | held == contexts_of(data, "people")
    assert not train & held
    assert contexts_of(tmp_path / "train", "others") == contexts_of(data, "others")


def test_the_same_ids_are_held_out_whatever_their_order(tmp_path: Path, data: Path) -> None:
    hold_out(data, tmp_path, ["people"], 6)
    lines = read_lines(data, "people")
    with gzip.open(data / "people.jsonl.gz", "wt", encoding="utf-8") as file:
        file.writelines(reversed(lines))
    hold_out(data, tmp_path / "again", ["people"], 6)
    assert contexts_of(tmp_path / "again" / "held", "people") == contexts_of(tmp_path / "held", "people")


def test_contexts_of_any_set_that_overlap_with_what_is_held_out_are_left_out(
    tmp_path: Path, data: Path
) -> None:
    words = "one two three four five six seven eight nine ten eleven twelve thirteen"
    write_set(data, "people", {f"id-{i}": f"{i} {words} fourteen" for i in range(3)})
    write_set(
        data, "others", {"a": f"It says: {words.upper()}!", "b": f"It says: {words.removesuffix('thirteen')}"}
    )
    counts = hold_out(data, tmp_path, ["people"], 1)
    assert counts == {"others": (1, 1), "people": (0, 3)}
    assert contexts_of(tmp_path / "train", "others") == {f"It says: {words.removesuffix('thirteen')}"}


def test_invented_notes_of_a_seed_of_their_own_are_held_out_too(tmp_path: Path, data: Path) -> None:
    hold_out(data, tmp_path, [], 3)
    notes = parse(read_lines(tmp_path / "held", "personal_notes"))
    assert len(notes) == 3
    for note in notes:
        assert note.questions
        assert all(span in note.context for span in note.evidence.values())


def test_the_command_says_what_went_where(
    tmp_path: Path, data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main([str(data), str(tmp_path), "--sets", "people", "--contexts", "2"]) == 0
    assert "18 to train on,    2 left out" in capsys.readouterr().out
    assert main([str(data), str(tmp_path), "--sets", "nobody"]) == 1
    assert "no set named nobody" in capsys.readouterr().err
