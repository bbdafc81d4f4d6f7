"""Files that are whole or not there: checksums, and moving into place what was written beside.

Free of numpy, so that the window's process may import it.
"""

import hashlib
import os
from collections.abc import Callable
from io import RawIOBase
from pathlib import Path

_READ_BYTES = 1 << 20
PRIVATE_FILE = 0o600
PRIVATE_FOLDER = 0o700


def sha256_of(path: Path, on_progress: Callable[[int], None]) -> str:
    """SHA-256 hex of a file.

    Args:
        path: the file.
        on_progress: called in this thread with the number of bytes read so far; may raise to stop.

    Raises:
        OSError: the file cannot be read.
    """
    return _digest_of(path, hashlib.sha256(), on_progress)


def git_blob_id_of(path: Path, on_progress: Callable[[int], None]) -> str:
    """What git calls a file of these bytes: SHA-1 hex of a header with its size, then the bytes.

    The hub names files by it that are too small for Git LFS. Raises like ``sha256_of``.
    """
    digest = hashlib.sha1(b"blob %d\0" % path.stat().st_size, usedforsecurity=False)
    return _digest_of(path, digest, on_progress)


def put_in_place(part: Path, target: Path) -> None:
    """Sync ``part`` to the disk and rename it to ``target``, replacing what is there; both on one disk.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    with part.open("rb+") as file:
        os.fsync(file.fileno())
    part.replace(target)
    _sync_folder(target.parent)


def write_whole(target: Path, text: str, mode: int = 0o644) -> None:
    """Write a small text file so that readers see the old content or the new one; makes its folder.

    Raises:
        OSError: the disk is full, or the folder cannot be written.
    """
    target.parent.mkdir(parents=True, exist_ok=True)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        # Opened with its mode: between creating and chmod, others could read a secret.
        with open(os.open(part, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, mode), "w", encoding="utf-8") as file:  # noqa: PTH123  Path.open takes no descriptor
            file.write(text)
        put_in_place(part, target)
    finally:
        part.unlink(missing_ok=True)


def write_private(target: Path, data: bytes | memoryview) -> None:
    """Write a file that is in memory so that readers see the old content or the new one; only its owner may
    read it.

    Raises:
        OSError: the disk is full, or there is no folder, or it cannot be written.
    """
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        create_private(part)
        part.write_bytes(data)
        put_in_place(part, target)
    finally:
        part.unlink(missing_ok=True)


def create_private(path: Path) -> None:
    """Make an empty file that only its owner may read and write, in the place of what was there.

    Raises:
        OSError: it cannot be made.
    """
    path.unlink(missing_ok=True)
    # Made with its mode, and never through a link that somebody else has put there.
    os.close(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_EXCL, PRIVATE_FILE))


def make_private_folders(folder: Path) -> None:
    """Make a folder and those above it; of those that are made, only the owner sees what is inside.

    Raises:
        OSError: they cannot be made.
    """
    if folder.is_dir():
        return
    make_private_folders(folder.parent)
    folder.mkdir(PRIVATE_FOLDER, exist_ok=True)


def write_all(file: RawIOBase, block: bytes) -> None:
    """Write all of ``block`` to a file without a buffer, which on a disk that fills up takes less at once.

    Raises:
        OSError: the disk is full; what was written before is in the file, in order.
    """
    rest = memoryview(block)
    while rest:
        rest = rest[file.write(rest) or 0 :]


def _digest_of(path: Path, digest: "hashlib._Hash", on_progress: Callable[[int], None]) -> str:
    n_done = 0
    with path.open("rb") as file:
        while block := file.read(_READ_BYTES):
            digest.update(block)
            n_done += len(block)
            on_progress(n_done)
    return digest.hexdigest()


def _sync_folder(folder: Path) -> None:
    """Make the rename itself durable; Windows has no such call for folders."""
    if os.name == "nt":
        return
    descriptor = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(descriptor)
    finally:
        os.close(descriptor)
