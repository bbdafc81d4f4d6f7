"""The GUI process's side of a worker process: spawn it, talk to it, notice its death.

Free of torch, numpy and llama_cpp: the worker's module is named by a string and imported in the child.

A worker is a function ``main(conn, settings)``. It receives commands from ``conn``, sends events into it, and
returns after ``Shutdown`` or after it sent ``WorkerFailed``. If it cannot import something, now or later,
that is sent for it. Everything else that ends it (an exception, a signal, ``abort()`` in native code, the
memory killer) is a death, and is reported as ``WorkerDied``.
"""

import logging
import os
import sys
import tempfile
import threading
from collections.abc import Callable
from dataclasses import dataclass
from importlib import import_module
from multiprocessing import connection, get_context, parent_process
from multiprocessing.connection import Connection
from multiprocessing.context import SpawnProcess
from pathlib import Path
from typing import Generic, NoReturn, TypeVar

from engine.errors import EngineDied
from engine.installed import explain_import, failed_at_import
from engine.interrupts import ignore_interrupts, interrupts_blocked
from engine.messages import Shutdown, WorkerDied, WorkerFailed
from engine.private_log import PrivateFormatter, traceback_without_messages

logger = logging.getLogger(__name__)

CommandT = TypeVar("CommandT")
EventT = TypeVar("EventT")

STDERR_TAIL_BYTES = 4000
"""How much of a dead worker's output is kept: enough for a traceback or a ggml assertion."""

EXIT_GRACE_S = 5.0
"""A worker that said farewell, or closed its pipe, gets this long to leave before it is killed."""

_LIVENESS_CHECK_S = 2.0


@dataclass(frozen=True, slots=True)
class _CleanExit:
    """The worker's last message: ``main`` returned, whatever the exit code will be."""


@dataclass(slots=True)
class _Run:
    """One life of the worker process."""

    process: SpawnProcess
    conn: Connection
    output: Path
    is_stopping: bool = False
    exited_cleanly: bool = False


class WorkerClient(Generic[CommandT, EventT]):
    """Starts one worker process and carries commands there and events back.

    All methods may be called on any thread. A client may be started again once ``stop`` has returned, or once
    its worker has died, also from inside ``on_event`` when that reports ``WorkerDied``.

    Args:
        target: "package.module:function" of the worker; imported in the child only.
        settings: passed to the worker; must be picklable.
        name: of the process and its reader thread, for logs and process lists.
        death_level: at which its last words are logged if it dies: an error, unless that is what it is for.
    """

    def __init__(self, target: str, settings: object, name: str, death_level: int = logging.ERROR) -> None:
        self._death_level = death_level
        self._target = target
        self._settings = settings
        self._name = name
        self._run: _Run | None = None
        self._reader: threading.Thread | None = None
        self._state_lock = threading.Lock()
        # Connection.send is not thread-safe: two writers would mix their messages.
        self._send_lock = threading.Lock()

    @property
    def is_running(self) -> bool:
        """Whether a worker was started and has not ended."""
        run = self._run
        return run is not None and not run.exited_cleanly and run.process.is_alive()

    @property
    def process_id(self) -> int | None:
        """Of the running worker; None when there is none."""
        run = self._run
        return run.process.pid if run is not None else None

    def start(self, on_event: Callable[[EventT | WorkerDied], None]) -> None:
        """Spawn the worker; returns before it is ready (its first event tells).

        Args:
            on_event: called on the reader thread, one event at a time, in order. Nothing follows
                ``WorkerDied``; no ``WorkerDied`` follows ``stop``. An exception in it goes to
                ``threading.excepthook`` and the next event is delivered all the same.

        Raises:
            RuntimeError: the worker is running already.
            OSError: no process could be started: no memory, or too many processes.
        """
        # Until the reader runs: a Ctrl-C in between comes afterwards, and finds a worker that can be stopped.
        with self._state_lock, interrupts_blocked():
            if self._run is not None:
                raise RuntimeError(f"worker {self._name} is running already")
            self._run = run = self._spawn()
            self._reader = threading.Thread(
                target=self._read_events, args=(run, on_event), name=f"{self._name}-reader", daemon=True
            )
            self._reader.start()

    def send(self, command: CommandT) -> None:
        """Pass a command to the worker. May block while the worker does not read and the pipe is full.

        Raises:
            EngineDied: there is no worker, or it just ended. If it died, ``WorkerDied`` is reported as well.
        """
        run = self._run
        if run is None or not self._write(run, command):
            raise EngineDied(
                "A part of Loreleaf has stopped.",
                f"The process “{self._name}” is not running, so it cannot be asked.",
            )

    def stop(self, timeout_s: float = 5.0) -> None:
        """Ask the worker to finish, wait, and kill it when the time is over; no event comes afterwards.

        Does nothing when it does not run.

        Raises:
            RuntimeError: called inside ``on_event``, on the thread that would have to be waited for.
        """
        with self._state_lock:
            run, reader = self._run, self._reader
            if run is not None:
                run.is_stopping = True
        if reader is None or (run is None and reader is threading.current_thread()):
            return
        if reader is threading.current_thread():
            raise RuntimeError(f"worker {self._name} cannot be stopped from inside its own events")
        if run is not None:
            # On its own thread: with a full pipe and a hanging worker, writing would block past the timeout.
            threading.Thread(
                target=self._write, args=(run, Shutdown()), name=f"{self._name}-shutdown", daemon=True
            ).start()
        reader.join(timeout_s)
        if run is not None and reader.is_alive():
            logger.warning("Worker %s did not stop within %.1f s and is killed.", self._name, timeout_s)
            run.process.kill()
            reader.join(EXIT_GRACE_S)

    def _spawn(self) -> _Run:
        context = get_context("spawn")
        ours, theirs = context.Pipe(duplex=True)
        output: str | None = None
        try:
            descriptor, output = tempfile.mkstemp(prefix=f"loreleaf-{self._name}-", suffix=".log")
            os.close(descriptor)
            arguments = (self._target, theirs, self._settings, output)
            process = context.Process(target=_child_main, args=arguments, name=self._name, daemon=True)
            process.start()
        except BaseException:
            ours.close()
            if output is not None:
                Path(output).unlink()
            raise
        finally:
            # As long as this process holds the child's end too, the child's death is not seen as end of file.
            theirs.close()
        return _Run(process, ours, Path(output))

    def _write(self, run: _Run, command: object) -> bool:
        with self._send_lock:
            try:
                run.conn.send(command)
            except OSError:  # broken, or closed by the reader
                return False
        return True

    def _read_events(self, run: _Run, on_event: Callable[[EventT | WorkerDied], None]) -> None:
        while (event := _next_message(run)) is not None:
            if isinstance(event, _CleanExit):
                run.exited_cleanly = True
                break
            _deliver(on_event, event)
        exit_code = _reap(run.process)
        stderr_tail = _take_output(run.output)
        with self._send_lock:
            run.conn.close()
        with self._state_lock:
            # Before the report, so that a listener may start the next worker.
            self._run = None
            is_death = not run.exited_cleanly and not run.is_stopping
        if stderr_tail:
            level = self._death_level if is_death else logging.INFO
            logger.log(level, "Worker %s wrote: %s", self._name, stderr_tail)
        if is_death:
            _deliver(on_event, WorkerDied(exit_code, stderr_tail))


def _next_message(run: _Run) -> object | None:
    """The worker's next message, or None when there will be no more."""
    try:
        while not run.conn.poll(_LIVENESS_CHECK_S):
            # A process forked by the worker holds its end of the pipe open, also after the worker's death.
            if not run.process.is_alive() and not run.conn.poll():
                return None
        message: object = run.conn.recv()
    except (EOFError, OSError):  # OSError: died in the middle of a message
        return None
    return message


def _deliver(on_event: Callable[[EventT], None], event: object) -> None:
    try:
        on_event(event)  # type: ignore[arg-type]  # pickles carry no types; the worker's main declares what it sends
    except Exception as exc:  # noqa: BLE001  a listener's bug is reported, and must not silence the worker
        report = threading.ExceptHookArgs((type(exc), exc, exc.__traceback__, threading.current_thread()))
        threading.excepthook(report)


def _reap(process: SpawnProcess) -> int | None:
    """Wait for the process to leave, kill it when it does not, and return its exit code."""
    process.join(EXIT_GRACE_S)
    if process.is_alive():
        process.kill()
    pause = threading.Event()
    for _ in range(100):
        process.join(EXIT_GRACE_S)
        # Another Process.start() polls all children; while it holds this one's code, exitcode is None here.
        if (exit_code := process.exitcode) is not None:
            return exit_code
        pause.wait(0.01)
    return None


def _take_output(path: Path) -> str:
    """The end of what the worker wrote to stdout and stderr; the file is removed."""
    try:
        with path.open("rb") as file:
            file.seek(max(0, path.stat().st_size - STDERR_TAIL_BYTES))
            text = file.read().decode("utf-8", "replace").strip()
        path.unlink()
    except OSError as exc:  # systems clean their temporary folder while programs run for weeks
        return f"(its output is lost: {exc})"
    return text


# --- in the child -----------------------------------------------------------------------------------------


def _child_main(target: str, conn: Connection, settings: object, output: str) -> None:
    """Prepare the process and run the worker's ``main``."""
    # Ctrl-C in a terminal reaches the whole group; the parent decides when its workers end.
    ignore_interrupts()
    _redirect_output(output)
    _die_with_parent(output)
    # Read by the OpenMP runtimes and ggml when they are loaded, so they must stand before any import of the
    # worker. Idle OpenMP threads must not spin for long: they would take a core from the window. Not at all
    # (OMP_WAIT_POLICY=passive) makes learning 1.2 to 1.5 times as slow, as the next layer is never far off.
    os.environ.setdefault("GOMP_SPINCOUNT", "100000")  # GNU's; a fraction of a millisecond
    os.environ.setdefault("KMP_BLOCKTIME", "1")  # LLVM's and Intel's; milliseconds, 200 by default
    # ggml's backtrace attaches a debugger.
    os.environ.setdefault("GGML_NO_BACKTRACE", "1")
    # numpy's own threads wait for each other: with other programs at work, the factors of three chunks took
    # 100 to 500 ms with two of them and 40 ms with one. torch and llama.cpp bring theirs.
    os.environ.setdefault("OPENBLAS_NUM_THREADS", "1")
    module, _, function = target.partition(":")
    try:
        getattr(import_module(module), function)(conn, settings)
    except Exception as exc:
        if not failed_at_import(exc):
            # A bug, or nobody is there any more: a death. What is written here ends up in the log.
            print(traceback_without_messages(exc), file=sys.stderr)
            raise SystemExit(1) from None
        logger.exception("The process cannot work: something is not installed as it should be.")
        failure = explain_import(exc)
        conn.send(WorkerFailed(failure.title, failure.detail))
    conn.send(_CleanExit())
    conn.close()


def _redirect_output(path: str) -> None:
    """Send stdout and stderr, native code's too, to a file: they are the last words if the process dies.

    And they must not appear between the lines of ``loreleaf ask --json``.
    """
    # Open as long as the process lives, hence no "with".
    sys.stdout = sys.stderr = Path(path).open("a", buffering=1, encoding="utf-8", errors="backslashreplace")  # noqa: SIM115
    os.dup2(sys.stderr.fileno(), 1)
    os.dup2(sys.stderr.fileno(), 2)
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(PrivateFormatter("%(levelname)s %(name)s: %(message)s"))
    logging.basicConfig(handlers=[handler], level=logging.WARNING)
    logging.captureWarnings(capture=True)  # pypdf's, for one, quote the file
    threading.excepthook = _on_thread_exception


def _on_thread_exception(args: threading.ExceptHookArgs) -> None:
    if args.exc_value is not None:
        print(traceback_without_messages(args.exc_value), file=sys.stderr)


def _die_with_parent(output: str) -> None:
    """End this process as soon as its parent has ended, however that happened and whatever this one is doing.

    A thread, not PR_SET_PDEATHSIG: that signal comes when the *thread* that spawned this process ends, and a
    client may be started on a short-lived one.
    """
    parent = parent_process()
    if parent is None:  # run without a parent, e.g. by hand in a debugger
        return
    sentinel = parent.sentinel

    def watch() -> NoReturn:
        connection.wait([sentinel])
        Path(output).unlink(missing_ok=True)
        os._exit(1)

    threading.Thread(target=watch, name="parent-watch", daemon=True).start()
