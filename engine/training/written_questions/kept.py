"""Written questions without the texts they are about, to be kept with the code.

``python -m engine.training.written_questions.kept keep QUESTIONS DATA KEPT`` takes the texts out of a written
set, ``... rejoin KEPT DATA QUESTIONS`` puts them back from the data folder that they are from. One line for
each paragraph: {"text": SHA-256 of the context, "start", "end": the paragraph in it, "qas"}.
"""

import argparse
import hashlib
import json
import lzma
import sys
from collections.abc import Iterator, Sequence
from pathlib import Path

from engine.evaluation.question_sets import names_in, path_of, read_lines

_FRONT_CHARS = 80
"""Enough of a paragraph to tell which texts may hold it."""


def keep(questions: Path, data: Path, kept: Path) -> tuple[int, int]:
    """Write ``kept``; returns how many paragraphs are in it, and how many were in no text of ``data``.

    Raises:
        OSError: a file cannot be read or written.
    """
    with lzma.open(questions, "rt", encoding="utf-8") as file:
        records = [json.loads(line) for line in file]
    by_front: dict[str, list[int]] = {}
    for i, record in enumerate(records):
        by_front.setdefault(record["context"][:_FRONT_CHARS], []).append(i)
    lengths = sorted({len(front) for front in by_front})  # nearly all are _FRONT_CHARS long
    found: dict[int, str] = {}
    for text in sorted(_texts(data, questions)):
        for start, front in _fronts(text, lengths):
            for i in by_front.get(front, ()):
                end = start + len(records[i]["context"])
                if i not in found and text[start:end] == records[i]["context"]:
                    place = {"text": _digest(text), "start": start, "end": end}
                    found[i] = json.dumps(place | {"qas": records[i]["qas"]}, ensure_ascii=False)
    with lzma.open(kept, "wt", encoding="utf-8", preset=9) as file:
        file.writelines(found[i] + "\n" for i in sorted(found))
    return len(found), len(records) - len(found)


def rejoin(kept: Path, data: Path, questions: Path) -> tuple[int, int]:
    """Write ``questions``; returns how many paragraphs are in it, and of how many ``data`` lacks the text.

    Raises:
        OSError: a file cannot be read or written.
    """
    texts = {_digest(text): text for text in _texts(data, questions)}
    n_joined = n_lacking = 0
    beside = questions.with_name(questions.name + ".new")
    with lzma.open(kept, "rt", encoding="utf-8") as lines, lzma.open(beside, "wt", encoding="utf-8") as file:
        for line in lines:
            record = json.loads(line)
            text = texts.get(record["text"])
            if text is None:
                n_lacking += 1
                continue
            whole = {"context": text[record["start"] : record["end"]], "qas": record["qas"]}
            file.write(json.dumps(whole, ensure_ascii=False) + "\n")
            n_joined += 1
    beside.replace(questions)
    return n_joined, n_lacking


def _texts(data: Path, questions: Path) -> set[str]:
    """Every context of a data folder but of ``questions``, without blanks around it, as the writer reads."""
    names = [name for name in names_in(data) if path_of(data, name).resolve() != questions.resolve()]
    return {json.loads(line)["context"].strip() for name in names for line in read_lines(data, name)}


def _fronts(text: str, lengths: Sequence[int]) -> Iterator[tuple[int, str]]:
    """Where paragraphs may start in a text, which is after white space, and what stands there."""
    for start in range(len(text)):
        if start == 0 or text[start - 1].isspace():
            for length in lengths:
                yield start, text[start : start + length]


def _digest(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def main(arguments: Sequence[str] | None = None) -> int:
    """Keep or rejoin and say how much; returns the exit code."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.written_questions.kept")
    commands = parser.add_subparsers(dest="command", required=True)
    for name, of, to in (("keep", "QUESTIONS", "KEPT"), ("rejoin", "KEPT", "QUESTIONS")):
        command = commands.add_parser(name)
        command.add_argument("source", type=Path, metavar=of, help="a .jsonl.xz file")
        command.add_argument("data", type=Path, metavar="DATA", help="folder of the sets with the texts")
        command.add_argument("target", type=Path, metavar=to, help="the .jsonl.xz file to write")
    options = parser.parse_args(arguments)
    change = keep if options.command == "keep" else rejoin
    try:
        n_done, n_lacking = change(options.source, options.data, options.target)
    except OSError as exc:
        print(f"kept: {exc}", file=sys.stderr)
        return 1
    print(f"{n_done} paragraphs in {options.target.name}, {n_lacking} without their text in {options.data}")
    return 0


if __name__ == "__main__":
    sys.exit(main())
