"""The results as a table and as pictures."""

import dataclasses
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from app.evaluation.answerable import AnswerableResult
from app.evaluation.library import EvaluationFailed
from app.evaluation.needle import NeedleResult
from app.evaluation.question_set import WITH_NOTES, SetResult

NOTES_PLOT = "recall by number of notes.svg"
NEEDLE_PLOT = "needle by length.svg"


def table(results: Sequence[SetResult] | Sequence[NeedleResult] | Sequence[AnswerableResult]) -> str:
    """The results as text with aligned columns."""
    names = [field.name for field in dataclasses.fields(results[0])]
    rows = [names, *([str(value) for value in dataclasses.astuple(result)] for result in results)]
    widths = [max(len(row[i]) for row in rows) for i in range(len(names))]
    return "\n".join(
        "  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in rows
    )


def plot_notes(results: Sequence[SetResult], folder: Path) -> Path:
    """Recall against the number of enabled notes, a line for each set and mode.

    Raises:
        EvaluationFailed: matplotlib is not there.
        OSError: the folder cannot be written.
    """
    figure, axes = _axes("notes that are on", "token recall")
    with_notes = [result for result in results if result.mode in WITH_NOTES]
    for name, mode in dict.fromkeys((result.data, result.mode) for result in with_notes):
        line = [result for result in with_notes if (result.data, result.mode) == (name, mode)]
        axes.plot([r.distractors + 1 for r in line], [r.recall for r in line], "o-", label=f"{name}, {mode}")
    return _save(figure, axes, folder / NOTES_PLOT)


def plot_needle(results: Sequence[NeedleResult], folder: Path) -> Path:
    """Accuracy against the document's length.

    Raises:
        EvaluationFailed: matplotlib is not there.
        OSError: the folder cannot be written.
    """
    figure, axes = _axes("tokens of the document", "numbers told right")
    axes.plot([result.tokens for result in results], [result.accuracy for result in results], "o-")
    axes.set_xscale("log", base=2)
    return _save(figure, axes, folder / NEEDLE_PLOT)


def _axes(x_label: str, y_label: str) -> tuple[Any, Any]:
    """A matplotlib figure and its axes; share on the y axis."""
    try:
        from matplotlib.figure import Figure  # no pyplot: it would look for a display
    except ImportError as exc:
        raise EvaluationFailed(
            "Pictures need the package matplotlib. Install it (“make test” does), or leave out --plot."
        ) from exc
    figure = Figure(figsize=(7, 4), layout="constrained")
    axes = figure.subplots()
    axes.set(xlabel=x_label, ylabel=y_label, ylim=(0, 1.02))
    axes.grid(visible=True, alpha=0.3)
    return figure, axes


def _save(figure: Any, axes: Any, path: Path) -> Path:  # noqa: ANN401  # matplotlib's classes, which may be missing
    if axes.get_legend_handles_labels()[0]:
        axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    # Without a date the same numbers give the same file.
    figure.savefig(path, metadata={"Date": None})
    return path
