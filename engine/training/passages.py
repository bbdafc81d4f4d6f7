"""Passages of notes before a question, token for token as engine.chat.prompt puts them there."""

from collections.abc import Sequence

import numpy as np

from engine.training.corpus import Tokens
from engine.training.prompts import Templates

MAX_PROMPT_TOKENS = 256


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
    n_border = len(templates.quote_border)
    room = MAX_PROMPT_TOKENS - len(prompt) - sum(len(passage) + n_border for passage in right)
    quoted: list[Tokens] = []
    for passage in others:
        if len(passage) + n_border <= room:
            quoted.append(passage)
            room -= len(passage) + n_border
    for passage in right:
        quoted.insert(int(rng.integers(len(quoted) + 1)), passage)
    n_prefix = len(templates.prompt_prefix)
    parts = [prompt[:n_prefix]]
    for passage, after in zip(quoted, [*quoted[1:], prompt[n_prefix:]], strict=True):
        is_digit = int(after[0]) in templates.digits
        border = templates.quote_border_before_digit if is_digit else templates.quote_border
        parts += [passage, np.array(border, np.int32)]
    return np.concatenate([*parts, prompt[n_prefix:]])
