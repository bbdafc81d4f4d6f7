"""Tokenised sets kept in a run's folder, a file for each, so that a new or changed set leaves the others."""

import hashlib
import json
import logging
import time
from collections.abc import Sequence
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Self

import numpy as np
from tokenizers import Tokenizer

from engine.evaluation.question_sets import path_of, sha256_of
from engine.training.config import TrainConfig
from engine.training.corpus import Corpus, Limits, build_corpora

logger = logging.getLogger(__name__)

_MADE_NOTES = "personal_notes"


def limits_of(config: TrainConfig) -> Limits:
    """How long the parts of a run's corpus may be."""
    return Limits(config.chunk_tokens, config.max_question_tokens)


@dataclass(frozen=True, slots=True)
class CorpusFiles:
    """The sets of a run, tokenised.

    Args:
        paths: of each set's corpus, in the order of ``config.sets``; that of the made notes, if any, is last.

    Raises:
        FileNotFoundError: a set is not there.
    """

    config: TrainConfig
    tokenizer: Tokenizer
    limits: Limits
    paths: tuple[Path, ...]

    @classmethod
    def of(cls, config: TrainConfig, tokenizer: Tokenizer) -> Self:
        """Where the corpora of a run are, or will be: each name tells what its file was made of."""
        limits = limits_of(config)
        common = [asdict(limits), hashlib.sha256(tokenizer.to_str().encode()).hexdigest()]
        made_of: list[tuple[str, object]] = [
            (name, sha256_of(path_of(config.data, name))) for name in config.sets
        ]
        if config.n_personal_notes:
            made_of.append((_MADE_NOTES, [config.n_personal_notes, config.seed]))
        paths = []
        for name, content in made_of:
            digest = hashlib.sha256(json.dumps([*common, content]).encode()).hexdigest()
            paths.append(config.out / f"corpus-{name}-{digest[:12]}.npz")
        return cls(config, tokenizer, limits, tuple(paths))

    def make(self) -> None:
        """Tokenise what has no file yet."""
        names, missing = list(self.config.sets), [not path.exists() for path in self.paths]
        if not any(missing):
            return
        started = time.monotonic()
        corpora = build_corpora(
            self.config.data,
            [name for name, is_missing in zip(names, missing, strict=False) if is_missing],
            n_personal_notes=self.config.n_personal_notes if missing[-1] else 0,
            seed=self.config.seed + 1,
            tokenizer=self.tokenizer,
            limits=self.limits,
        )
        wanted = [path for path, is_missing in zip(self.paths, missing, strict=True) if is_missing]
        for corpus, path in zip(corpora, wanted, strict=True):
            corpus.save(path)
        _log("tokenised", corpora, time.monotonic() - started)

    def load(self) -> Corpus:
        """All sets together; a context's set is its place in ``config.sets``, or behind the last of them."""
        started = time.monotonic()
        corpora = [Corpus.load(path) for path in self.paths]
        numbered = [replace(c, sets=np.full(len(c), i, np.int64)) for i, c in enumerate(corpora)]
        _log("corpus:", corpora, time.monotonic() - started)
        return Corpus.join(numbered)


def _log(verb: str, corpora: Sequence[Corpus], seconds: float) -> None:
    n_notes, n_contexts = sum(len(c.notes) for c in corpora), sum(map(len, corpora))
    n_questions, n_tokens = sum(len(c.questions) for c in corpora), sum(len(c.tokens) for c in corpora)
    logger.info(
        "%s %d notes, %d contexts, %d questions, %d tokens in %.0f s",
        verb, n_notes, n_contexts, n_questions, n_tokens, seconds,
    )  # fmt: skip
