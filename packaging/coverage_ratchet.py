"""Compare what the tests cover with what they covered before: it may only become more.

    .venv/bin/python packaging/coverage_ratchet.py             # after the tests: fails where it is less
    .venv/bin/python packaging/coverage_ratchet.py --update    # writes down what is more

covered_files.txt lists the files whose every line and branch the tests run: a new line in one of them needs a
test, wherever the percentage of the whole stands.
"""

import argparse
import json
import subprocess
import sys
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from project_files import ROOT

COVERED_FILES = ROOT / "packaging" / "covered_files.txt"
REPORT = ROOT / ".cache" / "coverage.json"
COMPLETE = 100.0


@dataclass(frozen=True)
class Coverage:
    """What was covered, or has to be.

    Attributes:
        total_percent: of the lines and branches of all files, whole percents.
        complete: files of which every line and branch is; paths as git writes them.
    """

    total_percent: int
    complete: frozenset[str]


def read_report(text: str) -> Coverage:
    """What coverage.py measured, out of its report in JSON; files without a statement are left out."""
    report = json.loads(text)
    complete = frozenset(
        name.replace("\\", "/")
        for name, file in report["files"].items()
        if file["summary"]["num_statements"] and file["summary"]["percent_covered"] == COMPLETE
    )
    return Coverage(int(report["totals"]["percent_covered"]), complete)


def read_list(text: str) -> Coverage:
    """What has to be covered, as `write_list` wrote it."""
    lines = [line for line in text.splitlines() if line and not line.startswith("#")]
    return Coverage(int(lines[0].removeprefix("total ")), frozenset(lines[1:]))


def write_list(old: str, wanted: Coverage) -> str:
    """``wanted`` under the comment that ``old`` begins with."""
    comments = [line for line in old.splitlines() if line.startswith("#")]
    return "\n".join([*comments, f"total {wanted.total_percent}", *sorted(wanted.complete)]) + "\n"


def shortfalls(measured: Coverage, wanted: Coverage) -> list[str]:
    """A sentence for each thing that is covered less than it has to be."""
    found = [
        f"{name} was covered completely and no longer is: test what is new, or take a moved file's name out."
        for name in sorted(wanted.complete - measured.complete)
    ]
    if measured.total_percent < wanted.total_percent:
        found.append(f"All files together: {measured.total_percent} %, and were {wanted.total_percent} %.")
    return found


def raised(measured: Coverage, wanted: Coverage) -> Coverage:
    """The larger of both: what has to be covered from now on."""
    total = max(measured.total_percent, wanted.total_percent)
    return Coverage(total, measured.complete | wanted.complete)


def measure() -> Coverage:
    """What the last run of pytest with --cov covered.

    Raises:
        subprocess.CalledProcessError: there was none; coverage has said so.
    """
    command = [sys.executable, "-m", "coverage", "json", "--quiet", "-o", str(REPORT)]
    subprocess.run(command, cwd=ROOT, check=True)
    return read_report(REPORT.read_text(encoding="utf-8"))


def compare(measured: Coverage, path: Path, *, update: bool) -> int:
    """Say how ``measured`` stands to the list in ``path``; returns the exit code, 1 where it is less."""
    old = path.read_text(encoding="utf-8")
    wanted = read_list(old)
    for sentence in (missing := shortfalls(measured, wanted)):
        print(sentence, file=sys.stderr)
    more = raised(measured, wanted)
    if update and more != wanted:
        path.write_text(write_list(old, more), encoding="utf-8", newline="\n")
    elif more != wanted:
        print("More is covered than before; packaging/coverage_ratchet.py --update writes it down:")
        print("\n".join(sorted(more.complete - wanted.complete)))
    print(f"Covered: {measured.total_percent} %, and {len(measured.complete)} files completely.")
    return 1 if missing else 0


def main(arguments: Sequence[str] | None = None) -> int:
    """Compare, and with --update write down; returns the exit code."""
    parser = argparse.ArgumentParser(prog="coverage_ratchet.py", description="Coverage may only become more.")
    parser.add_argument("--update", action="store_true", help="write down what is covered more than before")
    update = parser.parse_args(arguments).update
    try:
        measured = measure()
    except subprocess.CalledProcessError as failed:
        return int(failed.returncode)
    return compare(measured, COVERED_FILES, update=update)


if __name__ == "__main__":
    sys.exit(main())
