"""Questions and answers: one at a time, with the notes that are on at that moment, kept in their chat."""

import logging
import time
from collections.abc import Callable
from dataclasses import dataclass, replace

from app.services.answer_sets import gather, max_quotes, parts_of_documents
from app.services.answers import (
    AnswerEvent,
    AnswerFinished,
    AnswerRefused,
    AnswerStarted,
    RunningAnswer,
)
from app.services.confidence import Calibration
from app.services.current_question import CurrentQuestion, Question, facts_of
from app.services.library_events import DocumentsChanged, LibraryEvent, LibraryEvents
from app.services.message_loop import MessageLoop
from app.services.model_service import ModelOutcome, ModelsPrepared, ModelsRefused
from app.services.notices import NoticeBoard
from app.services.ports import ChatWorkerFactory
from app.services.settings import SettingsFile
from app.services.worker_supervisor import Phase, WorkerEvent, WorkerSupervisor
from engine.messages import (
    AnswerBegun,
    AnswerDone,
    AnswerFailed,
    AnswerMode,
    AnswerToken,
    Ask,
    ChatCommand,
    ChatEvent,
    StopAnswer,
    WarmParts,
    WorkerDied,
    WorkerFailed,
    WorkerReady,
)
from engine.models.messages import PreparedModels
from storage.catalog import Catalog
from storage.chats import Chats
from storage.errors import StorageError
from storage.imported_adapters import ImportedAdapters
from storage.records import AnswerFacts, ChatRecord, DocumentState, TurnRecord

logger = logging.getLogger(__name__)

STOP_PATIENCE_S = 5.0
"""A worker that does not stop an answer within this time is killed."""

WARM_PARTS = 120
"""At most this many adapters are prepared ahead at a time; more would push each other out of the cache."""

_NO_FACTS = AnswerFacts(0, 0, 0, 0.0, 0.0, "")


@dataclass(frozen=True, slots=True)
class _StopQuestion:
    running: RunningAnswer


@dataclass(frozen=True, slots=True)
class _ChatDeleted:
    chat_id: int


@dataclass(frozen=True, slots=True)
class _Warm:
    document_ids: tuple[int, ...]


_Message = Question | _StopQuestion | _ChatDeleted | ModelOutcome | _Warm | WorkerEvent[ChatEvent]


@dataclass(frozen=True, slots=True)
class Ablation:
    """What an evaluation leaves out of the answering, to measure what it is worth. Users get all of it.

    Attributes:
        is_ranked: whether only passages that fit the question take part, the best the strongest; otherwise
            all of them do, equally, however many there are.
        has_copy_bias: whether answers from memory prefer the words of the passages that take part.
    """

    is_ranked: bool = True
    has_copy_bias: bool = True


COMPLETE = Ablation()
"""Nothing is left out."""


class ChatService:
    """Asks the chat worker and keeps the turns.

    Public methods may be called on any thread and do not wait for the engine; everything else, listeners of
    answers included, runs on the thread "chat-dispatch".

    Args:
        prepare_models: called when a question needs the models and they could not be prepared before.
        is_eager: start the worker as soon as the models are there, not with the first question.
        ablation: what evaluations leave out.
        clock_s: monotonic seconds.
    """

    def __init__(
        self,
        *,
        catalog: Catalog,
        imported: ImportedAdapters,
        chats: Chats,
        settings: SettingsFile,
        events: LibraryEvents,
        notices: NoticeBoard,
        worker_factory: ChatWorkerFactory,
        prepare_models: Callable[[], None],
        is_eager: bool = True,
        ablation: Ablation = COMPLETE,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._catalog = catalog
        self._imported = imported
        self._chats = chats
        self._settings = settings
        self._events = events
        self._notices = notices
        self._is_eager = is_eager
        self._ablation = ablation
        self._clock_s = clock_s
        self._loop: MessageLoop[_Message] = MessageLoop(
            "chat-dispatch",
            step=self._step,
            wait_s=self._wait_s,
            on_storage_error=self._on_storage_error,
            at_end=self._shut_down,
        )
        self._worker: WorkerSupervisor[ChatCommand, ChatEvent] = WorkerSupervisor(
            "chat",
            factory=worker_factory,
            post=self._loop.post,
            prepare_models=prepare_models,
            events=events,
            notices=notices,
            clock_s=clock_s,
        )
        self._models: PreparedModels | None = None
        self._calibration: Calibration | None = None
        self._n_ctx = settings.current.n_ctx
        self._current: CurrentQuestion | None = None
        self._last_turn_id = 0
        self._to_warm: dict[int, None] = {}
        self._unsubscribe: Callable[[], None] = lambda: None

    # --- any thread ----------------------------------------------------------------------------------------

    def start(self) -> None:
        """Begin; questions wait until the models are there."""
        self._unsubscribe = self._events.subscribe(self._on_library_event)
        self._loop.start()

    def stop(self) -> None:
        """Stop the running answer and the worker. Waits at most about ten seconds."""
        self._unsubscribe()
        self._loop.stop()

    def take_models(self, outcome: ModelOutcome) -> None:
        """The models are there, and the worker is started; or questions are refused with the reason."""
        self._loop.post(outcome)

    def new_chat(self) -> ChatRecord:
        """Begin a chat."""
        return self._chats.create()

    def chats(self) -> tuple[ChatRecord, ...]:
        """All chats, the one used last first."""
        return self._chats.chats()

    def turns(self, chat_id: int) -> tuple[TurnRecord, ...]:
        """The turns of a chat in order."""
        return self._chats.turns(chat_id)

    def rename_chat(self, chat_id: int, title: str) -> None:
        """Give a chat another title."""
        self._chats.rename(chat_id, title)

    def delete_chat(self, chat_id: int) -> None:
        """Remove a chat; an answer that is on its way in it is stopped."""
        self._chats.delete(chat_id)
        self._loop.post(_ChatDeleted(chat_id))

    def ask(
        self,
        chat_id: int | None,
        question: str,
        *,
        mode: AnswerMode | None = None,
        on_event: Callable[[AnswerEvent], None] = lambda _event: None,
    ) -> RunningAnswer:
        """Ask a question. While another one is answered it is refused, in words for the user.

        Args:
            chat_id: where question and answer are kept; None keeps nothing.
            question: the user's words.
            mode: None takes the one in the settings. A model that no note was learnt for answers MEMORY as
                QUOTES, and the answer says so.
            on_event: told every AnswerEvent, on the thread "chat-dispatch".
        """
        running = RunningAnswer(on_event, lambda asked: self._loop.post(_StopQuestion(asked)))
        self._loop.post(Question(running, chat_id, question, mode or self._settings.current.mode))
        return running

    def _on_library_event(self, event: LibraryEvent) -> None:
        if isinstance(event, DocumentsChanged):
            self._loop.post(_Warm(event.ids))

    # --- the thread ----------------------------------------------------------------------------------------

    def _step(self, message: _Message | None) -> None:
        self._handle(message)
        self._advance()

    def _wait_s(self) -> float | None:
        waits = [self._worker.wait_s()]
        if self._current is not None and self._current.stop_sent_s is not None:
            waits.append(max(0.0, self._current.stop_sent_s + STOP_PATIENCE_S - self._clock_s()))
        return min((wait for wait in waits if wait is not None), default=None)

    def _on_storage_error(self, exc: StorageError, _is_news: bool) -> None:
        if self._current is not None:
            self._refuse(exc.title, exc.detail)
        else:
            self._notices.error(exc.title, "", exc.detail)

    def _shut_down(self) -> None:
        self._worker.stop()
        if self._current is not None and self._current.engine_turn_id is not None:
            self._finish(self._current.text, _NO_FACTS, stopped=True)
        self._refuse_rest()

    def _handle(self, message: _Message | None) -> None:
        match message:
            case Question():
                self._begin(message)
            case _StopQuestion(running=running):
                if self._current is not None and self._current.question.running is running:
                    self._stop_current(self._current)
            case _ChatDeleted(chat_id=chat_id):
                if self._current is not None and self._current.chat_id == chat_id:
                    self._current.chat_id = None
                    self._stop_current(self._current)
            case ModelsPrepared(settings=settings, models=models):
                self._models = models
                self._calibration = Calibration.load(models.weights_dir) if models.has_hypernetwork else None
                self._n_ctx = settings.n_ctx
                self._worker.prepare(settings)
            case ModelsRefused(title=title, detail=detail):
                self._worker.fail(title, detail)
            case _Warm(document_ids=ids):
                self._to_warm |= dict.fromkeys(ids)
            case WorkerEvent() as said:
                if self._worker.accept(said):
                    self._handle_event(said.event)

    def _advance(self) -> None:
        """Do whatever can be done now."""
        current = self._current
        if self._is_eager or current is not None:
            self._worker.start_if_allowed()
        if current is not None and current.stop_sent_s is not None:
            if self._clock_s() - current.stop_sent_s >= STOP_PATIENCE_S:
                logger.warning("The answer did not stop when asked; its worker is killed.")
                self._worker.kill()
                self._finish(current.text, _NO_FACTS, stopped=True)
        elif current is not None and current.engine_turn_id is None:
            if self._worker.phase is Phase.FAILED:
                self._refuse(*self._worker.failure)
            elif self._worker.phase is Phase.READY:
                self._send(current)
        elif current is None and self._worker.phase is Phase.READY:
            self._warm()

    def _begin(self, question: Question) -> None:
        if self._current is not None:
            question.running.tell(
                AnswerRefused(
                    "Another question is being answered.", "Wait for its answer, or stop it, and ask again."
                )
            )
            return
        if not question.text.strip():
            question.running.tell(AnswerRefused("There is no question.", "Type one and ask again."))
            return
        self._worker.reset_backoff()
        self._current = CurrentQuestion(question, question.chat_id)
        if question.chat_id is not None:
            self._chats.add_question(question.chat_id, question.text)

    def _send(self, current: CurrentQuestion) -> None:
        assert self._models is not None
        settings = self._settings.current
        if current.question.mode is AnswerMode.MEMORY and not self._models.has_hypernetwork:
            # There is no memory of the notes. What can be had is what a user wants: an answer from them.
            current.question = replace(current.question, mode=AnswerMode.QUOTES)
        question = current.question
        # Read now: a note that was switched off a moment ago must not take part.
        current.answer_set = gather(
            self._catalog,
            self._imported,
            question.text,
            mode=question.mode,
            budget=settings.max_active_chunks if self._ablation.is_ranked else None,
            models=self._models,
            max_quotes=max_quotes(self._n_ctx, settings.max_answer_tokens),
            has_copy_bias=self._ablation.has_copy_bias,
        )
        self._last_turn_id += 1
        current.engine_turn_id = self._last_turn_id
        question.running.tell(AnswerStarted(current.answer_set.sources))
        self._worker.send(
            Ask(
                turn_id=current.engine_turn_id,
                question=question.text,
                mode=question.mode,
                parts=current.answer_set.parts,
                quotes=current.answer_set.quotes,
                max_tokens=settings.max_answer_tokens,
                temperature=settings.temperature,
            )
        )

    def _stop_current(self, current: CurrentQuestion) -> None:
        if current.engine_turn_id is None:
            self._finish("", _NO_FACTS, stopped=True)
        elif current.stop_sent_s is None:
            current.stop_sent_s = self._clock_s()
            self._worker.send(StopAnswer(current.engine_turn_id))

    def _warm(self) -> None:
        if not self._to_warm or self._models is None:
            return
        documents = [self._catalog.document(id_) for id_ in self._to_warm]
        self._to_warm.clear()
        ready = [
            document.id
            for document in documents
            if document is not None and document.enabled and document.state is DocumentState.READY
        ]
        parts = parts_of_documents(self._catalog, self._imported, ready, self._models, WARM_PARTS)
        if parts:
            self._worker.send(WarmParts(parts))

    # --- what the worker says ------------------------------------------------------------------------------

    def _handle_event(self, event: ChatEvent | WorkerDied) -> None:
        if isinstance(event, WorkerReady):
            # A new process knows nothing: prepare the first notes of the library.
            self._to_warm |= dict.fromkeys(document.id for document in self._catalog.documents()[:WARM_PARTS])
            return
        current = self._current
        if current is None:
            return
        match event:
            case AnswerBegun(turn_id=current.engine_turn_id) as begun:
                current.check_fit(begun, self._calibration)
            case AnswerToken(turn_id=current.engine_turn_id, text=text):
                current.add(text)
            case AnswerDone(turn_id=current.engine_turn_id) as done:
                self._worker.succeeded()
                self._finish(done.text, facts_of(done), stopped=done.stopped)
            case AnswerFailed(turn_id=current.engine_turn_id, title=title, detail=detail):
                self._refuse(title, detail)
            case WorkerFailed(title=title, detail=detail):
                self._refuse(title, detail)
            case WorkerDied() if current.engine_turn_id is not None:
                self._refuse(
                    "The answer was interrupted.",
                    "The part of Loreleaf that answers stopped unexpectedly. Ask again.",
                )

    def _finish(self, text: str, facts: AnswerFacts, *, stopped: bool) -> None:
        current, self._current = self._current, None
        assert current is not None
        turn_id: int | None = None
        if current.chat_id is not None:
            try:
                turn = self._chats.add_answer(
                    current.chat_id,
                    current.said(text),
                    current.question.mode.value,
                    current.answer_set.sources,
                    facts,
                    stopped,
                )
                turn_id = turn.id
            except StorageError as exc:
                # The answer is there, only its place is not: show it all the same.
                logger.warning("An answer could not be kept.", exc_info=exc)
                self._notices.error(exc.title, "The answer could not be kept in its chat.", exc.detail)
        answer = current.answer(text, facts, turn_id, stopped=stopped)
        current.question.running.tell(AnswerFinished(answer))

    def _refuse(self, title: str, detail: str) -> None:
        current, self._current = self._current, None
        assert current is not None
        current.question.running.tell(AnswerRefused(title, detail))

    def _refuse_rest(self) -> None:
        """Nobody must wait for ever for an answer of a service that has ended."""
        waiting = [self._current.question] if self._current is not None else []
        self._current = None
        waiting += [message for message in self._loop.remaining() if isinstance(message, Question)]
        for question in waiting:
            question.running.tell(AnswerRefused("Loreleaf is closing.", "Ask again when it runs."))
