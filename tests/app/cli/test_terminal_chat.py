import io
from collections.abc import Callable
from pathlib import Path

import pytest

from app.bootstrap import open_profile
from app.cli import demo
from engine.messages import AnswerMode
from storage.records import Role
from tests.app.cli.conftest import Ended, Shell

Type = Callable[..., Ended]


@pytest.fixture
def chat(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> Type:
    def type_lines(*lines: str) -> Ended:
        monkeypatch.setattr("sys.stdin", io.StringIO("".join(f"{line}\n" for line in lines)))
        return shell("chat")

    return type_lines


def test_each_line_is_a_question_and_the_turns_are_kept(shell: Shell, chat: Type) -> None:
    shell("add", shell.write("Ferry.md", "The ferry leaves at nine."))

    chatted = chat("When does the ferry leave?", "", "Really?")

    assert chatted.code == 0
    assert "echo: When does the ferry leave?\n[Ferry 100%]\n" in chatted.out
    profile = open_profile(shell.home)
    kept = profile.chats.turns(profile.chats.chats()[0].id)
    profile.close()
    assert [turn.role for turn in kept] == [Role.USER, Role.ASSISTANT] * 2
    assert kept[2].text == "Really?"


def test_a_note_switched_off_in_the_middle_of_a_chat_is_silent_at_once(shell: Shell, chat: Type) -> None:
    shell("add", shell.write("Ferry.md", "The ferry leaves at nine."))

    chatted = chat("When?", "/off Ferry", "When?", "/on ferry", "When?")

    assert [len(ask.parts) for ask in shell.chat_engine.asked] == [1, 0, 1]
    assert chatted.out.count("[no note took part]") == 1


def test_notes_are_added_and_shown_without_leaving(shell: Shell, chat: Type) -> None:
    note = shell.write("The ferry.md", "It leaves at nine.")
    photo = shell.write("photo.png", "")

    chatted = chat(f'/add "{note}"', f"/add {photo}", "/notes", "When?", "/sources")

    assert f"{photo}: .png files cannot be read as notes." in chatted.err
    assert "on   ready       1  The ferry" in chatted.out
    assert f"({note})\nIt leaves at nine." in chatted.out


def test_the_samples_can_be_had(shell: Shell, chat: Type) -> None:
    chat("/samples")

    n_samples = len([path for path in demo.samples_folder().iterdir() if path.suffix in (".md", ".txt")])
    assert len(shell.listed()) == n_samples


def test_the_mode_is_changed_and_a_wrong_one_is_told(shell: Shell, chat: Type) -> None:
    chatted = chat("/mode plain", "One?", "/mode nonsense")

    assert [ask.mode for ask in shell.chat_engine.asked] == [AnswerMode.PLAIN]
    assert "The mode is plain. /mode memory" in chatted.err


def test_what_is_not_understood_is_told_and_the_chat_goes_on(shell: Shell, chat: Type) -> None:
    chatted = chat("/nonsense", '/on "half', "/off nothing", "/add", "/sources", "One?", "/quit", "Two?")

    assert chatted.code == 0
    assert "There is no command /nonsense." in chatted.err
    assert "The quotation marks do not match." in chatted.err
    assert "There is no document “nothing”." in chatted.err
    assert "There is nothing to add." in chatted.err
    assert [ask.question for ask in shell.chat_engine.asked] == ["One?"]


def test_an_answer_that_fails_does_not_end_the_chat(shell: Shell, chat: Type) -> None:
    shell.chat_engine.is_deadly = True

    chatted = chat("One?", "/help")

    assert "The answer was interrupted." in chatted.err
    assert "/quit" in chatted.out


def test_without_a_command_and_without_a_display_a_terminal_gets_the_chat(
    shell: Shell, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    typed = iter(["One?", "/quit"])
    monkeypatch.setattr("sys.stdin", Terminal())
    monkeypatch.setattr("sys.stdout.isatty", lambda: True)
    monkeypatch.setattr("builtins.input", lambda _prompt: next(typed))
    monkeypatch.setenv("QT_QPA_PLATFORM", "offscreen")

    chatted = shell()

    assert chatted.code == 0
    assert "There is no display" in chatted.err
    assert "The library is empty." in chatted.out
    assert "echo: One?" in chatted.out
