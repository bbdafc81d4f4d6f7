"""Read files in a process that may take little more memory than it has, and say what came of each.

Run as ``python -m tests.engine.watched_reading checkpoint FILE...`` or ``... adapter BASE SOURCE...``. Linux
only: memory is limited and measured as it is there.
"""

import gc
import json
import resource
import subprocess
import sys
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from engine.errors import EngineError

MORE_BYTES = 300 << 20
"""Address space beside that of the libraries; torch's threads and buffers take some of it."""
PATIENCE_S = 900.0


@dataclass(frozen=True)
class Reading:
    """What reading a file ended in.

    Attributes:
        failure: "ModelUnavailable: sentence", or of another exception; empty if the file was taken.
        n_more_bytes: by how much the process's largest size in memory grew.
    """

    failure: str
    n_more_bytes: int


def read_watched(kind: str, *arguments: Path) -> list[Reading]:
    """One child process for all files; a file that kills or hangs it fails the test."""
    command = [sys.executable, "-m", "tests.engine.watched_reading", kind, *map(str, arguments)]
    done = subprocess.run(command, capture_output=True, text=True, timeout=PATIENCE_S, check=False)
    assert done.returncode == 0, done.stderr[-2000:]
    return [Reading(*json.loads(line)) for line in done.stdout.splitlines()]


def _reader(kind: str, arguments: Sequence[str]) -> tuple[Callable[[Path], Any], Sequence[str]]:
    if kind == "checkpoint":
        from engine.hypernetwork.checkpoint import read_checkpoint

        return read_checkpoint, arguments
    from engine.adapters.importing import import_adapter
    from engine.adapters.messages import ImportAdapter

    base = Path(arguments[0])
    return lambda source: import_adapter(ImportAdapter(source, base, "b" * 64)), arguments[1:]


def _address_space() -> int:
    pages = int(Path("/proc/self/statm").read_text().split()[0])
    return pages * resource.getpagesize()


def _peak_bytes() -> int:
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def main() -> None:
    """Print a line for each file."""
    read, sources = _reader(sys.argv[1], sys.argv[2:])
    limit = _address_space() + MORE_BYTES
    resource.setrlimit(resource.RLIMIT_AS, (limit, limit))
    for source in sources:
        gc.collect()
        before, failure = _peak_bytes(), ""
        try:
            read(Path(source))
        except EngineError as exc:
            failure = f"{type(exc).__name__}: {exc}"
        except BaseException as exc:  # noqa: BLE001  this is what the test looks for
            failure = f"unforeseen {type(exc).__name__}: {exc}"[:500]
        print(json.dumps([failure, _peak_bytes() - before]), flush=True)


if __name__ == "__main__":
    main()
