"""What was typed -> a command -> an exit code. Failures end in one sentence, never in a traceback."""

import argparse
import logging
import os
import sys
from collections.abc import Callable, Sequence
from importlib import import_module

from app.cli.arguments import parse
from app.cli.console import Console
from engine.errors import UserFacing

Command = Callable[[argparse.Namespace, Console], int]

WINDOW = "app.cli.window:open_window"
FAILED = 1
INTERRUPTED = 130

logger = logging.getLogger(__name__)


def run(arguments: Sequence[str]) -> int:
    """Do what the command line says.

    Returns:
        0 done; 1 it failed, and stderr says why; 2 the command line was wrong; 130 stopped by Ctrl-C.
    """
    console = Console()
    try:
        options = parse(arguments)
    except SystemExit as exc:  # argparse has said what is wrong, or printed the help
        return exc.code if isinstance(exc.code, int) else FAILED
    end_log = _begin_log(options)
    try:
        return _command(options)(options, console)
    except KeyboardInterrupt:
        console.end()
        return INTERRUPTED
    except BrokenPipeError:
        return _leave_silently()
    except Exception as exc:  # noqa: BLE001  the process's top
        return _explain(exc, options, console)
    finally:
        console.end()
        end_log()


def _begin_log(options: argparse.Namespace) -> Callable[[], None]:
    """What is logged goes into the profile: Python would print it between the results."""
    if options.run == WINDOW:  # which begins the log itself, once it is on the screen
        return lambda: None
    from app.cli.home import home_of
    from app.log_file import log_into_profile
    from storage.paths import ProfilePaths

    return log_into_profile(ProfilePaths(home_of(options.home)).logs)


def _command(options: argparse.Namespace) -> Command:
    """The function that ``options.run`` names; only its module is imported."""
    module, _, function = options.run.partition(":")
    command: Command = getattr(import_module(module), function)
    return command


def _explain(exc: Exception, options: argparse.Namespace, console: Console) -> int:
    console.end()
    if isinstance(exc, UserFacing):
        console.failure(exc.title, exc.detail)
        return FAILED
    where = _keep_traceback(exc, options)
    console.failure(
        f"Something went wrong inside Loreleaf ({type(exc).__name__}: {exc}).",
        f"{where} Please report it.".strip(),
    )
    return FAILED


def _keep_traceback(exc: Exception, options: argparse.Namespace) -> str:
    """Write the traceback into the profile's log; returns where it is, for the user."""
    from app.cli.home import home_of
    from app.log_file import LOG_NAME, log_into
    from storage.paths import ProfilePaths

    folder = ProfilePaths(home_of(options.home)).logs
    try:
        end = log_into(folder)
    except OSError:
        return ""
    logger.error("The command %s failed.", options.run, exc_info=exc)
    end()
    return f"The details are in {folder / LOG_NAME}."


def _leave_silently() -> int:
    """Whoever read the output has had enough (``| head``). Python would complain once more at its exit."""
    null = os.open(os.devnull, os.O_WRONLY)
    os.dup2(null, sys.stdout.fileno())
    return FAILED
