"""Sets of contexts and questions, tokenised once, kept as flat arrays."""

import random
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass, fields
from functools import partial
from multiprocessing import get_context
from pathlib import Path
from typing import ClassVar, Self

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from engine.evaluation.question_sets import RawExample, parse, read_lines
from engine.training.chunked import ChunkTokens, cut_note
from engine.training.personal_notes.generator import generate_note
from engine.training.prompts import Templates

_JOB_SIZE = 1000

Tokens = NDArray[np.int32]
Pair = tuple[Tokens, Tokens]
"""A prompt and what is to be answered to it."""


@dataclass(frozen=True, slots=True)
class Example:
    """A tokenised context (template included) and, per question, prompt and target (end of turn included)."""

    context: Tokens
    questions: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Corpus:
    """Many examples as slices of one array of tokens.

    A context is a chunk of a note.

    Attributes:
        tokens: (N,) of every context, question and answer, without templates.
        contexts: (n, 2) start and end of each context in ``tokens``.
        rows: (n, 2) first and last-plus-one row of each context's questions.
        questions: (q, 3) start of question, start of answer, end of answer.
        sets: (n,) index of the set each context is from.
        notes: (m, 2) first and last-plus-one context of each note, in the note's order.
    """

    tokens: NDArray[np.int32]
    contexts: NDArray[np.int64]
    rows: NDArray[np.int64]
    questions: NDArray[np.int64]
    sets: NDArray[np.int64]
    notes: NDArray[np.int64]

    def __len__(self) -> int:
        return len(self.contexts)

    def example(self, i: int, templates: Templates) -> Example:
        """Example i with the templates around its tokens."""
        start, end = self.contexts[i]
        context = _joined(templates.context_prefix, self.tokens[start:end])
        pairs = []
        for q_start, a_start, a_end in self.questions[self.rows[i, 0] : self.rows[i, 1]]:
            prompt = _joined(templates.prompt_prefix, self.tokens[q_start:a_start], templates.prompt_suffix)
            pairs.append((prompt, _joined(self.tokens[a_start:a_end], templates.end_of_turn)))
        return Example(context, tuple(pairs))

    @classmethod
    def join(cls, parts: Iterable[Self]) -> Self:
        """One corpus of several; empty parts are fine."""
        shifted: list[Self] = []
        n_tokens = n_questions = n_contexts = 0
        for part in parts:
            shifted.append(
                cls(
                    part.tokens,
                    part.contexts + n_tokens,
                    part.rows + n_questions,
                    part.questions + n_tokens,
                    part.sets,
                    part.notes + n_contexts,
                )
            )
            n_contexts += len(part)
            n_tokens += len(part.tokens)
            n_questions += len(part.questions)
        return cls(*(np.concatenate([getattr(part, f.name) for part in shifted]) for f in fields(cls)))

    def save(self, path: Path) -> None:
        """Write as .npz, beside and then in place: a cut-off run must not leave half a corpus."""
        beside = path.with_suffix(".new.npz")
        np.savez(beside, **{f.name: getattr(self, f.name) for f in fields(self)})
        beside.replace(path)

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read what ``save`` wrote."""
        with np.load(path) as arrays:
            return cls(*(arrays[f.name] for f in fields(cls)))


def _joined(*parts: Sequence[int] | NDArray[np.int32]) -> Tokens:
    return np.concatenate([np.asarray(part, np.int32) for part in parts])


def made_notes(seed: int, count: int) -> list[RawExample]:
    """Personal notes of the generator; the same seed gives the same notes."""
    rng = random.Random(seed)
    notes = (generate_note(rng) for _ in range(count))
    return [
        RawExample(
            note.text,
            tuple((q.text, (q.answer, *q.alternatives)) for q in note.questions),
            {q.text: q.evidence for q in note.questions if q.evidence},
        )
        for note in notes
    ]


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the parts of a corpus may be, in tokens, templates included.

    Attributes:
        max_chunk_tokens: of a context; longer notes are cut into several, as the app does.
        max_question_tokens: of a prompt with its target; longer ones are left out.
    """

    max_chunk_tokens: int
    max_question_tokens: int


def build_corpora(
    folder: Path,
    names: Sequence[str],
    *,
    n_personal_notes: int,
    seed: int,
    tokenizer: Tokenizer,
    limits: Limits,
) -> list[Corpus]:
    """Read, make and tokenise in parallel: a corpus for each name, then that of the made notes, if any."""
    jobs: list[tuple[int, Job]] = [
        (i, partial(_tokenise_lines, part))
        for i, name in enumerate(names)
        for part in _parts(read_lines(folder, name))
    ]
    sizes = [min(_JOB_SIZE, n_personal_notes - done) for done in range(0, n_personal_notes, _JOB_SIZE)]
    jobs += [
        (len(names), partial(_tokenise_made, seed * 1_000_003 + i, size)) for i, size in enumerate(sizes)
    ]
    if len(jobs) == 1:  # a second process would start for longer than it works
        done = [jobs[0][1](tokenizer, limits)]
    else:
        # Not forked: this process has torch's threads, and perhaps a GPU. A large vocabulary takes a second
        # to read, hence once for each process.
        with ProcessPoolExecutor(
            mp_context=get_context("spawn"), initializer=_Worker.start, initargs=(tokenizer.to_str(), limits)
        ) as pool:
            done = list(pool.map(_Worker.do, [job for _, job in jobs]))
    corpora: list[list[Corpus]] = [[] for _ in range(len(names) + bool(n_personal_notes))]
    for (i, _), corpus in zip(jobs, done, strict=True):
        corpora[i].append(corpus)
    return [Corpus.join(parts) for parts in corpora]


Job = Callable[[Tokenizer, Limits], Corpus]


class _Worker:
    """What each process of the pool keeps between its jobs."""

    tokenizer: ClassVar[Tokenizer]
    limits: ClassVar[Limits]

    @classmethod
    def start(cls, tokenizer_json: str, limits: Limits) -> None:
        cls.tokenizer, cls.limits = Tokenizer.from_str(tokenizer_json), limits

    @classmethod
    def do(cls, job: Job) -> Corpus:
        return job(cls.tokenizer, cls.limits)


def _parts(lines: list[str]) -> list[list[str]]:
    return [lines[i : i + _JOB_SIZE] for i in range(0, len(lines), _JOB_SIZE)] or [[]]


def _tokenise_lines(lines: Sequence[str], tokenizer: Tokenizer, limits: Limits) -> Corpus:
    return tokenise(parse(lines), tokenizer, limits)


def _tokenise_made(seed: int, count: int, tokenizer: Tokenizer, limits: Limits) -> Corpus:
    return tokenise(made_notes(seed, count), tokenizer, limits)


def tokenise(
    examples: Sequence[RawExample], tokenizer: Tokenizer, limits: Limits, set_index: int = 0
) -> Corpus:
    """Cut into chunks and tokenise.

    A note's questions go to the chunks that answer them. Questions that no chunk answers or that are too long
    are left out, and notes without any question. Chunks without a question stay.
    """
    templates = Templates.of(tokenizer)
    n_extra = len(templates.prompt_prefix) + len(templates.prompt_suffix) + len(templates.end_of_turn)

    def encode(texts: list[str]) -> list[list[int]]:
        return [encoding.ids for encoding in tokenizer.encode_batch(texts, add_special_tokens=False)]

    counter = ChunkTokens(tokenizer, len(templates.context_prefix))
    questions = iter(encode([q for example in examples for q, _ in example.questions]))
    answers = iter(encode([a[0] for example in examples for _, a in example.questions]))
    flat: list[int] = []
    context_spans: list[tuple[int, int]] = []
    rows: list[tuple[int, int]] = []
    question_spans: list[tuple[int, int, int]] = []
    note_spans: list[tuple[int, int]] = []
    for example in examples:
        note = cut_note(example.context.strip(), example.spans(), counter, limits.max_chunk_tokens)
        pairs = [(next(questions), next(answers)) for _ in example.questions]
        pairs_of: list[list[tuple[list[int], list[int]]]] = [[] for _ in note.chunks]
        for (q, a), owner in zip(pairs, note.owners, strict=True):
            if owner is not None and len(q) + len(a) + n_extra <= limits.max_question_tokens:
                pairs_of[owner].append((q, a))
        if not any(pairs_of):
            continue
        note_spans.append((len(rows), len(rows) + len(note.chunks)))
        for chunk, own in zip(note.chunks, pairs_of, strict=True):
            context_spans.append((len(flat), len(flat) + len(chunk)))
            flat += chunk
            rows.append((len(question_spans), len(question_spans) + len(own)))
            for q, a in own:
                question_spans.append((len(flat), len(flat) + len(q), len(flat) + len(q) + len(a)))
                flat += q + a
    return Corpus(
        np.array(flat, np.int32),
        np.array(context_spans, np.int64).reshape(-1, 2),
        np.array(rows, np.int64).reshape(-1, 2),
        np.array(question_spans, np.int64).reshape(-1, 3),
        np.full(len(rows), set_index, np.int64),
        np.array(note_spans, np.int64).reshape(-1, 2),
    )
