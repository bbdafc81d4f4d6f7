"""How much of held-out notes a student recalls, on the device and in the dtype of the training.

app.evaluation measures what users get; this one is for watching a run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

import numpy as np
from tokenizers import Tokenizer

from engine.evaluation.metrics import Score, score
from engine.evaluation.question_sets import RawExample, parse, read_lines
from engine.training.corpus import Limits, Tokens, tokenise
from engine.training.passages import bordered
from engine.training.prompts import Templates
from engine.training.student import Student

SET_SIZES = (1, 4, 8)
"""Numbers of chunks joined in one adapter that are measured, ascending."""
_MAX_ANSWER_TOKENS = 48
_BATCH_SIZE = 128
"""Questions asked at once."""
_MAX_NOTE_TOKENS = 1200
"""Longer notes are not put into a prompt."""


@dataclass(frozen=True, slots=True)
class HeldOutNote:
    """A note in chunks and a question that one of them answers.

    Attributes:
        chunks: with template, the one that answers first, then those nearest to it in the note.
        whole: the note without template.
        prompt: the question, with template.
        accepted: every accepted answer.
    """

    chunks: tuple[Tokens, ...]
    whole: Tokens
    prompt: Tokens
    accepted: tuple[str, ...]


def held_out_notes(
    folder: Path, name: str, limit: int, tokenizer: Tokenizer, limits: Limits
) -> list[HeldOutNote]:
    """The first ``limit`` notes, each with its first question that fits and that a single chunk answers.

    Raises:
        FileNotFoundError: there is no such set.
    """
    templates = Templates.of(tokenizer)
    notes: list[HeldOutNote] = []
    for raw in parse(read_lines(folder, name)):
        if len(notes) == limit:
            break
        for question in raw.questions:
            corpus = tokenise([RawExample(raw.context, (question,), raw.evidence)], tokenizer, limits)
            if not len(corpus):
                continue
            examples = [corpus.example(i, templates) for i in range(len(corpus))]
            owner = next(i for i, example in enumerate(examples) if example.questions)
            by_nearness = sorted(range(len(examples)), key=lambda i: abs(i - owner))
            chunks = tuple(examples[i].context for i in by_nearness)
            encoded = tokenizer.encode(raw.context.strip(), add_special_tokens=False).ids
            whole = np.array(encoded, np.int32)
            notes.append(HeldOutNote(chunks, whole, examples[owner].questions[0][0], question[1]))
            break
    return notes


def measure_chunks(
    student: Student, notes: Sequence[HeldOutNote], tokenizer: Tokenizer, *, set_size: int
) -> list[Score]:
    """Score each note's question on a set of ``set_size`` chunks joined in one adapter.

    The set has the chunk that answers, then others of its note, then those of the notes that follow.

    Raises:
        ValueError: there are fewer chunks than a set needs.
    """
    n_chunks = sum(len(note.chunks) for note in notes)
    if n_chunks < set_size:
        raise ValueError(f"{n_chunks} held-out chunks do not fill a set of {set_size}")
    end_of_turn = Templates.of(tokenizer).end_of_turn[0]
    scores: list[Score] = []
    for start in range(0, len(notes), _BATCH_SIZE):
        part = notes[start : start + _BATCH_SIZE]
        contexts: list[Tokens] = []
        for i in range(start, start + len(part)):
            following = chain.from_iterable(note.chunks for note in chain(notes[i:], notes[:i]))
            contexts += islice(following, set_size)
        answers = student.answer(
            contexts,
            [note.prompt for note in part],
            set_size=set_size,
            end_of_turn=end_of_turn,
            n_new=_MAX_ANSWER_TOKENS,
        )
        texts = tokenizer.decode_batch(answers)
        scores += [score(text, note.accepted) for text, note in zip(texts, part, strict=True)]
    return scores


def measure_quotes(
    student: Student, notes: Sequence[HeldOutNote], tokenizer: Tokenizer, *, with_adapters: bool
) -> list[Score]:
    """Score each note's question behind the chunk that answers it.

    Args:
        with_adapters: that chunk's adapter and the block for quotes; otherwise the base reads alone.
    """
    templates = Templates.of(tokenizer)
    n_prefix = len(templates.context_prefix)
    return _asked_behind(
        student, notes, [note.chunks[0][n_prefix:] for note in notes], tokenizer, with_adapters=with_adapters
    )


def measure_base(student: Student, notes: Sequence[HeldOutNote], tokenizer: Tokenizer) -> list[Score]:
    """Score each note's question when the base alone reads the whole note in its prompt.

    The usual upper bound. Notes of more than _MAX_NOTE_TOKENS are left out.
    """
    short = [note for note in notes if len(note.whole) <= _MAX_NOTE_TOKENS]
    short.sort(key=lambda note: len(note.whole))  # less padding
    return _asked_behind(student, short, [note.whole for note in short], tokenizer, with_adapters=False)


def _asked_behind(
    student: Student,
    notes: Sequence[HeldOutNote],
    texts: Sequence[Tokens],
    tokenizer: Tokenizer,
    *,
    with_adapters: bool,
) -> list[Score]:
    templates = Templates.of(tokenizer)
    n_prefix, end_of_turn = len(templates.prompt_prefix), templates.end_of_turn[0]
    scores: list[Score] = []
    for start in range(0, len(notes), _BATCH_SIZE):
        part = notes[start : start + _BATCH_SIZE]
        prompts = []
        for note, text in zip(part, texts[start:], strict=False):
            opening, question = note.prompt[:n_prefix], note.prompt[n_prefix:]
            prompts.append(np.concatenate([opening, *bordered([text], question, templates), question]))
        if with_adapters:
            answers = student.answer(
                [note.chunks[0] for note in part],
                prompts,
                set_size=1,
                end_of_turn=end_of_turn,
                n_new=_MAX_ANSWER_TOKENS,
                has_quotes=True,
            )
        else:
            answers = student.answer_with(None, prompts, end_of_turn=end_of_turn, n_new=_MAX_ANSWER_TOKENS)
        texts_of = tokenizer.decode_batch(answers)
        scores += [score(text, note.accepted) for text, note in zip(texts_of, part, strict=True)]
    return scores
