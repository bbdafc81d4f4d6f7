"""The right side: questions, answers with their sources, and where to type."""

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QStandardItemModel
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPushButton,
    QSizePolicy,
    QStackedWidget,
    QToolButton,
    QVBoxLayout,
    QWidget,
)

from app.ui.chat_list import ChatListModel, ChatListPopup
from app.ui.choice_box import ChoiceBox
from app.ui.composer import QuestionEdit
from app.ui.elided_label import ElidedLabel
from app.ui.empty_state import EmptyState
from app.ui.plain_text import plain_tool_tip, set_tool_tip
from app.ui.theme import MARGIN
from app.ui.transcript_model import TranscriptModel
from app.ui.transcript_view import TEXT_WIDTH, TranscriptView
from engine.messages import AnswerMode
from storage.titles import on_one_line

NEW_CHAT = "New chat"

MODES = (
    (AnswerMode.MEMORY, "From memory", "Answers from what was learnt. No note text is put before the model."),
    (
        AnswerMode.QUOTES,
        "Memory and quotes",
        "Shows the model the passages that matter as well. Slower.",
    ),
    (AnswerMode.PLAIN, "Without notes", "The model alone, as if it had never seen your notes."),
)

_ROWS = {mode: row for row, (mode, _, _) in enumerate(MODES)}

NO_MEMORY = "The language model in use is a file of your own: it has learnt no notes."
FROM_PASSAGES = ("From passages", "Shows the model the passages of your notes that fit the question.")


class ChatView(QWidget):
    """Shows one chat and says what the user wants; does nothing itself.

    Signals:
        question_asked: Enter or Send. question: its words; mode: an AnswerMode.
        stop_requested: Stop or Esc.
        new_chat_requested: a new chat.
        empty_button_clicked: the one button of the empty state.
        mode_changed: the user chose how to answer. mode: an AnswerMode.
    """

    question_asked = Signal(str, object)
    stop_requested = Signal()
    new_chat_requested = Signal()
    empty_button_clicked = Signal()
    mode_changed = Signal(object)

    def __init__(
        self, transcript: TranscriptModel, chats: ChatListModel, parent: QWidget | None = None
    ) -> None:
        super().__init__(parent)
        self.setObjectName("chat")
        self.setAttribute(Qt.WidgetAttribute.WA_StyledBackground)
        self._transcript = transcript
        self._is_answering = False
        self._has_memory = True
        self._hints: dict[AnswerMode, str] = {}
        self.popup = ChatListPopup(chats, self)
        self.transcript = TranscriptView(transcript, self)
        self.transcript.retry_requested.connect(self._ask)
        self.empty = EmptyState("chatEmpty", is_primary=True, parent=self)
        self.empty.button.clicked.connect(self.empty_button_clicked)
        self.empty.suggestion_clicked.connect(self._ask)
        self.body = QStackedWidget(self)
        self.body.addWidget(self.empty)
        self.body.addWidget(self.transcript)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addLayout(self._header())
        layout.addWidget(self.body, 1)
        layout.addLayout(self._foot())
        transcript.modelReset.connect(self._on_rows_changed)
        transcript.rowsInserted.connect(self._on_rows_changed)
        self._on_rows_changed()
        self._on_text_changed()

    def minimumSizeHint(self) -> QSize:
        """Wide enough to read answers, and for the buttons in whatever font."""
        return super().minimumSizeHint().expandedTo(QSize(380, 0))

    @property
    def mode(self) -> AnswerMode:
        """How the next question is to be answered."""
        return AnswerMode(self.mode_box.currentData())

    def set_without_memory(self) -> None:
        """From now on the model is one that notes are not learnt for: it can be shown passages."""
        items = self.mode_box.model()
        assert isinstance(items, QStandardItemModel)
        items.item(_ROWS[AnswerMode.MEMORY]).setEnabled(False)
        self._hint(AnswerMode.MEMORY, NO_MEMORY)
        items.item(_ROWS[AnswerMode.QUOTES]).setText(FROM_PASSAGES[0])
        self._hint(AnswerMode.QUOTES, FROM_PASSAGES[1])
        self._has_memory = False
        self.set_mode(self.mode)

    def set_mode(self, mode: AnswerMode) -> None:
        """Choose a mode without telling anybody; what the model cannot do becomes what is nearest to it."""
        if mode is AnswerMode.MEMORY and not self._has_memory:
            mode = AnswerMode.QUOTES
        self.mode_box.blockSignals(True)
        self.mode_box.setCurrentIndex(_ROWS[mode])
        self.mode_box.blockSignals(False)
        self._show_mode_hint()

    def set_title(self, title: str) -> None:
        """The name of the chat on show."""
        shown = on_one_line(title)
        self.title.setText(shown or NEW_CHAT)
        set_tool_tip(self.title, shown)

    def set_answering(self, is_answering: bool) -> None:
        """While an answer runs, Send is Stop."""
        self._is_answering = is_answering
        self.send_button.setVisible(not is_answering)
        self.stop_button.setVisible(is_answering)
        self.stop_button.setEnabled(is_answering)
        self._on_text_changed()

    def set_unavailable(self) -> None:
        """Nothing can be asked in this run."""
        for part in (self.composer, self.chats_button, self.new_button):
            part.setEnabled(False)

    def set_stopping(self) -> None:
        """Stop was asked for; it follows within a second."""
        self.stop_button.setEnabled(False)

    def focus_question(self) -> None:
        """Put the keyboard where the question is typed."""
        self.question.setFocus(Qt.FocusReason.ShortcutFocusReason)

    # --- set-up ---------------------------------------------------------------------------------------------

    def _header(self) -> QHBoxLayout:
        self.title = ElidedLabel(NEW_CHAT, Qt.TextElideMode.ElideRight, self)
        self.title.setProperty("kind", "heading")
        self.title.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.chats_button = QToolButton(self)
        self.chats_button.setText("Chats  ▾")
        self.chats_button.setAccessibleName("Earlier chats")
        self.chats_button.setToolTip("Earlier chats")
        self.chats_button.clicked.connect(self._on_chats_clicked)
        self.new_button = QPushButton(NEW_CHAT, self)
        self.new_button.setAccessibleName(NEW_CHAT)
        self.new_button.setToolTip("Start a new chat (Ctrl+N)")
        self.new_button.clicked.connect(self.new_chat_requested)
        row = QHBoxLayout()
        row.setContentsMargins(MARGIN, 10, MARGIN, 10)
        row.addWidget(self.title, 1)
        row.addWidget(self.chats_button)
        row.addWidget(self.new_button)
        return row

    def _foot(self) -> QHBoxLayout:
        self.composer = QFrame(self)
        self.composer.setObjectName("composer")
        self.composer.setMaximumWidth(TEXT_WIDTH)
        self.question = QuestionEdit(self.composer)
        self.question.submitted.connect(self._submit)
        self.question.textChanged.connect(self._on_text_changed)
        self.question.focus_changed.connect(self._on_question_focus_changed)
        self.mode_box = ChoiceBox(self.composer)
        self.mode_box.setAccessibleName("How to answer")
        for mode, words, hint in MODES:
            self.mode_box.addItem(words, mode)
            self._hint(mode, hint)
        self.mode_box.currentIndexChanged.connect(self._on_mode_chosen)
        self.send_button = QPushButton("Send", self.composer)
        self.send_button.setProperty("kind", "primary")
        self.send_button.setAccessibleName("Send the question")
        self.send_button.clicked.connect(self._submit)
        self.stop_button = QPushButton("Stop", self.composer)
        self.stop_button.setAccessibleName("Stop the answer")
        self.stop_button.setToolTip("Stop the answer (Esc)")
        self.stop_button.clicked.connect(self.stop_requested)
        self.stop_button.hide()
        row = QHBoxLayout()
        row.addWidget(self.mode_box)
        row.addStretch(1)
        row.addWidget(self.send_button)
        row.addWidget(self.stop_button)
        inside = QVBoxLayout(self.composer)
        inside.setContentsMargins(12, 10, 10, 10)
        inside.setSpacing(8)
        inside.addWidget(self.question)
        inside.addLayout(row)
        foot = QHBoxLayout()
        foot.setContentsMargins(MARGIN, 8, MARGIN, MARGIN)
        foot.addStretch(1)
        foot.addWidget(self.composer, 1000)
        foot.addStretch(1)
        self._show_mode_hint()
        return foot

    # --- what happens ---------------------------------------------------------------------------------------

    def _submit(self) -> None:
        question = self.question.question()
        if not question or self._is_answering:
            return
        self.question.clear()
        self.question_asked.emit(question, self.mode)

    def _ask(self, question: str) -> None:
        if not self._is_answering:
            self.question_asked.emit(question, self.mode)

    def _on_text_changed(self) -> None:
        self.send_button.setEnabled(bool(self.question.question()) and not self._is_answering)

    def _on_rows_changed(self) -> None:
        has_rows = self._transcript.rowCount() > 0
        self.body.setCurrentWidget(self.transcript if has_rows else self.empty)

    def _on_chats_clicked(self) -> None:
        self.popup.drop_down_from(self.chats_button)

    def _on_mode_chosen(self, _row: int) -> None:
        self._show_mode_hint()
        self.mode_changed.emit(self.mode)

    def _show_mode_hint(self) -> None:
        set_tool_tip(self.mode_box, self._hints[self.mode])

    def _hint(self, mode: AnswerMode, hint: str) -> None:
        """Say what a mode does."""
        self._hints[mode] = hint
        self.mode_box.setItemData(_ROWS[mode], plain_tool_tip(hint), Qt.ItemDataRole.ToolTipRole)

    def _on_question_focus_changed(self, has_focus: bool) -> None:
        self.composer.setProperty("focused", has_focus)
        self.composer.style().unpolish(self.composer)
        self.composer.style().polish(self.composer)
