"""The process that adds a set to a base model's weights and saves that. Entry of a spawned process."""

import errno
import os
import shutil
from collections.abc import Callable
from multiprocessing.connection import Connection
from pathlib import Path

from engine.adapters.composition import Composition, compose
from engine.adapters.destination import check_file, prepare_parent
from engine.adapters.gguf_merging import merge_gguf
from engine.adapters.latent_head import LatentHead
from engine.adapters.messages import MergeAdapters, MergeProgress, ModelMerged
from engine.adapters.provenance import MERGED, Provenance
from engine.adapters.transformers_merging import TransformersBase
from engine.formats.atomic_files import PRIVATE_FILE, PRIVATE_FOLDER, create_private, put_in_place
from engine.outcome import send_result


def main(conn: Connection, order: MergeAdapters) -> None:
    """Write, tell the result, return; see ``engine.client``."""

    def tell(share: float) -> None:
        conn.send(MergeProgress(share))

    send_result(conn, lambda: merge(order, tell), "The merged model cannot be written there.", order.out)


def merge(order: MergeAdapters, on_progress: Callable[[float], None]) -> ModelMerged:
    """Write the base model with the set in its weights; the base's files are only read.

    What is being written has another name until it is whole. In memory are the set and one tensor at a time.

    Args:
        order: what, and where to.
        on_progress: called with the share that is written, 0 to 1.

    Raises:
        EngineError: the models or the adapters are damaged or do not fit.
        OSError: the place cannot be written, or is taken.
    """
    _check_place(order)
    prepare_parent(order.out, makes_folders=order.makes_folders)
    adapter_set = order.adapter_set
    head = LatentHead.load(adapter_set.weights_dir)
    factors = compose(Composition(head, adapter_set.hypernetwork_hash), adapter_set.parts).factors
    provenance = Provenance.of(adapter_set, head.config)
    facts = {MERGED: "true", **provenance.facts()}
    part = order.out.with_name(f"{order.out.name}.{os.getpid()}.part")
    try:
        if order.base_folder is None:
            _check_room(order.out, adapter_set.base_model.stat().st_size)
            base_name = provenance.base_name.rpartition("/")[2]
            names = {"general.name": f"{base_name} with {adapter_set.title}"}
            create_private(part)
            n_tensors = merge_gguf(adapter_set.base_model, part, factors, names | facts, on_progress)
            size_bytes = part.stat().st_size
            put_in_place(part, order.out)
        else:
            base = TransformersBase(order.base_folder)
            _check_room(order.out, base.size_bytes)
            part.mkdir(PRIVATE_FOLDER)
            n_tensors = base.merge_into(part, factors, facts, provenance.merged_card(), on_progress)
            for file in part.iterdir():
                file.chmod(PRIVATE_FILE)
            size_bytes = sum(file.stat().st_size for file in part.iterdir())
            if order.out.is_dir():
                order.out.rmdir()  # fails unless it is empty
            part.replace(order.out)
    finally:
        _remove(part)
    return ModelMerged(order.out, n_tensors, size_bytes)


def _check_place(order: MergeAdapters) -> None:
    """Refuse to write over what may be somebody's, or over the base model itself."""
    out = order.out
    if order.base_folder is None:
        check_file(out, order.adapter_set, is_merged=True, may_overwrite=order.may_overwrite)
    elif out.exists() and (not out.is_dir() or any(out.iterdir())):
        # Never, whatever was said: to replace a folder is to delete all that is in it.
        raise OSError(errno.ENOTEMPTY, "There is something already; name a new folder", str(out))


def _check_room(out: Path, size_bytes: int) -> None:
    free_bytes = shutil.disk_usage(out.parent).free
    if free_bytes < size_bytes:
        words = f"{size_bytes / 1e6:,.0f} MB are needed and {free_bytes / 1e6:,.0f} MB are free"
        raise OSError(errno.ENOSPC, words, str(out.parent))


def _remove(part: Path) -> None:
    """Remove what was not finished."""
    if part.is_dir():
        shutil.rmtree(part, ignore_errors=True)
    else:
        part.unlink(missing_ok=True)
