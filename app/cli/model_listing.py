"""How base models and their download look, for people and for programs."""

from collections.abc import Iterator

from app.services.model_words import STATES, machine_text, parts_that_ask, progress_text, size_text
from engine.models.messages import FetchProgressed, ModelFound, ModelsFound, ModelState, PartFound
from engine.models.requirements import Accelerator, Machine

_MENDABLE = (ModelState.CHANGED, ModelState.UNPREPARED)
"""What the command that fetches brings in order, although nothing may be left to download."""


def model_lines(found: ModelsFound) -> Iterator[str]:
    """The list for people: a line per model, and what one should know below it."""
    yield f"This computer: {machine_text(found.machine)}"
    for model in found.models:
        yield ""
        yield f"{model.name}  {model.title}  {STATES[model.state]}"
        yield f"  {model.summary}"
        yield f"  {size_text(model)}; licence: {model.licence}"
        yield f"  {model.verdict.fit.value}: {model.verdict.reason}"
        if model.path is not None:
            yield f"  {model.path}"
        if model.sha256:
            yield f"  SHA-256 {model.sha256}"
        if (model.parts or model.is_own) and model.problem:
            yield f"  {model.problem}"
        if model.n_missing_bytes or (model.parts and model.state in _MENDABLE):
            yield from _how_to_get(model)


def progress_line(name: str, progress: FetchProgressed, bytes_per_s: float | None = None) -> str:
    """How far a download is."""
    return f"{name}: {progress_text(progress, bytes_per_s)}"


def model_as_json(model: ModelFound) -> dict[str, object]:
    """All that is known about a base model."""
    return {
        "name": model.name,
        "title": model.title,
        "summary": model.summary,
        "licence": model.licence,
        "state": model.state.value,
        "path": str(model.path) if model.path is not None else None,
        "sha256": model.sha256 or None,
        "size_bytes": model.size_bytes,
        "missing_bytes": model.n_missing_bytes,
        "hypernetwork_hash": model.hypernetwork_hash or None,
        "fit": model.verdict.fit.value,
        "fit_reason": model.verdict.reason,
        "problem": model.problem,
        "own": model.is_own,
        "parts": [_part_as_json(part) for part in model.parts],
    }


def machine_as_json(machine: Machine) -> dict[str, object]:
    """What was found of the computer."""
    gpu = machine.accelerator
    return {
        "ram_bytes": machine.ram_bytes,
        "disk_free_bytes": machine.disk_free_bytes,
        "gpu": _gpu_as_json(gpu) if gpu is not None else None,
    }


def _how_to_get(model: ModelFound) -> Iterator[str]:
    asking = parts_that_ask(model)
    for part in asking:
        yield f"  Log in and accept the conditions at {part.page}"
    token = " --token-file FILE" if asking else ""
    yield f"  Type: loreleaf models get {model.name}{token}"


def _part_as_json(part: PartFound) -> dict[str, object]:
    return {
        "role": part.role.value,
        "repo": part.repo,
        "page": part.page,
        "licence": part.licence,
        "gated": part.is_gated,
        "revision": part.revision or None,
        "size_bytes": part.size_bytes,
        "size_is_derived": part.is_size_derived,
        "origin": part.origin.value if part.origin is not None else None,
        "folder": str(part.folder),
        "complete": part.is_complete,
    }


def _gpu_as_json(gpu: Accelerator) -> dict[str, object]:
    return {
        "kind": gpu.kind.value,
        "name": gpu.name,
        "memory_bytes": gpu.memory_bytes,
        "obstacle": gpu.obstacle or None,
    }
