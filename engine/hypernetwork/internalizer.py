"""A chunk's text -> its adapter: tokenizer, frozen base model and hypernetwork together.

Runs in the ingest process only; it imports torch.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

import torch
from torch import Tensor
from torch.nn.utils.rnn import pad_sequence

from engine.errors import EngineError, ModelUnavailable
from engine.formats.hypernetwork_config import TENSORS_FILE, HypernetworkConfig
from engine.formats.weights_file import hypernetwork_hash, load_tensors
from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.hypernetwork.latents import encode_latents
from engine.hypernetwork.llama import FrozenLlama
from engine.hypernetwork.note_tokens import NoteTokens
from engine.hypernetwork.placement import Placement, choose_device
from engine.hypernetwork.reading import is_out_of_memory
from engine.models.embedded import base_model_hash


class Internalizer:
    """Internalizes chunks with one base model and one hypernetwork.

    Attributes:
        device_text, device_reason: for people.
        base_hash, hypernetwork_hash: identities of the two models.
        config: of the hypernetwork.
        rank: of one chunk's LoRA.
        remarks: what happened otherwise than was asked for; whoever tells the user empties it.
        batch_size: chunks that are best computed together: on two cores 1.6 times as fast as one by one,
            while a cancelled job still ends within seconds.
    """

    batch_size = 12

    def __init__(
        self,
        base: FrozenLlama,
        hypernetwork: Hypernetwork,
        base_model: Path,
        weights_dir: Path,
        placement: Placement,
    ) -> None:
        self.config = hypernetwork.config
        self.rank = self.config.lora_rank
        self.base_hash = base_model_hash(base_model)
        self.hypernetwork_hash = hypernetwork_hash(weights_dir)
        self.device_text, self.device_reason = placement.text, placement.reason
        if self.config.base_model_hash not in ("", self.base_hash):
            raise ModelUnavailable(
                "The part of Loreleaf that learns notes was made for another base model.",
                f"It wants the model {self.config.base_model_hash[:12]}, "
                f"and {base_model.name} is {self.base_hash[:12]}.",
            )
        wanted, found = (
            (self.config.n_layers, self.config.d_encoder),
            (base.config.n_layers, base.config.d_model),
        )
        if wanted != found:
            raise ModelUnavailable(
                "The part of Loreleaf that learns notes was made for another base model.",
                f"It wants {wanted[0]} layers of width {wanted[1]}; "
                f"{base_model.name} has {found[0]} of {found[1]}.",
            )
        self.remarks: list[str] = []
        self._base, self._hypernetwork, self._device = base, hypernetwork, placement.device
        self._base_model = base_model
        self._tokens = NoteTokens(base_model, self.config)

    @classmethod
    def load(cls, base_model: Path, weights_dir: Path, device: str, n_threads: int | None) -> Self:
        """Load both models.

        Raises:
            ModelUnavailable: a file is missing, damaged or of another kind, or the device is not there.
        """
        placement = choose_device(device, n_threads)
        hypernetwork = load_hypernetwork(weights_dir).to(placement.device)
        base = _read_base(base_model, placement)
        return cls(base, hypernetwork, base_model, weights_dir, placement)

    def count_tokens(self, text: str) -> int:
        """Tokens of a chunk with this text, template included."""
        return self._tokens.count_tokens(text)

    def token_offsets(self, text: str) -> list[int]:
        """The character at which each token of the bare text starts."""
        return self._tokens.token_offsets(text)

    def latents(self, text: str) -> bytes:
        """``latents_of`` for one chunk."""
        return self.latents_of([text])[0]

    @torch.inference_mode()
    def latents_of(self, texts: Sequence[str]) -> list[bytes]:
        """Unit latents of chunks, as Codec.LATENTS_F16 has them: float16 (L, M * r, d_latent) each.

        Chunks do not see each other; together they only take less time. When memory is short, fewer are
        computed together, then the CPU takes over; ``remarks`` says so.

        Raises:
            EngineError: the CPU, too, has too little memory, or no finite numbers came out.
        """
        try:
            u = self._unit_latents(texts)
        except (RuntimeError, MemoryError) as exc:
            if not is_out_of_memory(exc):
                raise
        else:
            return encode_latents(u, self.device_text)
        # Outside of the except block, whose exception holds on to the tensors that filled the memory.
        if self._device.type == "cuda":
            torch.cuda.empty_cache()
        if len(texts) > 1:
            self.batch_size = middle = len(texts) // 2
            passages = "1 passage was" if middle == 1 else f"{middle} passages were"
            self.remarks.append(f"Memory was short: {passages} learnt at a time.")
            return self.latents_of(texts[:middle]) + self.latents_of(texts[middle:])
        if self._device.type == "cpu":
            raise EngineError(
                "There is not enough memory to learn this note.", "Close other programs, then try again."
            )
        self._move_to_cpu()
        return self.latents_of(texts)

    def _unit_latents(self, texts: Sequence[str]) -> Tensor:
        """(C, L, M * r, d)"""
        notes = self._tokens
        rows = [torch.tensor([*notes.prefix, *notes.ids(text), *notes.suffix]) for text in texts]
        ids = pad_sequence(rows, batch_first=True).to(self._device)  # (C, S)
        lengths = torch.tensor([len(row) for row in rows], device=self._device)
        mask = torch.arange(ids.shape[1], device=self._device) < lengths[:, None]  # (C, S)
        states = self._base.iterate_layer_inputs(ids)  # L times (C, S, D)
        # Without padding no mask: attention is faster then.
        u = self._hypernetwork.unit_latents_of(states, None if mask.all() else mask)
        return u.flatten(2, 3)

    def _move_to_cpu(self) -> None:
        self.remarks.append(f"{self.device_text} had too little memory: the processor took over.")
        placement = choose_device("cpu", None)
        self._base = _read_base(self._base_model, placement)
        self._hypernetwork.to(placement.device)
        self._device, self.batch_size = placement.device, type(self).batch_size
        self.device_text, self.device_reason = placement.text, "the GPU had too little memory"


def _read_base(path: Path, placement: Placement) -> FrozenLlama:
    """Without its output matrix: notes are only read here, and llama.cpp answers."""
    return FrozenLlama.from_gguf(path, device=placement.device, dtype=placement.dtype, with_output=False)


def load_hypernetwork(weights_dir: Path) -> Hypernetwork:
    """A hypernetwork in float32 on the CPU, every tensor accounted for.

    Raises:
        ModelUnavailable: config or tensors are missing, damaged, or do not fit each other.
    """
    tensors = load_tensors(weights_dir / TENSORS_FILE)
    try:
        config = HypernetworkConfig.load(weights_dir)
        with torch.device("meta"):  # the initial values are not wanted
            hypernetwork = Hypernetwork(config)
        state = {name: torch.from_numpy(values) for name, values in tensors.items()}
        hypernetwork.load_state_dict(state, assign=True)
    except (OSError, ValueError, RuntimeError) as exc:  # load_state_dict raises RuntimeError on any mismatch
        raise ModelUnavailable(
            "The part of Loreleaf that learns notes is damaged.", f"{weights_dir}: {exc}. Reinstall Loreleaf."
        ) from exc
    return hypernetwork.eval().requires_grad_(requires_grad=False)
