"""Whether files are what they are taken for: the right model, and all of it. Reads headers, not weights.

For downloads this comes on top of the checksums, for local files in their place. For a process of its own:
gguf and safetensors import numpy.
"""

import pickletools
from collections.abc import Iterable
from pathlib import Path
from typing import Any
from zipfile import BadZipFile, ZipFile

from engine.errors import ModelUnavailable
from engine.formats.foreign_json import read_json
from engine.formats.hypernetwork_config import TENSORS_FILE, HypernetworkConfig
from engine.models.gguf_check import GgufFacts, check_matrices, read_model
from engine.models.registry import ModelEntry, Role
from engine.models.store import is_file_name

INDEX_FILE = "model.safetensors.index.json"
SINGLE_FILE = "model.safetensors"
_TOKENIZER_FILES = ("tokenizer.json", "tokenizer_config.json")
_LARGEST_PICKLE_BYTES = 16_000_000
"""A checkpoint's description takes some ten kB."""
_LONGEST_NAME = 100


class NotThisPart(ModelUnavailable):
    """Files are not the part of the model that they were taken for; the detail says why."""


def check_part(entry: ModelEntry, role: Role, folder: Path, names: Iterable[str]) -> None:
    """See that files are this part of this model, and complete.

    Args:
        entry: the model.
        role: the part.
        folder: where the files are.
        names: of the files; for an encoder all that ``encoder_files`` gives.

    Raises:
        NotThisPart: they are not.
    """
    match role:
        case Role.ENCODER:
            encoder_files(entry, folder)
        case Role.CHAT:
            for name in names:
                check_gguf(entry, folder / name)
        case Role.HYPERNETWORK:
            for name in names:
                if name == TENSORS_FILE:
                    check_hypernetwork(entry, folder)
                elif name.endswith(".bin"):
                    check_checkpoint(entry, folder / name)


def encoder_files(entry: ModelEntry, folder: Path) -> tuple[str, ...]:
    """Names of the files of the base model in ``folder``, as transformers saves it.

    Raises:
        NotThisPart: it is another model, or not all of it is there.
    """
    config = _read_json(folder / "config.json")
    sizes = entry.architecture
    found = (config.get("model_type"), config.get("num_hidden_layers"), config.get("hidden_size"))
    if found != (sizes.transformers, sizes.n_layers, sizes.d_model):
        raise NotThisPart(
            f"This is not {entry.title}.",
            f"{folder / 'config.json'} describes a model of the type {found[0]!r} with {found[1]} layers of "
            f"{found[2]} numbers; expected {sizes.transformers!r}, {sizes.n_layers} and {sizes.d_model}.",
        )
    for name in _TOKENIZER_FILES:
        _read_json(folder / name)
    weights = _safetensors_files(folder)
    extras = tuple(
        name
        for name in (INDEX_FILE, "generation_config.json", "special_tokens_map.json")
        if (folder / name).is_file()
    )
    return ("config.json", *_TOKENIZER_FILES, *extras, *weights)


def check_gguf(entry: ModelEntry, path: Path) -> None:
    """See that a GGUF holds this model, as far as sizes tell, and all of it.

    Raises:
        NotThisPart: it does not.
    """
    try:
        header = read_model(path)
        refusal = _other_than(entry, path, GgufFacts.of(header))
        if refusal is None:
            check_matrices(path, header)
    except ModelUnavailable as exc:
        raise NotThisPart(exc.title, exc.detail) from exc
    if refusal is not None:
        raise refusal


def _other_than(entry: ModelEntry, path: Path, facts: GgufFacts) -> NotThisPart | None:
    sizes = entry.architecture
    expected = (sizes.gguf, sizes.n_layers, sizes.d_model, sizes.n_vocab)
    if (facts.architecture, facts.n_layers, facts.d_model, facts.n_vocab) == expected:
        return None
    return NotThisPart(
        f"This is not {entry.title}.",
        f"{path} is {facts}; expected {sizes.gguf!r}, {sizes.n_layers}, {sizes.d_model} and {sizes.n_vocab}. "
        f"To chat with it all the same, without learning, type: loreleaf models add {path}",
    )


def check_checkpoint(entry: ModelEntry, path: Path) -> None:
    """See that a file is a whole checkpoint of Doc-to-LoRA for this model. Nothing in it is unpickled.

    Raises:
        NotThisPart: it is not.
    """
    try:
        with ZipFile(path) as archive:  # its table is at the end: a file that was cut off has none
            inside = next((info for info in archive.infolist() if info.filename.endswith("/data.pkl")), None)
            description = b""
            if inside is not None and inside.file_size <= _LARGEST_PICKLE_BYTES:
                description = archive.read(inside)
    except (OSError, BadZipFile) as exc:
        raise NotThisPart(
            "This checkpoint is damaged or cut off.", f"{path}: {exc}. Fetch it again."
        ) from exc
    if b"hypernet_config" not in description:
        raise NotThisPart("This is not a checkpoint of Doc-to-LoRA.", f"{path} holds something else.")
    name = entry.base_model.rpartition("/")[2]
    if name.encode() not in description:
        named = _named_base(description)
        raise NotThisPart(
            f"This hypernetwork is not for {entry.title}.",
            f"{path} was made for {named}, not for {entry.base_model}."
            if named
            else f"{path} does not name {entry.base_model}.",
        )


def check_hypernetwork(entry: ModelEntry, folder: Path) -> None:
    """See that a hypernetwork in Loreleaf's form fits this model, and is not cut off.

    Raises:
        NotThisPart: it does not.
    """
    try:
        config = HypernetworkConfig.load(folder)
    except (OSError, ValueError) as exc:
        raise NotThisPart("This hypernetwork cannot be read.", f"{folder}: {exc}") from exc
    sizes = entry.architecture
    if (config.n_layers, config.d_encoder) != (sizes.n_layers, sizes.d_model):
        raise NotThisPart(
            f"This hypernetwork is not for {entry.title}.",
            f"{folder} is made for {config.n_layers} layers of {config.d_encoder} numbers; expected "
            f"{sizes.n_layers} and {sizes.d_model}.",
        )
    _tensor_names(folder / TENSORS_FILE)


def _named_base(description: bytes) -> str:
    """The base model that a checkpoint's pickle names; empty if none is found. Nothing is unpickled."""
    memo: dict[object, str] = {}
    text, is_next = "", False
    try:
        for opcode, argument, _position in pickletools.genops(description):
            if "PUT" in opcode.name:  # keeps what came last, under a number
                memo[argument] = text
                continue
            text = memo.get(argument, "") if "GET" in opcode.name else ""
            if isinstance(argument, str):
                text = argument
            if is_next:
                return text[:_LONGEST_NAME]
            is_next = text == "base_model_name_or_path"
    except ValueError:  # no pickle, or cut off
        return ""
    return ""


def _safetensors_files(folder: Path) -> tuple[str, ...]:
    """The weight files of a model, each of them whole, with every tensor that the index names."""
    if not (folder / INDEX_FILE).is_file():
        _tensor_names(folder / SINGLE_FILE)
        return (SINGLE_FILE,)
    weight_map = _read_json(folder / INDEX_FILE).get("weight_map")
    if not isinstance(weight_map, dict) or not weight_map:
        raise NotThisPart("The model's index is damaged.", f"{folder / INDEX_FILE} names no tensors.")
    names = sorted({str(name) for name in weight_map.values()})
    for name in names:
        if not is_file_name(name):
            raise NotThisPart("The model's index is damaged.", f"It names the file {name!r}.")
        expected = {tensor for tensor, file in weight_map.items() if file == name}
        if lacking := expected - _tensor_names(folder / name):
            raise NotThisPart(
                "The model's files do not belong together.", f"{folder / name} lacks {min(lacking)}."
            )
    return tuple(names)


def _tensor_names(path: Path) -> set[str]:
    """Names in a safetensors file; its header says how long it must be."""
    from safetensors import SafetensorError, safe_open

    if not path.is_file():
        raise NotThisPart("The model is not complete.", f"{path} is missing.")
    try:
        with safe_open(path, framework="numpy") as tensors:
            return set(tensors.keys())
    except (OSError, SafetensorError) as exc:
        raise NotThisPart("A file of the model is damaged or cut off.", f"{path}: {exc}") from exc


def _read_json(path: Path) -> dict[str, Any]:
    try:
        found = read_json(path)
    except FileNotFoundError as exc:
        raise NotThisPart("The model is not complete.", f"{path} is missing.") from exc
    except (OSError, ValueError) as exc:
        raise NotThisPart("A file of the model cannot be read.", f"{path}: {exc}") from exc
    if not isinstance(found, dict):
        raise NotThisPart("A file of the model is damaged.", f"{path} holds no JSON object.")
    return found
