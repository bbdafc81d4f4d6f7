"""The life of a worker process, with a clock that stands still and processes that do what a test says."""

from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import pytest

from app.services.library_events import EngineState, EngineStateChanged, LibraryEvent, LibraryEvents
from app.services.notices import Notice, NoticeBoard, NoticeLevel
from app.services.worker_supervisor import FIRST_PAUSE_S, MAX_DEATHS, Phase, WorkerEvent, WorkerSupervisor
from engine.errors import EngineDied
from engine.messages import EngineSettings, WorkerDied, WorkerFailed, WorkerReady

READY = WorkerReady("CPU, 2 threads", "no GPU", "b" * 64, "c" * 64)
DIED = WorkerDied(-11, "ggml_assert failed")
SETTINGS = EngineSettings(base_model=Path("base.gguf"), weights_dir=Path("weights"))

Command = str
Event = WorkerReady | WorkerFailed
Said = WorkerEvent[Event]


@dataclass
class Process:
    """One process of the worker, which says what the test has it say."""

    settings: EngineSettings
    start_error: OSError | None = None
    is_running: bool = False
    told: list[Command] = field(default_factory=list)
    stopped_within_s: list[float] = field(default_factory=list)
    on_event: Callable[[Event | WorkerDied], None] = lambda _event: None

    def start(self, on_event: Callable[[Event | WorkerDied], None]) -> None:
        if self.start_error is not None:
            raise self.start_error
        self.is_running = True
        self.on_event = on_event

    def send(self, command: Command) -> None:
        if not self.is_running:
            raise EngineDied("It has stopped.")
        self.told.append(command)

    def stop(self, timeout_s: float = 5.0) -> None:
        self.is_running = False
        self.stopped_within_s.append(timeout_s)

    def say(self, event: Event) -> None:
        self.on_event(event)

    def die(self) -> None:
        self.is_running = False
        self.on_event(DIED)


class World:
    """A supervisor, its processes, and everything it tells."""

    def __init__(self) -> None:
        self.now_s = 1000.0
        self.processes: list[Process] = []
        self.start_error: OSError | None = None
        self.inbox: list[Said] = []
        self.times_asked_for_models = 0
        self.events: list[LibraryEvent] = []
        self.notices: list[Notice] = []
        events, notices = LibraryEvents(), NoticeBoard()
        events.subscribe(self.events.append)
        notices.subscribe(self.notices.append)
        self.supervisor: WorkerSupervisor[Command, Event] = WorkerSupervisor(
            "chat",
            factory=self._make_process,
            post=self.inbox.append,
            prepare_models=self._ask_for_models,
            events=events,
            notices=notices,
            clock_s=lambda: self.now_s,
        )

    def _make_process(self, settings: EngineSettings) -> Process:
        self.processes.append(Process(settings, self.start_error))
        return self.processes[-1]

    def _ask_for_models(self) -> None:
        self.times_asked_for_models += 1

    @property
    def process(self) -> Process:
        """The newest."""
        return self.processes[-1]

    def take_inbox(self) -> list[bool]:
        """Have the supervisor follow what was said so far; whether each was of the present process."""
        said, self.inbox[:] = tuple(self.inbox), []
        return [self.supervisor.accept(each) for each in said]

    def start(self) -> None:
        """Start the process, and have it say that it is ready."""
        self.supervisor.start_if_allowed()
        self.process.say(READY)
        assert self.take_inbox() == [True]

    def die(self) -> None:
        """Have the newest process die, and the supervisor hear of it."""
        self.process.die()
        assert self.take_inbox() == [True]

    def phase(self) -> Phase:
        """A call, because mypy takes it that an attribute stays as it was last compared."""
        return self.supervisor.phase

    def states(self) -> list[EngineState]:
        return [event.state for event in self.events if isinstance(event, EngineStateChanged)]


@pytest.fixture
def world() -> World:
    return World()


@pytest.fixture
def running(world: World) -> World:
    """With a process that is ready."""
    world.supervisor.prepare(SETTINGS)
    world.start()
    return world


# --- started, and only when it may be -----------------------------------------------------------------------


def test_nothing_is_started_before_the_models_are_there(world: World) -> None:
    world.supervisor.start_if_allowed()

    assert world.processes == []
    assert world.phase() is Phase.UNPREPARED


def test_a_process_is_started_once_and_is_ready_when_it_says_so(world: World) -> None:
    world.supervisor.prepare(SETTINGS)
    world.supervisor.start_if_allowed()
    world.supervisor.start_if_allowed()
    assert [process.settings for process in world.processes] == [SETTINGS]
    assert world.phase() is Phase.STARTING

    world.process.say(READY)
    world.take_inbox()

    assert world.phase() is Phase.READY
    assert world.events == [
        EngineStateChanged("chat", EngineState.STARTING),
        EngineStateChanged("chat", EngineState.READY, "CPU, 2 threads", "no GPU"),
    ]


def test_a_command_goes_to_the_process_that_runs(running: World) -> None:
    running.supervisor.send("ask")

    assert running.process.told == ["ask"]


def test_a_command_to_a_process_that_has_just_ended_is_no_error(running: World) -> None:
    running.process.die()

    running.supervisor.send("ask")  # its death is in the inbox already

    assert running.process.told == []


# --- deaths and pauses --------------------------------------------------------------------------------------


def test_a_dead_process_is_announced_and_started_again_after_a_pause(running: World) -> None:
    running.die()
    assert running.phase() is Phase.OFF
    assert running.supervisor.wait_s() == FIRST_PAUSE_S
    assert [notice.level for notice in running.notices] == [NoticeLevel.WARNING]
    assert "Exit code -11. ggml_assert failed" in running.notices[0].detail

    running.supervisor.start_if_allowed()
    assert len(running.processes) == 1

    running.now_s += FIRST_PAUSE_S
    assert running.supervisor.wait_s() is None
    running.supervisor.start_if_allowed()
    assert len(running.processes) == 2


def test_the_pause_doubles_with_each_death(running: World) -> None:
    pauses = []
    for _death in range(MAX_DEATHS - 1):
        running.die()
        pause_s = running.supervisor.wait_s()
        assert pause_s is not None
        pauses.append(pause_s)
        running.now_s += pause_s
        running.start()

    assert pauses == [FIRST_PAUSE_S * 2**death for death in range(MAX_DEATHS - 1)]


def die_for_good(world: World) -> None:
    for _death in range(MAX_DEATHS):
        world.now_s += 60.0
        if world.supervisor.phase is Phase.OFF:
            world.start()
        world.die()


def test_a_process_that_keeps_dying_is_left_alone(running: World) -> None:
    die_for_good(running)

    assert running.phase() is Phase.FAILED
    assert running.notices[-1].level is NoticeLevel.ERROR
    assert running.supervisor.failure == (running.notices[-1].title, running.notices[-1].detail)
    assert running.states()[-1] is EngineState.FAILED
    assert running.supervisor.wait_s() is None
    running.now_s += 1e6
    running.supervisor.start_if_allowed()
    assert len(running.processes) == MAX_DEATHS


def test_deaths_before_a_success_do_not_count(running: World) -> None:
    for _death in range(3 * MAX_DEATHS):
        running.supervisor.succeeded()
        running.die()
        assert running.supervisor.wait_s() == FIRST_PAUSE_S
        running.now_s += FIRST_PAUSE_S
        running.start()

    assert running.phase() is Phase.READY


def test_being_ready_is_no_success(running: World) -> None:
    running.die()
    running.now_s += FIRST_PAUSE_S
    running.start()
    running.die()

    assert running.supervisor.wait_s() == 2 * FIRST_PAUSE_S


def test_somebody_who_asks_for_work_does_not_wait_for_the_pause(running: World) -> None:
    running.die()

    running.supervisor.reset_backoff()
    running.supervisor.start_if_allowed()

    assert len(running.processes) == 2


def test_somebody_who_asks_for_work_has_a_process_that_was_given_up_started_anew(running: World) -> None:
    die_for_good(running)

    running.supervisor.reset_backoff()
    running.start()
    running.die()

    assert running.phase() is Phase.OFF
    assert running.supervisor.wait_s() == FIRST_PAUSE_S  # what was before no longer counts


def test_a_process_that_the_system_does_not_start_counts_as_a_death(world: World) -> None:
    world.supervisor.prepare(SETTINGS)
    world.start_error = OSError("Cannot allocate memory")

    world.supervisor.start_if_allowed()

    assert world.phase() is Phase.OFF
    assert world.supervisor.wait_s() == FIRST_PAUSE_S
    assert "Cannot allocate memory" in world.notices[0].detail


# --- events of earlier processes ----------------------------------------------------------------------------


def test_what_a_killed_process_still_says_is_void(running: World) -> None:
    killed = running.process
    running.supervisor.kill()
    running.supervisor.start_if_allowed()

    killed.say(READY)
    killed.say(WorkerFailed("It cannot work.", ""))
    killed.on_event(DIED)

    assert running.take_inbox() == [False, False, False]
    assert running.phase() is Phase.STARTING
    assert running.notices == []


def test_what_a_process_said_before_it_was_killed_is_void_afterwards(running: World) -> None:
    running.process.say(READY)  # still in the inbox when it is killed

    running.supervisor.kill()

    assert running.take_inbox() == [False]
    assert running.phase() is Phase.OFF


def test_a_late_death_of_an_earlier_process_makes_no_pause(running: World) -> None:
    killed = running.process
    running.supervisor.kill()
    killed.on_event(DIED)
    running.take_inbox()

    assert running.supervisor.wait_s() is None
    running.start()
    assert running.phase() is Phase.READY


# --- it says that it cannot work ----------------------------------------------------------------------------


def test_a_process_that_says_it_cannot_work_is_not_started_again_by_itself(running: World) -> None:
    running.process.say(WorkerFailed("The model is damaged.", "tensor 3"))
    running.take_inbox()

    assert running.phase() is Phase.FAILED
    assert running.supervisor.failure == ("The model is damaged.", "tensor 3")
    assert [(notice.level, notice.title) for notice in running.notices] == [
        (NoticeLevel.ERROR, "The model is damaged.")
    ]
    running.supervisor.start_if_allowed()
    assert len(running.processes) == 1


def test_the_process_that_failed_is_ended_before_another_is_started(running: World) -> None:
    failed = running.process
    failed.say(WorkerFailed("The model is damaged.", ""))
    running.take_inbox()

    running.supervisor.reset_backoff()
    running.supervisor.start_if_allowed()

    assert failed.stopped_within_s == [1.0]
    assert running.process is not failed


def test_models_that_are_there_at_last_let_a_failed_worker_start(world: World) -> None:
    world.supervisor.fail("There is no model.", "")
    assert world.notices == []  # whoever says so has told the user

    world.supervisor.prepare(SETTINGS)
    world.start()

    assert world.states() == [
        EngineState.FAILED,
        EngineState.STOPPED,
        EngineState.STARTING,
        EngineState.READY,
    ]


def test_models_that_could_not_be_had_are_asked_for_once_more(world: World) -> None:
    world.supervisor.fail("There is no model.", "")

    world.supervisor.reset_backoff()

    assert world.times_asked_for_models == 1
    assert world.phase() is Phase.UNPREPARED


def test_models_that_are_there_are_not_asked_for_again(running: World) -> None:
    running.supervisor.fail("The disk is full.", "")

    running.supervisor.reset_backoff()

    assert running.times_asked_for_models == 0
    assert running.phase() is Phase.OFF


# --- ended on purpose ---------------------------------------------------------------------------------------


def test_a_killed_process_is_no_death_and_can_be_started_at_once(running: World) -> None:
    running.supervisor.kill()
    assert running.process.stopped_within_s == [0.0]

    running.supervisor.start_if_allowed()

    assert len(running.processes) == 2
    assert running.notices == []


def test_stopping_is_said_only_of_what_ran(world: World) -> None:
    world.supervisor.stop()
    assert world.events == []
    assert world.phase() is Phase.UNPREPARED

    world.supervisor.prepare(SETTINGS)
    world.start()
    world.supervisor.stop(timeout_s=3.0)

    assert world.process.stopped_within_s == [3.0]
    assert world.states()[-1] is EngineState.STOPPED
    assert world.phase() is Phase.OFF
