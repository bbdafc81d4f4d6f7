"""A document's adapter, written for other programs, does there what it does here."""

from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from engine.adapters.export import export
from engine.adapters.latent_head import LatentHead
from engine.adapters.lora import concatenate
from engine.errors import InvalidAdapter
from engine.messages import ExportAdapter
from engine.models.gguf_header import read_header
from tests.engine.adapters_at_random import latents

pytestmark = pytest.mark.model


def order(base_model: Path, weights_dir: Path, format_name: str, out: Path) -> ExportAdapter:
    return ExportAdapter(
        format=format_name,
        out=out,
        title="Dentist",
        content_hash="d" * 64,
        chunks=(latents(1), latents(2)),
        base_model=base_model,
        weights_dir=weights_dir,
        base_hash="b" * 64,
        hypernetwork_hash="c" * 64,
    )


@pytest.fixture(scope="module")
def delta(random_weights_dir: Path) -> NDArray[np.float32]:
    """What the two chunks and the bias block add to the last layer's down_proj."""
    head = LatentHead.load(random_weights_dir)
    bias = head.bias()
    assert bias is not None
    factors = concatenate([*head.factors_of([latents(1), latents(2)]), bias])
    scaled: NDArray[np.float32] = head.config.lora_alpha * factors.delta("down_proj", 29)
    return scaled


def test_a_gguf_file_holds_the_sum_of_the_chunks_and_the_bias_block_once(
    f16_base_model: Path, random_weights_dir: Path, delta: NDArray[np.float32], tmp_path: Path
) -> None:
    done = export(order(f16_base_model, random_weights_dir, "gguf", tmp_path / "new" / "a.gguf"))

    header = read_header(done.path)
    data = done.path.read_bytes()
    entries = {entry.name: entry for entry in header.tensors}

    def tensor(name: str, dtype: str) -> NDArray[np.float32]:
        entry = entries[name]
        n_items = int(np.prod(entry.shape))
        values: NDArray[np.float32] = np.frombuffer(data, dtype, n_items, entry.start).astype(np.float32)
        return values.reshape(entry.shape)

    A = tensor("blk.29.ffn_down.weight.lora_a", "<f2")  # (R, d_in)
    B = tensor("blk.29.ffn_down.weight.lora_b", "<f4")  # (d_out, R)
    assert (done.rank, done.size_bytes, A.shape) == (8 + 8 + 4, len(data), (20, 1536))
    np.testing.assert_allclose(B @ A, delta, rtol=0, atol=2e-3 * np.abs(delta).max())
    assert header.values["adapter.lora.alpha"] == 20.0
    assert header.values["loreleaf.note_sha256"] == "d" * 64
    assert header.values["general.name"] == "Dentist"


def test_a_peft_folder_holds_the_same(
    f16_base_model: Path, random_weights_dir: Path, delta: NDArray[np.float32], tmp_path: Path
) -> None:
    done = export(order(f16_base_model, random_weights_dir, "peft", tmp_path / "adapter"))

    tensors = load_file(done.path / "adapter_model.safetensors")
    place = "base_model.model.model.layers.29.mlp.down_proj"
    product = tensors[f"{place}.lora_B.weight"] @ tensors[f"{place}.lora_A.weight"]
    alpha = LatentHead.load(random_weights_dir).config.lora_alpha
    np.testing.assert_allclose(alpha * product, delta, rtol=0, atol=1e-5 * np.abs(delta).max())
    assert len(tensors) == 2 * 30


def test_a_damaged_adapter_writes_nothing(
    f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    damaged = ExportAdapter(
        "gguf", tmp_path / "a.gguf", "x", "", (b"short",), f16_base_model, random_weights_dir, "", ""
    )

    with pytest.raises(InvalidAdapter):
        export(damaged)

    assert list(tmp_path.iterdir()) == []
