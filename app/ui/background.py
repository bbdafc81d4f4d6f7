"""Work that must not hold the GUI thread, one lane at a time.

A lane is a thread with a queue. Jobs of one lane never overlap and run in the order they were given, so that
switching a note off and on again ends with "on". The window has several (``MainWindow.lanes``), so that no
question waits behind a folder that is hashed, and no switch behind a download.
"""

import logging
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic, TypeVar

from PySide6.QtCore import QObject, Qt, Signal

logger = logging.getLogger(__name__)

ResultT = TypeVar("ResultT")


@dataclass(frozen=True, slots=True)
class _Finished(Generic[ResultT]):
    """A job that ran, on its way back to the GUI thread. Exactly one of ``result`` and ``error`` counts."""

    on_done: Callable[[ResultT], None] | None
    on_error: Callable[[Exception], None]
    result: ResultT | None
    error: Exception | None


class Background(QObject):
    """One lane. Made in and used from the GUI thread.

    Signals:
        idle: no job of this lane runs or waits.
    """

    idle = Signal()
    _finished = Signal(object)

    def __init__(
        self, name: str, on_error: Callable[[Exception], None], parent: QObject | None = None
    ) -> None:
        """Args: name: of the thread. on_error: told of a job's failure when the job names nobody."""
        super().__init__(parent)
        self._on_error = on_error
        self._n_open = 0
        self._is_closed = False
        self._executor = ThreadPoolExecutor(max_workers=1, thread_name_prefix=f"ui-{name}")
        self._finished.connect(self._on_finished, Qt.ConnectionType.QueuedConnection)

    @property
    def is_idle(self) -> bool:
        """Whether every job given so far has been reported back."""
        return self._n_open == 0

    def run(
        self,
        job: Callable[[], ResultT],
        on_done: Callable[[ResultT], None] | None = None,
        on_error: Callable[[Exception], None] | None = None,
    ) -> None:
        """Run ``job`` on the lane's thread, then one of the other two on the GUI thread, with the outcome."""
        if self._is_closed:
            return
        self._n_open += 1
        self._executor.submit(self._run, job, on_done, on_error or self._on_error)

    def fail(self, error: Exception) -> None:
        """Treat ``error`` as that of a job that named nobody to tell. GUI thread."""
        self._on_error(error)

    def close(self) -> None:
        """Take no more jobs, drop those that wait, and let the running one end. Reports nothing any more."""
        self._is_closed = True
        self._executor.shutdown(wait=True, cancel_futures=True)

    def _run(
        self,
        job: Callable[[], ResultT],
        on_done: Callable[[ResultT], None] | None,
        on_error: Callable[[Exception], None],
    ) -> None:
        try:
            outcome = _Finished(on_done, on_error, job(), None)
        except Exception as exc:  # the top of this thread; the GUI thread decides what it means
            logger.info("job failed", exc_info=True)
            outcome = _Finished(on_done, on_error, None, exc)
        self._finished.emit(outcome)

    def _on_finished(self, outcome: _Finished[object]) -> None:
        self._n_open -= 1
        if self._is_closed:
            return
        if outcome.error is not None:
            outcome.on_error(outcome.error)
        elif outcome.on_done is not None:
            outcome.on_done(outcome.result)
        if self._n_open == 0:
            self.idle.emit()
