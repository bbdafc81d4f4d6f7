"""``loreleaf eval``: how right the answers are, through the very services that users get.

Each context of a set becomes a file of a temporary profile and is learnt by the ingest worker; a question is
answered from retrieved passages by the chat worker, greedy, at most 48 tokens. Nothing is simulated, and
nothing is drawn at random: the same command gives the same answers.
"""

import argparse
import dataclasses
import json
import sys
from collections.abc import Sequence
from pathlib import Path

from app.bootstrap import SHIPPED_WEIGHTS
from app.evaluation.answerable import AnswerableResult, fit, judge_set, result_of
from app.evaluation.library import EvaluationFailed
from app.evaluation.needle import NeedleResult, evaluate_needle
from app.evaluation.question_set import MODES, SetResult, evaluate_set
from app.evaluation.report import plot_needle, plot_notes, table
from app.services.answers import QuestionRefused
from app.services.chat_service import Ablation
from app.services.confidence import Calibration
from engine.errors import EngineError
from storage.errors import StorageError

Results = list[SetResult] | list[NeedleResult] | list[AnswerableResult]

_NEEDLE_TOKENS = (1024, 8192, 32768)


def main(arguments: Sequence[str] | None = None) -> int:
    """Measure; returns the exit code."""
    parser = _parser()
    options = parser.parse_args(arguments)
    _check(parser, options)
    results: Results
    try:
        if options.needle:
            results = _needle(options)
        elif options.answerable:
            results = _answerable(options)
        else:
            results = _sets(options)
        if options.plot is not None:
            print(_plot(results, options.plot), file=sys.stderr)
    except (EvaluationFailed, EngineError, QuestionRefused, StorageError, OSError, ValueError) as exc:
        print(f"loreleaf eval: {exc}", file=sys.stderr)
        return 1
    as_rows = [dataclasses.asdict(result) for result in results]
    print(json.dumps(as_rows, indent=1) if options.json else table(results))
    return 0


def _sets(options: argparse.Namespace) -> list[SetResult]:
    results: list[SetResult] = []
    for path in options.data:
        results += evaluate_set(
            path,
            options.mode or ["memory"],
            options.limit,
            options.distractors,
            options.weights,
            Ablation(is_ranked=not options.no_retriever, has_copy_bias=not options.no_copy_bias),
            is_distinct=options.distinct,
        )
    return results


def _answerable(options: argparse.Namespace) -> list[AnswerableResult]:
    """Judge all sets, fit a calibration if one is wanted, and measure it or the one there is."""
    n_others = options.distractors[0]
    judged = [
        judge_set(path, options.limit, n_others, options.weights, is_distinct=options.distinct)
        for path in options.data
    ]
    if options.fit is not None:
        calibration = fit([one for _, of_set in judged for one in of_set])
        calibration.save(options.fit)
    else:
        found = Calibration.load(options.weights)
        if found is None:
            raise EvaluationFailed(f"{options.weights} has no calibration: fit one with --fit FOLDER.")
        calibration = found
    return [result_of(name, of_set, n_others, calibration) for name, of_set in judged]


def _needle(options: argparse.Namespace) -> list[NeedleResult]:
    mode = options.mode[0] if options.mode else "memory"
    return evaluate_needle(options.tokens, mode, options.limit, options.weights)


def _plot(results: Results, folder: Path) -> Path:
    needles = [result for result in results if isinstance(result, NeedleResult)]
    if needles:
        return plot_needle(needles, folder)
    return plot_notes([result for result in results if isinstance(result, SetResult)], folder)


def _check(parser: argparse.ArgumentParser, options: argparse.Namespace) -> None:
    if options.limit < 1 or min(options.distractors) < 0 or min(options.tokens) < 1:
        parser.error("--limit and --tokens must be at least 1, and --distractors at least 0")
    if options.needle == bool(options.data):
        parser.error("give either --data or --needle")
    if options.needle and len(options.mode or []) > 1:
        parser.error("--needle measures one mode at a time")
    if options.answerable and (options.needle or options.plot or len(options.distractors) > 1):
        parser.error("--answerable takes sets, one number of --distractors, and no --plot")
    if options.distinct and options.needle:
        parser.error("--distinct belongs to --data")
    if options.fit and not options.answerable:
        parser.error("--fit belongs to --answerable")


def _parser() -> argparse.ArgumentParser:
    parser = argparse.ArgumentParser(prog="loreleaf eval", description="Measure how right the answers are.")
    parser.add_argument(
        "--data", type=Path, nargs="+", metavar="FILE", help="sets: NAME.jsonl.gz or .jsonl.xz"
    )
    parser.add_argument(
        "--mode", choices=MODES, action="append", help="may be given several times; default: memory"
    )
    parser.add_argument(
        "--limit", type=int, default=100, help="contexts per set, documents per length (default: 100)"
    )
    parser.add_argument(
        "--distractors",
        type=int,
        nargs="+",
        default=[0],
        metavar="K",
        help="further notes that are on beside each note; several numbers are measured in turn",
    )
    parser.add_argument(
        "--distinct",
        action="store_true",
        help="choose further notes that are not asked the same question",
    )
    parser.add_argument(
        "--no-retriever",
        action="store_true",
        help="give every passage of the notes that are on the same weight",
    )
    parser.add_argument(
        "--no-copy-bias",
        action="store_true",
        help="leave memory mode to the adapters alone, without preferring the passages' words",
    )
    parser.add_argument("--needle", action="store_true", help="look for a number in long documents instead")
    parser.add_argument(
        "--tokens",
        type=int,
        nargs="+",
        default=list(_NEEDLE_TOKENS),
        metavar="N",
        help=f"lengths of the documents of --needle (default: {' '.join(map(str, _NEEDLE_TOKENS))})",
    )
    parser.add_argument(
        "--answerable",
        action="store_true",
        help="ask each question with its note and without, and measure how well the two are told apart",
    )
    parser.add_argument(
        "--fit", type=Path, metavar="FOLDER", help="with --answerable: fit the calibration and write it there"
    )
    parser.add_argument("--plot", type=Path, metavar="FOLDER", help="also draw the results there, as SVG")
    parser.add_argument("--weights", type=Path, default=SHIPPED_WEIGHTS, help="folder of the hypernetwork")
    parser.add_argument("--json", action="store_true", help="one JSON document instead of a table")
    return parser
