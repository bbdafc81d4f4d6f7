"""A training run, as one TOML file describes it."""

import tomllib
from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Paths are relative to the config file's folder.

    Attributes:
        base_model: GGUF of the frozen base.
        data: folder with the JSON-lines sets, ``NAME.jsonl.gz`` or ``.jsonl.xz``.
        out: folder for checkpoints, log and weights.
        sets: name -> how often each context of the set is seen per epoch (fractions are drawn).
        held_out: names of sets for the measurement at the end; never trained on.
        held_out_data: their folder.
        n_personal_notes: notes made by engine.training.personal_notes.
        personal_notes_weight: how often each of them is seen per epoch.
        minutes: length of the whole schedule, over all resumed runs.
        n_contexts: contexts per step and process; a multiple of every set size.
        n_questions: questions per context.
        set_sizes: numbers of contexts joined in one adapter, taken in turn.
        dense_start, dense_end: share of prompts "Continue: ..." at the start and the end of the schedule.
        max_chunk_tokens, max_question_tokens: longer ones are left out.
        hypernetwork: fields of HypernetworkConfig that differ from the embedded default.
    """

    base_model: Path
    data: Path
    out: Path
    sets: dict[str, float]
    held_out: tuple[str, ...] = ()
    held_out_data: Path = Path()
    n_personal_notes: int = 0
    personal_notes_weight: float = 1.0
    minutes: float = 10.0
    seed: int = 0
    n_contexts: int = 64
    n_questions: int = 4
    set_sizes: tuple[int, ...] = (1, 1, 2, 4)
    dense_start: float = 0.5
    dense_end: float = 0.2
    lr_muon: float = 2e-3
    lr_adamw: float = 1e-3
    warmup_steps: int = 150
    flat_share: float = 0.4
    final_lr_share: float = 0.02
    clip_norm: float = 1.0
    max_chunk_tokens: int = 384
    max_question_tokens: int = 96
    compile: bool = True
    checkpoint_every_s: float = 60.0
    log_every_steps: int = 100
    hypernetwork: dict[str, Any] = field(default_factory=dict)  # checked by HypernetworkConfig

    @classmethod
    def load(cls, path: Path) -> Self:
        """Read a TOML file.

        Raises:
            OSError: it cannot be read.
            ValueError: not TOML, or an unknown or missing field.
        """
        raw = tomllib.loads(path.read_text(encoding="utf-8"))
        unknown = sorted(set(raw) - {f.name for f in fields(cls)})
        if unknown:
            msg = f"unknown fields in {path.name}: {', '.join(unknown)}"
            raise ValueError(msg)
        for name in ("base_model", "data", "out", "held_out_data"):
            if name in raw:
                raw[name] = path.parent / raw[name]
        for name in ("held_out", "set_sizes"):
            if name in raw:
                raw[name] = tuple(raw[name])
        try:
            config = cls(**raw)
        except TypeError as exc:
            msg = f"{path.name} is incomplete: {exc}"
            raise ValueError(msg) from exc
        for size in config.set_sizes:
            if config.n_contexts % size:
                msg = f"n_contexts ({config.n_contexts}) must be a multiple of each set size, got {size}"
                raise ValueError(msg)
        return config
