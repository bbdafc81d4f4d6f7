from pathlib import Path

import gguf
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import LlamaForCausalLM

from engine.errors import ModelUnavailable
from engine.hypernetwork.llama import FrozenLlama
from engine.training.transformers_base import embedded_in_transformers
from tests.engine.tiny_llama import TinySize, gguf_tensors, random_llama, random_qwen2, write_gguf

SIZE = TinySize()
CPU = torch.device("cpu")
Tensors = dict[str, NDArray[np.float32]]


@pytest.fixture(scope="module")
def reference() -> LlamaForCausalLM:
    return random_llama(SIZE)


@pytest.fixture(scope="module")
def tensors(reference: LlamaForCausalLM) -> Tensors:
    return gguf_tensors(reference, SIZE)


@pytest.fixture(scope="module")
def llama(tensors: Tensors, tmp_path_factory: pytest.TempPathFactory) -> FrozenLlama:
    return load(write_gguf(tmp_path_factory.mktemp("tiny") / "tiny.gguf", SIZE, tensors))


def load(path: Path) -> FrozenLlama:
    return FrozenLlama.from_gguf(path, device=CPU, dtype=torch.float32)


def some_ids(n_batch: int, n_tokens: int) -> Tensor:
    return torch.randint(0, 250, (n_batch, n_tokens), generator=torch.Generator().manual_seed(1))


def some_adapters(n_adapters: int, rank: int) -> tuple[Tensor, Tensor]:
    random = torch.Generator().manual_seed(2)
    A = torch.randn(n_adapters, SIZE.n_layers, rank, SIZE.d_ffn, generator=random) * 0.2
    B = torch.randn(n_adapters, SIZE.n_layers, rank, SIZE.d_model, generator=random) * 0.2
    return A, B


def assert_near(ours: Tensor, theirs: Tensor, tolerance: float = 2e-5) -> None:
    torch.testing.assert_close(ours, theirs, atol=tolerance, rtol=0)


# --- against transformers -------------------------------------------------------------------------------


@pytest.mark.parametrize("is_float16", [False, True])
def test_logits_are_those_of_transformers(
    tmp_path: Path, reference: LlamaForCausalLM, tensors: Tensors, is_float16: bool
) -> None:
    llama = load(write_gguf(tmp_path / "tiny.gguf", SIZE, tensors, is_float16=is_float16))
    ids = some_ids(2, 11)
    assert_near(llama.logits(llama.final_states(ids)), reference(input_ids=ids).logits)


def test_as_many_heads_of_keys_as_of_queries_work_too(tmp_path: Path) -> None:
    size = TinySize(n_layers=2, n_heads=2, n_kv_heads=2)
    reference = random_llama(size, seed=3)
    llama = load(write_gguf(tmp_path / "tiny.gguf", size, gguf_tensors(reference, size)))
    ids = some_ids(1, 7)
    assert_near(llama.logits(llama.final_states(ids)), reference(input_ids=ids).logits)


def test_a_quantised_file_gives_what_its_values_stand_for(tmp_path: Path) -> None:
    size = TinySize(n_layers=2, d_model=64, d_ffn=96)
    tensors = gguf_tensors(random_llama(size), size)
    path = tmp_path / "tiny.gguf"
    writer_tensors: Tensors = {}
    for name, values in tensors.items():
        is_matrix = values.ndim > 1
        kind = gguf.GGMLQuantizationType.Q8_0
        writer_tensors[name] = (
            gguf.dequantize(gguf.quantize(values, kind), kind).astype(np.float32) if is_matrix else values
        )
    exact = load(write_gguf(path, size, writer_tensors))
    quantised = load(write_quantised(tmp_path / "q8.gguf", size, tensors))
    ids = some_ids(1, 6)
    assert_near(quantised.final_states(ids), exact.final_states(ids), tolerance=0)


def write_quantised(path: Path, size: TinySize, tensors: Tensors) -> Path:
    """The same model with Q8_0 matrices; the header is that of ``write_gguf``."""
    original = gguf.GGUFWriter.add_tensor

    def add_tensor(writer: gguf.GGUFWriter, name: str, values: NDArray[np.float32]) -> None:
        kind = gguf.GGMLQuantizationType.Q8_0
        if values.ndim > 1:
            original(writer, name, gguf.quantize(values, kind), raw_dtype=kind)
        else:
            original(writer, name, values)

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(gguf.GGUFWriter, "add_tensor", add_tensor)
        return write_gguf(path, size, tensors)


def test_layer_inputs_are_the_hidden_states_of_the_model_without_its_last_layer(
    llama: FrozenLlama, reference: LlamaForCausalLM
) -> None:
    ids = some_ids(2, 9)
    with torch.no_grad():
        whole = reference.model(input_ids=ids, output_hidden_states=True).hidden_states
    # What the paper's context encoder does: cut the last layer off, ask for all states.
    layers = reference.model.layers
    try:
        reference.model.layers = layers[:-1]
        cut = reference.model(input_ids=ids, output_hidden_states=True).hidden_states
    finally:
        reference.model.layers = layers
    ours = llama.layer_inputs(ids)
    assert ours.shape == (2, SIZE.n_layers, 9, SIZE.d_model)
    assert_near(ours, torch.stack(cut, dim=1))
    for layer in range(SIZE.n_layers - 1):
        assert_near(ours[:, layer], whole[layer])
    # The trap: the last one is after the final norm, although it is the input of a layer in the middle.
    last = SIZE.n_layers - 1
    assert (ours[:, last] - whole[last]).abs().max() > 0.1
    assert_near(ours[:, last], reference.model.norm(whole[last]))


def test_padding_on_the_right_does_not_reach_the_states_before_it(llama: FrozenLlama) -> None:
    ids = some_ids(1, 10)
    padded = torch.cat([ids, torch.zeros(1, 6, dtype=ids.dtype)], dim=1)
    assert_near(llama.layer_inputs(padded)[:, :, :10], llama.layer_inputs(ids), tolerance=1e-6)


# --- Qwen 2 ---------------------------------------------------------------------------------------------


@pytest.mark.parametrize("is_tied", [False, True])
def test_qwens_logits_are_those_of_transformers(tmp_path: Path, is_tied: bool) -> None:
    reference = random_qwen2(SIZE, is_tied=is_tied)
    path = write_gguf(tmp_path / "tiny.gguf", SIZE, gguf_tensors(reference, SIZE), architecture="qwen2")
    llama, ids = load(path), some_ids(2, 11)
    assert_near(llama.logits(llama.final_states(ids)), reference(input_ids=ids).logits)
    assert (llama.output is llama.embedding) == is_tied


def test_qwens_layer_inputs_need_no_output_matrix(tmp_path: Path) -> None:
    reference = random_qwen2(SIZE, is_tied=False)
    path = write_gguf(tmp_path / "tiny.gguf", SIZE, gguf_tensors(reference, SIZE), architecture="qwen2")
    encoder = FrozenLlama.from_gguf(path, device=CPU, dtype=torch.float32, with_output=False)
    ids = some_ids(2, 9)
    with torch.no_grad():
        states = reference.model(input_ids=ids, output_hidden_states=True).hidden_states
    for layer in range(SIZE.n_layers - 1):
        assert_near(encoder.layer_inputs(ids)[:, layer], states[layer])
    assert encoder.output is None


def test_a_qwen_file_without_its_biases_is_refused(tmp_path: Path) -> None:
    tensors = gguf_tensors(random_qwen2(SIZE, is_tied=True), SIZE)
    del tensors["blk.1.attn_k.bias"]
    with pytest.raises(ModelUnavailable, match=r"blk\.1\.attn_k\.bias"):
        load(write_gguf(tmp_path / "tiny.gguf", SIZE, tensors, architecture="qwen2"))


def test_the_same_weights_go_back_to_transformers(tmp_path: Path) -> None:
    reference = random_qwen2(SIZE, is_tied=False)
    path = write_gguf(tmp_path / "tiny.gguf", SIZE, gguf_tensors(reference, SIZE), architecture="qwen2")
    ids = some_ids(2, 7)
    assert_near(embedded_in_transformers(path)(input_ids=ids).logits, reference(input_ids=ids).logits)


# --- adapters -------------------------------------------------------------------------------------------


def test_adapters_that_differ_within_a_batch_equal_merged_weights(
    llama: FrozenLlama, reference: LlamaForCausalLM
) -> None:
    lora_A, lora_B = some_adapters(n_adapters=3, rank=4)
    ids = some_ids(6, 8)  # two sequences for each of the three adapters
    ours = llama.logits(llama.final_states(ids, (lora_A, lora_B)))
    plain = reference(input_ids=ids).logits
    for adapter in range(3):
        rows = slice(2 * adapter, 2 * adapter + 2)
        merged = random_llama(SIZE)
        for index, layer in enumerate(merged.model.layers):
            layer.mlp.down_proj.weight += lora_B[adapter, index].T @ lora_A[adapter, index]
        theirs = merged(input_ids=ids[rows]).logits
        assert_near(ours[rows], theirs, tolerance=1e-4)
        assert (theirs - plain[rows]).abs().max() > 0.01


def test_gradients_reach_the_adapter_and_only_the_adapter(llama: FrozenLlama) -> None:
    lora_A, lora_B = (factor.requires_grad_() for factor in some_adapters(n_adapters=1, rank=2))
    llama.final_states(some_ids(1, 5), (lora_A, lora_B)).sum().backward()
    for factor in (lora_A, lora_B):
        assert factor.grad is not None
        # Each layer, the last too, has a say in the result.
        assert (factor.grad.abs().amax(dim=(0, 2, 3)) > 0).all()
    assert not llama.embedding.requires_grad
    assert not any(w.requires_grad for layer in llama.layers for w in layer if w is not None)


# --- files that must not be used ------------------------------------------------------------------------


def test_another_architecture_is_refused(tmp_path: Path, tensors: Tensors) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", SIZE, tensors, architecture="gemma3")
    with pytest.raises(ModelUnavailable, match="'gemma3'; only 'llama' and 'qwen2'"):
        load(path)


@pytest.mark.parametrize("missing", ["token_embd.weight", "output_norm.weight", "blk.1.ffn_up.weight"])
def test_a_missing_tensor_is_named(tmp_path: Path, tensors: Tensors, missing: str) -> None:
    rest = {name: values for name, values in tensors.items() if name != missing}
    with pytest.raises(ModelUnavailable, match=missing):
        load(write_gguf(tmp_path / "tiny.gguf", SIZE, rest))


@pytest.mark.parametrize("extra", ["blk.0.attn_q.bias", "blk.0.attn_output.bias", "rope_freqs.weight"])
def test_a_tensor_that_would_be_ignored_is_refused(tmp_path: Path, tensors: Tensors, extra: str) -> None:
    more = {**tensors, extra: np.ones(SIZE.d_model, np.float32)}
    with pytest.raises(ModelUnavailable, match=extra):
        load(write_gguf(tmp_path / "tiny.gguf", SIZE, more))


def test_a_tensor_of_another_shape_is_refused(tmp_path: Path, tensors: Tensors) -> None:
    wrong = {**tensors, "blk.0.ffn_down.weight": tensors["blk.0.ffn_down.weight"].T.copy()}
    with pytest.raises(ModelUnavailable, match=r"blk\.0\.ffn_down\.weight has the shape \(24, 16\)"):
        load(write_gguf(tmp_path / "tiny.gguf", SIZE, wrong))


@pytest.mark.parametrize(
    "values",
    [
        {"llama.rope.scaling.type": "linear"},
        {"llama.rope.dimension_count": 2},
        {"llama.attention.key_length": 5},
    ],
)
def test_an_option_that_would_be_ignored_is_refused(
    tmp_path: Path, tensors: Tensors, values: dict[str, str | int]
) -> None:
    with pytest.raises(ModelUnavailable):
        load(write_gguf(tmp_path / "tiny.gguf", SIZE, tensors, values=values))


def test_a_file_that_lacks_a_size_is_refused_by_name(tmp_path: Path) -> None:
    writer = gguf.GGUFWriter(tmp_path / "tiny.gguf", "llama")
    writer.add_embedding_length(16)
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()
    with pytest.raises(ModelUnavailable, match=r"llama\.attention\.head_count"):
        load(tmp_path / "tiny.gguf")


@pytest.mark.parametrize("content", [b"", b"GGUF", b"not a model at all" * 100])
def test_a_file_that_is_no_gguf_is_refused(tmp_path: Path, content: bytes) -> None:
    path = tmp_path / "tiny.gguf"
    path.write_bytes(content)
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        load(path)


def test_a_missing_file_is_refused(tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        load(tmp_path / "nowhere.gguf")


@pytest.mark.parametrize("share", [0.3, 0.6, 0.999])
def test_a_file_that_was_cut_off_is_refused(tmp_path: Path, tensors: Tensors, share: float) -> None:
    path = write_gguf(tmp_path / "tiny.gguf", SIZE, tensors)
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(ModelUnavailable):
        load(path)
