"""What a run of the question writer learns from and writes about, as a TOML file describes it."""

from dataclasses import dataclass
from pathlib import Path
from typing import Self

from engine.training.run_file import read_fields


@dataclass(frozen=True, slots=True)
class WritingConfig:
    """Paths are relative to the config file's folder.

    Attributes:
        base_model: GGUF of the base that becomes the writer.
        data: folder with the JSON-lines sets.
        out: file to write, ``NAME.jsonl.xz``; in ``data`` it is a set like the others.
        learn_from: sets of questions written by people, with short answers from the text.
        sentence_sets: sets of questions written by people whose answers are whole sentences; the writer finds
            the short answers in them.
        write_about: sets whose contexts get new questions; their own questions are not looked at.
        learn_minutes, write_minutes: wall time of the two parts.
        paragraph_tokens: longest paragraph that is written about.
        n_samples: questions that are drawn for a paragraph, before any is thrown away.
        n_sequences: sequences generated at once.
        batch_tokens: tokens of a training step, padding included.
        lr: AdamW's learning rate at its height.
        keyword_share: share of the questions that are written as people type them into a search box.
    """

    base_model: Path
    data: Path
    out: Path
    learn_from: tuple[str, ...]
    write_about: tuple[str, ...]
    sentence_sets: tuple[str, ...] = ()
    learn_minutes: float = 1.5
    write_minutes: float = 3.0
    paragraph_tokens: int = 200
    n_samples: int = 8
    n_sequences: int = 6144
    batch_tokens: int = 32768
    lr: float = 3e-4
    keyword_share: float = 0.2
    seed: int = 0

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a TOML file.

        Raises:
            OSError: it cannot be read.
            ValueError: not TOML, an unknown or missing field, or a value that cannot be used.
        """
        config = read_fields(
            path,
            cls,
            paths=("base_model", "data", "out"),
            tuples=("learn_from", "write_about", "sentence_sets"),
        )
        config._check()
        return config

    def _check(self) -> None:
        if not self.out.name.endswith(".jsonl.xz"):
            raise ValueError(f"out must be a .jsonl.xz file, got {self.out.name}")
        if not self.learn_from:
            raise ValueError("learn_from names no set")
        for name in ("paragraph_tokens", "n_samples", "batch_tokens"):
            if getattr(self, name) < 1:
                raise ValueError(f"{name} must be at least 1, got {getattr(self, name)}")
        if self.n_sequences < self.n_samples:
            raise ValueError(f"n_sequences must be at least n_samples, got {self.n_sequences}")
        if not 0 <= self.keyword_share <= 1:
            raise ValueError(f"keyword_share must be in [0, 1], got {self.keyword_share}")
