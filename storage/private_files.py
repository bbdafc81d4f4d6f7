"""Keeping what Loreleaf writes from other users of the computer (POSIX; on Windows a profile's folder is)."""

import os
import stat
import sys
from collections.abc import Iterator
from fnmatch import fnmatch
from pathlib import Path

FOLDER_MODE = 0o700
FILE_MODE = 0o600
_OTHERS = 0o077

_OURS = (
    "catalog.*",  # with its -wal, locks, and copies that were moved aside
    "settings.json*",
    "forgotten.json*",
    "window.ini*",
    "hub-token*",
    "profile.lock",
    "backups",
    "cache",
    "logs",
    "models",
)
"""What a profile folder may hold; see ProfilePaths."""


def restrict_new_files() -> None:
    """From here on, files and folders that this process and its children make are the user's alone."""
    os.umask(_OTHERS)


def restrict_profile(home: Path) -> bool:
    """Take a profile's folder and files from everybody but their owner, also if they were made otherwise.

    Files that are not Loreleaf's are left as they are, and so is a folder that holds any: somebody named
    their own folder as the profile.

    Returns:
        whether the folder itself is private now.

    Raises:
        OSError: a mode cannot be changed.
    """
    if sys.platform == "win32":
        return True
    entries = list(home.iterdir())
    ours = [entry for entry in entries if any(fnmatch(entry.name, pattern) for pattern in _OURS)]
    for path in _with_contents(ours):
        _restrict(path)
    if len(ours) == len(entries):
        _restrict(home)
    return not home.stat().st_mode & _OTHERS


def _with_contents(paths: list[Path]) -> Iterator[Path]:
    for path in paths:
        yield path
        if path.is_dir() and not path.is_symlink():
            yield from _with_contents(list(path.iterdir()))


def _restrict(path: Path) -> None:
    found = path.lstat()
    if stat.S_ISLNK(found.st_mode) or found.st_uid != os.geteuid() or not found.st_mode & _OTHERS:
        return  # a link's target is not ours to change
    path.chmod(FOLDER_MODE if stat.S_ISDIR(found.st_mode) else FILE_MODE)
