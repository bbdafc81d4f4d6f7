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
        digits: tokens that a text with a digit at its front may begin with.
        tokenizer: that the pieces are of.
    """

    context_prefix: list[int]
    prompt_prefix: list[int]
    prompt_suffix: list[int]
    end_of_turn: list[int]
    continue_prefix: list[int]
    absent: NDArray[np.int32]
    digits: frozenset[int]
    tokenizer: Tokenizer = field(repr=False, compare=False)
    _bordered: dict[tuple[int, bool], list[int]] = field(default_factory=dict, repr=False, compare=False)

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
            digits=frozenset(ids("0123456789")),
            tokenizer=tokenizer,
        )

    def with_border(self, last: int, following: int) -> list[int]:
        """A text's last token and QUOTE_BORDER, as they are tokenised between that text and the next one.

        SmolLM2's tokenizer sets digits apart before anything else, and so sees the line breaks before one as
        a text's end; Qwen's makes one token of a full stop and the line breaks behind it.

        Args:
            last: token that the text ends with.
            following: token that the next text begins with.
        """
        key = last, following in self.digits
        if key not in self._bordered:
            after = "1" if key[1] else "a"
            text = str(self.tokenizer.decode([last], skip_special_tokens=False))
            # A part of a character is no text of its own; it is no punctuation either.
            text, before = (text, []) if self._ids(text) == [last] else ("a", [last])
            bordered = self._ids(text + QUOTE_BORDER + after)[:-1]
            self._bordered[key] = before + bordered[len(before) :]
        return self._bordered[key]

    def _ids(self, text: str) -> list[int]:
        return list(self.tokenizer.encode(text, add_special_tokens=False).ids)

    def texts(self, parts: Sequence[NDArray[np.int32]]) -> list[str]:
        """The text of each."""
        lists = [part.tolist() for part in parts]
        return list(self.tokenizer.decode_batch(lists, skip_special_tokens=False))
