"""The real base model with the shipped hypernetwork."""

import dataclasses
import shutil
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor

from engine.adapters.latent_head import LatentHead
from engine.errors import EngineError, ModelUnavailable
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE, HypernetworkConfig
from engine.formats.weights_file import hypernetwork_hash, save_tensors
from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.hypernetwork.internalizer import Internalizer, load_hypernetwork
from engine.hypernetwork.llama import FrozenLlama
from engine.hypernetwork.placement import choose_device, faster_cpu_dtype
from engine.models.embedded import base_model_hash
from tests.engine.tiny_llama import TinySize, gguf_tensors, random_llama, write_gguf

SHIPPED = Path(__file__).parents[3] / "engine" / "weights"
NOTE = "The spare key of the allotment is with Mrs. Okafor, in the blue tin. Gate code: 7304."
reads_real_model = pytest.mark.model


@pytest.fixture(scope="module")
def internalizer(f16_base_model: Path) -> Internalizer:
    return Internalizer.load(f16_base_model, SHIPPED, "cpu", 1)


def as_array(internalizer: Internalizer, data: bytes) -> NDArray[np.float32]:
    config = internalizer.config
    shape = (config.n_layers, config.n_queries_per_layer, config.d_latent)
    return np.frombuffer(data, "<f2").astype(np.float32).reshape(shape)


@reads_real_model
def test_chunks_computed_together_do_not_see_each_other(internalizer: Internalizer) -> None:
    texts = [NOTE, "A short one.", NOTE + " And a longer one, which pads the others."]
    for text, together in zip(texts, internalizer.latents_of(texts), strict=True):
        alone = as_array(internalizer, internalizer.latents(text))
        np.testing.assert_allclose(as_array(internalizer, together), alone, atol=1e-3)


def test_latents_are_unit_vectors_in_float16(internalizer: Internalizer) -> None:
    u = as_array(internalizer, internalizer.latents(NOTE))
    assert np.abs(np.linalg.norm(u, axis=-1) - 1).max() < 2e-3


class Narrow(FrozenLlama):
    """The base model on a device whose memory ends at so many chunks."""

    most_chunks = 0

    def iterate_layer_inputs(self, ids: Tensor) -> Iterator[Tensor]:
        if ids.shape[0] > self.most_chunks:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        return super().iterate_layer_inputs(ids)


def narrow(base_model: Path, most_chunks: int, device: str) -> Internalizer:
    cpu = choose_device("cpu", 1)
    base = Narrow.from_gguf(base_model, device=cpu.device, dtype=cpu.dtype)
    base.most_chunks = most_chunks
    placement = dataclasses.replace(cpu, device=torch.device(device), text="Some GPU")
    return Internalizer(base, load_hypernetwork(SHIPPED), base_model, SHIPPED, placement)


@reads_real_model
def test_short_of_memory_fewer_passages_are_learnt_at_a_time(
    internalizer: Internalizer, f16_base_model: Path
) -> None:
    texts = [f"{NOTE} Shed {number}." for number in range(5)]
    short = narrow(f16_base_model, 2, "cpu")
    for found, expected in zip(short.latents_of(texts), internalizer.latents_of(texts), strict=True):
        np.testing.assert_allclose(as_array(internalizer, found), as_array(internalizer, expected), atol=1e-3)
    assert short.batch_size <= 2
    assert short.remarks[-1] == "Memory was short: 1 passage was learnt at a time."


@reads_real_model
def test_a_gpu_without_memory_for_one_passage_leaves_it_to_the_processor(
    internalizer: Internalizer, f16_base_model: Path
) -> None:
    short = narrow(f16_base_model, 0, "meta")  # no CPU, at any rate
    assert short.latents_of([NOTE]) == internalizer.latents_of([NOTE])
    assert short.remarks == ["Some GPU had too little memory: the processor took over."]
    assert short.device_text.startswith("CPU")


@reads_real_model
def test_a_processor_without_memory_for_one_passage_says_what_to_do(f16_base_model: Path) -> None:
    with pytest.raises(EngineError, match="not enough memory") as caught:
        narrow(f16_base_model, 0, "cpu").latents_of([NOTE])
    assert "Close other programs" in caught.value.detail


@reads_real_model
def test_the_same_note_gives_the_same_bytes_and_another_note_gives_others(internalizer: Internalizer) -> None:
    data = internalizer.latents(NOTE)
    assert internalizer.latents(NOTE) == data
    other = internalizer.latents(NOTE.replace("7304", "7305"))
    assert np.abs(as_array(internalizer, other) - as_array(internalizer, data)).max() > 0.01


@reads_real_model
def test_numpy_in_the_chat_makes_the_factors_that_torch_makes_in_the_training(
    internalizer: Internalizer,
) -> None:
    data = internalizer.latents(NOTE)
    hypernetwork = load_hypernetwork(SHIPPED)
    u = torch.from_numpy(as_array(internalizer, data))[None, :, None]  # (C=1, L, M=1, r, d)
    with torch.no_grad():
        theirs_A, theirs_B = hypernetwork.factors(u)["down_proj"]
        bias = hypernetwork.bias()
    head = LatentHead.load(SHIPPED)
    ours_A, ours_B = head.factors(data).modules["down_proj"]
    assert np.abs(ours_A - theirs_A[0].numpy()).max() < 1e-4
    assert np.abs(ours_B - theirs_B[0].numpy()).max() < 1e-4
    assert np.abs(ours_A).max() > 0.1
    ours_bias = head.bias()
    assert bias is not None
    assert ours_bias is not None
    for ours, theirs in zip(ours_bias.modules["down_proj"], bias["down_proj"], strict=True):
        assert np.array_equal(ours, theirs.numpy())


@reads_real_model
def test_tokens_are_counted_with_the_template(internalizer: Internalizer) -> None:
    assert internalizer.count_tokens("") == 3  # <|im_start|>, user, line break
    assert internalizer.count_tokens("key") == 4


@reads_real_model
def test_a_note_that_spells_a_special_token_is_plain_text(internalizer: Internalizer) -> None:
    assert internalizer.count_tokens("<|im_end|>") > 3 + 1


@reads_real_model
def test_offsets_say_where_each_token_of_the_text_starts(internalizer: Internalizer) -> None:
    text = "Käse for 12 €"
    offsets = internalizer.token_offsets(text)
    assert len(offsets) == internalizer.count_tokens(text) - 3
    assert offsets[0] == 0
    assert offsets == sorted(offsets)
    assert max(offsets) < len(text)
    # One token or several, each character's first one starts at it: digits are tokens of their own.
    assert {text.index("1"), text.index("2")} <= set(offsets)


@reads_real_model
def test_both_models_are_known_by_their_hashes(internalizer: Internalizer, f16_base_model: Path) -> None:
    assert internalizer.base_hash == base_model_hash(f16_base_model)
    assert internalizer.hypernetwork_hash == hypernetwork_hash(SHIPPED)
    assert internalizer.config.base_model_hash == internalizer.base_hash
    assert internalizer.rank == 16


def test_the_texts_about_the_device_name_the_threads_and_the_reason() -> None:
    before = torch.get_num_threads()
    try:
        placement = choose_device("cpu", 2)
        assert torch.get_num_threads() == 2
    finally:
        torch.set_num_threads(before)
    assert placement.text == "CPU, 2 threads, float32"
    assert placement.reason == "chosen in the settings"


def test_the_cpu_computes_in_the_dtype_that_is_faster_there() -> None:
    threads_before = torch.get_num_threads()
    try:
        placement = choose_device("cpu", 1, faster_cpu_dtype)
    finally:
        torch.set_num_threads(threads_before)
    assert placement.dtype in (torch.float32, torch.bfloat16)
    assert placement.text == f"CPU, 1 thread, {str(placement.dtype).removeprefix('torch.')}"


@pytest.mark.parametrize("wanted", ["cuda", "mps"])
def test_a_device_that_is_not_there_is_refused(monkeypatch: pytest.MonkeyPatch, wanted: str) -> None:
    monkeypatch.setattr(torch.cuda, "is_available", lambda: False)
    monkeypatch.setattr(torch.backends.mps, "is_available", lambda: False)
    with pytest.raises(ModelUnavailable, match="Choose another device"):
        choose_device(wanted, 1)


def test_an_unknown_device_is_a_bug_of_the_caller() -> None:
    with pytest.raises(ValueError, match="'tpu'"):
        choose_device("tpu", 1)


# --- models that do not fit -----------------------------------------------------------------------------


@pytest.fixture
def weights_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "weights"
    shutil.copytree(SHIPPED, folder)
    return folder


def change_config(folder: Path, **changes: object) -> None:
    config = dataclasses.replace(HypernetworkConfig.load(folder), **changes)  # type: ignore[arg-type]
    (folder / CONFIG_FILE).write_text(config.to_json(), encoding="utf-8")


@reads_real_model
def test_another_base_model_is_refused_by_its_hash(f16_base_model: Path, weights_dir: Path) -> None:
    change_config(weights_dir, base_model_hash="0123456789abcdef" * 4)
    with pytest.raises(ModelUnavailable, match=r"wants the model 0123456789ab, and .* is fea43f3ffef8"):
        Internalizer.load(f16_base_model, weights_dir, "cpu", 1)


def test_another_base_model_is_refused_by_its_size_too(tmp_path: Path, weights_dir: Path) -> None:
    size = TinySize()
    base = write_gguf(tmp_path / "tiny.gguf", size, gguf_tensors(random_llama(size), size))
    change_config(weights_dir, base_model_hash="")
    with pytest.raises(ModelUnavailable, match=r"30 layers of width 576; tiny\.gguf has 3 of 16"):
        Internalizer.load(base, weights_dir, "cpu", 1)


def test_damaged_weights_are_refused(tmp_path: Path, weights_dir: Path) -> None:
    (weights_dir / CONFIG_FILE).write_text("{", encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="Reinstall Loreleaf"):
        Internalizer.load(tmp_path / "unread.gguf", weights_dir, "cpu", 1)


def test_numbers_that_are_not_finite_never_reach_the_catalog(tmp_path: Path, weights_dir: Path) -> None:
    size = TinySize()
    base = write_gguf(tmp_path / "tiny.gguf", size, gguf_tensors(random_llama(size), size))
    tiny = tiny_weights(tmp_path / "tiny", size)
    internalizer = Internalizer.load(base, tiny, "cpu", 1)
    assert np.isfinite(np.frombuffer(internalizer.latents("in the"), "<f2")).all()
    internalizer._base.layers[0].down.fill_(float("inf"))
    with pytest.raises(EngineError, match="not finite"):
        internalizer.latents("in the")


def tiny_weights(folder: Path, size: TinySize) -> Path:
    shipped = HypernetworkConfig.load(SHIPPED)
    config = dataclasses.replace(
        shipped, n_layers=size.n_layers, d_encoder=size.d_model, d_latent=8, base_model_hash=""
    )
    torch.manual_seed(0)
    state = Hypernetwork(config).state_dict()
    folder.mkdir()
    save_tensors(folder / TENSORS_FILE, {name: value.numpy() for name, value in state.items()})
    (folder / CONFIG_FILE).write_text(config.to_json(), encoding="utf-8")
    return folder
