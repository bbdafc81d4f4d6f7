"""``loreleaf eval``: how right the answers are, through the very services that users get.

Each context of a set becomes a file of a temporary profile and is learnt by the ingest worker; a question is
routed and answered by the chat worker, greedy, at most 48 tokens. Nothing is simulated.
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

from app.bootstrap import SHIPPED_WEIGHTS, Application, build
from app.services.answers import Answer, QuestionRefused
from engine.messages import AnswerMode
from engine.training.metrics import Score, mean, score
from engine.training.question_sets import SUFFIXES, RawExample, parse, read_lines
from storage.errors import StorageError
from storage.records import DocumentState

MAX_ANSWER_TOKENS = 48
MODES = ("none", "context", "memory", "quotes")
_LEARN_S_PER_NOTE = 120.0
_ANSWER_S = 600.0


class EvaluationFailed(Exception):
    """A set or a model cannot be used; the message says why."""


@dataclass(frozen=True, slots=True)
class SetResult:
    """Averages over one set in one mode.

    Attributes:
        distractors: further notes that are enabled beside the one in question (modes memory and quotes).
        recall, f1, exact: in [0, 1], see engine.training.metrics.
        prompt_tokens: mean tokens of the prompt.
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
    first_token_s: float
    seconds: float


class Evaluation:
    """One set in one temporary profile.

    Args:
        application: started; its library is empty.
        examples: the set; the first question of each is asked.
        folder: where the notes are written.
    """

    def __init__(
        self, application: Application, name: str, examples: Sequence[RawExample], folder: Path
    ) -> None:
        self._application, self._name, self._examples = application, name, examples
        paths = [folder / f"{name} {i:05}.txt" for i in range(len(examples))]
        for path, example in zip(paths, examples, strict=True):
            path.write_text(example.context, encoding="utf-8")
        self._ids = self._learn(paths)

    def _learn(self, paths: Sequence[Path]) -> list[int]:
        report = self._application.ingest.add_paths(paths)
        if report.skipped:
            raise EvaluationFailed(f"{report.skipped[0][0].name}: {report.skipped[0][1]}")
        if not self._application.ingest.wait_until_idle(_LEARN_S_PER_NOTE * len(paths)):
            raise EvaluationFailed("The notes were not learnt in time.")
        documents = {document.path: document for document in self._application.library.documents()}
        failed = [d for d in documents.values() if d.state is not DocumentState.READY]
        if failed:
            raise EvaluationFailed(f"{failed[0].title}: {failed[0].reason_title} {failed[0].reason_detail}")
        return [documents[path].id for path in paths]

    def run(self, mode: str, distractors: int) -> SetResult:
        """Ask every question.

        Args:
            mode: "none" is the base alone; "context" has note, blank line and question as the user turn;
                "memory" and "quotes" are the app's.
            distractors: enabled beside the note in question: its neighbours in the set.
        """
        scores: list[Score] = []
        answers: list[tuple[Answer, float]] = []
        for i, example in enumerate(self._examples):
            question, accepted = example.questions[0]
            if mode in ("memory", "quotes"):
                self._enable(i, distractors)
            started = time.perf_counter()
            answer = self._ask(
                question if mode != "context" else f"{example.context.strip()}\n\n{question}", mode
            )
            answers.append((answer, time.perf_counter() - started))
            scores.append(score(answer.answer, accepted))
        average, n = mean(scores), len(scores)
        return SetResult(
            data=self._name,
            mode=mode,
            distractors=distractors if mode in ("memory", "quotes") else 0,
            questions=n,
            recall=round(average.recall, 4),
            f1=round(average.f1, 4),
            exact=round(average.exact, 4),
            prompt_tokens=round(sum(a.facts.prompt_tokens for a, _ in answers) / n, 1),
            first_token_s=round(sum(a.facts.first_token_s for a, _ in answers) / n, 4),
            seconds=round(sum(s for _, s in answers) / n, 3),
        )

    def _enable(self, index: int, distractors: int) -> None:
        wanted = {self._ids[(index + k) % len(self._ids)] for k in range(distractors + 1)}
        library = self._application.library
        enabled = {document.id for document in library.documents() if document.enabled}
        library.set_enabled(sorted(enabled - wanted), on=False)
        library.set_enabled(sorted(wanted - enabled), on=True)

    def _ask(self, question: str, mode: str) -> Answer:
        wanted = {"memory": AnswerMode.MEMORY, "quotes": AnswerMode.QUOTES}.get(mode, AnswerMode.PLAIN)
        running = self._application.chat.ask(None, question, mode=wanted, on_event=lambda _event: None)
        return running.result(_ANSWER_S)


@contextmanager
def temporary_application(weights_dir: Path) -> Iterator[tuple[Application, Path]]:
    """A started application of an empty profile, and a folder for notes; both are removed at the end."""
    with TemporaryDirectory(prefix="loreleaf-eval-") as name:
        application = build(Path(name) / "profile", headless=True, weights_dir=weights_dir)
        try:
            settings = dataclasses.replace(application.settings.current, max_answer_tokens=MAX_ANSWER_TOKENS)
            application.settings.save(settings)
            application.start()
            notes = Path(name) / "notes"
            notes.mkdir()
            yield application, notes
        finally:
            application.close()


def evaluate(
    path: Path, modes: Sequence[str], limit: int, distractors: int, weights_dir: Path
) -> list[SetResult]:
    """Measure one set in each mode.

    Raises:
        EvaluationFailed, QuestionRefused, StorageError, OSError, ValueError: with a sentence that says why.
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
    with temporary_application(weights_dir) as (application, folder):
        evaluation = Evaluation(application, name, examples, folder)
        return [evaluation.run(mode, distractors) for mode in modes]


def table(results: Sequence[SetResult]) -> str:
    """The results as text with aligned columns."""
    names = [field.name for field in dataclasses.fields(SetResult)]
    rows = [names, *([str(value) for value in dataclasses.astuple(result)] for result in results)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure each set in each mode; returns the exit code."""
    parser = argparse.ArgumentParser(prog="loreleaf eval", description="Measure how right the answers are.")
    parser.add_argument(
        "--data", type=Path, nargs="+", required=True, help="sets: NAME.jsonl.gz or .jsonl.xz"
    )
    parser.add_argument(
        "--mode", choices=MODES, action="append", help="may be given several times; default: memory"
    )
    parser.add_argument("--limit", type=int, default=100, help="contexts per set (default: 100)")
    parser.add_argument(
        "--distractors", type=int, default=0, help="further notes that are on beside each note"
    )
    parser.add_argument("--weights", type=Path, default=SHIPPED_WEIGHTS, help="folder of the hypernetwork")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options = parser.parse_args(arguments)
    if options.limit < 1 or options.distractors < 0:
        parser.error("--limit must be at least 1, and --distractors at least 0")
    results: list[SetResult] = []
    try:
        for path in options.data:
            results += evaluate(
                path, options.mode or ["memory"], options.limit, options.distractors, options.weights
            )
    except (EvaluationFailed, QuestionRefused, StorageError, OSError, ValueError) as exc:
        print(f"loreleaf eval: {exc}", file=sys.stderr)
        return 1
    print(json.dumps([dataclasses.asdict(r) for r in results], indent=1) if options.json else table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
