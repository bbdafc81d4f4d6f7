"""Make a release: set the version, date the changelog, commit and tag. Nothing is pushed.

    python3 packaging/release.py 0.2.0

Only the standard library and git are used. pyproject.toml is the one place of the version: the program asks
for it with importlib.metadata.
"""

import argparse
import re
import subprocess
import sys
import tomllib
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

from project_files import ROOT

_VERSION = re.compile(r"(0|[1-9]\d*)\.(0|[1-9]\d*)\.(0|[1-9]\d*)")
_VERSION_LINE = re.compile(r'^version = "[^"]*"$', re.MULTILINE)
_SECTION = re.compile(r"^## \[(?P<name>[^\]]+)\].*$", re.MULTILINE)
_ENTRY = re.compile(r"^- \S", re.MULTILINE)
_UNRELEASED = "Unreleased"


class ReleaseRefused(Exception):
    """Why there is no release, and what to do about it; nothing was changed."""


def parse_version(text: str) -> tuple[int, int, int]:
    """The three numbers of a version: "0.2.0" -> (0, 2, 0).

    Raises:
        ReleaseRefused: it is not three numbers with points between.
    """
    found = _VERSION.fullmatch(text)
    if found is None:
        raise ReleaseRefused(f'A version is three numbers, such as 0.2.0; got "{text}".')
    return int(found[1]), int(found[2]), int(found[3])


def read_version(pyproject: str) -> str:
    """The version that the text of pyproject.toml names."""
    return str(tomllib.loads(pyproject)["project"]["version"])


def with_version(pyproject: str, version: str) -> str:
    """The text of pyproject.toml with another version, and nothing else changed.

    Raises:
        ReleaseRefused: not exactly one line names the version.
    """
    changed, n_lines = _VERSION_LINE.subn(f'version = "{version}"', pyproject)
    if n_lines != 1 or read_version(changed) != version:
        raise ReleaseRefused(f'pyproject.toml must have one line version = "…", and has {n_lines}.')
    return changed


def sections(changelog: str) -> dict[str, str]:
    """The text below each heading ``## [name]``, newest first."""
    headings = list(_SECTION.finditer(changelog))
    ends = [heading.start() for heading in headings[1:]] + [len(changelog)]
    return {
        heading["name"]: changelog[heading.end() : end].strip()
        for heading, end in zip(headings, ends, strict=True)
    }


def with_release(changelog: str, version: str, date: str) -> str:
    """The changelog with what was unreleased under ``version`` and ``date``, below an empty section.

    Raises:
        ReleaseRefused: nothing is unreleased, or the version is there already.
    """
    found = sections(changelog)
    if not _ENTRY.search(found.get(_UNRELEASED, "")):
        raise ReleaseRefused(f"CHANGELOG.md has no entries under [{_UNRELEASED}]: what would be released?")
    if version in found:
        raise ReleaseRefused(f"CHANGELOG.md has a section [{version}] already.")
    heading = f"## [{_UNRELEASED}]"
    return changelog.replace(heading, f"{heading}\n\n## [{version}] - {date}", 1)


def check_order(version: str, current: str, released: Sequence[str]) -> None:
    """See that versions only go up; the first release may be what pyproject.toml says already.

    Args:
        version: asked for.
        current: in pyproject.toml.
        released: versions that the changelog has a section of.

    Raises:
        ReleaseRefused: a version as high was there before.
    """
    asked = parse_version(version)
    highest = max((parse_version(name) for name in released), default=None)
    if asked < parse_version(current) or (highest is not None and asked <= highest):
        newest = current if highest is None else ".".join(map(str, highest))
        raise ReleaseRefused(f"Versions only go up: {version} is not newer than {newest}.")


def release(root: Path, version: str, date: str) -> None:
    """Write the two files, commit them and tag the commit, or leave all as it was.

    Args:
        root: top folder of the repository.
        version: such as "0.2.0".
        date: of the release, YYYY-MM-DD.

    Raises:
        ReleaseRefused: something is not as it should be; the files are unchanged.
    """
    parse_version(version)
    tag = f"v{version}"
    changed = _git(root, "status", "--porcelain")
    if changed:
        raise ReleaseRefused(
            f"There are changes that are not committed:\n{changed}\nCommit or stash them first."
        )
    if _git(root, "tag", "--list", tag):
        raise ReleaseRefused(f"The tag {tag} exists already.")
    pyproject, changelog = root / "pyproject.toml", root / "CHANGELOG.md"
    old_project, old_log = pyproject.read_text(encoding="utf-8"), changelog.read_text(encoding="utf-8")
    released = [name for name in sections(old_log) if name != _UNRELEASED]
    check_order(version, read_version(old_project), released)
    new_project, new_log = with_version(old_project, version), with_release(old_log, version, date)
    names = (pyproject.name, changelog.name)
    try:
        pyproject.write_text(new_project, encoding="utf-8", newline="\n")
        changelog.write_text(new_log, encoding="utf-8", newline="\n")
        _git(root, "commit", "--quiet", "-m", f"Release {version}", "--", *names)
    except (ReleaseRefused, OSError) as failed:
        _git(root, "checkout", "--quiet", "HEAD", "--", *names)
        raise ReleaseRefused(f"The release could not be committed:\n{failed}") from failed
    # Verbatim: git would take the headings of the changelog for comments.
    notes = f"Loreleaf {version}\n\n{sections(new_log)[version]}\n"
    _git(root, "tag", "--annotate", "--cleanup=verbatim", "-m", notes, tag)


def _git(root: Path, *arguments: str) -> str:
    try:
        done = subprocess.run(
            ["git", *arguments], cwd=root, capture_output=True, text=True, encoding="utf-8", check=False
        )
    except FileNotFoundError as missing:
        raise ReleaseRefused("A release needs git, and there is none on the PATH.") from missing
    if done.returncode != 0:
        said = done.stderr.strip() or done.stdout.strip()
        raise ReleaseRefused(f"git {arguments[0]} failed: {said}")
    return done.stdout.rstrip()


def main(arguments: Sequence[str] | None = None) -> int:
    """Make the release that the command line names; returns the exit code."""
    parser = argparse.ArgumentParser(
        prog="release.py", description="Set the version, date the changelog, tag."
    )
    parser.add_argument("version", help="three numbers, such as 0.2.0")
    version = parser.parse_args(arguments).version
    try:
        release(ROOT, version, datetime.now(UTC).date().isoformat())
    except ReleaseRefused as refused:
        print(refused, file=sys.stderr)
        return 1
    print(f"Loreleaf {version} is committed and tagged v{version}. To publish it:  git push --follow-tags")
    return 0


if __name__ == "__main__":
    sys.exit(main())
