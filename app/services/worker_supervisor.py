"""The life of one worker process: started when it can be, announced, restarted with growing pauses."""

import logging
from collections.abc import Callable
from dataclasses import dataclass
from enum import Enum, auto
from typing import Generic, TypeVar

from app.services.library_events import EngineState, EngineStateChanged, LibraryEvents, WorkerName
from app.services.notices import NoticeBoard
from app.services.ports import WorkerPort
from engine.errors import EngineDied
from engine.messages import EngineSettings, WorkerDied, WorkerFailed, WorkerReady

logger = logging.getLogger(__name__)

CommandT = TypeVar("CommandT")
EventT = TypeVar("EventT")

FIRST_PAUSE_S = 0.5
"""After the first death; it doubles with each further one."""

MAX_DEATHS = 5
"""After this many deaths without any success between them the worker is not started again by itself."""

_NAMES: dict[WorkerName, str] = {"models": "preparing", "ingest": "learning", "chat": "answering"}


class Phase(Enum):
    """Where the process stands."""

    UNPREPARED = auto()
    """The models are not there yet."""
    OFF = auto()
    STARTING = auto()
    READY = auto()
    FAILED = auto()
    """It will not be started before ``reset_backoff``."""


@dataclass(frozen=True, slots=True)
class WorkerEvent(Generic[EventT]):
    """An event of the worker's ``generation``-th process. Events of earlier ones are void."""

    generation: int
    event: EventT | WorkerDied


class WorkerSupervisor(Generic[CommandT, EventT]):
    """Owns one worker's processes, one after the other. Of one thread: its owner's dispatcher.

    Args:
        name: which worker, for events and notices.
        factory: makes the client of a process that is not started yet.
        post: called on the worker's reader thread with each event; must only pass it to the dispatcher.
        prepare_models: has the models prepared once more, if that failed; what comes of it is told by
            ``prepare`` or ``fail``.
        clock_s: monotonic seconds.
    """

    def __init__(
        self,
        name: WorkerName,
        *,
        factory: Callable[[EngineSettings], WorkerPort[CommandT, EventT]],
        post: Callable[[WorkerEvent[EventT]], None],
        prepare_models: Callable[[], None],
        events: LibraryEvents,
        notices: NoticeBoard,
        clock_s: Callable[[], float],
    ) -> None:
        self._name = name
        self._factory = factory
        self._post = post
        self._prepare_models = prepare_models
        self._events = events
        self._notices = notices
        self._clock_s = clock_s
        self._settings: EngineSettings | None = None
        self._client: WorkerPort[CommandT, EventT] | None = None
        self._generation = 0
        self._deaths = 0
        self._not_before_s = 0.0
        self.phase = Phase.UNPREPARED
        self.failure: tuple[str, str] = ("", "")
        """Title and detail of what keeps the worker from working; in phase FAILED only."""

    def prepare(self, settings: EngineSettings) -> None:
        """The models are there: from now on the worker may be started."""
        self._settings = settings
        if self.phase is Phase.UNPREPARED:
            self.phase = Phase.OFF
        elif self.phase is Phase.FAILED:
            self._recover()

    def fail(self, title: str, detail: str) -> None:
        """The worker cannot work as things stand. The notice is the caller's."""
        self.phase = Phase.FAILED
        self.failure = (title, detail)
        self._events.publish(EngineStateChanged(self._name, EngineState.FAILED, reason=title))

    def reset_backoff(self) -> None:
        """Somebody asks for new work: try again, at once, whatever happened before."""
        self._deaths = 0
        self._not_before_s = 0.0
        if self.phase is Phase.FAILED:
            self._recover()
            if self._settings is None:
                self._prepare_models()

    def start_if_allowed(self) -> None:
        """Start the process if it is off and its pause is over."""
        if self.phase is not Phase.OFF or self._settings is None or self._clock_s() < self._not_before_s:
            return
        self._end_process(timeout_s=1.0)  # an earlier one that said it failed may still be on its way out
        self._generation += 1
        generation = self._generation
        self._client = self._factory(self._settings)
        self.phase = Phase.STARTING
        self._events.publish(EngineStateChanged(self._name, EngineState.STARTING))
        try:
            self._client.start(lambda event: self._post(WorkerEvent(generation, event)))
        except OSError as exc:  # no memory, too many processes
            self._note_death(f"The process could not be started: {exc}")

    def accept(self, said: WorkerEvent[EventT]) -> bool:
        """Follow an event; False if it is of an earlier process and means nothing any more."""
        if said.generation != self._generation:
            return False
        match said.event:
            case WorkerReady(device=device, reason=reason):
                self.phase = Phase.READY
                self._events.publish(EngineStateChanged(self._name, EngineState.READY, device, reason))
            case WorkerFailed(title=title, detail=detail):
                self._notices.error(title, detail)
                self.fail(title, detail)
            case WorkerDied() as died:
                self._note_death(died.reason)
        return True

    def succeeded(self) -> None:
        """The process has done something whole: earlier deaths no longer count."""
        self._deaths = 0

    def send(self, command: CommandT) -> None:
        """Pass a command to the process. If it has just ended, its death is reported as an event anyway."""
        assert self._client is not None
        try:
            self._client.send(command)
        except EngineDied:
            logger.info("The %s worker ended before it could be told %s.", self._name, type(command).__name__)

    def wait_s(self) -> float | None:
        """Seconds until the process may be started; None when no pause is running."""
        if self.phase is not Phase.OFF:
            return None
        return max(0.0, self._not_before_s - self._clock_s()) or None

    def kill(self) -> None:
        """End the process at once; it is not counted as a death. Its events still on their way are void."""
        self._end_process(timeout_s=0.0)
        self.phase = Phase.OFF

    def stop(self, timeout_s: float = 5.0) -> None:
        """End the process in an orderly way, kill it after ``timeout_s``."""
        was_running = self._client is not None and self._client.is_running
        self._end_process(timeout_s)
        if self.phase is not Phase.UNPREPARED:
            self.phase = Phase.OFF
        if was_running:
            self._events.publish(EngineStateChanged(self._name, EngineState.STOPPED))

    def _recover(self) -> None:
        """What it failed of does not count any more, and must no longer be shown."""
        self.phase = Phase.UNPREPARED if self._settings is None else Phase.OFF
        self._events.publish(EngineStateChanged(self._name, EngineState.STOPPED))

    def _end_process(self, timeout_s: float) -> None:
        self._generation += 1
        if self._client is not None:
            self._client.stop(timeout_s)
            self._client = None

    def _note_death(self, detail: str) -> None:
        self._deaths += 1
        what = _NAMES[self._name]
        if self._deaths >= MAX_DEATHS:
            title = f"The part of Loreleaf that is {what} keeps stopping."
            self._notices.error(
                title, "It is not started again by itself. Retry, or restart Loreleaf.", detail
            )
            self.fail(title, detail)
            return
        self.phase = Phase.OFF
        self._not_before_s = self._clock_s() + FIRST_PAUSE_S * 2.0 ** (self._deaths - 1)
        self._notices.warn(
            f"The part of Loreleaf that is {what} stopped unexpectedly.", "It is started again.", detail
        )
        self._events.publish(EngineStateChanged(self._name, EngineState.STOPPED, reason=detail))
