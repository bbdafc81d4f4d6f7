"""Every stage of the hypernetwork against the reference implementation's exact numbers.

The whole case lies in ../shared/parity. tests/engine/parity holds a cut of it, without the nine encoder
blocks, so that all other stages are checked wherever the tests run.
"""

import json
from pathlib import Path

import pytest
import torch
from safetensors.torch import load_file
from torch import Tensor

from engine.adapters.attach import attached
from engine.hypernetwork.checkpoint import Checkpoint, read_checkpoint
from engine.hypernetwork.config import HypernetworkConfig
from engine.hypernetwork.hypernetwork import Hypernetwork, combine, normalise

CUT = Path(__file__).parent / "parity"
SHARED = Path(__file__).parents[3] / "shared" / "parity"
CHECKPOINT = SHARED / "gemma2_l2l" / "checkpoint-1" / "pytorch_model.bin"
TOLERANCE = 1e-5
needs_shared = pytest.mark.skipif(not SHARED.exists(), reason="../shared/parity is not beside this checkout")


def assert_near(ours: Tensor, theirs: Tensor, tolerance: float = TOLERANCE) -> None:
    torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=0)


# --- the cut: everything but the encoder's blocks -----------------------------------------------------------


@pytest.fixture(scope="module")
def cut() -> dict[str, Tensor]:
    return load_file(CUT / "expected.safetensors")


@pytest.fixture(scope="module")
def cut_hypernetwork() -> Hypernetwork:
    config = HypernetworkConfig.from_json((CUT / "config.json").read_text(encoding="utf-8"))
    hypernetwork = Hypernetwork(config)
    hypernetwork.load_state_dict(load_file(CUT / "hypernetwork.safetensors"))
    return hypernetwork.requires_grad_(requires_grad=False)


def test_the_projection_gives_layer_major_rows(
    cut_hypernetwork: Hypernetwork, cut: dict[str, Tensor]
) -> None:
    assert_near(cut_hypernetwork.perceiver.project(cut["features.1"]), cut["stage.1.proj"])


def test_the_decoder_reads_the_encoders_output(
    cut_hypernetwork: Hypernetwork, cut: dict[str, Tensor]
) -> None:
    decoder = cut_hypernetwork.perceiver.decoder
    assert decoder is not None
    for n in (1, 3):
        assert_near(decoder(cut[f"stage.{n}.enc"], None, n), cut[f"stage.{n}.dec"])


def test_residual_mlps_norm_and_head_agree(cut_hypernetwork: Hypernetwork, cut: dict[str, Tensor]) -> None:
    for n in (1, 3):
        refined = cut_hypernetwork.refine(cut[f"stage.{n}.dec"])
        assert_near(refined, cut[f"stage.{n}.resmlp"])
        u = normalise(refined)
        assert_near(u, cut[f"stage.{n}.l2"])
        assert_near(cut_hypernetwork.raw_factors(u), cut[f"stage.{n}.head"])


def test_scaled_factors_agree(cut_hypernetwork: Hypernetwork, cut: dict[str, Tensor]) -> None:
    for n in (1, 3):
        lora_A, lora_B = cut_hypernetwork.factors(cut[f"stage.{n}.l2"])["down_proj"]
        assert_near(lora_A, cut[f"gen.{n}.down_proj.A"])
        assert_near(lora_B, cut[f"gen.{n}.down_proj.B"])


def test_chunks_join_with_the_bias_once(cut_hypernetwork: Hypernetwork, cut: dict[str, Tensor]) -> None:
    bias = cut_hypernetwork.bias()
    one, three = (_generated(cut, n) for n in (1, 3))
    cases = {
        "comb.1": combine(one, [1], bias),
        "comb.3": combine(three, [3], bias),
        "comb_scaled.3": combine(three, [3], bias, scalers=torch.tensor([0.5, 1.5, -1.0]), bias_scaler=0.7),
        "comb.g": combine({"down_proj": _both(one, three)}, [1, 3], bias),
    }
    for name, combined in cases.items():
        for letter, ours in zip("AB", combined["down_proj"], strict=True):
            assert_near(ours, cut[f"{name}.down_proj.{letter}"])


def _generated(expected: dict[str, Tensor], n: int) -> dict[str, tuple[Tensor, Tensor]]:
    return {"down_proj": (expected[f"gen.{n}.down_proj.A"], expected[f"gen.{n}.down_proj.B"])}


def _both(
    one: dict[str, tuple[Tensor, Tensor]], three: dict[str, tuple[Tensor, Tensor]]
) -> tuple[Tensor, Tensor]:
    return (
        torch.cat([one["down_proj"][0], three["down_proj"][0]]),
        torch.cat([one["down_proj"][1], three["down_proj"][1]]),
    )


# --- the whole case, from the reference's own checkpoint ----------------------------------------------------


@pytest.fixture(scope="module")
def checkpoint() -> Checkpoint:
    return read_checkpoint(CHECKPOINT)


@pytest.fixture(scope="module")
def expected() -> dict[str, Tensor]:
    return load_file(SHARED / "gemma2_l2l" / "expected.safetensors")


@pytest.fixture(scope="module")
def hypernetwork(checkpoint: Checkpoint) -> Hypernetwork:
    hypernetwork = Hypernetwork(checkpoint.config)
    hypernetwork.load_state_dict(checkpoint.tensors)
    return hypernetwork.requires_grad_(requires_grad=False)


@needs_shared
def test_the_checkpoints_configuration_is_read(checkpoint: Checkpoint) -> None:
    meta = json.loads((SHARED / "gemma2_l2l" / "meta.json").read_text())
    assert checkpoint.config.base_model == meta["base"]
    assert checkpoint.config.lora_alpha == meta["scaling"]
    assert checkpoint.config.lora_rank == meta["r"]
    assert sum(t.numel() for t in checkpoint.tensors.values()) == meta["hypernet_params"]


@needs_shared
@pytest.mark.parametrize("n", [1, 3])
def test_encoder_states_agree_at_real_tokens(
    checkpoint: Checkpoint, expected: dict[str, Tensor], n: int
) -> None:
    from transformers import AutoModel

    from engine.hypernetwork.context_encoder import ContextEncoder

    model = AutoModel.from_pretrained(
        SHARED / "tiny_gemma2", dtype=torch.float32, attn_implementation="eager"
    )
    features = ContextEncoder(model, checkpoint.config).features(expected[f"ctx_ids.{n}"])
    mask = expected[f"ctx_mask.{n}"]
    is_real = mask[:, None, :, None].bool().expand_as(features)
    assert_near(features[is_real], expected[f"features.{n}"][is_real])


@needs_shared
@pytest.mark.parametrize("n", [1, 3])
def test_every_stage_agrees(hypernetwork: Hypernetwork, expected: dict[str, Tensor], n: int) -> None:
    mask = expected[f"ctx_mask.{n}"].bool()
    features = expected[f"features.{n}"]
    projected = hypernetwork.perceiver.project(features)
    is_real = mask.repeat(hypernetwork.config.n_layers, 1)
    assert_near(projected[is_real], expected[f"stage.{n}.proj"][is_real])
    encoded, perceived = hypernetwork.perceiver.resample(projected, mask)
    assert_near(encoded, expected[f"stage.{n}.enc"])
    assert_near(perceived, expected[f"stage.{n}.dec"])
    lora_A, lora_B = hypernetwork(features, mask)["down_proj"]
    assert_near(lora_A, expected[f"gen.{n}.down_proj.A"])
    assert_near(lora_B, expected[f"gen.{n}.down_proj.B"])


@needs_shared
def test_logits_with_the_adapter_agree(
    checkpoint: Checkpoint, hypernetwork: Hypernetwork, expected: dict[str, Tensor]
) -> None:
    from transformers import AutoModelForCausalLM

    model = AutoModelForCausalLM.from_pretrained(
        SHARED / "tiny_gemma2", dtype=torch.float32, attn_implementation="eager"
    )
    alpha, layers = checkpoint.config.lora_alpha, model.model.layers
    cases = {
        "logits.1": ("comb.1", "1", [1]),
        "logits.3": ("comb.3", "1", [1]),
        "logits_scaled.3": ("comb_scaled.3", "1", [1]),
        "logits.g": ("comb.g", "3", [1, 2]),
    }
    with torch.inference_mode():
        assert_near(model(expected["query_ids.1"]).logits, expected["logits.base"], 2e-5)
        for name, (combined, query, n_queries) in cases.items():
            factors = {
                "down_proj": (expected[f"{combined}.down_proj.A"], expected[f"{combined}.down_proj.B"])
            }
            mask = expected[f"query_mask.{query}"]
            with attached(layers, factors, alpha, n_queries):
                logits = model(expected[f"query_ids.{query}"], attention_mask=mask).logits
            is_real = mask.bool()
            assert_near(logits[is_real], expected[name][is_real], 2e-5)
        assert_near(model(expected["query_ids.1"]).logits, expected["logits.base"], 2e-5)
