"""A training run, as one TOML file describes it."""

from dataclasses import dataclass, field, fields
from pathlib import Path
from typing import Any, Self

from engine.formats.hypernetwork_config import HypernetworkConfig
from engine.training.run_file import read_fields

_DERIVED_FIELDS = frozenset(
    (
        "n_layers",
        "d_encoder",
        "target_modules",
        "use_bias",
        "max_chunk_tokens",
        "context_prefix",
        "context_suffix",
        "base_model_hash",
        "training",
    )
)
"""What follows from the base model, the templates and the rest of the run."""
_SHARES = ("weighted_share", "absent_share", "dense_start", "dense_end", "flat_share", "final_lr_share")
_MIN_CHUNK_TOKENS = 16
"""The template and a few words."""


@dataclass(frozen=True, slots=True)
class TrainConfig:
    """Paths are relative to the config file's folder.

    Attributes:
        base_model: GGUF of the frozen base.
        data: folder with the JSON-lines sets, ``NAME.jsonl.gz`` or ``.jsonl.xz``.
        out: folder for checkpoints, log and weights.
        start_from: weights folder of the app's form; the run starts with its parameters. None: at random.
        start_scale: what scaler_B starts at in a run from random weights: 0.1 suits SmolLM2; Qwen2.5, whose
            activations are larger, wants 0.03.
        sets: name -> how often each context of the set is seen per epoch (fractions are drawn).
        held_out: names of sets for the measurement at the end; never trained on.
        held_out_data: their folder.
        n_personal_notes: notes made by engine.training.personal_notes.
        personal_notes_weight: how often each of them is seen per epoch.
        minutes: length of the whole schedule, over all resumed runs.
        n_contexts: contexts per step and process; a multiple of every set size.
        n_questions: questions per context.
        set_sizes: numbers of contexts joined in one adapter, taken in turn.
        weighted_share: share of the sets whose chunks have different weights, as the app gives them.
        absent_share: share of the questions that are asked of a set which does not hold the answer; the
            target is then the sentence engine.prompt_frame.ABSENT.
        quotes_every: every so-many-th step puts passages before the questions (engine.training.quotes);
            0: none.
        distil_every: every so-many-th of the steps without passages also learns what the same model says
            behind the passage that answers; 0: none.
        distil_weight: of that part of the loss.
        dense_start, dense_end: share of prompts "Continue: ..." at the start and the end of the schedule.
        continue_tokens: of the note that such a prompt asks for, at most.
        lr_muon, lr_adamw: learning rates at the height of the schedule; a resumed run keeps its own.
        warmup_steps, flat_share, final_lr_share: linear up for so many steps, flat until so much of the
            minutes is over, then linear down to that share of the rate.
        clip_norm: greatest norm of the gradient of all parameters together.
        max_question_tokens: a prompt with its target that is longer is left out.
        chunk_tokens: notes are cut into chunks of at most so many tokens, template included, as the app does;
            the chunks are the contexts.
        compile: whether torch.compile is used: 1.75 times the steps, after a minute or two in each run.
        hypernetwork: fields of HypernetworkConfig that differ from the embedded default.
    """

    base_model: Path
    data: Path
    out: Path
    sets: dict[str, float]
    start_from: Path | None = None
    start_scale: float = 0.1
    held_out: tuple[str, ...] = ()
    held_out_data: Path = Path()
    n_personal_notes: int = 0
    personal_notes_weight: float = 1.0
    minutes: float = 10.0
    seed: int = 0
    n_contexts: int = 64
    n_questions: int = 4
    set_sizes: tuple[int, ...] = (1, 1, 2, 4)
    weighted_share: float = 0.0
    absent_share: float = 0.0
    quotes_every: int = 0
    distil_every: int = 0
    distil_weight: float = 0.5
    dense_start: float = 0.5
    dense_end: float = 0.2
    continue_tokens: int = 24
    lr_muon: float = 2e-3
    lr_adamw: float = 1e-3
    warmup_steps: int = 150
    flat_share: float = 0.4
    final_lr_share: float = 0.02
    clip_norm: float = 1.0
    max_question_tokens: int = 96
    chunk_tokens: int = 64
    compile: bool = True
    checkpoint_every_s: float = 60.0
    log_every_steps: int = 100
    hypernetwork: dict[str, Any] = field(default_factory=dict)  # checked by HypernetworkConfig

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
            paths=("base_model", "data", "out", "start_from", "held_out_data"),
            tuples=("held_out", "set_sizes"),
        )
        config._check()
        return config

    def _check(self) -> None:
        """What would otherwise be found out on a rented GPU.

        Raises:
            ValueError: a value that cannot be used.
        """
        for name in ("n_contexts", "n_questions", "minutes", "clip_norm", "log_every_steps", "start_scale"):
            if getattr(self, name) <= 0:
                raise ValueError(f"{name} must be greater than 0, got {getattr(self, name)}")
        for name in ("quotes_every", "distil_every", "distil_weight"):
            if getattr(self, name) < 0:
                raise ValueError(f"{name} must not be less than 0, got {getattr(self, name)}")
        if self.distil_every and not self.hypernetwork.get("quotes_rank"):
            raise ValueError(f"distil_every needs a hypernetwork's quotes_rank, got {self.distil_every}")
        if self.chunk_tokens < _MIN_CHUNK_TOKENS:
            msg = f"chunk_tokens must be at least {_MIN_CHUNK_TOKENS}, got {self.chunk_tokens}"
            raise ValueError(msg)
        for name in _SHARES:
            if not 0 <= getattr(self, name) <= 1:
                raise ValueError(f"{name} must be in [0, 1], got {getattr(self, name)}")
        if not self.set_sizes or any(size < 1 or self.n_contexts % size for size in self.set_sizes):
            msg = f"n_contexts ({self.n_contexts}) must be a multiple of each set size, got {self.set_sizes}"
            raise ValueError(msg)
        if not self.sets and not self.n_personal_notes:
            raise ValueError("there is nothing to train on: neither sets nor n_personal_notes")
        if any(weight < 0 for weight in (*self.sets.values(), self.personal_notes_weight)):
            raise ValueError(f"a set cannot be seen less than 0 times per epoch, got {self.sets}")
        free = {f.name for f in fields(HypernetworkConfig)} - _DERIVED_FIELDS
        fixed = sorted(set(self.hypernetwork) - free)
        if fixed:
            raise ValueError(f"a run cannot choose these fields of its hypernetwork: {', '.join(fixed)}")
