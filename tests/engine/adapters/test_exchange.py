"""Exported adapters in PEFT and in llama.cpp, and on their way back: the same logits everywhere."""

from collections.abc import Iterator, Sequence
from pathlib import Path

import llama_cpp
import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import LlamaForCausalLM, PreTrainedModel

from engine.adapters.composition import Composition, compose
from engine.adapters.export import export
from engine.adapters.gguf_format import TENSOR_NAMES, pack, write_adapter
from engine.adapters.importing import import_adapter
from engine.adapters.latent_head import LatentHead
from engine.adapters.messages import AdapterSet, ExportAdapter, ImportAdapter, SetMember
from engine.adapters.peft_format import peft_files, write_peft
from engine.chat.adapter_sets import AdapterSets
from engine.chat.prompt import build_prompt
from engine.chat.runtime import LlamaRuntime
from engine.formats.lora import LoraFactors, concatenate
from engine.messages import AdapterPart, Codec
from engine.training.transformers_base import embedded_in_transformers
from tests.engine import tiny_bases
from tests.engine.adapters.adapters_at_random import random_part
from tests.engine.tiny_adapters import (
    SIZE,
    TOKENS,
    factors_of_widths,
    logits_attached,
    logits_of,
    tiny_base,
    tiny_factors,
)
from tests.engine.tiny_bases import random_base, write_base
from tests.engine.tiny_llama import random_llama

# peft 0.21 asks transformers 5 for a name that version 6 will not have.
pytestmark = pytest.mark.filterwarnings("ignore:`is_gradient_checkpointing` is deprecated:FutureWarning")

Logits = NDArray[np.float32]
PARTS = (random_part(1), random_part(2))
BASE_HASH, HYPERNETWORK_HASH = "b" * 64, "c" * 64


def logits_in_peft(model: PreTrainedModel, folder: Path, tokens: Sequence[int] = TOKENS) -> Tensor:
    """What PEFT makes of a folder; the model is itself again afterwards."""
    import peft

    adapted = peft.PeftModel.from_pretrained(model, str(folder))
    logits = logits_of(adapted.train(mode=False), tokens)
    adapted.unload()
    return logits


def adapter_set(base_model: Path, weights_dir: Path, parts: Sequence[AdapterPart] = PARTS) -> AdapterSet:
    members = (SetMember("Dentist", "d" * 64),)
    return AdapterSet(members, tuple(parts), base_model, weights_dir, BASE_HASH, HYPERNETWORK_HASH)


def imported(source: Path, base_model: Path) -> AdapterPart:
    """The adapter in ``source`` as the chat gets it."""
    found = import_adapter(ImportAdapter(source, base_model, BASE_HASH))
    return AdapterPart(found.sha256, Codec.LORA_F16, found.data)


# --- a tiny model, and adapters of all its layers -----------------------------------------------------------


@pytest.fixture(scope="module")
def tiny() -> LlamaForCausalLM:
    return random_llama(SIZE)


@pytest.fixture(scope="module")
def mixed() -> LoraFactors:
    """All layers, and down_proj with a greater rank than the others."""
    return concatenate([tiny_factors(1, rank=3), tiny_factors(2, rank=2, names=["down_proj"])])


def test_peft_computes_what_attach_computes_with_different_ranks_in_one_adapter(
    tiny: LlamaForCausalLM, mixed: LoraFactors, tmp_path: Path
) -> None:
    write_peft(tmp_path, peft_files(mixed, 1.5, base_model="tiny"))

    by_peft = logits_in_peft(tiny, tmp_path)

    expected = logits_attached(tiny, mixed, 1.5)
    assert (expected - logits_of(tiny)).abs().max() > 1.0, "too weak an adapter proves nothing"
    torch.testing.assert_close(by_peft, expected, atol=1e-4, rtol=0)


def test_llama_cpp_computes_what_attach_computes_in_every_layer(
    tiny: LlamaForCausalLM, mixed: LoraFactors, tmp_path: Path
) -> None:
    expected = logits_attached(tiny, mixed, 1.5)[-1].numpy()
    with LlamaRuntime(tiny_base(tmp_path, tiny), n_ctx=256, n_threads=1) as runtime:
        packed = pack(mixed, 1.5, runtime.target.interleaved)
        runtime.set_adapter(runtime.load_adapter(write_adapter([(packed, 1.0)], architecture="llama")))
        found = runtime.read_prompt(TOKENS)

    # Its keys and values are float16, and so is A; the effect is in the order of ten logits.
    assert np.abs(found - expected).max() < 0.02


@pytest.mark.parametrize("family", ["gemma2", "qwen3", "mistral"])
def test_the_order_of_rows_is_that_of_each_published_base(family: str, tmp_path: Path) -> None:
    base = random_base(family)
    d_q, d_kv = tiny_bases.N_HEADS * tiny_bases.D_HEAD, tiny_bases.N_KV_HEADS * tiny_bases.D_HEAD
    d_model, d_ffn = tiny_bases.D_MODEL, tiny_bases.D_FFN
    of = {
        "q_proj": (d_model, d_q),
        "k_proj": (d_model, d_kv),
        "v_proj": (d_model, d_kv),
        "o_proj": (d_q, d_model),
        "gate_proj": (d_model, d_ffn),
        "up_proj": (d_model, d_ffn),
        "down_proj": (d_ffn, d_model),
    }
    factors = factors_of_widths(of, tiny_bases.N_LAYERS, seed=1)
    expected = logits_attached(base, factors)[-1].numpy()

    with LlamaRuntime(write_base(tmp_path / "base.gguf", family, base), n_ctx=256, n_threads=1) as runtime:
        assert {ours: runtime.target.modules[TENSOR_NAMES[ours]] for ours in of} == of
        packed = pack(factors, 1.0, runtime.target.interleaved)
        runtime.set_adapter(
            runtime.load_adapter(write_adapter([(packed, 1.0)], architecture=runtime.target.architecture))
        )
        found = runtime.read_prompt(TOKENS)

    effect = np.abs(expected - logits_of(base)[-1].numpy()).max()
    assert effect > 1.0, "too weak an adapter proves nothing"
    assert np.abs(found - expected).max() < 0.01 * max(effect, 5.0)  # keys and values are float16


# --- the embedded model -------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def runtime(f16_base_model: Path) -> Iterator[LlamaRuntime]:
    with LlamaRuntime(f16_base_model, n_ctx=512, n_threads=1) as opened:
        yield opened


@pytest.fixture(scope="module")
def composition(random_weights_dir: Path) -> Composition:
    return Composition(LatentHead.load(random_weights_dir), HYPERNETWORK_HASH)


@pytest.fixture
def exported(request: pytest.FixtureRequest, tmp_path: Path) -> dict[str, Path]:
    """The same set as a PEFT folder and as a GGUF file."""
    base_model, weights_dir = map(request.getfixturevalue, ("f16_base_model", "random_weights_dir"))
    places = {"peft": tmp_path / "adapter", "gguf": tmp_path / "adapter.gguf"}
    for name, place in places.items():
        export(ExportAdapter(name, place, adapter_set(base_model, weights_dir)))
    return places


def logits_in_chat(runtime: LlamaRuntime, composition: Composition, parts: Sequence[AdapterPart]) -> Logits:
    """Of the next token, with exactly these parts, as the chat computes them."""
    AdapterSets(runtime, composition).apply(parts)
    return runtime.read_prompt(prompt(runtime))


def prompt(runtime: LlamaRuntime) -> list[int]:
    return build_prompt(runtime, "When is the dentist's appointment?", [], n_ctx=runtime.n_ctx)


def assert_same_effect(found: Logits, expected: Logits, base: Logits) -> None:
    """Up to float16, of factors and cache; these random adapters are half as large as the weights."""
    effect = np.abs(expected - base).max()
    assert effect > 3.0, "too weak an adapter proves nothing"
    assert np.abs(found - expected).max() < 0.02 * effect
    assert np.corrcoef(found - base, expected - base)[0, 1] > 0.9995


@pytest.mark.model
def test_an_exported_set_has_in_peft_the_logits_of_attach(
    f16_base_model: Path, composition: Composition, exported: dict[str, Path]
) -> None:
    model = embedded_in_transformers(f16_base_model)
    tokens = [1, 4093, 198, 1780, 314, 260, 17204, 17, 2]

    by_peft = logits_in_peft(model, exported["peft"], tokens)

    expected = logits_attached(model, compose(composition, PARTS).factors, tokens=tokens)
    assert (expected - logits_of(model, tokens)).abs().max() > 3.0, "too weak an adapter proves nothing"
    torch.testing.assert_close(by_peft, expected, atol=1e-4, rtol=0)


@pytest.mark.model
def test_llama_cpp_reads_the_exported_file_and_computes_what_the_chat_computes(
    f16_base_model: Path, runtime: LlamaRuntime, composition: Composition, exported: dict[str, Path]
) -> None:
    expected = logits_in_chat(runtime, composition, PARTS)
    base = logits_in_chat(runtime, composition, [])
    tokens = prompt(runtime)

    # As any program does it, and not through our own loading.
    other = llama_cpp.Llama(
        str(f16_base_model), n_ctx=512, n_threads=1, lora_path=str(exported["gguf"]), verbose=False
    )
    other.eval(tokens)
    found = np.array(llama_cpp.llama_get_logits_ith(other.ctx, -1)[: other.n_vocab()], dtype=np.float32)
    other.close()

    assert_same_effect(found, expected, base)
    runtime.set_adapter(runtime.load_adapter(np.fromfile(exported["gguf"], dtype=np.uint8)))
    np.testing.assert_allclose(runtime.read_prompt(tokens), expected, atol=1e-3)


@pytest.mark.model
@pytest.mark.parametrize("form", ["peft", "gguf"])
def test_what_was_exported_and_imported_does_what_it_did(
    form: str,
    f16_base_model: Path,
    runtime: LlamaRuntime,
    composition: Composition,
    exported: dict[str, Path],
) -> None:
    expected = logits_in_chat(runtime, composition, PARTS)
    base = logits_in_chat(runtime, composition, [])

    part = imported(exported[form], f16_base_model)

    assert_same_effect(logits_in_chat(runtime, composition, [part]), expected, base)
    # After an upgrade of the hypernetwork nothing of it may change: then it keeps its own bias block.
    upgraded = Composition(LatentHead(composition._head.config, {**_other_bias(composition)}), "9" * 64)
    assert_same_effect(logits_in_chat(runtime, upgraded, [part]), expected, base)


def _other_bias(composition: Composition) -> dict[str, NDArray[np.float32]]:
    """Tensors of a hypernetwork of the same shape whose bias block is ten times as strong."""
    head = composition._head
    bias = head.bias()
    assert bias is not None
    scaler_A, scaler_B = head._scalers["down_proj"]
    A, B = bias.modules["down_proj"]
    return {
        "head.weight": head._head,
        "scaler_A.down_proj": scaler_A,
        "scaler_B.down_proj": scaler_B,
        "bias_A.down_proj": A,
        "bias_B.down_proj": B * 10,
    }
