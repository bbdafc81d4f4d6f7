"""One file from the hub into a folder: resumed where it stopped, checked, and only then in its place.

What has arrived lies in a partial file that is named by the checksum it is to have. So it is resumed exactly
when the wanted bytes are still the same, whatever commit, mirror or process they come from; and whatever a
crash left of it, the checksum tells.
"""

import errno
import shutil
import threading
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.errors import ModelUnavailable
from engine.formats.atomic_files import git_blob_id_of, put_in_place, sha256_of, write_all
from engine.models.hub import ConnectionLost, Hub
from engine.models.hub_listing import RemoteFile
from engine.models.registry import HubPart
from engine.models.requirements import DISK_MARGIN_BYTES, gigabytes

RETRY_PAUSES_S = (1.0, 2.0, 4.0, 8.0, 16.0)
"""Before each further try when a connection broke; they begin anew as soon as bytes arrive."""


class FetchStopped(Exception):
    """The user wants no more. What has arrived is kept."""


class Watcher(Protocol):
    """Is told how a transfer goes. Each method may raise FetchStopped."""

    def received(self, file: RemoteFile, n_bytes: int) -> None:
        """So much of the file is here."""
        ...

    def waiting(self, file: RemoteFile) -> None:
        """The connection broke; after a pause it is tried again."""
        ...

    def checked(self, file: RemoteFile, n_bytes: int) -> None:
        """So much of it went into the checksum."""
        ...


@dataclass(frozen=True, slots=True)
class Transfer:
    """A file that is wanted.

    Attributes:
        part, revision: where it is from.
        target: where it goes.
        partial: where it grows; on the same disk.
    """

    part: HubPart
    revision: str
    file: RemoteFile
    target: Path
    partial: Path

    @property
    def n_received(self) -> int:
        """How much of it has arrived."""
        for path in (self.target, self.partial):
            try:
                return min(path.stat().st_size, self.file.size_bytes)
            except OSError:
                continue
        return 0


def plan_transfer(
    part: HubPart, revision: str, file: RemoteFile, folder: Path, partial_dir: Path
) -> Transfer:
    """The transfer of a file into ``folder``, under its own name."""
    target = folder / file.name.rpartition("/")[2]
    partial = partial_dir / f"{file.sha256 or file.git_blob_id}.part"
    return Transfer(part, revision, file, target, partial)


def check_disk(folder: Path, transfers: Sequence[Transfer], n_later_bytes: int = 0) -> None:
    """See that everything will find room, before anything is fetched.

    Args:
        folder: exists, on the disk in question.
        transfers: what is to be fetched, as far as it has not arrived.
        n_later_bytes: what will be made of it, on the same disk.

    Raises:
        ModelUnavailable: it will not.
    """
    n_needed = sum(transfer.file.size_bytes - transfer.n_received for transfer in transfers)
    n_free = shutil.disk_usage(folder).free
    if n_needed and n_needed + n_later_bytes + DISK_MARGIN_BYTES > n_free:
        raise ModelUnavailable(
            "The disk is too full for this model.",
            f"{gigabytes(n_needed + n_later_bytes + DISK_MARGIN_BYTES)} are needed in {folder}, and "
            f"{gigabytes(n_free)} are free. Free some space and try again.",
        )


def download(
    hub: Hub,
    transfer: Transfer,
    watcher: Watcher,
    stop: threading.Event,
    pauses_s: Sequence[float] = RETRY_PAUSES_S,
) -> str:
    """Fetch a file unless it is there, check it, and put it in its place.

    Args:
        hub: where it is fetched from.
        transfer: what, and where to.
        watcher: told of every block, in this thread.
        stop: set from another thread to stop soon.
        pauses_s: between tries.

    Returns:
        SHA-256 hex of the file.

    Raises:
        FetchStopped: ``stop`` was set.
        ModelUnavailable: the hub refuses or is gone, the bytes are wrong, or the disk is full.
    """
    try:
        if (sha256 := _accept_existing(transfer, watcher)) is not None:
            return sha256
        transfer.partial.parent.mkdir(parents=True, exist_ok=True)
        transfer.target.parent.mkdir(parents=True, exist_ok=True)
        transfer.partial.touch()
        _receive(hub, transfer, watcher, stop, pauses_s)
        sha256 = _checked(transfer, transfer.partial, watcher)
        if sha256 is None:
            transfer.partial.unlink()
            raise _wrong_bytes(transfer)
        put_in_place(transfer.partial, transfer.target)
    except OSError as exc:
        raise _disk_trouble(transfer, exc) from exc
    return sha256


def _accept_existing(transfer: Transfer, watcher: Watcher) -> str | None:
    """The SHA-256 of the file if it lies in its place and is right, e.g. when only its record was lost."""
    if not transfer.target.is_file():
        return None
    sha256 = _checked(transfer, transfer.target, watcher)
    if sha256 is None:
        transfer.target.unlink()
    return sha256


def _receive(
    hub: Hub, transfer: Transfer, watcher: Watcher, stop: threading.Event, pauses_s: Sequence[float]
) -> None:
    """Let the partial file grow to its size, through as many connections as it takes."""
    n_failed = 0
    while (n_before := transfer.partial.stat().st_size) < transfer.file.size_bytes:
        if stop.is_set():
            raise FetchStopped
        try:
            _receive_once(hub, transfer, watcher, stop, n_before)
        except ConnectionLost as exc:
            reason = str(exc)
        else:
            reason = "the connection was closed too early"
        n_now = transfer.partial.stat().st_size
        if n_now >= transfer.file.size_bytes:
            return
        n_failed = 0 if n_now > n_before else n_failed + 1
        if n_failed > len(pauses_s):
            raise hub.unreachable(reason)
        watcher.waiting(transfer.file)
        if stop.wait(pauses_s[max(0, n_failed - 1)] if pauses_s else 0.0):
            raise FetchStopped


def _receive_once(
    hub: Hub, transfer: Transfer, watcher: Watcher, stop: threading.Event, n_before: int
) -> None:
    """Append what one connection brings.

    Raises:
        ConnectionLost: it ended with an error; what came before is kept.
    """
    with (
        hub.open(transfer.part, transfer.revision, transfer.file, n_before) as stream,
        # Without a buffer: when this process is killed, everything that arrived is in the file.
        transfer.partial.open("r+b" if stream.start else "wb", buffering=0) as partial,
    ):
        n_bytes = partial.seek(stream.start)
        for block in stream.blocks:
            write_all(partial, block)
            n_bytes += len(block)
            watcher.received(transfer.file, min(n_bytes, transfer.file.size_bytes))
            if stop.is_set():
                raise FetchStopped


def _checked(transfer: Transfer, path: Path, watcher: Watcher) -> str | None:
    """SHA-256 hex of the bytes at ``path`` if they are the wanted ones."""
    file = transfer.file
    if path.stat().st_size != file.size_bytes:
        return None
    if not file.sha256 and git_blob_id_of(path, lambda _n_done: None) != file.git_blob_id:
        return None
    found = sha256_of(path, lambda n_done: watcher.checked(file, n_done))
    return found if file.sha256 in ("", found) else None


def _wrong_bytes(transfer: Transfer) -> ModelUnavailable:
    return ModelUnavailable(
        "What arrived is damaged, and was thrown away.",
        f"{transfer.file.name} of {transfer.part.repo} does not have the checksum that the hub announced. "
        "Type the same command again. If it stays so, something on the way alters files: a proxy, or a "
        "mirror (HF_ENDPOINT).",
    )


def _disk_trouble(transfer: Transfer, exc: OSError) -> ModelUnavailable:
    folder = transfer.target.parent
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        n_needed = transfer.file.size_bytes - transfer.n_received
        return ModelUnavailable(
            "The disk is full.",
            f"{transfer.file.name} still needs {gigabytes(n_needed)} in {folder}. What has arrived is kept: "
            "free some space and type the same command again.",
        )
    return ModelUnavailable(
        "A file of the model cannot be written.", f"{exc.filename or folder}: {exc.strerror or exc}."
    )
