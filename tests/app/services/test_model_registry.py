"""The service over real processes and a hub on loopback; and the token's file."""

import stat
import sys
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest

from app.bootstrap import build_model_registry, open_profile
from app.services.hub_token import HubToken, TokenMissing
from app.services.model_registry import ModelRegistry
from app.services.one_shot import OneShotStopped
from app.services.ports import ModelWorkers
from app.services.settings import Settings
from engine.client import WorkerClient
from engine.errors import EngineDied, EngineError, ModelUnavailable
from engine.models.messages import (
    FetchModel,
    FetchPhase,
    FetchProgressed,
    ModelState,
)
from engine.worker_clients import add_client
from tests.app.fakes import FakePreparation
from tests.engine.fake_hub import Cut, FakeHub, Status
from tests.engine.toy_registry import (
    CHAT_FILE,
    GGUFS,
    NAME,
    NETWORKS,
    TOKEN,
    fetch_client,
    preparation_client,
    survey_client,
)


@pytest.fixture
def hub(toy_hub: FakeHub) -> FakeHub:
    return toy_hub


@pytest.fixture
def models(tmp_path: Path) -> Iterator[ModelRegistry]:
    profile = open_profile(tmp_path / "home")
    workers = ModelWorkers(survey_client, fetch_client, preparation_client, add_client)
    yield build_model_registry(profile, workers=workers)
    profile.close()


def test_a_model_is_listed_fetched_and_removed(hub: FakeHub, models: ModelRegistry) -> None:
    told: list[FetchProgressed] = []
    before = models.models().models[1]

    fetched = models.get(NAME, on_progress=told.append)

    after = models.models().models[1]
    assert (before.state, after.n_missing_bytes) == (ModelState.MISSING, 0)
    assert (after.state, after.path) == (ModelState.READY, fetched.path)
    assert fetched.path.read_bytes() == hub.repos[GGUFS].files[CHAT_FILE]
    assert FetchPhase.DOWNLOADING in {progress.phase for progress in told}
    assert models.remove(NAME) == after.size_bytes
    assert models.models().models[1].state is ModelState.MISSING


def test_the_process_resumes_by_itself_after_a_cut_connection(hub: FakeHub, models: ModelRegistry) -> None:
    hub.go_wrong(CHAT_FILE, Cut(1500))

    models.get(NAME)

    assert hub.ranges(CHAT_FILE) == ["", "bytes=1500-"]


def test_a_stopped_fetch_keeps_what_arrived_and_goes_on_later(hub: FakeHub, models: ModelRegistry) -> None:
    # The server does not get well again: the process pauses between its tries, and hears the stop there.
    hub.go_wrong(CHAT_FILE, Cut(1500), *[Status(503)] * 100)
    told: list[FetchProgressed] = []

    with pytest.raises(OneShotStopped):
        models.get(NAME, on_progress=told.append, is_stopped=lambda: len(hub.ranges(CHAT_FILE)) > 1)

    assert FetchPhase.WAITING in {progress.phase for progress in told}
    assert models.models().models[1].state is ModelState.PARTIAL
    hub.faults.clear()
    hub.seen.clear()
    models.get(NAME)
    assert hub.ranges("") == ["bytes=1500-"]


def test_a_missing_token_can_be_asked_for(hub: FakeHub, models: ModelRegistry) -> None:
    hub.repos[NETWORKS].granted = frozenset({TOKEN})
    hub.known_tokens.add(TOKEN)
    with pytest.raises(TokenMissing) as failure:
        models.get(NAME)
    assert "settings/tokens" in failure.value.detail
    models.token.keep(TOKEN)

    assert models.get(NAME).name == NAME


def test_a_failure_has_its_title_and_advice(hub: FakeHub, models: ModelRegistry) -> None:
    del hub.repos[GGUFS].files[CHAT_FILE]

    with pytest.raises(EngineError) as failure:
        models.get(NAME)

    assert "does not have the files" in failure.value.title


def test_a_token_that_the_hub_refuses_can_be_given_anew(hub: FakeHub, models: ModelRegistry) -> None:
    hub.repos[NETWORKS].granted = frozenset({TOKEN})
    hub.known_tokens.add(TOKEN)

    with pytest.raises(TokenMissing, match="does not accept the token") as failure:
        models.get(NAME, token="hf_made_up")

    assert failure.value.has_refused
    assert failure.value.page.startswith("https://huggingface.co/")


def test_a_model_is_chosen_for_the_next_start_only_when_it_is_complete(
    hub: FakeHub, models: ModelRegistry
) -> None:
    with pytest.raises(EngineError, match="not ready"):
        models.use(NAME)
    with pytest.raises(ModelUnavailable, match="There is no base model"):
        models.use("nothing")
    assert models._settings.current.model == "embedded"


def test_choosing_a_model_leaves_the_other_settings_alone_and_says_whether_it_is_new(
    models: ModelRegistry,
) -> None:
    preparation = FakePreparation()
    models._workers = replace(models._workers, prepare=preparation)
    models._settings.save(Settings(max_active_chunks=7))

    assert models.use("qwen3-4b")
    assert not models.use("qwen3-4b")

    assert models._settings.current == Settings(max_active_chunks=7, model="qwen3-4b")
    assert preparation.attempts == 2


def test_the_model_that_is_chosen_is_not_removed(hub: FakeHub, models: ModelRegistry) -> None:
    models.get(NAME)
    models._settings.save(Settings(model=NAME))

    with pytest.raises(ModelUnavailable, match="is in use"):
        models.remove(NAME)

    assert models.models().models[1].n_missing_bytes == 0


def test_choosing_a_model_can_be_broken_off(models: ModelRegistry) -> None:
    preparation = FakePreparation()
    preparation.released.clear()
    models._workers = replace(models._workers, prepare=preparation)
    asked: list[bool] = []

    def is_stopped() -> bool:
        asked.append(True)
        if len(asked) > 1:
            preparation.released.set()  # a fake thread cannot be killed as a process can
        return len(asked) > 1

    with pytest.raises(OneShotStopped):
        models.use("qwen3-4b", is_stopped=is_stopped)

    assert models._settings.current.model == "embedded"


def test_the_built_in_model_is_neither_fetched_nor_removed(models: ModelRegistry) -> None:
    with pytest.raises(ModelUnavailable, match="comes with Loreleaf"):
        models.get("embedded")
    with pytest.raises(ModelUnavailable, match="cannot be removed"):
        models.remove("embedded")
    with pytest.raises(ModelUnavailable, match="There is no base model"):
        models.remove("nothing")


def test_a_process_that_dies_is_told(models: ModelRegistry, hub: FakeHub) -> None:
    models._workers = replace(
        models._workers,
        fetch=lambda wanted: WorkerClient("tests.engine.toy_workers:raise_at_start", wanted, "fetch"),
    )

    with pytest.raises(EngineDied, match="ZeroDivisionError"):
        models.get(NAME)


# --- the token ----------------------------------------------------------------------------------------------


@pytest.mark.skipif(sys.platform == "win32", reason="permissions are others there")
def test_the_kept_token_is_the_users_alone(tmp_path: Path) -> None:
    token = HubToken(tmp_path / "home" / "hub-token")

    token.keep(" hf_abc\n")

    assert token.read() == "hf_abc"
    assert stat.S_IMODE(token.path.stat().st_mode) == 0o600
    assert [path.name for path in token.path.parent.iterdir()] == ["hub-token"]
    token.forget()
    token.forget()
    assert token.read() == ""


def test_a_token_that_cannot_be_kept_is_told_and_does_no_harm(tmp_path: Path) -> None:
    (tmp_path / "file").write_text("", encoding="utf-8")
    token = HubToken(tmp_path / "file" / "hub-token")

    assert "could not be kept" in token.remember("hf_abc")
    assert "hf_abc" not in token.remember("hf_abc")


@pytest.mark.parametrize("text", ["", "  \n", "two words", "line\nbreak", "naïve", "x" * 501, "a\0b"])
def test_what_cannot_be_a_token_is_refused_without_repeating_it(tmp_path: Path, text: str) -> None:
    with pytest.raises(ValueError, match="this is not a token") as failure:
        HubToken(tmp_path / "hub-token").keep(text)

    assert not text.strip() or text.strip() not in str(failure.value)


def test_tokens_do_not_appear_where_an_order_is_printed() -> None:
    order = FetchModel("toy", Path(), Path(), given_token="hf_secret", kept_token="hf_other")

    assert "hf_" not in repr(order)
