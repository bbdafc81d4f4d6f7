"""Where the set-up finds and puts things, and what the lock files say."""

import os
import re
import sys
import tomllib
from collections.abc import Sequence
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
VENV = ROOT / ".venv"
LOG = ROOT / ".cache" / "setup.log"
PYPROJECT = ROOT / "pyproject.toml"
CONSTRAINTS = ROOT / "constraints.txt"
BUILD_CONSTRAINTS = ROOT / "packaging" / "build-constraints.txt"
PIP_PIN = ROOT / "packaging" / "pip.txt"
EMBEDDED_MODEL = ROOT / "packaging" / "embedded-model.txt"

_PIN = re.compile(r"^([A-Za-z0-9._-]+)==([^\s;]+)", re.MULTILINE)

LOCK_FILES = (PYPROJECT, CONSTRAINTS, BUILD_CONSTRAINTS, PIP_PIN, EMBEDDED_MODEL)
"""Together they say what the environment must be."""

MADE_BY_TOOLS = (
    *(".venv", ".cache", "build", "dist"),
    *(".mypy_cache", ".ruff_cache", ".pytest_cache", ".import_linter_cache", ".hypothesis"),
)
"""Folders that `make clean` removes; profiles and notes are elsewhere."""


def venv_python() -> Path:
    """The environment's Python."""
    return VENV / "Scripts" / "python.exe" if sys.platform == "win32" else VENV / "bin" / "python"


def clean_environment() -> dict[str, str]:
    """os.environ without what would make pip or Python look outside the virtual environment."""
    misleading = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV")
    environment = {name: value for name, value in os.environ.items() if name not in misleading}
    return environment | {"PIP_USER": "0", "PIP_NO_INPUT": "1", "PIP_DISABLE_PIP_VERSION_CHECK": "1"}


def read_dependencies(extras: Sequence[str] = ()) -> list[str]:
    """The requirements that pyproject.toml names, those of ``extras`` included."""
    project = tomllib.loads(PYPROJECT.read_text(encoding="utf-8"))["project"]
    optional = project["optional-dependencies"]
    return [*project["dependencies"], *(named for extra in extras for named in optional[extra])]


def pinned_version(name: str, requirements: Sequence[str]) -> str:
    """The exact version of one requirement: ("torch", ["torch==2.13.0"]) -> "2.13.0".

    Raises:
        ValueError: none of them pins ``name``.
    """
    for requirement in requirements:
        pinned, separator, version = requirement.partition("==")
        if separator and pinned.strip().lower() == name.lower():
            return version.split(";")[0].strip()
    raise ValueError(f"nothing pins {name} among {len(requirements)} requirements")


def read_pins(lock_file: Path) -> dict[str, str]:
    """The version of each package that a lock file pins, by name; markers and hashes are left out."""
    return dict(_PIN.findall(lock_file.read_text(encoding="utf-8")))
