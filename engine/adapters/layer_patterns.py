"""Values that a PEFT adapter gives to some layers by regular expressions: rank_pattern and alpha_pattern.

An expression from a file can keep a backtracking engine, as Python's ``re`` is one, busy for years. RE2
matches in time linear in the layer's name, and compiles in bounded memory; docs/decisions/0012 says what it
costs.
"""

import re
from collections.abc import Collection, Mapping

import re2  # type: ignore[import-untyped]  # has no stubs

_COMPILED_BYTES = 1 << 20
"""Of one expression: some sixteen thousand instructions. A name needs as many as it has characters."""
MAX_STEPS = 2_000_000_000
"""Instructions times characters, summed over expressions and layers; seconds at most. One expression for each
layer of a model of 7B comes to a tenth."""
_READ_DIFFERENTLY = re.compile(r"\{,|\[\[?:")
"""``{,3}`` is a text to RE2 and a count to Python; ``[[:alpha:]]`` letters to RE2 and some punctuation to
Python."""


def values_by_layer(
    patterns: Mapping[str, object], layers: Collection[str], option: str
) -> dict[str, object]:
    """The value of each layer that an expression matches; of the first that does, as in peft.

    Args:
        patterns: expression -> value, as the file has them.
        layers: paths of the adapted layers in the model, ASCII.
        option: whose they are, for people.

    Raises:
        ValueError: an expression is none, cannot be matched in linear time, or they are too large together.
    """
    found: dict[str, object] = {}
    n_steps = 0
    for expression, value in patterns.items():
        compiled = _compiled(expression, option)
        for layer in [layer for layer in layers if layer not in found]:
            n_steps += compiled.programsize * len(layer)
            if n_steps > MAX_STEPS:
                raise ValueError(f"the {len(patterns)} patterns of {option} are too large to be matched")
            if compiled.match(layer) is not None:
                found[layer] = value
    return found


def _compiled(expression: str, option: str) -> "re2._Regexp":
    options = re2.Options()
    options.max_mem = _COMPILED_BYTES
    options.never_capture = True  # thousands of groups would cost time and memory for each character
    options.log_errors = False
    named = f"{option} has the pattern {expression[:80]!r}"
    if _READ_DIFFERENTLY.search(expression):
        raise ValueError(f"{named}, which uses what is not supported")
    try:
        return re2.compile(rf"(.*\.)?({expression})$", options)
    except re2.error as exc:
        raise ValueError(f"{named}: {exc.args[0].decode(errors='replace')[:200]}") from exc
    except UnicodeEncodeError as exc:  # half a surrogate pair, which JSON can spell
        raise ValueError(f"{named}, which is no text") from exc
