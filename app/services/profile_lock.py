"""One process per profile learns and watches; the others may read, ask, and put work into the queue."""

import threading
from pathlib import Path

from filelock import FileLock, Timeout

from storage.errors import StorageError


class ProfileLock:
    """The right to learn for a profile. Any thread.

    The operating system frees it when its holder ends, however that happens, so no lock is ever stale.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        # thread_local=False: taken by the dispatcher's thread, released by the one that closes the program.
        self._lock = FileLock(path, thread_local=False)
        self._guard = threading.Lock()
        self._held = threading.Event()

    @property
    def is_held(self) -> bool:
        """Whether this process holds it."""
        return self._held.is_set()

    def try_acquire(self) -> bool:
        """Take it if nobody has it; whether this process holds it now. Never waits.

        Raises:
            StorageError: the lock file cannot be made.
        """
        with self._guard:
            if self._held.is_set():
                return True
            try:
                self._lock.acquire(timeout=0)
            except Timeout:
                return False
            except OSError as exc:
                raise StorageError(
                    "The folder for Loreleaf's data cannot be locked.",
                    f"{self._path}: {exc.strerror or exc}. It must be writable.",
                ) from exc
            self._held.set()
            return True

    def wait_held(self, timeout_s: float) -> bool:
        """Wait until this process holds it; whether it does."""
        return self._held.wait(timeout_s)

    def release(self) -> None:
        """Give it back; does nothing when this process does not hold it."""
        with self._guard:
            self._held.clear()
            self._lock.release()
