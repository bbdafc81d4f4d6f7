"""A note beside the virtual environment that says what was set up, so that the next start can skip it."""

import hashlib
import json
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

STAMP_NAME = "loreleaf-setup.json"


@dataclass(frozen=True)
class Stamp:
    """What a finished set-up made.

    Attributes:
        fingerprint: of the files that say what to install; see `fingerprint`.
        root: the folder of the project; a virtual environment does not survive being moved.
        extras: optional dependencies installed, sorted.
        torch: "cpu" or "cuda", the build of torch that was asked for.
    """

    fingerprint: str
    root: str
    extras: tuple[str, ...]
    torch: str


def fingerprint(files: Iterable[Path]) -> str:
    """SHA-256 over the names and contents of ``files``, in the order given."""
    digest = hashlib.sha256()
    for path in files:
        content = path.read_bytes()
        digest.update(f"{path.name}\0{len(content)}\0".encode())
        digest.update(content)
    return digest.hexdigest()


def read_stamp(venv: Path) -> Stamp | None:
    """The stamp of ``venv``; None where there is none or it says nothing that we understand."""
    try:
        fields = json.loads((venv / STAMP_NAME).read_text(encoding="utf-8"))
        return Stamp(
            fingerprint=str(fields["fingerprint"]),
            root=str(fields["root"]),
            extras=tuple(str(extra) for extra in fields["extras"]),
            torch=str(fields["torch"]),
        )
    except (OSError, ValueError, KeyError, TypeError):
        return None  # none, or not ours: setting up again is always right


def write_stamp(venv: Path, stamp: Stamp) -> None:
    """Put ``stamp`` into ``venv``, whole or not at all."""
    beside = venv / (STAMP_NAME + ".new")
    beside.write_text(json.dumps(asdict(stamp), indent=1), encoding="utf-8")
    beside.replace(venv / STAMP_NAME)


def is_current(found: Stamp | None, wanted: Stamp) -> bool:
    """Whether what was set up is all that is wanted; more extras than wanted do no harm."""
    return (
        found is not None
        and found.fingerprint == wanted.fingerprint
        and found.root == wanted.root
        and found.torch == wanted.torch
        and set(wanted.extras) <= set(found.extras)
    )
