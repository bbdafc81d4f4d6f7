"""Token templates shared by training and answering.

The pieces are tokenised apart: special tokens are recognised in the template only, never in a note or a
question.
"""

from dataclasses import dataclass
from typing import Self

from tokenizers import Tokenizer

SYSTEM_LINE = "Answer from the user's notes."
CONTEXT_PREFIX = "<|im_start|>user\n"
PROMPT_PREFIX = f"<|im_start|>system\n{SYSTEM_LINE}<|im_end|>\n<|im_start|>user\n"
PROMPT_SUFFIX = "<|im_end|>\n<|im_start|>assistant\n"
END_OF_TURN = "<|im_end|>"
CONTINUE = "Continue: "


@dataclass(frozen=True, slots=True)
class Templates:
    """The template's pieces as token ids."""

    context_prefix: list[int]
    prompt_prefix: list[int]
    prompt_suffix: list[int]
    end_of_turn: list[int]
    continue_prefix: list[int]

    @classmethod
    def of(cls, tokenizer: Tokenizer) -> Self:
        """Tokenise the pieces."""

        def ids(text: str) -> list[int]:
            return list(tokenizer.encode(text, add_special_tokens=False).ids)

        return cls(
            context_prefix=ids(CONTEXT_PREFIX),
            prompt_prefix=ids(PROMPT_PREFIX),
            prompt_suffix=ids(PROMPT_SUFFIX),
            end_of_turn=ids(END_OF_TURN),
            continue_prefix=ids(PROMPT_PREFIX + CONTINUE),
        )
