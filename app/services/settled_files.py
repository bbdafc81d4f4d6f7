"""Files that came, changed or went, all settled: what that means for the library."""

import logging
from collections.abc import Callable, Mapping
from pathlib import Path

from app.services.forgotten_paths import ForgottenPaths
from app.services.ingest_service import IngestService
from app.services.library_service import LibraryService
from app.services.note_files import hash_file, why_not_a_note
from app.services.queueing import Queueing
from app.services.settling import FileStamp
from storage.catalog import Catalog
from storage.records import DocumentRecord, FolderRecord

logger = logging.getLogger(__name__)


class SettledFiles:
    """Applies batches of settled paths. Of the watch service's thread.

    A batch matters as a whole: a path that went and one with the same bytes that came are a rename.

    Args:
        is_held: whether documents below this folder may not be removed now (its drive may be unplugged).
    """

    def __init__(
        self,
        catalog: Catalog,
        queueing: Queueing,
        ingest: IngestService,
        library: LibraryService,
        forgotten: ForgottenPaths,
        is_held: Callable[[FolderRecord, int], bool],
    ) -> None:
        self._catalog = catalog
        self._queueing = queueing
        self._ingest = ingest
        self._library = library
        self._forgotten = forgotten
        self._is_held = is_held

    def apply(self, batch: Mapping[Path, FileStamp | None], folders: Mapping[Path, FolderRecord]) -> None:
        """Bring the library in line with ``batch``.

        Args:
            batch: each path with its stamp, None if there is no file.
            folders: the watched folder of each path in ``batch``.

        Raises:
            StorageError: the store failed; the batch can be applied again.
        """
        gone: list[DocumentRecord] = []
        came: list[tuple[Path, FileStamp]] = []
        changed: list[tuple[Path, FileStamp]] = []
        for path, stamp in batch.items():
            document = self._catalog.document_by_path(path)
            if stamp is None:
                if document is not None:
                    gone.append(document)
            elif document is None:
                if not why_not_a_note(path) and path not in self._forgotten:
                    came.append((path, stamp))
            elif (document.size_bytes, document.mtime_ns) != (stamp.size_bytes, stamp.mtime_ns):
                changed.append((path, stamp))
        # What came first: while the bytes it may share with others are still known.
        for path, stamp in came:
            if not self._take_as_rename(path, stamp, gone):
                self._ingest.learn_file(path, stamp, folder_id=folders[path].id)
        for path, stamp in changed:
            self._ingest.learn_file(path, stamp, folder_id=folders[path].id)
        self._remove(gone, folders)

    def _take_as_rename(self, path: Path, stamp: FileStamp, gone: list[DocumentRecord]) -> bool:
        """Give the document that had these bytes its new path, and take it off ``gone``."""
        if not gone:
            return False
        try:
            content_hash = hash_file(path)
        except OSError:
            return False  # learning it will say why
        same = [document for document in gone if self._queueing.hash_of_file(document) == content_hash]
        if not same:
            return False
        document = min(same, key=lambda other: other.path.name != path.name)
        gone.remove(document)
        self._library.rename(document.id, path, stamp)
        return True

    def _remove(self, gone: list[DocumentRecord], folders: Mapping[Path, FolderRecord]) -> None:
        by_folder: dict[FolderRecord, list[int]] = {}
        for document in gone:
            by_folder.setdefault(folders[document.path], []).append(document.id)
        for folder, ids in by_folder.items():
            if not self._is_held(folder, len(ids)):
                self._library.remove_vanished(ids)
