"""watchdog's events as paths. No policy: what happened to a path is found out by looking at it, later."""

import errno
import os
import warnings
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

from watchdog.events import (
    EVENT_TYPE_ATTRIB,
    EVENT_TYPE_CLOSED,
    EVENT_TYPE_CREATED,
    EVENT_TYPE_DELETED,
    EVENT_TYPE_MODIFIED,
    EVENT_TYPE_MOVED,
    FileSystemEvent,
    FileSystemEventHandler,
)
from watchdog.observers import Observer
from watchdog.observers.api import BaseObserver, ObservedWatch

_TELLING = frozenset(
    {
        EVENT_TYPE_ATTRIB,  # programs that copy set the file's time after its last byte
        EVENT_TYPE_CLOSED,
        EVENT_TYPE_CREATED,
        EVENT_TYPE_DELETED,
        EVENT_TYPE_MODIFIED,
        EVENT_TYPE_MOVED,
    }
)
"""The others (opened, closed without writing) are caused by our own reading: it would never end."""

_FOLDER_NOISE = frozenset({EVENT_TYPE_ATTRIB, EVENT_TYPE_CLOSED, EVENT_TYPE_MODIFIED})
"""Of a folder these say only that an entry came or went, which has its own event."""

INOTIFY_WATCHES = Path("/proc/sys/fs/inotify/max_user_watches")
INOTIFY_INSTANCES = Path("/proc/sys/fs/inotify/max_user_instances")
_MIN_WATCHES = 524_288
_MIN_INSTANCES = 1_024


@dataclass(frozen=True, slots=True)
class PathTouched:
    """Something happened to ``path``.

    Attributes:
        is_folder: it is, or was, a folder, and whatever lies below it may have come or gone with it.
    """

    path: Path
    is_folder: bool


class FolderWatcher:
    """Observes folders, everything below them included.

    Methods are of one thread, the watch service's. ``post`` is called on watchdog's and must only queue.
    """

    def __init__(self, post: Callable[[PathTouched], None]) -> None:
        self._handler = _Handler(post)
        self._observer: BaseObserver | None = None
        self._watches: dict[Path, ObservedWatch] = {}

    def observe(self, root: Path) -> None:
        """Begin to observe ``root``; does nothing if it is observed.

        Raises:
            OSError: it cannot be observed; ``advice_for`` tells what can be done.
        """
        if root in self._watches:
            return
        if self._observer is None:
            # A folder inside one made just before is found twice. That does no harm, but watchdog warns.
            warnings.filterwarnings(
                "ignore", message="Callback with id .* already exists", category=RuntimeWarning
            )
            observer = Observer()
            observer.daemon = True
            observer.start()
            self._observer = observer
        self._watches[root] = self._observer.schedule(self._handler, str(root), recursive=True)

    def is_observing(self, root: Path) -> bool:
        """Whether ``root`` is observed."""
        return root in self._watches

    def release(self, root: Path) -> None:
        """Stop observing ``root``; does nothing if it is not observed."""
        watch = self._watches.pop(root, None)
        if watch is not None and self._observer is not None:
            self._observer.unschedule(watch)

    def stop(self) -> None:
        """Stop observing anything and end the threads."""
        self._watches.clear()
        observer, self._observer = self._observer, None
        if observer is not None:
            observer.stop()
            observer.join()


def advice_for(error: OSError) -> str:
    """What the user can do about a folder that cannot be observed; empty when there is nothing to say.

    The limits of inotify are numbers the user can set, so the advice names the number.
    """
    limits = {
        errno.ENOSPC: (INOTIFY_WATCHES, "fs.inotify.max_user_watches", _MIN_WATCHES),
        errno.EMFILE: (INOTIFY_INSTANCES, "fs.inotify.max_user_instances", _MIN_INSTANCES),
    }
    if error.errno not in limits:
        return ""
    file, name, least = limits[error.errno]
    try:
        present = int(file.read_text(encoding="ascii"))
    except (OSError, ValueError):
        return ""  # not Linux
    number = max(least, 2 * present)
    return (
        f"Linux allows {present} of what is needed here. Type: sudo sysctl {name}={number}  "
        f"(to keep it, write that line without sudo sysctl into /etc/sysctl.d/60-loreleaf.conf)."
    )


class _Handler(FileSystemEventHandler):
    """Queues paths."""

    def __init__(self, post: Callable[[PathTouched], None]) -> None:
        self._post = post

    def on_any_event(self, event: FileSystemEvent) -> None:
        if event.event_type not in _TELLING:
            return
        if event.is_directory and event.event_type in _FOLDER_NOISE:
            return
        for name in (event.src_path, event.dest_path):
            if name:
                self._post(PathTouched(Path(os.fsdecode(name)), event.is_directory))
