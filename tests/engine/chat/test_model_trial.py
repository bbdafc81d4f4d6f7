"""A model file of the user's own is tried in a real process with the real llama.cpp; taken in, or refused."""

import json
import os
import shutil
from collections.abc import Callable
from pathlib import Path

import pytest

from app.services.model_registry import ModelRegistry
from app.services.one_shot import run_one_shot
from app.services.ports import ModelWorkers
from engine.client import WorkerClient
from engine.errors import EngineError, ModelUnavailable
from engine.messages import Shutdown
from engine.models import inventory
from engine.models.messages import (
    AddEvent,
    AddModel,
    FetchPhase,
    FetchProgressed,
    ModelAdded,
    ModelState,
    SurveyModels,
)
from engine.models.own import OwnModels
from engine.models.requirements import Fit
from engine.worker_clients import add_client, fetch_client, survey_client
from tests.engine.own_models import (
    CHATML,
    chat_gguf,
    chat_gguf_of_another_architecture,
    gguf_that_ends_llama_cpp,
)


def add(path: Path, records: Path, name: str = "", told: list[object] | None = None) -> ModelAdded:
    wanted = AddModel(path, name, records)
    return run_one_shot(add_client(wanted), ModelAdded, (told if told is not None else []).append)


def test_a_file_that_answers_is_taken_in_where_it_is(tmp_path: Path) -> None:
    path = chat_gguf(
        tmp_path / "My Model Q4.gguf", general__name="My\u202e Model\n\x1b[31m", general__license="mit"
    )
    before = path.stat()
    told: list[object] = []

    added = add(path, tmp_path / "records", told=told)

    assert (added.name, added.title, added.path) == ("my-model-q4", "My Model [31m", path)
    (model,) = OwnModels(tmp_path / "records").all()
    assert (model.path, model.licence, model.architecture) == (path, "mit", "llama")
    assert model.form.turn_end == "<|im_end|>"
    assert (path.stat().st_mtime_ns, path.stat().st_size) == (before.st_mtime_ns, before.st_size)
    phases = [progress.phase for progress in told if isinstance(progress, FetchProgressed)]
    assert phases[0] is FetchPhase.CHECKING
    assert phases[-1] is FetchPhase.TRYING


def test_a_file_of_another_architecture_is_taken_in(tmp_path: Path) -> None:
    add(chat_gguf_of_another_architecture(tmp_path / "q.gguf"), tmp_path / "records")

    assert [model.architecture for model in OwnModels(tmp_path / "records").all()] == ["qwen3"]


def test_names_are_unused_ones_and_stay_when_a_file_is_added_again(tmp_path: Path) -> None:
    records = tmp_path / "records"
    (tmp_path / "a").mkdir()
    first = chat_gguf(tmp_path / "a" / "gemma-2-2b.gguf")
    second = Path(shutil.copy(first, tmp_path / "gemma-2-2b.gguf"))

    names = [add(first, records).name, add(second, records).name, add(first, records).name]

    assert names == ["gemma-2-2b-2", "gemma-2-2b-3", "gemma-2-2b-2"]
    assert add(first, records, "mine").name == "mine"


@pytest.mark.parametrize("name", ["../mine", "gemma-2-2b", "embedded", "Mine", "a b"])
def test_a_name_that_leads_elsewhere_or_is_taken_is_refused(name: str, tmp_path: Path) -> None:
    with pytest.raises(EngineError, match=r"No model is called|is another model"):
        add(chat_gguf(tmp_path / "a.gguf"), tmp_path / "records", name)

    assert not (tmp_path / "records").exists()


BROKEN: dict[str, tuple[Callable[[Path], object], str]] = {
    "no template": (lambda path: chat_gguf(path, ""), "has no chat template"),
    "a hostile template": (
        lambda path: chat_gguf(path, "{{ ''.__class__ }}"),
        "chat template cannot be used",
    ),
    "numbers that are none": (lambda path: chat_gguf(path, scale=float("nan")), "This model is damaged"),
    "no window": (lambda path: chat_gguf(path, llama__context_length=0), "a window of 0 tokens"),
    "cut off": (lambda path: path.write_bytes(chat_gguf(path).read_bytes()[:-100]), "is cut off"),
    "cut in the header": (
        lambda path: path.write_bytes(chat_gguf(path).read_bytes()[:300]),
        "cannot be read",
    ),
    "an unknown architecture": (
        lambda path: path.write_bytes(chat_gguf(path).read_bytes().replace(b"llama", b"lIama")),
        "unknown model architecture",
    ),
    "no GGUF": (lambda path: path.write_bytes(b"Hello."), "cannot be read"),
    "empty": (lambda path: path.write_bytes(b""), "cannot be read"),
    "a folder": (lambda path: path.mkdir(), "is no file"),
    "nothing": (lambda path: None, "is no file"),
}


@pytest.mark.parametrize("kind", list(BROKEN))
def test_a_file_that_cannot_be_used_is_refused_in_a_sentence(kind: str, tmp_path: Path) -> None:
    make, says = BROKEN[kind]
    make(tmp_path / "broken.gguf")

    with pytest.raises(EngineError) as refused:
        add(tmp_path / "broken.gguf", tmp_path / "records")

    assert says in f"{refused.value.title} {refused.value.detail}"
    assert str(tmp_path / "broken.gguf") in refused.value.detail or kind == "a hostile template"
    assert "Traceback" not in refused.value.detail
    assert OwnModels(tmp_path / "records").all() == ()


def model_registry(
    tmp_path: Path, add_worker: Callable[[AddModel], WorkerClient[Shutdown, AddEvent]]
) -> ModelRegistry:
    from app.bootstrap import build_model_registry, open_profile
    from engine.worker_clients import preparation_client

    profile = open_profile(tmp_path / "home")
    profile.close()  # the catalog is not needed; its settings are
    workers = ModelWorkers(survey_client, fetch_client, preparation_client, add_worker)
    return build_model_registry(profile, workers=workers)


def test_a_file_that_ends_llama_cpp_ends_nothing_else(tmp_path: Path) -> None:
    path = gguf_that_ends_llama_cpp(tmp_path / "deadly.gguf")

    with pytest.raises(ModelUnavailable, match="This model cannot be used") as refused:
        model_registry(tmp_path, add_client).add(path)

    assert "the process that tried it has ended" in refused.value.detail
    assert str(path) in refused.value.detail


def test_a_template_that_never_ends_is_given_up(tmp_path: Path) -> None:
    endless = "{% for i in range(100000) %}{% for j in range(100000) %}{% endfor %}{% endfor %}" + CHATML
    path = chat_gguf(tmp_path / "endless.gguf", endless)

    def impatient(wanted: AddModel) -> WorkerClient[Shutdown, AddEvent]:
        return WorkerClient("tests.engine.toy_workers:add_impatiently", wanted, "add")

    with pytest.raises(EngineError, match="chat template cannot be used") as refused:
        model_registry(tmp_path, impatient).add(path)

    assert "It does not end" in refused.value.detail


@pytest.mark.skipif(not os.path.exists("/proc/self/statm"), reason="memory is limited on Linux only")  # noqa: PTH110
def test_a_template_that_fills_the_memory_is_given_up(tmp_path: Path) -> None:
    greedy = "{% set a = '' | center(4000000000) %}" + CHATML
    path = chat_gguf(tmp_path / "greedy.gguf", greedy)

    with pytest.raises(EngineError, match="chat template cannot be used") as refused:
        model_registry(tmp_path, add_client).add(path)

    assert "MemoryError" in refused.value.detail


# --- what stands in the list --------------------------------------------------------------------------------


def found(tmp_path: Path) -> list[tuple[str, ModelState, str]]:
    models = inventory.survey(SurveyModels(tmp_path / "models", tmp_path / "records", tmp_path)).models
    return [(model.name, model.state, model.problem) for model in models if model.is_own]


def test_the_list_says_what_it_is_and_when_it_has_gone(tmp_path: Path) -> None:
    path = chat_gguf(tmp_path / "mine.gguf")
    add(path, tmp_path / "records")
    (model,) = (
        model
        for model in inventory.survey(
            SurveyModels(tmp_path / "models", tmp_path / "records", tmp_path)
        ).models
        if model.is_own
    )
    assert "No hypernetwork is known for it" in model.summary
    assert (model.state, model.verdict.fit, model.path) == (ModelState.READY, Fit.FITS, path)
    assert len(model.sha256) == 64

    path.rename(tmp_path / "elsewhere.gguf")
    ((name, state, problem),) = found(tmp_path)
    assert (name, state) == ("mine", ModelState.CHANGED)
    assert f"{path} is not there any more" in problem
    assert "loreleaf models add PATH --name mine" in problem

    path.write_bytes(b"another file")
    assert "is another file than was added" in found(tmp_path)[0][2]


@pytest.mark.parametrize(
    "damage",
    [
        lambda raw: raw | {"version": 99},
        lambda raw: raw | {"file": raw["file"] | {"name": "../mine.gguf"}},
        lambda raw: raw | {"form": {}},
        lambda raw: [],
        lambda raw: "x",
    ],
)
def test_a_record_that_makes_no_sense_counts_as_none(
    damage: Callable[[object], object], tmp_path: Path
) -> None:
    add(chat_gguf(tmp_path / "mine.gguf"), tmp_path / "records")
    record = tmp_path / "records" / "own" / "mine.json"
    record.write_text(json.dumps(damage(json.loads(record.read_text(encoding="utf-8")))), encoding="utf-8")

    assert OwnModels(tmp_path / "records").all() == ()
