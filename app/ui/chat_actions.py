"""What the chat's buttons do: questions asked on the chat's lane, their events turned into the transcript."""

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from functools import partial
from typing import TYPE_CHECKING

from PySide6.QtCore import QObject, Signal

from app.services.answers import (
    AnswerEvent,
    AnswerFinished,
    AnswerRefused,
    AnswerStarted,
    AnswerText,
    RunningAnswer,
)
from app.ui.background import Background
from app.ui.chat_list import ChatListModel
from app.ui.deferred_services import DeferredServices
from app.ui.transcript_model import TranscriptModel
from engine.errors import UserFacing
from engine.messages import AnswerMode
from storage.records import ChatRecord, Role, SourceRecord, TurnRecord

if TYPE_CHECKING:  # imported later than the window is painted
    from app.services.chat_service import ChatService


@dataclass(slots=True)
class _Question:
    """The question that is being answered.

    Attributes:
        chat_id: None until a new chat is stored.
        running: None until the service has taken the question.
        must_stop: the user pressed Stop before that.
    """

    text: str
    mode: AnswerMode
    chat_id: int | None
    running: RunningAnswer | None = None
    must_stop: bool = False
    sources: tuple[SourceRecord, ...] = ()
    has_started: bool = False
    answer: list[str] = field(default_factory=list)


class ChatActions(QObject):
    """Asks, stops, and moves between chats. One question at a time. GUI thread only.

    Signals:
        answering_changed: a question was taken or is over. is_answering: which.
        chat_shown: another chat is on show. title: its title, empty for a new chat.
    """

    answering_changed = Signal(bool)
    chat_shown = Signal(str)

    def __init__(
        self,
        transcript: TranscriptModel,
        chats: ChatListModel,
        services: DeferredServices,
        lane: Background,
        publish: Callable[[object, AnswerEvent], None],
        parent: QObject | None = None,
    ) -> None:
        """Args: lane: where the service is called. publish: takes (token, event) on the chat's thread."""
        super().__init__(parent)
        self._transcript = transcript
        self._chats = chats
        self._services = services
        self._lane = lane
        self._publish = publish
        self._shown_chat: int | None = None
        self._question: _Question | None = None
        # The question whose answer is the transcript's last entry; None when another chat is on show.
        self._on_show: _Question | None = None

    @property
    def is_answering(self) -> bool:
        """Whether a question is on its way."""
        return self._question is not None

    @property
    def shown_chat_id(self) -> int | None:
        """The chat on show; None for one that is not stored yet."""
        return self._shown_chat

    # --- what the user does ---------------------------------------------------------------------------------

    def ask(self, text: str, mode: AnswerMode) -> None:
        """Ask in the chat on show; ignored while another question is answered."""
        if self._question is not None:
            return
        question = _Question(text, mode, self._shown_chat)
        self._question = question
        self._transcript.begin_question(text, mode)
        self._on_show = question
        self.answering_changed.emit(True)
        self._lane.run(
            partial(self._begin, question),
            partial(self._on_begun, question),
            partial(self._on_failed, question),
        )

    def stop(self) -> None:
        """Stop the running answer; its end follows as an event."""
        question = self._question
        if question is None:
            return
        question.must_stop = True
        if question.running is not None:
            self._lane.run(question.running.stop)

    def new_chat(self) -> None:
        """Show an empty chat; it is stored with its first question."""
        self._shown_chat = None
        self._on_show = None
        self._transcript.show(())
        self.chat_shown.emit("")

    def show_chat(self, chat: ChatRecord) -> None:
        """Show a stored chat."""
        self._shown_chat = chat.id
        self._on_show = None
        self.chat_shown.emit(chat.title)
        self._read_turns(chat.id)

    def refresh(self) -> None:
        """Read the chat on show anew: what it quotes may be forgotten now. Not while it is being answered."""
        if self._question is None:
            self._read_turns(self._shown_chat)

    def rename(self, chat: ChatRecord, title: str) -> None:
        """Give a chat another title."""
        self._lane.run(lambda: self._service().rename_chat(chat.id, title), self._on_list_changed)

    def delete(self, chat: ChatRecord) -> None:
        """Delete a chat; the user has confirmed it."""
        question = self._question
        if question is not None and question.chat_id == chat.id:
            self.stop()
        if self._shown_chat == chat.id:
            self.new_chat()
        self._lane.run(lambda: self._service().delete_chat(chat.id), self._on_list_changed)

    def reload_chats(self) -> None:
        """Read the list of chats."""
        self._lane.run(lambda: self._service().chats(), self._on_chats_read)

    # --- the running answer ---------------------------------------------------------------------------------

    def take_event(self, token: object, event: AnswerEvent) -> None:
        """What the bridge delivers. Events of a question that is over are ignored."""
        question = self._question
        if question is None or token is not question:
            return
        is_shown = self._on_show is question
        match event:
            case AnswerStarted(sources):
                question.sources = sources
                question.has_started = True
                if is_shown:
                    self._transcript.set_sources(sources)
            case AnswerText(text):
                question.answer.append(text)
                if is_shown:
                    self._transcript.append_text(text)
            case AnswerFinished(answer):
                if is_shown:
                    self._transcript.finish(answer.text, answer.sources, answer.facts, answer.stopped)
                self._end()
            case AnswerRefused(title, detail):
                if is_shown:
                    self._transcript.refuse(title, detail)
                self._end()

    def _begin(self, question: _Question) -> tuple[int, RunningAnswer]:
        """On the lane."""
        service = self._service()
        chat_id = question.chat_id
        if chat_id is None:
            chat_id = service.new_chat().id
        on_event = partial(self._publish, question)
        return chat_id, service.ask(chat_id, question.text, mode=question.mode, on_event=on_event)

    def _on_begun(self, question: _Question, begun: tuple[int, RunningAnswer]) -> None:
        chat_id, running = begun
        # The user may have moved to another chat meanwhile; only the transcript that asked gets the id.
        if self._on_show is question:
            self._shown_chat = chat_id
        question.chat_id = chat_id
        question.running = running
        if question.must_stop:
            self._lane.run(running.stop)
        self.reload_chats()

    def _on_failed(self, question: _Question, error: Exception) -> None:
        refused = AnswerRefused("The question could not be asked.")
        if isinstance(error, UserFacing):
            refused = AnswerRefused(error.title, error.detail)
        if self._question is question:
            self.take_event(question, refused)
        if not isinstance(error, UserFacing):
            self._lane.fail(error)

    def _end(self) -> None:
        question = self._question
        self._question = None
        if question is not None and self._on_show is not question and self._shown_chat == question.chat_id:
            # Its chat was opened again a moment ago, and was read before the answer was stored.
            self._read_turns(question.chat_id)
        self._on_show = None
        self.answering_changed.emit(False)
        self.reload_chats()

    def _service(self) -> "ChatService":
        """On the lane: a question asked before the services are open waits here for them."""
        return self._services.get().chat

    # --- reading --------------------------------------------------------------------------------------------

    def _read_turns(self, chat_id: int | None) -> None:
        if chat_id is not None:
            self._lane.run(lambda: self._service().turns(chat_id), partial(self._on_turns_read, chat_id))

    def _on_turns_read(self, chat_id: int, turns: Sequence[TurnRecord]) -> None:
        if chat_id != self._shown_chat:
            return
        question = self._question
        if question is None or question.chat_id != chat_id:
            self._transcript.show(turns)
            return
        # The answer still runs: show it below what is stored, as far as it is.
        is_stored = bool(turns) and turns[-1].role is Role.USER
        self._transcript.show(turns[:-1] if is_stored else turns)
        self._transcript.begin_question(question.text, question.mode)
        self._on_show = question
        if question.has_started:
            self._transcript.set_sources(question.sources)
        if question.answer:
            self._transcript.append_text("".join(question.answer))

    def _on_chats_read(self, chats: Sequence[ChatRecord]) -> None:
        self._chats.show(chats)
        title = next((chat.title for chat in chats if chat.id == self._shown_chat), None)
        if title is not None:
            self.chat_shown.emit(title)

    def _on_list_changed(self, _nothing: None) -> None:
        self.reload_chats()
