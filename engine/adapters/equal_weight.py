"""How loud each of many adapters is when nothing says which of them is meant.

Added up at full strength they drown each other (docs/training-log.md, "Why many passages at equal weight
drown each other"). Divided by the root of their number, the sum of independent ones is as large as one alone.
"""

import math


def equal_weight(count: int) -> float:
    """The factor on each delta of ``count`` that are applied together at equal weight: 1 / sqrt(count).

    Raises:
        ValueError: ``count`` is less than 1.
    """
    if count < 1:
        raise ValueError(f"count must be at least 1, got {count}")
    return 1 / math.sqrt(count)
