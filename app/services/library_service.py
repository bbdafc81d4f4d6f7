"""The library as the user sees it: documents with their switches, and folders."""

from collections.abc import Sequence
from pathlib import Path

from app.services.forgotten_paths import ForgottenPaths
from app.services.ingest_dispatcher import IngestDispatcher
from app.services.library_events import DocumentsChanged, DocumentsRemoved, LibraryEvents
from app.services.settling import FileStamp
from storage.catalog import Catalog
from storage.records import DocumentKind, DocumentRecord, FolderRecord


class LibraryService:
    """Reads and changes the library. Any thread; calls block for a few milliseconds."""

    def __init__(
        self,
        *,
        catalog: Catalog,
        events: LibraryEvents,
        dispatcher: IngestDispatcher,
        forgotten: ForgottenPaths,
    ) -> None:
        self._catalog = catalog
        self._events = events
        self._dispatcher = dispatcher
        self._forgotten = forgotten

    def documents(self) -> tuple[DocumentRecord, ...]:
        """All documents, by title."""
        return self._catalog.documents()

    def document(self, document_id: int) -> DocumentRecord | None:
        """One document; None if it is not in the library."""
        return self._catalog.document(document_id)

    def folders(self) -> tuple[FolderRecord, ...]:
        """The watched folders."""
        return self._catalog.folders()

    def set_enabled(self, ids: Sequence[int], on: bool) -> None:
        """Let documents take part in answers, or not. It holds from the next question on."""
        self._catalog.set_enabled(ids, on)
        self._events.publish(DocumentsChanged(tuple(ids)))

    def forget(self, ids: Sequence[int]) -> None:
        """Remove documents for good: adapters, passages, search rows, quotations. Their files stay.

        Backups made earlier still hold them: see ``older_copies``.
        A file in a watched folder does not come back by itself; the user can add it again.

        Raises:
            StorageError: the store cannot be written.
            OSError: the list of forgotten files cannot be written; nothing was removed.
        """
        documents = [document for id_ in ids if (document := self._catalog.document(id_)) is not None]
        roots = [folder.path for folder in self._catalog.folders()]
        self._forgotten.add(
            document.path
            for document in documents
            if document.kind is DocumentKind.NOTE
            and any(document.path.is_relative_to(root) for root in roots)
        )
        self.remove_vanished(ids)

    def older_copies(self) -> tuple[Path, ...]:
        """Backups of the catalog, which hold what was forgotten until newer ones take their place."""
        return self._catalog.older_copies()

    def delete_older_copies(self) -> None:
        """Delete them.

        Raises:
            OSError: one cannot be deleted.
        """
        self._catalog.delete_older_copies()

    def remove_vanished(self, ids: Sequence[int]) -> None:
        """Remove documents whose files are gone. Should they come back, they are learnt again."""
        self._catalog.forget(ids)
        self._dispatcher.wake()  # it may be learning one of them
        self._events.publish(DocumentsRemoved(tuple(ids)))

    def rename(self, document_id: int, path: Path, stamp: FileStamp) -> None:
        """The document's file has another name or place, and the same bytes: nothing is learnt anew."""
        replaced = self._catalog.rename_document(document_id, path, stamp.size_bytes, stamp.mtime_ns)
        if replaced is not None:
            self._events.publish(DocumentsRemoved((replaced,)))
        self._events.publish(DocumentsChanged((document_id,)))
