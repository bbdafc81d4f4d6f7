"""What the GUI process and the two worker processes say to each other.

Frozen dataclasses, pickled over a pipe. This module must stay free of torch, numpy and llama_cpp: the GUI
process imports it.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engine.prompt_frame import ChatForm

NO_HYPERNETWORK = "none"
"""In place of a hypernetwork's hash, where notes are divided into passages and not learnt."""

_SHOWN_CHARS = 300
"""Of what a process said last."""


class AnswerMode(StrEnum):
    """How an answer may use the notes."""

    MEMORY = "memory"
    """Adapters alone; no note text in the prompt."""
    QUOTES = "quotes"
    """Adapters, and the retrieved passages in the prompt."""
    PLAIN = "plain"
    """The base model alone."""


class Codec(StrEnum):
    """How the bytes of one chunk's adapter, or of an imported one, are to be read."""

    LATENTS_F16 = "latents-f16"
    """Unit latents u, little-endian float16, C order, (n_layers, rank, d_latent)."""
    LORA_F16 = "lora-f16"
    """LoRA factors that were made elsewhere; see engine.adapters.lora_f16. They belong to no hypernetwork."""
    NONE = "none"
    """No adapter: a passage that can be searched and quoted."""


# --- ingest worker: commands --------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class EngineSettings:
    """What a worker process needs to know at its start.

    Attributes:
        base_model: path of the F16 GGUF of the base model.
        weights_dir: folder with ``config.json`` and ``hypernetwork.safetensors``.
        device: "auto", "cpu", "cuda" or "mps".
        n_threads: CPU threads for torch or llama.cpp; None lets the engine choose.
        n_ctx: context window of the chat in tokens.
        idle_unload_s: the ingest worker frees its models after this many idle seconds.
        encoder_dir: transformers folder of the context encoder; None for the embedded base, which is its own.
        base_hash, hypernetwork_hash: identities of the models if they are known, as in WorkerReady, so that
            gigabytes need not be read again.
        form: how the model is asked, of one without a hypernetwork: notes are then divided into passages and
            not learnt, and answers see the passages. ``weights_dir`` is the built-in hypernetwork's, whose
            passages they are. None for all others.
    """

    base_model: Path
    weights_dir: Path
    device: str = "auto"
    n_threads: int | None = None
    n_ctx: int = 4096
    idle_unload_s: float = 300.0
    encoder_dir: Path | None = None
    base_hash: str = ""
    hypernetwork_hash: str = ""
    form: ChatForm | None = None


@dataclass(frozen=True, slots=True)
class Internalize:
    """Turn the file at ``path`` into one adapter per chunk."""

    job_id: int
    path: Path


@dataclass(frozen=True, slots=True)
class CancelJob:
    """Stop the job between two chunks; answered with JobCancelled, or not at all when it was already over."""

    job_id: int


@dataclass(frozen=True, slots=True)
class Shutdown:
    """Finish and exit with code 0."""


# --- ingest worker: events ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkerReady:
    """The worker runs and its models can be (or are) loaded.

    Attributes:
        device: for people, e.g. "CPU, 2 threads, float32".
        reason: why this device, e.g. "no CUDA or Apple GPU found".
        base_hash: SHA-256 hex of the base model's GGUF file.
        hypernetwork_hash: SHA-256 hex over the hypernetwork's tensors and config.
    """

    device: str
    reason: str
    base_hash: str
    hypernetwork_hash: str


@dataclass(frozen=True, slots=True)
class ChunkAdapter:
    """One chunk of a document and its adapter.

    Attributes:
        position: 0-based order inside the document.
        char_start, char_end: span in the document's extracted text.
        text: the chunk's text, exactly ``document_text[char_start:char_end]``.
        n_tokens: tokens of the base model, template included.
        codec: how ``data`` is to be read.
        rank: rank of the LoRA that ``data`` stands for.
        data: the adapter.
    """

    position: int
    char_start: int
    char_end: int
    text: str
    n_tokens: int
    codec: Codec
    rank: int
    data: bytes


@dataclass(frozen=True, slots=True)
class JobProgress:
    """``n_done`` of ``n_chunks`` chunks have their adapter."""

    job_id: int
    n_done: int
    n_chunks: int


@dataclass(frozen=True, slots=True)
class JobDone:
    """A document was internalized.

    Attributes:
        content_hash: SHA-256 hex of the bytes that were read (they may differ from those that were queued).
        size_bytes: number of those bytes.
        note: a remark for the library row, e.g. "Read as Windows-1252."; empty if there is nothing to say.
        seconds: wall time of the job inside the worker.
    """

    job_id: int
    content_hash: str
    size_bytes: int
    base_hash: str
    hypernetwork_hash: str
    chunks: tuple[ChunkAdapter, ...]
    note: str = ""
    seconds: float = 0.0


@dataclass(frozen=True, slots=True)
class JobFailed:
    """The job cannot be done as things stand; ``title`` and ``detail`` are for the user."""

    job_id: int
    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class JobCancelled:
    """The job was stopped on request."""

    job_id: int


# --- chat worker: commands ----------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AdapterPart:
    """One chunk's share in an adapter set.

    Attributes:
        key: identity of the adapter (stable across calls; equal keys mean equal data), for caches.
        weight: factor on this chunk's delta.
        text: the chunk's, whose words an answer from memory prefers; empty if it has none, or they are not to
            be preferred.
    """

    key: str
    codec: Codec
    data: bytes
    weight: float = 1.0
    text: str = ""


@dataclass(frozen=True, slots=True)
class Ask:
    """Answer one question.

    Attributes:
        turn_id: names the turn in every event.
        question: the user's words.
        mode: see AnswerMode. PLAIN ignores ``parts`` and ``quotes``.
        parts: the retrieved chunks' adapters; empty means that no note takes part.
        quotes: passages for the prompt in mode QUOTES, best first; empty otherwise.
        max_tokens: longest answer in tokens.
        temperature: 0 is greedy.
    """

    turn_id: int
    question: str
    mode: AnswerMode
    parts: tuple[AdapterPart, ...] = ()
    quotes: tuple[str, ...] = ()
    max_tokens: int = 256
    temperature: float = 0.0


@dataclass(frozen=True, slots=True)
class WarmParts:
    """Compute and cache the LoRA factors of these adapters while nobody waits."""

    parts: tuple[AdapterPart, ...]


@dataclass(frozen=True, slots=True)
class StopAnswer:
    """Stop the running answer; AnswerDone with ``stopped`` follows within a second."""

    turn_id: int


# --- chat worker: events ------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AnswerBegun:
    """The first token of an answer is chosen; comes before its text.

    Attributes:
        first_logprob: natural logarithm of its probability.
        absent_logprob: that of the token with which engine.prompt_frame.ABSENT begins.
    """

    turn_id: int
    first_logprob: float
    absent_logprob: float


@dataclass(frozen=True, slots=True)
class AnswerToken:
    """The next piece of text (one or more tokens, whole UTF-8 characters)."""

    turn_id: int
    text: str


@dataclass(frozen=True, slots=True)
class AnswerDone:
    """The answer is complete or was stopped.

    Attributes:
        text: the whole answer.
        prompt_tokens: tokens in the prompt.
        completion_tokens: tokens generated.
        adapter_rank: rank of the applied adapter; 0 without one.
        first_token_s: seconds from receiving Ask to the first token.
        tokens_per_s: generation speed after the first token; 0.0 when there was at most one.
        stopped: by the user.
        device: for people, e.g. "CPU, 1 thread".
    """

    turn_id: int
    text: str
    prompt_tokens: int
    completion_tokens: int
    adapter_rank: int
    first_token_s: float
    tokens_per_s: float
    stopped: bool
    device: str


@dataclass(frozen=True, slots=True)
class AnswerFailed:
    """No answer; ``title`` and ``detail`` are for the user. The worker goes on."""

    turn_id: int
    title: str
    detail: str


# --- said by the client, in the GUI process, about a worker -------------------------------------------------


@dataclass(frozen=True, slots=True)
class WorkerFailed:
    """The worker cannot start: its models are missing or broken. It has ended in an orderly way."""

    title: str
    detail: str


@dataclass(frozen=True, slots=True)
class WorkerDied:
    """The worker ended without having been asked to.

    Attributes:
        exit_code: of the process; negative is minus the signal's number.
        stderr_tail: the end of what it wrote, for the log: a traceback, or what llama.cpp says.
    """

    exit_code: int | None
    stderr_tail: str = field(default="")

    @property
    def reason(self) -> str:
        """For people: the exit code, and the last line, which says most."""
        last_line = self.stderr_tail.rpartition("\n")[2].strip()[:_SHOWN_CHARS]
        return f"Exit code {self.exit_code}. {last_line}".strip()


IngestCommand = Internalize | CancelJob | Shutdown
IngestEvent = WorkerReady | JobProgress | JobDone | JobFailed | JobCancelled | WorkerFailed | WorkerDied
ChatCommand = Ask | WarmParts | StopAnswer | Shutdown
ChatEvent = WorkerReady | AnswerBegun | AnswerToken | AnswerDone | AnswerFailed | WorkerFailed | WorkerDied
