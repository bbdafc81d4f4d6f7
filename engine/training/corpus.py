"""Sets of contexts and questions, tokenised once.

A set is JSON lines, gzip or xz: {"context", "qas": [{"q", "a": [answers]}]}; ``a[0]`` is learnt.
"""

import gzip
import json
import lzma
import random
from collections.abc import Iterable, Iterator
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from tokenizers import Tokenizer

from engine.training.personal_notes.generator import generate_note
from engine.training.prompts import Templates

MAX_ANSWER_CHARS = 160
"""Longer answers teach the wrong length."""
_BATCH = 2000

Tokens = NDArray[np.int32]


@dataclass(frozen=True, slots=True)
class RawExample:
    """A context and its questions with every accepted answer, the reference answer first."""

    context: str
    questions: tuple[tuple[str, tuple[str, ...]], ...]


@dataclass(frozen=True, slots=True)
class Example:
    """A tokenised context (template included) and, per question, prompt and target (end of turn included)."""

    context: Tokens
    questions: tuple[tuple[Tokens, Tokens], ...]


def read_set(folder: Path, name: str) -> list[RawExample]:
    """Read one set; questions with an empty or a long answer are left out.

    Raises:
        FileNotFoundError: neither NAME.jsonl.gz nor NAME.jsonl.xz is there.
    """
    for suffix, opener in ((".jsonl.gz", gzip.open), (".jsonl.xz", lzma.open)):
        path = folder / (name + suffix)
        if path.exists():
            with opener(path, "rt", encoding="utf-8") as lines:
                return [example for line in lines if (example := _parse(line))]
    msg = f"no set named {name} in {folder}"
    raise FileNotFoundError(msg)


def _parse(line: str) -> RawExample | None:
    record = json.loads(line)
    questions = tuple(
        (qa["q"].strip(), tuple(qa["a"]))
        for qa in record["qas"]
        if qa["a"] and 0 < len(qa["a"][0]) < MAX_ANSWER_CHARS and qa["q"].strip()
    )
    return RawExample(record["context"], questions) if questions else None


def personal_notes(count: int, seed: int) -> list[RawExample]:
    """Made notes, in parallel; the same seed gives the same notes."""
    per_job = 2000
    jobs = [(seed * 1_000_003 + i, min(per_job, count - i * per_job)) for i in range(-(-count // per_job))]
    with ProcessPoolExecutor() as pool:
        return [example for part in pool.map(_make_notes, jobs) for example in part]


def _make_notes(job: tuple[int, int]) -> list[RawExample]:
    seed, count = job
    rng = random.Random(seed)
    notes = (generate_note(rng) for _ in range(count))
    return [
        RawExample(note.text, tuple((q.text, (q.answer, *q.alternatives)) for q in note.questions))
        for note in notes
    ]


def tokenise(
    examples: Iterable[RawExample], tokenizer: Tokenizer, *, max_chunk_tokens: int, max_question_tokens: int
) -> list[Example]:
    """Tokenise, leaving out contexts and questions that are too long."""
    templates = Templates.of(tokenizer)
    result: list[Example] = []
    for batch in _batches(examples):
        contexts = _encode(tokenizer, [example.context.strip() for example in batch])
        questions = iter(_encode(tokenizer, [q for example in batch for q, _ in example.questions]))
        answers = iter(_encode(tokenizer, [a[0] for example in batch for _, a in example.questions]))
        for example, context in zip(batch, contexts, strict=True):
            pairs = []
            for _ in example.questions:
                prompt = [*templates.prompt_prefix, *next(questions), *templates.prompt_suffix]
                target = [*next(answers), *templates.end_of_turn]
                if len(prompt) + len(target) <= max_question_tokens:
                    pairs.append((np.array(prompt, np.int32), np.array(target, np.int32)))
            ids = np.array([*templates.context_prefix, *context], np.int32)
            if pairs and len(ids) <= max_chunk_tokens:
                result.append(Example(ids, tuple(pairs)))
    return result


def _encode(tokenizer: Tokenizer, texts: list[str]) -> list[list[int]]:
    return [e.ids for e in tokenizer.encode_batch(texts, add_special_tokens=False)]


def _batches(examples: Iterable[RawExample]) -> Iterator[list[RawExample]]:
    batch: list[RawExample] = []
    for example in examples:
        batch.append(example)
        if len(batch) == _BATCH:
            yield batch
            batch = []
    if batch:
        yield batch
