"""Models that the user brought: GGUF files that stay where they are, each with a record of what it is.

For plain chat, and for answers that see passages of the notes: no hypernetwork is known for them. Light to
import: no numpy.
"""

import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from engine.errors import ModelUnavailable
from engine.formats.atomic_files import write_whole
from engine.formats.foreign_json import read_json
from engine.models import registry
from engine.models.store import FileRecord, checked_name, is_file_name
from engine.prompt_frame import ChatForm, PromptFrame

RECORD_VERSION = 1
FOLDER = "own"
"""Below the records of the registry's models."""

_LONGEST_NAME = 48
_NOT_IN_NAMES = re.compile(r"[^a-z0-9._-]+")


@dataclass(frozen=True, slots=True)
class OwnModel:
    """A model file of the user's that was tried and works.

    Attributes:
        name: what is typed, and the name of its record.
        title: what the file calls itself.
        licence: what the file says; empty if nothing.
        architecture: as llama.cpp names it.
        n_parameters: numbers in its tensors.
        memory_bytes: what answering with it takes beside the file, at most.
        folder: where the file is; absolute.
        file: as it was when it was tried.
        form: how it is asked.
    """

    name: str
    title: str
    licence: str
    architecture: str
    n_parameters: int
    memory_bytes: int
    folder: str
    file: FileRecord
    form: ChatForm

    @property
    def path(self) -> Path:
        """Of the file."""
        return Path(self.folder) / self.file.name

    @property
    def is_intact(self) -> bool:
        """Whether the file is there, and still the one that was tried."""
        return self.file.is_intact(Path(self.folder))

    @property
    def problem(self) -> str:
        """What is wrong with the file and what to do; empty if nothing."""
        if self.is_intact:
            return ""
        what = "is another file than was added" if self.path.is_file() else "is not there any more"
        return (
            f"{self.path} {what}. Put it back, or add the model once more where it is now: "
            f"loreleaf models add PATH --name {self.name}"
        )


class OwnModels:
    """The records of one profile. Any thread.

    Args:
        records_dir: of all models of the profile.
    """

    def __init__(self, records_dir: Path) -> None:
        self._folder = records_dir / FOLDER

    def all(self) -> tuple[OwnModel, ...]:
        """Every model, by name. A record that cannot be read counts as none."""
        names = sorted(path.stem for path in self._folder.glob("*.json"))
        return tuple(model for name in names if (model := self.find(name)) is not None)

    def find(self, name: str) -> OwnModel | None:
        """The model of this name."""
        try:
            raw = read_json(self._folder / f"{checked_name(name)}.json")
            return _parse(raw, name)
        except (OSError, ValueError, KeyError, TypeError, RecursionError, ModelUnavailable):
            return None

    def ready(self, name: str) -> OwnModel:
        """A model that can be used now.

        Raises:
            ModelUnavailable: there is none of this name, or its file has changed.
        """
        model = self.find(name)
        if model is None:
            raise ModelUnavailable(f"There is no base model “{name}”.", "“loreleaf models list” shows them.")
        if model.problem:
            raise ModelUnavailable(f"The file of “{model.title}” has changed.", model.problem)
        return model

    def save(self, model: OwnModel) -> None:
        """Write down; raises OSError."""
        text = json.dumps({"version": RECORD_VERSION, **asdict(model)}, indent=1, ensure_ascii=False)
        write_whole(self._folder / f"{checked_name(model.name)}.json", text + "\n")

    def forget(self, name: str) -> None:
        """Delete the record. The file is the user's, and stays.

        Raises:
            ModelUnavailable: there is none, or it cannot be deleted.
        """
        path = self._folder / f"{checked_name(name)}.json"
        try:
            path.unlink()
        except FileNotFoundError as exc:
            raise ModelUnavailable(f"There is nothing of “{name}” here.", "Nothing was removed.") from exc
        except OSError as exc:
            raise ModelUnavailable("The model could not be removed.", f"{path}: {exc.strerror}.") from exc

    def name_for(self, path: Path, wanted: str = "") -> str:
        """What a model at ``path`` is to be called: as before, as wanted, or after its file.

        Raises:
            ModelUnavailable: the wanted name cannot be one, or is another model's.
        """
        mine = {model.name: model.path for model in self.all()}
        if not wanted:
            known = [name for name, place in mine.items() if place == path]
            return known[0] if known else _unused_name(path.stem, {*mine, *_names_of_registry()})
        name = checked_name(wanted)
        if name in _names_of_registry():
            raise ModelUnavailable(f"“{name}” is another model.", "Choose another name.")
        return name


def _names_of_registry() -> set[str]:
    return {entry.name for entry in registry.REGISTRY}


def _unused_name(stem: str, used: Iterable[str]) -> str:
    taken = set(used)
    name = _NOT_IN_NAMES.sub("-", stem.lower())[:_LONGEST_NAME].strip("._-") or "model"
    numbered = (name if number == 1 else f"{name}-{number}" for number in range(1, len(taken) + 2))
    return next(candidate for candidate in numbered if candidate not in taken)


def _parse(raw: Mapping[str, Any], name: str) -> OwnModel:
    """What ``save`` wrote.

    Raises:
        ValueError, KeyError, TypeError: something else.
    """
    if raw["version"] != RECORD_VERSION:
        raise ValueError(f"version {raw['version']} of a record is not known")
    file = FileRecord(**raw["file"])
    if not is_file_name(str(file.name)):
        raise ValueError(f"{file.name!r} is no name of a file")
    form = raw["form"]
    return OwnModel(
        name=name,
        title=str(raw["title"]),
        licence=str(raw["licence"]),
        architecture=str(raw["architecture"]),
        n_parameters=int(raw["n_parameters"]),
        memory_bytes=int(raw["memory_bytes"]),
        folder=str(raw["folder"]),
        file=file,
        form=ChatForm(_frame(form["plain"]), _frame(form["quotes"]), str(form["turn_end"])),
    )


def _frame(raw: Mapping[str, Any]) -> PromptFrame:
    return PromptFrame(
        opening=_pieces(raw["opening"]),
        before=str(raw["before"]),
        after=str(raw["after"]),
        closing=_pieces(raw["closing"]),
        before_question=str(raw["before_question"]),
    )


def _pieces(raw: Iterable[tuple[str, bool]]) -> tuple[tuple[str, bool], ...]:
    return tuple((str(text), is_control is True) for text, is_control in raw)
