"""Where the user's token goes, and where it does not."""

from collections.abc import Callable, Iterator
from pathlib import Path

import httpx2
import huggingface_hub
import pytest
from huggingface_hub import constants
from huggingface_hub.utils._http import default_client_factory

from engine.errors import ModelUnavailable
from engine.models.hub import Hub
from engine.models.hub_listing import RemoteFile
from engine.models.hub_session import TOKEN_OVER_HTTP
from tests.engine.toy_registry import TOKEN, toy_entry

PART = toy_entry().parts[0]
FILE = RemoteFile("config.json", 2, "", "a" * 40)
HUB = "https://hub.example"

Answer = Callable[[httpx2.Request], httpx2.Response]


@pytest.fixture(autouse=True)
def _no_token_of_this_computer(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> Iterator[None]:
    for name in ("HF_TOKEN", "HF_HUB_OFFLINE", TOKEN_OVER_HTTP):
        monkeypatch.delenv(name, raising=False)
    monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(tmp_path / "no-login"))
    monkeypatch.setattr(constants, "HF_HUB_DISABLE_TELEMETRY", True)  # a worker has it from its environment
    yield
    huggingface_hub.set_client_factory(default_client_factory)


def asked(hub: Hub, answer: Answer, ask: Callable[[Hub], object]) -> list[httpx2.Request]:
    """What leaves for the network when ``ask`` is called; ``answer`` is what comes back."""
    sent: list[httpx2.Request] = []

    def handle(request: httpx2.Request) -> httpx2.Response:
        sent.append(request)
        return answer(request)

    # The session's own hooks run; only the wire is another.
    huggingface_hub.get_session()._transport = httpx2.MockTransport(handle)
    ask(hub)
    return sent


def fetch_bytes(hub: Hub) -> bytes:
    with hub.open(PART, "main", FILE, 0) as stream:
        return b"".join(stream.blocks)


def redirecting(to: str) -> Answer:
    """Sends on from the hub to ``to``, as the hub does from a file to where its bytes are."""

    def answer(request: httpx2.Request) -> httpx2.Response:
        if str(request.url).startswith(f"{HUB}/"):
            return httpx2.Response(302, headers={"Location": to, "X-Repo-Commit": "a" * 40, "ETag": '"e"'})
        return httpx2.Response(200, content=b"{}")

    return answer


@pytest.mark.parametrize(
    "endpoint", ["http://mirror.example", "http://10.0.0.7:8080", "HTTP://Mirror.example/hf"]
)
def test_a_token_is_not_sent_to_another_computer_without_encryption(endpoint: str) -> None:
    with pytest.raises(ModelUnavailable, match="not sent over an unencrypted") as refused:
        Hub(given_token=TOKEN, endpoint=endpoint)

    assert endpoint in refused.value.detail
    assert TOKEN_OVER_HTTP in refused.value.detail
    assert TOKEN not in str(refused.value)


@pytest.mark.parametrize("source", ["environment", "kept", "login"])
def test_that_holds_wherever_the_token_is_from(
    source: str, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if source == "environment":
        monkeypatch.setenv("HF_TOKEN", TOKEN)
    if source == "login":
        login = tmp_path / "login"
        login.write_text(TOKEN, encoding="utf-8")
        monkeypatch.setattr(constants, "HF_TOKEN_PATH", str(login))

    with pytest.raises(ModelUnavailable, match="not sent over an unencrypted"):
        Hub(kept_token=TOKEN if source == "kept" else "", endpoint="http://mirror.example")


def test_whoever_insists_may_send_it(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv(TOKEN_OVER_HTTP, "1")
    hub = Hub(given_token=TOKEN, endpoint="http://mirror.example")

    (request,) = asked(hub, lambda _request: httpx2.Response(200, content=b"{}"), fetch_bytes)

    assert request.headers["Authorization"] == f"Bearer {TOKEN}"


@pytest.mark.parametrize("endpoint", ["http://127.0.0.1:1", "http://localhost:1", "http://[::1]:1", HUB])
def test_encrypted_or_inside_this_computer_it_is_sent(endpoint: str) -> None:
    hub = Hub(given_token=TOKEN, endpoint=endpoint)

    (request,) = asked(hub, lambda _request: httpx2.Response(200, content=b"{}"), fetch_bytes)

    assert request.headers["Authorization"] == f"Bearer {TOKEN}"


def test_a_mirror_without_encryption_can_be_asked_without_a_token() -> None:
    hub = Hub(endpoint="http://mirror.example")

    (request,) = asked(hub, lambda _request: httpx2.Response(200, content=b"{}"), fetch_bytes)

    assert "Authorization" not in request.headers


@pytest.mark.parametrize(
    "to",
    ["https://cdn.example/x", "https://hub.example:8443/x", "https://huggingface.co/x", "https://hf.co/x"],
)
@pytest.mark.parametrize(
    "ask", [fetch_bytes, lambda hub: hub.check_access(PART, "main", FILE)], ids=["the bytes", "the head"]
)
def test_a_redirect_takes_no_token_along_to_another_address(to: str, ask: Callable[[Hub], object]) -> None:
    sent = asked(Hub(given_token=TOKEN, endpoint=HUB), redirecting(to), ask)

    assert sent[0].headers["Authorization"] == f"Bearer {TOKEN}"
    assert [request.headers.get("Authorization") for request in sent[1:]] in ([], [None])


@pytest.mark.parametrize("to", ["http://hub.example/x", "http://cdn.example/x?signature=secret"])
def test_a_redirect_out_of_the_encryption_is_not_followed(to: str) -> None:
    hub = Hub(given_token=TOKEN, endpoint=HUB)
    sent: list[httpx2.Request] = []

    def ask(hub: Hub) -> None:
        with pytest.raises(ModelUnavailable, match="unencrypted connection") as refused:
            fetch_bytes(hub)
        assert "secret" not in refused.value.detail

    sent = asked(hub, redirecting(to), ask)

    assert [request.url.scheme for request in sent] == ["https"]


def test_the_hub_is_told_which_loreleaf_asks() -> None:
    hub = Hub(endpoint=HUB)
    listing = b'{"id": "a/b", "sha": "%s", "siblings": []}' % (b"a" * 40)

    def ask(hub: Hub) -> None:
        fetch_bytes(hub)
        hub.check_access(PART, "main", FILE)
        with pytest.raises(ModelUnavailable):
            hub.list_files(PART, "")

    sent = asked(hub, lambda _request: httpx2.Response(200, content=listing), ask)

    assert len(sent) == 3
    for request in sent:
        assert request.headers["User-Agent"].startswith("loreleaf/0")
        assert "None" not in request.headers["User-Agent"]
