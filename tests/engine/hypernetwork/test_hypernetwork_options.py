"""The options that the paper's architecture does not have, and laws that hold for all of them."""

import dataclasses
import json
from pathlib import Path

import pytest
import torch
from torch import Tensor

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE, HypernetworkConfig, TargetModule
from engine.formats.weights_file import save_tensors
from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.hypernetwork.internalizer import load_hypernetwork
from engine.hypernetwork.perceiver import GatedMLP, PerceiverLayer, PerLayerProjection

PAPER = HypernetworkConfig(
    n_layers=3,
    d_encoder=10,
    d_latent=8,
    lora_rank=2,
    target_modules=(TargetModule("down_proj", 7, 5),),
    lora_alpha=2.0,
    n_latents=3,
    n_blocks=3,
    n_self_attn_per_block=2,
    n_heads=4,
    n_kv_heads=2,
    d_head=4,
)
OURS = dataclasses.replace(
    PAPER,
    projection="per_layer",
    per_layer_latents=True,
    has_decoder=False,
    n_latents=2,
    post_norm=False,
    n_pre_head_layers=0,
    n_kv_heads=4,
    head_gain=4.0,
    bias_rank=3,
)
TWO_MODULES = dataclasses.replace(
    OURS, target_modules=(TargetModule("down_proj", 7, 5), TargetModule("o_proj", 4, 6)), n_latents=4
)
ALL = [PAPER, OURS, TWO_MODULES, dataclasses.replace(PAPER, shared_weights=True, per_layer_processing=False)]


def made(config: HypernetworkConfig, seed: int = 0) -> Hypernetwork:
    """Every parameter at random, so that nothing is hidden by a start at zero."""
    torch.manual_seed(seed)
    hypernetwork = Hypernetwork(config)
    with torch.no_grad():
        for p in hypernetwork.parameters():
            p.add_(torch.randn_like(p) * 0.3)
    return hypernetwork.eval().requires_grad_(requires_grad=False)


def features(config: HypernetworkConfig, n_chunks: int, n_tokens: int, seed: int = 1) -> Tensor:
    random = torch.Generator().manual_seed(seed)
    return torch.randn(n_chunks, config.n_layers, n_tokens, config.d_encoder, generator=random)


def assert_near(a: Tensor, b: Tensor) -> None:
    torch.testing.assert_close(a, b, atol=1e-5, rtol=1e-5)


# --- laws -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize("config", ALL)
def test_latents_are_unit_vectors_and_factors_have_their_shapes(config: HypernetworkConfig) -> None:
    hypernetwork = made(config)
    u = hypernetwork.unit_latents(features(config, 2, 6))
    assert u.shape == (2, config.n_layers, config.n_modules, config.lora_rank, config.d_latent)
    assert_near(u.norm(dim=-1), torch.ones(u.shape[:-1]))
    for module in config.target_modules:
        lora_A, lora_B = hypernetwork.factors(u)[module.name]
        assert lora_A.shape == (2, config.n_layers, config.lora_rank, module.d_in)
        assert lora_B.shape == (2, config.n_layers, config.lora_rank, module.d_out)


@pytest.mark.parametrize("config", ALL)
def test_masked_padding_changes_nothing(config: HypernetworkConfig) -> None:
    hypernetwork = made(config)
    short = features(config, 1, 5)
    padded = torch.cat([short, features(config, 1, 4, seed=9) * 100], dim=2)
    mask = torch.tensor([[True] * 5 + [False] * 4])
    assert_near(hypernetwork.unit_latents(padded, mask), hypernetwork.unit_latents(short))
    assert (hypernetwork.unit_latents(padded) - hypernetwork.unit_latents(short)).abs().max() > 0.01


@pytest.mark.parametrize("config", ALL)
def test_a_chunk_alone_gets_what_it_gets_in_a_batch(config: HypernetworkConfig) -> None:
    hypernetwork = made(config)
    batch = features(config, 3, 6)
    together = hypernetwork.unit_latents(batch)
    for chunk in range(3):
        assert_near(together[chunk : chunk + 1], hypernetwork.unit_latents(batch[chunk : chunk + 1]))
    assert (together[0] - together[1]).abs().max() > 0.01


@pytest.mark.parametrize("config", ALL)
def test_states_that_come_layer_by_layer_give_the_same(config: HypernetworkConfig) -> None:
    hypernetwork = made(config)
    batch = features(config, 3, 6)
    assert_near(hypernetwork.unit_latents_of(batch.unbind(1)), hypernetwork.unit_latents(batch))


@pytest.mark.parametrize("config", ALL)
def test_the_order_of_the_tokens_does_not_matter(config: HypernetworkConfig) -> None:
    # The perceiver has no positional encoding: places are known from the encoder's states alone.
    hypernetwork = made(config)
    states = features(config, 1, 6)
    assert_near(hypernetwork.unit_latents(states.flip(2)), hypernetwork.unit_latents(states))


# --- single options -------------------------------------------------------------------------------------


def test_a_projection_per_layer_reads_each_layer_with_its_own_matrix() -> None:
    torch.manual_seed(0)
    projection = PerLayerProjection(3, 10, 8)
    states = features(OURS, 2, 6)
    projected = projection(states)
    assert projected.shape == (3, 2, 6, 8)
    for layer in range(3):
        x = states[:, layer]
        normed = x / (x.pow(2).mean(-1, keepdim=True) + 1e-6).sqrt()
        assert_near(projected[layer], normed @ projection.weight[layer])


def test_a_projection_per_layer_does_not_feel_the_size_of_the_states() -> None:
    projection = PerLayerProjection(3, 10, 8)
    states = features(OURS, 1, 4)
    assert_near(projection(states * 1000), projection(states))


def test_the_papers_projection_is_one_gated_mlp_for_all_layers() -> None:
    assert isinstance(made(PAPER).perceiver.modality_projection, GatedMLP)
    assert isinstance(made(OURS).perceiver.modality_projection, PerLayerProjection)


def test_latents_per_layer_start_each_layer_with_its_own() -> None:
    hypernetwork = made(dataclasses.replace(OURS, n_blocks=0))
    # Without blocks the output is the normed latents: layer by layer, whatever the document.
    latents = hypernetwork.perceiver.encoder.latents_q
    assert latents.shape == (3, 2, 8)
    u = hypernetwork.unit_latents(features(OURS, 2, 4))
    expected = hypernetwork.perceiver.encoder.layernorm(latents)
    for chunk in range(2):
        assert_near(u[chunk, :, 0], expected / expected.norm(dim=-1, keepdim=True))


def test_shared_latents_are_one_set_for_all_layers() -> None:
    assert made(PAPER).perceiver.encoder.latents_q.shape == (3, 8)


def test_without_a_decoder_the_encoders_latents_are_the_output() -> None:
    hypernetwork = made(OURS)
    assert hypernetwork.perceiver.decoder is None
    assert not any("decoder" in name for name in hypernetwork.state_dict())
    with pytest.raises(ValueError, match="n_latents must be 2, got 3"):
        dataclasses.replace(OURS, n_latents=3)


def test_shared_weights_are_the_same_parameters() -> None:
    config = dataclasses.replace(PAPER, shared_weights=True)
    layers = list(made(config).perceiver.encoder.layers)
    crosses = [layer for layer in layers if isinstance(layer, PerceiverLayer) and layer.is_cross]
    selves = [layer for layer in layers if isinstance(layer, PerceiverLayer) and not layer.is_cross]
    assert len(crosses) == 3
    assert crosses[0] is not crosses[1]
    assert crosses[1] is crosses[2]
    assert len(selves) == 6
    assert {id(layer) for layer in selves} == {id(selves[0]), id(selves[1])}
    separate = list(made(PAPER).perceiver.encoder.layers)
    assert len({id(layer) for layer in separate}) == len(separate) == len(layers)


def test_shared_weights_keep_the_names_of_every_layer_in_the_file() -> None:
    shared = set(made(dataclasses.replace(PAPER, shared_weights=True)).state_dict())
    assert shared == set(made(PAPER).state_dict())


def test_the_gain_multiplies_the_heads_product() -> None:
    config = dataclasses.replace(OURS, head_gain=1.0)
    u = made(config).unit_latents(features(config, 1, 4))
    assert_near(made(OURS).raw_factors(u), made(config).raw_factors(u) * 4)


def test_the_bias_block_has_a_rank_of_its_own_or_that_of_a_chunk() -> None:
    assert {k: v[0].shape for k, v in (made(OURS).bias() or {}).items()} == {"down_proj": (3, 3, 7)}
    assert {k: v[1].shape for k, v in (made(PAPER).bias() or {}).items()} == {"down_proj": (3, 2, 5)}
    assert made(dataclasses.replace(PAPER, use_bias=False, bias_rank=0)).bias() is None


# --- files ----------------------------------------------------------------------------------------------


def write(folder: Path, hypernetwork: Hypernetwork, *, drop: str = "", add: str = "") -> None:
    tensors = {name: value.numpy() for name, value in hypernetwork.state_dict().items() if name != drop}
    if add:
        tensors[add] = tensors["head.weight"]
    save_tensors(folder / TENSORS_FILE, tensors, quantise=False)
    (folder / CONFIG_FILE).write_text(hypernetwork.config.to_json(), encoding="utf-8")


@pytest.mark.parametrize("config", ALL)
def test_a_loaded_hypernetwork_computes_the_same(tmp_path: Path, config: HypernetworkConfig) -> None:
    hypernetwork = made(config)
    write(tmp_path, hypernetwork)
    loaded = load_hypernetwork(tmp_path)
    states = features(config, 1, 5)
    assert torch.equal(loaded.unit_latents(states), hypernetwork.unit_latents(states))
    assert not any(p.requires_grad for p in loaded.parameters())


@pytest.mark.parametrize(("drop", "add"), [("scaler_A.down_proj", ""), ("", "head.other")])
def test_a_missing_or_surplus_tensor_is_refused_by_name(tmp_path: Path, drop: str, add: str) -> None:
    write(tmp_path, made(OURS), drop=drop, add=add)
    with pytest.raises(ModelUnavailable, match=drop or add):
        load_hypernetwork(tmp_path)


def test_tensors_of_another_config_are_refused(tmp_path: Path) -> None:
    write(tmp_path, made(OURS))
    other = dataclasses.replace(OURS, d_latent=9)
    (tmp_path / CONFIG_FILE).write_text(other.to_json(), encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="size mismatch"):
        load_hypernetwork(tmp_path)


@pytest.mark.parametrize("config", ALL)
def test_a_config_survives_json(config: HypernetworkConfig) -> None:
    tied = dataclasses.replace(config, base_model_hash="ab" * 32, training={"steps": 3, "device": "CPU"})
    assert HypernetworkConfig.from_json(tied.to_json()) == tied


@pytest.mark.parametrize(
    ("change", "reason"),
    [
        ({"n_layer": 3}, "unknown fields.*n_layer"),
        ({"n_layers": "3"}, "n_layers .* must be of the type"),
        ({"n_layers": True}, "n_layers .* must be of the type"),
        ({"n_layers": 0}, "n_layers .* is 0"),
        ({"lora_alpha": None}, "lora_alpha .* must be of the type"),
        ({"use_bias": 1}, "use_bias .* must be of the type"),
        ({"context_prefix": 1}, "context_prefix .* must be of the type"),
        ({"projection": "linear"}, "'linear'"),
        ({"target_modules": []}, "not empty"),
        ({"target_modules": None}, "incomplete"),
        ({"target_modules": [{"name": "o_proj", "d_in": 3}]}, "incomplete"),
        ({"target_modules": [{"name": "o_proj", "d_in": 3, "d_out": "4"}]}, "d_out .* must be of the type"),
        ({"target_modules": [{"name": n, "d_in": 3, "d_out": 4} for n in "ba"]}, "sorted"),
    ],
)
def test_a_wrong_config_says_what_is_wrong(change: dict[str, object], reason: str) -> None:
    data = json.loads(PAPER.to_json())
    with pytest.raises(ValueError, match=reason):
        HypernetworkConfig.from_json(json.dumps(data | change))


@pytest.mark.parametrize("text", ["", "{", "3", "[]", '"text"', "{}", "null"])
def test_what_is_no_config_at_all_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"."):
        HypernetworkConfig.from_json(text)
