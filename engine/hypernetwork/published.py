"""A chunk's text -> its adapter with a published checkpoint: what the ingest worker runs for larger bases.

The counterpart of ``engine.hypernetwork.internalizer`` with a transformers model as the encoder.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from torch import Tensor

from engine.formats.hypernetwork_config import HypernetworkConfig
from engine.hypernetwork.doc_to_lora import DocToLora
from engine.hypernetwork.latents import encode_latents
from engine.hypernetwork.loading import load_checkpoint
from engine.hypernetwork.placement import Placement, choose_device, faster_cpu_dtype
from engine.hypernetwork.reading import Chunks


class PublishedInternalizer:
    """Internalizes chunks with a transformers encoder; fits ``engine.pipeline.Internalizer``.

    Attributes:
        device_text, device_reason: for people.
        base_hash, hypernetwork_hash: identities of the model that chats and of the hypernetwork.
        config: of the hypernetwork.
        rank: of one chunk's LoRA.
        remarks: what happened otherwise than was asked for; whoever tells the user empties it.
        batch_size: chunks computed together, so that a cancelled job ends within seconds.
    """

    def __init__(
        self,
        doc: DocToLora,
        placement: Placement,
        base_hash: str,
        hypernetwork_hash: str,
        remarks: list[str],
    ) -> None:
        self._doc = doc
        self.config: HypernetworkConfig = doc.config
        self.rank = doc.config.lora_rank
        self.base_hash = base_hash
        self.hypernetwork_hash = hypernetwork_hash
        self.device_text = placement.text
        # Said while it was loaded, e.g. that bitsandbytes is missing: of the device, not of a note.
        self.device_reason = ". ".join([placement.reason, *remarks])
        self.remarks = remarks
        remarks.clear()
        self.batch_size = 1 if placement.device.type == "cpu" else 4

    @classmethod
    def load(
        cls,
        base_hash: str,
        hypernetwork_hash: str,
        weights_dir: Path,
        encoder_dir: Path,
        device: str,
        n_threads: int | None,
    ) -> Self:
        """Load the encoder and the hypernetwork.

        Args:
            base_hash, hypernetwork_hash: identities of the model that chats and of the hypernetwork.
            weights_dir: a folder that ``convert_checkpoint`` wrote.
            encoder_dir: transformers folder of the context encoder.
            device: "auto", "cuda", "mps" or "cpu".
            n_threads: see ``choose_device``.

        Raises:
            ModelUnavailable: a file is missing, damaged or of another kind, or the device is not there.
        """
        placement = choose_device(device, n_threads, faster_cpu_dtype)
        remarks: list[str] = []
        doc = load_checkpoint(
            weights_dir,
            encoder_model=encoder_dir,
            device=placement.device,
            dtype=placement.dtype,
            on_notice=remarks.append,
        )
        return cls(doc, placement, base_hash, hypernetwork_hash, remarks)

    def count_tokens(self, text: str) -> int:
        """Tokens of a chunk with this text, template included."""
        return len(self._doc.context_ids(text))

    def token_offsets(self, text: str) -> list[int]:
        """The character at which each token of the bare text starts."""
        encoded = self._doc.tokenizer(text, add_special_tokens=False, return_offsets_mapping=True)
        return [start for start, _ in encoded["offset_mapping"]]

    def latents_of(self, texts: Sequence[str]) -> list[bytes]:
        """Unit latents of chunks, as Codec.LATENTS_F16 has them: float16 (L, M * r, d_latent) each.

        Raises:
            EngineError: there is too little memory, on the CPU too, or no finite numbers came out.
        """
        chunks = Chunks.pad([self._doc.context_ids(text) for text in texts])
        u: Tensor = self._doc.latents(chunks).flatten(2, 3)  # (C, L, M * r, d)
        return encode_latents(u, self.device_text)
