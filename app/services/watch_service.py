"""Watched folders: what changes there changes in the library; nothing is lost when a folder goes away."""

import logging
import time
from collections.abc import Callable
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from app.services.forgotten_paths import ForgottenPaths
from app.services.ingest_service import IngestService
from app.services.library_events import FoldersChanged, LibraryEvents
from app.services.library_service import LibraryService
from app.services.message_loop import MessageLoop
from app.services.note_files import (
    Skipped,
    is_folder,
    is_in_hidden_folder,
    stamp_of,
    walk_notes,
    why_not_a_note,
)
from app.services.notices import NoticeBoard
from app.services.profile_lock import ProfileLock
from app.services.queueing import Queueing
from app.services.settled_files import SettledFiles
from app.services.settling import FileStamp, Settling
from app.services.watcher import FolderWatcher, PathTouched, advice_for
from storage.catalog import Catalog
from storage.errors import StorageError
from storage.records import DocumentKind, DocumentRecord, FolderRecord

logger = logging.getLogger(__name__)

CHECK_S = 3.0
"""How often the list of folders and their presence are looked at."""

COMPARE_S = 600.0
"""Events can be lost (a full queue, a network folder): compare each folder with the library this often."""

COMPARE_UNOBSERVED_S = 30.0
"""The same for folders that cannot be observed."""


@dataclass(frozen=True, slots=True)
class _Wake:
    """Look at the list of folders now."""


_Message = PathTouched | _Wake


@dataclass(slots=True)
class _Root:
    """A watched folder as this thread knows it."""

    folder: FolderRecord
    compare_at_s: float
    is_present: bool = True
    is_held: bool = False
    is_advised: bool = False


class WatchService:
    """Watches folders. Public methods may be called on any thread; the work is done on "watch-folders".

    Works only while this process holds the profile's lock; other processes may change the list of folders.

    Args:
        settle_s: a file is taken when nothing happened to it for this long.
        clock_s: monotonic seconds.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        events: LibraryEvents,
        notices: NoticeBoard,
        queueing: Queueing,
        ingest: IngestService,
        library: LibraryService,
        forgotten: ForgottenPaths,
        lock: ProfileLock,
        settle_s: float,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._events = events
        self._notices = notices
        self._lock = lock
        self._clock_s = clock_s
        self._settling = Settling(settle_s)
        self._settled = SettledFiles(
            catalog=catalog,
            queueing=queueing,
            ingest=ingest,
            library=library,
            forgotten=forgotten,
            is_held=self._is_held,
        )
        self._loop: MessageLoop[_Message] = MessageLoop(
            "watch-folders",
            step=self._step,
            wait_s=self._wait_s,
            on_storage_error=self._pause_after,
            at_end=lambda: self._watcher.stop(),
        )
        self._watcher = FolderWatcher(self._loop.post)
        self._has_lock = False
        self._roots: dict[Path, _Root] = {}
        self._check_at_s = 0.0

    # --- any thread ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin to watch, as soon as this process holds the profile's lock; compares every folder first."""
        self._loop.start()

    def stop(self) -> None:
        """End the threads. What was noticed and is not settled yet is found again at the next start."""
        self._loop.stop()

    def watch(self, directory: Path) -> FolderRecord:
        """Watch a folder and everything below it. A folder inside a watched one is watched already.

        Raises:
            NotADirectoryError: there is no such folder.
            StorageError: the store cannot be written.
        """
        root = directory.expanduser().resolve()
        if not is_folder(root):
            raise NotADirectoryError(f"{root} is not a folder")
        for folder in self._catalog.folders():
            if root.is_relative_to(folder.path):
                return folder
        folder = self._catalog.add_folder(root)
        self._events.publish(FoldersChanged())
        self._loop.post(_Wake())
        return folder

    def queue_now(self, folder: FolderRecord) -> tuple[Skipped, ...]:
        """Queue what is new or changed in a watched folder at once, for who does not ``start`` the service.

        Returns:
            what could not be looked at, so that notes may be missing.

        Raises:
            StorageError: the store cannot be written.
        """
        unreadable: list[Skipped] = []
        batch: dict[Path, FileStamp | None] = {}
        for item in walk_notes(folder.path):
            if isinstance(item, Path):
                with suppress(OSError):  # out of reach; the watcher looks again
                    if (stamp := stamp_of(item)) is not None:
                        batch[item] = stamp
            elif item.is_unreadable:
                unreadable.append(item)
        self._settled.apply(batch, dict.fromkeys(batch, folder))
        return tuple(unreadable)

    def unwatch(self, folder_id: int) -> None:
        """Watch a folder no longer; its documents stay in the library."""
        self._catalog.remove_folder(folder_id)
        self._events.publish(FoldersChanged())
        self._loop.post(_Wake())

    # --- the thread ----------------------------------------------------------------------------------------

    def _step(self, message: _Message | None) -> None:
        self._has_lock = self._has_lock or self._lock.wait_held(0.25)
        if message is not None:
            self._take(message)
        if not self._has_lock or self._loop.has_messages:
            return  # what belongs together is looked at together
        now_s = self._clock_s()
        if now_s >= self._check_at_s:
            self._check_roots(now_s)
        self._apply_settled(now_s)
        self._loop.recovered()

    def _wait_s(self) -> float:
        if not self._has_lock:
            return 0.0
        now_s = self._clock_s()
        waits = [self._settling.wait_s(now_s), self._check_at_s - now_s]
        return max(0.0, min(wait for wait in waits if wait is not None))

    def _take(self, message: _Message) -> None:
        match message:
            case _Wake():
                self._check_at_s = self._clock_s()
            case PathTouched(path=path, is_folder=True):
                if path in self._roots:
                    self._check_at_s = self._clock_s()  # a root itself came or went
                elif (root := self._root_of(path)) is not None and root.is_present:
                    self._touch_below(path)
            case PathTouched(path=path):
                self._touch(path)

    def _touch(self, path: Path) -> None:
        root = self._root_of(path)
        if root is None or why_not_a_note(path) or is_in_hidden_folder(path, root.folder.path):
            return
        try:
            self._settling.touch(path, stamp_of(path), self._clock_s())
        except OSError:
            logger.info("A file in a watched folder cannot be looked at; it is left as it is.", exc_info=True)

    def _touch_below(self, folder: Path) -> None:
        """A folder came, went or moved: so did whatever is, or was, below it."""
        for item in walk_notes(folder):
            if isinstance(item, Path):
                self._touch(item)
        for document in self._documents_below(folder):
            self._touch(document.path)

    def _apply_settled(self, now_s: float) -> None:
        batch: dict[Path, FileStamp | None] = {}
        folders: dict[Path, FolderRecord] = {}
        for path in self._settling.due(now_s):
            try:
                stamp = stamp_of(path)
            except OSError:
                self._settling.drop(path)  # not gone, only out of reach: held until a comparison sees it
                continue
            if self._settling.look(path, stamp, now_s) and (root := self._root_of(path)) is not None:
                batch[path] = stamp
                folders[path] = root.folder
        if batch:
            self._settled.apply(batch, folders)

    # --- folders -------------------------------------------------------------------------------------------

    def _check_roots(self, now_s: float) -> None:
        """Follow the list of folders, notice those that vanish or return, compare those that are due."""
        self._check_at_s = now_s + CHECK_S
        folders = {folder.path: folder for folder in self._catalog.folders()}
        for path in self._roots.keys() - folders.keys():
            self._watcher.release(path)
            del self._roots[path]
        for path, folder in folders.items():
            root = self._roots.setdefault(path, _Root(folder, compare_at_s=now_s))
            if is_folder(path):
                self._attend(root, now_s)
            elif root.is_present:
                root.is_present = False
                self._watcher.release(path)
                self._hold(root, f"The folder “{path.name}” cannot be found.")

    def _attend(self, root: _Root, now_s: float) -> None:
        path = root.folder.path
        if not root.is_present:
            root.is_present = True
            root.compare_at_s = now_s
        if not self._watcher.is_observing(path):
            try:
                # Before comparing: what changes in between is seen twice rather than never.
                self._watcher.observe(path)
            except OSError as exc:
                self._advise(root, exc)
        if now_s >= root.compare_at_s:
            is_observed = self._watcher.is_observing(path)
            root.compare_at_s = now_s + (COMPARE_S if is_observed else COMPARE_UNOBSERVED_S)
            self._compare(root)

    def _compare(self, root: _Root) -> None:
        """Touch whatever differs between a folder and the library."""
        known = {document.path: document for document in self._documents_below(root.folder.path)}
        found = [item for item in walk_notes(root.folder.path) if not isinstance(item, Skipped)]
        for path in found:
            document = known.pop(path, None)
            if path in self._settling:
                continue  # its silence runs already; looking is no event
            if document is None or not _looks_the_same(document):
                self._touch(path)
        if known and self._is_held(root.folder):
            return
        root.is_held = False
        for path in known:
            if path not in self._settling:
                self._touch(path)

    def _is_held(self, folder: FolderRecord) -> bool:
        """Whether documents that vanished below ``folder`` must stay: its drive may be unplugged.

        A folder that is there but empty looks like the place where a drive is mounted when it is not. A
        single note that was the folder's only one is not held back when its deletion was seen.
        """
        root = self._roots.get(folder.path)
        if root is None:
            return True  # no longer watched
        if not is_folder(folder.path):
            self._hold(root, f"The folder “{folder.path.name}” cannot be found.")
            return True
        if not _has_entries(folder.path) and len(self._documents_below(folder.path)) > 1:
            self._hold(root, f"The folder “{folder.path.name}” is empty.")
            return True
        return False

    def _hold(self, root: _Root, title: str) -> None:
        if root.is_held:
            return
        root.is_held = True
        self._notices.warn(
            title,
            "Its notes stay in the library. If you removed them on purpose, forget them there; "
            "if it is on a drive, plug it in.",
            str(root.folder.path),
        )

    def _advise(self, root: _Root, exc: OSError) -> None:
        if root.is_advised:
            return
        root.is_advised = True
        self._notices.warn(
            f"Changes in “{root.folder.path.name}” are noticed with a delay.",
            f"The folder is looked at every {COMPARE_UNOBSERVED_S:.0f} seconds. {advice_for(exc)}".strip(),
            f"{root.folder.path}: {exc.strerror or exc}",
        )

    def _root_of(self, path: Path) -> _Root | None:
        """The watched folder that ``path`` lies in, the innermost if there are several."""
        for parent in path.parents:
            if parent in self._roots:
                return self._roots[parent]
        return None

    def _documents_below(self, folder: Path) -> tuple[DocumentRecord, ...]:
        # Only notes: an imported adapter does not follow its file.
        return tuple(
            document
            for document in self._catalog.documents()
            if document.kind is DocumentKind.NOTE and document.path.is_relative_to(folder)
        )

    def _pause_after(self, exc: StorageError, is_news: bool) -> None:
        """The store failed: say so; a comparison later finds again whatever could not be applied."""
        if is_news:  # once, however long it lasts
            self._notices.error(exc.title, "Watching folders pauses and goes on by itself.", exc.detail)
        self._check_at_s = self._clock_s() + CHECK_S
        for root in self._roots.values():
            root.compare_at_s = self._check_at_s


def _looks_the_same(document: DocumentRecord) -> bool:
    try:
        stamp = stamp_of(document.path)
    except OSError:
        return True  # cannot be told
    return stamp is not None and (document.size_bytes, document.mtime_ns) == (
        stamp.size_bytes,
        stamp.mtime_ns,
    )


def _has_entries(folder: Path) -> bool:
    try:
        return next(folder.iterdir(), None) is not None
    except OSError:
        return False
