"""Batches whose questions stand behind passages of the notes, as the app's mode with quotes asks them.

The prompts are longer here, so that a batch takes only half of the contexts: memory and time stay level.
"""

from collections.abc import Sequence
from dataclasses import replace

import numpy as np

from engine.training.batches import Batch, choose_pairs, pack
from engine.training.corpus import Example, Pair
from engine.training.passages import quoting
from engine.training.prompts import Templates
from engine.training.refusals import Refusals

_MAX_PASSAGES = 3
_ABSENT_SHARE = 0.1
"""Questions that neither a passage nor a note of the set answers, if any are wanted."""
_NEAR_SHARE = 0.5


def n_quoted_contexts(n_contexts: int, set_size: int) -> int:
    """Half of a batch's contexts, as whole sets."""
    return max(set_size, n_contexts // 2 // set_size * set_size)


def make_quotes_batch(
    examples: Sequence[Example],
    templates: Templates,
    *,
    n_questions: int,
    set_size: int,
    with_absent: bool,
    rng: np.random.Generator,
) -> Batch:
    """Draw questions, each with 1 to 3 passages before it: the chunk that answers it, and others.

    The others are of the same set or from anywhere in the batch, one as likely as the other; before a
    question that was chosen for having the set's words they are of the set, as far as it goes.

    Args:
        with_absent: whether a tenth of the questions is asked of a set, and behind passages, that do not hold
            the answer.
    """
    half = examples[: n_quoted_contexts(len(examples), set_size)]
    chosen = choose_pairs(half, n_questions, set_size, rng)
    owners = {id(pair): i for i, example in enumerate(half) for pair in example.questions}
    passages = [example.context[len(templates.context_prefix) :] for example in half]
    refusals = Refusals([example.context for example in half], chosen, set_size, templates)
    sequences: list[Pair | None] = []
    for row, pair in enumerate(chosen):
        if pair is None:
            sequences.append(None)
            continue
        (prompt, target), owner = pair, owners[id(pair)]
        right, excluded = [passages[owner]], {owner}
        unanswerable = refusals.draw(row, rng) if with_absent and rng.random() < _ABSENT_SHARE else None
        if unanswerable:
            prompt, target, right = unanswerable.pair[0], templates.absent, []
            source = owners[id(unanswerable.pair)] // set_size
            # With the sets beside the source's, which may hold the rest of its note.
            excluded = set(range((source - 1) * set_size, (source + 2) * set_size))
        first = row // (n_questions * set_size) * set_size
        own = range(first, first + set_size)
        # The passages that share the question's words are what makes it hard to refuse.
        nearest = [int(i) for i in rng.permutation(own)] if unanswerable and unanswerable.is_alike else []
        others = [*nearest, *_others(own, len(half), excluded | set(nearest), rng)]
        n_others = int(rng.integers(1, _MAX_PASSAGES + 1)) - len(right)
        prompt = quoting(prompt, right, [passages[i] for i in others[:n_others]], templates, rng)
        sequences.append((prompt, target))
    return replace(pack([example.context for example in half], sequences), has_quotes=True)


def _others(own: range, n_contexts: int, excluded: set[int], rng: np.random.Generator) -> list[int]:
    """Up to _MAX_PASSAGES contexts, each once: of ``own`` or of all, one as likely as the other."""
    near = [int(i) for i in rng.permutation(own) if i not in excluded]
    anywhere = [int(i) for i in rng.permutation(n_contexts) if i not in excluded]
    picked: list[int] = []
    while anywhere and len(picked) < _MAX_PASSAGES:
        pool = near if near and rng.random() < _NEAR_SHARE else anywhere
        if (i := pool.pop()) not in picked:
            picked.append(i)
    return picked
