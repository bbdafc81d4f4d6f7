"""The whole program in processes of its own, with the embedded model: what a stranger does first."""

import json
import os
import signal
import subprocess
import sys
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import Any

import pytest

from app.cli.demo import samples_folder
from tests.app.cli.conftest import Ended, command, environment, run_process
from tests.patience import PROCESS_PATIENCE_S

pytestmark = [pytest.mark.model, pytest.mark.slow]

FACT = "The password of the observatory's west dome is copper-heron."
QUESTION = "What is the password of the west dome?"
ANSWER = "copper-heron"
SHOWN: list[dict[str, str]] = json.loads((samples_folder() / "questions.json").read_text(encoding="utf-8"))[
    :3
]
"""What is asked and answered first, with the answers that the notes give."""
posix_only = pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")


class Library:
    """The profile that all tests of this file share, with the sample notes."""

    def __init__(self, home: Path) -> None:
        self.home = home
        self.shown = run_process(env=environment(LORELEAF_HOME=str(home)))

    def __call__(self, *words: str | Path, stdin: str = "") -> Ended:
        return run_process("--home", self.home, *words, stdin=stdin)

    def documents(self) -> list[dict[str, Any]]:
        documents: list[dict[str, Any]] = self("list", "--json").json["documents"]
        return documents


@pytest.fixture(scope="module")
def library(tmp_path_factory: pytest.TempPathFactory) -> Library:
    return Library(tmp_path_factory.mktemp("cli") / "home")


def test_without_display_and_terminal_the_samples_are_learnt_and_shown(library: Library) -> None:
    assert library.shown.code == 0, library.shown.err
    assert "There is no display." in library.shown.err
    assert library.shown.out.count("Question: ") == 3
    assert library.shown.out.count("Sources:\n") == 3
    right = [
        row for row in SHOWN if f"Question: {row['question']}\nAnswer: {row['answer']}\n" in library.shown.out
    ]
    assert len(right) >= 2, library.shown.out
    for row in SHOWN:
        assert f"%  {Path(row['file']).stem}: " in library.shown.out
    assert [row["state"] for row in library.documents()] == ["ready"] * 12


def test_a_fact_is_known_while_its_note_is_on_and_not_after(library: Library, tmp_path: Path) -> None:
    library("off", "--all")
    note = tmp_path / "Observatory.md"
    note.write_text(f"# Observatory\n\n{FACT}\n", encoding="utf-8")

    added = library("add", note)
    knows = library("ask", "--json", QUESTION)
    library("off", "Observatory")
    knows_not = library("ask", "--json", QUESTION)
    library("on", "Observatory")
    quoted = library("ask", "--mode", "quotes", "--json", QUESTION)
    forgotten = library("forget", note)
    after = library("ask", "--json", QUESTION)
    library("on", "--all")

    assert (added.code, added.err, forgotten.code) == (0, "", 0)
    assert ANSWER in knows.json["answer"].lower()
    assert [source["document"] for source in knows.json["sources"]] == ["Observatory"]
    assert knows.json["adapter_rank"] > 0
    for silent in (knows_not, after):
        assert ANSWER not in silent.json["answer"].lower()
        assert silent.json["sources"] == []
        assert silent.json["adapter_rank"] == 0
        # The prompt of an answer from memory holds no word of a note.
        assert silent.json["prompt_tokens"] == knows.json["prompt_tokens"]
    assert quoted.json["prompt_tokens"] > knows.json["prompt_tokens"]
    assert "Observatory" not in [row["title"] for row in library.documents()]


def test_a_chat_answers_line_by_line(library: Library) -> None:
    row = SHOWN[0]

    chatted = library("chat", stdin=f"{row['question']}\n/sources\n")

    assert chatted.code == 0
    assert row["answer"] in chatted.out
    assert f"[{Path(row['file']).stem} " in chatted.out


def test_the_doctor_tries_both_workers(library: Library) -> None:
    ended = library("doctor", "--json")

    assert ended.code == 0, ended.out
    report = ended.json
    assert report["ok"] is True
    assert {name: bool(found["device"]) for name, found in report["devices"].items()} == {
        "learning": True,
        "answering": True,
    }
    assert report["models"][0]["state"] == "ready"
    assert report["catalog"]["documents"]["ready"] == 12
    assert report["catalog"]["problems"] == []
    assert report["versions"]["torch"].startswith("2.")


def test_the_base_model_is_listed_with_its_hash_and_prepared_at_will(library: Library) -> None:
    listed = library("models", "list", "--json").json["models"][0]

    assert (listed["name"], listed["state"], len(listed["sha256"])) == ("embedded", "ready", 64)
    assert listed["size_bytes"] == Path(listed["path"]).stat().st_size
    assert library("models", "get", "embedded").code == 0
    assert library("models", "get", "other").code == 1


def test_a_note_is_exported_for_other_programs(library: Library, tmp_path: Path) -> None:
    as_gguf = library("export", "Dentist", "--format", "gguf", tmp_path)
    as_peft = library("export", "Dentist", "--format", "peft", tmp_path / "adapter")

    assert (as_gguf.code, as_peft.code) == (0, 0)
    assert (tmp_path / "Dentist.gguf").read_bytes()[:4] == b"GGUF"
    config = json.loads((tmp_path / "adapter" / "adapter_config.json").read_text(encoding="utf-8"))
    assert config["target_modules"] == ["down_proj"]
    assert library("export", "Dentist", "--format", "peft", tmp_path / "Dentist.gguf").code == 1
    assert library("export", "Nobody", "--format", "peft", tmp_path).code == 1


@posix_only
def test_ctrl_c_in_the_middle_of_learning_is_clean_and_loses_nothing(
    library: Library, tmp_path: Path
) -> None:
    for number in range(30):
        (tmp_path / f"{number:02}.md").write_text(
            f"Locker {number} holds {number + 7} keys.", encoding="utf-8"
        )
    process = _started(["--home", library.home, "add", tmp_path])
    assert process.stdout is not None
    assert process.stdout.readline().startswith("ready")

    os.killpg(process.pid, signal.SIGINT)  # as a terminal does: the workers get it, too

    _out, err = process.communicate(timeout=PROCESS_PATIENCE_S)
    assert (process.returncode, err) == (130, "")
    states = {row["title"]: row["state"] for row in library.documents()}
    assert {states[f"{number:02}"] for number in range(30)} == {"ready", "queued"}
    assert library("forget", tmp_path).code == 0


@posix_only
def test_ctrl_c_while_the_processes_are_still_starting_is_clean(library: Library) -> None:
    process = _started(["--home", library.home, "models", "get", "embedded"])
    _wait_for_a_child(process)

    os.killpg(process.pid, signal.SIGINT)

    _out, err = process.communicate(timeout=PROCESS_PATIENCE_S)
    assert (process.returncode, err) == (130, "")


def _started(arguments: Sequence[str | Path]) -> "subprocess.Popen[str]":
    """Like a command typed in a terminal, also where the tests themselves run in the background."""
    return subprocess.Popen(
        command(arguments),
        env=environment(),
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        # A shell's background job inherits an ignored SIGINT, and would never hear it.
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )


def _wait_for_a_child(process: "subprocess.Popen[str]") -> None:
    children = Path(f"/proc/{process.pid}/task/{process.pid}/children")
    if not children.exists():
        pytest.skip("this kernel does not list a process's children")
    while process.poll() is None and not children.read_text(encoding="ascii").strip():
        pass
