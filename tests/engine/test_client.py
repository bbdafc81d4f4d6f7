import os
import queue
import signal
import subprocess
import sys
import threading
from collections.abc import Iterator
from multiprocessing import resource_tracker
from multiprocessing.connection import Listener
from multiprocessing.context import SpawnProcess
from pathlib import Path

import pytest

from engine.client import WorkerClient
from engine.errors import EngineDied
from engine.messages import EngineSettings, WorkerDied, WorkerFailed
from engine.worker_clients import chat_client, ingest_client
from tests.patience import PATIENCE_S

TOYS = "tests.engine.toy_workers"
"""How long a test waits for something that takes under a second on an idle machine."""


class ToyClient(WorkerClient[object, object]):
    """A client whose events are collected in a queue."""

    def __init__(self, target: str, settings: object = None) -> None:
        super().__init__(f"{TOYS}:{target}", settings, f"toy-{target.replace('_', '-')}")
        self.events: queue.Queue[object] = queue.Queue()

    def begin(self) -> None:
        self.start(self.events.put)

    def next_event(self) -> object:
        return self.events.get(timeout=PATIENCE_S)


@pytest.fixture
def clients() -> Iterator[list[ToyClient]]:
    started: list[ToyClient] = []
    yield started
    for client in started:
        client.stop(timeout_s=1.0)


def begin(clients: list[ToyClient], target: str, settings: object = None) -> ToyClient:
    client = ToyClient(target, settings)
    clients.append(client)
    client.begin()
    return client


def importing_from_here() -> dict[str, str]:
    """The environment of a program that lies elsewhere and imports what this one can."""
    return {**os.environ, "PYTHONPATH": os.pathsep.join([str(Path.cwd()), *sys.path])}


def test_commands_come_back_as_events_in_order(clients: list[ToyClient]) -> None:
    client = begin(clients, "echo", settings={"device": "cpu"})
    assert client.next_event() == ("ready", {"device": "cpu"})
    for number in range(100):
        client.send(number)
    assert [client.next_event() for _ in range(100)] == list(range(100))
    assert client.is_running


def test_an_orderly_stop_reports_no_death_and_needs_no_kill(clients: list[ToyClient]) -> None:
    client = begin(clients, "echo")
    client.next_event()
    client.stop(timeout_s=3600.0)  # if it had to be killed, the test would not end before it is ended
    assert client.events.empty()
    assert not client.is_running
    with pytest.raises(EngineDied):
        client.send("anything")


def test_a_worker_killed_by_a_signal_is_reported_as_dead(clients: list[ToyClient]) -> None:
    client = begin(clients, "echo")
    client.next_event()
    assert client.process_id is not None
    os.kill(client.process_id, signal.SIGKILL)
    assert client.next_event() == WorkerDied(-signal.SIGKILL)
    assert not client.is_running
    with pytest.raises(EngineDied):
        client.send("anything")


def test_an_abort_in_native_code_is_reported_with_its_last_words(clients: list[ToyClient]) -> None:
    client = begin(clients, "abort_when_told")
    client.send("now")
    event = client.next_event()
    assert isinstance(event, WorkerDied)
    assert event.exit_code == -signal.SIGABRT
    assert "GGML_ASSERT(shape) failed" in event.stderr_tail


def test_an_exception_at_the_start_is_a_death_with_its_traceback(
    clients: list[ToyClient], capfd: pytest.CaptureFixture[str]
) -> None:
    event = begin(clients, "raise_at_start").next_event()
    assert isinstance(event, WorkerDied)
    assert event.exit_code == 1
    assert "ZeroDivisionError" in event.stderr_tail
    assert "Traceback" not in capfd.readouterr().err


def test_a_target_that_cannot_be_imported_is_a_death_that_names_it(clients: list[ToyClient]) -> None:
    event = begin(clients, "no_such_function").next_event()
    assert isinstance(event, WorkerDied)
    assert "no_such_function" in event.stderr_tail


def test_a_worker_that_fails_politely_is_not_reported_as_dead(clients: list[ToyClient]) -> None:
    client = begin(clients, "fail_politely")
    assert client.next_event() == WorkerFailed("The language model is missing.", "Type make run.")
    client.stop(timeout_s=PATIENCE_S)
    assert client.events.empty()


def test_a_worker_that_does_not_listen_is_killed_after_the_timeout(clients: list[ToyClient]) -> None:
    client = begin(clients, "ignore_everything")
    client.next_event()
    client.stop(timeout_s=0.2)
    assert not client.is_running
    assert client.events.empty()


def test_stopping_is_not_held_up_by_a_full_pipe(clients: list[ToyClient]) -> None:
    client = begin(clients, "ignore_everything")
    client.next_event()
    outcome: queue.Queue[BaseException | None] = queue.Queue()

    def send_more_than_a_pipe_holds() -> None:
        try:
            client.send(b"x" * 10_000_000)
        except EngineDied as exc:
            outcome.put(exc)
        else:
            outcome.put(None)

    sender = threading.Thread(target=send_more_than_a_pipe_holds)
    sender.start()
    client.stop(timeout_s=0.2)
    sender.join(PATIENCE_S)
    assert isinstance(outcome.get_nowait(), EngineDied)


def test_a_worker_that_closes_its_pipe_and_lingers_is_killed_and_reported(
    clients: list[ToyClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("engine.client.EXIT_GRACE_S", 0.2)
    assert begin(clients, "close_and_linger").next_event() == WorkerDied(-signal.SIGKILL)


@pytest.mark.skipif(not hasattr(os, "fork"), reason="this system cannot fork")
def test_a_death_is_noticed_although_a_grandchild_keeps_the_pipe_open(clients: list[ToyClient]) -> None:
    client = begin(clients, "leave_a_grandchild_with_the_pipe")
    client.next_event()
    assert client.process_id is not None
    os.kill(client.process_id, signal.SIGKILL)
    event = client.next_event()
    assert isinstance(event, WorkerDied)
    assert event.exit_code == -signal.SIGKILL


def test_a_listener_may_start_the_worker_again_when_it_died(clients: list[ToyClient]) -> None:
    client = ToyClient("echo")
    clients.append(client)
    seen: queue.Queue[object] = queue.Queue()

    def restart_on_death(event: object) -> None:
        seen.put(event)
        if isinstance(event, WorkerDied):
            client.start(restart_on_death)

    client.start(restart_on_death)
    assert seen.get(timeout=PATIENCE_S) == ("ready", None)
    first = client.process_id
    assert first is not None
    os.kill(first, signal.SIGKILL)
    assert seen.get(timeout=PATIENCE_S) == WorkerDied(-signal.SIGKILL)
    assert seen.get(timeout=PATIENCE_S) == ("ready", None)
    assert client.process_id != first
    client.send("still there?")
    assert seen.get(timeout=PATIENCE_S) == "still there?"


def test_a_second_start_is_refused_while_the_worker_runs(clients: list[ToyClient]) -> None:
    client = begin(clients, "echo")
    with pytest.raises(RuntimeError, match="running already"):
        client.begin()
    assert client.next_event() == ("ready", None)


@pytest.fixture
def reports(monkeypatch: pytest.MonkeyPatch) -> "queue.Queue[str]":
    """What threads report as their bugs."""
    reports: queue.Queue[str] = queue.Queue()
    monkeypatch.setattr(threading, "excepthook", lambda report: reports.put(str(report.exc_value)))
    return reports


def test_a_bug_in_a_listener_is_reported_and_later_events_still_arrive(
    clients: list[ToyClient], reports: "queue.Queue[str]"
) -> None:
    client = ToyClient("echo")
    clients.append(client)
    seen: queue.Queue[object] = queue.Queue()

    def stumble_once(event: object) -> None:
        seen.put(event)
        if event == "stumble":
            raise KeyError("a bug in the window")

    client.start(stumble_once)
    seen.get(timeout=PATIENCE_S)
    client.send("stumble")
    client.send("walk")
    assert [seen.get(timeout=PATIENCE_S) for _ in range(2)] == ["stumble", "walk"]
    assert "a bug in the window" in reports.get_nowait()


def test_stopping_from_inside_an_event_is_refused_instead_of_hanging(
    clients: list[ToyClient], reports: "queue.Queue[str]"
) -> None:
    client = ToyClient("echo")
    clients.append(client)
    client.start(lambda event: client.stop())
    assert "from inside its own events" in reports.get(timeout=PATIENCE_S)


def test_the_child_is_prepared_before_anything_heavy_is_imported(
    clients: list[ToyClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    # What stands there already is kept; and torch, in the process of these tests, sets some of it in C, which
    # os.environ does not show: only what Python has set itself it takes out again.
    for name in ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "GGML_NO_BACKTRACE", "OPENBLAS_NUM_THREADS"):
        monkeypatch.setenv(name, "")
        monkeypatch.delenv(name)
    client = begin(clients, "report_environment")
    assert client.next_event() == {
        "GOMP_SPINCOUNT": "100000",
        "KMP_BLOCKTIME": "1",
        "GGML_NO_BACKTRACE": "1",
        "OPENBLAS_NUM_THREADS": "1",
    }
    assert client.next_event() is True, "the worker must ignore SIGINT"
    assert client.next_event() is False, "torch or llama_cpp was imported before the worker's own module"


INTERRUPTED_WHILE_SPAWNED = """
import os, queue, signal, sys, threading
from engine.client import WorkerClient
if __name__ == "__mp_main__":  # in the child, which imports this file before anything of ours runs there
    os.kill(os.getpid(), signal.SIGINT)
if __name__ == "__main__":
    happened = queue.SimpleQueue()
    client = WorkerClient("tests.engine.toy_workers:report_interrupts", None, "toy")
    def begin():
        client.start(happened.put)
        print("blocked here:", signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ()))
    if sys.argv[1] == "main thread":
        begin()
    else:
        starter = threading.Thread(target=begin)
        starter.start()
        starter.join()
    print("ignored and blocked there:", happened.get(timeout=100))
    client.stop()
"""


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system has no signal masks")
@pytest.mark.parametrize("thread", ["main thread", "other thread"])
def test_ctrl_c_while_a_worker_is_spawned_is_not_heard_there(thread: str, tmp_path: Path) -> None:
    program = tmp_path / "parent.py"
    program.write_text(INTERRUPTED_WHILE_SPAWNED, encoding="utf-8")

    ended = subprocess.run(
        [sys.executable, str(program), thread],
        env=importing_from_here(),
        capture_output=True,
        text=True,
        timeout=PATIENCE_S,
        check=False,
    )

    assert ended.stderr == ""
    assert ended.stdout == "blocked here: False\nignored and blocked there: (True, False)\n"


@pytest.mark.skipif(not hasattr(signal, "pthread_sigmask"), reason="this system has no signal masks")
def test_ctrl_c_here_while_a_worker_is_spawned_leaves_one_that_can_be_stopped(
    clients: list[ToyClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    spawn = SpawnProcess.start

    def spawn_and_interrupt(process: SpawnProcess) -> None:
        spawn(process)
        signal.raise_signal(signal.SIGINT)

    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    monkeypatch.setattr(SpawnProcess, "start", spawn_and_interrupt)
    client = ToyClient("echo")
    clients.append(client)
    # It is ignored where the tests run as a shell's background job.
    before = signal.signal(signal.SIGINT, signal.default_int_handler)
    try:
        with pytest.raises(KeyboardInterrupt):
            client.begin()
    finally:
        signal.signal(signal.SIGINT, before)

    assert client.next_event() == ("ready", None)
    client.stop(timeout_s=PATIENCE_S)
    assert list(tmp_path.iterdir()) == []


def test_a_worker_is_started_where_there_are_no_signal_masks(
    clients: list[ToyClient], monkeypatch: pytest.MonkeyPatch
) -> None:
    resource_tracker.ensure_running()  # would use them here
    monkeypatch.delattr(signal, "pthread_sigmask")
    assert begin(clients, "echo").next_event() == ("ready", None)


def test_no_file_is_left_behind_by_a_stopped_worker(
    clients: list[ToyClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = begin(clients, "echo")
    client.next_event()
    client.stop(timeout_s=PATIENCE_S)
    assert list(tmp_path.iterdir()) == []


def test_a_death_is_reported_although_the_temporary_folder_was_cleaned(
    clients: list[ToyClient], tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))
    client = begin(clients, "echo")
    client.next_event()
    for file in tmp_path.iterdir():
        file.unlink()
    assert client.process_id is not None
    os.kill(client.process_id, signal.SIGKILL)
    event = client.next_event()
    assert isinstance(event, WorkerDied)
    assert "its output is lost" in event.stderr_tail


def test_nothing_is_left_behind_when_no_process_can_be_started(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("tempfile.tempdir", str(tmp_path))

    def no_memory(self: object) -> None:
        raise OSError(12, "Cannot allocate memory")

    monkeypatch.setattr("multiprocessing.context.SpawnProcess.start", no_memory)
    client = ToyClient("echo")
    with pytest.raises(OSError, match="Cannot allocate memory"):
        client.begin()
    assert not client.is_running
    assert list(tmp_path.iterdir()) == []


@pytest.mark.parametrize("signal_number", [signal.SIGKILL, signal.SIGTERM])
def test_a_busy_worker_ends_when_its_parent_is_killed(signal_number: signal.Signals, tmp_path: Path) -> None:
    script = """
import sys, threading
from engine.client import WorkerClient
if __name__ == "__main__":
    client = WorkerClient("tests.engine.toy_workers:be_busy_and_call", sys.argv[1], "toy")
    # Started on a thread that ends: the worker must outlive it.
    starter = threading.Thread(target=client.start, args=(print,))
    starter.start()
    starter.join()
    threading.Event().wait()
"""
    program = tmp_path / "parent.py"
    program.write_text(script, encoding="utf-8")
    address = str(tmp_path / "line")
    command = [sys.executable, str(program), address]
    environment = importing_from_here()
    with Listener(address, authkey=b"toy") as listener, subprocess.Popen(command, env=environment) as parent:
        line = listener.accept()
        assert isinstance(line.recv(), int)
        assert not line.poll(0.5), "the worker ended with the thread that started it"
        parent.send_signal(signal_number)
        parent.wait(PATIENCE_S)
        assert line.poll(PATIENCE_S), "the worker outlived its parent"
        with pytest.raises(EOFError):
            line.recv()
        line.close()


def test_the_two_clients_name_their_workers_without_importing_them(tmp_path: Path) -> None:
    settings = EngineSettings(base_model=tmp_path / "base.gguf", weights_dir=tmp_path)
    before = set(sys.modules)
    assert not ingest_client(settings).is_running
    assert not chat_client(settings).is_running
    assert {"engine.worker", "engine.chat.worker"} & (set(sys.modules) - before) == set()
