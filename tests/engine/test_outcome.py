"""Processes that do one thing end in one message, whatever happened; tracebacks go to the log only."""

import logging
from collections.abc import Callable
from multiprocessing import Pipe
from multiprocessing.connection import Connection
from pathlib import Path
from typing import Any

import pytest

import engine.adapters.export
import engine.adapters.importing
import engine.adapters.merging
import engine.models.inventory
import engine.models.prepare_worker
from app.services.one_shot import run_one_shot
from engine.adapters.messages import (
    AdapterImported,
    AdapterSet,
    ExportAdapter,
    ImportAdapter,
    MergeAdapters,
    SetMember,
)
from engine.client import WorkerClient
from engine.errors import EngineDied, EngineError, InvalidAdapter
from engine.messages import WorkerDied, WorkerFailed
from engine.models.messages import PrepareModels, SurveyModels
from engine.outcome import send_result

HERE = Path("/somewhere")
SET = AdapterSet((SetMember("Boat", "d" * 64),), (), HERE, HERE, "b" * 64, "c" * 64)


def told(main: Callable[[Connection, Any], None], order: object) -> object:
    """What the entry of a process sends; nothing more may follow."""
    ours, theirs = Pipe()
    with ours:
        with theirs:
            main(theirs, order)
        message: object = ours.recv()
        with pytest.raises(EOFError):
            ours.recv()
    return message


def raising(error: BaseException) -> Callable[..., object]:
    def fail(*_arguments: object) -> object:
        raise error

    return fail


@pytest.mark.parametrize(
    ("module", "work", "order"),
    [
        (engine.adapters.importing, "import_adapter", ImportAdapter(HERE, HERE, "b" * 64)),
        (engine.adapters.export, "export", ExportAdapter("gguf", HERE, SET)),
        (engine.adapters.merging, "merge", MergeAdapters(HERE, SET)),
        (engine.models.inventory, "survey", SurveyModels(HERE, HERE, HERE)),
        (engine.models.prepare_worker, "_built_in", PrepareModels(HERE, HERE, HERE)),
        (engine.models.prepare_worker, "_fetched", PrepareModels(HERE, HERE, HERE, "qwen3-4b")),
    ],
    ids=["import", "export", "merge", "survey", "preparation", "preparation of a fetched model"],
)
def test_what_nobody_foresaw_is_one_sentence_and_a_log_entry(
    module: Any,  # noqa: ANN401  a module
    work: str,
    order: object,
    monkeypatch: pytest.MonkeyPatch,
    caplog: pytest.LogCaptureFixture,
) -> None:
    monkeypatch.setattr(module, work, raising(RecursionError("maximum recursion depth exceeded")))

    message = told(module.main, order)

    assert message == WorkerFailed(
        "Something went wrong inside Loreleaf.",
        f"{HERE}: RecursionError. The log has the details; please report it.",
    )
    (record,) = caplog.records
    assert record.exc_info is not None
    assert record.levelno == logging.ERROR


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (MemoryError(), WorkerFailed("There is not enough memory for this.", "Close other programs.")),
        (InvalidAdapter("It is none.", "A" * 10**6), WorkerFailed("It is none.", "A" * 2000 + "…")),
        (FileNotFoundError(2, "No such file", "x"), WorkerFailed("It cannot be read.", "x: No such file.")),
        (OSError("odd"), WorkerFailed("It cannot be read.", f"{HERE}: odd.")),
    ],
    ids=range(4),
)
def test_what_was_foreseen_has_words_of_its_own(error: Exception, expected: WorkerFailed) -> None:
    def main(conn: Connection, _order: object) -> None:
        send_result(conn, raising(error), "It cannot be read.", HERE)

    assert told(main, None) == expected


def test_of_a_process_that_dies_the_user_reads_the_last_line_and_the_log_has_all(
    caplog: pytest.LogCaptureFixture,
) -> None:
    worker: WorkerClient[object, object] = WorkerClient(
        "tests.engine.toy_workers:raise_at_start", None, "toy"
    )

    with pytest.raises(EngineDied) as death:
        run_one_shot(worker, AdapterImported, lambda _event: None)

    assert death.value.detail == "Exit code 1. ZeroDivisionError. The log has the details."
    assert "Traceback" in caplog.text


def test_a_stumble_inside_of_a_real_process_is_a_sentence(caplog: pytest.LogCaptureFixture) -> None:
    worker: WorkerClient[object, object] = WorkerClient(
        "tests.engine.toy_workers:fail_unforeseen", None, "toy"
    )
    with caplog.at_level(logging.INFO), pytest.raises(EngineError) as failure:
        run_one_shot(worker, AdapterImported, lambda _event: None)
    assert "\n" not in str(failure.value)
    assert "ZeroDivisionError. The log has the details" in failure.value.detail
    assert "in work" in caplog.text  # where it happened; what it says may quote a note


def test_a_death_without_words_has_its_exit_code() -> None:
    assert WorkerDied(-9).reason == "Exit code -9."
    assert (
        WorkerDied(1, "Traceback\n  File\nValueError: " + "x" * 10_000).reason
        == "Exit code 1. ValueError: " + "x" * 288
    )
