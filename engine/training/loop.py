"""The training: one or several processes (torchrun), resumable, on a schedule of wall time.

Wall time rather than steps, because GPU minutes are what is given: a run that is cut off resumes at the same
place of the schedule on whatever machine it gets next.
"""

import json
import logging
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, replace

import numpy as np
import torch
import torch.distributed as dist
from numpy.typing import NDArray

from engine.errors import EngineError
from engine.evaluation.metrics import mean
from engine.hypernetwork.gguf_tokenizer import load_tokenizer
from engine.hypernetwork.llama import FrozenLlama, decoder_layer
from engine.hypernetwork.perceiver import PerceiverLayer
from engine.training.batches import Batch, draw_weights, make_batch, note_order
from engine.training.config import TrainConfig
from engine.training.corpus import Corpus
from engine.training.corpus_files import CorpusFiles, limits_of
from engine.training.distributed import DistributedContext
from engine.training.export import export_weights
from engine.training.held_out import SET_SIZES, held_out_notes, measure_chunks
from engine.training.optimizers import learning_rate_share, make_optimizers
from engine.training.prompts import Templates
from engine.training.quotes import make_quotes_batch
from engine.training.student import Student, embedded_config, new_hypernetwork, start_from

logger = logging.getLogger(__name__)

STATE_FILE = "state.pt"
LOG_FILE = "log.jsonl"
SYNC_STEPS = 10
"""Processes agree on the clock, and so on the learning rate, every so many steps: agreeing stalls the GPU."""
COMPILE_STEPS = 20
"""The schedule's clock starts after so many steps of each run: torch.compile takes a minute or two before."""


@dataclass(slots=True)
class Progress:
    """How far the schedule is, over all resumed runs."""

    step: int = 0
    seconds: float = 0.0


class Trainer:
    """Holds a run together; ``run`` trains until the schedule or the given minutes are over.

    Args:
        clock: seconds since any moment; tests pass one that counts steps.

    Raises:
        ModelUnavailable: the base model cannot be read, or the weights to start from cannot be used.
        FileNotFoundError: a set is not there.
    """

    def __init__(
        self, config: TrainConfig, place: DistributedContext, *, clock: Callable[[], float] = time.monotonic
    ) -> None:
        self.config, self.place, self._clock = config, place, clock
        torch.manual_seed(config.seed)  # the same start everywhere
        config.out.mkdir(parents=True, exist_ok=True)
        self.tokenizer = load_tokenizer(config.base_model)
        self.templates = Templates.of(self.tokenizer)
        self.corpus = self._corpus()
        dtype = torch.bfloat16 if place.device.type == "cuda" else torch.float32
        base = FrozenLlama.from_gguf(config.base_model, device=place.device, dtype=dtype)
        shape = embedded_config(base.config, max_chunk_tokens=config.chunk_tokens, **config.hypernetwork)
        self.hypernetwork = new_hypernetwork(shape, start_scale=config.start_scale)
        if config.start_from:
            start_from(self.hypernetwork, config.start_from)
        self.hypernetwork.to(place.device)
        self.student = Student(self.hypernetwork, base, place.device)
        self.optimizers = make_optimizers(self.hypernetwork, config)
        self.progress = Progress()
        self._load_state()
        if config.compile:
            torch._dynamo.config.cache_size_limit = 64  # the documented way to raise it
            base.layer_fn = torch.compile(decoder_layer, dynamic=True)
            PerceiverLayer.forward = torch.compile(PerceiverLayer.forward, dynamic=True)  # type: ignore[method-assign]

    def _corpus(self) -> Corpus:
        files = CorpusFiles.of(self.config, self.tokenizer)
        if self.place.is_first:
            files.make()
        self.place.barrier()
        return files.load()

    # --- state ----------------------------------------------------------------------------------------------

    def _load_state(self) -> None:
        path = self.config.out / STATE_FILE
        if not path.exists():
            return
        state = torch.load(path, map_location=self.place.device, weights_only=True)
        self.hypernetwork.load_state_dict(state["hypernetwork"])
        for optimizer, saved in zip(self.optimizers, state["optimizers"], strict=True):
            optimizer.load_state_dict(saved)
        self.progress = Progress(state["step"], state["seconds"])
        logger.info("resumed at step %d, %.1f minutes", self.progress.step, self.progress.seconds / 60)

    def save_state(self) -> None:
        """Write beside, then replace: a cut-off run leaves the last whole checkpoint, and its weights."""
        if not self.place.is_first:
            return
        path = self.config.out / STATE_FILE
        state = {
            "hypernetwork": self.hypernetwork.state_dict(),
            "optimizers": [optimizer.state_dict() for optimizer in self.optimizers],
            "step": self.progress.step,
            "seconds": self.progress.seconds,
        }
        beside = path.with_suffix(".new")
        torch.save(state, beside)
        beside.replace(path)
        export_weights(self.hypernetwork, self.config, self.progress.step, self.progress.seconds)

    # --- data -----------------------------------------------------------------------------------------------

    def _batches(self) -> Iterator[Batch]:
        """Endless; every process draws the same order and takes its part of each batch."""
        config, place = self.config, self.place
        # A resumed run must not see the first epoch's order again.
        rng = np.random.default_rng((config.seed, self.progress.step))
        own_rng = np.random.default_rng((config.seed, self.progress.step, place.rank))
        step = self.progress.step  # of the batch, which is made a few steps ahead
        while True:
            n_batches = 0
            for indices in self._epoch(rng):
                n_batches += 1
                # Contiguous: neighbours make the sets.
                mine = indices[place.rank * config.n_contexts : (place.rank + 1) * config.n_contexts]
                batch = self._batch(mine, step, own_rng)
                step += 1
                yield batch.pinned() if place.device.type == "cuda" else batch
            if not n_batches:
                batch_size = config.n_contexts * place.n_processes
                detail = f"An epoch of {len(self.corpus)} contexts does not fill one batch of {batch_size}."
                raise EngineError("There is too little to train on.", detail)

    def _epoch(self, rng: np.random.Generator) -> Iterator[NDArray[np.int64]]:
        config, corpus = self.config, self.corpus
        batch_size = config.n_contexts * self.place.n_processes
        weights = np.array([*config.sets.values(), config.personal_notes_weight])
        return note_order(corpus.notes, weights[corpus.sets[corpus.notes[:, 0]]], batch_size, rng)

    def _batch(self, indices: NDArray[np.int64], step: int, rng: np.random.Generator) -> Batch:
        batch = self._unweighted_batch(indices, step, rng)
        return draw_weights(batch, self._set_size(step), self.config.weighted_share, rng)

    def _unweighted_batch(self, indices: NDArray[np.int64], step: int, rng: np.random.Generator) -> Batch:
        config = self.config
        examples = [self.corpus.example(int(i), self.templates) for i in indices]
        if self._has_quotes(step):
            return make_quotes_batch(
                examples,
                self.templates,
                n_questions=config.n_questions,
                set_size=self._set_size(step),
                with_absent=config.absent_share > 0,
                rng=rng,
            )
        return make_batch(
            examples,
            self.templates,
            n_questions=config.n_questions,
            dense=config.dense_start + (config.dense_end - config.dense_start) * self._share(),
            rng=rng,
            set_size=self._set_size(step),
            absent_share=config.absent_share,
            continue_tokens=config.continue_tokens,
            has_teacher=self._has_teacher(step),
        )

    def _has_quotes(self, step: int) -> bool:
        every = self.config.quotes_every
        return every > 0 and step % every == every - 1

    def _has_teacher(self, step: int) -> bool:
        every = self.config.distil_every
        n_quotes = (
            step // self.config.quotes_every if self.config.quotes_every else 0
        )  # steps before this one
        return every > 0 and (step - n_quotes) % every == every - 1

    def _set_size(self, step: int) -> int:
        return self.config.set_sizes[step % len(self.config.set_sizes)]

    def _share(self) -> float:
        return min(1.0, self.progress.seconds / (self.config.minutes * 60))

    # --- the loop -------------------------------------------------------------------------------------------

    def run(self, minutes: float, *, fit: bool = False) -> None:
        """Train for ``minutes`` or to the schedule's end, checkpointing on the way.

        Args:
            minutes: of wall time, that of torch.compile included.
            fit: let the schedule end with this run, as soon as it is known how long torch.compile took.

        Raises:
            EngineError: the corpus does not fill one batch.
        """
        batches = self._batches()
        started = last_save = schedule_started = self._clock()
        before, first_step = self.progress.seconds, self.progress.step
        losses: list[torch.Tensor] = []
        with ThreadPoolExecutor(1, thread_name_prefix="batches") as pool:
            ahead: list[Future[Batch]] = [pool.submit(next, batches) for _ in range(4)]
            while True:
                is_sync = self.progress.step % SYNC_STEPS == 0
                if is_sync and not self._goes_on(self._clock() - started, minutes):
                    break
                batch = ahead.pop(0).result().to(self.place.device)
                ahead.append(pool.submit(next, batches))
                losses.append(self._step(batch))
                self.progress.step += 1
                if fit and self.progress.step - first_step == COMPILE_STEPS:
                    self._fit_schedule(minutes * 60 - (self._clock() - started))
                if self.progress.step - first_step <= COMPILE_STEPS:
                    schedule_started = self._clock()
                if self.progress.step % SYNC_STEPS == 0:
                    self.progress.seconds = before + self._clock() - schedule_started
                if self.progress.step % self.config.log_every_steps == 0 or self.progress.step in (1, 5, 20):
                    self._log(losses)
                    losses.clear()
                if self._clock() - last_save > self.config.checkpoint_every_s:
                    self.save_state()
                    last_save = self._clock()
            for future in ahead:
                future.cancel()
        self.save_state()

    def _fit_schedule(self, left_s: float) -> None:
        """End the schedule after so many seconds more; the first process knows how many."""
        seconds = torch.tensor([self.progress.seconds + left_s], device=self.place.device)
        if self.place.n_processes > 1:
            dist.broadcast(seconds, 0)
        self.config = replace(self.config, minutes=float(seconds) / 60)
        logger.info("the schedule is %.2f minutes long", self.config.minutes)

    def _goes_on(self, elapsed_s: float, minutes: float) -> bool:
        """Decided by the first process, so that no one waits for a peer that has stopped."""
        goes_on = elapsed_s < minutes * 60 and self._share() < 1
        if self.place.n_processes == 1:
            return goes_on
        flag = torch.tensor([int(goes_on), int(self.progress.seconds * 1000)], device=self.place.device)
        dist.broadcast(flag, 0)
        self.progress.seconds = float(flag[1]) / 1000  # one clock for the schedule
        return bool(flag[0])

    def _step(self, batch: Batch) -> torch.Tensor:
        config = self.config
        share = learning_rate_share(self.progress.step, self._share(), config)
        for optimizer in self.optimizers:
            for group in optimizer.param_groups:
                group["lr"] = group["base_lr"] * share
        set_size = self._set_size(self.progress.step)
        loss = self.student.loss(batch, set_size, distil_weight=config.distil_weight)
        loss.backward()
        self._average_gradients()
        torch.nn.utils.clip_grad_norm_(self.hypernetwork.parameters(), config.clip_norm)
        for optimizer in self.optimizers:
            optimizer.step()
        self.hypernetwork.zero_grad(set_to_none=True)
        return loss.detach()

    def _average_gradients(self) -> None:
        if self.place.n_processes == 1:
            return
        grads = [p.grad for p in self.hypernetwork.parameters() if p.grad is not None]
        flat = torch.cat([grad.flatten() for grad in grads])
        dist.all_reduce(flat)
        flat /= self.place.n_processes
        for grad, part in zip(grads, flat.split([grad.numel() for grad in grads]), strict=True):
            grad.copy_(part.view_as(grad))

    def _log(self, losses: list[torch.Tensor]) -> None:
        if not self.place.is_first:
            return
        entry = {
            "step": self.progress.step,
            "minutes": round(self.progress.seconds / 60, 2),
            "loss": round(float(torch.stack(losses).mean()), 4),
            "lr_share": round(learning_rate_share(self.progress.step, self._share(), self.config), 3),
        }
        logger.info("%s", entry)
        with (self.config.out / LOG_FILE).open("a", encoding="utf-8") as log:
            log.write(json.dumps(entry) + "\n")

    def measure(self, *, limit: int) -> dict[str, dict[str, float]]:
        """Recall on the held-out sets, with sets of SET_SIZES; the first process only.

        Raises:
            FileNotFoundError: a held-out set is not there.
            ValueError: one has fewer contexts than a set needs.
        """
        return {name: self._measure(name, limit) for name in self.config.held_out}

    def _measure(self, name: str, limit: int) -> dict[str, float]:
        config, tokenizer = self.config, self.tokenizer
        notes = held_out_notes(config.held_out_data, name, limit, tokenizer, limits_of(config))
        recall: dict[str, float] = {}
        for k in SET_SIZES:
            scores = measure_chunks(self.student, notes, tokenizer, set_size=k)
            recall[f"recall_{k}_chunks"] = round(mean(scores).recall, 4)
        return recall
