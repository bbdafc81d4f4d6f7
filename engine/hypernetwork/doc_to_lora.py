"""Doc-to-LoRA on a transformers model: the published checkpoints, stage by stage.

``engine.hypernetwork.load_checkpoint`` makes one; docs/doc-to-lora.md shows how it is used.
Source: arXiv 2602.15902; spec sections 1 to 3.

Shapes: C chunks, S tokens, L decoder layers, D encoder width, M target modules, r LoRA rank, d latent width,
G contexts (documents), R rank of a context's adapter.
"""

from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from typing import Any

import torch
from torch import Tensor, nn

from engine.adapters.attach import attached
from engine.hypernetwork.config import HypernetworkConfig
from engine.hypernetwork.context_encoder import ContextEncoder, bare_decoder, decoder_layers
from engine.hypernetwork.hypernetwork import Factors, Hypernetwork, combine
from engine.hypernetwork.templates import Template, split

MAX_CHUNK_TOKENS = 8192
"""Longest chunk of the paper's evaluation: the window of Gemma 2."""

PROJECTED_TOKENS = 2048
"""Tokens whose states are projected at once: the projection's hidden layer is 4 * D wide."""

LAYERS_AT_ONCE = 4
"""Layers that the perceiver reads together: one alone leaves a GPU idle, all would take the memory of all."""


@dataclass(frozen=True, slots=True, eq=False)
class Chunks:
    """Chunks of a document as the encoder takes them.

    Attributes:
        ids: (C, S), padded with 0 on the right.
        mask: bool (C, S), True for real tokens.
    """

    ids: Tensor
    mask: Tensor

    @classmethod
    def pad(cls, chunks: Sequence[Sequence[int]]) -> "Chunks":
        """From token ids of any lengths."""
        rows = [torch.tensor(list(chunk), dtype=torch.long) for chunk in chunks]
        ids = nn.utils.rnn.pad_sequence(rows, batch_first=True)
        lengths = torch.tensor([len(row) for row in rows])
        return cls(ids, torch.arange(ids.shape[1]) < lengths[:, None])

    def __getitem__(self, which: slice) -> "Chunks":
        """Some of the chunks, without the padding that only others need."""
        mask = self.mask[which]
        longest = int(mask.sum(1).max())
        return Chunks(self.ids[which, :longest], mask[:, :longest])


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

    Attributes:
        config: of the hypernetwork.
    """

    def __init__(
        self,
        hypernetwork: Hypernetwork,
        encoder: ContextEncoder,
        base: nn.Module | None,
        tokenizer: Any,  # noqa: ANN401  # transformers' tokenizers have no common typed class
        template: Template,
    ) -> None:
        self.hypernetwork = hypernetwork
        self.encoder = encoder
        self.tokenizer = tokenizer
        self.template = template
        self._base = base
        self._device = next(hypernetwork.parameters()).device

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
        """Token ids of a question as the paper evaluates: the same template, with an empty system message."""
        return self.template.ids(question, self.tokenizer)

    def split(self, ids: Sequence[int], max_chunk_tokens: int = MAX_CHUNK_TOKENS) -> Chunks:
        """A document's ids as chunks of equal size, wrapped as in training; one chunk if it fits."""
        return Chunks.pad(split(ids, max_chunk_tokens, *self.template.affixes(self.tokenizer)))

    # --- chunks -> adapter

    def features(self, chunks: Chunks) -> Tensor:
        """States of the encoder, all in memory: for looking at them.

        Returns:
            (C, L, S, D); (C, S, D) where all layers share one (``early_exit``, ``embeddings``).
        """
        return self.encoder.features(chunks.ids.to(self._device))

    @torch.no_grad()
    def latents(self, chunks: Chunks) -> Tensor:
        """Unit latents (C, L, M, r, d): what is worth keeping of a document; ``factors`` is one product.

        States are read while the encoder runs, a few layers at a time: neither the stack of all states nor
        that of the projected ones ever exists.
        """
        reader = _StateReader(self.hypernetwork, None if chunks.mask.all() else chunks.mask.to(self._device))
        self.encoder(chunks.ids.to(self._device), reader.take)
        return self.hypernetwork.unit_latents_of_perceived(reader.perceived())

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
        """A document's adapter (one context), chunk by chunk in bounded memory, whatever its length."""
        chunks = self.split(self.context_ids(text), max_chunk_tokens)
        n_chunks = chunks.ids.shape[0]
        latents = torch.cat([self.latents(chunks[index : index + 1]) for index in range(n_chunks)])
        return self.combine(self.factors(latents))

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
        return str(self.tokenizer.decode(tokens[0, ids.shape[1] :], skip_special_tokens=True))


class _StateReader:
    """The perceiver's side of one run of the encoder.

    Args:
        hypernetwork: whose perceiver reads.
        mask: bool (C, S), or None without padding.
    """

    def __init__(self, hypernetwork: Hypernetwork, mask: Tensor | None) -> None:
        self._perceiver, self._config = hypernetwork.perceiver, hypernetwork.config
        self._mask = mask
        self._projected: list[Tensor] = []
        self._perceived: list[Tensor] = []
        self._n_read = 0

    def take(self, index: int, states: Tensor) -> None:
        """Project one state, (C, S, D); once some layers are together, read them."""
        with _precision(states.device):
            blocks = states.split(PROJECTED_TOKENS, dim=1)
            project = self._perceiver.project_layer
            self._projected.append(torch.cat([project(block.float(), index) for block in blocks], dim=1))
        if len(self._projected) == LAYERS_AT_ONCE or index + 1 == self._config.n_states:
            self._read()

    def perceived(self) -> Tensor:
        """(L*C, M*r, d) float32, after the encoder has run."""
        return torch.cat(self._perceived).float()

    def _read(self) -> None:
        layers = slice(self._n_read, self._n_read + len(self._projected))
        projected = torch.cat(self._projected)  # (layers * C, S, d), layer-major
        self._projected.clear()
        self._n_read = layers.stop
        with _precision(projected.device):
            self._perceived.append(self._perceiver.resample(projected, self._mask, layers)[1])


def _precision(device: torch.device) -> torch.autocast:
    """As in training: the perceiver's products in bfloat16 on CUDA, all else in float32."""
    return torch.autocast(device.type, dtype=torch.bfloat16, enabled=device.type == "cuda")
