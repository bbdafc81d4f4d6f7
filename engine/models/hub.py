"""The border with the Hugging Face hub: which files a repository has, and their bytes.

The only module that imports huggingface_hub, which is optional at run time. Files are not fetched with its
``hf_hub_download``: since 1.x that throws an interrupted download away and begins again
(huggingface/huggingface_hub#4196), and the models here are of many gigabytes. Its session, endpoint, headers,
token and errors are used; the bytes are read here, from where they stopped.
"""

import os
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING, NoReturn

from engine.errors import ModelUnavailable
from engine.models.catalogue import TOKENS_PAGE, HubPart

if TYPE_CHECKING:
    from huggingface_hub.errors import HfHubHTTPError

TIMEOUT_S = 30.0
"""Longest wait for a connection, or for the next bytes."""

_OWN_FILES = "Or use files that you have: “Use files I have…” in the window, --from PATH in the terminal."

_PASSING = (408, 425, 429, 500, 502, 503, 504)
"""Answers of a server that is busy or being restarted."""


class TokenRequired(ModelUnavailable):
    """The publisher wants to know who asks, and no token was sent, or another one is needed.

    Args:
        title, detail: see EngineError.
        page: where the publisher's conditions are accepted.
        has_refused: a token was sent, and did not do.
    """

    def __init__(self, title: str, detail: str = "", page: str = "", *, has_refused: bool = False) -> None:
        super().__init__(title, detail)
        self.page = page
        self.has_refused = has_refused


class ConnectionLost(Exception):
    """The hub could not be reached, or stopped answering; it may do so again."""


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the hub.

    Attributes:
        name: in its repository, with "/".
        sha256: hex; of files in Git LFS, the large ones.
        git_blob_id: hex; of the others.
    """

    name: str
    size_bytes: int
    sha256: str
    git_blob_id: str


@dataclass(frozen=True, slots=True)
class Listing:
    """The files of a part at one commit."""

    revision: str
    files: tuple[RemoteFile, ...]


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
        ModelUnavailable: huggingface_hub is not installed.
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
                f"huggingface_hub. {_OWN_FILES}",
            ) from exc
        self._token = given_token or os.environ.get("HF_TOKEN", "").strip() or kept_token or get_token() or ""
        self._api = HfApi(endpoint=endpoint, token=self._token or False, library_name="loreleaf")

    def list_files(self, part: HubPart, revision: str) -> Listing:
        """The files of a part, with their checksums.

        Args:
            part: which.
            revision: a commit; empty takes the newest.

        Raises:
            ModelUnavailable: the hub cannot be reached or refuses, lacks a file, or has another one than the
                catalogue pins.
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
        files = tuple(
            RemoteFile(
                name=sibling.rfilename,
                size_bytes=sibling.lfs.size if sibling.lfs else sibling.size or 0,
                sha256=sibling.lfs.sha256 if sibling.lfs else "",
                git_blob_id="" if sibling.lfs else sibling.blob_id or "",
            )
            for sibling in info.siblings or ()
        )
        return Listing(info.sha or revision, _choose(part, files))

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
        headers = {"User-Agent": "loreleaf", "Accept-Encoding": "identity"}
        if self._token:  # the session drops it when it is sent on to another host, where the bytes are
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
            f"{_OWN_FILES}",
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
            raise _no_longer_there(part) from exc
        # The hub answers 401 also for a repository that does not exist, lest one could find out.
        if isinstance(exc, GatedRepoError) or status in (401, 403):
            raise self._refused(part, exc) from exc
        if status == 404:
            raise _no_longer_there(part) from exc
        raise ModelUnavailable(
            "The hub did not hand out a file.", f"{part.repo}: {exc.server_message or f'status {status}'}."
        ) from exc

    def _refused(self, part: HubPart, exc: "HfHubHTTPError") -> TokenRequired:
        accept = f"Open {part.page}, log in and accept the conditions there."
        how = f"Make a token of the kind “Read” at {TOKENS_PAGE}."
        if not self._token:
            return TokenRequired(f"{part.repo} wants to know who downloads it.", f"{accept} {how}", part.page)
        said = f" The hub says: {exc.server_message}" if exc.server_message else ""
        if exc.response.status_code == 401:
            return TokenRequired(
                "The hub does not accept the token.", f"{how}{said}", part.page, has_refused=True
            )
        return TokenRequired(
            f"The account of your token may not download {part.repo} yet.",
            f"{accept} Some publishers answer after a while. A fine-grained token also needs the permission "
            f"to read gated repositories.{said}",
            part.page,
            has_refused=True,
        )


def _choose(part: HubPart, files: tuple[RemoteFile, ...]) -> tuple[RemoteFile, ...]:
    """The files that the part consists of, checked against the pins.

    Raises:
        ModelUnavailable: one is missing, has no checksum, or is another one than is pinned.
    """
    chosen = [file for file in files if _is_wanted(part, file.name)]
    for pattern in part.wanted.needed:
        if not any(_matches(file.name, pattern) for file in chosen):
            raise _no_longer_there(part)
    for file in chosen:
        if part.pins.get(file.name, file.sha256) != file.sha256:
            raise ModelUnavailable(
                f"The hub has another {file.name} than Loreleaf knows.",
                f"In {part.repo} it should have the SHA-256 {part.pins[file.name]} and is announced with "
                f"{file.sha256 or 'none'}. It was not downloaded. Update Loreleaf; with a mirror "
                "(HF_ENDPOINT), try the hub itself.",
            )
        if not file.sha256 and not file.git_blob_id:
            raise ModelUnavailable(
                "The server does not say how its files can be checked.",
                f"{part.repo}: {file.name} comes without a checksum. With a mirror (HF_ENDPOINT), try the "
                "hub itself.",
            )
    return tuple(sorted(chosen, key=lambda file: file.name))


def _is_wanted(part: HubPart, name: str) -> bool:
    return any(_matches(name, pattern) for pattern in (*part.wanted.needed, *part.wanted.useful))


def _matches(name: str, pattern: str) -> bool:
    """Whether a repository's file is meant; "*" stops at "/", so that no name leads out of its folder."""
    return name.count("/") == pattern.count("/") and "\\" not in name and fnmatchcase(name, pattern)


def _begins_at(content_range: str, start: int) -> bool:
    """Whether an answer is the rest that was asked for: "bytes 100-199/200"."""
    return content_range.removeprefix("bytes ").startswith(f"{start}-")


def _no_longer_there(part: HubPart) -> ModelUnavailable:
    return ModelUnavailable(
        f"{part.repo} does not have the files that Loreleaf looks for.",
        f"They may have been renamed or removed; see {part.page}. Update Loreleaf. {_OWN_FILES}",
    )
