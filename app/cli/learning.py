"""Wait until notes are learnt, and say how it goes."""

import queue
from collections.abc import Iterable

from app.bootstrap import Application
from app.cli.console import Console, plural
from app.cli.errors import CommandFailed
from app.services.library_events import (
    DocumentsChanged,
    EngineState,
    EngineStateChanged,
    JobProgressed,
    LibraryEvent,
    ModelPreparationProgressed,
)
from app.services.notices import Notice, NoticeLevel
from app.services.plain_text import one_line
from storage.records import DocumentKind, DocumentRecord, DocumentState

_SLICE_S = 0.1
"""Waits are cut into slices, so that Ctrl-C is heard on every platform."""

WAITING = (DocumentState.QUEUED, DocumentState.LEARNING)
_FINAL = (DocumentState.READY, DocumentState.FAILED)


class Learning:
    """Follows the learning of some documents from before the services start. Main thread.

    Args:
        application: built, not started.
        documents: whose end is to be told; others may be learnt as well.
        is_quiet: show the progress only.
    """

    def __init__(
        self,
        application: Application,
        console: Console,
        documents: Iterable[DocumentRecord],
        *,
        is_quiet: bool = False,
    ) -> None:
        self._is_quiet = is_quiet
        self._application = application
        self._console = console
        self._open = {document.id: document for document in documents if document.state not in _FINAL}
        self._n_documents = len(self._open)
        self._happened: queue.SimpleQueue[LibraryEvent | Notice] = queue.SimpleQueue()
        self._current = ""
        self._trouble: tuple[str, str] | None = None
        self._unsubscribe = (
            application.events.subscribe(self._happened.put),
            application.notices.subscribe(self._note_notice),
        )

    def wait(self) -> list[DocumentRecord]:
        """Wait until nothing is queued; print a line for each document as it ends.

        Returns:
            the documents that could not be learnt.

        Raises:
            CommandFailed: learning cannot go on; what is queued stays queued.
        """
        failed: list[DocumentRecord] = []
        try:
            is_idle = False
            while not is_idle:
                is_idle = self._application.dispatcher.wait_until_idle(_SLICE_S)
                failed += self._take_events()
                if self._trouble is not None:
                    title, detail = self._trouble
                    raise CommandFailed(title, f"{detail} {self._what_waits()}".strip())
            failed += self._tell_ended(self._open)
        finally:
            for unsubscribe in self._unsubscribe:
                unsubscribe()
        return failed

    def _note_notice(self, notice: Notice) -> None:
        self._happened.put(notice)

    def _take_events(self) -> list[DocumentRecord]:
        failed: list[DocumentRecord] = []
        while not self._happened.empty():
            match self._happened.get_nowait():
                case DocumentsChanged(ids=ids):
                    failed += self._tell_ended(ids)
                case JobProgressed() as progress:
                    self._tell_progress(progress)
                case ModelPreparationProgressed(share=share) if share < 1:
                    self._console.progress(f"Unpacking the language model: {share:.0%}")
                case EngineStateChanged(worker="ingest", state=EngineState.STARTING):
                    self._console.progress("Loading the models for learning")
                case EngineStateChanged(worker="models" | "ingest", state=EngineState.FAILED, reason=reason):
                    # The notice before it had the details.
                    self._trouble = self._trouble or (reason, "")
                case Notice(level=NoticeLevel.ERROR, title=title, message=message, detail=detail):
                    self._trouble = self._trouble or (title, f"{message} {detail}".strip())
        return failed

    def _tell_ended(self, ids: Iterable[int]) -> list[DocumentRecord]:
        failed: list[DocumentRecord] = []
        for id_ in [id_ for id_ in ids if id_ in self._open]:
            document = self._application.library.document(id_)
            if document is None:
                del self._open[id_]  # forgotten meanwhile
            elif document.state in _FINAL:
                del self._open[id_]
                if not self._is_quiet:
                    self._console.result(describe(document))
                failed += [document] if document.state is DocumentState.FAILED else []
        return failed

    def _tell_progress(self, progress: JobProgressed) -> None:
        document = self._application.library.document(progress.document_id)
        title = document.title if document is not None else ""
        n_done = self._n_documents - len(self._open)
        share = f" ({progress.n_done} of {progress.n_chunks} passages)" if progress.n_chunks > 1 else ""
        self._console.progress(f"Learnt {n_done} of {self._n_documents}: {title}{share}")

    def _what_waits(self) -> str:
        n_waiting = len(self._open)
        return f"{plural(n_waiting, 'note')} wait in the queue." if n_waiting else ""


def queued_elsewhere(n_notes: int) -> str:
    """What to say when another process has the right to learn for this library."""
    return f"{plural(n_notes, 'note')} queued. Loreleaf is open elsewhere with this library and learns there."


def describe(document: DocumentRecord) -> str:
    """One line about where a document stands."""
    line = f"{document.state:<8} {document.id:>4}  {document.title}"
    if document.reason_title:
        line += f": {document.reason_title} {document.reason_detail}".rstrip()
    elif document.kind is DocumentKind.ADAPTER:
        line += f" (imported adapter, {document.note})"
    elif document.note:
        line += f" ({document.note})"
    return one_line(line) if "\n" in line else line
