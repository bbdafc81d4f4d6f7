"""llama.cpp, low level: one base model, one context, at most a few loaded adapters of which one is set.

Two rules hold everywhere here, because breaking them is silent or fatal (both measured):

- An adapter is unset before it is freed. Free-while-set is a segmentation fault, even if another is set next.
- The memory (KV cache) is cleared *with its data* whenever the set changes. Otherwise answers are computed
  from the states of the previous adapter; and after NaN, clearing the bookkeeping alone keeps the NaN.
"""

import codecs
import ctypes
import threading
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Self

import numpy as np
from numpy.typing import NDArray

from engine.adapters.gguf_validation import validate_adapter
from engine.chat import llama_library
from engine.chat.copy_bias import CopyBias
from engine.chat.llama_library import AbortSwitch, AdapterPointer, Pointer, llama_cpp
from engine.chat.sampling import Sampler, Sampling
from engine.chat.template_tokens import TemplateTokens
from engine.errors import EngineError, InvalidAdapter, ModelUnavailable
from engine.models.base_geometry import AdapterTarget, read_target

_SLICE_TOKENS = 256
"""Prompt tokens per decode: where the abort switch does nothing (GPUs), a stop is noticed after this many."""
_ABORTED = 2
"""llama_decode's return code when the abort switch was on."""
_META_BYTES = 256


class AnswerStopped(Exception):
    """The abort switch is on. Not an error: the user wished it."""


class QuestionTooLong(EngineError):
    """The prompt does not fit the model's window."""


@dataclass(frozen=True, eq=False)
class LoadedAdapter:
    """An adapter inside llama.cpp; known by identity.

    Attributes:
        rank: of the set.
        size_bytes: of its file.
    """

    pointer: AdapterPointer
    rank: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class Piece:
    """One generated token.

    Attributes:
        token: its number; None for text left over after the last one.
        text: what became readable by it: whole characters, often empty or several at once.
        logits: (n_vocab,) what it was chosen by, of an answer's first token only.
    """

    token: int | None
    text: str
    logits: NDArray[np.float32] | None = None


class LlamaRuntime:
    """The chat process's llama.cpp. Only ``abort`` may be used from other threads than the one that made it.

    Args:
        path: GGUF of the base model; mapped into memory, not read.
        n_ctx: window in tokens, cut to what the model was trained for.
        n_threads: CPU threads.
        use_gpu: let llama.cpp put all layers on a GPU if its build has one.

    Raises:
        ModelUnavailable: the file is missing, damaged or of an unsupported kind, or memory is short.
    """

    def __init__(self, path: Path, *, n_ctx: int, n_threads: int, use_gpu: bool = False) -> None:
        llama_library.check_library()
        llama_library.install_log()
        llama_library.forget_errors()
        self._thread = threading.get_ident()
        self.abort = AbortSwitch()
        self._model = Pointer(0)
        self._context = Pointer(0)
        self._set_adapter: LoadedAdapter | None = None
        self._loaded: set[LoadedAdapter] = set()
        self._is_clean = True
        llama_cpp.llama_backend_init()
        self.uses_gpu = use_gpu and bool(llama_cpp.llama_supports_gpu_offload())
        try:
            self._open(path, n_ctx, n_threads)
        except ModelUnavailable:
            self.close()
            raise

    def _open(self, path: Path, n_ctx: int, n_threads: int) -> None:
        if not path.is_file():
            raise ModelUnavailable("The language model is missing.", f"{path} does not exist.")
        model_params = llama_cpp.llama_model_default_params()
        model_params.n_gpu_layers = -1 if self.uses_gpu else 0
        model_params.use_mmap = True
        self._model = llama_cpp.llama_model_load_from_file(str(path).encode(), model_params)
        if not self._model:
            reason = llama_library.explain_failure()
            raise ModelUnavailable("The language model cannot be loaded.", f"{path}: {reason}.")
        self._vocab = llama_cpp.llama_model_get_vocab(self._model)
        self._n_vocab = int(llama_cpp.llama_vocab_n_tokens(self._vocab))
        params = llama_cpp.llama_context_default_params()
        n_ctx_trained = int(llama_cpp.llama_model_n_ctx_train(self._model))
        if n_ctx_trained < 1:
            raise ModelUnavailable("The language model cannot be used.", f"{path} has a window of 0 tokens.")
        params.n_ctx = min(n_ctx, n_ctx_trained)
        params.n_batch = params.n_ubatch = min(_SLICE_TOKENS, params.n_ctx)
        params.n_threads = params.n_threads_batch = n_threads
        params.no_perf = True
        self._context = llama_cpp.llama_init_from_model(self._model, params)
        if not self._context:
            reason = llama_library.explain_failure()
            raise ModelUnavailable("There is not enough memory for the language model.", f"{reason}.")
        self.n_ctx = int(llama_cpp.llama_n_ctx(self._context))
        self._memory = llama_cpp.llama_get_memory(self._context)
        self.abort.attach(self._context)
        self._warm_up()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self.close()

    def close(self) -> None:
        """Give everything back to the system; the object is then of no further use."""
        if self._context:
            llama_cpp.llama_free(self._context)
            self._context = Pointer(0)
        if self._model:
            llama_cpp.llama_model_free(self._model)  # frees its adapters too
            self._model = Pointer(0)
        self._loaded.clear()
        self._set_adapter = None

    # --- text and tokens

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        """Tokens of ``text``, without a start token.

        Args:
            text: lone surrogates are replaced.
            parse_special: whether ``<|im_end|>`` and the like become control tokens. Never for a user's text.
        """
        self._check_thread()
        data = text.encode("utf-8", errors="replace")
        capacity = len(data) + 1
        buffer = (llama_cpp.llama_token * capacity)()
        n = llama_cpp.llama_tokenize(self._vocab, data, len(data), buffer, capacity, False, parse_special)
        if n < 0:
            raise RuntimeError(f"{-n} tokens for {len(data)} bytes")
        return list(buffer[:n])

    def piece_of(self, token: int) -> bytes:
        """The bytes a token stands for: often a part of a character; nothing for control tokens."""
        buffer = ctypes.create_string_buffer(_META_BYTES)
        n = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, False)
        if n < 0:
            buffer = ctypes.create_string_buffer(-n)
            n = llama_cpp.llama_token_to_piece(self._vocab, token, buffer, len(buffer), 0, False)
        return buffer.raw[:n]

    @property
    def n_vocab(self) -> int:
        """Number of logits."""
        return self._n_vocab

    @property
    def ends(self) -> frozenset[int]:
        """Tokens with which the model ends its turn, or a text."""
        ends = (llama_cpp.llama_vocab_eos(self._vocab), llama_cpp.llama_vocab_eot(self._vocab))
        return frozenset(token for token in ends if token >= 0)

    @property
    def template_tokens(self) -> TemplateTokens:
        """What the model's chat template is written with; looks at the whole vocabulary, some 50 ms."""
        vocab = self._vocab
        is_control = llama_cpp.llama_vocab_is_control
        return TemplateTokens(
            bos=self._text_of(llama_cpp.llama_vocab_bos(vocab)),
            eos=self._text_of(llama_cpp.llama_vocab_eos(vocab)),
            needs_bos=bool(llama_cpp.llama_vocab_get_add_bos(vocab)),
            control=frozenset(self._text_of(n) for n in range(self._n_vocab) if is_control(vocab, n)),
        )

    def _text_of(self, token: int) -> str:
        text = llama_cpp.llama_vocab_get_text(self._vocab, token) if token >= 0 else None
        return text.decode("utf-8", errors="replace") if text is not None else ""

    # --- adapters

    @cached_property
    def target(self) -> AdapterTarget:
        """What adapters must fit.

        Raises:
            ModelUnavailable: the model's file does not say it, as those of some architectures.
        """
        return read_target(self._metadata)

    def load_adapter(self, data: NDArray[np.uint8]) -> LoadedAdapter:
        """Check an adapter file and load it; it has no effect until it is set.

        Raises:
            InvalidAdapter: the validator or llama.cpp refuses it.
        """
        self._check_thread()
        rank = validate_adapter(data, self.target)
        llama_library.forget_errors()
        pointer = llama_library.load_adapter(self._model, data)
        if pointer is None:
            reason = llama_library.explain_failure()
            raise InvalidAdapter("A note's memory could not be loaded.", f"{reason}.")
        adapter = LoadedAdapter(pointer, rank, data.nbytes)
        self._loaded.add(adapter)
        return adapter

    def set_adapter(self, adapter: LoadedAdapter | None) -> None:
        """Make ``adapter`` the only one that takes part; None: the base model alone.

        Setting what is set already costs nothing and keeps the memory.
        """
        self._check_thread()
        if adapter is self._set_adapter:
            return
        if adapter is not None and adapter not in self._loaded:
            raise ValueError("the adapter was freed")
        llama_cpp.llama_set_adapters_lora(self._context, None, 0, None)
        self._set_adapter = None
        self.clear_memory()
        if adapter is not None:
            pointers = (llama_cpp.llama_adapter_lora_p_ctypes * 1)(adapter.pointer)
            scales = (ctypes.c_float * 1)(1.0)
            code = llama_cpp.llama_set_adapters_lora(self._context, pointers, 1, scales)
            if code != 0:
                raise RuntimeError(f"llama_set_adapters_lora returned {code}")
            self._set_adapter = adapter

    def free_adapter(self, adapter: LoadedAdapter) -> None:
        """Unload an adapter; unset first if it is set."""
        self._check_thread()
        if adapter is self._set_adapter:
            self.set_adapter(None)
        self._loaded.remove(adapter)
        llama_cpp.llama_adapter_lora_free(adapter.pointer)

    def clear_memory(self) -> None:
        """Forget all tokens read so far, and zero their states; does nothing when that is done already.

        Zeroing takes some 10 ms at a window of 4096 tokens, so it is best done right after an answer.
        """
        self._check_thread()
        if not self._is_clean:
            llama_cpp.llama_memory_clear(self._memory, True)
            self._is_clean = True

    # --- computing

    def read_prompt(self, tokens: Sequence[int]) -> NDArray[np.float32]:
        """Read a whole prompt into an empty memory.

        Returns:
            Logits of the next token (n_vocab,), a copy.

        Raises:
            QuestionTooLong: it does not leave room for one token.
            AnswerStopped: the abort switch is on.
            InvalidAdapter: the logits are not finite.
        """
        if not tokens:
            raise ValueError("an empty prompt")
        if len(tokens) >= self.n_ctx:
            detail = f"It has {len(tokens)} tokens; the model reads at most {self.n_ctx - 1}."
            raise QuestionTooLong("The question is too long.", detail)
        self.clear_memory()
        for first in range(0, len(tokens), _SLICE_TOKENS):
            self._decode(tokens[first : first + _SLICE_TOKENS])
        return self._logits()

    def generate(
        self,
        prompt: Sequence[int],
        sampling: Sampling,
        max_tokens: int,
        *,
        never_first: int | None = None,
        copy_bias: CopyBias | None = None,
        ends: frozenset[int] = frozenset(),
    ) -> Iterator[Piece]:
        """Answer a prompt, token by token, until the model ends its turn, ``max_tokens`` or the window's end.

        The abort switch ends it within one token, without an error; half a character is then dropped.

        Args:
            never_first: a token that no answer begins with.
            copy_bias: what to prefer; the pieces' logits are those without it.
            ends: further tokens with which the model ends its turn.

        Raises:
            QuestionTooLong: the prompt does not fit the window.
            InvalidAdapter: the logits are not finite; the memory is clean again.
        """
        sampler = Sampler(sampling)
        decoder = codecs.getincrementaldecoder("utf-8")(errors="replace")
        n_left = min(max_tokens, self.n_ctx - len(prompt))
        is_first = True
        try:
            logits = self.read_prompt(prompt)
            while n_left > 0 and not self.abort.is_on:
                choice = _without(logits, never_first) if is_first else logits
                token = sampler.choose(copy_bias.prefer(choice) if copy_bias else choice)
                if copy_bias:
                    copy_bias.take(token)
                if token in ends or llama_cpp.llama_vocab_is_eog(self._vocab, token):
                    break
                n_left -= 1
                yield Piece(token, decoder.decode(self.piece_of(token)), logits if is_first else None)
                is_first = False
                if n_left > 0:
                    self._decode([token])
                    logits = self._logits()
        except AnswerStopped:
            return
        if not self.abort.is_on and (rest := decoder.decode(b"", final=True)):
            # The answer ended inside a character: said once, as U+FFFD, so that the text is not cut unseen.
            yield Piece(None, rest)

    def _decode(self, tokens: Sequence[int]) -> None:
        self._check_thread()
        if self.abort.is_on:
            raise AnswerStopped
        self._is_clean = False
        buffer = (llama_cpp.llama_token * len(tokens))(*tokens)
        with llama_library.explaining_decode(self.abort):
            code = llama_cpp.llama_decode(self._context, llama_cpp.llama_batch_get_one(buffer, len(tokens)))
        if code == _ABORTED:
            raise AnswerStopped
        if code != 0:
            raise RuntimeError(f"llama_decode returned {code}: {llama_library.explain_failure()}")

    def _logits(self) -> NDArray[np.float32]:
        pointer = llama_cpp.llama_get_logits_ith(self._context, -1)
        if not pointer:
            raise RuntimeError("llama.cpp computed no logits")
        logits: NDArray[np.float32] = np.ctypeslib.as_array(pointer, shape=(self._n_vocab,)).copy()
        if not np.isfinite(logits).all():
            # Huge but finite factors pass the validator. Only zeroing the memory heals later answers.
            self.clear_memory()
            detail = "With it, the model computes numbers that are not finite. Learn the note again."
            raise InvalidAdapter("A note's memory is damaged.", detail)
        return logits

    def _warm_up(self) -> None:
        # The first decode reserves buffers and reads the weights from disk: done before anybody waits.
        self._decode([0])
        self.clear_memory()

    def _metadata(self, key: str) -> str | None:
        buffer = ctypes.create_string_buffer(_META_BYTES)
        n = llama_cpp.llama_model_meta_val_str(self._model, key.encode(), buffer, len(buffer))
        # Cut to the buffer's size, maybe inside a character.
        return None if n < 0 else buffer.value.decode("utf-8", errors="replace")

    def _check_thread(self) -> None:
        # Two threads in one context abort the process (measured), so this must never be found out that way.
        if threading.get_ident() != self._thread:
            raise RuntimeError("the runtime belongs to the thread that made it")


def _without(logits: NDArray[np.float32], token: int | None) -> NDArray[np.float32]:
    """Logits that never let a token be chosen; (n_vocab,), a copy if there is one."""
    if token is None:
        return logits
    changed = logits.copy()
    changed[token] = np.finfo(np.float32).min
    return changed
