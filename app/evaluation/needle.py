"""A needle in a haystack: a four-digit number in one line of a long, dull document.

The haystack's line, the needle and the question are the paper's; so are the depths, uniform over ten bins.
Source: arXiv 2602.15902, section 4; docs/doc-to-lora-spec.md, section 4.4.
"""

import random
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.evaluation.library import temporary_library

HAY = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
HAY_TOKENS = 25
"""Of that line with its line break, in the built-in model's tokens."""
QUESTION = "What is the special magic number? Reply with only the number."
_N_DEPTHS = 10


@dataclass(frozen=True, slots=True)
class NeedleResult:
    """Of one length.

    Attributes:
        tokens: length of the documents in tokens of the base model, at least; the last line ends it.
        accuracy: share of the answers that are the number and nothing else, in [0, 1].
        learn_s, seconds: mean wall time to learn a document, and of a question.
    """

    tokens: int
    mode: str
    documents: int
    accuracy: float
    learn_s: float
    seconds: float


def haystack(n_tokens: int, depth: float, number: str) -> str:
    """A document of at least ``n_tokens`` with the needle at ``depth``: 0 its beginning, 1 its end."""
    n_lines = -(-n_tokens // HAY_TOKENS) + 1
    lines = [HAY] * n_lines
    lines[min(int(depth * n_lines), n_lines - 1)] = f"The special magic number is {number}."
    return "\n".join(lines)


def evaluate_needle(lengths: Sequence[int], mode: str, limit: int, weights_dir: Path) -> list[NeedleResult]:
    """Learn ``limit`` documents of each length, one at a time, and ask each for its number.

    Raises:
        EvaluationFailed, QuestionRefused, StorageError, OSError: with a sentence that says why.
    """
    return [_evaluate_length(length, mode, limit, weights_dir) for length in lengths]


def _evaluate_length(n_tokens: int, mode: str, limit: int, weights_dir: Path) -> NeedleResult:
    rng = random.Random(n_tokens)  # the same documents each time
    n_right = 0
    learn_s = ask_s = 0.0
    with temporary_library(weights_dir) as library:
        for index in range(limit):
            number = f"{rng.randrange(10_000):04}"
            depth = (index % _N_DEPTHS + rng.random()) / _N_DEPTHS
            learn_s += library.learn("haystack", [haystack(n_tokens, depth, number)])
            library.enable([index])
            answer, seconds = library.ask(QUESTION, mode)
            n_right += answer.answer.strip().strip(".") == number
            ask_s += seconds
    return NeedleResult(
        tokens=n_tokens,
        mode=mode,
        documents=limit,
        accuracy=round(n_right / limit, 4),
        learn_s=round(learn_s / limit, 2),
        seconds=round(ask_s / limit, 3),
    )
