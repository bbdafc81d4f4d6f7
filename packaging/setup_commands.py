"""The commands of setup_environment.py: look what is there, set up what is missing, start something in it."""

import argparse
import os
import shutil
import subprocess
import sys
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from pathlib import Path

import llama_wheel
from project_files import (
    LOCK_FILES,
    LOG,
    MADE_BY_TOOLS,
    ROOT,
    VENV,
    clean_environment,
    pinned_version,
    read_dependencies,
    venv_python,
)
from setup_console import SetupFailed
from setup_stamp import Stamp, fingerprint, is_current, read_stamp
from setup_steps import set_up
from system_requirements import (
    QT_LIBRARIES,
    X11_LIBRARIES,
    Display,
    MachineFacts,
    explain,
    missing_libraries,
    missing_tools,
    survey,
    unsupported_reason,
)

COMMANDS = {
    "run": "set up, then start Loreleaf (with the arguments that follow)",
    "setup": "set up only",
    "test": "set up with the developers' tools, check everything, run the tests (arguments: for pytest)",
    "check": "the same without the tests",
    "coverage": "run the tests, and see that they cover no less than before",
    "bench": "set up, then measure this machine",
    "packages": "print the packages of Debian and Ubuntu that a window needs",
    "clean": "remove what the other commands made inside this folder",
}
TAKE_ARGUMENTS = ("run", "test", "bench")
"""What follows these belongs to what they start, options included."""
_IN_PARALLEL = ("--numprocesses=auto", "--maxprocesses=4", "--dist=loadfile")
"""Whole files, since fixtures of a module are dear; few processes, since some load a model of a gigabyte."""


def run_command(arguments: Sequence[str]) -> int:
    """Do what the command line asks for.

    Returns:
        The exit code: 0, that of what was started, 1 after a failure that was explained, 130 after Ctrl-C.
    """
    command = _parser().parse_args(arguments[:1]).command
    passed_on = arguments[1:]
    if passed_on and command not in TAKE_ARGUMENTS:
        _parser().error(f"{command} takes no arguments, got {' '.join(passed_on)}")
    try:
        return _dispatch(command, passed_on)
    except SetupFailed as failed:
        print(f"\n{failed}", file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nStopped. Type the same command again to go on.", file=sys.stderr)
        return 130


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="setup_environment.py", description="Set Loreleaf up and start it.")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, does in COMMANDS.items():
        commands.add_parser(name, help=does, description=does)
    return parser


def _dispatch(command: str, passed_on: Sequence[str]) -> int:
    match command:
        case "clean":
            return clean()
        case "packages":
            print(" ".join(debian_packages()))
            return 0
        case "setup":
            ensure_environment()
            return 0
        case "run":
            ensure_environment(needs_window=opens_the_window(passed_on))
            return _become([str(venv_python()), "-m", "app", *passed_on])
        case "bench":
            ensure_environment()
            return _become([str(venv_python()), "-m", "app", "bench", *passed_on])
        case "check":
            ensure_environment(("dev", "train"), needs_qt=True)
            return check()
        case "coverage":
            ensure_environment(("dev",), needs_qt=True)
            return coverage()
        case _:
            ensure_environment(("dev", "train"), needs_qt=True)
            return check(with_tests=True, pytest_arguments=passed_on)


def opens_the_window(arguments: Sequence[str]) -> bool:
    """Whether ``loreleaf ARGUMENTS`` opens the window; every command is for the terminal and needs no Qt."""
    match list(arguments):
        case []:
            return True
        case ["--home", _, *rest]:
            return opens_the_window(rest)
        case [first, *rest]:
            return first.startswith("--home=") and opens_the_window(rest)
    return False


def wanted_torch(environment: Mapping[str, str], found: Stamp | None) -> str:
    """The build of torch to have: what LORELEAF_TORCH names, else the one that is there, else without CUDA.

    Raises:
        SetupFailed: LORELEAF_TORCH is neither "cpu" nor "cuda".
    """
    asked = environment.get("LORELEAF_TORCH", "").strip().lower()
    if asked not in ("", "cpu", "cuda"):
        raise SetupFailed(f'TORCH must be "cpu" or "cuda", got "{asked}".')
    return asked or (found.torch if found is not None else "cpu")


def debian_packages() -> list[str]:
    """Every package of Debian that Qt may need, for a machine that is set up by a script."""
    return sorted({library.apt for library in (*QT_LIBRARIES.values(), *X11_LIBRARIES.values())})


def ensure_environment(
    extras: tuple[str, ...] = (), *, needs_window: bool = False, needs_qt: bool = False
) -> None:
    """Make the virtual environment what the lock files say; takes a blink when it is so already.

    Args:
        extras: optional dependencies to have, such as "dev".
        needs_window: stop where Qt could not open its window on the display that is there.
        needs_qt: stop where Qt could not even run without a screen.

    Raises:
        SetupFailed: something is missing or went wrong; the message says what to do.
    """
    with _only_one_setup():
        found = read_stamp(VENV)
        torch = wanted_torch(os.environ, found)
        all_extras = {*extras, *(["cuda"] if torch == "cuda" else [])}
        wanted = Stamp(fingerprint(LOCK_FILES), str(ROOT), tuple(sorted(all_extras)), torch)
        has_venv = found is not None and found.root == wanted.root and venv_python().exists()
        is_ready = has_venv and is_current(found, wanted)
        wheels = _wheel_folder()
        must_compile = not is_ready and llama_wheel.kept_wheel(wheels) is None
        facts = survey(look_for_compiler=must_compile)
        _stop_if_something_is_missing(facts, must_compile, needs_window=needs_window, needs_qt=needs_qt)
        if not is_ready:
            set_up(wanted, keep=has_venv, wheels=wheels)


def _stop_if_something_is_missing(
    facts: MachineFacts, must_compile: bool, *, needs_window: bool, needs_qt: bool
) -> None:
    reason = unsupported_reason(facts)
    if reason is not None:
        raise SetupFailed(reason)
    tools = missing_tools(facts, must_compile=must_compile)
    for_window = needs_window and facts.display is not Display.NONE
    libraries = missing_libraries(facts, for_window=for_window) if for_window or needs_qt else ()
    if not tools and not libraries:
        return
    advice = explain((*tools, *libraries), facts)
    if for_window and not tools:
        advice += "\nWithout them Loreleaf still chats in the terminal: make run ARGS=chat"
    raise SetupFailed(advice)


def _wheel_folder() -> Path:
    version = pinned_version("llama-cpp-python", read_dependencies())
    cache = llama_wheel.user_cache_dir(sys.platform, os.environ, Path.home())
    flags = os.environ.get("CMAKE_ARGS", "")
    return cache / "wheels" / llama_wheel.wheel_key(version, flags, llama_wheel.processor_flags())


@contextmanager
def _only_one_setup() -> Iterator[None]:
    """Let a second set-up of this folder wait for the first."""
    LOG.parent.mkdir(parents=True, exist_ok=True)
    with (LOG.parent / "setup.lock").open("w") as lock:
        if sys.platform == "win32":
            import msvcrt

            msvcrt.locking(lock.fileno(), msvcrt.LK_LOCK, 1)
        else:
            import fcntl

            try:
                fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            except BlockingIOError:
                print("Another set-up of this folder is running; waiting for it.")
                fcntl.flock(lock, fcntl.LOCK_EX)
        yield


def _become(command: list[str]) -> int:
    """Go on as ``command``; comes back only on Windows, with its exit code."""
    sys.stdout.flush()
    if sys.platform == "win32":
        return subprocess.call(command)
    os.execv(command[0], command)


def check(*, with_tests: bool = False, pytest_arguments: Sequence[str] = ()) -> int:
    """Run the linters, the type checker, the import rules and maybe the tests; all, then say which failed."""
    python = str(venv_python())
    commands = {
        "ruff check": [python, "-m", "ruff", "check", "."],
        "ruff format": [python, "-m", "ruff", "format", "--check", "."],
        "mypy --strict": [python, "-m", "mypy"],
        "lint-imports": [str(venv_python().with_name("lint-imports"))],
    }
    if with_tests:
        commands["pytest"] = [python, "-m", "pytest", *_IN_PARALLEL, *pytest_arguments]
    failed = []
    for name, command in commands.items():
        print(f"--- {name}", flush=True)
        if subprocess.call(command, cwd=ROOT, env=clean_environment()) != 0:
            failed.append(name)
    if failed:
        print(f"Failed: {', '.join(failed)}", file=sys.stderr)
    return 1 if failed else 0


def coverage() -> int:
    """Run the tests with every line and branch counted, then compare with packaging/covered_files.txt."""
    python = str(venv_python())
    commands = (
        [python, "-m", "pytest", *_IN_PARALLEL, "--cov", "--cov-report="],
        [python, "packaging/coverage_ratchet.py"],
    )
    for command in commands:
        code = subprocess.call(command, cwd=ROOT, env=clean_environment())
        if code != 0:
            return code
    return 0


def clean() -> int:
    """Remove what the other commands made inside the project's folder; profiles and notes are elsewhere."""
    for name in MADE_BY_TOOLS:
        shutil.rmtree(ROOT / name, ignore_errors=True)
    return 0
