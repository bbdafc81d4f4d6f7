"""How a question and an answer look in the transcript."""

from collections.abc import Sequence

from PySide6.QtCore import QSize, Qt, Signal
from PySide6.QtGui import QGuiApplication
from PySide6.QtWidgets import QFrame, QHBoxLayout, QPushButton, QSizePolicy, QVBoxLayout, QWidget

from app.ui.answer_text import AnswerText
from app.ui.plain_text import PlainLabel
from app.ui.source_view import SourceView
from app.ui.transcript_model import EntryState, TranscriptEntry
from engine.messages import AnswerMode
from storage.records import AnswerFacts, SourceRecord
from storage.titles import on_one_line

BUBBLE_WIDTH = 520
"""A question's bubble is at most this wide, in device-independent pixels."""

CURSOR = " ▍"
"""Stands behind the last word while more are to come."""


def facts_in_words(facts: AnswerFacts) -> str:
    """The line under an answer. Every number has its unit; a speed of nothing is left out.

    An answer that was stopped before the engine looked at it has no facts.
    """
    if not facts.prompt_tokens:
        return ""
    parts = [
        f"{facts.prompt_tokens:,} prompt tokens",
        f"adapter rank {facts.adapter_rank}" if facts.adapter_rank else "no adapter",
        f"first word after {facts.first_token_s:.2f} s",
    ]
    if facts.tokens_per_s > 0:
        parts.append(f"{facts.tokens_per_s:.1f} tokens/s")
    if facts.device:
        parts.append(facts.device)
    return "  ·  ".join(parts)


def waiting_words(entry: TranscriptEntry) -> str:
    """What an answer says before its first word."""
    if entry.state is EntryState.WAITING:
        return "Thinking…" if entry.mode == AnswerMode.PLAIN else "Finding the notes that matter…"
    titles = list(dict.fromkeys(on_one_line(source.document) for source in entry.sources))
    if not titles:
        return "Thinking…"
    verb = "Reading" if entry.mode == AnswerMode.QUOTES else "Remembering"
    shown = ", ".join(titles[:3])
    rest = f" and {len(titles) - 3} more" if len(titles) > 3 else ""
    return f"{verb} {shown}{rest}…"


def passages_by_note(sources: Sequence[SourceRecord]) -> tuple[tuple[SourceRecord, ...], ...]:
    """The passages of each note, the strongest first; the note with the greatest share first.

    A note takes part with several passages more often than not: naming it once is enough.
    """
    notes: dict[str, list[SourceRecord]] = {}
    for source in sorted(sources, key=lambda source: -source.weight):
        notes.setdefault(source.path, []).append(source)
    shares = {path: sum(passage.weight for passage in passages) for path, passages in notes.items()}
    return tuple(tuple(notes[path]) for path in sorted(notes, key=lambda path: -shares[path]))


class BubbleText(PlainLabel):
    """Plain text as wide as its longest line, up to BUBBLE_WIDTH; wraps when there is less room."""

    def __init__(self, text: str, parent: QWidget) -> None:
        super().__init__(text, parent)
        self.setWordWrap(True)
        self.setTextInteractionFlags(
            Qt.TextInteractionFlag.TextSelectableByMouse | Qt.TextInteractionFlag.TextSelectableByKeyboard
        )

    def sizeHint(self) -> QSize:
        """The longest line's width."""
        longest = max(self.fontMetrics().horizontalAdvance(line) for line in self.text().split("\n"))
        width = min(longest + 4, BUBBLE_WIDTH)
        return QSize(width, self.heightForWidth(width))

    def minimumSizeHint(self) -> QSize:
        """A few words a line."""
        return QSize(min(120, self.sizeHint().width()), self.fontMetrics().height())


class QuestionView(QWidget):
    """A question: a bubble at the right."""

    def __init__(self, entry: TranscriptEntry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        bubble = QFrame(self)
        bubble.setObjectName("questionBubble")
        text = BubbleText(entry.text, bubble)
        text.setAccessibleName("Your question")
        inside = QVBoxLayout(bubble)
        inside.setContentsMargins(14, 9, 14, 9)
        inside.addWidget(text)
        layout = QHBoxLayout(self)
        layout.setContentsMargins(48, 0, 0, 0)
        layout.addStretch(1)
        layout.addWidget(bubble)

    def show_entry(self, entry: TranscriptEntry) -> None:
        """Questions do not change."""


class AnswerView(QWidget):
    """An answer: its words, then its sources, then its facts. Grows while it streams.

    Signals:
        retry_requested: the user wants the question of a refused answer asked again.
    """

    retry_requested = Signal()

    def __init__(self, entry: TranscriptEntry, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self._shown_sources: tuple[SourceRecord, ...] = ()
        self.waiting = PlainLabel(parent=self)
        self.waiting.setProperty("kind", "muted")
        self.waiting.setWordWrap(True)
        self.text = AnswerText(self)
        self.text.setAccessibleName("Answer")
        self.refusal = PlainLabel(parent=self)
        self.refusal.setProperty("kind", "bad")
        self.refusal.setWordWrap(True)
        self.refusal_detail = PlainLabel(parent=self)
        self.refusal_detail.setProperty("kind", "muted")
        self.refusal_detail.setWordWrap(True)
        self.remark = PlainLabel(parent=self)
        self.remark.setProperty("kind", "muted")
        self.facts = PlainLabel(parent=self)
        self.facts.setProperty("kind", "facts")
        self.facts.setWordWrap(True)
        self.facts.setAccessibleName("Facts about this answer")
        self.facts.setSizePolicy(QSizePolicy.Policy.Expanding, QSizePolicy.Policy.Preferred)
        self.copy_button = _link("Copy", "Copy this answer", self)
        self.copy_button.clicked.connect(self._on_copy_clicked)
        self.retry_button = _link("Ask again", "Ask this question again", self)
        self.retry_button.clicked.connect(self.retry_requested)

        self._sources = QVBoxLayout()
        self._sources.setContentsMargins(0, 6, 0, 0)
        self._sources.setSpacing(6)
        foot = QHBoxLayout()
        foot.setContentsMargins(0, 2, 0, 0)
        foot.addWidget(self.facts, 1)
        foot.addWidget(self.copy_button, 0, Qt.AlignmentFlag.AlignTop)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(4)
        for widget in (self.waiting, self.text, self.refusal, self.refusal_detail):
            layout.addWidget(widget)
        layout.addWidget(self.retry_button, 0, Qt.AlignmentFlag.AlignLeft)
        layout.addWidget(self.remark)
        layout.addLayout(self._sources)
        layout.addLayout(foot)
        self.show_entry(entry)

    @property
    def source_views(self) -> tuple[SourceView, ...]:
        """The notes on show, the one with the greatest share first."""
        return tuple(self.findChildren(SourceView, options=Qt.FindChildOption.FindDirectChildrenOnly))

    def show_entry(self, entry: TranscriptEntry) -> None:
        """Bring everything in line with ``entry``."""
        is_refused = entry.state is EntryState.REFUSED
        is_over = entry.state in {EntryState.COMPLETE, EntryState.STOPPED}
        is_waiting = entry.state in {EntryState.WAITING, EntryState.RECALLING}
        self._say(self.waiting, waiting_words(entry) if is_waiting else "")
        self._say(self.refusal, entry.text if is_refused else "")
        self._say(self.refusal_detail, entry.detail if is_refused else "")
        self.retry_button.setVisible(is_refused)
        cursor = CURSOR if entry.state is EntryState.STREAMING else ""
        self.text.show_markdown("" if is_refused else entry.text + cursor)
        self.text.setVisible(bool(entry.text) and not is_refused)
        self._say(self.remark, _remark(entry) if is_over else "")
        self._say(self.facts, facts_in_words(entry.facts) if entry.facts and is_over else "")
        self.copy_button.setVisible(is_over and bool(entry.text))
        sources = () if is_refused or is_waiting else entry.sources
        if sources != self._shown_sources:
            self._show_sources(sources)

    def _show_sources(self, sources: tuple[SourceRecord, ...]) -> None:
        self._shown_sources = sources
        for view in self.source_views:
            self._sources.removeWidget(view)
            view.deleteLater()
        for passages in passages_by_note(sources):
            self._sources.addWidget(SourceView(passages, self))

    def _on_copy_clicked(self) -> None:
        QGuiApplication.clipboard().setText(self.text.text)

    @staticmethod
    def _say(label: PlainLabel, words: str) -> None:
        label.setText(words)
        label.setVisible(bool(words))


def _remark(entry: TranscriptEntry) -> str:
    if entry.state is EntryState.STOPPED:
        return "You stopped this answer." if entry.text else "You stopped before the first word."
    if entry.mode == AnswerMode.PLAIN:
        return "Answered without your notes."
    if not entry.sources:
        return "None of your notes took part."
    return ""


def _link(text: str, accessible_name: str, parent: QWidget) -> QPushButton:
    button = QPushButton(text, parent)
    button.setProperty("kind", "link")
    button.setAccessibleName(accessible_name)
    return button
