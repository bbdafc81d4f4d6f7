"""The process that looks which models are there, without making or fetching any."""

from multiprocessing.connection import Connection
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import HypernetworkConfig
from engine.formats.weights_file import hypernetwork_hash
from engine.installed import what_larger_models_lack
from engine.models import registry
from engine.models.embedded import BASE_MODEL_FILE, base_model_hash, find_embedded_gguf
from engine.models.machine import find_machine
from engine.models.messages import ModelFound, ModelsFound, ModelState, PartFound, SurveyModels
from engine.models.own import OwnModel, OwnModels
from engine.models.registry import HubPart, ModelEntry, parameters
from engine.models.requirements import Machine, check_fit, check_fit_of_own
from engine.models.store import ModelRecord, ModelStore
from engine.outcome import send_result

NAME = registry.REGISTRY[0].name


def main(conn: Connection, wanted: SurveyModels) -> None:
    """Look, tell, return; see ``engine.client``."""
    send_result(conn, lambda: survey(wanted), "The models cannot be looked at.", wanted.models_dir)


def survey(wanted: SurveyModels) -> ModelsFound:
    """What there is. Reads all of the built-in model's file if the record beside it does not fit."""
    machine = find_machine(wanted.models_dir)
    store = ModelStore(wanted.models_dir, wanted.records_dir)
    fetched = (_fetched(entry, store, machine) for entry in registry.REGISTRY if not entry.is_built_in)
    own = (_own(model, machine) for model in OwnModels(wanted.records_dir).all())
    return ModelsFound((_built_in(wanted, machine), *fetched, *own), machine)


def _built_in(wanted: SurveyModels, machine: Machine) -> ModelFound:
    path = wanted.models_dir / BASE_MODEL_FILE
    try:
        expected = HypernetworkConfig.load(wanted.weights_dir).base_model_hash
        identity, problem = hypernetwork_hash(wanted.weights_dir), ""
    except (OSError, ValueError) as exc:
        expected, identity = "", ""
        problem = f"The part of Loreleaf that learns notes is missing or damaged: {exc}. Reinstall Loreleaf."
    except ModelUnavailable as exc:
        expected, identity, problem = "", "", f"{exc.title} {exc.detail}"
    if not path.is_file():
        return _not_unpacked(identity, problem, machine)
    try:
        sha256 = base_model_hash(path)
    except ModelUnavailable as exc:
        return _built_in_found(ModelState.MISSING, path, "", identity, f"{exc.title} {exc.detail}", machine)
    state = ModelState.READY
    if expected not in ("", sha256):
        state = ModelState.UNFIT
        problem = f"The hypernetwork needs {expected}. Delete {path} and type: loreleaf models get {NAME}"
    return _built_in_found(state, path, sha256, identity, problem, machine)


def _not_unpacked(identity: str, problem: str, machine: Machine) -> ModelFound:
    source: Path | None = None
    try:
        source, state = find_embedded_gguf(), ModelState.PACKED
    except ModelUnavailable as exc:
        state, problem = ModelState.MISSING, f"{exc.title} {exc.detail}"
    return _built_in_found(state, source, "", identity, problem, machine)


def _built_in_found(
    state: ModelState, path: Path | None, sha256: str, identity: str, problem: str, machine: Machine
) -> ModelFound:
    entry = registry.REGISTRY[0]
    return ModelFound(
        name=entry.name,
        title=entry.title,
        summary=entry.summary,
        licence=entry.licence,
        state=state,
        path=path,
        sha256=sha256,
        size_bytes=path.stat().st_size if path is not None and state is not ModelState.MISSING else 0,
        hypernetwork_hash=identity,
        problem=problem,
        n_missing_bytes=0,
        verdict=check_fit(entry, machine, 0),
    )


def _fetched(entry: ModelEntry, store: ModelStore, machine: Machine) -> ModelFound:
    record = store.load(entry.name)
    chat = store.chat_file(record)
    n_missing_bytes = sum(_n_missing_bytes(part, store, record) for part in entry.parts)
    state, problem = _state(entry, store, record)
    return ModelFound(
        name=entry.name,
        title=entry.title,
        summary=entry.summary,
        licence=entry.licence,
        state=state,
        path=chat[0] if chat is not None else None,
        sha256=chat[1].sha256 if chat is not None else "",
        size_bytes=store.n_bytes(entry.name),
        hypernetwork_hash=record.hypernetwork_hash if state is ModelState.READY else "",
        problem=" ".join(filter(None, (problem, what_larger_models_lack()))),
        n_missing_bytes=n_missing_bytes,
        verdict=check_fit(entry, machine, n_missing_bytes),
        parts=tuple(_part_found(entry, part, store, record) for part in entry.parts),
    )


def _own(model: OwnModel, machine: Machine) -> ModelFound:
    is_intact = model.is_intact
    return ModelFound(
        name=model.name,
        title=model.title,
        summary=(
            f"Your own file: {model.architecture}, {parameters(model.n_parameters)} parameters. No "
            "hypernetwork is known for it: it learns nothing, and is shown passages of your notes that fit."
        ),
        licence=model.licence or "not named in the file",
        state=ModelState.READY if is_intact else ModelState.CHANGED,
        path=model.path,
        sha256=model.file.sha256 if is_intact else "",
        size_bytes=0,
        hypernetwork_hash="",
        problem=model.problem,
        n_missing_bytes=0,
        verdict=check_fit_of_own(model.file.size_bytes, model.memory_bytes, machine),
        is_own=True,
    )


def _state(entry: ModelEntry, store: ModelStore, record: ModelRecord) -> tuple[ModelState, str]:
    """Where a model stands, and what is wrong with it if something is."""
    if changed := store.changed_files(record):
        others = f" (and {len(changed) - 1} more)" if len(changed) > 1 else ""
        return ModelState.CHANGED, (f"{changed[0]}{others} is gone, or is not what was checked.")
    if store.is_complete(record):
        if record.hypernetwork_hash:
            return ModelState.READY, ""
        return ModelState.UNPREPARED, "It is all here, and has to be prepared."
    has_begun = bool(record.parts) or any(
        store.n_partial_bytes(entry.name, part.role) for part in entry.parts
    )
    return (ModelState.PARTIAL if has_begun else ModelState.MISSING), ""


def _n_missing_bytes(part: HubPart, store: ModelStore, record: ModelRecord) -> int:
    known = record.part(part.role)
    if known is not None and known.is_complete:
        return 0
    n_here = store.n_partial_bytes(record.name, part.role)
    n_here += sum(file.size_bytes for file in known.files) if known is not None else 0
    return max(0, part.size_bytes - n_here)


def _part_found(entry: ModelEntry, part: HubPart, store: ModelStore, record: ModelRecord) -> PartFound:
    known = record.part(part.role)
    is_complete = known is not None and known.is_complete
    return PartFound(
        role=part.role,
        repo=part.repo,
        page=part.page,
        licence=part.licence,
        is_gated=part.is_gated,
        revision=known.revision if known is not None else part.revision,
        size_bytes=sum(file.size_bytes for file in known.files) if known and is_complete else part.size_bytes,
        is_size_derived=part.is_size_derived and not is_complete,
        origin=known.origin if known is not None else None,
        folder=store.folder_of(entry.name, known)
        if known is not None
        else store.download_dir(entry.name, part.role),
        is_complete=is_complete,
    )
