"""The context encoder against ``output_hidden_states`` of tiny random transformers models."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import pytest
import torch
from torch import Tensor
from transformers import (
    AutoModel,
    AutoModelForCausalLM,
    Gemma2Config,
    MistralConfig,
    PreTrainedConfig,
    PreTrainedModel,
    Qwen3Config,
)

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import HypernetworkConfig, TargetModule
from engine.hypernetwork import blocked_attention
from engine.hypernetwork.context_encoder import ContextEncoder

SIZES: Any = {
    "vocab_size": 97,
    "hidden_size": 32,
    "intermediate_size": 48,
    "num_hidden_layers": 5,
    "num_attention_heads": 4,
    "num_key_value_heads": 2,
    "head_dim": 8,
    "max_position_embeddings": 2048,
    "pad_token_id": 0,
}
FAMILIES: dict[str, Callable[[], PreTrainedConfig]] = {
    "gemma2": lambda: Gemma2Config(**SIZES, sliding_window=7, query_pre_attn_scalar=8),
    "qwen3": lambda: Qwen3Config(**SIZES),
    "mistral": lambda: MistralConfig(**SIZES, sliding_window=7),
}
HYPERNETWORK = HypernetworkConfig(
    n_layers=5,
    d_encoder=32,
    d_latent=16,
    lora_rank=2,
    target_modules=(TargetModule("down_proj", 48, 32),),
    lora_alpha=1.0,
)


def made(family: str, attention: str = "eager", seed: int = 0) -> PreTrainedModel:
    torch.manual_seed(seed)
    make: Any = AutoModelForCausalLM  # untyped in transformers
    model: PreTrainedModel = make.from_config(FAMILIES[family](), attn_implementation=attention).eval()
    return model


def some_ids(*lengths: int) -> Tensor:
    torch.manual_seed(1)
    rows = [torch.randint(1, 97, (length,)) for length in lengths]
    return torch.nn.utils.rnn.pad_sequence(rows, batch_first=True)


def states_of(model: PreTrainedModel, ids: Tensor) -> tuple[Tensor, ...]:
    with torch.no_grad():
        return model(ids, output_hidden_states=True, use_cache=False).hidden_states  # type: ignore[no-any-return]


def assert_near(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


@pytest.mark.parametrize("family", FAMILIES)
def test_each_layer_gives_its_input_and_the_last_is_normed(family: str) -> None:
    model = made(family)
    ids = some_ids(20)
    features = ContextEncoder(model, HYPERNETWORK).features(ids)

    assert features.shape == (1, 5, 20, 32)
    hidden = states_of(model, ids)
    for index in range(4):
        assert_near(features[:, index], hidden[index])
    assert_near(features[:, 4], model.model.norm(hidden[4]))
    assert (features[:, 4] - hidden[4]).abs().max() > 0.01


@pytest.mark.parametrize("family", FAMILIES)
def test_the_base_is_left_as_it_was_and_no_copy_is_made(family: str) -> None:
    model = made(family)
    ids = some_ids(12)
    with torch.no_grad():
        before = model(ids).logits
    encoder = ContextEncoder(model, HYPERNETWORK)
    encoder.features(ids)
    encoder.features(ids)
    with torch.no_grad():
        assert torch.equal(model(ids).logits, before)
    assert len(model.model.layers) == 5


def test_a_shorter_chunk_of_a_batch_has_the_states_it_has_alone() -> None:
    model = made("gemma2")
    ids = some_ids(20, 9)
    encoder = ContextEncoder(model, HYPERNETWORK)
    assert_near(encoder.features(ids)[1:, :, :9], encoder.features(ids[1:, :9]))


def test_states_are_handed_out_while_the_layers_run() -> None:
    model = made("qwen3")
    seen: list[tuple[int, int]] = []
    n_run = 0

    def count(*_: object) -> None:
        nonlocal n_run
        n_run += 1

    for layer in model.model.layers:
        layer.register_forward_hook(count)
    ContextEncoder(model, HYPERNETWORK)(some_ids(5), lambda index, _state: seen.append((index, n_run)))
    assert seen == [(0, 0), (1, 1), (2, 2), (3, 3), (4, 4)]


@pytest.mark.parametrize(("layer", "expected"), [(2, 2), (0, 1)])  # 0: a quarter of the layers
def test_early_exit_gives_one_normed_state(layer: int, expected: int) -> None:
    model = made("gemma2")
    ids = some_ids(11)
    config = replace(HYPERNETWORK, encoder_kind="early_exit", encoder_layer=layer)
    features = ContextEncoder(model, config).features(ids)
    assert features.shape == (1, 11, 32)
    assert_near(features, model.model.norm(states_of(model, ids)[expected]))


def test_embeddings_are_those_that_enter_the_first_layer() -> None:
    model = made("gemma2")
    ids = some_ids(11)
    config = replace(HYPERNETWORK, encoder_kind="embeddings")
    features = ContextEncoder(model, config).features(ids)
    assert_near(features, states_of(model, ids)[0])  # Gemma's are multiplied by the root of the width


def test_a_foreign_encoder_gives_as_many_states_as_the_base_has_layers() -> None:
    torch.manual_seed(0)
    make: Any = AutoModel
    encoder_model = make.from_config(FAMILIES["mistral"]()).eval()
    ids = some_ids(9)
    config = replace(HYPERNETWORK, n_layers=3, encoder_layer=3)
    features = ContextEncoder(encoder_model, config).features(ids)
    assert features.shape == (1, 3, 9, 32)
    with torch.no_grad():
        hidden = encoder_model(ids, output_hidden_states=True).hidden_states
    assert_near(features[:, 1], hidden[1])
    assert_near(features[:, 2], encoder_model.norm(hidden[2]))


@pytest.mark.parametrize(
    ("change", "said"),
    [
        ({"n_layers": 4}, "4 layers"),
        ({"n_layers": 8, "encoder_layer": 8}, "has 5"),
        ({"d_encoder": 33}, "33"),
        ({"encoder_kind": "early_exit", "encoder_layer": 6}, "has 5"),
    ],
)
def test_a_model_that_does_not_fit_is_refused(change: dict[str, object], said: str) -> None:
    with pytest.raises(ModelUnavailable, match=said) as refused:
        ContextEncoder(made("qwen3"), replace(HYPERNETWORK, base_model="lab/base", **change))  # type: ignore[arg-type]

    assert "made for lab/base" in refused.value.detail


def test_what_is_no_decoder_is_refused() -> None:
    with pytest.raises(ModelUnavailable, match="Linear"):
        ContextEncoder(torch.nn.Linear(3, 3), HYPERNETWORK)


# --- attention in blocks --------------------------------------------------------------------------------


@pytest.fixture
def small_blocks(monkeypatch: pytest.MonkeyPatch) -> None:
    # 4 queries of 30 tokens at a time, and slices that begin where a window begins or a little earlier.
    monkeypatch.setattr(blocked_attention, "_SCORES_BYTES", 4 * 2 * SIZES["num_attention_heads"] * 30 * 4)
    monkeypatch.setattr(blocked_attention, "_ALIGNMENT", 4)


@pytest.mark.usefixtures("small_blocks")
@pytest.mark.parametrize("length", [1, 4, 5, 30])
def test_blocks_give_what_eager_attention_gives(length: int) -> None:
    eager, blocked = made("gemma2"), made("gemma2", blocked_attention.NAME)
    ids = some_ids(length, max(1, length // 2))
    with torch.no_grad():
        assert_near(blocked(ids).logits, eager(ids).logits)


@pytest.mark.usefixtures("small_blocks")
def test_blocks_honour_padding_on_the_left_and_the_cache() -> None:
    eager: Any = made("gemma2")
    blocked: Any = made("gemma2", blocked_attention.NAME)
    ids = some_ids(6, 13).flip(1)
    mask = (ids != 0).long()
    options = {"attention_mask": mask, "max_new_tokens": 12, "min_new_tokens": 12, "do_sample": False}
    expected = eager.generate(ids, **options, output_logits=True, return_dict_in_generate=True)
    found = blocked.generate(ids, **options, output_logits=True, return_dict_in_generate=True)
    assert found.sequences.tolist() == expected.sequences.tolist()
    assert_near(torch.stack(found.logits), torch.stack(expected.logits))


def test_without_the_soft_cap_the_states_would_differ() -> None:
    # Guards the tests above: the cap matters at these sizes.
    uncapped: Any = made("gemma2")
    capped: Any = made("gemma2", blocked_attention.NAME)
    for model in (uncapped, capped):
        for layer in model.model.layers:
            layer.self_attn.q_proj.weight.data *= 400
    for layer in uncapped.model.layers:
        layer.self_attn.attn_logit_softcapping = None
    ids = some_ids(20)
    with torch.no_grad():
        assert (uncapped(ids).logits - capped(ids).logits).abs().max() > 1e-3
