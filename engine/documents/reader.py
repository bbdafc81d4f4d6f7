"""A file to its text: the only place that opens documents.

The bytes are read once; what is hashed is what is learnt, even when the file changes meanwhile.
"""

import errno
import hashlib
import os
import stat
import unicodedata
from dataclasses import dataclass
from pathlib import Path

from engine.documents.formats import EXTRACTORS
from engine.errors import UnreadableDocument

SUPPORTED_SUFFIXES = frozenset(EXTRACTORS)
"""Lower case, with the dot."""

MAX_FILE_BYTES = 4_000_000
"""About 700 000 words: more than a note, and hours of work for a small computer."""

MAX_TEXT_CHARS = 4_000_000
"""A small archive (.docx, .pdf) may unfold into much more text than it has bytes."""

_READ_ATTEMPTS = 2


class DocumentChanged(UnreadableDocument):
    """The file was written to while it was being read, twice in a row."""


@dataclass(frozen=True, slots=True)
class DocumentText:
    """What a document says.

    Attributes:
        text: line ends are newlines; spans of chunks refer to it.
        content_hash: SHA-256 hex of the file's bytes.
        size_bytes: of the file.
        note: a remark for the library row, e.g. "Read as Windows-1252."; empty if there is none.
    """

    text: str
    content_hash: str
    size_bytes: int
    note: str


def read_document(path: Path) -> DocumentText:
    """Read a supported file.

    Raises:
        DocumentChanged: somebody is writing to it; try again when it is quiet.
        UnreadableDocument: gone, empty, too large, not permitted, no file, binary, protected, without text.
    """
    extract = EXTRACTORS.get(path.suffix.lower())
    if extract is None:
        known = ", ".join(sorted(SUPPORTED_SUFFIXES))
        raise UnreadableDocument(
            "Loreleaf cannot read this kind of file.",
            f"{_shown(path)} ends in “{path.suffix}”; files that can be read end in {known}.",
        )
    data = _read_bytes(path)
    text, note = extract(data)
    if not any(unicodedata.category(c)[0] in "LNSP" for c in text):
        raise UnreadableDocument("There is no text in this file.", f"{_shown(path)} has only blank space.")
    if len(text) > MAX_TEXT_CHARS:
        raise UnreadableDocument(
            "There is too much text in this file.",
            f"{_shown(path)} has {len(text):,} characters; the limit is {MAX_TEXT_CHARS:,}."
            " Divide it into smaller files.",
        )
    return DocumentText(text, hashlib.sha256(data).hexdigest(), len(data), note)


def _read_bytes(path: Path) -> bytes:
    for _ in range(_READ_ATTEMPTS):
        try:
            before = _stamp(path)
            data = _read_once(path)
            after = _stamp(path)
        except OSError as exc:
            raise _translate(path, exc) from exc
        if before == after:
            if not data:
                raise UnreadableDocument(
                    "The file is empty.", f"{_shown(path)} has 0 bytes. It is learnt once it has text."
                )
            return data
    raise DocumentChanged(
        "The file kept changing while it was being read.",
        f"Another program writes to {_shown(path)}. It is read again when that is over.",
    )


def _stamp(path: Path) -> tuple[int, int, int]:
    """Device-independent identity of the file's present bytes: inode, size, time of the last change.

    Raises:
        UnreadableDocument: not a regular file (opening a pipe would block for ever), or too large to be read.
        OSError: gone or not allowed.
    """
    status = path.stat()
    if stat.S_ISDIR(status.st_mode):
        raise UnreadableDocument("This is a folder, not a file.", f"Add {_shown(path)} as a folder.")
    if not stat.S_ISREG(status.st_mode):
        raise UnreadableDocument("This is not a file with text.", f"{_shown(path)} is a device or a pipe.")
    if status.st_size > MAX_FILE_BYTES:
        raise _too_large(path, status.st_size)
    return status.st_ino, status.st_size, status.st_mtime_ns


def _read_once(path: Path) -> bytes:
    with path.open("rb") as file:
        data = file.read(MAX_FILE_BYTES + 1)
    if len(data) > MAX_FILE_BYTES:  # it grew since it was looked at
        raise _too_large(path, len(data))
    return data


def _too_large(path: Path, size_bytes: int) -> UnreadableDocument:
    return UnreadableDocument(
        "The file is too large.",
        f"{_shown(path)} has {size_bytes / 1e6:.1f} MB; the limit is {MAX_FILE_BYTES / 1e6:.0f} MB."
        " Divide it into smaller files.",
    )


def _translate(path: Path, error: OSError) -> UnreadableDocument:
    reason = error.strerror or str(error)
    match error.errno:
        case errno.ENOENT | errno.ENOTDIR | errno.ESTALE:
            return UnreadableDocument(
                "The file is gone.", f"{_shown(path)} was moved or deleted before it could be read."
            )
        case errno.EACCES | errno.EPERM:
            return UnreadableDocument(
                "The file may not be read.",
                f"{_shown(path)}: {reason}. Give yourself permission to read it, or close the program that"
                " holds it, and try again.",
            )
        case _:
            return UnreadableDocument("The file could not be read.", f"{_shown(path)}: {reason}.")


def _shown(path: Path) -> str:
    """The file's name for a sentence, also when the file system gave bytes that are no text."""
    return f"“{os.fsencode(path.name).decode('utf-8', 'replace')}”"
