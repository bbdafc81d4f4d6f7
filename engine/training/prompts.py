"""Token templates of training: the frame of answering, and what only training has.

The pieces are tokenised apart: special tokens are recognised in the template only, never in a note or a
question.
"""

from dataclasses import dataclass
from typing import Self

from tokenizers import Tokenizer

from engine.prompt_frame import ASSISTANT_ROLE, NEXT_TURN, SYSTEM_TURN, TURN_END, TURN_START, USER_ROLE

CONTEXT_PREFIX = TURN_START + USER_ROLE
PROMPT_PREFIX = TURN_START + SYSTEM_TURN + NEXT_TURN + USER_ROLE
PROMPT_SUFFIX = NEXT_TURN + ASSISTANT_ROLE
END_OF_TURN = TURN_END
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
