"""From a path to a job: what the window, the terminal and the watcher call to have notes learnt."""

from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

from app.services.forgotten_paths import ForgottenPaths
from app.services.ingest_dispatcher import IngestDispatcher
from app.services.note_files import (
    Skipped,
    canonical,
    is_folder,
    stamp_of,
    walk_notes,
    why_not_a_note,
)
from app.services.queueing import Queueing
from app.services.settling import FileStamp
from storage.catalog import Catalog
from storage.records import DocumentRecord, DocumentState


@dataclass(frozen=True, slots=True)
class AddReport:
    """What became of the paths that were added.

    Attributes:
        added: documents that are new, changed or tried once more; their state is QUEUED, READY or FAILED.
        unchanged: documents whose bytes are learnt, or queued, already.
        skipped: files that are no notes, and what could not be looked at, each with its reason.
        unreadable: which of the skipped could not be looked at, so that notes may be missing.
    """

    added: tuple[DocumentRecord, ...]
    unchanged: tuple[DocumentRecord, ...]
    skipped: tuple[tuple[Path, str], ...]
    unreadable: frozenset[Path]


class IngestService:
    """Puts files into the queue, from which the dispatcher takes them.

    Any thread; every call that takes paths reads and hashes files in the caller's thread.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        queueing: Queueing,
        dispatcher: IngestDispatcher,
        forgotten: ForgottenPaths,
    ) -> None:
        self._catalog = catalog
        self._queueing = queueing
        self._dispatcher = dispatcher
        self._forgotten = forgotten

    def add_paths(self, paths: Iterable[Path]) -> AddReport:
        """Add files, and the files in folders, that the user chose. One that cannot be taken harms no other.

        Raises:
            StorageError: the store cannot be written.
        """
        added: list[DocumentRecord] = []
        unchanged: list[DocumentRecord] = []
        skipped: list[Skipped] = []
        for item in _files_of(paths):
            if isinstance(item, Skipped):
                skipped.append(item)
                continue
            try:
                stamp = stamp_of(item)
            except OSError as exc:
                reason = f"It cannot be looked at: {exc.strerror or exc}."
                skipped.append(Skipped(item, reason, is_unreadable=True))
                continue
            if stamp is None:
                skipped.append(Skipped(item, "There is no such file."))
                continue
            self._forgotten.remove(item)
            is_new = self._catalog.document_by_path(item) is None
            document = self._catalog.add_document(item)
            has_news = self._queueing.learn(document, stamp, is_retry=document.state is DocumentState.FAILED)
            now = self._catalog.document(document.id) or document
            # Without news, a new one was queued by the dispatcher, which found it without a job at its start.
            (added if has_news or is_new else unchanged).append(now)
        self._dispatcher.wake(retry_now=True)
        return AddReport(
            tuple(added),
            tuple(unchanged),
            tuple((item.path, item.reason) for item in skipped),
            frozenset(item.path for item in skipped if item.is_unreadable),
        )

    def learn_file(self, path: Path, stamp: FileStamp, *, folder_id: int | None) -> None:
        """Take a watched file that is new or changed. ``path`` is canonical."""
        document = self._catalog.add_document(path, folder_id=folder_id)
        if self._queueing.learn(document, stamp, is_retry=False):
            self._dispatcher.wake()

    def retry(self, document_id: int) -> None:
        """Try a document once more, with whatever its file is now. A document that is gone is ignored."""
        document = self._catalog.document(document_id)
        if document is not None:
            self._queueing.learn_again(document)
            self._dispatcher.wake(retry_now=True)


def _files_of(paths: Iterable[Path]) -> Iterator[Path | Skipped]:
    """The files that ``paths`` stand for, in order, each once."""
    seen: set[Path] = set()
    for path in map(canonical, paths):
        items: Iterable[Path | Skipped]
        if is_folder(path):
            items = walk_notes(path)
        elif reason := _why_refused(path):
            items = (Skipped(path, reason),)
        else:
            items = (path,)
        for item in items:
            key = item.path if isinstance(item, Skipped) else item
            if key not in seen:
                seen.add(key)
                yield item


def _why_refused(path: Path) -> str:
    """Why a file that was named by the user is not taken; a hidden one is, when it was named itself."""
    reason = why_not_a_note(path)
    return "" if path.name.startswith(".") and not why_not_a_note(Path(path.name.lstrip("."))) else reason
