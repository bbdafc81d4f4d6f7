"""Examples -> padded batches, in an order that keeps lengths together and processes in step."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.training.corpus import Example, Tokens
from engine.training.prompts import Templates

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
        positions: (P,) indices into the flattened ids from which a target token is predicted.
        targets: (P,) those tokens. Kept as lists of positions, since a mask would stall the GPU at each step.
    """

    contexts: Tensor
    lengths: Tensor
    ids: Tensor
    positions: Tensor
    targets: Tensor

    def to(self, device: torch.device) -> "Batch":
        """The same on another device; copies from pinned memory do not block."""
        return Batch(*(part.to(device, non_blocking=True) for part in self._parts()))

    def pinned(self) -> "Batch":
        """The same in pinned memory."""
        return Batch(*(part.pin_memory() for part in self._parts()))

    def _parts(self) -> tuple[Tensor, ...]:
        return self.contexts, self.lengths, self.ids, self.positions, self.targets


def epoch_order(
    lengths: NDArray[np.int64], weights: NDArray[np.float64], batch_size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Indices of one epoch's batches.

    Args:
        lengths: (N,) tokens of each context.
        weights: (N,) how often each is seen in an epoch; the fraction is a probability.
        batch_size: contexts per batch over all processes; an incomplete last batch is dropped.
    """
    repeats = np.floor(weights + rng.random(len(weights))).astype(np.int64)
    indices = rng.permutation(np.repeat(np.arange(len(weights)), repeats))
    batches: list[NDArray[np.int64]] = []
    for start in range(0, len(indices), batch_size * _BLOCK):
        block = indices[start : start + batch_size * _BLOCK]
        block = block[np.argsort(lengths[block], kind="stable")]
        batches += [block[i : i + batch_size] for i in range(0, len(block) - batch_size + 1, batch_size)]
    for i in rng.permutation(len(batches)):
        yield rng.permutation(batches[i])


def make_batch(
    examples: Sequence[Example],
    templates: Templates,
    *,
    n_questions: int,
    dense: float,
    rng: np.random.Generator,
) -> Batch:
    """Draw ``n_questions`` per context; a share ``dense``, and the missing ones, become "Continue: ..."."""
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
    positions: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    targets: list[Tokens] = [np.zeros(0, np.int32)]
    for i, sequence in enumerate(sequences):
        if sequence is None:
            continue
        prompt, target = sequence
        end = len(prompt) + len(target)
        ids[i, : len(prompt)], ids[i, len(prompt) : end] = prompt, target
        positions.append(np.arange(i * width + len(prompt) - 1, i * width + end - 1))
        targets.append(target)
    lengths = np.array([len(c) for c in contexts], np.int64)
    flat_targets = np.concatenate(targets).astype(np.int64)
    arrays = (context_ids, lengths, ids, np.concatenate(positions), flat_targets)
    return Batch(*(torch.from_numpy(array) for array in arrays))


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
