"""How much of held-out notes a student recalls, on the device and in the dtype of the training.

app.evaluation measures what users get; this one is for watching a run.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from itertools import chain, islice
from pathlib import Path

from tokenizers import Tokenizer

from engine.training.corpus import Example, Limits, Tokens, tokenise
from engine.training.metrics import Score, score
from engine.training.prompts import Templates
from engine.training.question_sets import RawExample, parse, read_lines
from engine.training.student import Student

_MAX_ANSWER_TOKENS = 48
_BATCH_SIZE = 32


def held_out_pairs(
    folder: Path, name: str, limit: int, tokenizer: Tokenizer, limits: Limits
) -> list[tuple[Example, RawExample]]:
    """The first ``limit`` contexts that fit a chunk, each with its first question that fits.

    Raises:
        FileNotFoundError: there is no such set.
    """
    templates = Templates.of(tokenizer)
    pairs: list[tuple[Example, RawExample]] = []
    for raw in parse(read_lines(folder, name)):
        if len(pairs) == limit:
            break
        for question in raw.questions:
            one = RawExample(raw.context, (question,), raw.evidence)
            corpus = tokenise([one], tokenizer, limits)
            if len(corpus):
                pairs.append((corpus.example(0, templates), one))
                break
    return pairs


def measure(
    student: Student, pairs: Sequence[tuple[Example, RawExample]], tokenizer: Tokenizer, *, set_size: int
) -> list[Score]:
    """Score the first question of each example, with ``set_size`` neighbours joined in one adapter.

    Examples that do not fill a last set are left out.
    """
    end_of_turn = Templates.of(tokenizer).end_of_turn[0]
    whole = pairs[: len(pairs) // set_size * set_size]
    batch_size = max(1, _BATCH_SIZE // set_size) * set_size
    scores: list[Score] = []
    for start in range(0, len(whole), batch_size):
        part = whole[start : start + batch_size]
        answers = student.answer(
            [example.context for example, _ in part],
            [example.questions[0][0] for example, _ in part],
            set_size=set_size,
            end_of_turn=end_of_turn,
            n_new=_MAX_ANSWER_TOKENS,
        )
        texts = tokenizer.decode_batch(answers)
        scores += [score(text, raw.questions[0][1]) for text, (_, raw) in zip(texts, part, strict=True)]
    return scores


@dataclass(frozen=True, slots=True)
class HeldOutNote:
    """A note in chunks and a question that one of them answers.

    Attributes:
        chunks: with template, the one that answers first, then those nearest to it in the note.
        prompt: the question, with template.
        accepted: every accepted answer.
    """

    chunks: tuple[Tokens, ...]
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
            notes.append(HeldOutNote(chunks, examples[owner].questions[0][0], question[1]))
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
