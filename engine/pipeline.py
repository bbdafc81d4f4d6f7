"""One document from its file to one adapter per chunk; what the ingest worker does between its messages."""

import time
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from engine.documents.chunking import TextSpan, iterate_chunks
from engine.documents.reader import read_document
from engine.errors import EngineError, UnreadableDocument
from engine.messages import ChunkAdapter, Codec, EngineSettings, Internalize, JobDone
from engine.models.embedded import base_model_hash


class InternalizerConfig(Protocol):
    """What the pipeline asks of a hypernetwork's config."""

    @property
    def max_chunk_tokens(self) -> int:
        """Longest chunk the hypernetwork was made for, in tokens, the template's included."""
        ...


class Internalizer(Protocol):
    """Base model and hypernetwork, loaded; ``engine.hypernetwork.internalizer.Internalizer`` fits it."""

    @property
    def device_text(self) -> str:
        """For people, e.g. "CPU, 2 threads, float32"."""
        ...

    @property
    def device_reason(self) -> str:
        """Why this device."""
        ...

    @property
    def base_hash(self) -> str:
        """SHA-256 hex of the base model's file."""
        ...

    @property
    def hypernetwork_hash(self) -> str:
        """SHA-256 hex over the hypernetwork's tensors and config."""
        ...

    @property
    def config(self) -> InternalizerConfig:
        """Of the hypernetwork."""
        ...

    @property
    def rank(self) -> int:
        """Rank of the LoRA of one chunk; 0 if none is made."""
        ...

    def count_tokens(self, text: str) -> int:
        """Tokens of a chunk with this text, the template's included."""
        ...

    def token_offsets(self, text: str) -> Sequence[int]:
        """Where each token of the text alone starts, in characters, ascending."""
        ...

    @property
    def remarks(self) -> list[str]:
        """What happened otherwise than was asked for; whoever tells the user empties it."""
        ...

    @property
    def batch_size(self) -> int:
        """Chunks that are best computed together."""
        ...

    def latents_of(self, texts: Sequence[str]) -> list[bytes]:
        """The adapter of each chunk, coded as Codec.LATENTS_F16; at rank 0 as Codec.NONE."""
        ...


MAX_CHUNKS = 1400
"""Of one document: some 70,000 tokens. The adapters of one job are in memory together, each about 250 kB."""

LoadInternalizer = Callable[[EngineSettings], Internalizer]


class JobStopped(Exception):
    """The job was cancelled between two chunks."""


@dataclass(frozen=True, slots=True)
class PipelineFacts:
    """What the loaded models are; see WorkerReady."""

    device: str
    reason: str
    base_hash: str
    hypernetwork_hash: str


class IngestPipeline:
    """Loads the models when they are needed and turns documents into adapters, one at a time, on one thread.

    Args:
        settings: where the models are and what they run on.
        load_internalizer: loads them.
    """

    def __init__(self, settings: EngineSettings, load_internalizer: LoadInternalizer | None = None) -> None:
        self._settings = settings
        self._load_internalizer = load_internalizer or load_models
        self._internalizer: Internalizer | None = None

    @property
    def is_loaded(self) -> bool:
        """Whether the models take up memory."""
        return self._internalizer is not None

    def load(self) -> PipelineFacts:
        """Load the models unless they are loaded, and say what they are.

        Raises:
            ModelUnavailable: a model is missing or broken.
            EngineError: there is not enough memory.
        """
        models = self._models()
        return PipelineFacts(
            models.device_text, models.device_reason, models.base_hash, models.hypernetwork_hash
        )

    def unload(self) -> None:
        """Give the models' memory back; the next job loads them again."""
        self._internalizer = None

    def internalize(
        self,
        job: Internalize,
        on_progress: Callable[[int, int], None],
        is_cancelled: Callable[[], bool],
    ) -> JobDone:
        """Read the job's file, chunk it, and make the adapter of each chunk.

        Args:
            job: the file.
            on_progress: called with (chunks done, chunks in all) before the first batch and after each; those
                with the same text count once.
            is_cancelled: asked before each batch.

        Raises:
            JobStopped: ``is_cancelled`` said so.
            UnreadableDocument: the file gives no text, or too much.
            ModelUnavailable: the models cannot be loaded (again).
            EngineError: there is not enough memory.
        """
        started = time.perf_counter()
        try:
            document = read_document(job.path)
        except MemoryError as exc:
            raise _out_of_memory(job.path) from exc
        if is_cancelled():
            raise JobStopped
        models = self._models()
        try:
            spans = _chunks(job.path, document.text, models, is_cancelled)
            texts = [document.text[span.start : span.end] for span in spans]
            adapters = _adapters(texts, models, on_progress, is_cancelled)
        except MemoryError as exc:
            raise _out_of_memory(job.path) from exc
        return JobDone(
            job_id=job.job_id,
            content_hash=document.content_hash,
            size_bytes=document.size_bytes,
            base_hash=models.base_hash,
            hypernetwork_hash=models.hypernetwork_hash,
            chunks=tuple(
                _chunk(position, span, text, adapters[text], models)
                for position, (span, text) in enumerate(zip(spans, texts, strict=True))
            ),
            note=" ".join(filter(None, [document.note, *_taken(models.remarks)])),
            seconds=time.perf_counter() - started,
        )

    def _models(self) -> Internalizer:
        if self._internalizer is None:
            try:
                self._internalizer = self._load_internalizer(self._settings)
            except MemoryError as exc:
                raise EngineError(
                    "There is not enough memory to learn notes.",
                    f"{self._settings.base_model.name} does not fit. Close other programs and try again.",
                ) from exc
        return self._internalizer


def load_models(settings: EngineSettings) -> Internalizer:
    """The encoder and the hypernetwork that ``settings`` name, if any. With one, imports torch.

    Raises:
        ModelUnavailable: a model is missing or broken.
    """
    if settings.form is not None:
        from engine.hypernetwork.passages import Passages

        return Passages.load(settings.weights_dir)
    if settings.encoder_dir is None:
        from engine.hypernetwork.internalizer import Internalizer as EmbeddedInternalizer

        return EmbeddedInternalizer.load(
            settings.base_model, settings.weights_dir, settings.device, settings.n_threads
        )
    # transformers takes seconds to import: not for the embedded base, which does without.
    from engine.formats.weights_file import hypernetwork_hash
    from engine.hypernetwork.published import PublishedInternalizer

    return PublishedInternalizer.load(
        settings.base_hash or base_model_hash(settings.base_model),
        settings.hypernetwork_hash or hypernetwork_hash(settings.weights_dir),
        settings.weights_dir,
        settings.encoder_dir,
        settings.device,
        settings.n_threads,
    )


def _chunks(path: Path, text: str, models: Internalizer, is_cancelled: Callable[[], bool]) -> list[TextSpan]:
    spans: list[TextSpan] = []
    for span in iterate_chunks(text, models, models.config.max_chunk_tokens):
        if is_cancelled():
            raise JobStopped
        if len(spans) == MAX_CHUNKS:
            raise UnreadableDocument(
                "There is too much text in this file.",
                f"“{path.name}” has more than {MAX_CHUNKS} passages; the first {MAX_CHUNKS} end after"
                f" {spans[-1].end:,} of {len(text):,} characters. Divide it into smaller files.",
            )
        spans.append(span)
    return spans


def _adapters(
    texts: Sequence[str],
    models: Internalizer,
    on_progress: Callable[[int, int], None],
    is_cancelled: Callable[[], bool],
) -> dict[str, bytes]:
    """Adapter by text; what a document repeats is learnt once.

    Raises:
        JobStopped: ``is_cancelled`` said so.
    """
    distinct = list(dict.fromkeys(texts))
    on_progress(0, len(distinct))
    # Batches of even size: a last one of a single chunk would take nearly as long as a full one.
    n_batches = -(-len(distinct) // models.batch_size)
    step = max(1, -(-len(distinct) // max(n_batches, 1)))
    adapters: dict[str, bytes] = {}
    for first in range(0, len(distinct), step):
        if is_cancelled():
            raise JobStopped
        batch = distinct[first : first + step]
        adapters |= zip(batch, models.latents_of(batch), strict=True)
        on_progress(len(adapters), len(distinct))
    return adapters


def _chunk(position: int, span: TextSpan, text: str, data: bytes, models: Internalizer) -> ChunkAdapter:
    return ChunkAdapter(
        position=position,
        char_start=span.start,
        char_end=span.end,
        text=text,
        n_tokens=models.count_tokens(text),
        codec=Codec.LATENTS_F16 if models.rank else Codec.NONE,
        rank=models.rank,
        data=data,
    )


def _taken(remarks: list[str]) -> list[str]:
    """The remarks, each once and in order; the list is empty afterwards."""
    taken = list(dict.fromkeys(remarks))
    remarks.clear()
    return taken


def _out_of_memory(path: Path) -> EngineError:
    return EngineError(
        "There is not enough memory to learn this.",
        f"“{path.name}” needs more memory than is free. Close other programs and try again.",
    )
