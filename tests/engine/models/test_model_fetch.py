"""Fetching a model from a hub on loopback: whole, resumed, refused, and never used unless it is right."""

import errno
import os
import sys
import threading
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from pathlib import Path

import huggingface_hub
import pytest
from huggingface_hub import constants

from engine.errors import ModelUnavailable
from engine.models.download import FetchStopped
from engine.models.fetch import ModelFetch
from engine.models.hub import Hub, TokenRequired
from engine.models.hub_listing import RemoteFile
from engine.models.messages import FetchPhase, FetchProgressed, ModelFetched, Origin
from engine.models.preparation import Convert
from engine.models.registry import ModelEntry, Role
from engine.models.store import ModelStore
from tests.engine.fake_hub import Cut, FakeHub, FakeRepo, Status, WithoutRange, running_hub, sha256
from tests.engine.toy_registry import (
    BASE,
    CHAT_FILE,
    CHECKPOINT,
    GGUFS,
    NAME,
    NETWORKS,
    SHARDS,
    TOKEN,
    checkpoint_bytes,
    convert_toy,
    encoder_files,
    gguf_bytes,
    our_form,
    pins_of,
    publish,
    toy_entry,
    write_files,
)


@pytest.fixture
def hub(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[FakeHub]:
    """A hub that has the toy, for everybody; no token and no proxy of this computer gets in the way."""
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", "http_proxy", "HTTP_PROXY", "all_proxy", "ALL_PROXY"):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setenv("HF_TOKEN_PATH", str(tmp_path / "no-login"))
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-login"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)
    with running_hub() as hub:
        publish(hub, tmp_path)
        yield hub
    huggingface_hub.close_session()


@dataclass
class Bench:
    """Fetches into a folder, and remembers what was told."""

    hub: FakeHub
    folder: Path
    entry: ModelEntry = field(default_factory=toy_entry)
    told: list[FetchProgressed] = field(default_factory=list)
    stop: threading.Event = field(default_factory=threading.Event)
    n_connected: int = 0
    convert: Convert = convert_toy  # the toy's checkpoint has no tensors

    @property
    def store(self) -> ModelStore:
        return ModelStore(self.folder / "cache", self.folder / "records")

    def fetch(
        self,
        *sources: Path,
        token: str = "",
        tell: Callable[[FetchProgressed], None] = lambda _progress: None,
    ) -> ModelFetched:
        def connect() -> Hub:
            self.n_connected += 1
            return Hub(given_token=token, endpoint=self.hub.endpoint)

        def take(progress: FetchProgressed) -> None:
            self.told.append(progress)
            tell(progress)

        fetch = ModelFetch(
            self.entry, self.store, connect, take, self.stop, self.convert, pauses_s=(0.0, 0.0)
        )
        return fetch.run(sources)

    def content(self, role: Role, name: str) -> bytes:
        return (self.store.download_dir(NAME, role) / name).read_bytes()

    def partial(self, role: Role) -> list[bytes]:
        return [path.read_bytes() for path in self.store.partial_dir(NAME, role).glob("*.part")]


@pytest.fixture
def bench(hub: FakeHub, tmp_path: Path) -> Bench:
    return Bench(hub, tmp_path / "profile")


def chat_of(hub: FakeHub) -> bytes:
    return hub.repos[GGUFS].files[CHAT_FILE]


# --- all goes well ------------------------------------------------------------------------------------------


def test_the_fake_hub_is_one_for_huggingface_hub_itself(hub: FakeHub, tmp_path: Path) -> None:
    path = huggingface_hub.hf_hub_download(
        GGUFS, CHAT_FILE, endpoint=hub.endpoint, local_dir=tmp_path / "elsewhere", token=False
    )

    assert Path(path).read_bytes() == chat_of(hub)


def test_a_model_is_fetched_with_exactly_its_files_and_everything_is_written_down(bench: Bench) -> None:
    fetched = bench.fetch()

    assert fetched.name == NAME
    assert fetched.path.read_bytes() == chat_of(bench.hub)
    encoder = bench.store.download_dir(NAME, Role.ENCODER)
    assert {path.name: path.read_bytes() for path in encoder.iterdir()} == encoder_files()
    assert bench.content(Role.HYPERNETWORK, "pytorch_model.bin") == checkpoint_bytes()
    record = bench.store.load(NAME)
    assert bench.store.is_complete(record)
    assert {(part.role, part.revision[0], part.origin) for part in record.parts} == {
        (Role.ENCODER, "a", Origin.HUB),
        (Role.HYPERNETWORK, "c", Origin.HUB),
        (Role.CHAT, "c", Origin.HUB),
    }
    chat = record.part(Role.CHAT)
    assert chat is not None
    assert [file.sha256 for file in chat.files] == [sha256(chat_of(bench.hub))]
    assert not (bench.store.folder(NAME) / "partial" / "chat").exists()


def test_progress_counts_all_bytes_up_to_the_last(bench: Bench) -> None:
    bench.fetch()

    downloading = [told for told in bench.told if told.phase is FetchPhase.DOWNLOADING]
    n_total = sum(map(len, encoder_files().values())) + len(checkpoint_bytes()) + len(chat_of(bench.hub))
    assert [told.n_done_bytes for told in downloading] == sorted(told.n_done_bytes for told in downloading)
    assert (downloading[-1].n_done_bytes, downloading[-1].n_total_bytes) == (n_total, n_total)
    assert bench.told[0].phase is FetchPhase.ASKING
    assert bench.told[-1].phase is FetchPhase.PREPARING


def test_what_is_complete_is_not_asked_for_again(bench: Bench) -> None:
    bench.fetch()
    bench.hub.seen.clear()

    bench.fetch()

    assert (bench.n_connected, bench.hub.seen) == (1, [])


def test_a_lost_record_costs_a_check_and_no_download(bench: Bench) -> None:
    bench.fetch()
    (bench.folder / "records" / f"{NAME}.json").write_text("{", encoding="utf-8")
    bench.hub.seen.clear()

    bench.fetch()

    assert bench.store.is_complete(bench.store.load(NAME))
    assert bench.hub.ranges(CHAT_FILE) == []


def test_the_token_is_sent_to_the_hub_and_not_to_where_it_redirects(bench: Bench) -> None:
    bench.hub.known_tokens.add(TOKEN)

    bench.fetch(token=TOKEN)

    assert {seen.token for seen in bench.hub.seen if seen.server == "hub"} == {TOKEN}
    assert {seen.token for seen in bench.hub.seen if seen.server == "cdn"} == {""}


def test_a_commit_that_was_recorded_is_kept_to(bench: Bench) -> None:
    bench.fetch()
    (bench.store.download_dir(NAME, Role.CHAT) / CHAT_FILE).unlink()
    bench.hub.seen.clear()

    bench.fetch()

    assert f"/api/models/{GGUFS}/revision/{'c' * 40}" in {seen.path for seen in bench.hub.seen}


# --- connections that break ---------------------------------------------------------------------------------


def test_a_cut_connection_is_resumed_where_it_broke(bench: Bench) -> None:
    bench.hub.go_wrong(SHARDS[1], Cut(5000), Cut(3000))

    bench.fetch()

    assert bench.hub.ranges(SHARDS[1]) == ["", "bytes=5000-", "bytes=8000-"]
    assert bench.content(Role.ENCODER, SHARDS[1]) == encoder_files()[SHARDS[1]]


def test_a_download_that_was_given_up_is_resumed_by_the_next_one(bench: Bench) -> None:
    bench.hub.go_wrong(CHAT_FILE, Cut(1500), *[Cut(0)] * 3)
    with pytest.raises(ModelUnavailable, match="cannot be reached") as failure:
        bench.fetch()
    assert "nothing that has arrived is lost" in failure.value.detail
    assert bench.partial(Role.CHAT) == [chat_of(bench.hub)[:1500]]
    assert not bench.store.is_complete(bench.store.load(NAME))
    bench.hub.seen.clear()

    bench.fetch()

    assert bench.hub.ranges("") == bench.hub.ranges(CHAT_FILE) == ["bytes=1500-"]
    assert bench.content(Role.CHAT, CHAT_FILE) == chat_of(bench.hub)


def test_a_server_that_is_busy_is_asked_again(bench: Bench) -> None:
    bench.hub.go_wrong(CHAT_FILE, Status(503), Status(429))

    bench.fetch()

    assert bench.content(Role.CHAT, CHAT_FILE) == chat_of(bench.hub)


def test_a_server_that_cannot_resume_sends_all_of_it_again(bench: Bench) -> None:
    bench.hub.go_wrong(CHAT_FILE, Cut(1500), WithoutRange())

    bench.fetch()

    assert bench.content(Role.CHAT, CHAT_FILE) == chat_of(bench.hub)


def test_stopping_keeps_what_has_arrived(bench: Bench) -> None:
    def stop_in_the_chat_file(progress: FetchProgressed) -> None:
        if progress.phase is FetchPhase.DOWNLOADING and progress.file == CHAT_FILE:
            bench.stop.set()

    with pytest.raises(FetchStopped):
        bench.fetch(tell=stop_in_the_chat_file)

    (arrived,) = bench.partial(Role.CHAT)
    assert arrived
    assert chat_of(bench.hub).startswith(arrived)
    bench.stop.clear()
    assert bench.fetch().path.read_bytes() == chat_of(bench.hub)


def test_a_hub_that_is_not_there_is_told_in_a_sentence(bench: Bench) -> None:
    bench.hub.shut_down()

    with pytest.raises(ModelUnavailable, match="cannot be reached") as failure:
        bench.fetch()

    assert "--from PATH" in failure.value.detail


def test_a_network_that_wants_a_login_is_not_taken_for_the_hub(bench: Bench) -> None:
    bench.hub.is_behind_a_portal = True

    with pytest.raises(ModelUnavailable, match="something else than the hub answered"):
        bench.fetch()


def test_an_endpoint_that_is_no_address_is_told(bench: Bench) -> None:
    bench.hub.endpoint = "http://[nowhere"

    with pytest.raises(ModelUnavailable, match="cannot be reached"):
        bench.fetch()


def test_offline_mode_is_told_by_its_name(bench: Bench, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(constants, "HF_HUB_OFFLINE", True)

    with pytest.raises(ModelUnavailable, match="HF_HUB_OFFLINE"):
        bench.fetch()


# --- wrong bytes --------------------------------------------------------------------------------------------


@pytest.mark.parametrize(("repo", "file"), [(GGUFS, CHAT_FILE), (BASE, "tokenizer.json")])
def test_wrong_bytes_are_thrown_away_and_told(bench: Bench, repo: str, file: str) -> None:
    right = bench.hub.repos[repo].files[file]
    bench.hub.repos[repo].announced[file] = right
    bench.hub.repos[repo].files[file] = right[:-1] + bytes([right[-1] ^ 1])

    with pytest.raises(ModelUnavailable, match="damaged, and was thrown away") as failure:
        bench.fetch()

    assert file in failure.value.detail
    assert [*bench.partial(Role.CHAT), *bench.partial(Role.ENCODER)] == []
    assert not bench.store.is_complete(bench.store.load(NAME))
    bench.hub.repos[repo].files[file] = right
    assert bench.fetch().path.read_bytes() == chat_of(bench.hub)


def test_a_partial_file_that_was_damaged_meanwhile_is_found_out(bench: Bench) -> None:
    bench.hub.go_wrong(CHAT_FILE, Cut(1500), *[Cut(0)] * 3)
    with pytest.raises(ModelUnavailable):
        bench.fetch()
    (part,) = bench.store.partial_dir(NAME, Role.CHAT).glob("*.part")
    part.write_bytes(b"\0" * 1500)

    with pytest.raises(ModelUnavailable, match="damaged"):
        bench.fetch()

    assert bench.fetch().path.read_bytes() == chat_of(bench.hub)


def test_a_file_that_changed_after_the_check_is_not_used_and_fetched_again(bench: Bench) -> None:
    fetched = bench.fetch()
    os.utime(fetched.path, ns=(1, 1))
    fetched.path.write_bytes(chat_of(bench.hub)[::-1])
    assert not bench.store.is_complete(bench.store.load(NAME))

    bench.fetch()

    assert bench.store.is_complete(bench.store.load(NAME))
    assert fetched.path.read_bytes() == chat_of(bench.hub)


def test_a_file_other_than_the_pinned_one_is_refused_before_it_is_fetched(bench: Bench) -> None:
    bench.entry = toy_entry(pins=pins_of(bench.hub))
    bench.fetch()
    bench.hub.repos[GGUFS].files[CHAT_FILE] = b"G" * 5000
    bench.hub.seen.clear()

    with pytest.raises(ModelUnavailable, match=r"another toy-Q4_K_M\.gguf than Loreleaf knows"):
        Bench(bench.hub, bench.folder / "new", bench.entry).fetch()

    assert bench.hub.ranges(CHAT_FILE) == []


def test_a_server_without_checksums_is_refused(bench: Bench) -> None:
    bench.hub.repos[GGUFS].has_checksums = False

    with pytest.raises(ModelUnavailable, match="does not say how its files can be checked"):
        bench.fetch()


def test_the_right_bytes_of_another_model_are_not_taken(bench: Bench, tmp_path: Path) -> None:
    bench.hub.repos[GGUFS].files[CHAT_FILE] = gguf_bytes(tmp_path, n_layers=7)

    with pytest.raises(ModelUnavailable, match="not Toy 2B"):
        bench.fetch()

    assert not bench.store.is_complete(bench.store.load(NAME))


# --- publishers that ask who it is --------------------------------------------------------------------------


@pytest.fixture
def gated(hub: FakeHub) -> FakeHub:
    hub.repos[NETWORKS].granted = frozenset({TOKEN})
    hub.known_tokens |= {TOKEN, "hf_stranger"}
    return hub


def test_without_a_token_it_is_said_what_to_accept_before_anything_large_is_fetched(
    gated: FakeHub, bench: Bench
) -> None:
    with pytest.raises(TokenRequired) as failure:
        bench.fetch()

    assert f"https://huggingface.co/{NETWORKS}" in failure.value.detail
    assert "https://huggingface.co/settings/tokens" in failure.value.detail
    assert (failure.value.page, failure.value.has_refused) == (f"https://huggingface.co/{NETWORKS}", False)
    assert gated.ranges("") == []


def test_with_a_token_that_was_granted_it_is_fetched(gated: FakeHub, bench: Bench) -> None:
    assert bench.fetch(token=TOKEN).path.read_bytes() == chat_of(bench.hub)
    assert TOKEN not in (bench.folder / "records" / f"{NAME}.json").read_text(encoding="utf-8")


def test_a_token_in_the_environment_is_used(
    gated: FakeHub, bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("HF_TOKEN", TOKEN)

    assert bench.fetch().path.read_bytes() == chat_of(bench.hub)


def test_the_token_of_huggingface_hubs_own_login_is_used(
    gated: FakeHub, bench: Bench, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    (tmp_path / "login").write_text(TOKEN, encoding="utf-8")
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "login"))

    assert bench.fetch().path.read_bytes() == chat_of(bench.hub)


def test_an_account_that_is_not_granted_yet_is_told_what_the_hub_says(gated: FakeHub, bench: Bench) -> None:
    with pytest.raises(TokenRequired, match="may not download lab/doc-to-lora yet") as failure:
        bench.fetch(token="hf_stranger")

    assert failure.value.has_refused

    assert "awaiting a review" in failure.value.detail
    assert "hf_stranger" not in str(failure.value)


def test_a_token_that_the_hub_does_not_know_is_told(gated: FakeHub, bench: Bench) -> None:
    with pytest.raises(TokenRequired, match="does not accept the token") as failure:
        bench.fetch(token="hf_made_up")

    assert failure.value.has_refused


# --- things that are missing --------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("repo", "file"), [(GGUFS, CHAT_FILE), (BASE, "config.json"), (NETWORKS, CHECKPOINT)]
)
def test_a_file_that_the_publisher_removed_is_told(bench: Bench, repo: str, file: str) -> None:
    del bench.hub.repos[repo].files[file]

    with pytest.raises(ModelUnavailable, match="does not have the files") as failure:
        bench.fetch()

    assert f"https://huggingface.co/{repo}" in failure.value.detail


def test_a_repository_that_is_gone_is_told(bench: Bench) -> None:
    del bench.hub.repos[GGUFS]

    with pytest.raises(ModelUnavailable, match="wants to know who"):
        bench.fetch()  # the hub says 401 of what does not exist


def test_a_commit_that_is_gone_is_told(bench: Bench) -> None:
    bench.entry = toy_entry(revision="b" * 40)

    with pytest.raises(ModelUnavailable, match="does not have the files"):
        bench.fetch()


def test_without_huggingface_hub_it_is_said_what_is_missing(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setitem(sys.modules, "huggingface_hub", None)

    with pytest.raises(ModelUnavailable, match="huggingface_hub is missing") as failure:
        bench.fetch()

    assert "The built-in model needs none" in failure.value.detail


# --- the disk -----------------------------------------------------------------------------------------------


def test_a_disk_that_is_too_full_is_told_before_anything_is_fetched(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("shutil.disk_usage", lambda _folder: _Usage(free=1000))

    with pytest.raises(ModelUnavailable, match="too full for this model"):
        bench.fetch()

    assert bench.hub.ranges("") == []


def test_a_disk_that_fills_up_on_the_way_keeps_what_has_arrived(
    bench: Bench, monkeypatch: pytest.MonkeyPatch
) -> None:
    def fill_up(_watcher: object, file: RemoteFile, _n_bytes: int) -> None:
        if file.name == CHAT_FILE:
            raise OSError(errno.ENOSPC, "No space left on device")

    with monkeypatch.context() as patched:
        patched.setattr("engine.models.fetch._Progress.received", fill_up)
        with pytest.raises(ModelUnavailable, match="The disk is full") as failure:
            bench.fetch()

    assert "What has arrived is kept" in failure.value.detail
    (arrived,) = bench.partial(Role.CHAT)
    assert arrived
    assert bench.fetch().path.read_bytes() == chat_of(bench.hub)


@dataclass(frozen=True)
class _Usage:
    free: int


# --- preparing ----------------------------------------------------------------------------------------------


def test_the_checkpoint_is_handed_to_the_conversion_and_the_model_is_ready(bench: Bench) -> None:
    converted = _convert_with(bench, convert_toy)

    fetched = bench.fetch()

    checkpoint = bench.store.download_dir(NAME, Role.HYPERNETWORK) / "pytorch_model.bin"
    assert converted == [(checkpoint, bench.store.prepared_dir(NAME))]
    ready = bench.store.ready(NAME)
    assert (ready.chat, ready.weights_dir) == (fetched.path, bench.store.prepared_dir(NAME))
    assert ready.encoder_dir == bench.store.download_dir(NAME, Role.ENCODER)
    assert len(ready.hypernetwork_hash) == 64
    bench.fetch()
    assert len(converted) == 1


def test_a_prepared_file_that_changed_is_made_again(bench: Bench) -> None:
    converted = _convert_with(bench, convert_toy)
    bench.fetch()
    (bench.store.prepared_dir(NAME) / "config.json").write_text("{}", encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="not ready"):
        bench.store.ready(NAME)

    bench.fetch()
    bench.store.ready(NAME)
    assert len(converted) == 2


def test_a_conversion_that_fails_costs_no_download(bench: Bench) -> None:
    def fail(_path: Path, _folder: Path) -> None:
        raise OSError(errno.ENOSPC, "No space left on device")

    _convert_with(bench, fail)
    with pytest.raises(ModelUnavailable, match="The disk is full"):
        bench.fetch()
    assert bench.store.is_complete(bench.store.load(NAME))
    _convert_with(bench, convert_toy)
    bench.hub.seen.clear()

    bench.fetch()
    bench.store.ready(NAME)
    assert bench.hub.seen == []


def _convert_with(bench: Bench, convert: Convert) -> list[tuple[Path, Path]]:
    calls: list[tuple[Path, Path]] = []

    def remember(path: Path, folder: Path) -> None:
        calls.append((path, folder))
        convert(path, folder)

    bench.convert = remember
    return calls


# --- others -------------------------------------------------------------------------------------------------


def test_two_processes_do_not_fetch_the_same_model(bench: Bench) -> None:
    with bench.store.exclusively(NAME), pytest.raises(ModelUnavailable, match="Another Loreleaf is fetching"):
        bench.fetch()


def test_names_that_lead_out_of_the_folder_are_not_even_looked_at(bench: Bench) -> None:
    repo = bench.hub.repos[BASE]
    strange = (
        "model/../../x.safetensors",
        "model\\..\\x.safetensors",
        "model:stream.safetensors",
        "model\0.safetensors",
        "model\n.safetensors",
        "model\u202esrotsnetefas.safetensors",
        "model .safetensors",
    )
    repo.files |= dict.fromkeys(strange, b"x" * 2000)

    bench.fetch()

    names = {path.name for path in bench.store.download_dir(NAME, Role.ENCODER).iterdir()}
    assert names == set(encoder_files())


@pytest.mark.parametrize(
    ("repo", "file", "said"),
    [
        (BASE, "config.json", {"blobId": "../../../../escaped"}),
        (BASE, "config.json", {"blobId": "a" * 64}),
        (BASE, "config.json", {"blobId": ["a" * 40]}),
        (BASE, "config.json", {"size": -1}),
        (BASE, "config.json", {"size": "12"}),
        (GGUFS, CHAT_FILE, {"lfs": {"sha256": "../" * 4 + "escaped", "size": 9, "pointerSize": 1}}),
        (GGUFS, CHAT_FILE, {"lfs": {"sha256": "A" * 64, "size": 9, "pointerSize": 1}}),
        (GGUFS, CHAT_FILE, {"lfs": {"sha256": 7, "size": 9, "pointerSize": 1}}),
        (GGUFS, CHAT_FILE, {"lfs": {"sha256": "a" * 64, "size": -9, "pointerSize": 1}}),
    ],
)
def test_a_checksum_or_size_that_is_none_names_no_file(
    bench: Bench, repo: str, file: str, said: dict[str, object]
) -> None:
    bench.hub.repos[repo].said[file] = said
    outside = bench.folder / "escaped.part"
    outside.parent.mkdir()
    outside.write_bytes(b"the user's own")

    with pytest.raises(ModelUnavailable, match="announces what cannot be") as refused:
        bench.fetch()

    assert file in refused.value.detail
    assert outside.read_bytes() == b"the user's own"
    assert not bench.store.folder(NAME).exists()
    assert bench.hub.ranges("") == []


@pytest.mark.parametrize("said", ["../" * 20, "c" * 39, "main", 7])
def test_a_commit_that_is_none_is_refused(bench: Bench, said: object) -> None:
    bench.hub.repos[GGUFS].said_commit = said

    with pytest.raises(ModelUnavailable, match="announces what cannot be"):
        bench.fetch()


def test_another_commit_than_was_asked_for_is_refused(bench: Bench) -> None:
    bench.entry = toy_entry(revision="a" * 40)
    bench.hub.repos[BASE].said_commit = "b" * 40

    with pytest.raises(ModelUnavailable, match="announces what cannot be") as refused:
        bench.fetch()

    assert "b" * 40 in refused.value.detail


def test_a_record_that_names_a_file_elsewhere_counts_as_none(bench: Bench) -> None:
    bench.fetch()
    path = bench.folder / "records" / f"{NAME}.json"
    path.write_text(path.read_text(encoding="utf-8").replace(CHAT_FILE, "../" + CHAT_FILE), encoding="utf-8")

    assert bench.store.load(NAME).parts == ()


@pytest.mark.parametrize("name", ["../toy", "a/b", "", ".", "..", "a\\b", "C:toy", "Toy", "a\0"])
def test_a_models_name_leads_nowhere_else(bench: Bench, name: str) -> None:
    for use in (bench.store.load, bench.store.folder, bench.store.remove, bench.store.ready):
        with pytest.raises(ModelUnavailable, match="no such base model"):
            use(name)


def test_all_publishers_that_ask_are_named_at_once(gated: FakeHub, bench: Bench) -> None:
    gated.repos[BASE].granted = frozenset({TOKEN})

    with pytest.raises(TokenRequired) as failure:
        bench.fetch()

    assert failure.value.title == f"{BASE} and {NETWORKS} want to know who downloads them."
    assert f"https://huggingface.co/{BASE} and https://huggingface.co/{NETWORKS}" in failure.value.detail


def test_removing_deletes_downloads_and_record(bench: Bench) -> None:
    bench.fetch()

    n_freed = bench.store.remove(NAME)

    assert n_freed > 40_000
    assert not bench.store.folder(NAME).exists()
    assert bench.store.load(NAME).parts == ()
    with pytest.raises(ModelUnavailable, match="nothing of “toy” here"):
        bench.store.remove(NAME)


def test_local_files_are_used_where_they_are_and_the_rest_is_fetched(bench: Bench, tmp_path: Path) -> None:
    local = write_files(tmp_path / "mine", encoder_files())
    before = {path.name: path.stat().st_mtime_ns for path in local.iterdir()}

    bench.fetch(local)

    assert {path.name: path.stat().st_mtime_ns for path in local.iterdir()} == before
    assert not bench.store.download_dir(NAME, Role.ENCODER).exists()
    assert BASE not in " ".join(seen.path for seen in bench.hub.seen)
    record = bench.store.load(NAME).part(Role.ENCODER)
    assert record is not None
    assert (record.origin, record.folder, record.is_complete) == (Origin.LOCAL, str(local), True)
    assert {file.name: file.sha256 for file in record.files}[SHARDS[0]] == sha256(encoder_files()[SHARDS[0]])


def test_with_all_parts_local_nobody_is_asked_even_without_huggingface_hub(
    bench: Bench, tmp_path: Path
) -> None:
    files = {f"encoder/{name}": content for name, content in encoder_files().items()}
    files |= {CHECKPOINT: checkpoint_bytes(), "chat/mine.gguf": gguf_bytes(tmp_path)}

    fetched = bench.fetch(write_files(tmp_path / "mine", files))

    assert fetched.path == tmp_path / "mine" / "chat" / "mine.gguf"
    assert (bench.n_connected, bench.hub.seen) == (0, [])
    assert bench.store.remove(NAME) == sum(map(len, our_form().values()))  # all that was made of them
    assert fetched.path.exists()


def test_a_local_file_that_is_gone_is_noticed(bench: Bench, tmp_path: Path) -> None:
    mine = write_files(tmp_path / "mine", {"mine.gguf": gguf_bytes(tmp_path)}) / "mine.gguf"
    bench.fetch(mine)
    mine.unlink()

    assert bench.store.changed_files(bench.store.load(NAME)) == (mine,)
    assert bench.fetch().path == bench.store.download_dir(NAME, Role.CHAT) / CHAT_FILE


def test_a_commit_is_not_looked_for_in_another_repository_than_it_was_recorded_of(bench: Bench) -> None:
    bench.fetch()
    other = "other/toy-GGUF"
    bench.hub.repos[other] = FakeRepo(bench.hub.repos[GGUFS].files, commit="d" * 40)
    *others, chat_part = bench.entry.parts
    bench.entry = replace(bench.entry, parts=(*others, replace(chat_part, repo=other)))
    (bench.store.download_dir(NAME, Role.CHAT) / CHAT_FILE).unlink()

    bench.fetch()

    chat = bench.store.load(NAME).part(Role.CHAT)
    assert chat is not None
    assert (chat.repo, chat.revision) == (other, "d" * 40)
