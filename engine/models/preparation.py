"""The step after a download: the hypernetwork's checkpoint is brought into Loreleaf's form.

The conversion itself is ``engine.hypernetwork.convert.convert_checkpoint``, imported when it is needed: it
brings torch along.
"""

import errno
import shutil
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.hypernetwork.config import CONFIG_FILE, TENSORS_FILE
from engine.hypernetwork.weights_file import hypernetwork_hash
from engine.models.whole_files import sha256_of

PREPARED_FILES = (CONFIG_FILE, TENSORS_FILE)


def convert(checkpoint: Path, folder: Path) -> None:
    """Write a checkpoint in Loreleaf's form; see ``convert_checkpoint``."""
    from engine.hypernetwork.convert import convert_checkpoint

    convert_checkpoint(checkpoint, folder)


def prepare(checkpoint: Path, folder: Path) -> str:
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
