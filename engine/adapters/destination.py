"""Where an adapter or a merged model may be written: over nothing but an earlier export of the same notes.

What is written holds what notes say, so only its owner may read it, and it must not take the place of
another's.
"""

from collections.abc import Mapping
from pathlib import Path

import numpy as np

from engine.adapters.messages import AdapterSet, SetMember
from engine.adapters.peft_format import CARD_FILE, CONFIG_FILE, TENSORS_FILE
from engine.adapters.provenance import MERGED, read_notes, tidy_title
from engine.errors import EngineError
from engine.formats.atomic_files import make_private_folders
from engine.formats.gguf_header import read_header
from engine.formats.safetensors_header import parse_header

_OVERWRITE = "Name another place, or say --overwrite."


def prepare_parent(out: Path, *, makes_folders: bool) -> None:
    """See that the folder above ``out`` is there, or make it and those above it, for their owner only.

    Raises:
        EngineError: it is not there, and none is to be made.
        OSError: it cannot be made.
    """
    if out.parent.is_dir():
        return
    if not makes_folders:
        raise EngineError(
            f"There is no folder {out.parent}.", "Make it, name another place, or say --parents."
        )
    make_private_folders(out.parent)


def check_file(out: Path, adapter_set: AdapterSet, *, is_merged: bool, may_overwrite: bool) -> None:
    """See that a GGUF file may be written to ``out``.

    Args:
        out: the file.
        adapter_set: what is to be in it.
        is_merged: whether it is to be a whole model, not an adapter.
        may_overwrite: whether anything may be written over, but for the base model and folders.

    Raises:
        EngineError: something else is there.
    """
    if not out.exists():
        return
    if out.is_dir():
        raise EngineError(f"{out} is a folder.", "Name a file.")
    if out.samefile(adapter_set.base_model):
        raise EngineError("That is the base model itself.", f"{out}: name another file.")
    if not may_overwrite:
        _check_owner(out, _facts_of_gguf(out), adapter_set, is_merged=is_merged)


def check_folder(out: Path, adapter_set: AdapterSet, *, may_overwrite: bool) -> None:
    """See that the files of a PEFT adapter may be written into ``out``. Other files there are no obstacle.

    Raises:
        EngineError: something else is there.
    """
    if out.exists() and not out.is_dir():
        raise EngineError(f"{out} is a file.", "Name a folder for the format peft.")
    taken = [out / name for name in (TENSORS_FILE, CONFIG_FILE, CARD_FILE) if (out / name).exists()]
    if taken and not may_overwrite:
        _check_owner(taken[0], _facts_of_peft(out), adapter_set, is_merged=False)


def _check_owner(
    path: Path, facts: Mapping[str, object], adapter_set: AdapterSet, *, is_merged: bool
) -> None:
    members = read_notes(facts)
    if not members:
        raise EngineError("Something else is there already.", f"Loreleaf did not write {path}. {_OVERWRITE}")
    if (MERGED in facts) == is_merged and _are_same(members, adapter_set.members):
        return
    what = "a model that was merged with" if MERGED in facts else "the adapter of"
    others = f" and {len(members) - 1} more" if len(members) > 1 else ""
    raise EngineError(
        "Something else is there already.",
        f"{path} holds {what} “{tidy_title(members[0].title)}”{others}. {_OVERWRITE}",
    )


def _are_same(there: tuple[SetMember, ...], wanted: tuple[SetMember, ...]) -> bool:
    """Whether these are the same notes: by their content, or, once they were edited, by their titles."""
    if {member.sha256 for member in there} == {member.sha256 for member in wanted}:
        return True
    are_named = all(member.has_title_alone for member in wanted)
    return are_named and sorted(member.title for member in there) == sorted(member.title for member in wanted)


def _facts_of_gguf(file: Path) -> Mapping[str, object]:
    try:
        return read_header(file).values
    except (OSError, ValueError):  # whatever it is, Loreleaf did not write it
        return {}


def _facts_of_peft(folder: Path) -> Mapping[str, object]:
    file = folder / TENSORS_FILE
    try:
        return parse_header(np.memmap(file, dtype=np.uint8, mode="r").data).metadata if file.is_file() else {}
    except (OSError, ValueError):
        return {}
