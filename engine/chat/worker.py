"""Entry of the chat process: commands from a pipe, events into it.

Two threads. The main one owns llama.cpp and sends; the reader receives, so that a StopAnswer is seen while an
answer runs. Importing this module loads neither llama.cpp nor numpy; ``main`` does.
"""

import logging
import threading
import time
from collections import deque
from multiprocessing.connection import Connection
from typing import TYPE_CHECKING

from engine.errors import EngineError
from engine.messages import (
    AdapterPart,
    Ask,
    ChatCommand,
    EngineSettings,
    Shutdown,
    StopAnswer,
    WarmParts,
    WorkerFailed,
)

if TYPE_CHECKING:
    from engine.chat.session import ChatSession

logger = logging.getLogger(__name__)


def main(conn: Connection, settings: EngineSettings) -> None:
    """Serve until Shutdown or until the other end of the pipe is closed.

    Args:
        conn: receives ChatCommands, is sent ChatEvents: WorkerReady first, or WorkerFailed and then nothing.
        settings: which models, and how.
    """
    from engine.chat.session import ChatSession

    try:
        session = ChatSession.load(settings)
    except EngineError as exc:
        logger.warning("The chat process cannot start: %s", exc)
        conn.send(WorkerFailed(exc.title, exc.detail))
        return
    try:
        conn.send(session.ready)
        _serve(conn, session)
    except BrokenPipeError:
        logger.info("The window is gone.")  # nobody is left to be told
    finally:
        session.close()


def _serve(conn: Connection, session: "ChatSession") -> None:
    inbox = _Inbox(session)
    reader = threading.Thread(target=inbox.read, args=(conn,), name="chat-commands", daemon=True)
    reader.start()
    while (work := inbox.next()) is not None:
        if isinstance(work, AdapterPart):
            session.warm((work,))
        else:
            ask, received_s = work
            session.answer(ask, received_s, conn.send)


class _Inbox:
    """Commands in the order they are to be done: questions first, then adapters to warm, one by one."""

    def __init__(self, session: "ChatSession") -> None:
        self._session = session
        self._changed = threading.Condition()  # over the three below
        self._asks: deque[tuple[Ask, float]] = deque()
        self._to_warm: deque[AdapterPart] = deque()
        self._is_closed = False

    def read(self, conn: Connection) -> None:
        """Receive until Shutdown or the end of the pipe. Runs in a thread of its own."""
        while True:
            try:
                command: ChatCommand = conn.recv()
            except (EOFError, OSError):
                command = Shutdown()
            with self._changed:
                self._take(command)
                self._changed.notify()
            if isinstance(command, Shutdown):
                return

    def next(self) -> tuple[Ask, float] | AdapterPart | None:
        """Wait for the next thing to do; None when there will be nothing more."""
        with self._changed:
            self._changed.wait_for(lambda: self._is_closed or self._asks or self._to_warm)
            if self._is_closed:
                return None
            return self._asks.popleft() if self._asks else self._to_warm.popleft()

    def _take(self, command: ChatCommand) -> None:
        match command:
            case Ask():
                self._asks.append((command, time.perf_counter()))
            case WarmParts(parts):
                self._to_warm.extend(parts)
            case StopAnswer(turn_id):
                self._session.stop(turn_id)
            case Shutdown():
                self._is_closed = True
                self._session.close_soon()
