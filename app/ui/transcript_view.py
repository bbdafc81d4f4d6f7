"""The transcript: one widget per question and answer, in step with the model, scrolled to what is new."""

from PySide6.QtCore import QAbstractItemModel, QModelIndex, Qt, Signal
from PySide6.QtWidgets import QFrame, QHBoxLayout, QScrollArea, QVBoxLayout, QWidget

from app.ui.theme import MARGIN
from app.ui.transcript_model import TranscriptEntry, TranscriptModel, TranscriptRole
from app.ui.turn_view import AnswerView, QuestionView
from storage.records import Role

TEXT_WIDTH = 760
"""Lines longer than this, in device-independent pixels, are hard to read."""


class TranscriptView(QScrollArea):
    """Shows a TranscriptModel. Follows the end unless the user scrolled up.

    Signals:
        retry_requested: the user wants a refused question asked again.
            question: its words.
    """

    retry_requested = Signal(str)

    def __init__(self, model: TranscriptModel, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("transcriptScroll")
        self.setAccessibleName("Questions and answers")
        self.setFrameShape(QFrame.Shape.NoFrame)
        self.setWidgetResizable(True)
        self.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        self._model = model
        self._follows_end = True
        self._turns: list[QuestionView | AnswerView] = []
        canvas = QWidget(self)
        canvas.setObjectName("transcript")
        self._column = QWidget(canvas)
        self._column.setMaximumWidth(TEXT_WIDTH)
        self._layout = QVBoxLayout(self._column)
        self._layout.setContentsMargins(0, 8, 0, 8)
        self._layout.setSpacing(20)
        self._layout.addStretch(1)
        outer = QHBoxLayout(canvas)
        outer.setContentsMargins(MARGIN, 0, MARGIN, 0)
        outer.addStretch(1)
        outer.addWidget(self._column, 1000)  # takes all the room up to its maximum
        outer.addStretch(1)
        self.setWidget(canvas)
        bar = self.verticalScrollBar()
        bar.rangeChanged.connect(self._on_range_changed)
        bar.valueChanged.connect(self._on_scrolled)
        model.modelReset.connect(self._on_model_reset)
        model.rowsInserted.connect(self._on_rows_inserted)
        model.dataChanged.connect(self._on_data_changed)
        self._on_model_reset()

    @property
    def turns(self) -> tuple[QuestionView | AnswerView, ...]:
        """The widgets, oldest first."""
        return tuple(self._turns)

    def _on_model_reset(self) -> None:
        for view in self._turns:
            self._layout.removeWidget(view)
            view.hide()
            view.deleteLater()
        self._turns.clear()
        self._follows_end = True
        self._insert(0, self._model.rowCount() - 1)

    def _on_rows_inserted(self, _parent: QModelIndex, first: int, last: int) -> None:
        # A new question is always brought into view, wherever the user had scrolled to.
        self._follows_end = True
        self._insert(first, last)

    def _on_data_changed(self, top: QModelIndex, bottom: QModelIndex) -> None:
        for row in range(top.row(), bottom.row() + 1):
            self._turns[row].show_entry(self._entry(row))

    def _on_range_changed(self, _minimum: int, maximum: int) -> None:
        if self._follows_end:
            self.verticalScrollBar().setValue(maximum)

    def _on_scrolled(self, value: int) -> None:
        self._follows_end = value >= self.verticalScrollBar().maximum() - 24

    def _insert(self, first: int, last: int) -> None:
        for row in range(first, last + 1):
            entry = self._entry(row)
            view: QuestionView | AnswerView
            if entry.role is Role.USER:
                view = QuestionView(entry, self._column)
            else:
                view = AnswerView(entry, self._column)
                view.retry_requested.connect(self._on_retry_requested)
            self._turns.insert(row, view)
            self._layout.insertWidget(row, view)

    def _on_retry_requested(self) -> None:
        row = self._turns.index(self.sender())  # type: ignore[arg-type]
        if row > 0:
            self.retry_requested.emit(self._entry(row - 1).text)

    def _entry(self, row: int) -> TranscriptEntry:
        model: QAbstractItemModel = self._model
        entry: TranscriptEntry = model.index(row, 0).data(TranscriptRole.ENTRY)
        return entry
