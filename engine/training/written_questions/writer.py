"""The base model, fine-tuned to write questions and to answer them; transformers trains and samples it."""

import math
import time
from collections.abc import Callable, Sequence
from typing import Any

import numpy as np
import torch
import torch.nn.functional as F
from torch import Tensor
from transformers import LogitsProcessor, LogitsProcessorList, PreTrainedModel

from engine.training.written_questions.forms import Lesson

_MAX_WRITTEN_TOKENS = 56
_MAX_ANSWER_TOKENS = 24
_MIN_SHARE = 0.05
"""Of the likeliest token's probability; less likely ones are never drawn."""
_WARMUP_STEPS = 30
_CLIP_NORM = 1.0


class _LikelyTokens(LogitsProcessor):
    """Min-p sampling (Nguyen et al. 2024, arXiv 2407.01082); transformers' own sorts the whole vocabulary."""

    def __call__(self, _ids: Tensor, scores: Tensor) -> Tensor:
        least = scores.amax(dim=-1, keepdim=True) + math.log(_MIN_SHARE)
        return scores.masked_fill(scores < least, -torch.inf)


class Writer:
    """Learns first, then writes and answers.

    Args:
        model: in float32; ``learn`` changes it.
        end_of_turn: token that ends a turn.
        clock: seconds since any moment; tests pass one that counts steps.
    """

    def __init__(
        self,
        model: PreTrainedModel,
        device: torch.device,
        end_of_turn: int,
        *,
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._model: Any = model  # transformers' annotations do not fit its own use
        model.to(device)  # type: ignore[arg-type]
        self._device, self._end_of_turn = device, end_of_turn
        self._clock = clock

    def learn(
        self,
        lessons: Sequence[Lesson],
        *,
        minutes: float,
        batch_tokens: int,
        lr: float,
        rng: np.random.Generator,
    ) -> list[float]:
        """Fine-tune all parameters for some minutes of wall time; the rate falls linearly.

        Returns:
            The loss of each step.
        """
        parameters = list(self._model.parameters())
        self._model.requires_grad_(requires_grad=True).train()
        optimizer = torch.optim.AdamW(parameters, lr=lr, betas=(0.9, 0.98), weight_decay=0.01)
        losses: list[Tensor] = []
        started = self._clock()
        batches: list[list[Lesson]] = []
        while (share := (self._clock() - started) / (minutes * 60)) < 1:
            batches = batches or _length_batches(lessons, batch_tokens, rng)
            warm = min(1.0, (len(losses) + 1) / _WARMUP_STEPS)
            for group in optimizer.param_groups:
                group["lr"] = lr * warm * (1 - share)
            loss = self._loss(batches.pop())
            loss.backward()
            torch.nn.utils.clip_grad_norm_(parameters, _CLIP_NORM)
            optimizer.step()
            optimizer.zero_grad(set_to_none=True)
            losses.append(loss.detach())
        self._model.requires_grad_(requires_grad=False).train(mode=False)
        if self._device.type == "cuda":
            self._model.to(torch.bfloat16)
        return [float(loss) for loss in losses]

    def _loss(self, batch: Sequence[Lesson]) -> Tensor:
        """Mean cross entropy of the targets."""
        width = max(len(lesson.prompt) + len(lesson.target) for lesson in batch)
        ids = np.zeros((len(batch), width), np.int64)  # right-padded: causal attention needs no mask
        positions: list[int] = []
        targets: list[int] = []
        for row, lesson in enumerate(batch):
            n_prompt, n_both = len(lesson.prompt), len(lesson.prompt) + len(lesson.target)
            ids[row, :n_both] = [*lesson.prompt, *lesson.target]
            positions += range(row * width + n_prompt - 1, row * width + n_both - 1)
            targets += lesson.target
        with torch.autocast(self._device.type, torch.bfloat16, enabled=self._device.type == "cuda"):
            states = self._model.model(torch.from_numpy(ids).to(self._device)).last_hidden_state  # (B, T, D)
            asked_for = states.flatten(0, 1)[torch.tensor(positions, device=self._device)]  # (P, D)
            logits = self._model.lm_head(asked_for).float()  # (P, vocabulary)
        return F.cross_entropy(logits, torch.tensor(targets, device=self._device))

    def write(self, prompts: Sequence[list[int]], n_samples: int) -> list[list[list[int]]]:
        """``n_samples`` drawn texts for each prompt, as token ids without the end of the turn."""
        flat = self._generate(prompts, _MAX_WRITTEN_TOKENS, n_samples)
        return [flat[i : i + n_samples] for i in range(0, len(flat), n_samples)]

    def answer(self, prompts: Sequence[list[int]]) -> list[list[int]]:
        """The likeliest answer to each prompt, as token ids without the end of the turn."""
        return self._generate(prompts, _MAX_ANSWER_TOKENS)

    @torch.no_grad()
    def _generate(
        self, prompts: Sequence[list[int]], n_new: int, n_samples: int | None = None
    ) -> list[list[int]]:
        if not prompts:
            return []
        width = max(map(len, prompts))
        ids = torch.zeros(len(prompts), width, dtype=torch.long)
        mask = torch.zeros_like(ids)
        for row, prompt in enumerate(prompts):  # left-padded: all continue at the same column
            ids[row, width - len(prompt) :] = torch.tensor(prompt)
            mask[row, width - len(prompt) :] = 1
        drawing: dict[str, Any] = {}
        if n_samples is not None:
            likely = LogitsProcessorList([_LikelyTokens()])
            drawing = {"num_return_sequences": n_samples, "top_k": 0, "logits_processor": likely}
        out = self._model.generate(
            ids.to(self._device),
            attention_mask=mask.to(self._device),
            max_new_tokens=n_new,
            do_sample=n_samples is not None,
            eos_token_id=self._end_of_turn,
            pad_token_id=self._end_of_turn,
            **drawing,
        )
        rows: list[list[int]] = out[:, width:].tolist()
        end = self._end_of_turn
        return [row[: row.index(end)] if end in row else row for row in rows]


def _length_batches(
    lessons: Sequence[Lesson], batch_tokens: int, rng: np.random.Generator
) -> list[list[Lesson]]:
    """One epoch: lessons of like length together, the batches in random order."""
    order = sorted(rng.permutation(len(lessons)), key=lambda i: len(lessons[i].prompt))
    batches: list[list[Lesson]] = [[]]
    width = 0
    for i in order:
        length = len(lessons[i].prompt) + len(lessons[i].target)
        if batches[-1] and max(width, length) * (len(batches[-1]) + 1) > batch_tokens:
            batches.append([])
            width = 0
        batches[-1].append(lessons[i])
        width = max(width, length)
    return [batches[i] for i in rng.permutation(len(batches))]
