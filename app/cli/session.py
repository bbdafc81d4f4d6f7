"""Open a profile for one command, and close it whatever happens."""

import argparse
import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

from app.bootstrap import Application, Profile, build, open_profile
from app.cli.console import Console
from app.cli.home import home_of
from app.services.notices import Notice
from engine.interrupts import interrupts_blocked


@contextmanager
def opened(
    home: Path,
    console: Console,
    *,
    headless: bool = True,
    on_notice: Callable[[Notice], None] | None = None,
) -> Iterator[Application]:
    """The application of the profile in ``home``, not started; closed at the end.

    Args:
        home: the profile's folder.
        console: shows notices as they come, unless ``on_notice`` takes them (on any thread).
        headless: as for ``app.bootstrap.build``.
        on_notice: told every notice.

    Raises:
        StorageError: the folder or the catalog cannot be used.
    """
    application = build(home, headless=headless)
    try:
        application.notices.subscribe(on_notice or console.show_notice)
        yield application
    finally:
        with interrupts_ignored():
            application.close()


def start(application: Application, *, learn: bool) -> None:
    """Start the services so that Ctrl-C always reaches this thread, and ends its wait for a line at once.

    A system may hand a signal to any thread that does not block it; the services' threads inherit the mask.
    """
    with interrupts_blocked():
        application.start(learn=learn)


@contextmanager
def opened_profile(options: argparse.Namespace, console: Console) -> Iterator[Profile]:
    """The profile that the command line names, for commands that need no running services; closed at the end.

    Raises:
        StorageError: the folder or the catalog cannot be used.
    """
    profile = open_profile(home_of(options.home))
    try:
        profile.notices.subscribe(console.show_notice)
        yield profile
    finally:
        profile.close()


@contextmanager
def interrupts_ignored() -> Iterator[None]:
    """Finish something although the user presses Ctrl-C once more. Without effect outside the main thread."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
