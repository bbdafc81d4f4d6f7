import math
import os
import subprocess
import sys
import threading
from collections import Counter
from pathlib import Path

import pytest

from app.bootstrap import Application
from app.services.library_events import EngineState, EngineStateChanged, JobProgressed
from app.services.queueing import Queueing
from app.services.settling import FileStamp
from storage.catalog import Catalog
from storage.errors import StorageError
from storage.records import DocumentRecord, DocumentState, JobState
from tests.app.conftest import Bench
from tests.patience import PATIENCE_S


def test_an_added_note_becomes_ready_and_tells_its_progress(bench: Bench) -> None:
    application = bench.start()
    note = bench.write("garden.md", "The pear tree was planted in 2011.\n\nIt bears every second year.")

    report = application.ingest.add_paths([note])

    assert [document.title for document in report.added] == ["garden"]
    bench.wait_ready("garden.md")
    assert application.dispatcher.wait_until_idle(PATIENCE_S)
    document = bench.known("garden.md")
    assert document.n_chunks == 2
    progress = [event for event in bench.events if isinstance(event, JobProgressed)]
    assert (progress[-1].document_id, progress[-1].n_done, progress[-1].n_chunks) == (document.id, 2, 2)


def test_a_folder_is_walked_and_what_is_no_note_is_named_with_a_reason(bench: Bench) -> None:
    application = bench.start()
    bench.write("a.md", "One.")
    bench.write("deep/er/b.txt", "Two.")
    picture = bench.write("photo.jpg", "no text")
    hidden = bench.write(".secret.md", "no")
    bench.write(".git/config.txt", "no")

    report = application.ingest.add_paths([bench.notes])

    assert {document.path.name for document in report.added} == {"a.md", "b.txt"}
    reasons = dict(report.skipped)
    assert ".jpg" in reasons[picture]
    assert hidden in reasons
    assert bench.notes / ".git" in reasons
    bench.wait_ready("a.md", "b.txt")


def test_a_missing_path_is_skipped_and_the_others_are_taken(bench: Bench) -> None:
    application = bench.start()
    note = bench.write("a.md", "One.")

    report = application.ingest.add_paths([bench.notes / "gone.md", note])

    assert [path.name for path, _ in report.skipped] == ["gone.md"]
    bench.wait_ready("a.md")


def test_bytes_that_are_known_cost_no_model_pass(bench: Bench) -> None:
    application = bench.start()
    first = bench.write("a.md", "The same words.")
    application.ingest.add_paths([first])
    bench.wait_ready("a.md")

    copy = bench.write("copy of a.md", "The same words.")
    application.ingest.add_paths([copy])
    again = application.ingest.add_paths([first])

    bench.wait_ready("copy of a.md")
    assert bench.ingest_engine.begun == ["a.md"]
    assert [document.path for document in again.unchanged] == [first]


def test_copies_that_are_queued_together_cost_one_model_pass(bench: Bench) -> None:
    application = bench.build()
    names = [f"copy {number}.md" for number in range(5)]
    for name in names:
        bench.write(name, "The same words.")
    application.ingest.add_paths([bench.notes])

    application.start()

    bench.wait_ready(*names)
    assert len(bench.ingest_engine.begun) == 1


def test_a_changed_note_is_learnt_anew_and_its_old_text_is_gone(bench: Bench) -> None:
    application = bench.start()
    note = bench.write("a.md", "The key is under the mat.")
    application.ingest.add_paths([note])
    bench.wait_ready("a.md")

    bench.write("a.md", "The key is in the shed.")
    application.ingest.add_paths([note])

    bench.wait(lambda: len(bench.ingest_engine.learnt) == 2)
    bench.wait_ready("a.md")
    document = bench.known("a.md")
    assert [chunk.text for chunk in application.profile.catalog.chunks_of(document.id)] == [
        "The key is in the shed."
    ]
    assert application.profile.catalog.counts().chunks == 1


def test_a_note_that_changes_while_it_is_learnt_ends_with_its_new_text(bench: Bench) -> None:
    application = bench.start()
    note = bench.write("a.md", "Old.")
    bench.ingest_engine.hold()
    application.ingest.add_paths([note])
    bench.ingest_engine.wait_begun()

    bench.write("a.md", "New.")
    application.ingest.add_paths([note])
    bench.wait(lambda: bench.ingest_engine.cancelled, "the old job is cancelled")
    bench.ingest_engine.release()

    bench.wait_ready("a.md")
    document = bench.known("a.md")
    assert [chunk.text for chunk in application.profile.catalog.chunks_of(document.id)] == ["New."]
    assert bench.ingest_engine.learnt == ["a.md"]


@pytest.mark.skipif(sys.platform == "win32" or os.geteuid() == 0, reason="nobody is refused")
def test_a_file_without_permission_fails_with_a_reason_and_harms_no_other(bench: Bench) -> None:
    application = bench.start()
    locked = bench.write("locked.md", "One.")
    locked.chmod(0)
    bench.write("open.md", "Two.")

    application.ingest.add_paths([bench.notes])

    bench.wait_ready("open.md")
    bench.wait_failed("locked.md")
    document = bench.known("locked.md")
    assert document.reason_title
    assert str(locked) in document.reason_detail


def test_an_empty_and_a_huge_file_fail_with_a_reason_and_harm_no_other(bench: Bench) -> None:
    application = bench.start()
    bench.write("empty.md", "")
    huge = bench.write("huge.txt", "")
    os.truncate(huge, 50_000_000)
    bench.write("good.md", "Words.")

    application.ingest.add_paths([bench.notes])

    bench.wait_ready("good.md")
    bench.wait_failed("empty.md", "huge.txt")
    document = bench.known("huge.txt")
    assert "50.0 MB" in document.reason_detail
    assert "huge.txt" not in bench.ingest_engine.begun


def test_a_file_deleted_while_it_is_queued_fails_with_a_reason_and_harms_no_other(bench: Bench) -> None:
    application = bench.build()
    gone = bench.write("gone.md", "One.")
    bench.write("stays.md", "Two.")
    application.ingest.add_paths([bench.notes])
    gone.unlink()

    application.start()

    bench.wait_ready("stays.md")
    bench.wait_failed("gone.md")


def fail_to_learn(bench: Bench, application: Application) -> DocumentRecord:
    """The note "a.md", which cannot be learnt because it is empty."""
    application.ingest.add_paths([bench.write("a.md", "")])
    bench.wait_failed("a.md")
    return bench.known("a.md")


def test_retry_learns_a_failed_note_from_what_its_file_is_now(bench: Bench) -> None:
    application = bench.start()
    failed = fail_to_learn(bench, application)

    failed.path.write_text("Now there are words.", encoding="utf-8")
    application.ingest.retry(failed.id)

    bench.wait_ready("a.md")


def test_retry_of_a_note_whose_file_is_gone_says_so(bench: Bench) -> None:
    application = bench.start()
    failed = fail_to_learn(bench, application)

    failed.path.unlink()
    application.ingest.retry(failed.id)

    bench.wait(lambda: (now := bench.document("a.md")) and now.reason_title == "The file is gone.")


def test_forgetting_a_note_stops_its_job_and_stores_nothing(bench: Bench) -> None:
    application = bench.start()
    note = bench.write("a.md", "Words.")
    bench.ingest_engine.hold()
    report = application.ingest.add_paths([note])
    bench.ingest_engine.wait_begun()

    application.library.forget([report.added[0].id])

    bench.wait(lambda: bench.ingest_engine.cancelled, "cancelled")
    bench.ingest_engine.release()
    assert application.dispatcher.wait_until_idle(PATIENCE_S)
    assert application.library.documents() == ()
    assert application.profile.catalog.counts().chunks == 0


def test_a_worker_that_does_not_stop_a_cancelled_job_is_killed_and_the_next_note_is_learnt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.ingest_dispatcher.CANCEL_PATIENCE_S", 0.05)
    monkeypatch.setattr("app.services.ingest_dispatcher.POLL_S", 0.02)
    application = bench.start()
    bench.ingest_engine.ignores_cancel = True
    bench.ingest_engine.hold()
    report = application.ingest.add_paths([bench.write("a.md", "Words.")])
    bench.ingest_engine.wait_begun()

    application.library.forget([report.added[0].id])
    bench.wait(lambda: not bench.ingest_engine.lives[0].is_running, "the worker is killed")
    bench.ingest_engine.release()
    application.ingest.add_paths([bench.write("b.md", "Other words.")])

    bench.wait_ready("b.md")
    assert len(bench.ingest_engine.lives) == 2
    assert bench.notices == []


def test_a_dead_worker_is_announced_and_started_again_and_its_job_is_done(bench: Bench) -> None:
    application = bench.start()
    bench.ingest_engine.hold()
    application.ingest.add_paths([bench.write("a.md", "One."), bench.write("b.md", "Two.")])
    bench.ingest_engine.wait_begun()

    bench.ingest_engine.lives[0].die()
    bench.ingest_engine.release()

    bench.wait_ready("a.md", "b.md")
    assert bench.ingest_engine.begun == ["a.md", "a.md", "b.md"]
    assert bench.ingest_engine.learnt == ["a.md", "b.md"]
    assert len(bench.notices) == 1
    assert "unexpectedly" in bench.notices[0].title


def test_a_note_that_kills_the_worker_fails_after_its_second_try_and_the_others_are_learnt(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.worker_supervisor.FIRST_PAUSE_S", 0.01)
    application = bench.start()
    bench.ingest_engine.kills = {"bomb.md"}
    for name in ("a.md", "bomb.md", "c.md"):
        bench.write(name, f"The words of {name}.")

    application.ingest.add_paths([bench.notes])

    bench.wait_ready("a.md", "c.md")
    bench.wait_failed("bomb.md")
    assert bench.ingest_engine.begun.count("bomb.md") == 2
    assert application.dispatcher.wait_until_idle(PATIENCE_S)


def test_a_worker_that_keeps_dying_is_left_alone_until_somebody_asks(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.worker_supervisor.FIRST_PAUSE_S", 0.001)
    application = bench.build()
    names = [f"{number}.md" for number in range(6)]
    bench.ingest_engine.kills = set(names)
    for name in names:
        bench.write(name, f"The words of {name}.")

    application.ingest.add_paths([bench.notes])
    application.start()

    failed = EngineState.FAILED
    bench.wait(lambda: any(isinstance(e, EngineStateChanged) and e.state is failed for e in bench.events))
    assert len(bench.ingest_engine.lives) == 5
    assert not application.dispatcher.wait_until_idle(PATIENCE_S)

    bench.ingest_engine.kills = set()
    first = bench.known("0.md")
    application.ingest.retry(first.id)
    bench.wait_ready("0.md", "5.md")


def test_closing_puts_the_running_job_back_and_the_attempt_does_not_count(bench: Bench) -> None:
    note = bench.write("a.md", "Words.")
    bench.ingest_engine.hold()
    for round_ in range(4):
        application = bench.start()
        application.ingest.add_paths([note])
        bench.ingest_engine.wait_begun(round_ + 1)
        application.close()
    bench.ingest_engine.release()

    bench.start()

    bench.wait_ready("a.md")


def test_documents_learnt_for_another_model_are_learnt_again(bench: Bench) -> None:
    application = bench.start()
    application.ingest.add_paths([bench.write("a.md", "Words.")])
    bench.wait_ready("a.md")
    application.close()

    bench.preparation.hypernetwork_hash = "d" * 64
    bench.start()

    bench.wait(lambda: len(bench.ingest_engine.begun) == 2, "learnt again")
    assert any("learnt anew" in notice.title for notice in bench.notices)


def test_a_document_added_but_never_queued_is_learnt_at_the_next_start(bench: Bench) -> None:
    application = bench.build()
    note = bench.write("a.md", "Words.")
    application.profile.catalog.add_document(note)  # and killed before it was queued
    application.close()

    bench.start()

    bench.wait_ready("a.md")


def test_jobs_of_another_process_are_learnt_by_the_one_that_holds_the_lock(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.ingest_dispatcher.POLL_S", 0.02)
    holder = bench.start()
    holder.ingest.add_paths([bench.write("a.md", "One.")])
    bench.wait_ready("a.md")
    second = bench.start()

    second.ingest.add_paths([bench.write("b.md", "Two.")])

    assert second.dispatcher.wait_until_idle(PATIENCE_S)
    assert bench.state("b.md") is DocumentState.READY
    assert not second.lock.is_held
    assert len(bench.ingest_engine.lives) == 1


def test_the_lock_passes_to_the_next_process_when_its_holder_closes(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.ingest_dispatcher.POLL_S", 0.02)
    holder = bench.start()
    assert holder.lock.wait_held(PATIENCE_S)
    second = bench.start()

    holder.close()

    assert second.lock.wait_held(PATIENCE_S)
    second.ingest.add_paths([bench.write("b.md", "Two.")])
    bench.wait_ready("b.md")


def test_a_hundred_jobs_survive_a_killed_program_and_none_is_learnt_twice(bench: Bench) -> None:
    names = [f"note {number:03}.md" for number in range(100)]
    for name in names:
        bench.write(name, f"What only {name} says.")
    command = [sys.executable, "-m", "tests.app.victim", str(bench.home), str(bench.notes), "40"]
    with subprocess.Popen(command, stdout=subprocess.PIPE, text=True) as victim:
        assert victim.stdout is not None
        assert victim.stdout.readline() == "holding\n"
        victim.kill()

    application = bench.build()
    states = Counter(job.state for job in application.profile.jobs.jobs())
    assert states == {JobState.DONE: 40, JobState.RUNNING: 1, JobState.QUEUED: 59}
    application.start()

    bench.wait_ready(*names)
    assert sorted(bench.ingest_engine.learnt) == names[40:]
    assert [job.state for job in application.profile.jobs.jobs()] == [JobState.DONE] * 100
    assert application.profile.catalog.counts().chunks == 100


@pytest.mark.parametrize(
    ("interval_s", "told"), [(math.inf, [50]), (0.0, list(range(1, 51)))], ids=["never", "always"]
)
def test_progress_is_told_now_and_then_and_at_the_end(
    bench: Bench, monkeypatch: pytest.MonkeyPatch, interval_s: float, told: list[int]
) -> None:
    monkeypatch.setattr("app.services.ingest_dispatcher.PROGRESS_INTERVAL_S", interval_s)
    application = bench.start()
    note = bench.write("long.md", "\n\n".join(f"Paragraph {number}." for number in range(50)))

    application.ingest.add_paths([note])

    bench.wait_ready("long.md")
    assert [event.n_done for event in bench.events if isinstance(event, JobProgressed)] == told


def test_a_listener_that_fails_does_not_stop_learning(bench: Bench) -> None:
    application = bench.start()
    reported = threading.Event()
    hook = threading.excepthook
    threading.excepthook = lambda _args: reported.set()
    try:

        def fail(_event: object) -> None:
            raise RuntimeError("a bug of the window")

        unsubscribe = application.events.subscribe(fail)
        application.ingest.add_paths([bench.write("a.md", "Words.")])
        bench.wait_ready("a.md")
        unsubscribe()
    finally:
        threading.excepthook = hook
    assert reported.is_set()


def test_a_path_through_a_linked_folder_is_the_same_note(bench: Bench, tmp_path: Path) -> None:
    application = bench.start()
    note = bench.write("a.md", "Words.")
    link = tmp_path / "link"
    link.symlink_to(bench.notes, target_is_directory=True)

    application.ingest.add_paths([note])
    bench.wait_ready("a.md")
    report = application.ingest.add_paths([link / "a.md"])

    assert [document.path for document in report.unchanged] == [note]


def test_a_store_that_fails_for_a_while_is_said_once_and_learning_goes_on_by_itself(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("app.services.ingest_dispatcher.POLL_S", 0.02)
    monkeypatch.setattr("app.services.ingest_dispatcher.STORAGE_PAUSE_S", 0.02)
    application = bench.start()
    store = Catalog.store_content
    refusals: list[int] = []

    def refuse(self: Catalog, document_id: int, *args: object, **kwargs: object) -> bool:
        if len(refusals) < 2:
            refusals.append(document_id)
            raise StorageError("The disk is full.", "Free some space.")
        return store(self, document_id, *args, **kwargs)  # type: ignore[arg-type]

    monkeypatch.setattr(Catalog, "store_content", refuse)

    application.ingest.add_paths([bench.write("a.md", "Words.")])

    bench.wait_ready("a.md")
    assert len(refusals) == 2
    assert [notice.title for notice in bench.notices] == ["The disk is full."]


def test_notes_for_another_model_whose_files_are_away_keep_what_is_known_of_them(bench: Bench) -> None:
    application = bench.start()
    away = bench.write("away.md", "Words.")
    application.ingest.add_paths([away, bench.write("here.md", "Other words.")])
    bench.wait_ready("away.md", "here.md")
    application.close()
    away.unlink()
    bench.preparation.hypernetwork_hash = "d" * 64

    again = bench.start()

    bench.wait(lambda: bench.ingest_engine.begun.count("here.md") == 2)
    document = bench.known("away.md")
    assert document.state is DocumentState.READY
    assert [chunk.text for chunk in again.profile.catalog.chunks_of(document.id)] == ["Words."]
    assert "1 more wait" in bench.notices[-1].message


def test_a_note_renamed_under_the_workers_hands_is_read_under_its_new_name(bench: Bench) -> None:
    application = bench.start()
    bench.ingest_engine.hold()
    report = application.ingest.add_paths([bench.write("a.md", "Words.")])
    bench.ingest_engine.wait_begun()
    new_path = bench.notes / "b.md"
    (bench.notes / "a.md").replace(new_path)
    application.library.rename(report.added[0].id, new_path, FileStamp(6, 1))

    bench.ingest_engine.release()

    bench.wait_ready("b.md")
    assert bench.ingest_engine.begun == ["a.md", "b.md"]  # the first looked in the wrong place
    assert bench.notices == []


def test_a_new_note_that_the_start_of_learning_queued_first_is_told_as_added(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    application = bench.build()
    learn = Queueing.learn

    def learn_behind_the_recovery(
        queueing: Queueing, document: DocumentRecord, stamp: FileStamp, *, is_retry: bool
    ) -> bool:
        learn(queueing, document, stamp, is_retry=True)  # as IngestDispatcher's recovery does
        return learn(queueing, document, stamp, is_retry=is_retry)

    monkeypatch.setattr(Queueing, "learn", learn_behind_the_recovery)

    report = application.ingest.add_paths([bench.write("a.md", "One.")])

    assert [document.path.name for document in report.added] == ["a.md"]
    assert report.unchanged == ()
    monkeypatch.undo()
    again = application.ingest.add_paths([bench.notes / "a.md"])
    assert [document.path.name for document in again.unchanged] == ["a.md"]
