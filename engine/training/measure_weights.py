"""``python -m engine.training.measure_weights BASE WEIGHTS... --sets SET...``: compare weights on a GPU.

In bfloat16, without the app's retriever: for choosing between runs. ``loreleaf eval`` measures what
users get.
"""

import argparse
import json
import sys
from collections.abc import Sequence
from pathlib import Path

import torch
from tokenizers import Tokenizer

from engine.errors import EngineError
from engine.evaluation.metrics import Score, mean
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.hypernetwork.internalizer import load_hypernetwork
from engine.hypernetwork.llama import FrozenLlama
from engine.training.corpus import Limits
from engine.training.held_out import (
    SET_SIZES,
    HeldOutNote,
    held_out_notes,
    measure_base,
    measure_chunks,
    measure_quotes,
)
from engine.training.student import Student

_MAX_QUESTION_TOKENS = 96

Recall = dict[str, float]
"""Recall by way of asking.

memory_K: the adapters alone, of the chunk that answers and K - 1 others; quotes: that chunk also in the
prompt; base_passage: there alone, without an adapter; base_note: the whole note there, the usual upper bound.
"""


def with_adapters(student: Student, notes: Sequence[HeldOutNote], tokenizer: Tokenizer) -> Recall:
    """What depends on the weights."""
    n_chunks = sum(len(note.chunks) for note in notes)
    found = {
        f"memory_{k}": _recall(measure_chunks(student, notes, tokenizer, set_size=k))
        for k in SET_SIZES
        if k <= n_chunks
    }
    return found | {"quotes": _recall(measure_quotes(student, notes, tokenizer, with_adapters=True))}


def of_the_base(student: Student, notes: Sequence[HeldOutNote], tokenizer: Tokenizer) -> Recall:
    """What no weights change."""
    return {
        "base_passage": _recall(measure_quotes(student, notes, tokenizer, with_adapters=False)),
        "base_note": _recall(measure_base(student, notes, tokenizer)),
    }


def _recall(scores: Sequence[Score]) -> float:
    return round(mean(scores).recall, 4)


def main(arguments: Sequence[str] | None = None) -> int:
    """Print a line for each set and folder of weights; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.measure_weights", description=__doc__)
    parser.add_argument("base", type=Path, help="GGUF of the base model")
    parser.add_argument("weights", type=Path, nargs="+", help="weights folders of the app's form")
    parser.add_argument("--sets", type=Path, nargs="+", required=True, metavar="FOLDER/NAME")
    parser.add_argument("--contexts", type=int, default=100, metavar="N", help="of each set (default 100)")
    parser.add_argument("--base-alone", action="store_true", help="also measure the base without adapters")
    parser.add_argument("--out", type=Path, help="JSON lines to add the results to")
    options = parser.parse_args(arguments)
    try:
        _measure(options)
    except (EngineError, OSError) as exc:
        print(f"measure_weights: {exc}", file=sys.stderr)
        return 1
    return 0


def _measure(options: argparse.Namespace) -> None:
    device = torch.device("cuda" if torch.cuda.is_available() else "cpu")
    tokenizer = load_tokenizer(options.base)
    dtype = torch.bfloat16 if device.type == "cuda" else torch.float32
    base = FrozenLlama.from_gguf(options.base, device=device, dtype=dtype)
    sets: dict[tuple[str, int], list[HeldOutNote]] = {}  # by name and chunk length
    has_asked_base = not options.base_alone
    for folder in options.weights:
        hypernetwork = load_hypernetwork(folder).to(device)
        student = Student(hypernetwork, base, device)
        chunk_tokens = hypernetwork.config.max_chunk_tokens
        limits = Limits(chunk_tokens, _MAX_QUESTION_TOKENS)
        for path in options.sets:
            key = str(path), chunk_tokens
            if key not in sets:
                sets[key] = held_out_notes(path.parent, path.name, options.contexts, tokenizer, limits)
            if not sets[key]:
                raise EngineError("There is nothing to measure.", f"No question of {path.name} can be asked.")
            notes = sets[key]
            _report(options, folder.name, path.name, len(notes), with_adapters(student, notes, tokenizer))
            if not has_asked_base:
                _report(options, "base", path.name, len(notes), of_the_base(student, notes, tokenizer))
        has_asked_base = True


def _report(options: argparse.Namespace, weights: str, name: str, n_notes: int, recall: Recall) -> None:
    columns = " ".join(f"{way} {value:.3f}" for way, value in recall.items())
    print(f"{weights:24s} {name:26s} n {n_notes:3d}  {columns}", flush=True)
    if options.out:
        with options.out.open("a", encoding="utf-8") as file:
            row = {"weights": weights, "set": name, "notes": n_notes, **recall}
            file.write(json.dumps(row) + "\n")


if __name__ == "__main__":
    sys.exit(main())
