"""Developers' commands that need torch: each runs in its own process and parses its own arguments."""

import argparse
import sys
from collections.abc import Sequence
from importlib import import_module
from multiprocessing import get_context

from app.cli.console import Console
from app.cli.errors import CommandFailed

_INTERRUPTED = 130


def run_elsewhere(options: argparse.Namespace, console: Console) -> int:
    """Run ``main`` of the module ``options.module`` with ``options.arguments``; returns its exit code."""
    # spawn: torch must not come into this process, and a forked child would share its threads' locks.
    process = get_context("spawn").Process(
        target=_call_main, args=(options.module, tuple(options.arguments)), name=options.module
    )
    process.start()
    while True:
        try:
            process.join()
            break
        except KeyboardInterrupt:
            continue  # the process heard it too, and ends by itself
    exit_code = process.exitcode
    if exit_code is None or exit_code < 0:
        console.end()
        raise CommandFailed(
            "The process ended unexpectedly.",
            f"Signal {-exit_code}." if exit_code else "",
        )
    return exit_code


def _call_main(module: str, arguments: Sequence[str]) -> None:
    """In the process: import and run."""
    try:
        sys.exit(import_module(module).main(arguments))
    except KeyboardInterrupt:
        sys.exit(_INTERRUPTED)
