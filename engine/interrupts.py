"""Ctrl-C and worker processes: a terminal sends it to the whole group, but only the parent is to hear it."""

import signal
from collections.abc import Iterator
from contextlib import contextmanager
from multiprocessing import resource_tracker


@contextmanager
def interrupts_blocked() -> Iterator[None]:
    """Keep Ctrl-C from the threads and processes that are started meanwhile: they inherit this thread's mask.

    A process that is being spawned has no handler of its own yet, and would print a traceback. Any thread.
    Without effect on Windows, which has no signal masks.
    """
    if not hasattr(signal, "pthread_sigmask"):
        yield
        return
    before = signal.pthread_sigmask(signal.SIG_BLOCK, ())
    try:
        # Python's helper process, started with the first one anyway: at its end it unblocks the signal.
        resource_tracker.ensure_running()
        signal.pthread_sigmask(signal.SIG_BLOCK, {signal.SIGINT})
        yield
    finally:
        signal.pthread_sigmask(signal.SIG_SETMASK, before)


def ignore_interrupts() -> None:
    """Never hear Ctrl-C again in this process, whatever mask it was started with. Main thread."""
    signal.signal(signal.SIGINT, signal.SIG_IGN)
    if hasattr(signal, "pthread_sigmask"):
        # What waited was dropped by the line above.
        signal.pthread_sigmask(signal.SIG_UNBLOCK, {signal.SIGINT})
