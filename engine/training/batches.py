"""Examples -> padded batches, in an order that keeps processes in step.

A question and what is to be answered to it is a pair: prompt and target, templates included.
"""

from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.adapters.equal_weight import equal_weight
from engine.training.corpus import Example, Pair, Tokens
from engine.training.passages import quoting
from engine.training.prompts import Templates
from engine.training.refusals import Refusals

_MAX_CHUNKS = 16
"""Chunks of one note that are seen in an epoch: a long note must not fill whole batches."""
_MIN_WEIGHT = 0.25


@dataclass(frozen=True, slots=True)
class Teacher:
    """A batch's questions once more, each behind the passage that answers it, and the same targets.

    Attributes:
        ids: (C*Q, T2) as the batch's ids, right-padded with 0; rows that ask no real question are empty.
        positions: (P2,) indices into the flattened ids from which a target token is predicted.
        of: (P2,) which of the batch's P positions predicts the same token; ascending.
    """

    ids: Tensor
    positions: Tensor
    of: Tensor

    def each(self, change: Callable[[Tensor], Tensor]) -> "Teacher":
        """The same with every tensor changed."""
        return Teacher(change(self.ids), change(self.positions), change(self.of))


@dataclass(frozen=True, slots=True)
class Batch:
    """C contexts and C * Q sequences, context-major.

    Attributes:
        contexts: (C, S) int64, right-padded with 0.
        lengths: (C,) real tokens of each context.
        ids: (C*Q, T) prompts and targets, right-padded with 0.
        positions: (P,) indices into the flattened ids from which a target token is predicted.
        targets: (P,) those tokens. Kept as lists of positions, since a mask would stall the GPU at each step.
        weights: (C,) float32 factor on each context's share of its set's adapter.
        has_quotes: whether passages stand in the prompts.
        teacher: the prompts of the student's own mode with quotes, if it is to learn from that.
    """

    contexts: Tensor
    lengths: Tensor
    ids: Tensor
    positions: Tensor
    targets: Tensor
    weights: Tensor
    has_quotes: bool = False
    teacher: Teacher | None = None

    def to(self, device: torch.device) -> "Batch":
        """The same on another device; copies from pinned memory do not block."""
        return self._each(lambda part: part.to(device, non_blocking=True))

    def pinned(self) -> "Batch":
        """The same in pinned memory."""
        return self._each(Tensor.pin_memory)

    def _each(self, change: Callable[[Tensor], Tensor]) -> "Batch":
        return Batch(
            change(self.contexts),
            change(self.lengths),
            change(self.ids),
            change(self.positions),
            change(self.targets),
            change(self.weights),
            self.has_quotes,
            self.teacher and self.teacher.each(change),
        )


def note_order(
    notes: NDArray[np.int64], weights: NDArray[np.float64], batch_size: int, rng: np.random.Generator
) -> Iterator[NDArray[np.int64]]:
    """Indices of one epoch's batches, the chunks of a note beside each other.

    So a set of neighbours holds chunks of one note, which are hard to tell apart, and chunks of other notes.

    Args:
        notes: (M, 2) first and last-plus-one context of each note; of long ones a random run is taken.
        weights: (M,) how often each is seen in an epoch; the fraction is a probability.
        batch_size: contexts per batch over all processes; an incomplete last batch is dropped.
    """
    repeats = np.floor(weights + rng.random(len(weights))).astype(np.int64)
    drawn = notes[rng.permutation(np.repeat(np.arange(len(notes)), repeats))]  # (m, 2)
    n_chunks = drawn[:, 1] - drawn[:, 0]
    n_taken = np.minimum(n_chunks, _MAX_CHUNKS)
    first = drawn[:, 0] + rng.integers(0, n_chunks - n_taken + 1)
    place = np.repeat(np.arange(len(drawn)), n_taken)  # (n,) which drawn note each chunk is of
    inside = np.arange(len(place)) - np.repeat(np.cumsum(n_taken) - n_taken, n_taken)
    stream = (first[place] + inside)[np.lexsort((rng.random(len(place)), place))]
    for start in range(0, len(stream) - batch_size + 1, batch_size):
        yield stream[start : start + batch_size]


def make_batch(
    examples: Sequence[Example],
    templates: Templates,
    *,
    n_questions: int,
    dense: float,
    rng: np.random.Generator,
    set_size: int = 1,
    absent_share: float = 0.0,
    continue_tokens: int = 24,
    has_teacher: bool = False,
) -> Batch:
    """Draw questions; missing ones, and a share of all, become prompts to continue the note.

    Args:
        dense: that share.
        continue_tokens: at most so many are to be continued.
        set_size: neighbours that will be joined; a question may stand in any row of its set.
        absent_share: share of the questions that are asked of a set which cannot answer them.
        has_teacher: whether the questions are also given behind the passages that answer them.
    """
    contexts = [example.context for example in examples]
    chosen = choose_pairs(examples, n_questions, set_size, rng)
    refusals = Refusals(contexts, chosen, set_size, templates)
    sequences: list[Pair | None] = []
    for row, pair in enumerate(chosen):
        slot: Pair | None = pair
        if pair is None or rng.random() < dense:
            slot = _continuation(contexts[row // n_questions], templates, continue_tokens, rng) or pair
        elif absent_share and rng.random() < absent_share:
            unanswerable = refusals.draw(row, rng)
            slot = (unanswerable.pair[0], templates.absent) if unanswerable else pair
        sequences.append(slot)
    batch = pack(contexts, sequences)
    return replace(batch, teacher=_teacher(examples, sequences, templates, rng)) if has_teacher else batch


def choose_pairs(
    examples: Sequence[Example], n_questions: int, set_size: int, rng: np.random.Generator
) -> list[Pair | None]:
    """(C * Q) questions, context-major; where a context has too few, left-over ones of its set, then None."""
    chosen: list[Pair | None] = []
    for start in range(0, len(examples), set_size):
        rows: list[Pair | None] = []
        spare: list[Pair] = []
        for example in examples[start : start + set_size]:
            shuffled = [example.questions[i] for i in rng.permutation(len(example.questions))]
            rows += [*shuffled[:n_questions], *[None] * (n_questions - len(shuffled))]
            spare += shuffled[n_questions:]
        order = iter(rng.permutation(len(spare)))
        for i, pair in enumerate(rows):
            if pair is None and (left := next(order, None)) is not None:
                rows[i] = spare[left]
        chosen += rows
    return chosen


def pack(contexts: Sequence[Tokens], sequences: Sequence[Pair | None]) -> Batch:
    """Pad; a None sequence has no loss."""
    width = _rounded(max(len(c) for c in contexts), 64)
    context_ids = np.zeros((len(contexts), width), np.int64)
    for row, context in zip(context_ids, contexts, strict=True):
        row[: len(context)] = context
    ids, positions = _padded(sequences)
    targets = np.concatenate([np.zeros(0, np.int32), *(s[1] for s in sequences if s)])
    lengths = np.array([len(c) for c in contexts], np.int64)
    return Batch(
        torch.from_numpy(context_ids),
        torch.from_numpy(lengths),
        torch.from_numpy(ids),
        torch.from_numpy(positions),
        torch.from_numpy(targets.astype(np.int64)),
        torch.ones(len(contexts)),
    )


def _padded(sequences: Sequence[Pair | None]) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Prompts and targets as (N, T), and the (P,) positions before the target tokens, row by row."""
    width = _rounded(max((len(s[0]) + len(s[1]) for s in sequences if s), default=1), 16)
    ids = np.zeros((len(sequences), width), np.int64)
    positions: list[NDArray[np.int64]] = [np.zeros(0, np.int64)]
    for i, sequence in enumerate(sequences):
        if sequence is None:
            continue
        prompt, target = sequence
        end = len(prompt) + len(target)
        ids[i, : len(prompt)], ids[i, len(prompt) : end] = prompt, target
        positions.append(np.arange(i * width + len(prompt) - 1, i * width + end - 1))
    return ids, np.concatenate(positions)


def _teacher(
    examples: Sequence[Example],
    sequences: Sequence[Pair | None],
    templates: Templates,
    rng: np.random.Generator,
) -> Teacher | None:
    """The real questions behind their passages; None if there are none.

    Those are told by identity: refusals and continuations are pairs of their own.
    """
    n_prefix = len(templates.context_prefix)
    passages = {id(pair): example.context[n_prefix:] for example in examples for pair in example.questions}
    taught: list[Pair | None] = []
    of: list[NDArray[np.int64]] = []
    n_targets = 0
    for sequence in sequences:
        slot: Pair | None = None
        if sequence is not None:
            prompt, target = sequence
            if (passage := passages.get(id(sequence))) is not None:
                slot = (quoting(prompt, [passage], [], templates, rng), target)
                of.append(np.arange(n_targets, n_targets + len(target)))
            n_targets += len(target)
        taught.append(slot)
    if not of:
        return None
    ids, positions = _padded(taught)
    return Teacher(torch.from_numpy(ids), torch.from_numpy(positions), torch.from_numpy(np.concatenate(of)))


def draw_weights(batch: Batch, set_size: int, share: float, rng: np.random.Generator) -> Batch:
    """The batch with random weights in a share of its sets, the greatest of each 1, and equal ones elsewhere.

    The app gives the chunks that fit a question less well less weight, and sometimes the right one is among
    them: hence not below _MIN_WEIGHT, where there would be nothing to answer from.
    """
    weights = rng.uniform(_MIN_WEIGHT, 1, (len(batch.lengths) // set_size, set_size))  # (G, k)
    weights /= weights.max(axis=1, keepdims=True)
    weights[rng.random(len(weights)) >= share] = equal_weight(set_size)
    return replace(batch, weights=torch.from_numpy(weights.reshape(-1).astype(np.float32)))


def _continuation(
    context: Tokens, templates: Templates, most_tokens: int, rng: np.random.Generator
) -> Pair | None:
    """A few tokens of the note as prompt, the next ones as target: starts the learning of retrieval early."""
    n_prefix = len(templates.context_prefix)
    if len(context) < n_prefix + 24:
        return None
    start = int(rng.integers(n_prefix, len(context) - 18))
    middle = start + int(rng.integers(4, 11))
    end = min(len(context), middle + most_tokens)
    prompt = np.concatenate([templates.continue_prefix, context[start:middle], templates.prompt_suffix])
    target = np.concatenate([context[middle:end], templates.end_of_turn])
    return prompt.astype(np.int32), target.astype(np.int32)


def _rounded(n: int, multiple: int) -> int:
    return -(-n // multiple) * multiple
