"""``python -m engine.training.data_sets check FOLDER``: are these the files that shipped weights came from?

data_sets.toml says of each set where it is from, under which licence, and which file it was.
"""

import argparse
import sys
import tomllib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from pathlib import Path

from engine.evaluation.question_sets import names_in, path_of, sha256_of

MANIFEST = Path(__file__).with_name("data_sets.toml")
KEPT = Path(__file__).parent / "written_questions"
"""Where the group "kept" is, which is part of the repository."""


@dataclass(frozen=True, slots=True)
class DataSet:
    """One file of contexts and questions.

    Attributes:
        group: "train" and "eval" are folders; "kept" is what the repository has itself.
        source: what it was made of, with the publication.
        licence: of the texts and the questions.
        questions_by: "people", "templates", "cloze" or "model".
        contexts, questions: how many are in the file.
        sha256: of the compressed file, in hexadecimal.
        recipe: the commands that make it, where they are known.
    """

    name: str
    group: str
    source: str
    licence: str
    questions_by: str
    contexts: int
    questions: int
    sha256: str
    recipe: str = ""


def load_manifest() -> list[DataSet]:
    """All of data_sets.toml, in its order."""
    groups = tomllib.loads(MANIFEST.read_text(encoding="utf-8"))
    return [DataSet(name, group, **fields) for group, sets in groups.items() for name, fields in sets.items()]


def faults(folder: Path, manifest: Sequence[DataSet]) -> Iterator[str]:
    """A line for each set that is missing, differs, or is not in the manifest.

    Args:
        folder: has the sets of each group in a folder of the group's name.

    Raises:
        OSError: a file cannot be read.
    """
    for group in dict.fromkeys(data_set.group for data_set in manifest):
        place = KEPT if group == "kept" else folder / group
        known = {data_set.name: data_set for data_set in manifest if data_set.group == group}
        there = names_in(place) if place.is_dir() else set()
        yield from (f"{group}/{name} is missing" for name in known if name not in there)
        for name in sorted(there):
            if name not in known:
                yield f"{group}/{name} is not in {MANIFEST.name}"
            elif sha256_of(path_of(place, name)) != known[name].sha256:
                yield f"{group}/{name} is another file: its SHA-256 differs"


def main(arguments: Sequence[str] | None = None) -> int:
    """Say what differs; returns the exit code, 0 if nothing does."""
    parser = argparse.ArgumentParser(prog="python -m engine.training.data_sets", description=__doc__)
    commands = parser.add_subparsers(required=True)
    check = commands.add_parser("check", help="compare the sets of a folder with data_sets.toml")
    check.add_argument("folder", type=Path, help="has train/ and eval/, with NAME.jsonl.gz or NAME.jsonl.xz")
    options = parser.parse_args(arguments)
    manifest = load_manifest()
    try:
        found = list(faults(options.folder, manifest))
    except OSError as exc:
        print(f"data_sets: {exc}", file=sys.stderr)
        return 1
    for fault in found:
        print(fault)
    if not found:
        print(f"All {len(manifest)} sets are the files of {MANIFEST.name}.")
    return 1 if found else 0


if __name__ == "__main__":
    sys.exit(main())
