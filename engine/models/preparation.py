"""The step after a download: the hypernetwork's checkpoint is brought into Loreleaf's form."""

import errno
import shutil
from collections.abc import Callable
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.formats.atomic_files import sha256_of
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE
from engine.formats.weights_file import hypernetwork_hash

PREPARED_FILES = (CONFIG_FILE, TENSORS_FILE)


Convert = Callable[[Path, Path], None]
"""Writes a checkpoint into a folder in Loreleaf's form: ``hypernetwork.convert.convert_checkpoint``."""


def prepare(checkpoint: Path, folder: Path, convert: Convert) -> str:
    """Convert a checkpoint; what lay in ``folder`` is replaced.

    Returns:
        The hypernetwork's identity.

    Raises:
        ModelUnavailable: the checkpoint cannot be used, or the disk is full.
    """
    try:
        if folder.exists():
            shutil.rmtree(folder)
        convert(checkpoint, folder)
    except OSError as exc:
        title = "The disk is full." if exc.errno == errno.ENOSPC else "The hypernetwork could not be written."
        raise ModelUnavailable(
            title, f"{exc.filename or folder}: {exc.strerror or exc}. The download is kept; try again."
        ) from exc
    return hypernetwork_hash(folder)


def checksums(folder: Path) -> dict[str, str]:
    """File -> SHA-256 hex, of a hypernetwork in Loreleaf's form."""
    return {name: sha256_of(folder / name, lambda _n_done: None) for name in PREPARED_FILES}
