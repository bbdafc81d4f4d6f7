"""The bar at the bottom: what the engine does right now, and on which device, and why."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import QProgressBar, QSizePolicy, QStatusBar, QWidget

from app.services.library_events import EngineState, EngineStateChanged, JobProgressed, WorkerName
from app.ui.elided_label import ElidedLabel
from app.ui.plain_text import set_tool_tip
from storage.records import DocumentRecord, DocumentState
from storage.titles import on_one_line

MIN_ACTIVITY_WIDTH = 240
"""In a narrow window the device is shortened first, in device-independent pixels."""

_DEMANDS: dict[WorkerName, tuple[str, str]] = {
    "models": ("The model", "ask or add a note"),
    "ingest": ("Learning", "add or retry a note"),
    "chat": ("Answering", "ask"),
}
"""What is not there when a part of the engine has failed, and what the user does to have it tried again."""


class StatusLine(QStatusBar):
    """Words for every wait. GUI thread only."""

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setSizeGripEnabled(False)
        self._engines: dict[WorkerName, EngineStateChanged] = {}
        self._documents: tuple[DocumentRecord, ...] = ()
        self._progress: JobProgressed | None = None
        self._is_answering = False
        self._n_adding = 0
        self._is_started = False
        self._is_not_opened = False
        self._preparation_share: float | None = None
        self._download = ""
        self.activity = ElidedLabel("", Qt.TextElideMode.ElideRight, self)
        self.activity.setSizePolicy(QSizePolicy.Policy.Ignored, QSizePolicy.Policy.Preferred)
        self.activity.setAccessibleName("What Loreleaf does now")
        self.bar = QProgressBar(self)
        self.bar.setFixedWidth(120)
        self.bar.setTextVisible(False)
        self.bar.setAccessibleName("Progress")
        self.bar.hide()
        self.activity.setMinimumWidth(MIN_ACTIVITY_WIDTH)
        self.device = ElidedLabel("", Qt.TextElideMode.ElideRight, self)
        self.device.setAccessibleName("Device")
        self.addWidget(self.activity, 1)
        self.addPermanentWidget(self.bar)
        self.addPermanentWidget(self.device)
        self._refresh()

    def set_started(self) -> None:
        """The services run."""
        self._is_started = True
        self._refresh()

    def set_not_opened(self) -> None:
        """There are no services in this run: the library cannot be opened."""
        self._is_not_opened = True
        self._refresh()

    def set_documents(self, documents: tuple[DocumentRecord, ...]) -> None:
        """The library as it is now."""
        self._documents = documents
        if not any(document.state is DocumentState.LEARNING for document in documents):
            self._progress = None
        self._refresh()

    def set_progress(self, progress: JobProgressed) -> None:
        """A document is being learnt."""
        self._progress = progress
        self._refresh()

    def set_answering(self, is_answering: bool) -> None:
        """A question is being answered."""
        self._is_answering = is_answering
        self._refresh()

    def set_adding(self, n_open: int) -> None:
        """Files are being looked at before they are queued."""
        self._n_adding = n_open
        self._refresh()

    def set_download(self, words: str) -> None:
        """How far the download of a base model is; empty without one."""
        self._download = words
        self._refresh()

    def set_preparation(self, share: float) -> None:
        """The base model is being unpacked for the first time."""
        self._preparation_share = share
        self._refresh()

    def set_engine_state(self, event: EngineStateChanged) -> None:
        """A process of the engine started, is ready, failed or stopped."""
        self._engines[event.worker] = event
        if event.worker == "models" and event.state is not EngineState.STARTING:
            self._preparation_share = None
        self._refresh()

    # --- words ----------------------------------------------------------------------------------------------

    def _refresh(self) -> None:
        self.activity.setText(self._activity())
        share = self._preparation_share
        self.bar.setVisible(share is not None)
        self.bar.setValue(round(100 * (share or 0.0)))
        ready = [event for event in self._engines.values() if event.device]
        named = next((event for event in ready if event.worker == "ingest"), ready[0] if ready else None)
        if named is None:
            self.device.setText("")
            return
        self.device.setText(f"{named.device} · {named.reason}" if named.reason else named.device)
        verbs = {"ingest": "Learning", "chat": "Answering", "models": "Preparing"}
        lines = [f"{verbs[event.worker]}: {event.device}. {event.reason}".strip() for event in ready]
        set_tool_tip(self.device, "\n".join(lines))

    def _activity(self) -> str:
        if self._is_not_opened:
            return "Your library is not open."
        if not self._is_started:
            rest = " What you added comes next." if self._n_adding else ""
            return f"Opening your library…{rest}"
        parts = []
        if self._is_answering:
            parts.append("Answering")
        if self._n_adding:
            parts.append("Looking through what you added")
        learning = self._learning()
        if learning:
            parts.append(learning)
        if self._download:
            parts.append(self._download)
        if parts:
            return "  ·  ".join(parts)
        return self._engine_activity()

    def _engine_activity(self) -> str:
        if self._preparation_share is not None:
            return f"Preparing the model, {self._preparation_share:.0%}. This happens once."
        failed = next((e for e in self._engines.values() if e.state is EngineState.FAILED), None)
        if failed is not None:
            what, demand = _DEMANDS[failed.worker]
            return f"{what} is not available. {failed.reason}".rstrip() + f" To try again, {demand}."
        starting = [e.worker for e in self._engines.values() if e.state is EngineState.STARTING]
        if "models" in starting:
            return "Preparing the model…"
        if starting:
            return "Starting the model…"
        return "Ready"

    def _learning(self) -> str:
        learning = [document for document in self._documents if document.state is DocumentState.LEARNING]
        n_waiting = sum(document.state is DocumentState.QUEUED for document in self._documents)
        waiting = f", {n_waiting:,} waiting" if n_waiting else ""
        if not learning:
            return f"{n_waiting:,} waiting to be learnt" if n_waiting else ""
        document = learning[0]
        if self._progress is not None and self._progress.n_chunks:
            document = next((d for d in learning if d.id == self._progress.document_id), document)
            if document.id == self._progress.document_id:
                done = f" ({self._progress.n_done} of {self._progress.n_chunks} passages)"
                return f"Learning “{on_one_line(document.title)}”{done}{waiting}"
        return f"Learning “{on_one_line(document.title)}”{waiting}"
