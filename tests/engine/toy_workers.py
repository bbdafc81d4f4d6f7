"""Targets for tests of WorkerClient; imported in the spawned child."""

import logging
import os
import signal
import sys
import threading
import warnings
from importlib import import_module
from importlib.machinery import ModuleSpec
from importlib.util import spec_from_file_location
from multiprocessing.connection import Client, Connection
from pathlib import Path

from engine.messages import Shutdown, WorkerFailed
from engine.outcome import send_result


def echo(conn: Connection, settings: object) -> None:
    """Say "ready" with the settings, then send every command back; leave at Shutdown."""
    conn.send(("ready", settings))
    while not isinstance(command := conn.recv(), Shutdown):
        conn.send(command)


def report_environment(conn: Connection, settings: object) -> None:
    names = ("GOMP_SPINCOUNT", "KMP_BLOCKTIME", "GGML_NO_BACKTRACE", "OPENBLAS_NUM_THREADS")
    conn.send({name: os.environ.get(name) for name in names})
    conn.send(signal.getsignal(signal.SIGINT) == signal.SIG_IGN)
    conn.send("torch" in sys.modules or "llama_cpp" in sys.modules)
    conn.recv()


def report_interrupts(conn: Connection, settings: object) -> None:
    """Say whether SIGINT is ignored, and whether it is blocked."""
    is_blocked = signal.SIGINT in signal.pthread_sigmask(signal.SIG_BLOCK, ())
    conn.send((signal.getsignal(signal.SIGINT) == signal.SIG_IGN, is_blocked))
    conn.recv()


def abort_when_told(conn: Connection, settings: object) -> None:
    conn.recv()
    os.write(2, b"ggml.c:1: GGML_ASSERT(shape) failed\n")
    os.abort()


def raise_at_start(conn: Connection, settings: object) -> None:
    raise ZeroDivisionError("a bug at the start")


def fail_politely(conn: Connection, settings: object) -> None:
    conn.send(WorkerFailed("The language model is missing.", "Type make run."))


def ignore_everything(conn: Connection, settings: object) -> None:
    """Never read: hangs like native code that does not return."""
    conn.send("ready")
    signal.pause()


def close_and_linger(conn: Connection, settings: object) -> None:
    """Close the pipe without a farewell and stay."""
    conn.close()
    signal.pause()


def be_busy_and_call(conn: Connection, settings: object) -> None:
    """Connect to the address in ``settings`` and compute for ever; the connection ends with the process."""
    assert isinstance(settings, str)
    line = Client(settings, authkey=b"toy")
    line.send(os.getpid())
    while True:
        sum(range(100_000))


def leave_a_grandchild_with_the_pipe(conn: Connection, settings: object) -> None:
    """Fork a process that keeps the pipe open until the other end closes it, then hang."""
    if os.fork() == 0:
        try:
            conn.recv()
        finally:
            os._exit(0)
    conn.send("ready")
    signal.pause()


def stumble(_conn: Connection, how: tuple[str, str]) -> None:
    """Ends in one of the ways in which words of a note may come out of a process."""
    way, note = how
    if way == "other library":
        logging.getLogger("pypdf._reader").warning("invalid header: %s", note)
    elif way == "warning":
        warnings.warn(note, stacklevel=1)
    elif way == "thread":
        thread = threading.Thread(target=int, args=(note,))  # "invalid literal for int(): ..."
        thread.start()
        thread.join()
    else:
        int(note)
    os._exit(1)


def fail_unforeseen(conn: Connection, settings: object) -> None:
    """Do one thing, and fail at it."""

    def work() -> object:
        raise ZeroDivisionError("a bug at work")

    send_result(conn, work, "It cannot be done.", Path("somewhere"))


def import_a_broken_library(conn: Connection, settings: object) -> None:
    """What torch does when one of its libraries does not load."""
    import tests.engine.toy_broken  # noqa: F401


def read_a_file_that_is_gone(conn: Connection, settings: object) -> None:
    open("/nowhere/at/all")  # noqa: PTH123, SIM115


def run_without(conn: Connection, settings: tuple[tuple[str, ...], bool, str, object]) -> None:
    """Run a real worker where modules are missing or broken.

    Args:
        conn: the worker's.
        settings: the modules; whether they are there, but broken; the worker's target and its settings.
    """
    modules, is_broken, target, wanted = settings
    sys.meta_path.insert(0, _Hider(modules, is_broken=is_broken))
    name, _, function = target.partition(":")
    getattr(import_module(name), function)(conn, wanted)


def add_impatiently(conn: Connection, wanted: object) -> None:
    """Try a model file with little patience for its chat template."""
    from engine.chat import model_trial

    model_trial.TEMPLATE_PATIENCE_S = 0.5
    model_trial.main(conn, wanted)  # type: ignore[arg-type]  # whatever the test ordered


class _Hider:
    def __init__(self, modules: tuple[str, ...], *, is_broken: bool) -> None:
        self._modules, self._is_broken = modules, is_broken

    def find_spec(self, name: str, path: object = None, target: object = None) -> ModuleSpec | None:
        if name not in self._modules:
            return None
        if not self._is_broken:
            raise ModuleNotFoundError(f"No module named {name!r}", name=name)
        return spec_from_file_location(name, Path(__file__).with_name("toy_broken.py"))
