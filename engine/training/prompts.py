"""Token templates of training: the frame of answering, and what only training has.

The pieces are tokenised apart: special tokens are recognised in the template only, never in a note or a
question.
"""

from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from engine.prompt_frame import (
    ABSENT,
    ASSISTANT_ROLE,
    NEXT_TURN,
    SYSTEM_TURN,
    TURN_END,
    TURN_START,
    USER_ROLE,
)

CONTEXT_PREFIX = TURN_START + USER_ROLE
PROMPT_PREFIX = TURN_START + SYSTEM_TURN + NEXT_TURN + USER_ROLE
PROMPT_SUFFIX = NEXT_TURN + ASSISTANT_ROLE
END_OF_TURN = TURN_END
CONTINUE = "Continue: "
QUOTE_BORDER = "\n\n"
"""Between passages, and between them and the question, as engine.chat.prompt joins them."""


@dataclass(frozen=True, slots=True)
class Templates:
    """The template's pieces as token ids.

    Attributes:
        absent: the sentence ABSENT with the end of the turn: a whole target.
        quote_border: what QUOTE_BORDER becomes between two texts.
        quote_border_before_digit: the same where the second text begins with one of ``digits``: the tokenizer
            sets digits apart before anything else, and so sees the line breaks as a text's end.
        tokenizer: that the pieces are of.
    """

    context_prefix: list[int]
    prompt_prefix: list[int]
    prompt_suffix: list[int]
    end_of_turn: list[int]
    continue_prefix: list[int]
    absent: NDArray[np.int32]
    quote_border: list[int]
    quote_border_before_digit: list[int]
    digits: frozenset[int]
    tokenizer: Tokenizer = field(repr=False, compare=False)

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
            absent=np.array(ids(ABSENT) + ids(END_OF_TURN), np.int32),
            quote_border=ids(f"a{QUOTE_BORDER}a")[1:-1],
            quote_border_before_digit=ids(f"a{QUOTE_BORDER}1")[1:-1],
            digits=frozenset(ids("0123456789")),
            tokenizer=tokenizer,
        )

    def texts(self, parts: Sequence[NDArray[np.int32]]) -> list[str]:
        """The text of each."""
        lists = [part.tolist() for part in parts]
        return list(self.tokenizer.decode_batch(lists, skip_special_tokens=False))
