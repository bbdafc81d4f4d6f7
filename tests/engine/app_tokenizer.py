"""A tokenizer of the training in the place of llama.cpp's."""

from tokenizers import Tokenizer


class AppTokenizer:
    """The tokenizer as the chat process wants it."""

    def __init__(self, tokenizer: Tokenizer) -> None:
        self._tokenizer = tokenizer

    def tokenize(self, text: str, *, parse_special: bool) -> list[int]:
        assert parse_special or "<|" not in text
        return list(self._tokenizer.encode(text, add_special_tokens=False).ids)
