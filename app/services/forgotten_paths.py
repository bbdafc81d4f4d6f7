"""Files in watched folders that the user told Loreleaf to forget: they must not come back by themselves."""

import json
import os
import threading
from collections.abc import Iterable
from pathlib import Path

from app.services.notices import NoticeBoard


class ForgottenPaths:
    """A set of paths, kept as JSON in the profile. Any thread.

    Other processes of the same profile may change the file, so it is read anew when it was.
    """

    def __init__(self, path: Path, notices: NoticeBoard) -> None:
        self._path = path
        self._notices = notices
        self._lock = threading.Lock()
        self._stamp: tuple[int, int] | None = None
        self._paths: set[str] = set()

    def __contains__(self, path: Path) -> bool:
        with self._lock:
            self._read_if_changed()
            return str(path) in self._paths

    def add(self, paths: Iterable[Path]) -> None:
        """Remember that these were forgotten.

        Raises:
            OSError: it cannot be written.
        """
        with self._lock:
            self._read_if_changed()
            added = {str(path) for path in paths} - self._paths
            if added:
                self._paths |= added
                self._write()

    def remove(self, path: Path) -> None:
        """The user added this one again."""
        with self._lock:
            self._read_if_changed()
            if str(path) in self._paths:
                self._paths.discard(str(path))
                self._write()

    def _read_if_changed(self) -> None:
        try:
            found = self._path.stat()
            stamp = (found.st_mtime_ns, found.st_size)
            if stamp == self._stamp:
                return
            raw = json.loads(self._path.read_text(encoding="utf-8"))
            self._paths = {str(path) for path in raw}
            self._stamp = stamp
        except FileNotFoundError:
            self._paths, self._stamp = set(), None
        except (OSError, ValueError, TypeError, RecursionError) as exc:
            self._notices.warn(
                "The list of forgotten notes cannot be read.",
                "Notes in watched folders that you told Loreleaf to forget may come back.",
                f"{self._path}: {exc}",
            )

    def _write(self) -> None:
        beside = self._path.with_name(f"{self._path.name}.{os.getpid()}.new")
        beside.write_text(json.dumps(sorted(self._paths), indent=1) + "\n", encoding="utf-8")
        beside.replace(self._path)
        found = self._path.stat()
        self._stamp = (found.st_mtime_ns, found.st_size)
