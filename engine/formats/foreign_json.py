"""Reads JSON that somebody else wrote, or that may be damaged: bounded, and nothing but what JSON means.

Python's own parser takes numbers that are none (NaN), makes 1e400 infinite, lets the last of two equal keys
count, and ends deep nesting with a RecursionError, there or wherever the value is shown later.
"""

import json
import math
import stat
from collections import Counter
from pathlib import Path
from typing import Any, NoReturn

MAX_DEPTH = 32
"""Lists and objects inside of each other. Configurations have three or four."""
_MAX_DIGITS = 20
"""Of a whole number: 64 bits have them."""
_CONFIG_BYTES = 1 << 20


def read_json(file: Path, max_bytes: int = _CONFIG_BYTES) -> Any:  # noqa: ANN401  whatever is in it
    """The value in a JSON file, in UTF-8.

    Args:
        file: looked at before it is opened: opening a pipe would wait for ever.
        max_bytes: more is not read.

    Raises:
        OSError: it cannot be read.
        ValueError: it is no file, too long, or as ``parse_json`` says.
    """
    if not stat.S_ISREG(file.stat().st_mode):
        raise ValueError("it is not a file")
    with file.open("rb") as opened:
        data = opened.read(max_bytes + 1)
    if len(data) > max_bytes:
        raise ValueError(f"it has more than {max_bytes:,} bytes")
    return parse_json(data)


def parse_json(text: str | bytes) -> Any:  # noqa: ANN401  whatever is in it
    """The value of a JSON text; the caller has bounded its length.

    Raises:
        ValueError: it is not JSON, names a key twice, is nested too deeply, or holds a number that is not
        finite
            or has more digits than 64 bits do.
    """
    try:
        value = json.loads(
            text if isinstance(text, str) else text.decode("utf-8"),
            object_pairs_hook=_object,
            parse_float=_finite,
            parse_int=_whole,
            parse_constant=_no_number,
        )
    except RecursionError:
        raise ValueError("it is nested too deeply") from None
    _check_depth(value)
    return value


def _object(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    found = dict(pairs)
    if len(found) != len(pairs):
        ((twice, _n),) = Counter(name for name, _value in pairs).most_common(1)
        raise ValueError(f"it has {twice[:80]!r} twice")
    return found


def _finite(text: str) -> float:
    number = float(text)
    if not math.isfinite(number):
        raise ValueError(f"the number {text[:40]} is too large")
    return number


def _whole(text: str) -> int:
    if len(text) > _MAX_DIGITS:
        raise ValueError(f"a number has {len(text)} digits")
    return int(text)


def _no_number(text: str) -> NoReturn:
    raise ValueError(f"{text} is not a number")


def _check_depth(value: object) -> None:
    """Level by level, without recursion."""
    level: list[object] = [value]
    for _ in range(MAX_DEPTH):
        level = [
            item
            for container in level
            if isinstance(container, dict | list)
            for item in (container.values() if isinstance(container, dict) else container)
        ]
        if not level:
            return
    raise ValueError(f"it is nested more than {MAX_DEPTH} deep")
