"""Texts of notes as the tokens that the built-in hypernetwork reads: what decides where passages end."""

from pathlib import Path

from engine.formats.hypernetwork_config import HypernetworkConfig
from engine.hypernetwork.gguf_tokenizer import load_tokenizer


class NoteTokens:
    """The built-in model's tokenizer, for texts of notes in the hypernetwork's template.

    Args:
        gguf_path: of the built-in model, in whatever precision.
        config: of its hypernetwork.

    Raises:
        ModelUnavailable: the file is missing or damaged.
    """

    def __init__(self, gguf_path: Path, config: HypernetworkConfig) -> None:
        self._tokenizer = load_tokenizer(gguf_path)
        self.prefix = self.ids(config.context_prefix)
        self.suffix = self.ids(config.context_suffix)
        # From here on only notes are tokenised: a note that contains <|im_end|> stays plain text.
        self._tokenizer.encode_special_tokens = True

    def ids(self, text: str) -> list[int]:
        """Tokens of the bare text."""
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)

    def count_tokens(self, text: str) -> int:
        """Tokens of a chunk with this text, template included."""
        return len(self.prefix) + len(self.ids(text)) + len(self.suffix)

    def token_offsets(self, text: str) -> list[int]:
        """The character at which each token of the bare text starts."""
        return [start for start, _ in self._tokenizer.encode(text, add_special_tokens=False).offsets]
