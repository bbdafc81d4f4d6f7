"""A model file of the user's own in use: real processes and llama.cpp, the built-in model as “their” file."""

import json
import queue
import shutil
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pytest

from app.bootstrap import Application, build
from app.cli.main import run
from app.services.notices import Notice
from engine.messages import AnswerMode
from engine.models.embedded import find_embedded_gguf
from storage.records import DocumentState

NAME = "theirs"
NOTE = "The car is due for its inspection on 14 March 2027. The garage is Miller's, in Harbour Road."
QUESTION = "When is the car due for its inspection?"
PATIENCE_S = 240.0

pytestmark = [pytest.mark.slow, pytest.mark.model]


@pytest.fixture
def home(tmp_path: Path) -> Path:
    return tmp_path / "home"


@pytest.fixture
def file(tmp_path: Path) -> Path:
    """A chat model as a user has one; four bits, which the app itself never uses."""
    return Path(shutil.copy(find_embedded_gguf(), tmp_path / "theirs.gguf"))


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "Car.md"
    path.write_text(NOTE, encoding="utf-8")
    return path


def loreleaf(home: Path, *words: str | Path, code: int = 0) -> None:
    assert run(["--home", str(home), *map(str, words)]) == code


@contextmanager
def started(home: Path, told: "queue.SimpleQueue[Notice] | None" = None) -> Iterator[Application]:
    application = build(home)
    try:
        if told is not None:
            application.notices.subscribe(told.put)
        application.start()
        yield application
    finally:
        application.close()


def test_it_answers_from_passages_and_the_notes_are_learnt_when_another_is_chosen(
    home: Path, file: Path, note: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loreleaf(home, "models", "add", file)
    assert "No hypernetwork" not in capsys.readouterr().out
    loreleaf(home, "models", "use", NAME)
    assert "nothing is learnt for it" in capsys.readouterr().err

    with started(home) as application:
        document = application.ingest.add_paths([note]).added[0]
        assert application.dispatcher.wait_until_idle(PATIENCE_S)
        assert application.library.document(document.id).state is DocumentState.READY  # type: ignore[union-attr]
        passages = application.profile.catalog.chunks_of(document.id)
        answer = application.chat.ask(None, QUESTION).result(PATIENCE_S)
        plain = application.chat.ask(None, QUESTION, mode=AnswerMode.PLAIN).result(PATIENCE_S)
    assert "14 March 2027" in answer.text
    assert (answer.mode, answer.facts.adapter_rank) == (AnswerMode.QUOTES, 0)
    assert [source.passage for source in answer.sources] == [passage.text for passage in passages]
    assert "14 March 2027" not in plain.text
    assert plain.facts.prompt_tokens < answer.facts.prompt_tokens

    loreleaf(home, "models", "use", "embedded")
    told: queue.SimpleQueue[Notice] = queue.SimpleQueue()
    with started(home, told) as application:
        assert told.get(timeout=PATIENCE_S).title == "Your notes are learnt anew."
        assert application.dispatcher.wait_until_idle(PATIENCE_S)
        assert application.profile.catalog.chunks_of(document.id) == passages  # the same passages, learnt
        answer = application.chat.ask(None, QUESTION).result(PATIENCE_S)
    assert answer.mode is AnswerMode.MEMORY
    assert answer.facts.adapter_rank > 0

    loreleaf(home, "models", "use", NAME)
    with started(home) as application:
        answer = application.chat.ask(None, QUESTION).result(PATIENCE_S)
        assert application.dispatcher.wait_until_idle(PATIENCE_S)
        jobs = application.profile.jobs.jobs()
    assert len(jobs) == 2  # once for each kind of model; nothing more
    assert "14 March 2027" in answer.text


def test_the_terminal_says_that_there_is_no_memory_of_the_notes(
    home: Path, file: Path, note: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loreleaf(home, "models", "add", file)
    loreleaf(home, "models", "use", NAME)
    loreleaf(home, "add", note)
    loreleaf(home, "add")
    capsys.readouterr()

    loreleaf(home, "ask", QUESTION, "--json")
    default = capsys.readouterr()
    loreleaf(home, "ask", QUESTION, "--json", "--mode", "memory")
    asked_for = capsys.readouterr()

    answers: list[dict[str, Any]] = [json.loads(default.out), json.loads(asked_for.out)]
    assert [answer["mode"] for answer in answers] == ["quotes", "quotes"]
    assert "has learnt no notes" in asked_for.err
    loreleaf(home, "export", "--format", "gguf", "Car", home / "car.gguf", code=1)
    assert "A model of your own has no adapters of notes." in capsys.readouterr().err
    loreleaf(home, "import", file, code=1)
    assert "Adapters cannot be used with a model of your own." in capsys.readouterr().err


def test_a_file_that_was_moved_is_told_and_the_way_back_is_open(
    home: Path, file: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    loreleaf(home, "models", "add", file)
    loreleaf(home, "models", "use", NAME)
    loreleaf(home, "models", "remove", NAME, code=1)
    assert "is in use" in capsys.readouterr().err
    file.rename(tmp_path / "moved.gguf")

    loreleaf(home, "ask", QUESTION, code=1)
    assert f"{file} is not there any more" in capsys.readouterr().err
    told: queue.SimpleQueue[Notice] = queue.SimpleQueue()
    with started(home, told):
        assert "has changed" in told.get(timeout=PATIENCE_S).title

    loreleaf(home, "models", "add", tmp_path / "moved.gguf", "--name", NAME)
    loreleaf(home, "models", "use", NAME)
    loreleaf(home, "models", "use", "embedded")
    loreleaf(home, "models", "remove", NAME)
    assert "your file stays" in capsys.readouterr().out
    assert (tmp_path / "moved.gguf").exists()
    loreleaf(home, "models", "list", "--json")
    assert NAME not in [model["name"] for model in json.loads(capsys.readouterr().out)["models"]]
