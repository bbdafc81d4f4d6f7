"""Notes without a hypernetwork: the same passages, to be searched and quoted, and no adapter of any.

They are cut as the built-in hypernetwork reads them. So a note that it learns later, or has learnt before,
keeps its passages, and what was made of them. Imports neither torch nor a model's weights.
"""

from collections.abc import Sequence
from pathlib import Path
from typing import Self

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import HypernetworkConfig
from engine.hypernetwork.note_tokens import NoteTokens
from engine.messages import NO_HYPERNETWORK
from engine.models.embedded import find_embedded_gguf


class Passages:
    """Divides notes and learns nothing; fits ``engine.pipeline.Internalizer``.

    Attributes:
        rank: 0, of no adapter.
        remarks: stays empty.
    """

    device_text = "nothing to learn"
    device_reason = "notes are searched and quoted"
    base_hash = ""
    hypernetwork_hash = NO_HYPERNETWORK
    rank = 0
    batch_size = 256

    def __init__(self, tokens: NoteTokens, config: HypernetworkConfig) -> None:
        self._tokens = tokens
        self.config = config
        self.remarks: list[str] = []

    @classmethod
    def load(cls, weights_dir: Path) -> Self:
        """Read the built-in model's tokenizer; a fifth of a second.

        Args:
            weights_dir: of its hypernetwork.

        Raises:
            ModelUnavailable: one of them is missing or damaged.
        """
        try:
            config = HypernetworkConfig.load(weights_dir)
        except (OSError, ValueError) as exc:
            raise ModelUnavailable(
                "A part of Loreleaf is missing or damaged.", f"{weights_dir}: {exc}. Reinstall Loreleaf."
            ) from exc
        return cls(NoteTokens(find_embedded_gguf(), config), config)

    def count_tokens(self, text: str) -> int:
        """Tokens of a chunk with this text, template included."""
        return self._tokens.count_tokens(text)

    def token_offsets(self, text: str) -> list[int]:
        """The character at which each token of the bare text starts."""
        return self._tokens.token_offsets(text)

    def latents_of(self, texts: Sequence[str]) -> list[bytes]:
        """Nothing for each, as Codec.NONE has it."""
        return [b""] * len(texts)
