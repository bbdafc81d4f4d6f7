"""models list, get, remove as typed: in this process with the toy's processes, and with the real ones."""

import getpass
import io
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import replace
from functools import partial
from pathlib import Path

import pytest

import app.bootstrap
from app.cli import models_command
from app.cli.console import Console
from app.services.model_registry import ModelRegistry
from engine.models import registry
from engine.models.messages import ModelsFound
from engine.models.requirements import Fit, Verdict
from engine.models.store import ModelStore
from storage.paths import ProfilePaths
from tests.app.cli.conftest import Shell, environment, run_process
from tests.engine.fake_hub import FakeHub, FakeRepo, Stall, running_hub
from tests.engine.toy_registry import (
    CHAT_FILE,
    CHECKPOINT,
    NAME,
    NETWORKS,
    TOKEN,
    checkpoint_bytes,
    encoder_files,
    fetch_client,
    gguf_bytes,
    survey_client,
    write_files,
)
from tests.patience import PROCESS_PATIENCE_S


@pytest.fixture
def hub(toy_hub: FakeHub, monkeypatch: pytest.MonkeyPatch) -> FakeHub:
    """A hub with the toy, and processes that know the toy."""
    monkeypatch.setattr(app.bootstrap, "survey_client", survey_client)
    monkeypatch.setattr(app.bootstrap, "fetch_client", fetch_client)
    return toy_hub


@pytest.fixture
def gated(hub: FakeHub) -> FakeHub:
    hub.repos[NETWORKS].granted = frozenset({TOKEN})
    hub.known_tokens.add(TOKEN)
    return hub


def listed(shell: Shell) -> dict[str, object]:
    row: dict[str, object] = shell("models", "list", "--json").json["models"][1]
    return row


def test_a_model_is_fetched_listed_and_removed(hub: FakeHub, shell: Shell) -> None:
    got = shell("models", "get", NAME)
    row = listed(shell)
    removed = shell("models", "remove", NAME)

    assert (got.code, removed.code) == (0, 0), got.err + removed.err
    assert got.out.startswith("toy  ready  ")
    assert (row["state"], row["missing_bytes"]) == ("ready", 0)
    assert Path(str(row["path"])).name == CHAT_FILE
    assert removed.out.startswith("toy  removed  ")
    assert listed(shell)["state"] == "missing"


def test_the_list_says_what_it_costs_and_where_to_accept(hub: FakeHub, shell: Shell) -> None:
    out = shell("models", "list").out

    assert "This computer: " in out
    assert "toy  Toy 2B Instruct  not here" in out
    assert "to download; licence: Toy licence" in out
    assert "Log in and accept the conditions at https://huggingface.co/maker/toy-base-it" in out
    assert "Type: loreleaf models get toy --token-file FILE" in out
    assert hub.seen == []


def test_local_files_are_taken_in_place_of_downloads(hub: FakeHub, shell: Shell, tmp_path: Path) -> None:
    base = write_files(tmp_path / "base", encoder_files())
    lab = write_files(tmp_path / "lab", {CHECKPOINT: checkpoint_bytes()})
    chat = write_files(tmp_path / "chat", {"mine.gguf": gguf_bytes(tmp_path)}) / "mine.gguf"

    got = shell("models", "get", NAME, "--from", base, "--from", lab, "--from", chat)

    assert (got.code, hub.seen) == (0, [])
    assert str(chat) in got.out
    assert {part["origin"] for part in listed(shell)["parts"]} == {"local"}  # type: ignore[attr-defined]
    shell("models", "remove", NAME)
    assert chat.exists()


def test_a_local_file_that_does_not_fit_is_refused_in_a_sentence(
    hub: FakeHub, shell: Shell, tmp_path: Path
) -> None:
    chat = write_files(tmp_path / "chat", {"mine.gguf": gguf_bytes(tmp_path, n_layers=9)}) / "mine.gguf"

    ended = shell("models", "get", NAME, "--from", chat)

    assert ended.code == 1
    assert "\nThis is not Toy 2B Instruct." in f"\n{ended.err}"


def test_what_this_computer_lacks_is_said_before_the_download(
    hub: FakeHub, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    look = models_command.survey_models

    def look_at_a_poor_computer(model_registry: ModelRegistry, console: Console) -> ModelsFound:
        found = look(model_registry, console)
        poor = Verdict(Fit.SLOW, "There is a GPU, but the package bitsandbytes is missing. Type: make run.")
        return replace(found, models=tuple(replace(model, verdict=poor) for model in found.models))

    monkeypatch.setattr(models_command, "survey_models", look_at_a_poor_computer)
    hub.repos.clear()  # the download fails; what is said before it counts

    err = shell("models", "get", NAME).err

    assert err.index("the package bitsandbytes is missing") < err.index("wants to know who downloads it")


def test_without_a_token_the_command_says_what_to_do(gated: FakeHub, shell: Shell) -> None:
    ended = shell("models", "get", NAME)

    assert ended.code == 1
    assert f"https://huggingface.co/{NETWORKS}" in ended.err
    assert "loreleaf models get toy --token-file FILE" in ended.err


def test_a_token_from_a_file_is_used_and_kept_for_the_next_time(
    gated: FakeHub, shell: Shell, tmp_path: Path
) -> None:
    file = write_files(tmp_path, {"token.txt": TOKEN.encode() + b"\n"}) / "token.txt"

    got = shell("models", "get", NAME, "--token-file", file)
    shell("models", "remove", NAME)
    again = shell("models", "get", NAME)

    assert (got.code, again.code) == (0, 0), got.err + again.err
    assert f"kept in {shell.home / 'hub-token'}" in got.err
    assert TOKEN not in got.out + got.err + again.out + again.err


def test_a_token_that_did_not_work_is_not_kept(gated: FakeHub, shell: Shell, tmp_path: Path) -> None:
    file = write_files(tmp_path, {"token.txt": b"hf_made_up"}) / "token.txt"

    ended = shell("models", "get", NAME, "--token-file", file)

    assert (ended.code, "does not accept the token" in ended.err) == (1, True)
    assert not (shell.home / "hub-token").exists()


def test_somebody_at_the_terminal_may_paste_the_token(
    gated: FakeHub, shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Terminal(io.StringIO):
        def isatty(self) -> bool:
            return True

    monkeypatch.setattr(sys, "stdin", Terminal())
    monkeypatch.setattr("app.cli.console.Console.is_watched", True)
    monkeypatch.setattr(getpass, "getpass", lambda _prompt: TOKEN)

    ended = shell("models", "get", NAME)

    assert ended.code == 0, ended.err
    assert "wants to know who downloads it" in ended.err


@pytest.mark.parametrize("content", [None, b"", b"two words", b"\xff\xfe"])
def test_a_token_file_that_is_no_use_is_told(
    hub: FakeHub, shell: Shell, tmp_path: Path, content: bytes | None
) -> None:
    file = tmp_path / "token.txt"
    if content is not None:
        file.write_bytes(content)

    ended = shell("models", "get", NAME, "--token-file", file)

    assert (ended.code, str(file) in ended.err, hub.seen) == (1, True, [])


def test_using_a_model_says_from_when_and_what_becomes_of_the_notes(shell: Shell) -> None:
    chosen = shell("models", "use", "qwen3-4b")
    again = shell("models", "use", "qwen3-4b")

    assert chosen.out == "qwen3-4b is used from the next start on.\n"
    assert "learnt anew" in chosen.err
    assert again.out == "qwen3-4b is in use already.\n"


def test_what_is_there_but_not_prepared_is_listed_with_the_command_that_prepares_it(
    hub: FakeHub, shell: Shell
) -> None:
    shell("models", "get", NAME)
    paths = ProfilePaths(shell.home)
    store = ModelStore(paths.cache_models, paths.models)
    # As when it was ended in the middle of the conversion.
    store.save(replace(store.load(NAME), prepared=(), hypernetwork_hash=""))

    out = shell("models", "list").out

    assert "toy  Toy 2B Instruct  downloaded and checked" in out
    assert "By toymakers, 0 million parameters." in out
    assert "Type: loreleaf models get toy" in out


def test_a_name_that_does_not_exist_is_answered_with_those_that_do(shell: Shell) -> None:
    for words in (["get"], ["remove"]):
        ended = shell("models", *words, "gpt")
        assert ended.code == 1
        assert "There are: embedded, gemma-2-2b, qwen3-4b, mistral-7b." in ended.err


def test_the_built_in_model_needs_no_source_and_stays(shell: Shell) -> None:
    assert "needs neither --from" in shell("models", "get", "embedded", "--from", "x").err
    assert "cannot be removed" in shell("models", "remove", "embedded").err
    assert shell("models", "get", "embedded").out.startswith("embedded  ready  ")


TYPED = """
import sys
import app.bootstrap
from app.cli.main import run
from tests.engine.toy_registry import fetch_client, put_toy_into_registry, survey_client

if __name__ == "__main__":
    put_toy_into_registry()
    app.bootstrap.fetch_client, app.bootstrap.survey_client = fetch_client, survey_client
    sys.exit(run(sys.argv[1:]))
"""
"""The command line in a process of its own that knows the toy."""


@pytest.mark.skipif(sys.platform == "win32", reason="needs POSIX signals")
def test_ctrl_c_in_the_middle_of_a_download_is_clean_and_loses_nothing(
    hub: FakeHub, shell: Shell, tmp_path: Path
) -> None:
    script = write_files(tmp_path, {"typed.py": TYPED.encode()}) / "typed.py"
    hub.go_wrong(CHAT_FILE, Stall(1500))
    process = subprocess.Popen(
        [sys.executable, script, "--home", shell.home, "models", "get", NAME],
        env=environment(),
        stdin=subprocess.DEVNULL,
        stderr=subprocess.PIPE,
        encoding="utf-8",
        start_new_session=True,
        preexec_fn=partial(signal.signal, signal.SIGINT, signal.SIG_DFL),
    )
    assert hub.has_stalled.wait(PROCESS_PATIENCE_S)

    os.killpg(process.pid, signal.SIGINT)

    _out, err = process.communicate(timeout=PROCESS_PATIENCE_S)
    assert process.returncode == 130
    # A busy machine may say before that the worker had to be killed: it keeps what it has all the same.
    assert err.splitlines()[-1] == "Stopped. What has arrived is kept; the same command goes on from there."
    assert "Traceback" not in err
    hub.seen.clear()
    assert shell("models", "get", NAME).code == 0
    assert hub.ranges("") == ["bytes=1500-"]


# --- in processes of their own, with the real registry -----------------------------------------------------


@pytest.fixture
def mirror(tmp_path: Path) -> Iterator[FakeHub]:
    """A mirror that has altered the GGUF of Mistral."""
    with running_hub() as hub:
        entry = registry.find_entry("mistral-7b")
        for part in entry.parts:
            names = [name.replace("*", "") for name in part.wanted.needed]
            hub.repos[part.repo] = FakeRepo({name: b"x" * 1200 for name in names}, part.revision or "c" * 40)
        yield hub


@pytest.mark.slow
def test_the_real_command_refuses_a_mirror_with_another_file_than_is_pinned(
    mirror: FakeHub, tmp_path: Path
) -> None:
    env = environment(HF_ENDPOINT=mirror.endpoint, HF_HOME=str(tmp_path / "no-login"), NO_PROXY="127.0.0.1")

    ended = run_process("--home", tmp_path / "home", "models", "get", "mistral-7b", env=env)

    assert ended.code == 1
    assert "The hub has another mistral-7b-instruct-v0.2.Q4_K_M.gguf than Loreleaf knows." in ended.err
    assert mirror.ranges("") == []


@pytest.mark.slow
def test_the_real_list_has_all_four_models_and_asks_nobody(mirror: FakeHub, tmp_path: Path) -> None:
    env = environment(HF_ENDPOINT=mirror.endpoint)

    ended = run_process("--home", tmp_path / "home", "models", "list", "--json", env=env)

    rows = ended.json["models"]
    assert [row["name"] for row in rows] == ["embedded", "gemma-2-2b", "qwen3-4b", "mistral-7b"]
    assert {row["fit"] for row in rows} <= {"fits", "slow", "won't fit"}
    assert all(row["fit_reason"] for row in rows)
    assert mirror.seen == []
