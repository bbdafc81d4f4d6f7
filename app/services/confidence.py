"""Whether an answer stands on the notes: a calibrated probability, known at the answer's first word.

Three things tell it. The retriever's: how much of the question's words the best passage has, each by how
rare it is. The model's, with the notes' adapters: how sure it was of the first token, and how near it
was to the refusal that it is trained to give where no note has an answer. Their weights are fitted for one
hypernetwork (``loreleaf eval --answerable --fit``) and lie beside it.
"""

import json
import math
from dataclasses import asdict, dataclass, fields
from pathlib import Path
from typing import Self

from engine.formats.foreign_json import read_json

CALIBRATION_FILE = "confidence.json"
MIN_LOGPROB = -20.0
"""Less sure than this makes no difference."""
NOT_IN_NOTES = "This does not seem to be in your notes. A guess:"


@dataclass(frozen=True, slots=True)
class Evidence:
    """What is known about an answer when it begins.

    Attributes:
        coverage: which share of the question's words the best passage and its best line have, rare ones
            counting more; 0 to 1.
        first_logprob: natural logarithm of the probability of the answer's first token, at most 0.
        absent_logprob: that of the first token of engine.prompt_frame.ABSENT.
    """

    coverage: float
    first_logprob: float
    absent_logprob: float

    @property
    def features(self) -> tuple[float, ...]:
        """What a calibration's weights multiply, in their order; the intercept's is 1."""
        logprobs = (self.first_logprob, self.absent_logprob)
        return 1.0, self.coverage, *(max(logprob, MIN_LOGPROB) for logprob in logprobs)


@dataclass(frozen=True, slots=True)
class Calibration:
    """A logistic regression on the evidence.

    Attributes:
        intercept, coverage, first_logprob, absent_logprob: its weights.
        threshold: an answer of a smaller probability is told to be a guess.
    """

    intercept: float
    coverage: float
    first_logprob: float
    absent_logprob: float
    threshold: float = 0.5

    def confidence(self, evidence: Evidence) -> float:
        """The probability that the notes hold the answer, in (0, 1)."""
        weights = (self.intercept, self.coverage, self.first_logprob, self.absent_logprob)
        logit = sum(weight * value for weight, value in zip(weights, evidence.features, strict=True))
        return 1.0 / (1.0 + math.exp(-max(-60.0, min(60.0, logit))))

    @classmethod
    def load(cls, weights_dir: Path) -> Self | None:
        """That of a hypernetwork; None if none was fitted for it, or the file is damaged."""
        try:
            raw = read_json(weights_dir / CALIBRATION_FILE)
            values = {field.name: float(raw[field.name]) for field in fields(cls)}
        except (OSError, ValueError, KeyError, TypeError):
            return None
        return cls(**values) if all(map(math.isfinite, values.values())) else None

    def save(self, weights_dir: Path) -> None:
        """Write it beside a hypernetwork.

        Raises:
            OSError: the folder cannot be written.
        """
        text = json.dumps(asdict(self), indent=2) + "\n"
        (weights_dir / CALIBRATION_FILE).write_text(text, encoding="utf-8")
