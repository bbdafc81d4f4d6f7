"""Doc-to-LoRA on a transformers model: the published checkpoints, stage by stage.

``engine.hypernetwork.load_checkpoint`` makes one; docs/doc-to-lora.md shows how it is used.
Source: arXiv 2602.15902; docs/doc-to-lora-spec.md, sections 1 to 3.

Shapes: C chunks, S tokens, L decoder layers, D encoder width, M target modules, r LoRA rank, d latent width,
G contexts (documents), R rank of a context's adapter.
"""

import logging
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from functools import cached_property
from typing import Any

import torch
from torch import Tensor, nn

from engine.errors import EngineError
from engine.formats.hypernetwork_config import HypernetworkConfig
from engine.hypernetwork.attach import attached
from engine.hypernetwork.context_encoder import ContextEncoder, bare_decoder, decoder_layers
from engine.hypernetwork.hypernetwork import Factors, Hypernetwork, combine
from engine.hypernetwork.reading import Chunks, Pieces, is_out_of_memory, read_latents
from engine.hypernetwork.templates import Template, split

logger = logging.getLogger(__name__)

MAX_CHUNK_TOKENS = 8192
"""Longest chunk of the paper's evaluation: the window of Gemma 2."""


class DocToLora:
    """A hypernetwork, its context encoder, and the base model that carries the adapters.

    Everything runs without gradients. The hypernetwork computes in float32, but for its perceiver, which on
    CUDA computes in bfloat16 as in training.

    Args:
        hypernetwork: in float32, on the encoder's device.
        encoder: gives the states.
        base: transformers model with a language-model head; None where adapters are only made.
        tokenizer: of the encoder.
        template: around documents and questions.
        encoder_on_cpu: loads the encoder once more, for when a GPU's memory does not suffice.
        base_prompt: loads tokenizer and template of the base where the encoder is another model; called with
            the first question. None: they are the encoder's.
        on_notice: told in a sentence whatever happens otherwise than was asked for.
    """

    def __init__(
        self,
        hypernetwork: Hypernetwork,
        encoder: ContextEncoder,
        base: nn.Module | None,
        tokenizer: Any,  # noqa: ANN401  # transformers' tokenizers have no common typed class
        template: Template,
        encoder_on_cpu: Callable[[], ContextEncoder],
        on_notice: Callable[[str], None] = logger.warning,
        base_prompt: Callable[[], tuple[Any, Template]] | None = None,
    ) -> None:
        self.hypernetwork = hypernetwork
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.template = template
        self._base = base
        self._encoder_on_cpu = encoder_on_cpu
        self._on_notice = on_notice
        self._load_base_prompt = base_prompt

    @property
    def config(self) -> HypernetworkConfig:
        """Of the hypernetwork."""
        return self.hypernetwork.config

    @property
    def base(self) -> Any:  # noqa: ANN401  # transformers' models have no common typed class
        """The model that carries the adapters.

        Raises:
            ValueError: loaded without one.
        """
        if self._base is None:
            msg = "this Doc-to-LoRA was loaded without a base model"
            raise ValueError(msg)
        return self._base

    # --- text -> chunks

    def context_ids(self, text: str) -> list[int]:
        """Token ids of a document in its template."""
        return self.template.ids(text, self.tokenizer)

    def query_ids(self, question: str) -> list[int]:
        """Token ids of a question as the paper evaluates: the base's template, an empty system message."""
        tokenizer, template = self._base_prompt
        return template.ids(question, tokenizer)

    def split(self, ids: Sequence[int], max_chunk_tokens: int = MAX_CHUNK_TOKENS) -> Chunks:
        """A document's ids as chunks of equal size, wrapped as in training; one chunk if it fits."""
        return Chunks.pad(split(ids, max_chunk_tokens, *self.template.affixes(self.tokenizer)))

    # --- chunks -> adapter

    def features(self, chunks: Chunks) -> Tensor:
        """States of the encoder, all in memory: for looking at them.

        Returns:
            (C, L, S, D); (C, S, D) where all layers share one (``early_exit``, ``embeddings``).
        """
        return self.encoder.features(chunks.ids.to(self.encoder.device))

    @torch.no_grad()
    def latents(self, chunks: Chunks) -> Tensor:
        """Unit latents (C, L, M, r, d): what is worth keeping of a document; ``factors`` is one product.

        States are read while the encoder runs, a few layers at a time: neither the stack of all states nor
        that of the projected ones ever exists. When memory is short, less is computed at once, then the CPU
        takes over; ``on_notice`` is told each time.

        Raises:
            EngineError: the CPU, too, has too little memory.
        """

        def read(pieces: Pieces) -> Tensor:
            return read_latents(self.hypernetwork, self.encoder, chunks, pieces)

        return self._persist(read, chunk_tokens=0)

    @torch.no_grad()
    def factors(self, latents: Tensor, scaling: float = 1.0) -> Factors:
        """Each chunk's LoRA: per module A (C, L, r, d_in) and B (C, L, r, d_out).

        Args:
            latents: (C, L, M, r, d)
            scaling: factor on A and on B; the reference's ``user_defined_scaling``.
        """
        return self.hypernetwork.factors(latents, scaling)

    @torch.no_grad()
    def combine(
        self,
        factors: Factors,
        n_chunks: Sequence[int] | None = None,
        *,
        scalers: Tensor | None = None,
        bias_scaler: float = 1.0,
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """One adapter per context: its chunks along the rank, then the learned bias block once.

        Args:
            factors: of all contexts' chunks, in order.
            n_chunks: chunks of each context; None for one context.
            scalers: (C,) factor on each chunk's delta; may be negative.
            bias_scaler: factor on the bias block's A and on its B.

        Returns:
            Per module A (G, L, R, d_in) and B (G, L, R, d_out), R = (max(n_chunks) + 1) * r.
        """
        n_all = next(iter(factors.values()))[0].shape[0]
        return combine(
            factors,
            [n_all] if n_chunks is None else n_chunks,
            self.hypernetwork.bias(),
            scalers=scalers,
            bias_scaler=bias_scaler,
        )

    def internalize(
        self, text: str, max_chunk_tokens: int = MAX_CHUNK_TOKENS
    ) -> dict[str, tuple[Tensor, Tensor]]:
        """A document's adapter (one context), chunk by chunk, whatever its length.

        When memory is short, less is computed at once, then the chunks become shorter, then the CPU takes
        over; ``on_notice`` is told each time.

        Raises:
            EngineError: the CPU, too, has too little memory.
        """
        ids = self.context_ids(text)

        def read(pieces: Pieces) -> Tensor:
            chunks = self.split(ids, pieces.chunk_tokens)
            rows = [chunks[index : index + 1] for index in range(len(chunks))]
            return torch.cat([read_latents(self.hypernetwork, self.encoder, row, pieces) for row in rows])

        longest = max_chunk_tokens if max_chunk_tokens > 0 else max(len(ids), 1)
        return self.combine(self.factors(self._persist(read, longest)))

    # --- adapter -> answers

    @contextmanager
    def applied(self, adapter: Factors, n_queries: Sequence[int] | None = None) -> Iterator[Any]:
        """Within the ``with`` block the base model carries the adapter; gives the base model.

        Args:
            adapter: from ``combine``, G contexts.
            n_queries: rows of the batch for each context, in order; None for one each.
        """
        layers = decoder_layers(bare_decoder(self.base))
        n_contexts = next(iter(adapter.values()))[0].shape[0]
        queries = [1] * n_contexts if n_queries is None else n_queries
        device = next(layers.parameters()).device
        moved = {name: (A.to(device), B.to(device)) for name, (A, B) in adapter.items()}
        with attached(list(layers), moved, self.config.lora_alpha, queries):
            yield self.base

    @torch.no_grad()
    def answer(self, question: str, adapter: Factors, max_new_tokens: int = 256) -> str:
        """Greedy answer to one question, from the adapter alone."""
        device = next(self.base.parameters()).device
        ids = torch.tensor([self.query_ids(question)], device=device)
        with self.applied(adapter) as model:
            tokens = model.generate(
                ids, attention_mask=torch.ones_like(ids), do_sample=False, max_new_tokens=max_new_tokens
            )
        tokenizer, _ = self._base_prompt
        return str(tokenizer.decode(tokens[0, ids.shape[1] :], skip_special_tokens=True))

    # --- inside

    @cached_property
    def _base_prompt(self) -> tuple[Any, Template]:
        """Tokenizer and template of the model that answers; another vocabulary's ids would be other words."""
        if self._load_base_prompt is None:
            return self.tokenizer, self.template
        return self._load_base_prompt()

    def _persist(self, read: Callable[[Pieces], Tensor], chunk_tokens: int) -> Tensor:
        """``read(pieces)``, with less at once, and at last on the CPU, as long as memory is short."""
        pieces = Pieces.on(self.encoder.device, chunk_tokens)
        while True:
            try:
                return read(pieces)
            except (RuntimeError, MemoryError) as exc:
                if not is_out_of_memory(exc):
                    raise
            # Outside of the except block, whose exception holds on to the tensors that filled the memory.
            pieces = self._with_less_memory(pieces) or Pieces.on(self.encoder.device, chunk_tokens)

    def _with_less_memory(self, pieces: Pieces) -> Pieces | None:
        """What to try next; None to begin anew, on the CPU."""
        device = self.encoder.device
        if device.type == "cuda":
            torch.cuda.empty_cache()
        if (smaller := pieces.smaller()) is not None:
            self._on_notice(f"{device} is short of memory: {smaller.text}.")
            return smaller
        if device.type == "cpu":
            raise EngineError(
                "There is not enough memory to learn this.", "Close other programs, or divide the document."
            )
        self._on_notice(f"{device} has too little memory: the CPU takes over, which is slower.")
        self.encoder = self._encoder_on_cpu()
        self.hypernetwork.to("cpu", torch.float32)
        return None
