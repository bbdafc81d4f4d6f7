"""How base models and their download look, for people and for programs."""

from collections.abc import Iterator

from engine.models.fitting import Accelerator, Machine, gigabytes
from engine.models.messages import (
    FetchPhase,
    FetchProgressed,
    ModelFound,
    ModelsFound,
    ModelState,
    PartFound,
)

_STATES = {
    ModelState.READY: "ready",
    ModelState.PACKED: "installed, unpacked at the first use",
    ModelState.MISSING: "not here",
    ModelState.PARTIAL: "begun",
    ModelState.UNPREPARED: "downloaded and checked",
    ModelState.CHANGED: "changed",
    ModelState.UNFIT: "does not fit its hypernetwork",
}
_PHASES = {
    FetchPhase.ASKING: "asking the hub",
    FetchPhase.DOWNLOADING: "downloading",
    FetchPhase.WAITING: "the connection broke, trying again;",
    FetchPhase.CHECKING: "checking",
    FetchPhase.PREPARING: "preparing the hypernetwork",
}


def model_lines(found: ModelsFound) -> Iterator[str]:
    """The list for people: a line per model, and what one should know below it."""
    yield f"This computer: {machine_text(found.machine)}"
    for model in found.models:
        yield ""
        yield f"{model.name}  {model.title}  {_STATES[model.state]}"
        yield f"  {_size_text(model)}; licence: {model.licence}"
        yield f"  {model.verdict.fit.value}: {model.verdict.reason}"
        if model.path is not None:
            yield f"  {model.path}"
        if model.sha256:
            yield f"  SHA-256 {model.sha256}"
        if model.parts and model.problem:
            yield f"  {model.problem}"
        if model.n_missing_bytes:
            yield from _how_to_get(model)


def machine_text(machine: Machine) -> str:
    """The machine in one line."""
    memory = (
        f"{gigabytes(machine.ram_bytes)} of memory, {gigabytes(machine.disk_free_bytes)} free on the disk"
    )
    gpu = machine.accelerator
    return f"{memory}, {f'{gpu.name} with {gigabytes(gpu.memory_bytes)}' if gpu is not None else 'no GPU'}"


def progress_line(name: str, progress: FetchProgressed) -> str:
    """How far a download is."""
    text = f"{name}: {_PHASES[progress.phase]}"
    if not progress.n_total_bytes:
        return text
    share = progress.n_done_bytes / progress.n_total_bytes
    amounts = f"{gigabytes(progress.n_done_bytes)} of {gigabytes(progress.n_total_bytes)}"
    return f"{text} {share:.0%}, {amounts} ({progress.file.rpartition('/')[2]})"


def model_as_json(model: ModelFound) -> dict[str, object]:
    """All that is known about a base model."""
    return {
        "name": model.name,
        "title": model.title,
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


def _size_text(model: ModelFound) -> str:
    if not model.n_missing_bytes:
        return f"{gigabytes(model.size_bytes)} on the disk" if model.size_bytes else "local files"
    about = "about " if any(part.is_size_derived for part in model.parts) else ""
    to_get = f"{about}{gigabytes(model.n_missing_bytes)} to download"
    return f"{to_get}, {gigabytes(model.size_bytes)} are here" if model.size_bytes else to_get


def _how_to_get(model: ModelFound) -> Iterator[str]:
    asking = [part for part in model.parts if part.is_gated and not part.is_complete]
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
