"""bench: how fast this computer learns and answers, against what Loreleaf promises."""

import argparse
import platform
import tempfile
from dataclasses import asdict, dataclass
from pathlib import Path

from app.cli.bench_measurements import N_ENABLED, N_WORDS, Measurements, measure
from app.cli.console import Console
from app.cli.session import opened

NOTE_TARGET_S = 2.0
RATIO_TARGET = 1.3


@dataclass(frozen=True, slots=True)
class Row:
    """One promise and what was measured.

    Attributes:
        what: in words.
        value: the median.
        unit: "s", or "x" for a ratio.
        target: the most it may be.
        met: whether it is not more.
    """

    what: str
    value: float
    unit: str
    target: float
    met: bool

    @classmethod
    def of(cls, what: str, value: float, unit: str, target: float) -> "Row":
        """Compare ``value`` with ``target``."""
        return cls(what, value, unit, target, value <= target)


def bench(options: argparse.Namespace, console: Console) -> int:
    """Measure in a temporary profile, with the embedded model; 0 whatever the numbers are."""
    with (
        tempfile.TemporaryDirectory(prefix="loreleaf-bench-", ignore_cleanup_errors=True) as folder,
        opened(Path(folder, "profile"), console) as application,
    ):
        measured = measure(application, console, Path(folder))
    rows = rows_of(measured)
    if options.json:
        console.result_json(
            {
                "results": [asdict(row) for row in rows],
                "seconds": measured.as_json(),
                "device": {"learning": measured.learning_device, "answering": measured.answering_device},
                "system": platform.platform(),
            }
        )
    else:
        _print(rows, measured, console)
    return 0


def rows_of(measured: Measurements) -> list[Row]:
    """The promises of the README, each with its number."""
    none_s, on_s, at_once_s, in_prompt_s = (measured.median_s(name) for name in measured.ASKED)
    return [
        Row.of(f"a {N_WORDS}-word note, from file to ready", measured.median_s("note"), "s", NOTE_TARGET_S),
        Row.of(f"first token with {N_ENABLED} notes on, over none", on_s / none_s, "x", RATIO_TARGET),
        Row.of(
            f"first token with {N_ENABLED} notes at once, over none", at_once_s / none_s, "x", RATIO_TARGET
        ),
        Row.of(
            f"first token with {N_ENABLED} notes on, over a note in the prompt", on_s / in_prompt_s, "x", 1.0
        ),
    ]


def _print(rows: list[Row], measured: Measurements, console: Console) -> None:
    width = max(len(row.what) for row in rows)
    console.result(f"{'':<{width}}  {'measured':>9}  {'target':>9}")
    for row in rows:
        verdict = "met" if row.met else "MISSED"
        console.result(
            f"{row.what:<{width}}  {row.value:>7.2f} {row.unit}  {row.target:>7.2f} {row.unit}  {verdict}"
        )
    ways = ", ".join(
        f"{name.replace('_', ' ')} {measured.median_s(name) * 1e3:.0f} ms" for name in measured.ASKED
    )
    console.result(f"\nmedians of {measured.n_rounds} interleaved rounds; first token after: {ways}")
    console.result(f"learning on {measured.learning_device}; answering on {measured.answering_device}")
