"""What the library's buttons do: services called on the lanes, models brought up to date afterwards."""

import threading
from collections.abc import Sequence
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, QTimer, Signal

from app.services.library_events import JobProgressed
from app.services.notices import NoticeBoard
from app.ui.background import Background
from app.ui.deferred_services import DeferredServices
from app.ui.document_table_model import DocumentTableModel, plural
from engine.adapters.messages import AdapterExported
from storage.records import DocumentRecord, FolderRecord
from storage.titles import on_one_line

if TYPE_CHECKING:  # imported later than the window is painted
    from app.services.adapter_exports import ExportFormat
    from app.services.ingest_service import AddReport

RELOAD_MS = 120
"""A burst of changes is read once, this long after its first."""

MAX_NAMED = 200
"""At most this many skipped files are named in a notice's details."""


@dataclass(frozen=True, slots=True)
class LibraryLanes:
    """Where the library's work runs.

    Attributes:
        intake: hashing of what is added; may take minutes.
        writes: switches, forgetting, retrying; milliseconds, so they must not wait behind the intake.
        reads: reading the list of documents.
    """

    intake: Background
    writes: Background
    reads: Background


class LibraryActions(QObject):
    """Adds, imports, switches, forgets and retries documents, and watches folders. GUI thread only.

    What is added before the services are open waits for them on its lane.

    Signals:
        documents_shown: the model shows the catalog's present state. documents: tuple of DocumentRecord.
        folders_shown: the watched folders were read. folders: tuple of FolderRecord.
        adding_changed: work on what was added began or ended. n_open: calls that are not done yet.
    """

    documents_shown = Signal(object)
    folders_shown = Signal(object)
    adding_changed = Signal(int)

    def __init__(
        self,
        model: DocumentTableModel,
        services: DeferredServices,
        notices: NoticeBoard,
        lanes: LibraryLanes,
        parent: QObject | None = None,
    ) -> None:
        super().__init__(parent)
        self._model = model
        self._services = services
        self._notices = notices
        self._lanes = lanes
        self._n_adding = 0
        self._is_closed = threading.Event()
        self._switching: dict[int, bool] = {}
        self._is_reading = False
        self._must_read_again = False
        self.n_backups = 0
        """Backups of the library when it was read last; they may hold what was forgotten since."""
        self._reload_timer = QTimer(self)
        self._reload_timer.setSingleShot(True)
        self._reload_timer.setInterval(RELOAD_MS)
        self._reload_timer.timeout.connect(self.read)
        model.enabled_changed.connect(self._on_enabled_changed)

    # --- reading --------------------------------------------------------------------------------------------

    def read(self) -> None:
        """Read documents now."""
        if self._is_reading:
            self._must_read_again = True
            return
        self._is_reading = True
        self._lanes.reads.run(self._read_library, self._on_documents_read, self._on_reading_failed)

    def reload(self) -> None:
        """Read documents soon; many calls in a row cost one reading."""
        if not self._reload_timer.isActive():
            self._reload_timer.start()

    def reload_folders(self) -> None:
        """Read the watched folders."""
        self._lanes.reads.run(lambda: self._services.get().library.folders(), self._on_folders_read)

    def show_progress(self, progress: JobProgressed) -> None:
        """A document is being learnt."""
        self._model.set_progress(progress.document_id, progress.n_done, progress.n_chunks)

    def close(self) -> None:
        """Read nothing any more, and let an import end early."""
        self._is_closed.set()
        self._reload_timer.stop()

    # --- changing -------------------------------------------------------------------------------------------

    def add(self, paths: Sequence[Path]) -> None:
        """Learn files and what is inside folders."""
        if paths:
            self._begin_adding()
            chosen = tuple(paths)
            self._lanes.intake.run(
                lambda: self._services.get().ingest.add_paths(chosen), self._on_added, self._on_adding_failed
            )

    def watch(self, folder: Path) -> None:
        """Learn a folder and follow its changes."""
        self._begin_adding()
        self._lanes.intake.run(
            lambda: self._services.get().watch.watch(folder), self._on_watched, self._on_adding_failed
        )

    def import_adapter(self, source: Path) -> None:
        """Take an adapter into the library that was made elsewhere."""
        self._begin_adding()
        self._lanes.intake.run(
            lambda: self._services.get().imports.add(source, is_stopped=self._is_closed.is_set),
            self._on_imported,
            self._on_adding_failed,
        )

    def export_adapter(
        self, form: "ExportFormat", documents: Sequence[DocumentRecord], may_overwrite: bool, out: Path
    ) -> None:
        """Write documents' adapters as one for other programs.

        Args:
            form: see ExportFormat.
            documents: all of them ready.
            may_overwrite: whether the user has agreed to replace what is at ``out``.
            out: where to.
        """
        chosen = tuple(documents)
        self._lanes.intake.run(
            lambda: self._services.get().exports.export(
                chosen, form, out, may_overwrite=may_overwrite, is_stopped=self._is_closed.is_set
            ),
            self._on_exported,
        )

    def unwatch(self, folder_id: int) -> None:
        """Follow a folder no longer."""
        self._lanes.intake.run(
            lambda: self._services.get().watch.unwatch(folder_id), self._on_folders_changed
        )

    def retry(self, ids: Sequence[int]) -> None:
        """Try failed documents again."""
        for document_id in ids:
            self._lanes.writes.run(partial(self._retry, document_id), self._on_changed)

    def forget(self, ids: Sequence[int], with_backups: bool) -> None:
        """Remove documents, and maybe the library's backups; the user has confirmed it."""
        self._lanes.writes.run(partial(self._forget, tuple(ids), with_backups), self._on_changed)

    def _forget(self, ids: Sequence[int], with_backups: bool) -> None:
        """On the lane."""
        library = self._services.get().library
        library.forget(ids)
        if with_backups:
            library.delete_older_copies()

    def _read_library(self) -> tuple[Sequence[DocumentRecord], int]:
        """On the lane: the documents, and how many backups there are."""
        library = self._services.get().library
        return library.documents(), len(library.older_copies())

    def _retry(self, document_id: int) -> None:
        """On the lane."""
        self._services.get().ingest.retry(document_id)

    # --- what comes back ------------------------------------------------------------------------------------

    def _on_enabled_changed(self, ids: tuple[int, ...], enabled: bool) -> None:
        self._switching.update(dict.fromkeys(ids, enabled))
        self._lanes.writes.run(
            lambda: self._services.get().library.set_enabled(ids, enabled),
            partial(self._on_switched, ids, enabled),
            partial(self._on_switching_failed, ids),
        )

    def _on_switched(self, ids: tuple[int, ...], enabled: bool, _nothing: None) -> None:
        for document_id in ids:
            # A later click on the same switch is still on its way and keeps its word.
            if self._switching.get(document_id) == enabled:
                del self._switching[document_id]
        self.reload()

    def _on_switching_failed(self, ids: tuple[int, ...], error: Exception) -> None:
        for document_id in ids:
            self._switching.pop(document_id, None)
        self.reload()
        self._lanes.writes.fail(error)

    def _on_changed(self, _nothing: None) -> None:
        self.reload()

    def _on_watched(self, _folder: object) -> None:
        self._end_adding()
        self.reload()
        self.reload_folders()

    def _on_folders_changed(self, _nothing: None) -> None:
        self.reload_folders()

    def _on_added(self, report: "AddReport") -> None:
        self._end_adding()
        self.reload()
        if not report.skipped and not report.added and report.unchanged:
            what = plural(len(report.unchanged), "note")
            self._notices.info(f"Nothing new: {what} in the library already.")
        if not report.skipped:
            return
        named = [f"{on_one_line(str(path))}: {reason}" for path, reason in report.skipped[:MAX_NAMED]]
        if len(report.skipped) > MAX_NAMED:
            named.append(f"… and {len(report.skipped) - MAX_NAMED:,} more")
        verb = "was" if len(report.skipped) == 1 else "were"
        title = f"{plural(len(report.skipped), 'file')} {verb} left out."
        if len(report.skipped) == 1:
            path, reason = report.skipped[0]
            self._notices.warn(title, f"{on_one_line(path.name)}: {reason}", on_one_line(str(path)))
        else:
            added = plural(len(report.added), "note") if report.added else "No note"
            self._notices.warn(title, f"{added} added. The details say why.", "\n".join(named))

    def _on_imported(self, document: DocumentRecord) -> None:
        self._end_adding()
        self.reload()
        self._notices.info(
            f"“{on_one_line(document.title)}” is imported.",
            "It takes part in every answer; take its tick off to keep it out.",
        )

    def _on_exported(self, exported: AdapterExported) -> None:
        self._notices.info(
            f"The adapter was written, {exported.size_bytes / 1e6:.1f} MB.",
            on_one_line(str(exported.path)),
        )

    def _on_adding_failed(self, error: Exception) -> None:
        self._end_adding()
        self._lanes.intake.fail(error)

    def _begin_adding(self) -> None:
        self._n_adding += 1
        self.adding_changed.emit(self._n_adding)

    def _end_adding(self) -> None:
        self._n_adding -= 1
        self.adding_changed.emit(self._n_adding)

    def _on_documents_read(self, read: tuple[Sequence[DocumentRecord], int]) -> None:
        documents, self.n_backups = read
        self._after_reading()
        wanted = self._switching
        shown = tuple(
            replace(document, enabled=wanted[document.id]) if document.id in wanted else document
            for document in documents
        )
        self._model.show(shown)
        self.documents_shown.emit(shown)

    def _on_reading_failed(self, error: Exception) -> None:
        self._after_reading()
        self._lanes.reads.fail(error)

    def _after_reading(self) -> None:
        self._is_reading = False
        if self._must_read_again:
            self._must_read_again = False
            self.reload()

    def _on_folders_read(self, folders: Sequence[FolderRecord]) -> None:
        self.folders_shown.emit(tuple(folders))
