"""Everything real: base model, shipped hypernetwork, the three processes; and one of them is killed."""

import os
import signal
import sys
import threading
from pathlib import Path

import pytest

from app.bootstrap import SHIPPED_WEIGHTS, WorkerFactories, build
from app.services.library_events import EngineState, EngineStateChanged, JobProgressed, LibraryEvent
from app.services.notices import Notice
from app.services.settings import Settings
from engine.client import WorkerClient
from engine.formats.hypernetwork_config import CONFIG_FILE, HypernetworkConfig
from engine.messages import AnswerMode, EngineSettings, IngestCommand, IngestEvent
from engine.worker_clients import ingest_client
from storage.records import DocumentState, JobState
from tests.patience import PROCESS_PATIENCE_S

pytestmark = [
    pytest.mark.model,
    pytest.mark.slow,
    pytest.mark.skipif(sys.platform == "win32", reason="needs SIGKILL"),
]

N_NOTES = 12


class _Clients:
    """Makes the clients of the ingest process and remembers them."""

    def __init__(self) -> None:
        self.made: list[WorkerClient[IngestCommand, IngestEvent]] = []

    def __call__(self, settings: EngineSettings) -> WorkerClient[IngestCommand, IngestEvent]:
        self.made.append(ingest_client(settings))
        return self.made[-1]


def test_notes_are_learnt_through_a_killed_worker_and_questions_answered_with_them(tmp_path: Path) -> None:
    notes = tmp_path / "notes"
    notes.mkdir()
    for number in range(N_NOTES):
        text = f"# Room {number}\n\nThe lamp in room {number} was made in {1900 + number}.\n"
        (notes / f"room {number:02}.md").write_text(text, encoding="utf-8")
    (notes / "empty.md").touch()
    (notes / "binary.md").write_bytes(bytes(range(256)) * 40)
    clients = _Clients()
    application = build(tmp_path / "home", workers=WorkerFactories(ingest=clients))
    notices: list[Notice] = []
    states: list[tuple[str, EngineState]] = []
    begun: set[int] = set()
    is_killed = threading.Event()

    def watch(event: LibraryEvent) -> None:
        if isinstance(event, EngineStateChanged):
            states.append((event.worker, event.state))
        if isinstance(event, JobProgressed):
            begun.add(event.document_id)
            if len(begun) == N_NOTES // 2 and not is_killed.is_set():
                is_killed.set()
                process_id = clients.made[-1].process_id
                assert process_id is not None
                os.kill(process_id, signal.SIGKILL)

    application.notices.subscribe(notices.append)
    application.events.subscribe(watch)
    try:
        application.ingest.add_paths([notes])
        application.start()
        assert application.dispatcher.wait_until_idle(PROCESS_PATIENCE_S)

        by_name = {document.path.name: document for document in application.library.documents()}
        for name in ("empty.md", "binary.md"):
            failed = by_name.pop(name)
            assert (failed.state, bool(failed.reason_title)) == (DocumentState.FAILED, True)
        assert {document.state for document in by_name.values()} == {DocumentState.READY}
        assert len(by_name) == N_NOTES
        assert is_killed.is_set()
        assert [notice.title for notice in notices if "unexpectedly" not in notice.title] == []
        done = [job for job in application.profile.jobs.jobs() if job.state is JobState.DONE]
        assert len(done) == N_NOTES

        question = "When was the lamp in room 3 made?"
        all_ids = [document.id for document in by_name.values()]
        application.settings.save(Settings(max_answer_tokens=8))
        with_all = application.chat.ask(None, question, mode=AnswerMode.MEMORY).result(PROCESS_PATIENCE_S)
        application.library.set_enabled(all_ids, False)
        application.library.set_enabled([by_name["room 03.md"].id], True)
        with_one = application.chat.ask(None, question, mode=AnswerMode.MEMORY).result(PROCESS_PATIENCE_S)
        application.library.set_enabled(all_ids, False)
        with_none = application.chat.ask(None, question, mode=AnswerMode.MEMORY).result(PROCESS_PATIENCE_S)
        application.library.set_enabled([by_name["room 03.md"].id], True)
        quoted = application.chat.ask(None, question, mode=AnswerMode.QUOTES).result(PROCESS_PATIENCE_S)

        # The retriever leaves out the other rooms: they share words with the question, but not its number.
        assert [source.document for source in with_all.sources] == ["room 03"]
        assert with_all.answer == with_one.answer == "1903"
        assert [source.document for source in with_one.sources] == ["room 03"]
        assert with_none.sources == ()
        # No text of a note is in the prompt, whatever is switched on.
        assert with_all.facts.prompt_tokens == with_one.facts.prompt_tokens == with_none.facts.prompt_tokens
        assert quoted.facts.prompt_tokens > with_one.facts.prompt_tokens
        config = HypernetworkConfig.from_json((SHIPPED_WEIGHTS / CONFIG_FILE).read_text(encoding="utf-8"))
        ranks = [answer.facts.adapter_rank for answer in (with_all, with_one, with_none)]
        assert ranks == [config.lora_rank + config.bias_rank, config.lora_rank + config.bias_rank, 0]
        assert ("models", EngineState.READY) in states
        assert states.count(("ingest", EngineState.READY)) == 2
    finally:
        application.close()
