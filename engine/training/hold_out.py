"""``python -m engine.training.hold_out DATA OUT``: keep some contexts of a data folder out of the training.

Choices between runs are made on them, so that the evaluation sets stay unseen until a run is chosen. Which
contexts are kept out depends on their ids alone: every run and every machine keeps out the same ones.
"""

import argparse
import gzip
import hashlib
import json
import re
import sys
from collections.abc import Iterable, Iterator, Sequence
from pathlib import Path

from engine.evaluation.question_sets import names_in, read_lines
from engine.training.corpus import made_notes

SETS = ("squadshifts_new_wiki", "squadshifts_reddit", "synthetic_notes")
MADE_NOTES = "personal_notes"
_MADE_NOTES_SEED = 20_261_130
"""Far from what build_corpora makes of a run's seed."""
_OVERLAP_WORDS = 13
_WORD = re.compile(r"\w+")


def hold_out(data: Path, out: Path, sets: Sequence[str], n_contexts: int) -> dict[str, tuple[int, int]]:
    """Write ``out/train`` and ``out/held``.

    Args:
        data: folder of sets; all of them go to ``train``, less what is held out, and less every context that
            shares 13 words in a row with what is.
        sets: those to hold out from, ``n_contexts`` each; and as many newly made notes.

    Returns:
        By set, how many contexts are in ``train`` and how many were left out.

    Raises:
        FileNotFoundError: a set is not there.
    """
    for folder in ("train", "held"):
        (out / folder).mkdir(parents=True, exist_ok=True)
    held: set[str] = set()
    for name in sets:
        lines = sorted(read_lines(data, name), key=_place)[:n_contexts]
        held |= set(lines)
        _write(out / "held" / f"{name}.jsonl.gz", lines)
    _write(out / "held" / f"{MADE_NOTES}.jsonl.gz", _made_lines(n_contexts))
    seen = {run for line in held for run in _runs_of_words(line)}
    counts: dict[str, tuple[int, int]] = {}
    for name in sorted(names_in(data)):
        lines = read_lines(data, name)
        kept = [line for line in lines if seen.isdisjoint(_runs_of_words(line))]
        _write(out / "train" / f"{name}.jsonl.gz", kept)
        counts[name] = len(kept), len(lines) - len(kept)
    return counts


def _place(line: str) -> bytes:
    """Order in which a set's contexts are held out: at random, but always the same."""
    record = json.loads(line)
    return hashlib.sha256(str(record.get("id", record["context"])).encode()).digest()


def _runs_of_words(line: str) -> Iterator[int]:
    """Hashes of all runs of _OVERLAP_WORDS words; a shorter context is one run."""
    words = _WORD.findall(json.loads(line)["context"].casefold())
    for start in range(max(1, len(words) - _OVERLAP_WORDS + 1)):
        yield hash(tuple(words[start : start + _OVERLAP_WORDS]))


def _made_lines(count: int) -> Iterator[str]:
    for i, note in enumerate(made_notes(_MADE_NOTES_SEED, count)):
        qas = [
            {"q": q, "a": list(answers)} | ({"evidence": note.evidence[q]} if q in note.evidence else {})
            for q, answers in note.questions
        ]
        yield json.dumps({"id": f"made-{i}", "context": note.context, "qas": qas}, ensure_ascii=False) + "\n"


def _write(path: Path, lines: Iterable[str]) -> None:
    with gzip.open(path, "wt", encoding="utf-8", compresslevel=6) as file:
        file.writelines(lines)


def main(arguments: Sequence[str] | None = None) -> int:
    """Write both folders and say what went where; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.hold_out", description=__doc__)
    parser.add_argument("data", type=Path, help="folder of sets, NAME.jsonl.gz or NAME.jsonl.xz")
    parser.add_argument("out", type=Path, help="folder to make train and held in")
    parser.add_argument("--contexts", type=int, default=100, metavar="N", help="of each set (default 100)")
    parser.add_argument("--sets", nargs="+", default=SETS, metavar="NAME", help="sets to hold out from")
    options = parser.parse_args(arguments)
    try:
        counts = hold_out(options.data, options.out, options.sets, options.contexts)
    except OSError as exc:
        print(f"hold_out: {exc}", file=sys.stderr)
        return 1
    for name, (n_kept, n_left_out) in counts.items():
        print(f"{name:32s} {n_kept:6d} to train on, {n_left_out:4d} left out")
    return 0


if __name__ == "__main__":
    sys.exit(main())
