"""The parity case notices each of the thirteen mistakes of docs/doc-to-lora-spec.md, section 8.

Plausible answers are no evidence of parity: ports with several of these mistakes "work". Each is made here on
purpose, and must move the logits by far more than the tolerance of the parity tests.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace

import pytest
import torch
import torch.nn.functional as F
from torch import Tensor

from engine.hypernetwork import context_encoder, hypernetwork, load_checkpoint
from engine.hypernetwork.context_encoder import ContextEncoder
from engine.hypernetwork.doc_to_lora import DocToLora
from engine.hypernetwork.hypernetwork import Factors, Hypernetwork, Perceiver
from engine.hypernetwork.perceiver import Attention, RMSNorm
from engine.hypernetwork.reading import Chunks
from tests.engine.hypernetwork.parity_case import BASE, CHECKPOINT, LOGITS_TOLERANCE, expected_tensors

Mutate = Callable[[pytest.MonkeyPatch, DocToLora], None]


@pytest.fixture(scope="module")
def expected() -> dict[str, Tensor]:
    return expected_tensors()


@pytest.fixture
def doc() -> DocToLora:
    return load_checkpoint(CHECKPOINT, BASE)


def error(doc: DocToLora, expected: dict[str, Tensor]) -> float:
    """Largest error of the logits with three chunks."""
    chunks = Chunks(expected["ctx_ids.3"], expected["ctx_mask.3"].bool())
    adapter = doc.combine(doc.factors(doc.latents(chunks)))
    with doc.applied(adapter) as model, torch.no_grad():
        logits = model(expected["query_ids.1"]).logits
    return float((logits - expected["logits.3"]).abs().max())


def alpha_over_r(_patch: pytest.MonkeyPatch, doc: DocToLora) -> None:
    config = doc.hypernetwork.config
    doc.hypernetwork.config = replace(config, lora_alpha=config.lora_alpha / config.lora_rank)


def no_l2_norm(patch: pytest.MonkeyPatch, _doc: DocToLora) -> None:
    patch.setattr(hypernetwork, "normalise", lambda x: x)


def keys_over_context_and_latents(patch: pytest.MonkeyPatch, _doc: DocToLora) -> None:
    right = Attention.forward

    def wrong(self: Attention, latents: Tensor, context: Tensor, mask: Tensor | None) -> Tensor:
        if mask is not None:
            mask = F.pad(mask, (0, latents.shape[1]), value=True)
        return right(self, latents, torch.cat([context, latents], dim=1), mask)

    patch.setattr(Attention, "forward", wrong)


def states_shifted_by_one(patch: pytest.MonkeyPatch, _doc: DocToLora) -> None:
    right = ContextEncoder.__call__

    def wrong(self: ContextEncoder, ids: Tensor, take: context_encoder.TakeStates) -> None:
        states: list[Tensor] = []
        right(self, ids, lambda _index, state: states.append(state))
        for index, state in enumerate([*states[1:], states[-1]]):
            take(index, state)

    patch.setattr(ContextEncoder, "__call__", wrong)


def last_state_not_normed(_patch: pytest.MonkeyPatch, doc: DocToLora) -> None:
    doc.encoder._decoder.norm = torch.nn.Identity()


def bias_dropped(patch: pytest.MonkeyPatch, _doc: DocToLora) -> None:
    patch.setattr(Hypernetwork, "bias", lambda _self: None)


def bias_once_per_chunk(patch: pytest.MonkeyPatch, _doc: DocToLora) -> None:
    right = DocToLora.combine

    def wrong(self: DocToLora, factors: Factors) -> dict[str, tuple[Tensor, Tensor]]:
        n_chunks = next(iter(factors.values()))[0].shape[0]
        alone = right(self, factors, [1] * n_chunks)
        return {
            name: (
                A.transpose(0, 1).flatten(1, 2)[None],
                B.transpose(0, 1).flatten(1, 2)[None],
            )
            for name, (A, B) in alone.items()
        }

    patch.setattr(DocToLora, "combine", wrong)


def chunk_major_rows(patch: pytest.MonkeyPatch, _doc: DocToLora) -> None:
    right = Hypernetwork.refine

    def wrong(self: Hypernetwork, perceived: Tensor) -> Tensor:
        n_layers = self.config.n_layers
        n_chunks = perceived.shape[0] // n_layers
        mixed = perceived.view(n_chunks, n_layers, *perceived.shape[1:]).transpose(0, 1).flatten(0, 1)
        return right(self, mixed)

    patch.setattr(Hypernetwork, "refine", wrong)


def b_before_a(patch: pytest.MonkeyPatch, _doc: DocToLora) -> None:
    right = Hypernetwork.raw_factors

    def wrong(self: Hypernetwork, u: Tensor) -> Tensor:
        flat = right(self, u)
        d_out = self.config.target_modules[0].d_out
        return torch.cat([flat[..., d_out:], flat[..., :d_out]], dim=-1)

    patch.setattr(Hypernetwork, "raw_factors", wrong)


def chunks_averaged(patch: pytest.MonkeyPatch, _doc: DocToLora) -> None:
    right = DocToLora.combine

    def wrong(self: DocToLora, factors: Factors) -> dict[str, tuple[Tensor, Tensor]]:
        mean = {name: (A.mean(0, keepdim=True), B.mean(0, keepdim=True)) for name, (A, B) in factors.items()}
        return right(self, mean)

    patch.setattr(DocToLora, "combine", wrong)


def gemmas_norm_in_the_perceiver(_patch: pytest.MonkeyPatch, doc: DocToLora) -> None:
    for module in doc.hypernetwork.modules():
        if isinstance(module, RMSNorm):
            module.weight.add_(1.0)


def padding_unmasked(patch: pytest.MonkeyPatch, _doc: DocToLora) -> None:
    right = Perceiver.resample

    def wrong(
        self: Perceiver, projected: Tensor, _mask: Tensor | None, layers: slice = slice(None)
    ) -> Sequence[Tensor]:
        return right(self, projected, None, layers)

    patch.setattr(Perceiver, "resample", wrong)


def scaler_a_ignored(_patch: pytest.MonkeyPatch, doc: DocToLora) -> None:
    for scaler in doc.hypernetwork.scaler_A.values():
        scaler.fill_(1.0)


MISTAKES: list[Mutate] = [
    alpha_over_r,
    no_l2_norm,
    keys_over_context_and_latents,
    states_shifted_by_one,
    last_state_not_normed,
    bias_dropped,
    bias_once_per_chunk,
    chunk_major_rows,
    b_before_a,
    chunks_averaged,
    gemmas_norm_in_the_perceiver,
    padding_unmasked,
    scaler_a_ignored,
]


def test_without_a_mistake_the_logits_are_the_references(doc: DocToLora, expected: dict[str, Tensor]) -> None:
    assert error(doc, expected) < LOGITS_TOLERANCE


@pytest.mark.parametrize("mistake", MISTAKES, ids=lambda mistake: mistake.__name__)
def test_each_mistake_fails_parity(
    monkeypatch: pytest.MonkeyPatch, doc: DocToLora, expected: dict[str, Tensor], mistake: Mutate
) -> None:
    with torch.no_grad():
        mistake(monkeypatch, doc)
    found = error(doc, expected)
    assert found > 100 * LOGITS_TOLERANCE, f"{mistake.__name__} moved the logits by {found} only"
