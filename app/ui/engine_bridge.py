"""The one way from the services' threads into the GUI thread."""

import threading
from collections import deque

from PySide6.QtCore import QObject, Qt, QTimer, Signal

from app.services.answers import AnswerEvent, AnswerText
from app.services.library_events import (
    DocumentsChanged,
    DocumentsRemoved,
    EngineStateChanged,
    FoldersChanged,
    JobProgressed,
    LibraryEvent,
    ModelPreparationProgressed,
)
from app.services.notices import Notice

BATCH_MS = 33
"""Events are handed on in batches this far apart: no rate of tokens keeps the window from painting."""


class EngineBridge(QObject):
    """Takes events on any thread and emits signals on its own, the GUI thread, in the order they came.

    Neighbouring pieces of one answer become one piece. Made in the GUI thread.

    Signals:
        documents_changed: documents were added, changed or removed; read them anew.
        documents_removed: some were removed, and what answers quoted of them.
        folders_changed: the watched folders changed; read them anew.
        job_progressed: a JobProgressed.
        engine_state_changed: an EngineStateChanged.
        model_preparation_progressed: share done, 0 to 1.
        answer_event: about the running answer.
            token: the object the question was asked with; event: an AnswerEvent.
        notice: a Notice.
    """

    documents_changed = Signal()
    documents_removed = Signal()
    folders_changed = Signal()
    job_progressed = Signal(object)
    engine_state_changed = Signal(object)
    model_preparation_progressed = Signal(float)
    answer_event = Signal(object, object)
    notice = Signal(object)
    _wake = Signal()

    def __init__(self, parent: QObject | None = None) -> None:
        super().__init__(parent)
        self._lock = threading.Lock()
        self._events: deque[LibraryEvent | Notice | tuple[object, AnswerEvent]] = deque()
        self._timer = QTimer(self)
        self._timer.setSingleShot(True)
        self._timer.setInterval(BATCH_MS)
        self._timer.timeout.connect(self._deliver)
        self._wake.connect(self._on_wake, Qt.ConnectionType.QueuedConnection)

    def publish(self, event: LibraryEvent) -> None:
        """Any thread."""
        self._put(event)

    def publish_notice(self, notice: Notice) -> None:
        """Any thread."""
        self._put(notice)

    def publish_answer(self, token: object, event: AnswerEvent) -> None:
        """Any thread."""
        self._put((token, event))

    def close(self) -> None:
        """Deliver nothing any more. GUI thread."""
        self._timer.stop()
        self._wake.disconnect(self._on_wake)

    def _put(self, event: LibraryEvent | Notice | tuple[object, AnswerEvent]) -> None:
        with self._lock:
            is_first = not self._events
            self._events.append(event)
        if is_first:
            self._wake.emit()

    def _on_wake(self) -> None:
        if not self._timer.isActive():
            self._timer.start()

    def _deliver(self) -> None:
        with self._lock:
            events = tuple(self._events)
            self._events.clear()
        progress: dict[int, JobProgressed] = {}
        must_read_documents = False
        must_read_folders = False
        were_removed = False
        for event in _joined(events):
            match event:
                case JobProgressed():
                    progress[event.document_id] = event
                case DocumentsChanged():
                    must_read_documents = True
                case DocumentsRemoved():
                    must_read_documents = were_removed = True
                case FoldersChanged():
                    must_read_folders = True
                case EngineStateChanged():
                    self.engine_state_changed.emit(event)
                case ModelPreparationProgressed():
                    self.model_preparation_progressed.emit(event.share)
                case Notice():
                    self.notice.emit(event)
                case (token, answer_event):
                    self.answer_event.emit(token, answer_event)
        for last in progress.values():
            self.job_progressed.emit(last)
        if must_read_documents:
            self.documents_changed.emit()
        if were_removed:
            self.documents_removed.emit()
        if must_read_folders:
            self.folders_changed.emit()


def _joined(
    events: tuple[LibraryEvent | Notice | tuple[object, AnswerEvent], ...],
) -> list[LibraryEvent | Notice | tuple[object, AnswerEvent]]:
    """The events with neighbouring pieces of one answer's text joined."""
    joined: list[LibraryEvent | Notice | tuple[object, AnswerEvent]] = []
    for event in events:
        if isinstance(event, tuple) and isinstance(event[1], AnswerText) and joined:
            last = joined[-1]
            if isinstance(last, tuple) and last[0] is event[0] and isinstance(last[1], AnswerText):
                joined[-1] = (event[0], AnswerText(last[1].text + event[1].text))
                continue
        joined.append(event)
    return joined
