"""What is trained: hypernetwork and frozen base together, from contexts to a loss or to answers.

Shapes: C contexts, Q questions per context, k contexts per set, G = C / k sets.
"""

from collections.abc import Sequence
from dataclasses import asdict
from pathlib import Path

import torch
import torch.nn.functional as F
from torch import Tensor

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import HypernetworkConfig, TargetModule
from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.hypernetwork.internalizer import load_hypernetwork
from engine.hypernetwork.llama import FrozenLlama, LlamaConfig
from engine.training.batches import Batch, Teacher, pack
from engine.training.corpus import Tokens
from engine.training.prompts import CONTEXT_PREFIX

MODULE = "down_proj"
_MAY_DIFFER = frozenset(("max_chunk_tokens", "base_model", "base_model_hash", "training", "quotes_rank"))
"""What is said about weights and does not change what they mean; and a block that may be trained anew."""


def embedded_config(base: LlamaConfig, **changes: object) -> HypernetworkConfig:
    """The embedded hypernetwork's shape (docs/training-log.md says what each choice gave)."""
    fields: dict[str, object] = {
        "n_layers": base.n_layers,
        "d_encoder": base.d_model,
        "d_latent": 256,
        "lora_rank": 16,
        "target_modules": (TargetModule(MODULE, base.d_ffn, base.d_model),),
        "lora_alpha": 1.0,
        "n_latents": 16,
        "n_blocks": 4,
        "n_self_attn_per_block": 1,
        "n_pre_head_layers": 0,
        "n_heads": 4,
        "n_kv_heads": 4,
        "d_head": 64,
        "mlp_factor": 2,
        "projection": "per_layer",
        "per_layer_latents": True,
        "has_decoder": False,
        "post_norm": False,
        "head_gain": 16.0,
        "bias_rank": 8,
        "context_prefix": CONTEXT_PREFIX,
    }
    return HypernetworkConfig(**(fields | changes))  # type: ignore[arg-type]  # checked by __post_init__


def new_hypernetwork(config: HypernetworkConfig, *, start_scale: float = 0.1) -> Hypernetwork:
    """A hypernetwork at its start: factors of useful size at once, where the paper's B starts at zero.

    Args:
        start_scale: of ``scaler_B``; smaller for a base with larger activations.
    """
    hypernetwork = Hypernetwork(config)
    (module,) = config.target_modules
    with torch.no_grad():
        head = hypernetwork.head["weight"]  # (L, d, d_in + d_out)
        head[..., : module.d_in].normal_(std=0.5 / module.d_in**0.5)
        head[..., module.d_in :].normal_(std=0.5 / module.d_out**0.5)
        hypernetwork.scaler_B[module.name].fill_(start_scale)
        hypernetwork.bias_A[module.name].normal_(std=0.2 / module.d_in**0.5)
    return hypernetwork


def start_from(hypernetwork: Hypernetwork, weights_dir: Path) -> None:
    """Overwrite all parameters with those of a weights folder; int8 matrices are dequantised.

    A block for quotes of another rank, or that they do not have, keeps its initial values.

    Raises:
        ModelUnavailable: the folder cannot be read, or holds a hypernetwork of another shape.
    """
    trained = load_hypernetwork(weights_dir)
    ours, theirs = asdict(hypernetwork.config), asdict(trained.config)
    differing = [
        f"{name} is {theirs[name]!r} there and {value!r} here"
        for name, value in ours.items()
        if name not in _MAY_DIFFER and theirs[name] != value
    ]
    if differing:
        detail = f"{weights_dir}: {'; '.join(differing)}."
        raise ModelUnavailable("The training cannot start from these weights.", detail)
    state = trained.state_dict()
    if theirs["quotes_rank"] != ours["quotes_rank"]:
        own = hypernetwork.state_dict()
        state = {name: values for name, values in state.items() if not name.startswith("quotes_")}
        state |= {name: values for name, values in own.items() if name.startswith("quotes_")}
    hypernetwork.load_state_dict(state)


class Student:
    """Runs the frozen base with generated adapters."""

    def __init__(self, hypernetwork: Hypernetwork, base: FrozenLlama, device: torch.device) -> None:
        self.hypernetwork, self.base, self.device = hypernetwork, base, device

    def autocast(self) -> torch.autocast:
        """bfloat16 on a GPU; on the CPU everything stays float32."""
        return torch.autocast(self.device.type, dtype=torch.bfloat16, enabled=self.device.type == "cuda")

    def adapters(
        self,
        contexts: Tensor,
        lengths: Tensor,
        set_size: int,
        *,
        weights: Tensor | None = None,
        has_quotes: bool = False,
    ) -> tuple[Tensor, Tensor]:
        """One adapter per set of ``set_size`` neighbouring contexts.

        Args:
            contexts: (C, S), lengths: (C,)
            weights: (C,) factor on each context's delta; 1 if not given.
            has_quotes: whether it is for prompts with passages.

        Returns:
            A (G, L, R, d_in), B (G, L, R, d_out) with R = k * r + bias_rank, in the base's dtype; B times
            lora_alpha.
        """
        generated = self._generated(contexts, lengths, weights)
        return self._joined(generated, set_size, has_quotes=has_quotes)

    def _generated(self, contexts: Tensor, lengths: Tensor, weights: Tensor | None) -> tuple[Tensor, Tensor]:
        """Each context's own factors: (C, S), (C,), (C,) -> A (C, L, r, d_in), B (C, L, r, d_out)"""
        features = self.base.layer_inputs(contexts)  # (C, L, S, D)
        mask = torch.arange(contexts.shape[1], device=contexts.device) < lengths[:, None]  # (C, S)
        lora_A, lora_B = self.hypernetwork(features, mask)[MODULE]  # (C, L, r, d_in), (C, L, r, d_out)
        if weights is not None:
            lora_B = lora_B * weights.view(-1, 1, 1, 1)
        return lora_A, lora_B

    def _joined(
        self, generated: tuple[Tensor, Tensor], set_size: int, *, has_quotes: bool
    ) -> tuple[Tensor, Tensor]:
        """What ``adapters`` returns, of what ``_generated`` does."""
        lora_A, lora_B = generated
        bias = self.hypernetwork.block_for(has_quotes=has_quotes)
        assert bias is not None, "the embedded hypernetwork has a bias block"
        bias_A, bias_B = bias[MODULE]
        alpha, dtype = self.hypernetwork.config.lora_alpha, self.base.embedding.dtype
        return _join(lora_A, bias_A, set_size, dtype), _join(lora_B * alpha, bias_B * alpha, set_size, dtype)

    def loss(self, batch: Batch, set_size: int, *, distil_weight: float = 0.0) -> Tensor:
        """Mean cross entropy over all target tokens, 0 if there are none, and what is to be learnt beside it.

        Args:
            distil_weight: factor on KL(teacher || student), the mean over the tokens that have a teacher.
        """
        with self.autocast():
            generated = self._generated(batch.contexts, batch.lengths, batch.weights)
            taught = None
            if batch.teacher is not None and distil_weight:
                taught = self._teacher_log_probabilities(batch.teacher, generated, set_size)
            lora = self._joined(generated, set_size, has_quotes=batch.has_quotes)
            logits = self._logits(batch.ids, batch.positions, lora)  # (P, vocabulary)
            log_probabilities = F.log_softmax(logits, dim=-1)
            # The mean of no targets would be NaN, and so would every parameter after it.
            loss = F.nll_loss(log_probabilities, batch.targets) if len(batch.targets) else logits.sum()
            if batch.teacher is not None and taught is not None:
                # Not by brackets: the gradient of index_select needs no sorting on the GPU.
                ours = log_probabilities.index_select(0, batch.teacher.of)  # (P2, vocabulary)
                loss = loss + distil_weight * F.kl_div(ours, taught, reduction="batchmean", log_target=True)
            return loss

    @torch.no_grad()
    def _teacher_log_probabilities(
        self, teacher: Teacher, generated: tuple[Tensor, Tensor], set_size: int
    ) -> Tensor:
        """(P2, vocabulary) float32, of the same contexts' adapters with the block for quotes."""
        lora = self._joined(generated, set_size, has_quotes=True)
        return F.log_softmax(self._logits(teacher.ids, teacher.positions, lora), dim=-1)

    def _logits(self, ids: Tensor, positions: Tensor, lora: tuple[Tensor, Tensor]) -> Tensor:
        """(N, T), (P,) -> (P, vocabulary) float32"""
        states = self.base.final_states(ids, lora)  # (N, T, D)
        return self.base.logits(states.flatten(0, 1)[positions]).float()

    @torch.no_grad()
    def answer(
        self,
        contexts: Sequence[Tokens],
        prompts: Sequence[Tokens],
        *,
        set_size: int,
        end_of_turn: int,
        n_new: int,
        has_quotes: bool = False,
    ) -> list[list[int]]:
        """Greedy answers with the adapters of the contexts.

        Args:
            prompts: as many for each set, in the order of the sets.
            has_quotes: whether passages stand in the prompts.
        """
        batch = pack(contexts, []).to(self.device)
        with self.autocast():
            lora = self.adapters(batch.contexts, batch.lengths, set_size, has_quotes=has_quotes)
        return self.answer_with(lora, prompts, end_of_turn=end_of_turn, n_new=n_new)

    @torch.no_grad()
    def answer_with(
        self,
        lora: tuple[Tensor, Tensor] | None,
        prompts: Sequence[Tokens],
        *,
        end_of_turn: int,
        n_new: int,
    ) -> list[list[int]]:
        """Greedy answers with adapters, or of the base alone; without a KV cache: only the training uses it.

        Returns:
            Token ids without the end of the turn, at most ``n_new`` for each prompt.
        """
        lengths = torch.tensor([len(prompt) for prompt in prompts], device=self.device)
        longest = max(map(len, prompts))
        ids = torch.full((len(prompts), longest + n_new), end_of_turn, device=self.device)
        for row, prompt in zip(ids, prompts, strict=True):
            row[: len(prompt)] = torch.from_numpy(prompt)
        rows = torch.arange(len(prompts), device=self.device)
        has_ended = torch.zeros(len(prompts), dtype=torch.bool, device=self.device)
        with self.autocast():
            for step in range(n_new):
                states = self.base.final_states(ids[:, : longest + step], lora)
                chosen = self.base.logits(states[rows, lengths + step - 1]).argmax(-1)
                ids[rows, lengths + step] = chosen
                has_ended |= chosen == end_of_turn
                if bool(has_ended.all()):
                    break
        result = []
        for tokens, prompt in zip(ids.tolist(), prompts, strict=True):
            answer = tokens[len(prompt) : len(prompt) + n_new]
            result.append(answer[: answer.index(end_of_turn)] if end_of_turn in answer else answer)
        return result


def _join(factor: Tensor, bias: Tensor, set_size: int, dtype: torch.dtype) -> Tensor:
    """(C, L, r, f), (L, r_bias, f) -> (G, L, k * r + r_bias, f)"""
    n_contexts, n_layers, rank, width = factor.shape
    n_sets = n_contexts // set_size
    factor = factor.view(n_sets, set_size, n_layers, rank, width).transpose(1, 2)  # (G, L, k, r, f)
    joined = factor.reshape(n_sets, n_layers, set_size * rank, width)
    return torch.cat([joined.to(dtype), bias.to(dtype).expand(n_sets, -1, -1, -1)], dim=2)
