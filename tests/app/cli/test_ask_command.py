import threading

import pytest

from app.cli.console import Console
from app.services.settings import Settings
from engine.errors import ModelUnavailable
from engine.messages import AnswerMode, WorkerFailed
from tests.app.cli.conftest import Shell


def test_an_answer_is_printed_with_its_sources(shell: Shell) -> None:
    shell("add", shell.write("Ferry.md", "The ferry leaves at nine."))

    asked = shell("ask", "When does the ferry leave?")

    assert (asked.code, asked.err) == (0, "")
    assert asked.out.splitlines() == [
        "echo: When does the ferry leave?",
        "",
        "Sources:",
        "100%  Ferry: The ferry leaves at nine.",
    ]


def test_an_answer_as_json_has_everything_that_is_promised(shell: Shell) -> None:
    shell("add", shell.write("Ferry.md", "The ferry leaves at nine."))

    answer = shell("ask", "--json", "When", "does the ferry leave?").json

    assert answer["answer"] == "echo: When does the ferry leave?"
    assert answer["mode"] == Settings().mode.value
    assert answer["sources"] == [
        {
            "document": "Ferry",
            "passage": "The ferry leaves at nine.",
            "weight": 1.0,
            "path": str(shell.notes / "Ferry.md"),
        }
    ]
    facts = {"prompt_tokens", "adapter_rank", "first_token_s", "tokens_per_s", "device", "stopped"}
    assert facts <= answer.keys()


@pytest.mark.parametrize("mode", list(AnswerMode))
def test_the_mode_reaches_the_engine(shell: Shell, mode: AnswerMode) -> None:
    shell("add", shell.write("Ferry.md", "The ferry leaves at nine."))

    asked = shell("ask", "--mode", mode.value, "--json", "When does the ferry leave?")

    assert asked.json["mode"] == mode.value
    ask = shell.chat_engine.asked[-1]
    assert (ask.mode, bool(ask.parts), bool(ask.quotes)) == (
        mode,
        mode is not AnswerMode.PLAIN,
        mode is AnswerMode.QUOTES,
    )


def test_a_note_that_is_off_has_no_part(shell: Shell) -> None:
    shell("add", shell.write("Ferry.md", "The ferry leaves at nine."))
    shell("off", "Ferry")

    asked = shell("ask", "--json", "When does the ferry leave?")

    assert asked.json["sources"] == []
    assert "No note takes part" in asked.err


def test_an_empty_question_is_refused_in_one_sentence(shell: Shell) -> None:
    asked = shell("ask", "  ")

    assert (asked.code, asked.out) == (1, "")
    assert "There is no question. Type one and ask again." in asked.err


def test_models_that_cannot_be_had_are_told_once(shell: Shell) -> None:
    trouble = ModelUnavailable("The language model is not installed.", "Type: pip install it")
    shell.preparation.failure = WorkerFailed(trouble.title, trouble.detail)

    asked = shell("ask", "--mode", "plain", "Anything?")

    assert asked.code == 1
    assert asked.err == "The language model is not installed. Type: pip install it\n"


def test_a_worker_that_dies_in_the_middle_is_told(shell: Shell) -> None:
    shell.chat_engine.is_deadly = True

    asked = shell("ask", "--mode", "plain", "Anything?")

    assert asked.code == 1
    assert "The answer was interrupted." in asked.err


def test_control_characters_of_an_answer_do_not_reach_the_terminal(shell: Shell) -> None:
    asked = shell("ask", "--mode", "plain", "\x1b[2Jred\x07")

    assert asked.out == "echo: \ufffd[2Jred\ufffd\n"


def test_ctrl_c_stops_the_answer_and_leaves_what_there_was(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    shell.chat_engine.released.clear()
    told = threading.Event()
    real_piece = Console.piece

    def interrupt_once(console: Console, text: str) -> None:
        real_piece(console, text)
        if not told.is_set():
            told.set()
            raise KeyboardInterrupt

    monkeypatch.setattr(Console, "piece", interrupt_once)

    asked = shell("ask", "--mode", "plain", "Anything?")

    assert (asked.code, asked.out, asked.err) == (130, "echo: \n", "")
