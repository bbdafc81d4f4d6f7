"""Files that came, changed or went, all settled: what that means for the library."""

from collections.abc import Callable, Iterable, Mapping
from pathlib import Path

from app.services.forgotten_paths import ForgottenPaths
from app.services.ingest_service import IngestService
from app.services.library_service import LibraryService
from app.services.note_files import hash_file, is_folder, stamp_of, why_not_a_note
from app.services.queueing import Queueing
from app.services.settling import FileStamp
from storage.catalog import Catalog
from storage.records import DocumentRecord, DocumentState, FolderRecord

_UNLEARNT = (DocumentState.QUEUED, DocumentState.LEARNING)


class SettledFiles:
    """Applies batches of settled paths. Of the watch service's thread.

    A batch matters as a whole: a path that went and one with the same bytes that came are a rename.

    Args:
        is_held: whether documents below this folder may not be removed now (its drive may be unplugged).
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        queueing: Queueing,
        ingest: IngestService,
        library: LibraryService,
        forgotten: ForgottenPaths,
        is_held: Callable[[FolderRecord], bool],
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
        gone: dict[int, DocumentRecord] = {}
        came: list[tuple[Path, FileStamp]] = []
        changed: list[tuple[Path, FileStamp]] = []
        for path, stamp in batch.items():
            document = self._catalog.document_by_path(path)
            if stamp is None:
                if document is not None:
                    gone[document.id] = document
            elif document is None:
                if not why_not_a_note(path) and path not in self._forgotten:
                    came.append((path, stamp))
            elif document.folder_id is None or _has_changed(document, stamp):
                changed.append((path, stamp))
        # What came first: while the bytes it may share with others are still known.
        by_hash = self._documents_by_hash(gone) if came else {}
        for path, stamp in came:
            renamed = self._take_as_rename(path, stamp, by_hash)
            if renamed is None:
                self._ingest.learn_file(path, stamp, folder_id=folders[path].id)
            else:
                gone.pop(renamed, None)
        for path, stamp in changed:
            self._ingest.learn_file(path, stamp, folder_id=folders[path].id)
        self._remove(gone.values(), folders)

    def _documents_by_hash(self, gone: Mapping[int, DocumentRecord]) -> dict[str, list[DocumentRecord]]:
        """All documents by the hash of their file's bytes as last seen, those in ``gone`` first.

        All, because the deletion that belongs to a rename may be noticed later: watchdog waits half a second
        for the other half, and does not see it when it went into a folder that is new.
        """
        by_hash: dict[str, list[DocumentRecord]] = {}
        for document in sorted(self._catalog.documents(), key=lambda document: document.id not in gone):
            content_hash = document.content_hash
            if document.state in _UNLEARNT:
                # Its job knows; asked only where it matters, for there may be thousands at the first start.
                is_gone = self._is_certainly_gone(document.path)
                content_hash = self._queueing.hash_of_file(document) if is_gone else None
            if content_hash is not None:
                by_hash.setdefault(content_hash, []).append(document)
        return by_hash

    def _take_as_rename(
        self, path: Path, stamp: FileStamp, by_hash: Mapping[str, list[DocumentRecord]]
    ) -> int | None:
        """Give a document that had these bytes, and has no file any more, its new path; its id, if any."""
        try:
            same = by_hash.get(hash_file(path), []) if by_hash else []
        except OSError:
            return None  # learning it will say why
        moved = [document for document in same if self._is_certainly_gone(document.path)]
        if not moved:
            return None
        document = min(moved, key=lambda other: other.path.name != path.name)
        same.remove(document)
        self._library.rename(document.id, path, stamp)
        return document.id

    def _is_certainly_gone(self, path: Path) -> bool:
        """Whether there is no such file although its watched folder, if it lies in one, is there."""
        try:
            if stamp_of(path) is not None:
                return False
        except OSError:
            return False
        roots = [folder.path for folder in self._catalog.folders()]
        return all(is_folder(root) for root in roots if path.is_relative_to(root))

    def _remove(self, gone: Iterable[DocumentRecord], folders: Mapping[Path, FolderRecord]) -> None:
        by_folder: dict[FolderRecord, list[int]] = {}
        for document in gone:
            by_folder.setdefault(folders[document.path], []).append(document.id)
        for folder, ids in by_folder.items():
            if not self._is_held(folder):
                self._library.remove_vanished(ids)


def _has_changed(document: DocumentRecord, stamp: FileStamp) -> bool:
    return (document.size_bytes, document.mtime_ns) != (stamp.size_bytes, stamp.mtime_ns)
