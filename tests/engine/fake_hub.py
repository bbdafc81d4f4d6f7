"""A Hugging Face hub on loopback: what huggingface_hub asks of the real one, and what goes wrong with it.

Large files are redirected to a second server, as the hub redirects to its CDN, so that what must not follow
there (the token) can be seen.
"""

import hashlib
import json
import re
import threading
from collections import deque
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any
from urllib.parse import unquote, urlsplit

LARGE_BYTES = 1000
"""From here on a file is in Git LFS."""


@dataclass
class FakeRepo:
    """A repository at its only commit.

    Attributes:
        granted: tokens that may read it; None if everybody may.
        announced: file -> content whose checksum is announced in place of the true one.
        said: file -> fields of its entry in the list that are announced in place of the true ones.
        said_commit: announced in place of the true one.
    """

    files: dict[str, bytes]
    commit: str = "c" * 40
    granted: frozenset[str] | None = None
    announced: dict[str, bytes] = field(default_factory=dict)
    has_checksums: bool = True
    said: dict[str, dict[str, object]] = field(default_factory=dict)
    said_commit: object = ""


@dataclass(frozen=True)
class Seen:
    """A request that came."""

    server: str
    method: str
    path: str
    range: str
    token: str


@dataclass(frozen=True)
class Cut:
    """The next answer with this file's bytes ends after ``after`` of them."""

    after: int


@dataclass(frozen=True)
class Stall:
    """The next answer with this file's bytes stands still after ``after`` of them, until ``hub.let_go``."""

    after: int


@dataclass(frozen=True)
class Status:
    """The next answer for this file is this status."""

    code: int


@dataclass(frozen=True)
class WithoutRange:
    """The next answer for this file is all of it, whatever was asked for."""


Fault = Cut | Stall | Status | WithoutRange


class FakeHub:
    """Serves ``repos``; everything may be changed while it runs."""

    def __init__(self) -> None:
        self.repos: dict[str, FakeRepo] = {}
        self.faults: dict[str, deque[Fault]] = {}
        self.seen: list[Seen] = []
        self.known_tokens: set[str] = set()
        self.is_behind_a_portal = False
        self.has_stalled = threading.Event()
        self.let_go = threading.Event()
        self._cdn = _Server(self, "cdn")
        self._hub = _Server(self, "hub")
        self.endpoint = self._hub.url

    @property
    def cdn_url(self) -> str:
        return self._cdn.url

    def go_wrong(self, file: str, *faults: Fault) -> None:
        """Let the next answers with the bytes of ``file`` go wrong, one after the other."""
        self.faults[file] = deque(faults)

    def ranges(self, file: str) -> list[str]:
        """What was asked for of the bytes of a large file, in order."""
        return [seen.range for seen in self.seen if seen.server == "cdn" and seen.path.endswith(file)]

    def shut_down(self) -> None:
        self.let_go.set()
        self._hub.shut_down()
        self._cdn.shut_down()


@contextmanager
def running_hub() -> Iterator[FakeHub]:
    hub = FakeHub()
    try:
        yield hub
    finally:
        hub.shut_down()


def sha256(content: bytes) -> str:
    return hashlib.sha256(content).hexdigest()


def git_blob_id(content: bytes) -> str:
    return hashlib.sha1(b"blob %d\0" % len(content) + content).hexdigest()


class _Server:
    def __init__(self, hub: FakeHub, name: str) -> None:
        class Handler(_Handler):
            fake = hub
            server_name = name

        self._http = _QuietServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._http.server_port}"
        self._thread = threading.Thread(target=self._http.serve_forever, args=(0.01,), daemon=True)
        self._thread.start()

    def shut_down(self) -> None:
        self._http.shutdown()
        self._http.server_close()
        self._thread.join()


class _QuietServer(ThreadingHTTPServer):
    daemon_threads = True

    def handle_error(self, request: Any, client_address: Any) -> None:  # noqa: ANN401  socketserver's types
        """A client that hung up is what some tests are about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    fake: FakeHub
    server_name: str

    def log_message(self, format: str, *args: object) -> None:
        """Nobody reads it."""

    def do_HEAD(self) -> None:
        self._answer()

    def do_GET(self) -> None:
        self._answer()

    def _answer(self) -> None:
        path = unquote(urlsplit(self.path).path)
        token = self.headers.get("Authorization", "").removeprefix("Bearer ")
        seen = Seen(self.server_name, self.command, path, self.headers.get("Range", ""), token)
        self.fake.seen.append(seen)
        if self.fake.is_behind_a_portal:
            self._send(200, {"Content-Type": "text/html"}, b"<p>Welcome to our hotel. Please log in.")
        elif self.server_name == "cdn":
            self._send_file(*self._found(path.removeprefix("/cdn")))
        elif listed := re.fullmatch(r"/api/models/([^/]+/[^/]+)(?:/revision/(.+))?", path):
            self._list(listed[1], listed[2])
        elif resolved := re.fullmatch(r"/([^/]+/[^/]+)/resolve/([^/]+)/(.+)", path):
            self._resolve(resolved[1], resolved[2], resolved[3], token)
        else:
            self._refuse(404, "EntryNotFound", "")

    def _found(self, path: str) -> tuple[FakeRepo, str]:
        owner, name, file = path.strip("/").split("/", 2)
        return self.fake.repos[f"{owner}/{name}"], file

    def _list(self, name: str, revision: str | None) -> None:
        repo = self.fake.repos.get(name)
        if repo is None:
            self._refuse(401, "RepoNotFound", "Repository not found")
        elif revision not in (None, "main", repo.commit):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        else:
            siblings = [_sibling(repo, file) | repo.said.get(file, {}) for file in repo.files]
            sha = repo.said_commit or repo.commit
            body = json.dumps({"id": name, "sha": sha, "siblings": siblings}).encode()
            self._send(200, {"Content-Type": "application/json"}, body)

    def _resolve(self, name: str, revision: str, file: str, token: str) -> None:
        repo = self.fake.repos[name]
        if token and token not in self.fake.known_tokens:
            self._refuse(401, "", "Invalid credentials in Authorization header")
        elif repo.granted is not None and not token:
            self._refuse(401, "GatedRepo", f"Access to model {name} is restricted. Please log in.")
        elif repo.granted is not None and token not in repo.granted:
            self._refuse(403, "GatedRepo", f"Your request to access model {name} is awaiting a review.")
        elif revision not in ("main", repo.commit):
            self._refuse(404, "RevisionNotFound", f"Invalid rev id: {revision}")
        elif file not in repo.files:
            self._refuse(404, "EntryNotFound", "Entry not found")
        elif len(repo.files[file]) >= LARGE_BYTES:
            location = f"{self.fake.cdn_url}/cdn/{name}/{file}"
            self._send(302, {**_metadata(repo, file), "Location": location}, b"")
        else:
            self._send_file(repo, file)

    def _send_file(self, repo: FakeRepo, file: str) -> None:
        content, fault = repo.files[file], None
        if self.command == "GET" and (faults := self.fake.faults.get(file)):
            fault = faults.popleft()
        if isinstance(fault, Status):
            self._refuse(fault.code, "", "out of order")
            return
        asked = re.fullmatch(r"bytes=(\d+)-", self.headers.get("Range", ""))
        start = int(asked[1]) if asked and not isinstance(fault, WithoutRange) else 0
        headers = {**_metadata(repo, file), "Accept-Ranges": "bytes"}
        if start:
            headers["Content-Range"] = f"bytes {start}-{len(content) - 1}/{len(content)}"
        cut_after = fault.after if isinstance(fault, Cut | Stall) else None
        self._send(206 if start else 200, headers, content[start:], cut_after)
        if isinstance(fault, Stall):
            self.wfile.flush()
            self.fake.has_stalled.set()
            self.fake.let_go.wait()

    def _refuse(self, status: int, code: str, message: str) -> None:
        headers = {"X-Error-Message": message} | ({"X-Error-Code": code} if code else {})
        self._send(status, headers, b"")

    def _send(self, status: int, headers: dict[str, str], body: bytes, cut_after: int | None = None) -> None:
        self.send_response(status)
        for name, value in headers.items():
            self.send_header(name, value)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        if self.command == "HEAD":
            return
        self.wfile.write(body[:cut_after])
        if cut_after is not None:
            self.close_connection = True  # in the middle of the body


def _sibling(repo: FakeRepo, file: str) -> dict[str, object]:
    content = repo.announced.get(file, repo.files[file])
    if not repo.has_checksums:
        return {"rfilename": file, "size": len(content)}
    found: dict[str, object] = {"rfilename": file, "size": len(content), "blobId": git_blob_id(content)}
    if len(content) >= LARGE_BYTES:
        found["lfs"] = {"size": len(content), "sha256": sha256(content), "pointerSize": 130}
    return found


def _metadata(repo: FakeRepo, file: str) -> dict[str, str]:
    content = repo.announced.get(file, repo.files[file])
    is_large = len(content) >= LARGE_BYTES
    etag = sha256(content) if is_large else git_blob_id(content)
    linked = {"X-Linked-Etag": f'"{etag}"', "X-Linked-Size": str(len(content))} if is_large else {}
    return {"ETag": f'"{etag}"', "X-Repo-Commit": repo.commit, **linked}
