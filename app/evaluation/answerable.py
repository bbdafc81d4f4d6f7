"""Does Loreleaf know what it does not know: each question with its note on, and with others on instead.

The score of an answer should tell the two apart. Their weights are fitted here, too (a logistic regression):
on notes that the hypernetwork was not trained on, and never on the sets it is measured with.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.evaluation.library import EvaluationFailed, NoteLibrary, temporary_library
from app.evaluation.question_set import further_notes, read_set
from app.services.confidence import MIN_LOGPROB, Calibration, Evidence
from engine.evaluation.question_sets import RawExample

_NEWTON_STEPS = 30
_RIDGE = 1e-3
"""Keeps the weights finite where the evidence separates the two without fault."""


@dataclass(frozen=True, slots=True)
class Judged:
    """One answer: whether its note was on, and what was known when it began."""

    has_note: bool
    evidence: Evidence


@dataclass(frozen=True, slots=True)
class AnswerableResult:
    """How well the two kinds of one set are told apart.

    Attributes:
        questions: each is asked twice.
        auroc: of the calibrated score: 1 tells all apart, 0.5 none. That of the parts beside it.
        guesses_told: share of the answers without their note that are told to be guesses.
        answers_doubted: share of the answers with their note that are.
    """

    data: str
    distractors: int
    questions: int
    auroc: float
    auroc_coverage: float
    auroc_first_logprob: float
    auroc_absent_logprob: float
    guesses_told: float
    answers_doubted: float


def judge_set(
    path: Path, limit: int, distractors: int, weights_dir: Path, *, is_distinct: bool
) -> tuple[str, list[Judged]]:
    """Ask each question of a set with its note and without, each time beside so many others.

    Args:
        is_distinct: see ``further_notes``; what a note beside it answers, too, is no guess.

    Raises:
        EvaluationFailed, QuestionRefused, StorageError, OSError, ValueError: with a sentence that says why.
    """
    name, examples = read_set(path, limit)
    if distractors < 1:
        raise EvaluationFailed("--answerable asks beside further notes: give --distractors, 1 or more.")
    further = further_notes(name, examples, distractors, is_distinct=is_distinct)
    with temporary_library(weights_dir) as library:
        library.learn(name, [example.context for example in examples])
        return name, _judge(library, examples, further)


def result_of(
    name: str, judged: Sequence[Judged], distractors: int, calibration: Calibration
) -> AnswerableResult:
    """Measure a calibration on judged answers."""
    scores = [(one.has_note, calibration.confidence(one.evidence)) for one in judged]
    return AnswerableResult(
        data=name,
        distractors=distractors,
        questions=len(judged) // 2,
        auroc=round(auroc(scores), 4),
        auroc_coverage=round(auroc([(one.has_note, one.evidence.coverage) for one in judged]), 4),
        auroc_first_logprob=round(auroc([(one.has_note, one.evidence.first_logprob) for one in judged]), 4),
        auroc_absent_logprob=round(
            auroc([(one.has_note, -one.evidence.absent_logprob) for one in judged]), 4
        ),
        guesses_told=round(_share_below(scores, calibration.threshold, has_note=False), 4),
        answers_doubted=round(_share_below(scores, calibration.threshold, has_note=True), 4),
    )


def auroc(scores: Sequence[tuple[bool, float]]) -> float:
    """Probability that an answer with its note scores higher than one without; ties count half."""
    with_note = [score for has_note, score in scores if has_note]
    without = [score for has_note, score in scores if not has_note]
    wins = sum((a > b) + 0.5 * (a == b) for a in with_note for b in without)
    return wins / (len(with_note) * len(without))


def fit(judged: Sequence[Judged], threshold: float = 0.5) -> Calibration:
    """The logistic regression of ``has_note`` on the evidence, by Newton's method.

    Raises:
        EvaluationFailed: there are no answers of both kinds.
    """
    if len({one.has_note for one in judged}) < 2:
        raise EvaluationFailed("There is nothing to tell apart: answers of one kind only.")
    n = len(judged[0].evidence.features)
    weights = [0.0] * n
    for _ in range(_NEWTON_STEPS):
        gradient = [-_RIDGE * weight for weight in weights]
        curvature = [[_RIDGE * (i == j) for j in range(n)] for i in range(n)]
        calibration = Calibration(*weights)
        for one in judged:
            row, p = one.evidence.features, calibration.confidence(one.evidence)
            for i in range(n):
                gradient[i] += (one.has_note - p) * row[i]
                for j in range(n):
                    curvature[i][j] += p * (1.0 - p) * row[i] * row[j]
        step = _solve(curvature, gradient)
        weights = [weight + change for weight, change in zip(weights, step, strict=True)]
    intercept, coverage, first_logprob, absent_logprob = weights
    return Calibration(intercept, coverage, first_logprob, absent_logprob, threshold)


def _judge(
    library: NoteLibrary, examples: Sequence[RawExample], further: Sequence[Sequence[int]]
) -> list[Judged]:
    judged: list[Judged] = []
    for i, example in enumerate(examples):
        for has_note in (True, False):
            library.enable([i, *further[i]] if has_note else further[i])
            answer, _ = library.ask(example.questions[0][0], "memory")
            # Nothing at all was said: as unsure as can be.
            judged.append(Judged(has_note, answer.evidence or Evidence(0.0, MIN_LOGPROB, 0.0)))
    return judged


def _share_below(scores: Sequence[tuple[bool, float]], threshold: float, *, has_note: bool) -> float:
    of_kind = [score for with_note, score in scores if with_note == has_note]
    return sum(score < threshold for score in of_kind) / len(of_kind)


def _solve(matrix: list[list[float]], right: list[float]) -> list[float]:
    """Gaussian elimination with pivoting, of a few equations: no numpy in this process."""
    n = len(right)
    rows = [[*matrix[i], right[i]] for i in range(n)]
    for column in range(n):
        pivot = max(range(column, n), key=lambda i: abs(rows[i][column]))
        rows[column], rows[pivot] = rows[pivot], rows[column]
        for i in range(column + 1, n):
            factor = rows[i][column] / rows[column][column]
            rows[i] = [a - factor * b for a, b in zip(rows[i], rows[column], strict=True)]
    solution = [0.0] * n
    for i in reversed(range(n)):
        known = sum(rows[i][j] * solution[j] for j in range(i + 1, n))
        solution[i] = (rows[i][n] - known) / rows[i][i]
    return solution
