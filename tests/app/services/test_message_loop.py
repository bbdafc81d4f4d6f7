import queue
import threading
from collections.abc import Callable, Iterator

import pytest

from app.services.message_loop import MessageLoop
from storage.errors import StorageError
from tests.patience import PATIENCE_S


class Counter:
    """Counts with a loop: adds up numbers, fails where a message is an exception.

    Attributes:
        steps: what each step was called with.
        told: the title of each failure of the store, and whether it was news.
        too_late: what was left at the end.
    """

    def __init__(self, wait_s: Callable[[], float | None] = lambda: None) -> None:
        self.steps: list[object] = []
        self.told: list[tuple[str, bool]] = []
        self.too_late: list[object] = []
        self.n_ends = 0
        self.threads: set[str] = set()
        self.stepped: queue.SimpleQueue[object] = queue.SimpleQueue()
        self.loop: MessageLoop[object] = MessageLoop(
            "counter",
            step=self._step,
            wait_s=wait_s,
            on_storage_error=lambda exc, is_news: self.told.append((exc.title, is_news)),
            at_end=self._end,
        )

    def wait_step(self) -> object:
        return self.stepped.get(timeout=PATIENCE_S)

    def _step(self, message: object) -> None:
        self.threads.add(threading.current_thread().name)
        self.steps.append(message)
        try:
            if message == "recovered":
                self.loop.recovered()
            if callable(message):
                message()
            if isinstance(message, Exception):
                raise message
        finally:
            self.stepped.put(message)

    def _end(self) -> None:
        self.threads.add(threading.current_thread().name)
        self.n_ends += 1
        self.too_late += self.loop.remaining()


@pytest.fixture
def counter() -> Iterator[Counter]:
    counter = Counter()
    yield counter
    counter.loop.stop()


def test_messages_are_handled_in_order_on_the_loops_own_thread(counter: Counter) -> None:
    counter.loop.post("before the start")
    counter.loop.start()
    for number in range(3):
        counter.loop.post(number)
    counter.loop.stop()

    assert counter.steps == ["before the start", 0, 1, 2]
    assert counter.threads == {"counter"}


def test_stopping_handles_what_has_come_and_ends_once(counter: Counter) -> None:
    late = threading.Event()

    def hold() -> None:
        assert late.wait(PATIENCE_S)

    counter.loop.start()
    counter.loop.post(hold)
    counter.loop.post("in time")
    stopping = threading.Thread(target=counter.loop.stop)
    assert counter.loop.has_messages
    stopping.start()
    late.set()
    stopping.join()
    counter.loop.stop()

    assert counter.steps == [hold, "in time"]
    assert counter.n_ends == 1


def test_what_comes_behind_the_stop_is_not_handled_but_not_lost(counter: Counter) -> None:
    def stop_and_post() -> None:  # as another thread may, while a step runs
        stopping = threading.Thread(target=counter.loop.stop)
        stopping.start()
        while not counter.loop.has_messages:
            pass
        counter.loop.post("too late")

    counter.loop.start()
    counter.loop.post(stop_and_post)
    counter.wait_step()
    counter.loop.stop()

    assert counter.steps == [stop_and_post]
    assert counter.too_late == ["too late"]


def test_a_loop_that_never_ran_is_stopped_without_an_end(counter: Counter) -> None:
    counter.loop.stop()

    assert counter.n_ends == 0


def test_a_step_without_a_message_follows_when_its_time_has_come() -> None:
    waits: list[float | None] = [0.0, 0.0]
    counter = Counter(wait_s=lambda: waits.pop() if waits else None)

    counter.loop.start()
    assert counter.wait_step() is None
    assert counter.wait_step() is None
    counter.loop.post("then one")
    counter.loop.stop()

    assert counter.steps == [None, None, "then one"]


def test_a_failure_of_the_store_is_news_once_until_the_store_works_again(counter: Counter) -> None:
    full, locked = StorageError("The disk is full."), StorageError("The library is locked.")

    counter.loop.start()
    for message in (full, "an idle step", full, locked, locked, "recovered", locked):
        counter.loop.post(message)
    counter.loop.stop()

    assert counter.told == [
        ("The disk is full.", True),
        ("The disk is full.", False),
        ("The library is locked.", True),
        ("The library is locked.", False),
        ("The library is locked.", True),
    ]
    assert counter.n_ends == 1


def test_a_bug_ends_the_thread_and_reaches_the_crash_hook(
    counter: Counter, monkeypatch: pytest.MonkeyPatch
) -> None:
    crashes: queue.SimpleQueue[threading.ExceptHookArgs] = queue.SimpleQueue()
    monkeypatch.setattr(threading, "excepthook", crashes.put)
    counter.loop.start()
    counter.loop.post(ZeroDivisionError("a bug"))

    crash = crashes.get(timeout=PATIENCE_S)
    counter.loop.post("nobody is there")
    counter.loop.stop()

    assert crash.exc_type is ZeroDivisionError
    assert crash.thread is not None
    assert crash.thread.name == "counter"
    assert counter.steps[1:] == []
    assert counter.told == []
