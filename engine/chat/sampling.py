"""Choose the next token from logits."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray


@dataclass(frozen=True, slots=True)
class Sampling:
    """How to choose.

    Attributes:
        temperature: 0 takes the likeliest token; above, logits are divided by it.
        top_p: with a temperature, only the likeliest tokens that together reach this probability are drawn.
        seed: of the draws; None takes a new one each time.
    """

    temperature: float = 0.0
    top_p: float = 0.95
    seed: int | None = None

    def __post_init__(self) -> None:
        if not 0.0 <= self.temperature <= 10.0:
            raise ValueError(f"temperature must be in [0, 10], got {self.temperature}")
        if not 0.0 < self.top_p <= 1.0:
            raise ValueError(f"top_p must be in (0, 1], got {self.top_p}")


def log_probabilities(logits: NDArray[np.float32], tokens: Sequence[int]) -> list[float]:
    """Natural logarithms of tokens' probabilities, whatever the temperature.

    Args:
        logits: (n_vocab,), finite.
    """
    peak = float(logits.max())
    log_sum = peak + float(np.log(np.exp(logits - peak, dtype=np.float32).sum()))
    return [float(logits[token]) - log_sum for token in tokens]


class Sampler:
    """Draws tokens for one answer."""

    def __init__(self, sampling: Sampling) -> None:
        self._sampling = sampling
        self._random = np.random.default_rng(sampling.seed)

    def choose(self, logits: NDArray[np.float32]) -> int:
        """The next token.

        Args:
            logits: (n_vocab,), finite.
        """
        if self._sampling.temperature == 0.0:
            return int(logits.argmax())
        scaled = logits.astype(np.float64) / self._sampling.temperature
        probabilities = np.exp(scaled - scaled.max())
        probabilities /= probabilities.sum()
        order = np.argsort(-probabilities, kind="stable")
        cumulative = np.cumsum(probabilities[order])
        n_kept = int(np.searchsorted(cumulative, self._sampling.top_p)) + 1  # at least the likeliest
        kept = order[:n_kept]
        return int(self._random.choice(kept, p=probabilities[kept] / probabilities[kept].sum()))
