import logging
import re
import shlex
import subprocess
import sys
from pathlib import Path

import pytest

from app.cli import library_commands
from app.cli.arguments import parse
from app.cli.errors import CommandFailed
from app.cli.main import run
from app.services.answers import QuestionRefused
from engine.errors import EngineError, UserFacing
from storage.errors import StorageError
from tests.app.cli.conftest import PROJECT, Shell, command, environment, run_process

FOR_DEVELOPERS = {"bench", "eval", "train"}


@pytest.mark.parametrize(
    "words",
    [
        ["nonsense"],
        ["on"],
        ["ask"],
        ["ask", "--mode", "loud", "x"],
        ["export", "x", "out"],
        ["models"],
        ["--x"],
    ],
)
def test_a_wrong_command_line_ends_with_2_and_one_sentence(
    words: list[str], capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(words) == 2

    captured = capsys.readouterr()
    assert captured.out == ""
    assert captured.err.endswith("--help” to see what is possible.\n")
    assert captured.err.count("\n") == 1


@pytest.mark.parametrize("words", [["--help"], ["ask", "--help"], ["models", "get", "--help"], ["--version"]])
def test_help_ends_with_0_and_goes_to_stdout(words: list[str], capsys: pytest.CaptureFixture[str]) -> None:
    assert run(words) == 0

    captured = capsys.readouterr()
    assert "loreleaf" in captured.out
    assert captured.err == ""


def commands_of_the_readme() -> list[list[str]]:
    """The command lines in the README's table, with all their options and one word for each placeholder."""
    rows = re.findall(
        r"^\| (`loreleaf.*?) \| ", (PROJECT / "README.md").read_text(encoding="utf-8"), re.MULTILINE
    )
    lines = [line for row in rows for line in re.findall(r"`([^`]+)`", row)]
    bare = [re.sub(r"\[|\]|\.\.\.", "", line.replace("\\|", "|")) for line in lines]
    return [[word.split("|")[0] for word in shlex.split(line) if word != "loreleaf"] for line in bare]


@pytest.mark.parametrize("words", commands_of_the_readme(), ids=" ".join)
def test_every_command_line_of_the_readme_is_understood(words: list[str]) -> None:
    assert parse(words).run


def test_the_readme_names_every_command(capsys: pytest.CaptureFixture[str]) -> None:
    run(["--help"])

    commands = set(re.findall(r"^    (\w+) ", capsys.readouterr().out, re.MULTILINE))

    assert "export" in commands
    assert commands | FOR_DEVELOPERS == {words[0] for words in commands_of_the_readme() if words}


def test_what_only_developers_need_is_named_apart_from_the_list_of_commands(
    capsys: pytest.CaptureFixture[str],
) -> None:
    run(["--help"])

    listed, _, for_developers = " ".join(capsys.readouterr().out.split()).partition(" For developers ")

    assert not [name for name in FOR_DEVELOPERS if re.search(rf"\b{name}\b", listed)]
    assert [name for name in sorted(FOR_DEVELOPERS) if f" {name} (" in for_developers] == sorted(
        FOR_DEVELOPERS
    )


def test_a_home_that_cannot_be_used_is_told_in_a_sentence(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    (tmp_path / "home").write_text("in the way", encoding="utf-8")

    assert run(["--home", str(tmp_path / "home"), "list"]) == 1

    assert capsys.readouterr().err.startswith("The folder for Loreleaf's data cannot be used.")


def test_a_bug_ends_in_a_sentence_and_its_traceback_in_the_log(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def stumble(*_arguments: object) -> int:
        raise ZeroDivisionError("one too many")

    monkeypatch.setattr(library_commands, "list_documents", stumble)

    ended = shell("list")

    log = shell.home / "logs" / "loreleaf.log"
    assert ended.code == 1
    assert ended.err == (
        "Something went wrong inside Loreleaf (ZeroDivisionError: one too many). "
        f"The details are in {log}. Please report it.\n"
    )
    assert "in stumble" in log.read_text(encoding="utf-8")


def test_what_a_part_of_the_program_logs_is_in_the_log_and_not_between_the_results(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grumble(*_arguments: object) -> int:
        logging.getLogger("engine.client").error("Worker toy wrote: Traceback")
        return 0

    shell("list")  # makes the profile
    monkeypatch.setattr(library_commands, "list_documents", grumble)

    assert shell("list").err == ""
    assert "Worker toy wrote" in (shell.home / "logs" / "loreleaf.log").read_text(encoding="utf-8")


def test_without_a_profile_there_is_no_log_and_none_is_made(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    def grumble(*_arguments: object) -> int:
        logging.getLogger("engine.client").error("Worker toy wrote: something")
        return 0

    monkeypatch.setattr(library_commands, "list_documents", grumble)
    assert shell("list").err == ""
    assert not shell.home.exists()


@pytest.mark.skipif(sys.platform == "win32", reason="pipes end in another way there")
def test_a_reader_that_leaves_early_is_no_failure_to_talk_about(tmp_path: Path) -> None:
    process = subprocess.Popen(
        command(["--home", tmp_path, "list", "--json"]),
        env=environment(),
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
    )
    assert process.stdout is not None
    assert process.stderr is not None
    process.stdout.close()

    with process, process.stderr:
        assert process.stderr.read() == b""


def test_the_start_imports_neither_qt_nor_an_engine_library(tmp_path: Path) -> None:
    heavy = ("torch", "llama_cpp", "numpy", "PySide6", "pypdf", "docx", "transformers")
    code = (
        "import sys; from app.__main__ import main; sys.argv = ['loreleaf', '--home', sys.argv[1], 'list'];"
        f"code = main(); print(code, sorted(set({heavy!r}) & sys.modules.keys()))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code, str(tmp_path)],
        env=environment(),
        capture_output=True,
        text=True,
        check=True,
    )

    assert found.stdout.strip() == "0 []"


def test_commands_for_developers_get_their_own_arguments_and_exit_codes() -> None:
    helped = run_process("--home", "anywhere", "eval", "--help")
    wrong = run_process("train", "--no-such-option")

    assert (helped.code, helped.out.startswith("usage: loreleaf eval")) == (0, True)
    assert wrong.code == 2
    assert "--no-such-option" in wrong.err or "config" in wrong.err


class _Odd(Exception):
    """No failure that was foreseen: it has no words for the user."""


@pytest.mark.parametrize(
    "error",
    [
        EngineError("The base model is damaged.", "Download it again."),
        StorageError("The base model is damaged.", "Download it again."),
        CommandFailed("The base model is damaged.", "Download it again."),
        QuestionRefused("The base model is damaged.", "Download it again."),
    ],
    ids=lambda error: type(error).__name__,
)
def test_a_failure_of_any_package_is_told_in_its_own_words(
    error: Exception, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    def fail(_options: object, _console: object) -> int:
        raise error

    monkeypatch.setattr(library_commands, "list_documents", fail)

    assert run(["--home", str(tmp_path), "list"]) == 1

    assert isinstance(error, UserFacing)
    assert not isinstance(_Odd("x"), UserFacing)
    said = capsys.readouterr().err
    assert "The base model is damaged." in said
    assert "Download it again." in said
    assert "report" not in said
