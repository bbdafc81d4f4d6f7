"""Every stage of the hypernetwork against the reference implementation's exact numbers.

tests/engine/hypernetwork/parity/README.md says where they come from.
"""

import pytest
import torch
from torch import Tensor

from engine.hypernetwork.attach import attached
from engine.hypernetwork.checkpoint import Checkpoint, read_checkpoint
from engine.hypernetwork.context_encoder import ContextEncoder
from engine.hypernetwork.hypernetwork import Hypernetwork, combine, normalise
from tests.engine.hypernetwork.parity_case import (
    BASE,
    CHECKPOINT,
    LOGITS_TOLERANCE,
    STAGE_TOLERANCE,
    expected_tensors,
)


def assert_near(ours: Tensor, theirs: Tensor, tolerance: float = STAGE_TOLERANCE) -> None:
    torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=0)


@pytest.fixture(scope="module")
def expected() -> dict[str, Tensor]:
    return expected_tensors()


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return read_checkpoint(CHECKPOINT / "pytorch_model.bin")


@pytest.fixture(scope="module")
def hypernetwork(checkpoint: Checkpoint) -> Hypernetwork:
    hypernetwork = Hypernetwork(checkpoint.config)
    hypernetwork.load_state_dict(checkpoint.tensors)
    return hypernetwork.requires_grad_(requires_grad=False)


def test_the_checkpoints_configuration_is_read(checkpoint: Checkpoint) -> None:
    config = checkpoint.config
    assert config.base_model == "tiny/gemma2"
    assert config.lora_alpha == 2 * 8**1.5
    assert (config.lora_rank, config.n_layers, config.n_blocks, config.d_latent) == (8, 4, 2, 10)


@pytest.mark.parametrize("n", [1, 3])
def test_encoder_states_agree_at_real_tokens(
    checkpoint: Checkpoint, expected: dict[str, Tensor], n: int
) -> None:
    from transformers import AutoModel

    model = AutoModel.from_pretrained(BASE, dtype=torch.float32, attn_implementation="eager")
    features = ContextEncoder(model, checkpoint.config).features(expected[f"ctx_ids.{n}"])
    mask = expected[f"ctx_mask.{n}"]
    is_real = mask[:, None, :, None].bool().expand_as(features)
    assert_near(features[is_real], expected[f"features.{n}"][is_real])


@pytest.mark.parametrize("n", [1, 3])
def test_the_projection_gives_layer_major_rows(
    hypernetwork: Hypernetwork, expected: dict[str, Tensor], n: int
) -> None:
    projected = hypernetwork.perceiver.project(expected[f"features.{n}"])
    is_real = expected[f"ctx_mask.{n}"].bool().repeat(hypernetwork.config.n_layers, 1)
    assert_near(projected[is_real], expected[f"stage.{n}.proj"][is_real])


@pytest.mark.parametrize("n", [1, 3])
def test_the_perceiver_reads_real_tokens_only(
    hypernetwork: Hypernetwork, expected: dict[str, Tensor], n: int
) -> None:
    encoded, decoded = hypernetwork.perceiver.resample(
        expected[f"stage.{n}.proj"], expected[f"ctx_mask.{n}"].bool()
    )
    assert_near(encoded, expected[f"stage.{n}.enc"])
    assert_near(decoded, expected[f"stage.{n}.dec"])


@pytest.mark.parametrize("n", [1, 3])
def test_residual_mlps_norm_and_head_agree(
    hypernetwork: Hypernetwork, expected: dict[str, Tensor], n: int
) -> None:
    refined = hypernetwork.refine(expected[f"stage.{n}.dec"])
    assert_near(refined, expected[f"stage.{n}.resmlp"])
    u = normalise(refined)
    assert_near(u, expected[f"stage.{n}.l2"])
    assert_near(hypernetwork.raw_factors(u), expected[f"stage.{n}.head"])


@pytest.mark.parametrize("n", [1, 3])
def test_scaled_factors_agree(hypernetwork: Hypernetwork, expected: dict[str, Tensor], n: int) -> None:
    lora_A, lora_B = hypernetwork.factors(expected[f"stage.{n}.l2"])["down_proj"]
    assert_near(lora_A, expected[f"gen.{n}.down_proj.A"])
    assert_near(lora_B, expected[f"gen.{n}.down_proj.B"])


@pytest.mark.parametrize("n", [1, 3])
def test_features_become_factors(hypernetwork: Hypernetwork, expected: dict[str, Tensor], n: int) -> None:
    lora_A, lora_B = hypernetwork(expected[f"features.{n}"], expected[f"ctx_mask.{n}"].bool())["down_proj"]
    assert_near(lora_A, expected[f"gen.{n}.down_proj.A"])
    assert_near(lora_B, expected[f"gen.{n}.down_proj.B"])


def test_chunks_join_with_the_bias_once(hypernetwork: Hypernetwork, expected: dict[str, Tensor]) -> None:
    bias = hypernetwork.bias()
    one, three = (_generated(expected, n) for n in (1, 3))
    scalers = torch.tensor([0.5, 1.5, -1.0])
    cases = {
        "comb.1": combine(one, [1], bias),
        "comb.3": combine(three, [3], bias),
        "comb_scaled.3": combine(three, [3], bias, scalers=scalers, bias_scaler=0.7),
        "comb.g": combine({"down_proj": _both(one, three)}, [1, 3], bias),
    }
    for name, combined in cases.items():
        for letter, ours in zip("AB", combined["down_proj"], strict=True):
            assert_near(ours, expected[f"{name}.down_proj.{letter}"])


def test_logits_with_the_adapter_agree(checkpoint: Checkpoint, expected: dict[str, Tensor]) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(BASE, dtype=torch.float32, attn_implementation="eager")
    alpha, layers = checkpoint.config.lora_alpha, model.model.layers
    cases = {
        "logits.1": ("comb.1", "1", [1]),
        "logits.3": ("comb.3", "1", [1]),
        "logits_scaled.3": ("comb_scaled.3", "1", [1]),
        "logits.g": ("comb.g", "3", [1, 2]),
    }
    with torch.inference_mode():
        assert_near(model(expected["query_ids.1"]).logits, expected["logits.base"], LOGITS_TOLERANCE)
        for name, (combined, query, n_queries) in cases.items():
            factors = {
                "down_proj": (expected[f"{combined}.down_proj.A"], expected[f"{combined}.down_proj.B"])
            }
            mask = expected[f"query_mask.{query}"]
            with attached(layers, factors, alpha, n_queries):
                logits = model(expected[f"query_ids.{query}"], attention_mask=mask).logits
            is_real = mask.bool()
            assert_near(logits[is_real], expected[name][is_real], LOGITS_TOLERANCE)
        assert_near(model(expected["query_ids.1"]).logits, expected["logits.base"], LOGITS_TOLERANCE)


def _generated(expected: dict[str, Tensor], n: int) -> dict[str, tuple[Tensor, Tensor]]:
    return {"down_proj": (expected[f"gen.{n}.down_proj.A"], expected[f"gen.{n}.down_proj.B"])}


def _both(
    one: dict[str, tuple[Tensor, Tensor]], three: dict[str, tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    return (
        torch.cat([one["down_proj"][0], three["down_proj"][0]]),
        torch.cat([one["down_proj"][1], three["down_proj"][1]]),
    )
