"""Examples -> padded batches, in an order that keeps lengths together and processes in step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from torch import Tensor

from engine.training.corpus import Example, Tokens
from engine.training.prompts import Templates

IGNORED = -100
"""Label of positions without loss, as in torch's cross_entropy."""
_BLOCK = 16
"""Batches per block; contexts are sorted by length inside a block, so that little padding is needed."""
_CONTINUE_TOKENS = 24


@dataclass(frozen=True, slots=True)
class Batch:
    """C contexts and C * Q sequences, context-major.

    Attributes:
        contexts: (C, S) int64, right-padded with 0.
        lengths: (C,) real tokens of each context.
        ids: (C*Q, T) prompts and targets, right-padded with 0.
        labels: (C*Q, T) the next token where it belongs to a target, else IGNORED.
    """

    contexts: Tensor
    lengths: Tensor
    ids: Tensor
    labels: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on another device; copies from pinned memory do not block."""
        parts = (self.contexts, self.lengths, self.ids, self.labels)
        return Batch(*(part.to(device, non_blocking=True) for part in parts))

    def pinned(self) -> "Batch":
        """The same in pinned memory."""
        return Batch(self.contexts.pin_memory(), self.lengths.pin_memory(), self.ids.pin_memory(), self.labels.pin_memory())


def epoch_order(
    lengths: Tokens, weights: np.ndarray, batch_size: int, rng: np.random.Generator
) -> Iterator[np.ndarray]:
    """Indices of one epoch's batches.

    Args:
        lengths: (N,) tokens of each context.
        weights: (N,) how often each is seen in an epoch; the fraction is a probability.
        batch_size: contexts per batch over all processes; an incomplete last batch is dropped.
    """
    repeats = np.floor(weights + rng.random(len(weights))).astype(np.int64)
    indices = rng.permutation(np.repeat(np.arange(len(weights)), repeats))
    batches: list[np.ndarray] = []
    for start in range(0, len(indices), batch_size * _BLOCK):
        block = indices[start : start + batch_size * _BLOCK]
        block = block[np.argsort(lengths[block], kind="stable")]
        batches += [block[i : i + batch_size] for i in range(0, len(block) - batch_size + 1, batch_size)]
    for i in rng.permutation(len(batches)):
        yield rng.permutation(batches[i])


def make_batch(
    examples: Sequence[Example], templates: Templates, *, n_questions: int, dense: float, rng: np.random.Generator
) -> Batch:
    """Draw ``n_questions`` per context; a share ``dense`` of them, and the missing ones, become "Continue: ..."."""
    sequences: list[tuple[Tokens, Tokens] | None] = []
    for example in examples:
        chosen = [example.questions[i] for i in rng.permutation(len(example.questions))[:n_questions]]
        for slot in range(n_questions):
            pair = chosen[slot] if slot < len(chosen) else None
            if pair is None or rng.random() < dense:
                pair = _continuation(example.context, templates, rng) or pair
            sequences.append(pair)
    return pack([example.context for example in examples], sequences)


def pack(contexts: Sequence[Tokens], sequences: Sequence[tuple[Tokens, Tokens] | None]) -> Batch:
    """Pad; a None sequence has no loss."""
    width = _rounded(max(len(c) for c in contexts), 64)
    context_ids = np.zeros((len(contexts), width), np.int64)
    for row, context in zip(context_ids, contexts, strict=True):
        row[: len(context)] = context
    width = _rounded(max((len(s[0]) + len(s[1]) for s in sequences if s), default=1), 16)
    ids = np.zeros((len(sequences), width), np.int64)
    labels = np.full((len(sequences), width), IGNORED, np.int64)
    for i, sequence in enumerate(sequences):
        if sequence is None:
            continue
        prompt, target = sequence
        end = len(prompt) + len(target)
        ids[i, : len(prompt)], ids[i, len(prompt) : end] = prompt, target
        labels[i, len(prompt) - 1 : end - 1] = target
    lengths = np.array([len(c) for c in contexts], np.int64)
    return Batch(*(torch.from_numpy(array) for array in (context_ids, lengths, ids, labels)))


def _continuation(
    context: Tokens, templates: Templates, rng: np.random.Generator
) -> tuple[Tokens, Tokens] | None:
    """A few tokens of the note as prompt, the next ones as target: starts the learning of retrieval early."""
    n_prefix = len(templates.context_prefix)
    if len(context) < n_prefix + 24:
        return None
    start = int(rng.integers(n_prefix, len(context) - 18))
    middle = start + int(rng.integers(4, 11))
    end = min(len(context), middle + _CONTINUE_TOKENS)
    prompt = np.concatenate([templates.continue_prefix, context[start:middle], templates.prompt_suffix])
    target = np.concatenate([context[middle:end], templates.end_of_turn])
    return prompt.astype(np.int32), target.astype(np.int32)


def _rounded(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple
