"""What the chat asks of the base model's tokenizer; llama.cpp's has it, and so has the tests' own."""

from typing import Protocol


class Tokenizer(Protocol):
    """What turns text into tokens."""

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        """Tokens of ``text``; control tokens only if ``parse_special``."""


class SpellingTokenizer(Tokenizer, Protocol):
    """What turns text into tokens and back."""

    def piece_of(self, token: int) -> bytes:
        """The bytes a token stands for."""
