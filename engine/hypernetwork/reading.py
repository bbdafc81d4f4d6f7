"""Encoder and perceiver together, in pieces: the latents of chunks in little memory.

The states of all layers and the projection's hidden layer dominate the memory of Doc-to-LoRA: 8,192 tokens of
Gemma 2B take the reference 11.5 GB. Here each state is projected as soon as it is there, in blocks of tokens,
and read by the perceiver a few layers at a time, so none of that exists as a whole.
Source: docs/doc-to-lora-spec.md, section 7.
"""

from collections.abc import Sequence
from dataclasses import dataclass, replace

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from engine.hypernetwork.context_encoder import ContextEncoder
from engine.hypernetwork.hypernetwork import Hypernetwork

SHORTEST_CHUNK_TOKENS = 512
"""Documents are not cut finer than this to save memory."""


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
        ids = pad_sequence(rows, batch_first=True)
        lengths = torch.tensor([len(row) for row in rows])
        return cls(ids, torch.arange(ids.shape[1]) < lengths[:, None])

    def __len__(self) -> int:
        return self.ids.shape[0]

    def __getitem__(self, which: slice) -> "Chunks":
        """Some of the chunks, without the padding that only others need."""
        mask = self.mask[which]
        longest = int(mask.sum(1).max())
        return Chunks(self.ids[which, :longest], mask[:, :longest])


@dataclass(frozen=True, slots=True)
class Pieces:
    """How much is computed at once: less takes less memory and more time.

    Attributes:
        chunk_tokens: longest chunk; 0 if the chunks are given. Other chunks are another adapter, if a similar
            one.
        projected_tokens: tokens of each chunk whose states are projected together; no change of the result.
        read_tokens: projected tokens, of one layer or several, that the perceiver reads together; at least
            one layer's. No change of the result.
    """

    chunk_tokens: int
    projected_tokens: int
    read_tokens: int

    @classmethod
    def on(cls, device: torch.device, chunk_tokens: int = 0) -> "Pieces":
        """What suits a device with enough memory.

        On a GPU every call of a kernel costs some microseconds, so that 2,048 tokens take it as long as
        8,192: half of Gemma 2B's layers of 8,192 tokens are read together (0.5 GB). A CPU gains nothing.
        """
        if device.type == "cpu":
            return cls(chunk_tokens, projected_tokens=2048, read_tokens=4 * 8192)
        return cls(chunk_tokens, projected_tokens=8192, read_tokens=13 * 8192)

    @property
    def text(self) -> str:
        """For people."""
        layers = "one layer" if self.read_tokens == 0 else "several layers"
        return f"{layers} at a time" + (f", at most {self.chunk_tokens} tokens" if self.chunk_tokens else "")

    def smaller(self) -> "Pieces | None":
        """The next thing to try when memory is short; None when there is nothing left."""
        if self.read_tokens:
            return replace(self, projected_tokens=512, read_tokens=0)
        if self.chunk_tokens >= 2 * SHORTEST_CHUNK_TOKENS:
            return replace(self, chunk_tokens=self.chunk_tokens // 2)
        return None


@torch.no_grad()
def read_latents(
    hypernetwork: Hypernetwork, encoder: ContextEncoder, chunks: Chunks, pieces: Pieces
) -> Tensor:
    """Unit latents (C, L, M, r, d) of chunks; they do not see each other."""
    mask = None if chunks.mask.all() else chunks.mask.to(encoder.device)
    reader = _StateReader(hypernetwork, mask, pieces)
    encoder(chunks.ids.to(encoder.device), reader.take)
    return hypernetwork.unit_latents_of_perceived(reader.perceived())


def is_out_of_memory(error: BaseException) -> bool:
    """Whether a device, or the computer, had too little memory. Only CUDA has a class for it."""
    return isinstance(error, torch.OutOfMemoryError | MemoryError) or (
        isinstance(error, RuntimeError)
        and ("out of memory" in str(error) or "can't allocate memory" in str(error))
    )


class _StateReader:
    """The perceiver's side of one run of the encoder."""

    def __init__(self, hypernetwork: Hypernetwork, mask: Tensor | None, pieces: Pieces) -> None:
        self._perceiver, self._config = hypernetwork.perceiver, hypernetwork.config
        self._mask, self._pieces = mask, pieces
        self._projected: list[Tensor] = []
        self._perceived: list[Tensor] = []
        self._n_read = 0

    def take(self, index: int, states: Tensor) -> None:
        """Project one state, (C, S, D); once some layers are together, read them."""
        with _precision(states.device):
            blocks = states.split(self._pieces.projected_tokens, dim=1)
            self._projected.append(torch.cat([self._project(block, index) for block in blocks], dim=1))
        n_tokens = states.shape[0] * states.shape[1]
        is_last = index + 1 == self._config.n_states
        if is_last or (len(self._projected) + 1) * n_tokens > self._pieces.read_tokens:
            self._read()

    def perceived(self) -> Tensor:
        """(L*C, M*r, d) float32, after the encoder has run."""
        return torch.cat(self._perceived).float()

    def _project(self, states: Tensor, layer: int) -> Tensor:
        # On CUDA autocast takes states of any dtype; elsewhere they must be what the weights are.
        return self._perceiver.project_layer(states if states.is_cuda else states.float(), layer)

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
