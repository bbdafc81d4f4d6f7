import logging
import queue
import sqlite3
from pathlib import Path

import pytest

from engine.client import WorkerClient
from engine.errors import UnreadableDocument
from engine.messages import WorkerDied
from engine.private_log import PrivateFormatter, summary, traceback_without_messages

SECRET = "The vault code is ZEBRA-4711."


def raised(error: Exception, cause: Exception | None = None) -> Exception:
    try:
        raise error from cause
    except type(error) as caught:
        return caught


def test_a_traceback_names_places_and_kinds_and_quotes_nothing() -> None:
    error = raised(ValueError(SECRET), cause=raised(KeyError(SECRET)))

    text = traceback_without_messages(error)

    assert "ZEBRA" not in text
    assert text.splitlines()[-1] == "ValueError"
    assert "KeyError" in text
    assert "test_private_log.py" in text
    assert ", in raised" in text


def test_what_came_before_an_error_is_told_and_a_circle_ends() -> None:
    first = raised(KeyError(SECRET))
    second = ValueError(SECRET)
    second.__context__ = first
    first.__context__ = second

    text = traceback_without_messages(second)

    assert text.count("KeyError") == text.count("ValueError") == 1


@pytest.mark.parametrize(
    ("error", "expected"),
    [
        (FileNotFoundError(2, "No such file or directory", "/notes/ZEBRA.md"), "[Errno 2] No such file or"),
        (
            UnreadableDocument("The file has no text.", f"{SECRET}"),
            "UnreadableDocument: The file has no text.",
        ),
        (sqlite3.IntegrityError(f"UNIQUE constraint failed: {SECRET}"), "IntegrityError"),
        (UnicodeDecodeError("utf-8", SECRET.encode(), 0, 1, "ZEBRA"), "UnicodeDecodeError"),
    ],
)
def test_as_much_of_a_message_is_kept_as_can_quote_nothing(error: Exception, expected: str) -> None:
    assert expected in summary(error)
    assert "ZEBRA" not in summary(error)


def test_what_other_libraries_say_is_left_out() -> None:
    formatter = PrivateFormatter("%(levelname)s %(name)s: %(message)s")
    theirs = logging.makeLogRecord({"name": "pypdf._reader", "levelname": "WARNING", "msg": SECRET})
    ours = logging.makeLogRecord(
        {"name": "engine.worker", "levelname": "INFO", "msg": "Job %d", "args": (7,)}
    )

    assert formatter.format(theirs) == "WARNING pypdf._reader: (message left out: it may quote a note)"
    assert formatter.format(ours) == "INFO engine.worker: Job 7"


@pytest.mark.parametrize("way", ["raise", "thread", "other library", "warning"])
def test_a_worker_that_stumbles_over_a_note_puts_nothing_of_it_into_the_log(
    way: str, caplog: pytest.LogCaptureFixture
) -> None:
    caplog.set_level(logging.INFO)
    events: queue.Queue[object] = queue.Queue()
    client: WorkerClient[object, object] = WorkerClient(
        "tests.engine.toy_workers:stumble", (way, SECRET), "toy-stumble"
    )

    client.start(events.put)

    died = events.get(timeout=120)
    assert isinstance(died, WorkerDied)
    for text in (died.stderr_tail, caplog.text):
        assert "ZEBRA" not in text
        assert (
            "pypdf" if way == "other library" else "py.warnings" if way == "warning" else "ValueError"
        ) in text


def test_the_program_s_code_is_where_it_says(tmp_path: Path) -> None:
    error = raised(OSError(13, "Permission denied", str(tmp_path)))

    assert str(tmp_path) not in traceback_without_messages(error)
    assert str(Path(__file__)) in traceback_without_messages(error)
