"""What is known about the models of the registry on this disk: records, and where their files are.

A part counts only when every one of its files was checked, and a file only while size and time of change are
those it was checked with: a broken or cut-off download is never used. Light to import: no numpy.
"""

import json
import re
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

from filelock import FileLock, Timeout

from engine.errors import ModelUnavailable
from engine.formats.atomic_files import write_whole
from engine.formats.foreign_json import read_json
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE
from engine.models.messages import Origin
from engine.models.registry import Role

RECORD_VERSION = 1
PREPARED = "prepared"
"""Name of the folder with a hypernetwork in Loreleaf's form."""

_MODEL_NAME = re.compile(r"[a-z0-9][a-z0-9._-]{0,63}")


@dataclass(frozen=True, slots=True)
class FileRecord:
    """A file that was checked. ``size_bytes`` and ``mtime_ns`` tell cheaply that it is still the same."""

    name: str
    size_bytes: int
    mtime_ns: int
    sha256: str

    @classmethod
    def of(cls, path: Path, sha256: str) -> "FileRecord":
        """The record of the file at ``path``; raises OSError."""
        stat = path.stat()
        return cls(path.name, stat.st_size, stat.st_mtime_ns, sha256)

    def is_intact(self, folder: Path) -> bool:
        """Whether the file in ``folder`` is still the one that was checked."""
        try:
            stat = (folder / self.name).stat()
        except OSError:
            return False
        return (stat.st_size, stat.st_mtime_ns) == (self.size_bytes, self.mtime_ns)


@dataclass(frozen=True, slots=True)
class PartRecord:
    """A part of a model, as far as it was checked.

    Attributes:
        folder: of local files, absolute; empty for downloaded ones, whose place follows from the profile's.
        repo, revision: of downloaded ones.
        is_complete: ``files`` are all that it needs.
    """

    role: Role
    origin: Origin
    folder: str
    repo: str
    revision: str
    files: tuple[FileRecord, ...] = ()
    is_complete: bool = False

    def with_file(self, file: FileRecord) -> "PartRecord":
        """This record with ``file``, in place of an earlier one of its name."""
        others = tuple(other for other in self.files if other.name != file.name)
        return replace(self, files=(*others, file))

    @property
    def is_in_our_form(self) -> bool:
        """Whether this is a hypernetwork that needs no conversion."""
        return any(file.name == TENSORS_FILE for file in self.files)


@dataclass(frozen=True, slots=True)
class ModelRecord:
    """What is known of one model.

    Attributes:
        parts: at most one per role.
        prepared: the hypernetwork's files in Loreleaf's form, once converted.
        hypernetwork_hash: identity of the hypernetwork in that form.
    """

    name: str
    parts: tuple[PartRecord, ...] = ()
    prepared: tuple[FileRecord, ...] = ()
    hypernetwork_hash: str = ""

    def part(self, role: Role) -> PartRecord | None:
        """The part for this role."""
        return next((part for part in self.parts if part.role is role), None)

    def with_part(self, part: PartRecord) -> "ModelRecord":
        """This record with ``part``. What was made of an earlier hypernetwork is forgotten."""
        others = tuple(other for other in self.parts if other.role is not part.role)
        changed = replace(self, parts=(*others, part))
        if part.role is Role.HYPERNETWORK and part != self.part(Role.HYPERNETWORK):
            return replace(changed, prepared=(), hypernetwork_hash="")
        return changed


@dataclass(frozen=True, slots=True)
class ReadyModel:
    """Paths of a model that is complete, checked and prepared.

    Attributes:
        chat: the GGUF for llama.cpp.
        chat_sha256: of that file, in hex.
        encoder_dir: config.json, tokenizer and safetensors of the base model.
        weights_dir: the hypernetwork in Loreleaf's form.
        hypernetwork_hash: its identity.
    """

    name: str
    chat: Path
    chat_sha256: str
    encoder_dir: Path
    weights_dir: Path
    hypernetwork_hash: str


class ModelStore:
    """Records and files of one profile's models. Any thread; who changes something holds ``exclusively``.

    Args:
        models_dir: downloaded files; all of it can be fetched again.
        records_dir: one JSON file per model.
    """

    def __init__(self, models_dir: Path, records_dir: Path) -> None:
        self._models_dir = models_dir
        self._records_dir = records_dir

    def load(self, name: str) -> ModelRecord:
        """What is written down about a model. An unreadable record counts as none: files are checked anew."""
        try:
            return _parse(read_json(self._record_path(name)), name)
        except (OSError, ValueError, KeyError, TypeError):
            return ModelRecord(name)

    def save(self, record: ModelRecord) -> None:
        """Write down; raises OSError."""
        text = json.dumps({"version": RECORD_VERSION, **asdict(record)}, indent=1)
        write_whole(self._record_path(record.name), text + "\n")

    def folder(self, name: str) -> Path:
        """Everything that was downloaded for a model."""
        return self._models_dir / checked_name(name)

    def folder_of(self, name: str, part: PartRecord) -> Path:
        """Where the part's files are."""
        return Path(part.folder) if part.origin is Origin.LOCAL else self.download_dir(name, part.role)

    def download_dir(self, name: str, role: Role) -> Path:
        """Where a part's downloaded files go."""
        return self.folder(name) / role.value

    def partial_dir(self, name: str, role: Role) -> Path:
        """Where files lie that are still on their way."""
        return self.folder(name) / "partial" / role.value

    def prepared_dir(self, name: str) -> Path:
        """Where the hypernetwork in Loreleaf's form goes."""
        return self.folder(name) / PREPARED

    def n_bytes(self, name: str) -> int:
        """What a model takes in this profile, partial files included; local files are elsewhere."""
        return sum(path.stat().st_size for path in self.folder(name).rglob("*") if path.is_file())

    def n_partial_bytes(self, name: str, role: Role) -> int:
        """How much of a part has arrived without being complete."""
        return sum(path.stat().st_size for path in self.partial_dir(name, role).glob("*.part"))

    def forget_partial(self, name: str, role: Role) -> None:
        """Delete what is left of transfers of a part; done when it is complete."""
        shutil.rmtree(self.partial_dir(name, role), ignore_errors=True)

    def changed_files(self, record: ModelRecord) -> tuple[Path, ...]:
        """Files that were checked, and are gone or another one now."""
        found = [
            self.folder_of(record.name, part) / file.name
            for part in record.parts
            for file in part.files
            if not file.is_intact(self.folder_of(record.name, part))
        ]
        prepared = self.prepared_dir(record.name)
        found += [prepared / file.name for file in record.prepared if not file.is_intact(prepared)]
        return tuple(found)

    def is_complete(self, record: ModelRecord) -> bool:
        """Whether every part is there, checked and unchanged."""
        complete = {part.role for part in record.parts if part.is_complete}
        return complete == set(Role) and not self.changed_files(record)

    def ready(self, name: str) -> ReadyModel:
        """Paths of a model that can be used.

        Raises:
            ModelUnavailable: it is not complete, not checked or not prepared.
        """
        record = self.load(name)
        hypernetwork, chat = record.part(Role.HYPERNETWORK), self.chat_file(record)
        if (
            hypernetwork is None
            or chat is None
            or not self.is_complete(record)
            or not record.hypernetwork_hash
        ):
            raise ModelUnavailable(
                f"The model “{name}” is not ready.",
                f"Complete it in the window under Models, or type: loreleaf models get {name}",
            )
        converted = hypernetwork.is_in_our_form
        return ReadyModel(
            name=name,
            chat=chat[0],
            chat_sha256=chat[1].sha256,
            encoder_dir=self._files_of(record, Role.ENCODER)[0].parent,
            weights_dir=self.folder_of(name, hypernetwork) if converted else self.prepared_dir(name),
            hypernetwork_hash=record.hypernetwork_hash,
        )

    def chat_file(self, record: ModelRecord) -> tuple[Path, FileRecord] | None:
        """The GGUF that answers, if it is there."""
        part = record.part(Role.CHAT)
        if part is None or not part.is_complete:
            return None
        return self.folder_of(record.name, part) / part.files[0].name, part.files[0]

    def remove(self, name: str) -> int:
        """Delete what was downloaded for a model, and forget its local files, which stay.

        Returns:
            Bytes that were freed.

        Raises:
            ModelUnavailable: there is nothing of it, it is being fetched, or a file cannot be deleted.
        """
        folder = self.folder(name)
        if not folder.exists() and not self._record_path(name).exists():
            raise ModelUnavailable(f"There is nothing of “{name}” here.", "Nothing was removed.")
        with self.exclusively(name):
            n_bytes = self.n_bytes(name)
            try:
                # The record first: half-deleted files must not count as a model.
                self._record_path(name).unlink(missing_ok=True)
                if folder.exists():
                    shutil.rmtree(folder)
            except OSError as exc:
                raise ModelUnavailable(
                    "The model could not be removed.",
                    f"{exc.filename}: {exc.strerror}. Close other programs that use it and try again.",
                ) from exc
        return n_bytes

    @contextmanager
    def exclusively(self, name: str) -> Iterator[None]:
        """Keep other processes from changing this model meanwhile.

        Raises:
            ModelUnavailable: another one is at it, or the folder cannot be written.
        """
        lock = FileLock(self._models_dir / f"{checked_name(name)}.lock", timeout=0)
        try:
            self._models_dir.mkdir(parents=True, exist_ok=True)
            lock.acquire()
        except Timeout as exc:
            raise ModelUnavailable(
                f"Another Loreleaf is fetching “{name}”.", "Wait for it, or stop it first."
            ) from exc
        except OSError as exc:
            raise ModelUnavailable(
                "The folder for models cannot be written.", f"{self._models_dir}: {exc.strerror}."
            ) from exc
        try:
            yield
        finally:
            lock.release()

    def _files_of(self, record: ModelRecord, role: Role) -> list[Path]:
        part = record.part(role)
        assert part is not None
        return [self.folder_of(record.name, part) / file.name for file in part.files]

    def _record_path(self, name: str) -> Path:
        return self._records_dir / f"{checked_name(name)}.json"


def checked_name(name: str) -> str:
    """A model's name, which also names files: it may come from the settings, which anybody can edit.

    Raises:
        ModelUnavailable: it leads elsewhere.
    """
    if not _MODEL_NAME.fullmatch(name):
        raise ModelUnavailable("There is no such base model.", f"No model is called {name!r}.")
    return name


def is_file_name(name: str) -> bool:
    """Whether ``name`` is that of a file in a folder, and leads nowhere else."""
    return name not in ("", "..") and "\0" not in name and Path(name).name == name


def has_our_form(folder: Path) -> bool:
    """Whether a hypernetwork in Loreleaf's form lies in ``folder``."""
    return (folder / CONFIG_FILE).is_file() and (folder / TENSORS_FILE).is_file()


def _parse(raw: Mapping[str, Any], name: str) -> ModelRecord:
    """What ``save`` wrote.

    Raises:
        ValueError, KeyError, TypeError: something else.
    """
    if raw["version"] != RECORD_VERSION:
        raise ValueError(f"version {raw['version']} of a record is not known")
    parts = tuple(
        PartRecord(
            role=Role(part["role"]),
            origin=Origin(part["origin"]),
            folder=str(part["folder"]),
            repo=str(part["repo"]),
            revision=str(part["revision"]),
            files=_files(part["files"]),
            is_complete=part["is_complete"] is True,
        )
        for part in raw["parts"]
    )
    return ModelRecord(name, parts, _files(raw["prepared"]), str(raw["hypernetwork_hash"]))


def _files(raw: list[Mapping[str, Any]]) -> tuple[FileRecord, ...]:
    files = tuple(FileRecord(**file) for file in raw)
    for file in files:
        if not is_file_name(str(file.name)):
            raise ValueError(f"{file.name!r} is no name of a file")
    return files
