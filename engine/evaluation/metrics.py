"""How right an answer is: SQuAD's normalisation, token recall, F1 and exact match.

Source: Rajpurkar et al. 2016, the official evaluation script of SQuAD 1.1.
"""

import re
import string
from collections import Counter
from collections.abc import Sequence
from dataclasses import dataclass

_ARTICLES = re.compile(r"\b(a|an|the)\b")
_PUNCTUATION = str.maketrans("", "", string.punctuation)


@dataclass(frozen=True, slots=True)
class Score:
    """Each in [0, 1]; the maximum over the accepted answers."""

    recall: float
    f1: float
    exact: float


def normalise_answer(text: str) -> str:
    """Lower case, without punctuation, articles and extra white space."""
    return " ".join(_ARTICLES.sub(" ", text.lower().translate(_PUNCTUATION)).split())


def score(answer: str, accepted: Sequence[str]) -> Score:
    """Compare with each accepted answer; each measure takes its own maximum."""
    scores = [_score_one(answer, gold) for gold in accepted]
    return Score(max(s.recall for s in scores), max(s.f1 for s in scores), max(s.exact for s in scores))


def _score_one(answer: str, gold: str) -> Score:
    words, gold_words = normalise_answer(answer).split(), normalise_answer(gold).split()
    if not gold_words:
        same = float(not words)
        return Score(same, same, same)
    common = sum((Counter(words) & Counter(gold_words)).values())
    f1 = 2 * common / (len(words) + len(gold_words))
    return Score(common / len(gold_words), f1, float(words == gold_words))


def mean(scores: Sequence[Score]) -> Score:
    """Average of each measure.

    Raises:
        ValueError: there are none.
    """
    if not scores:
        msg = "no scores to average"
        raise ValueError(msg)
    n = len(scores)
    return Score(
        sum(s.recall for s in scores) / n, sum(s.f1 for s in scores) / n, sum(s.exact for s in scores) / n
    )
