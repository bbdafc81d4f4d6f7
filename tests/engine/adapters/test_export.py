"""What a set of adapters is written as for other programs. test_exchange.py holds it against them."""

import json
import stat
import sys
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from numpy.typing import NDArray
from safetensors.numpy import load_file

from engine.adapters.export import export
from engine.adapters.latent_head import LatentHead
from engine.adapters.messages import AdapterSet, ExportAdapter, SetMember
from engine.errors import EngineError, InvalidAdapter
from engine.formats.gguf_header import read_header
from engine.formats.lora import concatenate
from engine.formats.safetensors_header import parse_header
from engine.messages import AdapterPart, Codec
from tests.engine.adapters.adapters_at_random import latents, random_part

pytestmark = pytest.mark.model


def a_set(base_model: Path, weights_dir: Path, *parts: AdapterPart) -> AdapterSet:
    members = (SetMember("Dentist", "d" * 64), SetMember("Ein | *Garten*", "e" * 64))
    return AdapterSet(members, parts, base_model, weights_dir, "b" * 64, "c" * 64)


def order(base_model: Path, weights_dir: Path, format_name: str, out: Path) -> ExportAdapter:
    return ExportAdapter(format_name, out, a_set(base_model, weights_dir, random_part(1), random_part(2)))


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
    done = export(order(f16_base_model, random_weights_dir, "gguf", tmp_path / "a.gguf"))

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
    assert header.values["general.name"] == "Dentist and 1 more"
    assert_says_what_it_is(header.values)


def assert_says_what_it_is(facts: Mapping[str, object]) -> None:
    notes = json.loads(str(facts["loreleaf.notes"]))
    assert notes == [
        {"title": "Dentist", "sha256": "d" * 64},
        {"title": "Ein | *Garten*", "sha256": "e" * 64},
    ]
    assert facts["loreleaf.base_model"] == "HuggingFaceTB/SmolLM2-135M-Instruct"
    assert facts["loreleaf.base_model_sha256"] == "b" * 64
    assert facts["loreleaf.hypernetwork_sha256"] == "c" * 64
    assert facts["loreleaf.bias_ranks"] == '{"down_proj": 4}'


def test_a_peft_folder_holds_the_same(
    f16_base_model: Path, random_weights_dir: Path, delta: NDArray[np.float32], tmp_path: Path
) -> None:
    done = export(order(f16_base_model, random_weights_dir, "peft", tmp_path / "adapter"))

    tensors = load_file(done.path / "adapter_model.safetensors")
    place = "base_model.model.model.layers.29.mlp.down_proj"
    product = tensors[f"{place}.lora_B.weight"] @ tensors[f"{place}.lora_A.weight"]
    config = json.loads((done.path / "adapter_config.json").read_text(encoding="utf-8"))
    scaling = config["lora_alpha"] / config["r"]
    np.testing.assert_allclose(scaling * product, delta, rtol=0, atol=1e-5 * np.abs(delta).max())
    assert len(tensors) == 2 * 30
    assert_says_what_it_is(parse_header((done.path / "adapter_model.safetensors").read_bytes()).metadata)


def test_the_model_card_of_a_peft_folder_names_the_base_model_and_every_note(
    f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    done = export(order(f16_base_model, random_weights_dir, "peft", tmp_path / "adapter"))

    card = (done.path / "README.md").read_text(encoding="utf-8")
    assert card.startswith('---\nbase_model: "HuggingFaceTB/SmolLM2-135M-Instruct"\nlibrary_name: peft\n')
    assert f"| Dentist | note | `{'d' * 64}` |" in card
    assert f"| Ein \\| \\*Garten\\* | note | `{'e' * 64}` |" in card
    assert "b" * 64 in card
    assert "c" * 64 in card


def test_a_set_of_more_notes_than_a_layer_has_ranks_is_written_as_their_sum(
    f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    parts = [random_part(seed) for seed in range(75)]  # 600 ranks, and down_proj has 576
    done = export(
        ExportAdapter("gguf", tmp_path / "all.gguf", a_set(f16_base_model, random_weights_dir, *parts))
    )

    assert done.rank == 576
    # The bias block is inside, and can no longer be told apart.
    assert "loreleaf.bias_ranks" not in read_header(done.path).values


@pytest.mark.skipif(sys.platform == "win32", reason="has no modes; a user's folders are theirs there")
@pytest.mark.parametrize("format_name", ["gguf", "peft"])
def test_only_the_owner_may_read_an_export_and_the_folders_made_for_it(
    format_name: str, f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "new" / "folder" / "export"
    wanted = replace(order(f16_base_model, random_weights_dir, format_name, out), makes_folders=True)

    export(wanted)

    made = [tmp_path / "new", *(tmp_path / "new").rglob("*")]
    assert len(made) == (6 if format_name == "peft" else 3)
    for path in made:
        assert stat.S_IMODE(path.stat().st_mode) == (0o700 if path.is_dir() else 0o600), path


@pytest.mark.parametrize("format_name", ["gguf", "peft"])
def test_an_export_takes_the_place_of_an_earlier_one_of_the_same_notes_only(
    format_name: str, f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    out = tmp_path / "export"
    ours = order(f16_base_model, random_weights_dir, format_name, out)
    theirs = replace(
        ours,
        adapter_set=replace(ours.adapter_set, members=(SetMember("Boat", "f" * 64, has_title_alone=True),)),
    )
    export(ours)
    export(ours)  # the same again
    file = out / "adapter_model.safetensors" if format_name == "peft" else out
    before = file.read_bytes()

    with pytest.raises(EngineError, match=r"holds the adapter of “Dentist” and 1 more.*--overwrite"):
        export(theirs)

    assert file.read_bytes() == before
    export(replace(theirs, may_overwrite=True))
    assert file.read_bytes() != before


def test_an_export_into_a_folder_that_is_missing_makes_none(
    f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    with pytest.raises(EngineError, match=r"There is no folder .*new.*--parents"):
        export(order(f16_base_model, random_weights_dir, "gguf", tmp_path / "new" / "a.gguf"))
    assert list(tmp_path.iterdir()) == []


def test_a_damaged_adapter_writes_nothing(
    f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    damaged = a_set(f16_base_model, random_weights_dir, AdapterPart("x", Codec.LATENTS_F16, b"short"))

    with pytest.raises(InvalidAdapter):
        export(ExportAdapter("gguf", tmp_path / "a.gguf", damaged))

    assert list(tmp_path.iterdir()) == []
