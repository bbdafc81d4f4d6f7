"""When is a file complete? Pure: time and file stamps are passed in, nothing is read.

A file is taken when nothing happened to it for a while *and* it looks as it did at its last event: some
programs write without causing events (network folders, memory maps). watchdog's EventDebouncer only limits
the rate of events, it does not wait for silence.
"""

from dataclasses import dataclass
from pathlib import Path


@dataclass(frozen=True, slots=True)
class FileStamp:
    """What tells cheaply that a file is still the same."""

    size_bytes: int
    mtime_ns: int


@dataclass(slots=True)
class _Pending:
    stamp: FileStamp | None
    due_at_s: float


class Settling:
    """Paths to which something happened, until they are quiet. Not thread-safe: of one thread.

    A stamp of None means that there is no file. That has to settle as well: editors that save safely delete
    or move the old file for a moment. It takes twice the silence: the other half of a rename, the path that
    came, is then always seen first.

    Args:
        silence_s: how long nothing must happen.
    """

    def __init__(self, silence_s: float) -> None:
        if silence_s <= 0:
            raise ValueError(f"silence_s must be positive, got {silence_s}")
        self._silence_s = silence_s
        self._pending: dict[Path, _Pending] = {}

    def __contains__(self, path: Path) -> bool:
        return path in self._pending

    def __len__(self) -> int:
        return len(self._pending)

    def touch(self, path: Path, stamp: FileStamp | None, now_s: float) -> None:
        """Something happened to ``path``: its silence begins anew."""
        self._pending[path] = _Pending(stamp, now_s + self._silence_s * (2 if stamp is None else 1))

    def due(self, now_s: float) -> tuple[Path, ...]:
        """The paths that were silent long enough to be looked at, the longest silent first."""
        return tuple(path for path, pending in self._by_silence() if now_s >= pending.due_at_s)

    def look(self, path: Path, stamp: FileStamp | None, now_s: float) -> bool:
        """Whether ``path`` has settled, seen with ``stamp`` now. A settled path is no longer pending.

        A stamp other than the last one begins the silence anew.
        """
        pending = self._pending.get(path)
        if pending is None:
            return False
        if pending.stamp != stamp:
            self.touch(path, stamp, now_s)
            return False
        if now_s < pending.due_at_s:
            return False
        del self._pending[path]
        return True

    def drop(self, path: Path) -> None:
        """Think no more of ``path`` until something happens to it again."""
        self._pending.pop(path, None)

    def wait_s(self, now_s: float) -> float | None:
        """Seconds until the next path is due; None when nothing is pending."""
        if not self._pending:
            return None
        return max(0.0, min(pending.due_at_s for pending in self._pending.values()) - now_s)

    def _by_silence(self) -> list[tuple[Path, _Pending]]:
        return sorted(self._pending.items(), key=lambda item: item[1].due_at_s)
