"""``loreleaf eval``: how right the answers are, through the path that users get.

Internalizer -> latents -> one GGUF adapter -> llama.cpp on the F16 base, greedy, at most 48 tokens: nothing
here is simulated, and the same call gives the same numbers on one machine.
"""

import argparse
import dataclasses
import json
import sys
import time
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.chat.session import AnswerEvent, ChatSession
from engine.documents.chunking import chunk_text
from engine.errors import EngineError
from engine.hypernetwork.internalizer import Internalizer
from engine.messages import AdapterPart, AnswerDone, AnswerFailed, AnswerMode, Ask, Codec, EngineSettings
from engine.training.corpus import RawExample, parse, read_lines
from engine.training.metrics import Score, mean, score

MAX_ANSWER_TOKENS = 48
MODES = ("none", "context", "memory")


@dataclass(frozen=True, slots=True)
class SetResult:
    """Averages over one set.

    Attributes:
        recall, f1, exact: in [0, 1], see engine.training.metrics.
        prompt_tokens: mean tokens of the prompt.
        seconds_per_question: mean wall time of answering, without internalizing.
        seconds_per_note: mean wall time of internalizing; 0.0 in the other modes.
    """

    data: str
    mode: str
    notes_at_once: int
    questions: int
    recall: float
    f1: float
    exact: float
    prompt_tokens: float
    seconds_per_question: float
    seconds_per_note: float


class Evaluator:
    """Both models in one process."""

    def __init__(self, base_model: Path, weights_dir: Path, n_threads: int | None) -> None:
        self._internalizer = Internalizer.load(base_model, weights_dir, "cpu", n_threads)
        self._session = ChatSession.load(
            EngineSettings(base_model=base_model, weights_dir=weights_dir, device="cpu", n_threads=n_threads)
        )
        self._turn = 0

    def close(self) -> None:
        """Free llama.cpp's model."""
        self._session.close()

    def run(self, path: Path, mode: str, limit: int, notes_at_once: int) -> SetResult:
        """Ask the first question of each of the first ``limit`` contexts.

        Args:
            path: NAME.jsonl.gz or .jsonl.xz.
            mode: "none" is the base alone, "context" puts the note into the prompt, "memory" is the adapter.
            notes_at_once: in mode memory, notes joined in one adapter, without routing; each is asked about.
        """
        examples = parse(read_lines(path.parent, path.name.split(".jsonl")[0]))[:limit]
        scores: list[Score] = []
        answers: list[AnswerDone] = []
        note_seconds = 0.0
        for group in _groups(examples, notes_at_once):
            parts: tuple[AdapterPart, ...] = ()
            if mode == "memory":
                started = time.perf_counter()
                parts = tuple(part for example in group for part in self._parts(example.context))
                note_seconds += time.perf_counter() - started
            for example in group:
                question, accepted = example.questions[0]
                done = self._answer(question, mode, parts, example.context)
                answers.append(done)
                scores.append(score(done.text, accepted))
        average = mean(scores)
        n = len(scores)
        return SetResult(
            data=path.name.split(".jsonl")[0],
            mode=mode,
            notes_at_once=notes_at_once if mode == "memory" else 0,
            questions=n,
            recall=round(average.recall, 4),
            f1=round(average.f1, 4),
            exact=round(average.exact, 4),
            prompt_tokens=round(sum(a.prompt_tokens for a in answers) / n, 1),
            seconds_per_question=round(sum(_seconds(a) for a in answers) / n, 3),
            seconds_per_note=round(note_seconds / n, 3),
        )

    def _parts(self, text: str) -> tuple[AdapterPart, ...]:
        stripped = text.strip()
        spans = chunk_text(stripped, self._internalizer, self._internalizer.config.max_chunk_tokens)
        texts = [stripped[span.start : span.end] for span in spans]
        return tuple(
            AdapterPart(key=chunk, codec=Codec.LATENTS_F16, data=self._internalizer.latents(chunk)) for chunk in texts
        )

    def _answer(self, question: str, mode: str, parts: tuple[AdapterPart, ...], context: str) -> AnswerDone:
        self._turn += 1
        ask = Ask(
            turn_id=self._turn,
            question=question,
            mode={"none": AnswerMode.PLAIN, "context": AnswerMode.QUOTES, "memory": AnswerMode.MEMORY}[mode],
            parts=parts,
            quotes=(context,) if mode == "context" else (),
            max_tokens=MAX_ANSWER_TOKENS,
        )
        events: list[AnswerEvent] = []
        self._session.answer(ask, time.perf_counter(), events.append)
        last = events[-1]
        if isinstance(last, AnswerFailed):
            raise EngineError(last.title, last.detail)
        assert isinstance(last, AnswerDone)
        return last


def _seconds(answer: AnswerDone) -> float:
    rest = (answer.completion_tokens - 1) / answer.tokens_per_s if answer.tokens_per_s else 0.0
    return answer.first_token_s + rest


def _groups(examples: Sequence[RawExample], size: int) -> Iterator[Sequence[RawExample]]:
    for start in range(0, len(examples), size):
        yield examples[start : start + size]


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
    parser.add_argument("--data", type=Path, nargs="+", required=True, help="sets: NAME.jsonl.gz or .jsonl.xz")
    parser.add_argument("--mode", choices=MODES, action="append", help="may be given several times; all by default")
    parser.add_argument("--limit", type=int, default=100, help="contexts per set")
    parser.add_argument("--notes", type=int, default=1, help="notes joined in one adapter (mode memory)")
    parser.add_argument("--base-model", type=Path, required=True, help="F16 GGUF of the base model")
    parser.add_argument("--weights", type=Path, default=Path(__file__).parents[1] / "weights")
    parser.add_argument("--threads", type=int, default=None)
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    options = parser.parse_args(arguments)
    if options.limit < 1 or options.notes < 1:
        parser.error("--limit and --notes must be at least 1")
    evaluator: Evaluator | None = None
    try:
        evaluator = Evaluator(options.base_model, options.weights, options.threads)
        results = [
            evaluator.run(path, mode, options.limit, options.notes)
            for path in options.data
            for mode in options.mode or MODES
        ]
    except (EngineError, OSError, ValueError) as exc:
        print(f"loreleaf eval: {exc}", file=sys.stderr)
        return 1
    finally:
        if evaluator is not None:
            evaluator.close()
    print(json.dumps([dataclasses.asdict(r) for r in results], indent=1) if options.json else table(results))
    return 0


if __name__ == "__main__":
    sys.exit(main())
