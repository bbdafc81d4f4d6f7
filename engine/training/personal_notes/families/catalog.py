"""All families of notes the generator knows, read from the texts beside this file."""

from __future__ import annotations

from importlib.resources import files

from engine.training.personal_notes.templates import Family, parse_family

_NAMES = (
    "appointments",
    "code",
    "contacts",
    "cooking",
    "finance",
    "garden",
    "health",
    "home",
    "journal",
    "leisure",
    "meetings",
    "pets",
    "school",
    "things",
    "travel",
    "vehicles",
    "work",
)


def _read(name: str) -> Family:
    text = (
        files("engine.training.personal_notes.families").joinpath(f"{name}.txt").read_text(encoding="utf-8")
    )
    return parse_family(name, text)


FAMILIES = tuple(_read(name) for name in _NAMES)
