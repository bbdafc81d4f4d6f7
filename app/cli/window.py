"""``loreleaf`` without a command: the window; without a display a chat; without a terminal the samples."""

import argparse
import importlib.util
import sys
from functools import partial
from pathlib import Path
from types import ModuleType
from typing import TYPE_CHECKING

import app
from app.cli.console import Console
from app.cli.display import why_no_window
from app.cli.errors import CommandFailed
from app.cli.home import home_of
from app.profile_basics import ProfileBasics, read_basics

if TYPE_CHECKING:
    from app.bootstrap import Application

_CHAT_ADVICE = "Without the window, “loreleaf chat” chats in the terminal."


def open_window(options: argparse.Namespace, console: Console) -> int:
    """Show the window until it is closed, or what comes closest to it here."""
    reason = why_no_window()
    if not reason:
        return _show_window(home_of(options.home))
    if sys.stdin.isatty() and sys.stdout.isatty():
        from app.cli.terminal_chat import chat

        console.remark(f"{reason} Loreleaf chats here in the terminal instead.")
        options.mode = None
        return chat(options, console)
    from app.cli.demo import show_samples

    console.remark(
        f"{reason} There is no terminal either, so Loreleaf answers three questions about its samples."
    )
    return show_samples(options, console)


def _show_window(home: Path) -> int:
    if advice := what_qt_lacks():
        raise CommandFailed(advice, _CHAT_ADVICE)
    try:
        from app.ui.application import run
    except ModuleNotFoundError as exc:
        if exc.name is None or not exc.name.startswith(("PySide6", "shiboken6")):
            raise
        raise CommandFailed(
            f"The window cannot open: {exc.name} is not installed.", f"Run the set-up again. {_CHAT_ADVICE}"
        ) from exc
    except ImportError as exc:  # the linker's words, with the library's name
        raise CommandFailed(
            f"The window cannot open: {exc}.",
            f"Install the package of your system that brings this library. {_CHAT_ADVICE}",
        ) from exc
    basics = read_basics(home)
    return run(basics, partial(_open_services, basics))


def _open_services(basics: ProfileBasics) -> "Application":
    """Called when the window is on the screen: only then the store and the services are imported."""
    from app.bootstrap import assemble, open_catalog

    return assemble(open_catalog(basics))


def what_qt_lacks() -> str:
    """Which libraries of the system Qt lacks and the one line that installs them; empty if it has all.

    Looked at beforehand, because without its xcb libraries Qt does not raise but ends the process.
    """
    requirements = system_requirements()
    if requirements is None:
        return ""
    facts = requirements.survey(look_for_compiler=False)
    missing = requirements.missing_libraries(facts, for_window=True)
    return str(requirements.explain(missing, facts)) if missing else ""


def system_requirements() -> ModuleType | None:
    """The set-up's tables of what the machine must bring; None without Loreleaf's sources.

    It lies outside our packages, since the set-up needs it before there is anything to import.
    """
    path = Path(app.__path__[0]).parent / "packaging" / "system_requirements.py"
    if not path.is_file():
        return None
    spec = importlib.util.spec_from_file_location("system_requirements", path)
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    sys.modules[spec.name] = module  # dataclasses look their module up there
    spec.loader.exec_module(module)
    return module
