"""Models that could not be prepared are prepared again when somebody asks for them, without a restart."""

import shutil
from collections.abc import Callable

import pytest

from app.bootstrap import SHIPPED_WEIGHTS, Application, WorkerFactories, build
from app.services.answers import QuestionRefused
from app.services.library_events import EngineState, EngineStateChanged
from engine.messages import WorkerFailed
from engine.worker_clients import preparation_client
from storage.records import DocumentState
from tests.app.conftest import Bench
from tests.app.fakes import FakeWorker
from tests.patience import PATIENCE_S

DISK_FULL = WorkerFailed("The disk is full.", "Free 300 MB and try again.")


def start_on_a_full_disk(bench: Bench) -> Application:
    """An application whose services have heard that there are no models; then there is room."""
    bench.preparation.failure = DISK_FULL
    application = bench.start()
    bench.wait(lambda: states(bench)["ingest"] == states(bench)["chat"] == EngineState.FAILED)
    bench.preparation.failure = None
    return application


def states(bench: Bench) -> dict[str, EngineState]:
    """What the status line last heard of each part of the engine."""
    events = tuple(bench.events)
    heard = {event.worker: event.state for event in events if isinstance(event, EngineStateChanged)}
    return {"models": EngineState.STOPPED, "ingest": EngineState.STOPPED, "chat": EngineState.STOPPED} | heard


def ask(application: Application, _bench: Bench) -> None:
    application.chat.ask(None, "One?").result(PATIENCE_S)


def add_a_note(application: Application, bench: Bench) -> None:
    application.ingest.add_paths([bench.write("new.md", "New.")])
    bench.wait_ready("new.md")


def retry_a_note(application: Application, bench: Bench) -> None:
    failed = bench.known("failed.md")
    bench.write("failed.md", "Words.")
    application.ingest.retry(failed.id)
    bench.wait_ready("failed.md")


@pytest.mark.parametrize("demand", [ask, add_a_note, retry_a_note])
def test_whatever_needs_the_models_prepares_them_again_and_everything_goes_on(
    bench: Bench, demand: Callable[[Application, Bench], None]
) -> None:
    earlier = bench.start()
    earlier.ingest.add_paths([bench.write("failed.md", "")])
    bench.wait_failed("failed.md")
    earlier.close()
    bench.preparation.attempts = 0
    application = start_on_a_full_disk(bench)

    demand(application, bench)

    assert bench.preparation.attempts == 2
    assert application.chat.ask(None, "Two?").result(PATIENCE_S).answer == "echo: Two?"
    add_a_note(application, bench)
    bench.wait(lambda: EngineState.FAILED not in states(bench).values(), "nothing is shown as failed")
    assert bench.preparation.attempts == 2


def test_notes_queued_while_there_were_no_models_are_learnt_when_there_are(bench: Bench) -> None:
    bench.preparation.failure = DISK_FULL
    application = bench.build()
    application.ingest.add_paths([bench.write("early.md", "Early.")])
    application.start()
    bench.wait(lambda: states(bench)["chat"] is EngineState.FAILED)
    assert bench.state("early.md") is DocumentState.QUEUED
    bench.preparation.failure = None

    ask(application, bench)

    bench.wait_ready("early.md")


def test_a_second_failure_refuses_the_question_and_leaves_the_next_try_open(bench: Bench) -> None:
    application = start_on_a_full_disk(bench)
    bench.preparation.failure = WorkerFailed("The disk is still full.", "Free 200 MB.")

    with pytest.raises(QuestionRefused, match="still full"):
        ask(application, bench)

    assert [notice.title for notice in bench.notices] == ["The disk is full.", "The disk is still full."]
    bench.preparation.failure = None
    ask(application, bench)


def test_those_who_ask_while_the_models_are_prepared_again_wait_for_the_same_try(bench: Bench) -> None:
    application = start_on_a_full_disk(bench)
    bench.preparation.released.clear()
    running = application.chat.ask(None, "One?")
    bench.wait(lambda: states(bench)["models"] is EngineState.STARTING)
    application.ingest.add_paths([bench.write("a.md", "Words.")])
    bench.wait(lambda: states(bench)["ingest"] is EngineState.STOPPED)

    bench.preparation.released.set()

    assert running.result(PATIENCE_S).answer == "echo: One?"
    bench.wait_ready("a.md")
    assert bench.preparation.attempts == 2


def test_a_preparing_process_that_cannot_be_started_is_told_and_tried_again(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def no_memory(*_args: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    application = bench.build()
    running = application.chat.ask(None, "One?")
    with monkeypatch.context() as patched:
        patched.setattr(FakeWorker, "start", no_memory)
        application.start()

    with pytest.raises(QuestionRefused, match=r"could not be prepared.*Cannot allocate memory"):
        running.result(PATIENCE_S)
    ask(application, bench)


def test_nothing_is_prepared_any_more_once_the_application_closes(bench: Bench) -> None:
    application = start_on_a_full_disk(bench)
    application.models.stop()

    application.models.prepare_again()

    assert bench.preparation.attempts == 1


@pytest.mark.model
def test_a_model_that_could_not_be_unpacked_is_unpacked_when_there_is_room(bench: Bench) -> None:
    application = build(
        bench.home,
        weights_dir=SHIPPED_WEIGHTS,
        workers=WorkerFactories(bench.ingest_engine, bench.chat_engine, preparation_client),
    )
    bench.opened.append(application)
    folder = application.paths.cache_models
    folder.parent.mkdir(parents=True, exist_ok=True)
    folder.write_text("in the way", encoding="utf-8")
    running = application.chat.ask(None, "One?")
    application.start()
    with pytest.raises(QuestionRefused, match="could not be unpacked"):
        running.result(PATIENCE_S)

    folder.unlink()

    assert application.chat.ask(None, "Two?").result(PATIENCE_S).answer == "echo: Two?"
    shutil.rmtree(folder)  # 270 MB that no other test needs
