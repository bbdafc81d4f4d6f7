"""The chat process end to end: spawned, over a real pipe, with the real base model."""

import multiprocessing
import subprocess
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import replace
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from engine.chat.worker import main
from engine.messages import (
    AnswerBegun,
    AnswerDone,
    AnswerMode,
    AnswerToken,
    Ask,
    ChatEvent,
    EngineSettings,
    Shutdown,
    StopAnswer,
    WarmParts,
    WorkerFailed,
    WorkerReady,
)
from tests.engine.adapters.adapters_at_random import random_part
from tests.patience import PROCESS_PATIENCE_S

pytestmark = pytest.mark.model


@pytest.fixture
def settings(f16_base_model: Path, random_weights_dir: Path) -> EngineSettings:
    return EngineSettings(f16_base_model, random_weights_dir, n_threads=1, n_ctx=4096)


class Worker:
    """Our end of the pipe."""

    def __init__(self, conn: Connection, process: SpawnProcess) -> None:
        self.conn = conn
        self.process = process

    def next(self) -> ChatEvent:
        assert self.conn.poll(PROCESS_PATIENCE_S), "the worker says nothing"
        event: ChatEvent = self.conn.recv()
        return event

    def until_done(self) -> tuple[str, AnswerDone]:
        text = ""
        while isinstance(event := self.next(), AnswerBegun | AnswerToken):
            text += event.text if isinstance(event, AnswerToken) else ""
        assert isinstance(event, AnswerDone), event
        return text, event

    def exit_code(self) -> int | None:
        self.process.join(PROCESS_PATIENCE_S)
        return self.process.exitcode


@contextmanager
def spawned(settings: EngineSettings) -> Iterator[Worker]:
    context = multiprocessing.get_context("spawn")
    ours, theirs = context.Pipe()
    process = context.Process(target=main, args=(theirs, settings), daemon=True)
    process.start()
    theirs.close()
    try:
        yield Worker(ours, process)
    finally:
        if process.is_alive():
            process.kill()
        process.join()
        process.close()
        ours.close()


def test_a_worker_answers_stops_and_leaves_when_asked(settings: EngineSettings) -> None:
    parts = (random_part(1), random_part(2))
    with spawned(settings) as worker:
        ready = worker.next()
        assert isinstance(ready, WorkerReady)
        assert ready.device == "CPU, 1 thread"

        worker.conn.send(WarmParts(parts))
        worker.conn.send(Ask(1, "Who is Mira?", AnswerMode.MEMORY, parts, max_tokens=5))
        text, done = worker.until_done()
        assert (done.turn_id, done.text, done.adapter_rank) == (1, text, 20)

        # In the middle of an answer.
        worker.conn.send(Ask(2, "Count from one to one hundred in words.", AnswerMode.PLAIN, max_tokens=3000))
        assert isinstance(worker.next(), AnswerBegun)
        worker.conn.send(StopAnswer(2))
        _, done = worker.until_done()
        assert done.stopped
        assert done.completion_tokens < 3000

        # While the prompt is read, which would take many seconds.
        quotes = ("The lighthouse keeper counts the ships. " * 330,)
        worker.conn.send(Ask(3, "Who counts?", AnswerMode.QUOTES, parts, quotes, max_tokens=5))
        worker.conn.send(StopAnswer(3))
        text, done = worker.until_done()
        assert done.stopped
        assert done.prompt_tokens > 2000
        assert text == ""

        worker.conn.send(Ask(4, "Who is Mira?", AnswerMode.MEMORY, parts, max_tokens=5))
        _, again = worker.until_done()
        assert not again.stopped

        worker.conn.send(Shutdown())
        assert worker.exit_code() == 0


def test_a_shutdown_does_not_wait_for_the_answer(settings: EngineSettings) -> None:
    with spawned(settings) as worker:
        worker.next()
        worker.conn.send(Ask(1, "Count from one to one hundred in words.", AnswerMode.PLAIN, max_tokens=3000))
        assert isinstance(worker.next(), AnswerBegun)
        worker.conn.send(Shutdown())
        _, done = worker.until_done()
        assert done.stopped
        assert worker.exit_code() == 0


def test_a_worker_whose_window_is_gone_ends_by_itself(settings: EngineSettings) -> None:
    with spawned(settings) as worker:
        worker.next()
        worker.conn.send(Ask(1, "Count from one to one hundred in words.", AnswerMode.PLAIN, max_tokens=3000))
        assert isinstance(worker.next(), AnswerBegun)
        worker.conn.close()
        assert worker.exit_code() == 0


def test_a_worker_without_its_model_says_so_and_ends_in_order(
    settings: EngineSettings, tmp_path: Path
) -> None:
    with spawned(replace(settings, base_model=tmp_path / "gone.gguf")) as worker:
        event = worker.next()
        assert isinstance(event, WorkerFailed)
        assert "gone.gguf" in event.detail
        assert worker.exit_code() == 0


def test_the_chat_process_needs_no_torch_and_its_entry_not_even_llama_cpp() -> None:
    script = (
        "import sys, engine.chat.worker\n"
        "assert not {'llama_cpp', 'numpy', 'torch'} & set(sys.modules)\n"
        "import engine.chat.session\n"
        "assert 'llama_cpp' in sys.modules\n"
        "assert not {'torch', 'transformers', 'peft', 'gguf'} & set(sys.modules)\n"
    )
    subprocess.run([sys.executable, "-c", script], check=True, cwd=Path(__file__).parents[3])
