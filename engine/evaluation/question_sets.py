"""Sets of contexts and questions as files: JSON lines, gzip or xz.

One record: {"context", "qas": [{"q", "a": [answers], "evidence": span}]}; ``a[0]`` is the reference answer,
the others are accepted too. "evidence" is there where the reference answer is in other words than the
context: the span that it restates.
Standard library only: the measurement reads them without torch.
"""

import gzip
import hashlib
import json
import lzma
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import IO

SUFFIXES: dict[str, Callable[..., IO[str]]] = {".jsonl.gz": gzip.open, ".jsonl.xz": lzma.open}
MAX_ANSWER_CHARS = 160
"""Longer answers teach the wrong length."""


@dataclass(frozen=True, slots=True)
class RawExample:
    """A context and its questions with every accepted answer, the reference answer first.

    Attributes:
        evidence: by question, the span of the context that its reference answer restates; only of questions
            whose reference answer does not stand in the context itself.
    """

    context: str
    questions: tuple[tuple[str, tuple[str, ...]], ...]
    evidence: Mapping[str, str] = field(default_factory=dict)

    def spans(self) -> list[tuple[str, str]]:
        """Each question with what to look for in the context to find where it is answered."""
        return [(question, self.evidence.get(question, answers[0])) for question, answers in self.questions]


def path_of(folder: Path, name: str) -> Path:
    """The file of one set.

    Raises:
        FileNotFoundError: neither NAME.jsonl.gz nor NAME.jsonl.xz is there.
    """
    for suffix in SUFFIXES:
        path = folder / (name + suffix)
        if path.exists():
            return path
    msg = f"no set named {name} in {folder}"
    raise FileNotFoundError(msg)


def sha256_of(path: Path) -> str:
    """SHA-256 of a set's file as it is, in hexadecimal."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def names_in(folder: Path) -> set[str]:
    """Every set of a folder.

    Raises:
        OSError: there is no such folder.
    """
    names = (path.name for path in folder.iterdir())
    return {name.removesuffix(suffix) for name in names for suffix in SUFFIXES if name.endswith(suffix)}


def read_lines(folder: Path, name: str) -> list[str]:
    """The lines of one set.

    Raises:
        FileNotFoundError: neither NAME.jsonl.gz nor NAME.jsonl.xz is there.
    """
    path = path_of(folder, name)
    opener = next(opener for suffix, opener in SUFFIXES.items() if path.name.endswith(suffix))
    with opener(path, "rt", encoding="utf-8") as lines:
        return list(lines)


def parse(lines: Iterable[str], *, max_answer_chars: int | None = MAX_ANSWER_CHARS) -> list[RawExample]:
    """Questions with an empty or a long answer are left out, and contexts that then have none.

    Args:
        max_answer_chars: where "long" begins; None: nowhere.
    """
    longest = float("inf") if max_answer_chars is None else max_answer_chars
    examples: list[RawExample] = []
    for line in lines:
        record = json.loads(line)
        questions = tuple(
            (qa["q"].strip(), tuple(qa["a"]))
            for qa in record["qas"]
            if qa["a"] and 0 < len(qa["a"][0]) < longest and qa["q"].strip()
        )
        if questions:
            evidence = {qa["q"].strip(): qa["evidence"] for qa in record["qas"] if qa.get("evidence")}
            examples.append(RawExample(record["context"], questions, evidence))
    return examples
