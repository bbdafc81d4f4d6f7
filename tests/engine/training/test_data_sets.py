"""What is known of the data sets, and whether a folder has those files."""

import gzip
import json
import lzma
import re
from pathlib import Path

import pytest

from engine.evaluation.question_sets import sha256_of
from engine.training import data_sets
from engine.training.config import TrainConfig
from engine.training.data_sets import KEPT, load_manifest, main
from engine.training.written_questions.config import WritingConfig

CONFIGS = Path(data_sets.__file__).parent / "configs"
MADE_BY_A_RUN = {"written_questions", "personal_notes"}


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A folder of two sets, and a manifest that names them and what the repository keeps."""
    lines = []
    for group, name in (("train", "some"), ("eval", "some_held")):
        path = tmp_path / group / f"{name}.jsonl.gz"
        path.parent.mkdir()
        path.write_bytes(gzip.compress(f"{name}\n".encode(), mtime=0))
        lines.append(entry(group, name, sha256_of(path)))
    (kept,) = [known for known in load_manifest() if known.group == "kept"]
    lines.append(entry("kept", kept.name, kept.sha256))
    (tmp_path / "data_sets.toml").write_text("\n".join(lines), encoding="utf-8")
    monkeypatch.setattr(data_sets, "MANIFEST", tmp_path / "data_sets.toml")
    return tmp_path


def entry(group: str, name: str, sha256: str) -> str:
    texts = {"source": "a book", "licence": "CC0", "questions_by": "people", "sha256": sha256}
    fields = [f'{key} = "{value}"' for key, value in texts.items()]
    return "\n".join([f"[{group}.{name}]", *fields, "contexts = 1", "questions = 1", ""])


def test_files_that_are_those_of_the_manifest_pass(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["check", str(folder)]) == 0
    assert capsys.readouterr().out == "All 3 sets are the files of data_sets.toml.\n"


def test_each_set_that_is_missing_changed_or_unknown_is_named(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (folder / "train" / "some.jsonl.gz").write_bytes(gzip.compress(b"other\n", mtime=0))
    (folder / "train" / "further.jsonl.xz").write_bytes(lzma.compress(b"\n"))
    (folder / "eval" / "some_held.jsonl.gz").unlink()

    assert main(["check", str(folder)]) == 1

    assert capsys.readouterr().out.splitlines() == [
        "train/further is not in data_sets.toml",
        "train/some is another file: its SHA-256 differs",
        "eval/some_held is missing",
    ]


def test_in_a_folder_that_is_not_there_every_set_is_missing(
    folder: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert main(["check", str(folder / "nowhere")]) == 1
    assert capsys.readouterr().out.splitlines() == ["train/some is missing", "eval/some_held is missing"]


def test_the_manifest_has_every_set_that_a_configuration_names() -> None:
    manifest = load_manifest()
    known = {data_set.name for data_set in manifest}
    assert len(known) == len(manifest)
    named: set[str] = set()
    for path in CONFIGS.glob("*.toml"):
        if path.stem.endswith("_questions"):
            writing = WritingConfig.load(path)
            named |= {*writing.learn_from, *writing.sentence_sets, *writing.write_about}
        else:
            run = TrainConfig.load(path)
            named |= {*run.sets, *run.held_out}
    assert len(named) > 20
    assert named - known == MADE_BY_A_RUN


@pytest.mark.parametrize("data_set", load_manifest(), ids=lambda data_set: data_set.name)
def test_of_each_set_source_licence_and_file_are_known(data_set: data_sets.DataSet) -> None:
    assert data_set.source
    assert data_set.licence
    assert data_set.questions_by in ("people", "templates", "cloze", "model")
    assert re.fullmatch(r"[0-9a-f]{64}", data_set.sha256)
    assert min(data_set.contexts, data_set.questions) > 0


def test_the_kept_questions_are_as_many_as_the_manifest_says() -> None:
    (kept,) = [known for known in load_manifest() if known.group == "kept"]
    with lzma.open(KEPT / f"{kept.name}.jsonl.xz", "rt", encoding="utf-8") as lines:
        counts = [len(json.loads(line)["qas"]) for line in lines]
    assert (len(counts), sum(counts)) == (kept.contexts, kept.questions)
