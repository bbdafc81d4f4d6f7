"""A set in a base model's weights: for llama.cpp and for transformers, the logits of base and adapter."""

import json
import shutil
import stat
import sys
import tracemalloc
from collections.abc import Mapping
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from transformers import AutoModelForCausalLM, LlamaForCausalLM

from engine.adapters.composition import Composition, compose
from engine.adapters.gguf_format import pack, write_adapter
from engine.adapters.gguf_merging import merge_gguf
from engine.adapters.latent_head import LatentHead
from engine.adapters.merging import merge
from engine.adapters.messages import AdapterSet, MergeAdapters, SetMember
from engine.adapters.transformers_merging import TransformersBase
from engine.chat.prompt import build_prompt
from engine.chat.runtime import LlamaRuntime
from engine.errors import EngineError, InvalidAdapter, ModelUnavailable
from engine.formats.gguf_header import read_header
from engine.formats.lora import LoraFactors
from tests.engine.adapters.adapters_at_random import base_model_factors, random_part
from tests.engine.tiny_adapters import SIZE, TOKENS, logits_attached, logits_of, tiny_base, tiny_factors
from tests.engine.tiny_llama import random_llama

FACTS = {"general.name": "Tiny with Dentist", "loreleaf.merged": "true"}


def silent(_share: float) -> None:
    """Nobody watches."""


@pytest.fixture(scope="module")
def tiny() -> LlamaForCausalLM:
    return random_llama(SIZE)


@pytest.fixture
def base_file(tiny: LlamaForCausalLM, tmp_path: Path) -> Path:
    return tiny_base(tmp_path, tiny)


# --- GGUF ---------------------------------------------------------------------------------------------------


def test_llama_cpp_computes_with_the_merged_file_what_transformers_computes_with_the_adapter(
    tiny: LlamaForCausalLM, base_file: Path, tmp_path: Path
) -> None:
    factors = tiny_factors(1)  # of every layer, queries and keys included
    out = tmp_path / "merged.gguf"

    n_tensors = merge_gguf(base_file, out, factors, FACTS, silent)

    assert n_tensors == 7 * SIZE.n_layers
    with LlamaRuntime(out, n_ctx=256, n_threads=1) as runtime:
        found = runtime.read_prompt(TOKENS)
    expected = logits_attached(tiny, factors)[-1].numpy()
    assert np.abs(expected - logits_of(tiny)[-1].numpy()).max() > 1.0, "too weak an adapter proves nothing"
    assert np.abs(found - expected).max() < 0.02  # its keys and values are float16


def test_all_but_the_adapted_tensors_is_copied_byte_for_byte(base_file: Path, tmp_path: Path) -> None:
    out = tmp_path / "merged.gguf"
    merge_gguf(base_file, out, tiny_factors(1, names=["down_proj"]), FACTS, silent)

    before, after = read_header(base_file), read_header(out)
    assert dict(after.values) == {**before.values, **FACTS}
    assert [(t.name, t.shape, t.kind) for t in after.tensors] == [
        (t.name, t.shape, t.kind) for t in before.tensors
    ]
    ends = {"before": base_file.read_bytes(), "after": out.read_bytes()}
    for old, new in zip(before.tensors, after.tensors, strict=True):
        n_bytes = 4 * int(np.prod(old.shape))
        is_same = (
            ends["before"][old.start : old.start + n_bytes] == ends["after"][new.start : new.start + n_bytes]
        )
        assert is_same != ("ffn_down" in old.name), old.name


def test_a_name_that_is_there_is_replaced(base_file: Path, tmp_path: Path) -> None:
    once, twice = tmp_path / "once.gguf", tmp_path / "twice.gguf"
    merge_gguf(base_file, once, tiny_factors(1), FACTS, silent)
    merge_gguf(once, twice, tiny_factors(2), {**FACTS, "general.name": "Ein langer Name"}, silent)

    values = read_header(twice).values
    assert values["general.name"] == "Ein langer Name"
    assert list(values).count("loreleaf.merged") == 1
    assert values["tokenizer.ggml.tokens"] == read_header(base_file).values["tokenizer.ggml.tokens"]


def test_progress_rises_to_one(base_file: Path, tmp_path: Path) -> None:
    shares: list[float] = []
    merge_gguf(base_file, tmp_path / "merged.gguf", tiny_factors(1), FACTS, shares.append)
    assert shares == sorted(shares)
    assert shares[-1] == 1.0


@pytest.mark.parametrize(
    ("factors", "sentence"),
    [
        (tiny_factors(1, size=type(SIZE)(3, 64, 96, 4, 2)), "It has 2 layers, the adapters have 3"),
        (tiny_factors(1, size=type(SIZE)(2, 64, 100, 4, 2)), r"blk.0.ffn_gate.weight, the adapters have"),
    ],
)
def test_adapters_of_another_base_model_are_refused(
    factors: LoraFactors, sentence: str, base_file: Path, tiny: LlamaForCausalLM, tmp_path: Path
) -> None:
    with pytest.raises(InvalidAdapter, match=sentence):
        merge_gguf(base_file, tmp_path / "merged.gguf", factors, FACTS, silent)
    tiny.save_pretrained(tmp_path / "base")
    (tmp_path / "out").mkdir()
    with pytest.raises(InvalidAdapter, match="does not fit"):
        TransformersBase(tmp_path / "base").merge_into(tmp_path / "out", factors, {}, "", silent)


@pytest.mark.model
def test_the_merged_base_model_has_the_logits_of_base_and_adapter_in_llama_cpp(
    f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    part = random_part(1, weight=0.3)
    out = tmp_path / "merged.gguf"
    head = LatentHead.load(random_weights_dir)
    factors = compose(Composition(head, "c" * 64), [part]).factors

    done = merge(MergeAdapters(out, a_set(f16_base_model, random_weights_dir, weight=0.3)), silent)

    assert (done.path, done.n_tensors, done.size_bytes) == (out, 30, out.stat().st_size)
    assert read_header(out).values["general.name"] == "SmolLM2-135M-Instruct with Dentist"
    assert "Dentist" in str(read_header(out).values["loreleaf.notes"])
    with LlamaRuntime(f16_base_model, n_ctx=256, n_threads=1) as runtime:
        tokens = build_prompt(runtime, "When is the appointment?", [], n_ctx=256)
        base = runtime.read_prompt(tokens)
        runtime.set_adapter(
            runtime.load_adapter(
                write_adapter([(pack(factors, 1.0, runtime.target.interleaved), 1.0)], architecture="llama")
            )
        )
        expected = runtime.read_prompt(tokens)
    with LlamaRuntime(out, n_ctx=256, n_threads=1) as merged:
        found = merged.read_prompt(tokens)
    effect = np.abs(expected - base).max()
    assert effect > 3.0, "too weak an adapter proves nothing"
    assert np.abs(found - expected).max() < 0.02 * effect  # weights and factors are float16
    assert np.corrcoef(found - base, expected - base)[0, 1] > 0.9995


@pytest.mark.model
def test_memory_holds_the_set_and_one_tensor_not_the_model(f16_base_model: Path, tmp_path: Path) -> None:
    factors = base_model_factors(1)  # 2 MB; the model has 271 MB
    tracemalloc.start()
    merge_gguf(f16_base_model, tmp_path / "merged.gguf", factors, FACTS, silent)
    _now, peak_bytes = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    # The header's vocabulary is the largest part of it.
    assert peak_bytes < 60e6


def a_set(base_model: Path, weights_dir: Path, weight: float = 1.0) -> AdapterSet:
    members = (SetMember("Dentist", "d" * 64),)
    return AdapterSet(members, (random_part(1, weight),), base_model, weights_dir, "b" * 64, "c" * 64)


@pytest.mark.model
def test_a_merge_that_fails_leaves_nothing_behind_and_the_old_file_as_it_was(
    f16_base_model: Path, random_weights_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    out = tmp_path / "merged.gguf"
    merge(MergeAdapters(out, a_set(f16_base_model, random_weights_dir)), silent)
    before = out.stat()

    def fail(share: float) -> None:
        if share > 0.5:
            raise OSError(28, "No space left on device")

    with pytest.raises(OSError, match="No space"):
        merge(MergeAdapters(out, a_set(f16_base_model, random_weights_dir)), fail)

    assert [path.name for path in tmp_path.iterdir()] == ["merged.gguf"]
    assert (out.stat().st_ino, out.stat().st_mtime_ns) == (before.st_ino, before.st_mtime_ns)


@pytest.mark.model
def test_the_base_model_itself_is_never_written_over(f16_base_model: Path, random_weights_dir: Path) -> None:
    before = f16_base_model.stat()
    for may_overwrite in (False, True):
        order = MergeAdapters(
            f16_base_model, a_set(f16_base_model, random_weights_dir), may_overwrite=may_overwrite
        )
        with pytest.raises(EngineError, match="the base model itself"):
            merge(order, silent)
    assert f16_base_model.stat() == before


@pytest.mark.model
@pytest.mark.skipif(sys.platform == "win32", reason="has no modes; a user's folders are theirs there")
def test_only_the_owner_may_read_a_merged_file_and_the_folder_made_for_it(
    f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    order = MergeAdapters(tmp_path / "new" / "merged.gguf", a_set(f16_base_model, random_weights_dir))
    with pytest.raises(EngineError, match="There is no folder"):
        merge(order, silent)
    merge(replace(order, makes_folders=True), silent)
    assert stat.S_IMODE(order.out.stat().st_mode) == 0o600
    assert stat.S_IMODE(order.out.parent.stat().st_mode) == 0o700


@pytest.mark.model
def test_a_disk_that_is_too_full_is_told_before_the_work(
    f16_base_model: Path, random_weights_dir: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage._replace(free=1_000_000))
    with pytest.raises(OSError, match="271 MB are needed and 1 MB are free"):
        merge(MergeAdapters(tmp_path / "merged.gguf", a_set(f16_base_model, random_weights_dir)), silent)
    assert list(tmp_path.iterdir()) == []


# --- transformers -------------------------------------------------------------------------------------------


def merged_folder(base: Path, out: Path, factors: LoraFactors, facts: Mapping[str, str] = FACTS) -> Path:
    out.mkdir()
    n_tensors = TransformersBase(base).merge_into(out, factors, facts, "# A card", silent)
    assert n_tensors == factors.n_layers * len(factors.modules)
    return out


@pytest.mark.parametrize("max_shard_size", ["5GB", "60KB"])
def test_transformers_computes_with_the_merged_folder_what_attach_computes(
    max_shard_size: str, tiny: LlamaForCausalLM, tmp_path: Path
) -> None:
    factors = tiny_factors(1)
    base = tmp_path / "base"
    tiny.save_pretrained(base, max_shard_size=max_shard_size)
    (base / "LICENSE").write_text("as the makers wish")
    (base / "README.md").write_text("of the base model")
    (base / "pytorch_model.bin").write_bytes(b"the weights as they were")
    n_shards = len(list(base.glob("*.safetensors")))
    assert (n_shards > 1) == (max_shard_size == "60KB")

    out = merged_folder(base, tmp_path / "out", factors)

    loaded = AutoModelForCausalLM.from_pretrained(out, dtype=torch.float32).train(mode=False)
    expected = logits_attached(tiny, factors)
    assert (expected - logits_of(tiny)).abs().max() > 1.0, "too weak an adapter proves nothing"
    torch.testing.assert_close(logits_of(loaded), expected, atol=1e-4, rtol=0)
    names = {path.name for path in out.iterdir()}
    assert names == {path.name for path in base.iterdir()} - {"pytorch_model.bin"}
    assert (out / "README.md").read_text() == "# A card"
    assert (out / "LICENSE").read_text() == "as the makers wish"


@pytest.mark.parametrize("kind", [torch.bfloat16, torch.float16])
def test_the_base_models_types_are_kept(kind: torch.dtype, tmp_path: Path) -> None:
    model = random_llama(SIZE)
    torch.nn.Module.to(model, dtype=kind)  # that of transformers is not typed
    base = tmp_path / "base"
    model.save_pretrained(base)
    factors = tiny_factors(1, names=["q_proj"])

    out = merged_folder(base, tmp_path / "out", factors)

    loaded = AutoModelForCausalLM.from_pretrained(out)
    assert {parameter.dtype for parameter in loaded.parameters()} == {kind}
    layer = loaded.model.layers[1].self_attn
    expected = model.model.layers[1].self_attn.q_proj.weight.float() + torch.from_numpy(
        factors.delta("q_proj", 1)
    )
    torch.testing.assert_close(layer.q_proj.weight, expected.to(kind), atol=0, rtol=0)
    torch.testing.assert_close(layer.k_proj.weight, model.model.layers[1].self_attn.k_proj.weight)


def test_a_value_that_the_type_cannot_hold_is_not_written_as_infinity(tmp_path: Path) -> None:
    model = random_llama(SIZE)
    torch.nn.Module.to(model, dtype=torch.float16)
    model.save_pretrained(tmp_path / "base")
    (tmp_path / "out").mkdir()
    factors = tiny_factors(1, names=["q_proj"]).scaled(1e7)
    with pytest.raises(InvalidAdapter, match="beyond F16"):
        TransformersBase(tmp_path / "base").merge_into(tmp_path / "out", factors, {}, "", silent)


@pytest.mark.parametrize(
    ("files", "sentence"),
    [
        ({}, r"no config\.json"),
        ({"config.json": "{}"}, r"neither model\.safetensors nor"),
        ({"config.json": "{}", "pytorch_model.bin": "x"}, r"neither model\.safetensors nor"),
        ({"config.json": "{}", "model.safetensors": "x"}, "a header of"),
        ({"config.json": "{}", "model.safetensors.index.json": "[]"}, "damaged"),
        (
            {
                "config.json": "{}",
                "model.safetensors.index.json": '{"weight_map": {"a": "../b.safetensors"}}',
            },
            r"names the files \['\.\./b",
        ),
        (
            {"config.json": "{}", "model.safetensors.index.json": '{"weight_map": {"a": "b.safetensors"}}'},
            r"b\.safetensors is missing",
        ),
    ],
)
def test_a_folder_that_is_no_base_model_is_refused(
    files: dict[str, str], sentence: str, tmp_path: Path
) -> None:
    for name, text in files.items():
        (tmp_path / name).write_text(text)
    with pytest.raises(ModelUnavailable, match=sentence):
        TransformersBase(tmp_path)


@pytest.mark.model
@pytest.mark.parametrize("taken", ["file", "folder"])
def test_a_place_that_is_taken_is_left_alone(
    taken: str, f16_base_model: Path, random_weights_dir: Path, tiny: LlamaForCausalLM, tmp_path: Path
) -> None:
    tiny.save_pretrained(tmp_path / "base")
    out = tmp_path / "out"
    if taken == "folder":
        out.mkdir()
    mine = out / "mine.txt" if taken == "folder" else out
    mine.write_text("mine")

    with pytest.raises(OSError, match="name a new folder"):
        merge(MergeAdapters(out, a_set(f16_base_model, random_weights_dir), tmp_path / "base"), silent)

    assert mine.read_text() == "mine"


@pytest.mark.model
def test_notes_are_merged_into_the_folder_of_the_model_that_they_were_learnt_for(
    f16_base_model: Path, random_weights_dir: Path, tmp_path: Path
) -> None:
    from engine.training.transformers_base import embedded_in_transformers

    model = embedded_in_transformers(f16_base_model)
    model.save_pretrained(tmp_path / "base", max_shard_size="300MB")
    (tmp_path / "out").mkdir()  # empty: as good as new
    # Of a strength that notes have; the random ones rival the weights, and float32 then errs by 2e-4.
    adapter_set = a_set(f16_base_model, random_weights_dir, weight=0.3)
    order = MergeAdapters(tmp_path / "out", adapter_set, tmp_path / "base")

    done = merge(order, silent)

    assert (done.n_tensors, done.path) == (30, tmp_path / "out")
    if sys.platform != "win32":
        modes = {stat.S_IMODE(path.stat().st_mode) for path in done.path.iterdir()}
        assert (modes, stat.S_IMODE(done.path.stat().st_mode)) == ({0o600}, 0o700)
    loaded = AutoModelForCausalLM.from_pretrained(done.path, dtype=torch.float32).train(mode=False)
    composition = Composition(LatentHead.load(random_weights_dir), "c" * 64)
    tokens = [1, 4093, 198, 1780, 314, 260, 17204, 17, 2]
    factors = compose(composition, adapter_set.parts).factors
    expected = logits_attached(model, factors, tokens=tokens)
    assert (expected - logits_of(model, tokens)).abs().max() > 1.0, "too weak an adapter proves nothing"
    torch.testing.assert_close(logits_of(loaded, tokens), expected, atol=1e-4, rtol=0)
    index = json.loads((done.path / "model.safetensors.index.json").read_text())
    assert len(set(index["weight_map"].values())) > 1
    assert sorted(path.name for path in tmp_path.iterdir()) == ["base", "out"]
