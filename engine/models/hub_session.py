"""Where the user's token may go: to the hub that was named, encrypted, and nowhere else.

huggingface_hub's own session drops a token when it is redirected to another host, but not in every case: its
requests for a file's head carry it on to the hub's other addresses. So each request is looked at once more
before it leaves.
"""

import os
from ipaddress import ip_address
from typing import TYPE_CHECKING
from urllib.parse import urlsplit

from engine.errors import ModelUnavailable

if TYPE_CHECKING:
    import httpx2

TOKEN_OVER_HTTP = "LORELEAF_TOKEN_OVER_HTTP"  # a variable's name
"""Set to 1, lets the token go unencrypted to the mirror that HF_ENDPOINT names."""

_AUTHORIZATION = "Authorization"


def refuse_open_token(endpoint: str) -> None:
    """See that a token would reach the hub unread by others.

    Args:
        endpoint: the hub's address.

    Raises:
        ModelUnavailable: the way there is not encrypted, leads out of this computer, and the user has not
            said that this is wanted.
    """
    if is_private(endpoint) or os.environ.get(TOKEN_OVER_HTTP) == "1":
        return
    raise ModelUnavailable(
        "Your token is not sent over an unencrypted connection.",
        f"HF_ENDPOINT names {endpoint}: everybody between here and there could read the token. Name it "
        "with https://, or do without a token (HF_TOKEN, the file hub-token of the profile, the login of "
        f"huggingface_hub). If the way there is your own, set {TOKEN_OVER_HTTP}=1 and try again.",
    )


def guard_session(endpoint: str) -> None:
    """From now on every request of huggingface_hub, also a redirected one, is looked at before it leaves.

    To another place than ``endpoint`` no token goes along; and a hub that is asked with https may not send on
    to an address without it.

    Args:
        endpoint: the hub's address.
    """
    from huggingface_hub import set_client_factory
    from huggingface_hub.utils._http import default_client_factory

    home, is_encrypted = _origin(endpoint), endpoint.lower().startswith("https:")

    def look_at(request: "httpx2.Request") -> None:
        url = str(request.url)
        if is_encrypted and not is_private(url):
            raise ModelUnavailable(
                "The hub sends on to an unencrypted connection, and nothing was downloaded.",
                f"{endpoint} names {url.partition('?')[0]}. Something on the way may alter what it says; "
                "with a mirror (HF_ENDPOINT), try the hub itself.",
            )
        if _origin(url) != home:
            request.headers.pop(_AUTHORIZATION, None)

    def make_client() -> "httpx2.Client":
        client = default_client_factory()
        hooks = client.event_hooks
        client.event_hooks = {**hooks, "request": [*hooks["request"], look_at]}
        return client

    set_client_factory(make_client)


def is_private(address: str) -> bool:
    """Whether nobody else can read what is sent there: it is encrypted, or does not leave this computer."""
    try:
        parts = urlsplit(address)
        host = parts.hostname or ""
    except ValueError:  # no address at all: nothing is sent there
        return True
    return parts.scheme == "https" or host == "localhost" or _is_loopback(host)


def _is_loopback(host: str) -> bool:
    try:
        return ip_address(host).is_loopback
    except ValueError:
        return False


def _origin(address: str) -> tuple[str, str, int | None]:
    """Scheme, host and port; of no address, nothing that another one has."""
    try:
        parts = urlsplit(address)
        port = parts.port or {"http": 80, "https": 443}.get(parts.scheme)
        return parts.scheme, (parts.hostname or "").lower(), port
    except ValueError:
        return address, "", None
