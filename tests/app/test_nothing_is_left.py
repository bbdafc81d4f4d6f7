"""After a note was forgotten or edited, nothing of what went is in any file of the profile."""

import logging
import sqlite3
import sys
from collections.abc import Callable
from contextlib import closing
from pathlib import Path

import pytest

from app.bootstrap import Application, open_profile
from app.services.answers import Answer
from engine.messages import AnswerBegun, AnswerDone, AnswerToken, Ask, ChatCommand, ChatEvent
from storage.records import SourceState
from tests.app.conftest import Bench
from tests.app.fakes import FakeChatEngine, FakeWorker

SECRET = "The vault code is ZEBRA-4711-QUARTZ."
WORDS = ("zebra", "4711", "quartz")
QUESTION = "What is the code of the vault, and which colours have the tiles and the car?"
TILES = "The tiles in the kitchen are blue."


class Parrot(FakeChatEngine):
    """Answers with all that its notes say, word by word."""

    def answer(
        self, worker: FakeWorker[ChatCommand, ChatEvent], ask: Ask, is_stopped: Callable[[], bool]
    ) -> None:
        text = " ".join(part.text for part in ask.parts)
        worker.emit(AnswerBegun(ask.turn_id, self.first_logprob, self.absent_logprob))
        worker.emit(AnswerToken(ask.turn_id, text))
        worker.emit(AnswerDone(ask.turn_id, text, 10, 5, 8, 0.1, 20.0, False, "CPU, fake"))


@pytest.fixture
def application(bench: Bench) -> Application:
    """A profile that watches a folder with two notes."""
    bench.chat_engine = Parrot()
    application = bench.start()
    application.watch.watch(bench.notes)
    bench.write("Wolverine.md", f"{SECRET}\n\n{TILES}")
    bench.write("Car.md", "The car is red.")
    bench.wait_ready("Wolverine.md", "Car.md")
    return application


def ask(application: Application) -> Answer:
    chat = application.chat.new_chat()
    return application.chat.ask(chat.id, QUESTION).result(60)


def files_with(home: Path, *words: str) -> list[tuple[str, str]]:
    """Names of files below ``home`` that have one of the words, in whatever case, with the word."""
    found = []
    for path in sorted(home.rglob("*")):
        if path.is_file():
            content = path.read_bytes().lower()
            found += [(path.name, word) for word in words if word.encode() in content]
    return found


def wait_clean(bench: Bench, *words: str) -> None:
    bench.wait(lambda: not files_with(bench.home, *words), "clean files", timeout_s=120)


def test_what_is_looked_for_was_there(bench: Bench, application: Application) -> None:
    ask(application)

    found = dict.fromkeys(word for _, word in files_with(bench.home, *WORDS, "wolverine"))

    assert set(found) == {*WORDS, "wolverine"}


def test_nothing_of_a_forgotten_note_is_left_while_the_app_goes_on(
    bench: Bench, application: Application
) -> None:
    answer = ask(application)
    assert "ZEBRA-4711-QUARTZ" in answer.answer

    application.library.forget([bench.known("Wolverine.md").id])

    wait_clean(bench, *WORDS, "wolverine", "blue")
    (chat,) = application.chat.chats()
    asked, told = application.chat.turns(chat.id)
    assert asked.text == QUESTION
    assert "[removed]" in told.text
    assert "vault code is" in told.text  # the user's own words, and those that say nothing
    assert SourceState.FORGOTTEN in {source.state for source in told.sources}
    assert "The car is red." in {source.passage for source in told.sources}
    # It does not come back by itself, although its file is still there and its name is not remembered.
    bench.write("Bus.md", "The bus is green.")
    bench.wait_ready("Bus.md")
    assert bench.document("Wolverine.md") is None


def test_nothing_of_what_was_edited_away_is_left_while_the_app_goes_on(
    bench: Bench, application: Application
) -> None:
    ask(application)

    bench.write("Wolverine.md", f"There is no vault any more.\n\n{TILES}")

    wait_clean(bench, *WORDS)
    (chat,) = application.chat.chats()
    told = application.chat.turns(chat.id)[1]
    assert TILES in {source.passage for source in told.sources}
    assert TILES in told.text


def test_nothing_is_left_after_a_command_that_forgets_and_ends(
    bench: Bench, application: Application
) -> None:
    ask(application)
    id_ = bench.known("Wolverine.md").id
    application.close()
    command = bench.build(headless=True)

    command.library.forget([id_])
    command.close()

    assert files_with(bench.home, *WORDS, "wolverine") == []


def test_a_deleted_file_leaves_nothing_either(bench: Bench, application: Application) -> None:
    ask(application)

    (bench.notes / "Wolverine.md").unlink()

    wait_clean(bench, *WORDS, "wolverine")


def test_backups_keep_it_until_they_are_deleted(bench: Bench, application: Application) -> None:
    copy = bench.home / "backups" / "catalog-20260101T000000000000Z.sqlite3"
    copy.parent.mkdir()
    with (
        closing(sqlite3.connect(application.paths.catalog)) as source,
        closing(sqlite3.connect(copy)) as target,
    ):
        source.backup(target)
    aside = bench.home / "catalog.damaged-20260101T000000000000Z.sqlite3"
    aside.write_bytes(copy.read_bytes())

    application.library.forget([bench.known("Wolverine.md").id])

    assert set(application.library.older_copies()) == {copy, aside}
    application.library.delete_older_copies()
    assert application.library.older_copies() == ()
    wait_clean(bench, *WORDS, "wolverine")


def test_a_failure_that_names_a_note_is_logged_without_its_name(bench: Bench) -> None:
    application = bench.start()
    logger = logging.getLogger("app.test")

    try:
        (bench.notes / "Wolverine.md").read_bytes()
    except OSError:
        logger.exception("A note cannot be read.")
    application.close()

    (log,) = (bench.home / "logs").iterdir()
    text = log.read_text(encoding="utf-8")
    assert "FileNotFoundError: [Errno 2] No such file or directory" in text
    assert "test_nothing_is_left.py" in text
    assert str(bench.notes) not in text


@pytest.mark.skipif(sys.platform == "win32", reason="a profile lies in a folder that Windows protects")
def test_a_profile_in_a_folder_that_was_there_is_made_private(tmp_path: Path) -> None:
    home = tmp_path / "home"
    (home / "logs").mkdir(parents=True)
    home.chmod(0o755)
    (home / "settings.json").write_text("{}", encoding="utf-8")
    (home / "settings.json").chmod(0o644)
    (home / "logs").chmod(0o755)
    open_profile(home).close()
    (home / "catalog.sqlite3").chmod(0o644)

    profile = open_profile(home)
    profile.settings.save(profile.settings.current)

    modes = {
        path.relative_to(tmp_path).as_posix(): path.stat().st_mode & 0o777 for path in tmp_path.rglob("*")
    }
    profile.close()
    assert modes["home"] == modes["home/logs"] == 0o700
    assert {mode for path, mode in modes.items() if path not in ("home", "home/logs")} == {0o600}


@pytest.mark.skipif(sys.platform == "win32", reason="a profile lies in a folder that Windows protects")
def test_a_folder_with_other_files_stays_open_and_the_user_is_told(bench: Bench) -> None:
    bench.home.chmod(0o755)
    holiday = bench.home / "holiday.jpg"
    holiday.write_bytes(b"a picture")
    holiday.chmod(0o644)
    link = bench.home / "cache"
    link.symlink_to(holiday)

    application = bench.build()

    assert [notice.title for notice in bench.notices] == [
        "Other users of this computer can see the folder of Loreleaf's data."
    ]
    assert (bench.home.stat().st_mode & 0o777, holiday.stat().st_mode & 0o777) == (0o755, 0o644)
    assert application.paths.catalog.stat().st_mode & 0o777 == 0o600
