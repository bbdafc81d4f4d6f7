"""Each real process, where a package is missing or broken: it says so in a sentence, and is no death."""

import queue
import sys
from importlib import import_module
from pathlib import Path

import pytest

import engine
from engine.adapters.messages import ImportAdapter
from engine.client import WorkerClient
from engine.hypernetwork import fetch_worker
from engine.installed import (
    FOR_LARGER_MODELS,
    explain_import,
    failed_at_import,
    install_line,
    missing_packages,
    what_larger_models_lack,
)
from engine.messages import EngineSettings, WorkerDied, WorkerFailed, WorkerReady
from engine.models import inventory
from engine.models.messages import FetchModel, ModelState, PrepareModels, SurveyModels

NOWHERE = Path("nowhere")
PATIENCE_S = 240.0
ENGINE = EngineSettings(NOWHERE / "model.gguf", NOWHERE, base_hash="a", hypernetwork_hash="b")
LARGER = EngineSettings(
    NOWHERE / "model.gguf", NOWHERE, base_hash="a", hypernetwork_hash="b", encoder_dir=NOWHERE
)
CASES = {
    "learning with a larger model": ("transformers", "engine.worker:main", LARGER),
    "learning": ("torch", "engine.worker:main", ENGINE),
    "answering": ("llama_cpp", "engine.chat.worker:main", ENGINE),
    "preparing": ("numpy", "engine.models.prepare_worker:main", PrepareModels(NOWHERE, NOWHERE, NOWHERE)),
    "looking at models": ("psutil", "engine.models.inventory:main", SurveyModels(NOWHERE, NOWHERE, NOWHERE)),
    "fetching": (
        "filelock",
        "engine.hypernetwork.fetch_worker:main",
        FetchModel("qwen3-4b", NOWHERE, NOWHERE),
    ),
    "importing": ("numpy", "engine.adapters.importing:main", ImportAdapter(NOWHERE, NOWHERE, "a")),
}


def ending_of(target: str, settings: object) -> object:
    """What a worker says of itself, or what is said of it, when it is ready or over."""
    said: queue.SimpleQueue[object] = queue.SimpleQueue()
    client: WorkerClient[object, object] = WorkerClient(target, settings, "toy")
    client.start(said.put)
    try:
        while True:
            event = said.get(timeout=PATIENCE_S)
            if isinstance(event, WorkerReady | WorkerFailed | WorkerDied):
                return event
    finally:
        client.stop(timeout_s=5.0)


@pytest.mark.parametrize("case", list(CASES))
@pytest.mark.parametrize("is_broken", [False, True], ids=["missing", "broken"])
def test_a_process_that_cannot_import_says_so_in_a_sentence(case: str, is_broken: bool) -> None:
    module, target, settings = CASES[case]

    ending = ending_of("tests.engine.toy_workers:run_without", ((module,), is_broken, target, settings))

    assert isinstance(ending, WorkerFailed), ending
    assert ending.title == "A part of Loreleaf is not installed correctly."
    assert "Traceback" not in ending.detail
    if is_broken:
        assert "c10.dll" in ending.detail
        assert "make clean" in ending.detail
    elif module == "llama_cpp":  # pip alone does not compile it as the set-up does
        assert "llama_cpp" in ending.detail
        assert "make clean" in ending.detail
    else:
        assert f"The package {module} is missing." in ending.detail
        assert f'"{sys.executable}" -m pip install {module}==' in ending.detail


@pytest.mark.model
@pytest.mark.parametrize(
    ("target", "unneeded"),
    [
        ("engine.worker:main", ("transformers", "peft", "accelerate", "llama_cpp", "jinja2")),
        ("engine.chat.worker:main", ("transformers", "peft", "accelerate", "torch", "gguf")),
    ],
)
def test_the_built_in_model_does_without_what_the_larger_ones_need(
    target: str, unneeded: tuple[str, ...], f16_base_model: Path
) -> None:
    settings = EngineSettings(f16_base_model, Path(engine.__path__[0]) / "weights", n_threads=1)

    ending = ending_of("tests.engine.toy_workers:run_without", (unneeded, False, target, settings))

    assert isinstance(ending, WorkerReady), ending


def test_a_library_that_does_not_load_is_told_from_a_file_that_is_gone() -> None:
    assert isinstance(ending_of("tests.engine.toy_workers:import_a_broken_library", None), WorkerFailed)
    assert isinstance(ending_of("tests.engine.toy_workers:read_a_file_that_is_gone", None), WorkerDied)


def test_the_line_that_installs_names_the_version_that_was_tested() -> None:
    assert install_line("torch") == f'"{sys.executable}" -m pip install torch==2.13.0'


def test_a_bug_is_no_missing_package() -> None:
    with pytest.raises(ZeroDivisionError) as raised:
        _ = 1 / 0

    assert not failed_at_import(raised.value)


def test_a_package_that_nobody_asked_for_is_explained_too() -> None:
    with pytest.raises(ImportError) as raised:
        import_module("no_such_package_anywhere")

    assert failed_at_import(raised.value)
    assert "no_such_package_anywhere" in explain_import(raised.value).detail


# --- what is said before gigabytes are downloaded -----------------------------------------------------------


def test_here_nothing_is_missing() -> None:
    assert missing_packages(*FOR_LARGER_MODELS, "no_such_package_anywhere") == ("no_such_package_anywhere",)
    assert what_larger_models_lack() == ""


def test_what_a_larger_model_lacks_is_said_before_its_download(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("engine.installed.FOR_LARGER_MODELS", ("no_such_package_anywhere", "torch"))
    said: list[object] = []

    class Pipe:
        def send(self, event: object) -> None:
            said.append(event)

        def recv(self) -> object:
            raise EOFError

    fetch_worker.main(Pipe(), FetchModel("qwen3-4b", tmp_path / "models", tmp_path / "records"))  # type: ignore[arg-type]

    (failed,) = said
    assert isinstance(failed, WorkerFailed)
    assert "nothing was downloaded" in failed.title
    assert "no_such_package_anywhere is missing" in failed.detail
    assert "-m pip install no_such_package_anywhere" in failed.detail


def test_the_list_of_models_says_it_of_each_that_is_fetched(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr("engine.installed.FOR_LARGER_MODELS", ("no_such_package_anywhere",))

    found = inventory.survey(SurveyModels(tmp_path / "models", tmp_path / "records", tmp_path))

    for model in found.models[1:]:
        assert model.state is ModelState.MISSING
        assert "no_such_package_anywhere is missing" in model.problem
    assert "no_such_package_anywhere" not in found.built_in.problem
