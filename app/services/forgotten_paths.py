"""Files in watched folders that the user told Loreleaf to forget: they must not come back by themselves."""

import hashlib
import json
import os
import secrets
import threading
from collections.abc import Iterable
from pathlib import Path

from app.services.notices import NoticeBoard


class ForgottenPaths:
    """A set of paths, kept as JSON in the profile: as keyed fingerprints, so that no name of them is left.

    Any thread. Other processes of the same profile may change the file, so it is read anew when it was.
    """

    def __init__(self, path: Path, notices: NoticeBoard) -> None:
        self._path = path
        self._notices = notices
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._key = ""
        self._fingerprints: set[str] = set()

    def __contains__(self, path: Path) -> bool:
        with self._lock:
            self._read_if_changed()
            return self._fingerprint(path) in self._fingerprints

    def add(self, paths: Iterable[Path]) -> None:
        """Remember that these were forgotten.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock:
            self._read_if_changed()
            self._key = self._key or secrets.token_hex(16)
            added = {self._fingerprint(path) for path in paths} - self._fingerprints
            if added:
                self._fingerprints |= added
                self._write()

    def remove(self, path: Path) -> None:
        """The user added this one again."""
        with self._lock:
            self._read_if_changed()
            fingerprint = self._fingerprint(path)
            if fingerprint in self._fingerprints:
                self._fingerprints.discard(fingerprint)
                self._write()

    def _fingerprint(self, path: Path) -> str:
        # The key keeps a list of one profile from telling anything about another; who has this file can still
        # test whether a path that they guess is in it.
        return hashlib.blake2b(os.fsencode(path), key=self._key.encode(), digest_size=16).hexdigest()

    def _read_if_changed(self) -> None:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return
            self._accept(json.loads(self._path.read_text(encoding="utf-8")))
            self._stamp = stamp
        except FileNotFoundError:
            self._fingerprints, self._stamp = set(), None
        except (OSError, ValueError, TypeError, KeyError, RecursionError) as exc:
            self._notices.warn(
                "The list of forgotten notes cannot be read.",
                "Notes in watched folders that you told Loreleaf to forget may come back.",
                f"{self._path}: {type(exc).__name__}: {exc}",
            )

    def _accept(self, raw: object) -> None:
        """Take what the file says.

        Raises:
            TypeError, KeyError: it says something else.
        """
        if isinstance(raw, list):  # of an earlier version: the paths themselves
            self._key = secrets.token_hex(16)
            self._fingerprints = {self._fingerprint(Path(str(path))) for path in raw}
            self._write()
            return
        if not isinstance(raw, dict) or not isinstance(raw["key"], str):
            raise TypeError("it is no list of fingerprints")
        self._key = raw["key"]
        self._fingerprints = {str(fingerprint) for fingerprint in raw["fingerprints"]}

    def _write(self) -> None:
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        kept = {"key": self._key, "fingerprints": sorted(self._fingerprints)}
        beside.write_text(json.dumps(kept, indent=1) + "\n", encoding="utf-8")
        beside.replace(self._path)
        found = self._path.stat()
        self._stamp = (found.st_mtime_ns, found.st_size)
