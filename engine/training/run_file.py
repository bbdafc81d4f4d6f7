"""TOML files that describe runs."""

import tomllib
from collections.abc import Sequence
from dataclasses import fields
from pathlib import Path
from typing import TypeVar

_Config = TypeVar("_Config")


def read_fields(path: Path, config: type[_Config], *, paths: Sequence[str], tuples: Sequence[str]) -> _Config:
    """Read a TOML file as an instance of a dataclass.

    Args:
        path: the file.
        config: the dataclass.
        paths: fields that are paths, relative to the file's folder.
        tuples: fields that are tuples.

    Raises:
        OSError: it cannot be read.
        ValueError: not TOML, or an unknown or missing field.
    """
    raw = tomllib.loads(path.read_text(encoding="utf-8"))
    unknown = sorted(set(raw) - {f.name for f in fields(config)})  # type: ignore[arg-type]  # a dataclass
    if unknown:
        msg = f"unknown fields in {path.name}: {', '.join(unknown)}"
        raise ValueError(msg)
    for name in paths:
        if name in raw:
            raw[name] = path.parent / raw[name]
    for name in tuples:
        if name in raw:
            raw[name] = tuple(raw[name])
    try:
        return config(**raw)
    except TypeError as exc:
        msg = f"{path.name} is incomplete: {exc}"
        raise ValueError(msg) from exc
