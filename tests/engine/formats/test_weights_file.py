from pathlib import Path

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from numpy.typing import NDArray
from safetensors.numpy import load_file, save_file

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE
from engine.formats.weights_file import (
    hypernetwork_hash,
    load_tensors,
    quantise_rows,
    save_tensors,
)

Float32 = NDArray[np.float32]


def normal(*shape: int, scale: float = 1.0, seed: int = 0) -> Float32:
    return (np.random.default_rng(seed).standard_normal(shape) * scale).astype(np.float32)


@settings(max_examples=100)
@given(
    shape=st.lists(st.integers(1, 9), min_size=2, max_size=4),
    exponent=st.integers(-30, 30),
    seed=st.integers(0, 1000),
)
def test_a_row_comes_back_within_half_a_step(shape: list[int], exponent: int, seed: int) -> None:
    values = normal(*shape, scale=2.0**exponent, seed=seed)
    stored, scale = quantise_rows(values)
    assert stored.dtype == np.int8
    error = np.abs(stored.astype(np.float32) * scale[..., None] - values)
    assert (error <= scale[..., None] * 0.5001).all()
    # The step belongs to the row: its largest value uses the whole of int8.
    assert (np.abs(stored).max(axis=-1) == 127).all()


def test_a_row_of_zeros_stays_zero() -> None:
    stored, scale = quantise_rows(np.zeros((2, 3), np.float32))
    assert not stored.any()
    assert (scale == 1).all()


def test_large_matrices_are_stored_as_int8_and_come_back_close(tmp_path: Path) -> None:
    values = normal(4, 64, 32)
    save_tensors(tmp_path / "w.safetensors", {"head.weight": values})
    stored = load_file(tmp_path / "w.safetensors")
    assert stored["head.weight"].dtype == np.int8
    loaded = load_tensors(tmp_path / "w.safetensors")
    assert set(loaded) == {"head.weight"}
    step = np.abs(values).max(axis=-1, keepdims=True) / 127
    assert (np.abs(loaded["head.weight"] - values) <= step * 0.5001).all()
    assert not np.array_equal(loaded["head.weight"], values)


def test_small_tensors_and_vectors_keep_every_bit(tmp_path: Path) -> None:
    tensors = {"norm": normal(5000), "scaler_A.m": normal(1, 30, 16, 1), "scale": normal(1)}
    save_tensors(tmp_path / "w.safetensors", tensors)
    loaded = load_tensors(tmp_path / "w.safetensors")
    assert set(loaded) == set(tensors)
    assert all(np.array_equal(loaded[name], values) for name, values in tensors.items())


def test_without_quantising_everything_keeps_every_bit(tmp_path: Path) -> None:
    values = normal(64, 64)
    save_tensors(tmp_path / "w.safetensors", {"m": values}, quantise=False)
    assert np.array_equal(load_tensors(tmp_path / "w.safetensors")["m"], values)


def test_a_missing_file_is_told_in_words(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match=r"missing or damaged.*Reinstall"):
        load_tensors(tmp_path / "nowhere.safetensors")


@pytest.mark.parametrize("keep", [0, 4, 50, 200, 4000])
def test_a_file_that_was_cut_off_is_damaged(tmp_path: Path, keep: int) -> None:
    path = tmp_path / "w.safetensors"
    save_tensors(path, {"m": normal(64, 64)})
    data = path.read_bytes()
    assert keep < len(data)
    path.write_bytes(data[:keep])
    with pytest.raises(ModelUnavailable, match="damaged"):
        load_tensors(path)


@pytest.mark.parametrize(
    ("stored", "reason"),
    [
        ({"m": np.ones((2, 3), np.int8)}, "m is int8 without a scale"),
        ({"m": normal(2, 3), "m.scale": normal(2)}, "m is float32 with a scale"),
        ({"m": np.ones((2, 3), np.int8), "m.scale": normal(3)}, r"m is \(2, 3\) and its scale \(3,\)"),
        ({"n": normal(2), "m.scale": normal(2)}, r"m\.scale belongs to no tensor"),
    ],
)
def test_a_tensor_and_a_scale_that_do_not_belong_together_are_damage(
    tmp_path: Path, stored: dict[str, Float32 | NDArray[np.int8]], reason: str
) -> None:
    save_file(stored, tmp_path / "w.safetensors")
    with pytest.raises(ModelUnavailable, match=reason):
        load_tensors(tmp_path / "w.safetensors")


@pytest.fixture
def weights_dir(tmp_path: Path) -> Path:
    save_tensors(tmp_path / TENSORS_FILE, {"m": normal(64, 64)})
    (tmp_path / CONFIG_FILE).write_text('{"n_layers": 2}\n', encoding="utf-8")
    return tmp_path


@pytest.mark.parametrize("name", [TENSORS_FILE, CONFIG_FILE])
def test_any_changed_byte_changes_the_identity(weights_dir: Path, name: str) -> None:
    before = hypernetwork_hash(weights_dir)
    assert before == hypernetwork_hash(weights_dir)
    data = (weights_dir / name).read_bytes()
    seen = {before}
    for position in {0, 1, len(data) // 2, len(data) - 1}:
        changed = bytearray(data)
        changed[position] ^= 1
        (weights_dir / name).write_bytes(changed)
        seen.add(hypernetwork_hash(weights_dir))
    assert len(seen) == 5


@pytest.mark.parametrize("name", [TENSORS_FILE, CONFIG_FILE])
def test_there_is_no_identity_without_both_files(weights_dir: Path, name: str) -> None:
    (weights_dir / name).unlink()
    with pytest.raises(ModelUnavailable, match=name):
        hypernetwork_hash(weights_dir)


def test_only_the_tensors_that_are_wanted_are_read(tmp_path: Path) -> None:
    path = tmp_path / "x.safetensors"
    large = np.random.default_rng(0).standard_normal((4, 64, 64)).astype(np.float32)
    save_tensors(path, {"head.weight": large, "headless": large, "scaler_A.m": large[0, :1]})
    found = load_tensors(path, ("head.", "scaler_A."))
    assert set(found) == {"head.weight", "scaler_A.m"}
    np.testing.assert_allclose(found["head.weight"], large, atol=0.02)
