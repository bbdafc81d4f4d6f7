"""What a hub announces of a repository, read with suspicion: its words name files here, so they are checked.

A hub, a mirror, or whatever stands between, is not trusted: what it says of a file's name, size, checksum and
commit is taken only in the form that it must have.
"""

import re
from dataclasses import dataclass
from fnmatch import fnmatchcase
from typing import TYPE_CHECKING

from engine.errors import ModelUnavailable
from engine.models.registry import HubPart

if TYPE_CHECKING:
    from huggingface_hub import ModelInfo
    from huggingface_hub.hf_api import RepoSibling

OWN_FILES = "Or use files that you have: “Use files I have…” in the window, --from PATH in the terminal."

_SHA256 = re.compile(r"[0-9a-f]{64}")
_GIT_ID = re.compile(r"[0-9a-f]{40}")
"""Of a commit or a blob."""
_NAME = re.compile(r"[A-Za-z0-9_][A-Za-z0-9._-]*")
"""A file's or folder's, on any system: no separator, no drive, no stream, nothing invisible."""
_LONGEST_SHOWN = 80


@dataclass(frozen=True, slots=True)
class RemoteFile:
    """A file on the hub.

    Attributes:
        name: in its repository, with "/"; every part of it is a plain name.
        size_bytes: at least 0.
        sha256: 64 hex digits, of files in Git LFS, the large ones; else empty.
        git_blob_id: 40 hex digits, of the others; else empty.
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


def read_listing(part: HubPart, info: "ModelInfo", revision: str) -> Listing:
    """The files that a part consists of, as the hub announces them.

    Args:
        part: which.
        info: what the hub answered.
        revision: the commit that was asked for; empty for the newest.

    Raises:
        ModelUnavailable: a file is missing, is another one than is pinned, or its checksum, size or commit
            is missing or none.
    """
    commit = _commit(part, info.sha, revision)
    files = tuple(
        _remote_file(part, sibling)
        for sibling in info.siblings or ()
        if _is_wanted(part, str(sibling.rfilename))
    )
    for pattern in part.wanted.needed:
        if not any(_matches(file.name, pattern) for file in files):
            raise no_longer_there(part)
    for file in files:
        if part.pins.get(file.name, file.sha256) != file.sha256:
            raise ModelUnavailable(
                f"The hub has another {file.name} than Loreleaf knows.",
                f"In {part.repo} it should have the SHA-256 {part.pins[file.name]} and is announced with "
                f"{file.sha256 or 'none'}. It was not downloaded. Update Loreleaf; with a mirror "
                "(HF_ENDPOINT), try the hub itself.",
            )
    return Listing(commit, tuple(sorted(files, key=lambda file: file.name)))


def no_longer_there(part: HubPart) -> ModelUnavailable:
    """What to say when the hub lacks what the registry names."""
    return ModelUnavailable(
        f"{part.repo} does not have the files that Loreleaf looks for.",
        f"They may have been renamed or removed; see {part.page}. Update Loreleaf. {OWN_FILES}",
    )


def _remote_file(part: HubPart, sibling: "RepoSibling") -> RemoteFile:
    name, lfs = str(sibling.rfilename), sibling.lfs
    size: object = lfs.size if lfs else sibling.size
    checksum: object = lfs.sha256 if lfs else sibling.blob_id
    if not checksum:
        raise ModelUnavailable(
            "The server does not say how its files can be checked.",
            f"{part.repo}: {name} comes without a checksum. With a mirror (HF_ENDPOINT), try the hub itself.",
        )
    if not isinstance(checksum, str) or not (_SHA256 if lfs else _GIT_ID).fullmatch(checksum):
        raise _nonsense(part, f"{name} with the checksum {_shown(checksum)}, which is none")
    if not isinstance(size, int) or isinstance(size, bool) or size < 0:
        raise _nonsense(part, f"{name} with the size {_shown(size)}, which is none")
    return RemoteFile(name, size, checksum if lfs else "", "" if lfs else checksum)


def _commit(part: HubPart, announced: object, asked: str) -> str:
    if announced is None and asked:
        return asked
    if not isinstance(announced, str) or not _GIT_ID.fullmatch(announced):
        raise _nonsense(part, f"the commit {_shown(announced)}, which is none")
    if asked and announced != asked:
        raise _nonsense(part, f"the commit {announced}, and {asked} was asked for")
    return announced


def _nonsense(part: HubPart, what: str) -> ModelUnavailable:
    return ModelUnavailable(
        "The server announces what cannot be, and nothing was downloaded.",
        f"{part.repo}: it announces {what}. With a mirror (HF_ENDPOINT), try the hub itself; without one, "
        "something on the way alters what the hub says.",
    )


def _shown(value: object) -> str:
    text = repr(value)
    return text if len(text) <= _LONGEST_SHOWN else f"{text[:_LONGEST_SHOWN]}…"


def _is_wanted(part: HubPart, name: str) -> bool:
    return any(_matches(name, pattern) for pattern in (*part.wanted.needed, *part.wanted.useful))


def _matches(name: str, pattern: str) -> bool:
    """Whether a repository's file is meant; "*" stops at "/", so that no name leads out of its folder."""
    parts = name.split("/")
    is_plain = all(_NAME.fullmatch(part) for part in parts)
    return is_plain and len(parts) == pattern.count("/") + 1 and fnmatchcase(name, pattern)
