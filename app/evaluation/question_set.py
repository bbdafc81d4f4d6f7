"""One set of contexts and questions: how right the answers are, mode by mode and note by note."""

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from app.evaluation.library import EvaluationFailed, NoteLibrary, temporary_library
from app.services.answers import Answer
from app.services.chat_service import Ablation
from engine.evaluation.metrics import Score, mean, score
from engine.evaluation.question_sets import SUFFIXES, RawExample, parse, read_lines

MODES = ("none", "context", "memory", "quotes")
"""How a question is asked. "none" is the base model alone; "context" has note, blank line and question as the
user turn; "memory" and "quotes" are the app's."""
WITH_NOTES = ("memory", "quotes")


@dataclass(frozen=True, slots=True)
class SetResult:
    """Averages over one set in one mode.

    Attributes:
        distractors: further notes that are enabled beside the one in question (modes memory and quotes).
        recall, f1, exact: in [0, 1], see engine.evaluation.metrics.
        prompt_tokens: mean tokens of the prompt.
        rank: mean rank of the adapters that took part.
        first_token_s, seconds: mean wall time of a question to its first token and to its end.
    """

    data: str
    mode: str
    distractors: int
    questions: int
    recall: float
    f1: float
    exact: float
    prompt_tokens: float
    rank: float
    first_token_s: float
    seconds: float


def evaluate_set(
    path: Path,
    modes: Sequence[str],
    limit: int,
    distractors: Sequence[int],
    weights_dir: Path,
    ablation: Ablation,
    *,
    is_distinct: bool,
) -> list[SetResult]:
    """Learn the first contexts of a set and ask the first question of each.

    Args:
        path: the set.
        modes: of MODES, in turn.
        limit: contexts.
        distractors: numbers of further notes, in turn, in the modes with notes.
        weights_dir: folder of the hypernetwork.
        ablation: see ``temporary_library``.
        is_distinct: see ``further_notes``.

    Raises:
        EvaluationFailed, QuestionRefused, StorageError, OSError, ValueError: with a sentence that says why.
    """
    name, examples = read_set(path, limit)
    further = further_notes(name, examples, max(distractors), is_distinct=is_distinct)
    with temporary_library(weights_dir, ablation) as library:
        library.learn(name, [example.context for example in examples])
        return [
            _ask_all(library, name, examples, mode, [notes[:n_others] for notes in further])
            for mode in modes
            for n_others in (distractors if mode in WITH_NOTES else (0,))
        ]


def read_set(path: Path, limit: int) -> tuple[str, list[RawExample]]:
    """A set's name and its first contexts with short answers.

    Raises:
        EvaluationFailed: it is no set, or has no question with a short answer.
        FileNotFoundError: it is not there.
    """
    suffix = next((s for s in SUFFIXES if path.name.endswith(s)), None)
    if suffix is None:
        raise EvaluationFailed(
            f"{path.name} is not a set: expected a name that ends in {' or '.join(SUFFIXES)}."
        )
    name = path.name.removesuffix(suffix)
    examples = parse(read_lines(path.parent, name))[:limit]
    if not examples:
        raise EvaluationFailed(f"{path.name} has no question with a short answer.")
    return name, examples


def further_notes(
    name: str, examples: Sequence[RawExample], count: int, *, is_distinct: bool
) -> list[list[int]]:
    """Which notes of a set are on beside each: so many of those that follow it.

    Args:
        is_distinct: pass over notes that are asked the same question, word by word. They answer it, too, and
            mostly otherwise; nothing in the question says which of them is meant.

    Raises:
        EvaluationFailed: there are not so many.
    """
    n = len(examples)
    asked = [{_plain(question) for question, _ in example.questions} for example in examples]
    further = []
    for index, example in enumerate(examples):
        others = [(index + k) % n for k in range(1, n)]
        if is_distinct:
            question = _plain(example.questions[0][0])
            others = [other for other in others if question not in asked[other]]
        if count > len(others):
            raise EvaluationFailed(
                f"{name}: {count} further notes are wanted beside note {index + 1}, and only"
                f" {len(others)} of the {n} that are taken can be. Raise --limit, or take a larger set."
            )
        further.append(others[:count])
    return further


def _plain(question: str) -> str:
    return " ".join(question.casefold().split())


def _ask_all(
    library: NoteLibrary,
    name: str,
    examples: Sequence[RawExample],
    mode: str,
    further: Sequence[Sequence[int]],
) -> SetResult:
    scores: list[Score] = []
    answers: list[tuple[Answer, float]] = []
    for i, example in enumerate(examples):
        question, accepted = example.questions[0]
        if mode in WITH_NOTES:
            library.enable([i, *further[i]])
        text = f"{example.context.strip()}\n\n{question}" if mode == "context" else question
        answers.append(library.ask(text, mode))
        scores.append(score(answers[-1][0].answer, accepted))
    average, n = mean(scores), len(scores)
    facts = [answer.facts for answer, _ in answers]
    return SetResult(
        data=name,
        mode=mode,
        distractors=len(further[0]),
        questions=n,
        recall=round(average.recall, 4),
        f1=round(average.f1, 4),
        exact=round(average.exact, 4),
        prompt_tokens=round(sum(fact.prompt_tokens for fact in facts) / n, 1),
        rank=round(sum(fact.adapter_rank for fact in facts) / n, 1),
        first_token_s=round(sum(fact.first_token_s for fact in facts) / n, 4),
        seconds=round(sum(seconds for _, seconds in answers) / n, 3),
    )
