"""Passages of notes before a question, token for token as engine.chat.prompt puts them there."""

from collections.abc import Sequence

import numpy as np

from engine.training.corpus import Tokens
from engine.training.prompts import Templates

MAX_PROMPT_TOKENS = 256
_MAX_BORDER_TOKENS = 2
"""What the border adds to a passage."""


def quoting(
    prompt: Tokens,
    right: Sequence[Tokens],
    others: Sequence[Tokens],
    templates: Templates,
    rng: np.random.Generator,
) -> Tokens:
    """The prompt with passages before its question, the right one in a random place.

    Of the others those are left out that would make it longer than MAX_PROMPT_TOKENS.
    """
    room = MAX_PROMPT_TOKENS - len(prompt) - sum(len(passage) + _MAX_BORDER_TOKENS for passage in right)
    quoted: list[Tokens] = []
    for passage in others:
        if len(passage) + _MAX_BORDER_TOKENS <= room:
            quoted.append(passage)
            room -= len(passage) + _MAX_BORDER_TOKENS
    for passage in right:
        quoted.insert(int(rng.integers(len(quoted) + 1)), passage)
    n_prefix = len(templates.prompt_prefix)
    return np.concatenate(
        [prompt[:n_prefix], *bordered(quoted, prompt[n_prefix:], templates), prompt[n_prefix:]]
    )


def bordered(passages: Sequence[Tokens], question: Tokens, templates: Templates) -> list[Tokens]:
    """The tokens of each passage with the border behind it, up to the next passage or the question."""
    parts: list[Tokens] = []
    for passage, after in zip(passages, [*passages, question][1:], strict=True):
        end = templates.with_border(int(passage[-1]), int(after[0]))
        parts.append(np.concatenate([passage[:-1], np.array(end, np.int32)]))
    return parts
