"""Looking at the user's files without reading their text: names, stamps, hashes, walks. Any thread."""

import hashlib
import os
import stat
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

from app.services.settling import FileStamp

_READ_BYTES = 1 << 20

NOTE_SUFFIXES = frozenset(
    {".txt", ".md", ".markdown", ".rst", ".org", ".html", ".htm", ".pdf", ".docx", ".csv"}
)
"""The same as ``engine.documents.reader.SUPPORTED_SUFFIXES`` (a test holds it): that one loads the parsers of
PDF and Word files, which have no business in the window's process."""

MAX_NOTE_BYTES = 4_000_000
"""The same as ``engine.documents.reader.MAX_FILE_BYTES``, for the same reason."""

HIDDEN_PREFIXES = (".", "~$")
"""Names that begin so are not the user's notes: "~$" are Word's locks beside the document."""


@dataclass(frozen=True, slots=True)
class Skipped:
    """A path that was not taken, and why, for the user.

    Attributes:
        is_unreadable: the system refused it, so there may be notes in it; False for what is no note.
    """

    path: Path
    reason: str
    is_unreadable: bool = False


def canonical(path: Path) -> Path:
    """The one absolute form of ``path`` under which the catalog knows it.

    Links in the folder are resolved, so that the watcher's events and the user's paths agree (macOS reports
    /private/tmp for /tmp). A link in the last place stays: it is the name and place that the user sees.
    """
    absolute = Path(os.path.abspath(path.expanduser()))  # noqa: PTH100  Path.resolve would follow the last link
    return absolute.parent.resolve() / absolute.name


def stamp_of(path: Path) -> FileStamp | None:
    """The file's stamp; None if there is no such file (a folder or a pipe is none).

    Raises:
        OSError: it cannot be told whether there is one: no permission, or a drive that does not answer.
    """
    try:
        found = path.stat()
    except (FileNotFoundError, NotADirectoryError):
        return None
    if not stat.S_ISREG(found.st_mode):
        return None
    return FileStamp(found.st_size, found.st_mtime_ns)


def is_folder(path: Path) -> bool:
    """Whether there is a folder that can be looked at; False when that cannot be told."""
    return os.path.isdir(path)  # noqa: PTH112  Path.is_dir raises when permission is missing


def hash_file(path: Path) -> str:
    """SHA-256 hex of the file's bytes.

    Raises:
        OSError: it cannot be read.
    """
    digest = hashlib.sha256()
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
    return digest.hexdigest()


def why_not_a_note(path: Path) -> str:
    """Why a file of this name is never taken from a folder, for the user; empty if it is."""
    if path.name.startswith(HIDDEN_PREFIXES):
        return "It is a hidden or temporary file."
    if path.suffix.lower() not in NOTE_SUFFIXES:
        kind = f"{path.suffix} files" if path.suffix else "Files without a suffix"
        return f"{kind} cannot be read as notes."
    return ""


def is_in_hidden_folder(path: Path, root: Path) -> bool:
    """Whether a folder between ``root`` and the file begins with a dot. ``path`` is below ``root``."""
    return any(part.startswith(".") for part in path.relative_to(root).parts[:-1])


def walk_notes(root: Path) -> Iterator[Path | Skipped]:
    """All files below ``root`` in the order of their names: notes as paths, everything else with its reason.

    Links to folders are not followed: they could lead in circles.
    """
    failures: list[OSError] = []
    for folder, folders, files in os.walk(root, onerror=failures.append):
        hidden = [name for name in folders if name.startswith(".")]
        folders[:] = sorted(set(folders) - set(hidden))
        for name in sorted(hidden):
            yield Skipped(Path(folder, name), "It is a hidden folder.")
        for name in sorted(files):
            path = Path(folder, name)
            reason = why_not_a_note(path)
            yield Skipped(path, reason) if reason else path
    for failure in failures:
        reason = f"The folder cannot be opened ({failure.strerror or failure}). Notes in it are left out."
        yield Skipped(Path(failure.filename or root), reason, is_unreadable=True)
