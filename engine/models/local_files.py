"""Local files and folders in place of a download: which part of a model each is."""

import os
from collections.abc import Sequence
from dataclasses import dataclass, replace
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE
from engine.models.registry import ModelEntry, Role
from engine.models.store import has_our_form
from engine.models.validation import (
    INDEX_FILE,
    SINGLE_FILE,
    NotThisPart,
    check_part,
    encoder_files,
)

_DEEPEST = 3
"""Folders below a named folder that are searched: a clone of Doc-to-LoRA has its checkpoints two deep."""

_WHAT_IS_LOOKED_FOR = (
    "a GGUF file; a folder with config.json, tokenizer.json and safetensors files; a Doc-to-LoRA checkpoint "
    "(pytorch_model.bin)"
)


@dataclass(frozen=True, slots=True)
class LocalPart:
    """Files that are a part of a model, or before they are checked: look like one.

    Attributes:
        folder: absolute.
        names: of the files in it; of an encoder, none until it is checked.
    """

    role: Role
    folder: Path
    names: tuple[str, ...]


def find_parts(entry: ModelEntry, sources: Sequence[Path]) -> dict[Role, LocalPart]:
    """The parts of a model among the files and folders that the user named.

    Raises:
        ModelUnavailable: a source is missing or holds nothing of this model, or there are two of a kind.
    """
    found: dict[Role, LocalPart] = {}
    for source in sources:
        for part in _parts_of(entry, source.expanduser().absolute()):
            if part.role in found and found[part.role] != part:
                raise _two_of_a_kind(part.role, [found[part.role].folder, part.folder])
            found[part.role] = part
    return found


def _parts_of(entry: ModelEntry, source: Path) -> list[LocalPart]:
    if not source.exists():
        raise ModelUnavailable("There is nothing to take a model from.", f"{source} does not exist.")
    candidates = _candidates_in(source) if source.is_dir() else _candidate_of(source)
    fitting: list[LocalPart] = []
    reasons: list[NotThisPart] = []
    for candidate in candidates:
        try:
            fitting.append(_checked(entry, candidate))
        except NotThisPart as exc:
            reasons.append(exc)
    if fitting:
        return [_only_one(entry, role, fitting) for role in Role if any(p.role is role for p in fitting)]
    if reasons:
        raise ModelUnavailable(reasons[0].title, reasons[0].detail)
    raise ModelUnavailable(
        "There is no part of a model there.", f"{source}: Loreleaf looks for {_WHAT_IS_LOOKED_FOR}."
    )


def _candidates_in(folder: Path) -> list[LocalPart]:
    found: list[LocalPart] = []
    n_above = len(folder.parts)
    for place, folders, names in os.walk(folder):
        here = Path(place)
        folders.sort()
        if len(here.parts) - n_above >= _DEEPEST:
            folders.clear()
        for name in sorted(names):
            if name in (INDEX_FILE, SINGLE_FILE) and (here / "config.json").is_file():
                found.append(LocalPart(Role.ENCODER, here, ()))
            elif name.endswith(".gguf") or name in (TENSORS_FILE, "pytorch_model.bin"):
                found += _candidate_of(here / name)
    return list(dict.fromkeys(found))


def _candidate_of(path: Path) -> list[LocalPart]:
    if path.suffix == ".gguf":
        return [LocalPart(Role.CHAT, path.parent, (path.name,))]
    if path.name == TENSORS_FILE and has_our_form(path.parent):
        return [LocalPart(Role.HYPERNETWORK, path.parent, (CONFIG_FILE, TENSORS_FILE))]
    if path.suffix == ".bin":
        return [LocalPart(Role.HYPERNETWORK, path.parent, (path.name,))]
    return []


def _checked(entry: ModelEntry, candidate: LocalPart) -> LocalPart:
    if candidate.role is Role.ENCODER:
        return replace(candidate, names=encoder_files(entry, candidate.folder))
    check_part(entry, candidate.role, candidate.folder, candidate.names)
    return candidate


def _only_one(entry: ModelEntry, role: Role, fitting: list[LocalPart]) -> LocalPart:
    """The one part for a role; among several, the one that lies where its publisher put it.

    Raises:
        ModelUnavailable: several fit equally well.
    """
    parts = [part for part in fitting if part.role is role]
    if len(parts) == 1:
        return parts[0]
    published = entry.part(role).wanted.needed[0]
    as_published = [
        part for part in parts if (part.folder / part.names[0]).as_posix().endswith(f"/{published}")
    ]
    if len(as_published) == 1:
        return as_published[0]
    raise _two_of_a_kind(role, [part.folder / part.names[0] for part in parts])


def _two_of_a_kind(role: Role, places: Sequence[Path]) -> ModelUnavailable:
    listed = "; ".join(str(place) for place in places)
    return ModelUnavailable(
        f"There is more than one {role.value} part; Loreleaf does not choose.",
        f"Name the one you mean: {listed}.",
    )
