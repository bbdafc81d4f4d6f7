from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray

from engine.adapters.latent_head import LatentHead
from engine.errors import InvalidAdapter, ModelUnavailable
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE, HypernetworkConfig, TargetModule
from engine.formats.weights_file import save_tensors

Tensors = dict[str, NDArray[np.float32]]
ONE = (TargetModule("down_proj", 7, 5),)
TWO = (TargetModule("down_proj", 7, 5), TargetModule("o_proj", 5, 4))


def toy(modules: tuple[TargetModule, ...], *, use_bias: bool = True) -> tuple[HypernetworkConfig, Tensors]:
    config = HypernetworkConfig(
        n_layers=2,
        d_encoder=5,
        d_latent=6,
        lora_rank=3,
        target_modules=modules,
        lora_alpha=10.0,
        head_gain=1.5,
        use_bias=use_bias,
        bias_rank=2 if use_bias else 0,
    )
    random = np.random.default_rng(0)

    def normal(*shape: int) -> NDArray[np.float32]:
        return random.standard_normal(shape).astype(np.float32)

    per_module = () if len(modules) == 1 else (len(modules),)
    tensors = {"head.weight": normal(2, *per_module, 6, config.d_lora)}
    for module in modules:
        tensors[f"scaler_A.{module.name}"] = normal(1, 2, 3, 1)
        tensors[f"scaler_B.{module.name}"] = normal(1, 2, 3, 1)
        tensors[f"bias_A.{module.name}"] = normal(2, 2, module.d_in)
        tensors[f"bias_B.{module.name}"] = normal(2, 2, module.d_out)
    return config, tensors


def latents_of(config: HypernetworkConfig, seed: int) -> NDArray[np.float16]:
    shape = (config.n_layers, config.n_queries_per_layer, config.d_latent)
    return np.random.default_rng(seed).standard_normal(shape).astype("<f2")


@pytest.mark.parametrize("modules", [ONE, TWO])
def test_factors_are_the_head_times_the_latents_number_by_number(modules: tuple[TargetModule, ...]) -> None:
    config, tensors = toy(modules)
    u = latents_of(config, 1)
    head = tensors["head.weight"].reshape(2, len(modules), 6, config.d_lora)

    factors = LatentHead(config, tensors).factors(u.tobytes())

    for m, module in enumerate(modules):
        A, B = factors.modules[module.name]
        for layer in range(2):
            for r in range(3):
                flat = 1.5 * sum(
                    float(u[layer, m * 3 + r, k]) * head[layer, m, k].astype(np.float64) for k in range(6)
                )
                expected_A = flat[: module.d_in] * tensors[f"scaler_A.{module.name}"][0, layer, r, 0]
                expected_B = (
                    flat[module.d_in : module.d_in + module.d_out]
                    * tensors[f"scaler_B.{module.name}"][0, layer, r, 0]
                )
                np.testing.assert_allclose(A[layer, r], expected_A, rtol=1e-5, atol=1e-6)
                np.testing.assert_allclose(B[layer, r], expected_B, rtol=1e-5, atol=1e-6)


def test_several_chunks_at_once_give_what_each_gives_alone() -> None:
    config, tensors = toy(TWO)
    head = LatentHead(config, tensors)
    chunks = [latents_of(config, seed).tobytes() for seed in range(4)]

    together = head.factors_of(chunks)

    for data, factors in zip(chunks, together, strict=True):
        alone = head.factors(data)
        for name in ("down_proj", "o_proj"):
            for one, other in zip(alone.modules[name], factors.modules[name], strict=True):
                np.testing.assert_allclose(one, other, rtol=1e-5, atol=1e-6)


def test_the_bias_block_is_there_only_if_the_model_has_one() -> None:
    with_bias = LatentHead(*toy(ONE)).bias()
    assert with_bias is not None
    assert with_bias.rank == 2
    assert LatentHead(*toy(ONE, use_bias=False)).bias() is None


@pytest.mark.parametrize("change", [-2, 2])
def test_latents_of_the_wrong_length_are_refused(change: int) -> None:
    config, tensors = toy(ONE)
    data = latents_of(config, 0).tobytes()
    with pytest.raises(InvalidAdapter, match="bytes"):
        LatentHead(config, tensors).factors(data[:change] if change < 0 else data + bytes(change))


def test_latents_that_are_not_finite_are_refused() -> None:
    config, tensors = toy(ONE)
    u = latents_of(config, 0)
    u[1, 1, 1] = np.nan
    with pytest.raises(InvalidAdapter, match="finite"):
        LatentHead(config, tensors).factors(u.tobytes())


def test_the_block_for_quotes_is_read_if_the_model_has_one() -> None:
    config, tensors = toy(ONE)
    assert LatentHead(config, tensors).quotes() is None
    config = replace(config, quotes_rank=4)
    tensors["quotes_A.down_proj"] = np.ones((2, 4, 7), np.float32)
    tensors["quotes_B.down_proj"] = np.full((2, 4, 5), 2.0, np.float32)
    quotes = LatentHead(config, tensors).quotes()
    assert quotes is not None
    assert quotes.rank == 4
    assert np.array_equal(quotes.modules["down_proj"][1], tensors["quotes_B.down_proj"])
    del tensors["quotes_B.down_proj"]
    with pytest.raises(ModelUnavailable, match="quotes_B"):
        LatentHead(config, tensors)


@pytest.mark.parametrize("name", ["head.weight", "scaler_A.down_proj", "bias_B.down_proj"])
def test_a_missing_tensor_is_named(name: str) -> None:
    config, tensors = toy(ONE)
    del tensors[name]
    with pytest.raises(ModelUnavailable, match=name):
        LatentHead(config, tensors)


def test_a_head_of_the_wrong_shape_is_refused() -> None:
    config, tensors = toy(ONE)
    tensors["head.weight"] = tensors["head.weight"][:, :5]
    with pytest.raises(ModelUnavailable, match="shape"):
        LatentHead(config, tensors)


def test_a_weights_folder_is_read_without_its_encoder_tensors_mattering(tmp_path: Path) -> None:
    config, tensors = toy(ONE)
    tensors["aggregator.perceiver.encoder.latents_q"] = np.ones((3, 6), np.float32)
    save_tensors(tmp_path / TENSORS_FILE, tensors, quantise=False)
    (tmp_path / CONFIG_FILE).write_text(config.to_json(), encoding="utf-8")
    data = latents_of(config, 3).tobytes()

    loaded = LatentHead.load(tmp_path).factors(data)

    expected = LatentHead(config, tensors).factors(data)
    np.testing.assert_array_equal(loaded.modules["down_proj"][0], expected.modules["down_proj"][0])


def test_an_empty_weights_folder_is_a_missing_model(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="Reinstall"):
        LatentHead.load(tmp_path)
