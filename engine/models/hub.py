"""The border with the Hugging Face hub: which files a repository has, and their bytes.

The only module that imports huggingface_hub, which is optional at run time. Files are not fetched with its
``hf_hub_download``: since 1.x that throws an interrupted download away and begins again
(huggingface/huggingface_hub#4196), and the models here are of many gigabytes. Its session, endpoint, headers,
token and errors are used; the bytes are read here, from where they stopped.
"""

import os
from collections.abc import Iterable, Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from importlib.metadata import PackageNotFoundError, version
from typing import TYPE_CHECKING, NoReturn

from engine.errors import ModelUnavailable
from engine.models.hub_listing import OWN_FILES, Listing, RemoteFile, no_longer_there, read_listing
from engine.models.hub_session import guard_session, refuse_open_token
from engine.models.registry import TOKENS_PAGE, HubPart

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

TIMEOUT_S = 30.0
"""Longest wait for a connection, or for the next bytes."""


_MAKE_ONE = f"Make a token of the kind “Read” at {TOKENS_PAGE}."

_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a server that is busy or being restarted."""


def _own_version() -> str:
    try:
        return version("loreleaf")
    except PackageNotFoundError:  # run from a folder that was never set up
        return "0"


_NAME, _VERSION = "loreleaf", _own_version()
"""What the hub is told about who asks."""


class TokenRequired(ModelUnavailable):
    """The publisher wants to know who asks, and no token was sent, or another one is needed.

    Args:
        title, detail: see EngineError.
        part: whose publisher.
        has_refused: a token was sent, and did not do.
    """

    def __init__(self, title: str, detail: str, part: HubPart, *, has_refused: bool = False) -> None:
        super().__init__(title, detail)
        self.part = part
        self.page = part.page
        self.has_refused = has_refused


class ConnectionLost(Exception):
    """The hub could not be reached, or stopped answering; it may do so again."""


@dataclass(frozen=True, slots=True)
class ByteStream:
    """A file's bytes from ``start`` on; 0 although more was asked for if the server cannot do better."""

    start: int
    blocks: Iterator[bytes]


class Hub:
    """Asks the hub on behalf of one user. Of one thread.

    Args:
        given_token: wins over HF_TOKEN.
        kept_token: used when HF_TOKEN is not set; the last resort is huggingface_hub's own login.
        endpoint: where the hub is; by default huggingface_hub's, which HF_ENDPOINT overrides.

    Raises:
        ModelUnavailable: huggingface_hub is not installed, or others could read the token on its way.
    """

    def __init__(self, given_token: str = "", kept_token: str = "", endpoint: str | None = None) -> None:
        # Read when the package is imported: it would tell the hub about this computer, and ask it for news.
        os.environ["HF_HUB_DISABLE_TELEMETRY"] = "1"
        try:
            from huggingface_hub import HfApi, get_token
        except ImportError as exc:
            raise ModelUnavailable(
                "Models cannot be downloaded here: the package huggingface_hub is missing.",
                "The built-in model needs none. To download others, type: python -m pip install "
                f"huggingface_hub. {OWN_FILES}",
            ) from exc
        self._token = given_token or os.environ.get("HF_TOKEN", "").strip() or kept_token or get_token() or ""
        self._api = HfApi(
            endpoint=endpoint, token=self._token or False, library_name=_NAME, library_version=_VERSION
        )
        if self._token:
            refuse_open_token(self._api.endpoint)
        guard_session(self._api.endpoint)

    def list_files(self, part: HubPart, revision: str) -> Listing:
        """The files of a part, with their checksums.

        Args:
            part: which.
            revision: a commit; empty takes the newest.

        Raises:
            ModelUnavailable: the hub cannot be reached or refuses, lacks a file, has another one than the
                registry pins, or announces what cannot be.
        """
        try:
            with self._explained(part):
                info = self._api.model_info(
                    part.repo, revision=revision or None, files_metadata=True, timeout=TIMEOUT_S
                )
        except ConnectionLost as exc:
            raise self.unreachable(str(exc)) from exc
        except (ValueError, KeyError, TypeError) as exc:  # e.g. a page to log in to a network
            raise self.unreachable("something else than the hub answered") from exc
        return read_listing(part, info, revision)

    def check_access(self, part: HubPart, revision: str, file: RemoteFile) -> None:
        """Ask for the head of a file: a licence that is not accepted is better said before a long download.

        Raises:
            ModelUnavailable: the hub cannot be reached or refuses.
        """
        from huggingface_hub import get_hf_file_metadata

        try:
            with self._explained(part):
                get_hf_file_metadata(
                    self._url(part, revision, file),
                    token=self._token or False,
                    timeout=TIMEOUT_S,
                    endpoint=self._api.endpoint,
                    library_name=_NAME,
                    library_version=_VERSION,
                )
        except ConnectionLost as exc:
            raise self.unreachable(str(exc)) from exc

    @contextmanager
    def open(self, part: HubPart, revision: str, file: RemoteFile, start: int) -> Iterator[ByteStream]:
        """The bytes of a file.

        Args:
            part, revision: of which repository, at which commit.
            file: the file.
            start: how many bytes are here already.

        Raises:
            ConnectionLost: here, or while the blocks are read.
            ModelUnavailable: the hub refuses.
        """
        from huggingface_hub import get_session, hf_raise_for_status

        # Compressed on the way, a file's bytes could not be counted.
        headers = {"User-Agent": f"{_NAME}/{_VERSION}", "Accept-Encoding": "identity"}
        if self._token:  # dropped when it is sent on to another host, where the bytes are: see guard_session
            headers["Authorization"] = f"Bearer {self._token}"
        if start:
            headers["Range"] = f"bytes={start}-"
        with self._explained(part):
            url = self._url(part, revision, file)
            with get_session().stream("GET", url, headers=headers, timeout=TIMEOUT_S) as response:
                hf_raise_for_status(response)
                is_rest = response.status_code == 206
                if is_rest and not _begins_at(response.headers.get("Content-Range", ""), start):
                    raise ConnectionLost("the server sent another piece than was asked for")
                yield ByteStream(start if is_rest else 0, response.iter_bytes())

    def unreachable(self, reason: str) -> ModelUnavailable:
        """What to say when the hub does not answer."""
        return ModelUnavailable(
            f"{self._api.endpoint} cannot be reached.",
            f"{reason.rstrip('.')}. Look at the network and try again; nothing that has arrived is lost. "
            f"{OWN_FILES}",
        )

    def _url(self, part: HubPart, revision: str, file: RemoteFile) -> str:
        from huggingface_hub import hf_hub_url

        return hf_hub_url(part.repo, file.name, revision=revision, endpoint=self._api.endpoint)

    @contextmanager
    def _explained(self, part: HubPart) -> Iterator[None]:
        """Translate what huggingface_hub and its HTTP library raise; the only place where that is done."""
        import httpx2
        from huggingface_hub.errors import HfHubHTTPError, OfflineModeIsEnabled

        try:
            yield
        except OfflineModeIsEnabled as exc:
            raise ModelUnavailable(
                "Downloads are switched off.", "The variable HF_HUB_OFFLINE is set; unset it and try again."
            ) from exc
        except HfHubHTTPError as exc:
            self._explain(part, exc)
        except (httpx2.HTTPError, httpx2.InvalidURL) as exc:
            raise ConnectionLost(str(exc) or type(exc).__name__) from exc

    def _explain(self, part: HubPart, exc: "HfHubHTTPError") -> NoReturn:
        from huggingface_hub.errors import EntryNotFoundError, GatedRepoError, RevisionNotFoundError

        status = exc.response.status_code
        if status in _PASSING:
            raise ConnectionLost(f"the server answered with {status}") from exc
        if isinstance(exc, RevisionNotFoundError | EntryNotFoundError):
            raise no_longer_there(part) from exc
        # The hub answers 401 also for a repository that does not exist, lest one could find out.
        if isinstance(exc, GatedRepoError) or status in (401, 403):
            raise self._refused(part, exc) from exc
        if status == 404:
            raise no_longer_there(part) from exc
        raise ModelUnavailable(
            "The hub did not hand out a file.", f"{part.repo}: {exc.server_message or f'status {status}'}."
        ) from exc

    def _refused(self, part: HubPart, exc: "HfHubHTTPError") -> TokenRequired:
        if not self._token:
            return token_wanted([part])
        said = f" The hub says: {exc.server_message}" if exc.server_message else ""
        if exc.response.status_code == 401:
            return TokenRequired(
                "The hub does not accept the token.", f"{_MAKE_ONE}{said}", part, has_refused=True
            )
        return TokenRequired(
            f"The account of your token may not download {part.repo} yet.",
            f"Open {part.page}, log in and accept the conditions there. Some publishers answer later. "
            "A fine-grained token also needs the permission to read gated repositories." + said,
            part,
            has_refused=True,
        )


def token_wanted(parts: Sequence[HubPart]) -> TokenRequired:
    """What to say when these want to know who downloads them, and there is no token."""
    repos, pages = (
        _listed(dict.fromkeys(names)) for names in zip(*((p.repo, p.page) for p in parts), strict=True)
    )
    verb, what = ("wants", "it") if len({part.repo for part in parts}) == 1 else ("want", "them")
    detail = f"Open {pages}, log in and accept the conditions there. {_MAKE_ONE}"
    return TokenRequired(f"{repos} {verb} to know who downloads {what}.", detail, parts[0])


def _listed(names: Iterable[str]) -> str:
    *others, last = names
    return f"{', '.join(others)} and {last}" if others else last


def _begins_at(content_range: str, start: int) -> bool:
    """Whether an answer is the rest that was asked for: "bytes 100-199/200"."""
    return content_range.removeprefix("bytes ").startswith(f"{start}-")
