import io
import tempfile
from pathlib import Path

import pytest

from app.cli import home
from app.cli.main import run
from tests.app.cli.conftest import Shell


@pytest.fixture(autouse=True)
def _no_terminal(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("sys.stdin", io.StringIO())
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")


def test_without_display_and_terminal_the_samples_are_learnt_and_three_questions_answered(
    shell: Shell,
) -> None:
    shown = shell()

    assert shown.code == 0
    assert "no terminal either" in shown.err
    assert shown.out.count("ready") == 12
    assert [line for line in shown.out.splitlines() if line.startswith("Answer: ")] == [
        f"Answer: echo: {ask.question}" for ask in shell.chat_engine.asked
    ]
    assert len(shell.chat_engine.asked) == 3
    assert shown.out.count("Sources:\n") == 3


def test_a_profile_that_was_named_keeps_the_samples_and_does_not_learn_them_twice(shell: Shell) -> None:
    shell()
    shell()

    assert len(shell.listed()) == 12
    assert len(shell.ingest_engine.learnt) == 12


def test_without_a_named_profile_nobodys_library_is_touched(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    default = tmp_path / "default"
    temporary = tmp_path / "temporary"
    temporary.mkdir()
    monkeypatch.setattr(home, "default_home", lambda: default)
    monkeypatch.setattr(tempfile, "tempdir", str(temporary))

    assert run([]) == 0

    assert len(shell.ingest_engine.learnt) == 12
    assert not default.exists()
    assert list(temporary.iterdir()) == []


def test_a_sample_that_cannot_be_learnt_is_a_failure(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    samples = tmp_samples(shell)
    (samples / "Empty.md").touch()
    monkeypatch.setattr("app.cli.demo.samples_folder", lambda: samples)

    shown = shell()

    assert shown.code == 1
    assert "The file is empty." in shown.out


def test_an_answer_that_does_not_come_is_a_failure(shell: Shell) -> None:
    shell.chat_engine.is_deadly = True

    assert shell().code == 1


def tmp_samples(shell: Shell) -> Path:
    shell.write("a.md", "One.")
    rows = ", ".join('{"question": "One?", "answer": "1", "file": "a.md"}' for _ in range(3))
    shell.write("questions.json", f"[{rows}]")
    return shell.notes
