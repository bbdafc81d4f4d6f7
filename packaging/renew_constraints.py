"""Write the lock files anew: exact versions, with the hashes of all their files, for every system and Python.

    .venv/bin/python packaging/renew_constraints.py              # after a change of pyproject.toml
    .venv/bin/python packaging/renew_constraints.py --upgrade    # the newest of what those bring along, too

uv resolves: unlike pip it does so for all systems at once, and it writes hashes. Nothing is installed.
"""

import subprocess
import sys
from collections.abc import Sequence
from pathlib import Path

from project_files import (
    BUILD_CONSTRAINTS,
    CONSTRAINTS,
    PIP_PIN,
    PYPROJECT,
    read_pins,
    venv_python,
)

LEFT_OUT = ("httpx2-jsfetch",)
"""Only for systems on which Loreleaf does not run."""

_COMPILE = (
    *("pip", "compile", "--universal", "--python-version", "3.11"),  # for this Python and those above
    *("--generate-hashes", "--no-header", "--no-annotate", "--quiet"),
)


def with_comments(old: str, pins: str) -> str:
    """``pins`` under the lines of comment that ``old`` begins with."""
    comments = [line for line in old.splitlines() if line.startswith("#")]
    return "\n".join([*comments, pins.strip()]) + "\n"


def renew(path: Path, source: Path, options: Sequence[str]) -> None:
    """Write one lock file anew; the comment at its top stays, and so do versions that still fit.

    Args:
        path: of the lock file; unchanged where there is no solution.
        source: a pyproject.toml or a file of requirements.
        options: further ones for `uv pip compile`.

    Raises:
        subprocess.CalledProcessError: there is no solution; uv's reasons are on stderr.
    """
    old = path.read_text(encoding="utf-8")
    uv = str(venv_python().with_name("uv"))
    files = ["--output-file", str(path), str(source)]
    subprocess.run([uv, *_COMPILE, *options, *files], check=True, stdout=subprocess.DEVNULL)
    path.write_text(with_comments(old, path.read_text(encoding="utf-8")), encoding="utf-8", newline="\n")


def main(arguments: Sequence[str]) -> None:
    """Renew constraints.txt, and the hashes of what builds, whose versions are changed by hand."""
    without = [option for name in LEFT_OUT for option in ("--no-emit-package", name)]
    renew(CONSTRAINTS, PYPROJECT, ["--all-extras", *without, *arguments])
    for path in (BUILD_CONSTRAINTS, PIP_PIN):
        renew_hashes(path)


def renew_hashes(path: Path) -> None:
    """Look the hashes of the versions in ``path`` up again."""
    pins = "\n".join(f"{name}=={version}" for name, version in read_pins(path).items())
    source = path.with_suffix(".in")
    source.write_text(pins, encoding="utf-8")
    try:
        renew(path, source, ["--no-deps"])
    finally:
        source.unlink()


if __name__ == "__main__":
    main(sys.argv[1:])
