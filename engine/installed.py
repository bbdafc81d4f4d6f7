"""What of Loreleaf's own packages is installed, and what to say and type when one is missing or broken.

Imports nothing heavy: the window's process reads it too.
"""

import importlib.util
import sys

from engine.errors import EngineError

FOR_LARGER_MODELS = ("transformers", "accelerate")
"""Packages that the published hypernetworks learn with, and the built-in one does without."""

_SET_UP_AGAIN = (
    "Type in Loreleaf's folder: make clean, then: make run (on Windows: packaging\\setup_environment.py with "
    "clean, then with run). Your notes and what was learnt from them stay."
)


def missing_packages(*names: str) -> tuple[str, ...]:
    """Those of the packages that cannot be found; none is imported."""
    return tuple(name for name in names if importlib.util.find_spec(name) is None)


def what_larger_models_lack() -> str:
    """What learning with a published hypernetwork lacks, and the line that installs it; empty if nothing."""
    missing = missing_packages(*FOR_LARGER_MODELS)
    if not missing:
        return ""
    named = " and ".join(missing)
    verb, them = ("are", "them") if len(missing) > 1 else ("is", "it")
    what = f"Notes cannot be learnt with it here: {named} {verb} missing."
    return f"{what} To install {them}, type: {install_line(*missing)}"


def install_line(*names: str) -> str:
    """The command that installs packages in the version that Loreleaf was tested with."""
    wanted = _requirements()
    return f'"{sys.executable}" -m pip install {" ".join(wanted.get(name, name) for name in names)}'


def failed_at_import(exc: BaseException) -> bool:
    """Whether an exception comes from a module that could not be imported, and not from what it does.

    Not only ImportError: a library of torch or llama.cpp that does not load raises OSError or RuntimeError.
    """
    if isinstance(exc, ImportError):
        return True
    frame = exc.__traceback__
    while frame is not None:
        # Only a module's own lines run under this name; Python leaves its importer's frames out.
        if frame.tb_frame.f_code.co_name == "<module>":
            return True
        frame = frame.tb_next
    return False


def explain_import(exc: BaseException) -> EngineError:
    """For the user: what could not be imported, and what to do."""
    missing = (exc.name or "").partition(".")[0] if isinstance(exc, ModuleNotFoundError) else ""
    if missing in _requirements():
        detail = f"The package {missing} is missing. To install it, type: {install_line(missing)}"
    else:
        detail = f"{type(exc).__name__}: {str(exc).rstrip('.')}. {_SET_UP_AGAIN}"
    return EngineError("A part of Loreleaf is not installed correctly.", detail)


def _requirements() -> dict[str, str]:
    """A package's name as it is imported -> what pyproject.toml asks for: "transformers==5.23.0"."""
    from importlib.metadata import PackageNotFoundError, requires  # not at the start: it takes 30 ms

    try:
        named = requires("loreleaf") or []
    except PackageNotFoundError:  # run from a folder that was never set up
        return {}
    pinned = (line.partition(";")[0].strip() for line in named)
    return {pin.partition("==")[0].replace("-", "_").lower(): pin for pin in pinned}
