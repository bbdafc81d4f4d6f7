"""Answers questions: one Ask in, tokens and one AnswerDone or AnswerFailed out."""

import logging
import threading
import time
from collections.abc import Callable, Sequence
from typing import Self

from engine.adapters.composition import Composition
from engine.adapters.gguf_format import TENSOR_NAMES
from engine.adapters.latent_head import LatentHead
from engine.chat.adapter_sets import AdapterSets
from engine.chat.copy_bias import CopyBias
from engine.chat.prompt import build_prompt
from engine.chat.runtime import LlamaRuntime
from engine.chat.sampling import Sampling, log_probabilities
from engine.chat.threads import choose_threads
from engine.chat.token_automaton import PassageGraphs
from engine.errors import EngineError, InvalidAdapter, ModelUnavailable
from engine.formats.weights_file import hypernetwork_hash
from engine.messages import (
    AdapterPart,
    AnswerBegun,
    AnswerDone,
    AnswerFailed,
    AnswerMode,
    AnswerToken,
    Ask,
    Codec,
    EngineSettings,
    WorkerReady,
)
from engine.models.embedded import base_model_hash
from engine.prompt_frame import ABSENT, EMBEDDED, ChatForm, frame_for

logger = logging.getLogger(__name__)

_FLUSH_S = 0.03
"""Tokens are gathered this long into one event; the first one goes out at once."""

AnswerEvent = AnswerBegun | AnswerToken | AnswerDone | AnswerFailed


class ChatSession:
    """One runtime and its adapters. All but ``stop`` and ``close_soon`` belong to the constructing thread.

    Args:
        runtime: with the base model loaded.
        adaptation: what a hypernetwork brings; None where none is known, and no adapter is ever set.
        form: how the model is asked.
        ready: what the worker says about itself.
    """

    def __init__(
        self, runtime: LlamaRuntime, adaptation: "_Adaptation | None", form: ChatForm, ready: WorkerReady
    ) -> None:
        self._runtime = runtime
        self._adaptation = adaptation
        self._form = form
        self._turn_ends = frozenset(runtime.tokenize(form.turn_end, parse_special=True)[:1])
        self.ready = ready
        self._lock = threading.Lock()  # over the three below
        self._current_turn: int | None = None
        self._stopped_turns: set[int] = set()
        self._is_closing = False

    @classmethod
    def load(cls, settings: EngineSettings) -> Self:
        """Load base model and hypernetwork; about half a second.

        Raises:
            ModelUnavailable: one of them is missing, damaged, or they do not belong together.
        """
        if settings.form is not None:
            return cls._load_without_hypernetwork(settings, settings.form)
        n_threads = choose_threads(settings.n_threads)
        head = LatentHead.load(settings.weights_dir)
        base_hash = settings.base_hash or base_model_hash(settings.base_model)
        if head.config.base_model_hash not in ("", base_hash):
            detail = (
                f"The hypernetwork needs {head.config.base_model_hash}, {settings.base_model} is {base_hash}."
            )
            raise ModelUnavailable("The language model and the part that learns notes do not fit.", detail)
        runtime = LlamaRuntime(
            settings.base_model,
            n_ctx=settings.n_ctx,
            n_threads=n_threads,
            use_gpu=settings.device != "cpu",
        )
        try:
            _check_fit(head, runtime)
            device, reason = _describe_device(runtime, n_threads, settings.device)
            identity = settings.hypernetwork_hash or hypernetwork_hash(settings.weights_dir)
            ready = WorkerReady(device, reason, base_hash, identity)
            frame = frame_for(head.config.base_model)
            adaptation = _Adaptation(runtime, head, identity, knows_refusal=frame is EMBEDDED)
            return cls(runtime, adaptation, ChatForm(frame, frame), ready)
        except EngineError:
            runtime.close()
            raise

    @classmethod
    def _load_without_hypernetwork(cls, settings: EngineSettings, form: ChatForm) -> Self:
        n_threads = choose_threads(settings.n_threads)
        runtime = LlamaRuntime(
            settings.base_model,
            n_ctx=settings.n_ctx,
            n_threads=n_threads,
            use_gpu=settings.device != "cpu",
        )
        device, reason = _describe_device(runtime, n_threads, settings.device)
        ready = WorkerReady(device, reason, settings.base_hash, settings.hypernetwork_hash)
        return cls(runtime, None, form, ready)

    def close(self) -> None:
        """Free the models."""
        self._runtime.close()

    def warm(self, parts: Sequence[AdapterPart]) -> None:
        """Compute and keep the factors of these adapters, and their texts' graphs, while nobody waits."""
        if self._adaptation is None:
            return
        for part in parts:
            if part.text:
                self._adaptation.graphs.of(part.text)
        try:
            self._adaptation.sets.warm(parts)
        except InvalidAdapter as exc:
            # Nobody asked yet. Whoever asks with this note is told then.
            logger.warning("An adapter cannot be prepared: %s", exc)

    def stop(self, turn_id: int) -> None:
        """Stop the answer of this turn within a token, or as soon as it begins. Any thread."""
        with self._lock:
            self._stopped_turns.add(turn_id)
            if self._current_turn == turn_id:
                self._runtime.abort.turn(on=True)

    def close_soon(self) -> None:
        """Stop the running answer and every later one. Any thread."""
        with self._lock:
            self._is_closing = True
            self._runtime.abort.turn(on=True)

    def answer(self, ask: Ask, received_s: float, send: Callable[[AnswerEvent], None]) -> None:
        """Answer one question; the last event is AnswerDone or AnswerFailed.

        Args:
            ask: the question.
            received_s: ``time.perf_counter()`` at its arrival, where the wait for the first token begins.
            send: gets the events, in this thread.
        """
        self._begin(ask.turn_id)
        try:
            done = self._answer(ask, received_s, send)
        except InvalidAdapter as exc:
            self._forget_sets()
            if self._adaptation is not None:
                send(AnswerFailed(ask.turn_id, exc.title, exc.detail))
            else:
                detail = "It computes numbers that are not finite. Choose another one."
                send(AnswerFailed(ask.turn_id, "The language model is damaged.", detail))
        except EngineError as exc:
            send(AnswerFailed(ask.turn_id, exc.title, exc.detail))
        except MemoryError:
            self._forget_sets()
            title = "There is not enough memory for this answer."
            send(AnswerFailed(ask.turn_id, title, "Close other programs, or let fewer notes take part."))
        else:
            send(done)
        finally:
            self._end(ask.turn_id)
            # Now, while nobody waits: it zeroes the whole window, and the next question needs it empty.
            self._runtime.clear_memory()

    def _answer(self, ask: Ask, received_s: float, send: Callable[[AnswerEvent], None]) -> AnswerDone:
        quotes = ask.quotes if ask.mode is AnswerMode.QUOTES else ()
        parts = ask.parts if ask.mode is not AnswerMode.PLAIN else ()
        frame = self._form.quotes if quotes else self._form.plain
        prompt = build_prompt(self._runtime, ask.question, quotes, n_ctx=self._runtime.n_ctx, frame=frame)
        adaptation = self._adaptation
        rank = adaptation.sets.apply(parts, has_quotes=bool(quotes)) if adaptation is not None else 0
        outbox = _Outbox(lambda text: send(AnswerToken(ask.turn_id, text)))
        n_tokens, first_s, last_s = 0, received_s, received_s
        for piece in self._runtime.generate(
            prompt,
            Sampling(ask.temperature),
            ask.max_tokens,
            never_first=adaptation.refusal(parts) if adaptation is not None else None,
            copy_bias=self._copy_bias(ask),
            ends=self._turn_ends,
        ):
            last_s = time.perf_counter()
            if n_tokens == 0:
                first_s = last_s
            if piece.logits is not None and piece.token is not None and adaptation is not None:
                logprobs = log_probabilities(piece.logits, (piece.token, adaptation.absent_token))
                send(AnswerBegun(ask.turn_id, *logprobs))
            n_tokens += 1 if piece.token is not None else 0
            outbox.put(piece.text, last_s)
        outbox.flush()
        return AnswerDone(
            turn_id=ask.turn_id,
            text=outbox.text,
            prompt_tokens=len(prompt),
            completion_tokens=n_tokens,
            adapter_rank=rank,
            first_token_s=first_s - received_s,
            tokens_per_s=(n_tokens - 1) / (last_s - first_s) if n_tokens > 1 and last_s > first_s else 0.0,
            stopped=self._runtime.abort.is_on,
            device=self.ready.device,
        )

    def _copy_bias(self, ask: Ask) -> CopyBias | None:
        """What an answer from memory prefers; the words of quotes are before the model's eyes."""
        active = (part for part in ask.parts if part.text and part.weight > 0)
        by_weight = sorted(active, key=lambda part: -part.weight)
        if self._adaptation is None or ask.mode is not AnswerMode.MEMORY or not by_weight:
            return None
        graphs = (self._adaptation.graphs.of(part.text) for part in by_weight)
        return CopyBias(graphs, ends=self._runtime.ends, n_vocab=self._runtime.n_vocab)

    def _forget_sets(self) -> None:
        if self._adaptation is not None:
            self._adaptation.sets.forget()

    def _begin(self, turn_id: int) -> None:
        with self._lock:
            self._current_turn = turn_id
            self._runtime.abort.turn(on=self._is_closing or turn_id in self._stopped_turns)

    def _end(self, turn_id: int) -> None:
        with self._lock:
            self._current_turn = None
            self._stopped_turns.discard(turn_id)
            self._runtime.abort.turn(on=self._is_closing)


class _Adaptation:
    """What a hypernetwork brings to a model: adapter sets, the notes' words, and a way to say “not there”.

    Attributes:
        sets: adapters, applied together.
        graphs: of the passages' words.
        absent_token: with which engine.prompt_frame.ABSENT begins.
    """

    def __init__(
        self, runtime: LlamaRuntime, head: LatentHead, hypernetwork_hash: str, *, knows_refusal: bool
    ) -> None:
        self.sets = AdapterSets(runtime, Composition(head, hypernetwork_hash))
        self.graphs = PassageGraphs(runtime)
        self.absent_token = runtime.tokenize(ABSENT, parse_special=False)[0]
        self._knows_refusal = knows_refusal

    def refusal(self, parts: Sequence[AdapterPart]) -> int | None:
        """The token that no answer begins with, when these adapters are set; None if any may.

        A refusal is reported as a probability, and the best guess is generated: the app says that it is one.
        """
        has_notes = any(part.codec is not Codec.LORA_F16 for part in parts)  # the others are imported
        return self.absent_token if self._knows_refusal and has_notes else None


class _Outbox:
    """Gathers text for a moment, so that one event carries several tokens."""

    def __init__(self, say: Callable[[str], None]) -> None:
        self._say = say
        self._waiting: list[str] = []
        self._said: list[str] = []
        self._flushed_s = 0.0

    @property
    def text(self) -> str:
        """Everything said so far."""
        return "".join(self._said)

    def put(self, text: str, now_s: float) -> None:
        """Take the next text; it goes out when the last event is old enough."""
        self._waiting.append(text)
        if now_s - self._flushed_s >= _FLUSH_S:
            self.flush()
            self._flushed_s = now_s

    def flush(self) -> None:
        """Send what waits, if it is anything."""
        text = "".join(self._waiting)
        self._waiting.clear()
        if text:
            self._said.append(text)
            self._say(text)


def _check_fit(head: LatentHead, runtime: LlamaRuntime) -> None:
    target, config = runtime.target, head.config
    ours = {TENSOR_NAMES.get(m.name, m.name): (m.d_in, m.d_out) for m in config.target_modules}
    theirs = {name: target.modules.get(name) for name in ours}
    if config.n_layers != target.n_layers or ours != theirs:
        detail = f"Made for {config.n_layers} layers of {ours}, the model has {target.n_layers} of {theirs}."
        raise ModelUnavailable("The language model and the part that learns notes do not fit.", detail)


def _describe_device(runtime: LlamaRuntime, n_threads: int, wished: str) -> tuple[str, str]:
    """Device and reason, for people."""
    if runtime.uses_gpu:
        return "GPU", "this build of llama.cpp supports it"
    reason = "as set" if wished == "cpu" else "this build of llama.cpp supports no GPU"
    return f"CPU, {n_threads} thread{'s' if n_threads > 1 else ''}", reason
