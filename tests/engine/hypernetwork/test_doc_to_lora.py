"""The documented Python API on tiny random models; and on the reference's case."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch
from torch import Tensor

from engine.errors import ModelUnavailable
from engine.formats.hypernetwork_config import HypernetworkConfig, TargetModule
from engine.hypernetwork import load_checkpoint
from engine.hypernetwork.context_encoder import ContextEncoder, TakeStates
from engine.hypernetwork.convert import convert_checkpoint
from engine.hypernetwork.doc_to_lora import DocToLora
from engine.hypernetwork.reading import Chunks
from engine.hypernetwork.templates import QWEN
from tests.engine.hypernetwork.parity_case import BASE, CHECKPOINT, NOTE, expected_tensors
from tests.engine.hypernetwork.reference_checkpoints import random_hypernetwork, write_checkpoint
from tests.engine.hypernetwork.test_context_encoder import made, some_ids
from tests.engine.tiny_bases import words

DOWN = TargetModule("down_proj", 48, 32)
CONFIG = HypernetworkConfig(
    n_layers=5,
    d_encoder=32,
    d_latent=16,
    lora_rank=2,
    target_modules=(DOWN,),
    lora_alpha=2 * 2**1.5,
    n_latents=5,
    n_blocks=2,
    base_model="tiny/base",
)
ATTENTION_AND_MLP = (
    DOWN,
    TargetModule("k_proj", 32, 16),
    TargetModule("o_proj", 32, 32),
    TargetModule("q_proj", 32, 32),
)


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    return tmp_path / "pytorch_model.bin"


def loaded(checkpoint: Path, config: HypernetworkConfig, family: str = "qwen3") -> DocToLora:
    write_checkpoint(checkpoint, random_hypernetwork(config))
    return load_checkpoint(checkpoint, made(family), tokenizer=words())


def logits(
    doc: DocToLora, ids: Tensor, adapter: dict[str, tuple[Tensor, Tensor]], **options: object
) -> Tensor:
    with doc.applied(adapter, **options) as model, torch.no_grad():  # type: ignore[arg-type]
        return model(ids).logits  # type: ignore[no-any-return]


def assert_near(a: Tensor, b: Tensor, tolerance: float = 1e-5) -> None:
    torch.testing.assert_close(a, b, atol=tolerance, rtol=tolerance)


@pytest.mark.parametrize("family", ["gemma2", "qwen3", "mistral"])
@pytest.mark.parametrize("modules", [(DOWN,), ATTENTION_AND_MLP])
def test_an_adapter_changes_the_model_as_its_merged_weights_would(
    checkpoint: Path, family: str, modules: tuple[TargetModule, ...]
) -> None:
    doc = loaded(checkpoint, replace(CONFIG, target_modules=modules), family)
    adapter = doc.combine(doc.factors(doc.latents(Chunks.pad([list(range(1, 30)), list(range(30, 40))]))))
    ids = some_ids(8)
    with torch.no_grad():
        before = doc.base(ids).logits
        found = logits(doc, ids, adapter)
        assert_near(doc.base(ids).logits, before)  # it is gone after the block
        for name, (A, B) in adapter.items():
            for index, layer in enumerate(doc.base.model.layers):
                parent = layer.mlp if name == "down_proj" else layer.self_attn
                getattr(parent, name).weight += doc.config.lora_alpha * B[0, index].T @ A[0, index]
        merged = doc.base(ids).logits
    assert_near(found, merged, 1e-4)
    assert (found - before).abs().max() > 1e-3


@pytest.mark.parametrize(
    "change",
    [
        {},
        {"encoder_kind": "early_exit", "encoder_layer": 2},
        {"encoder_kind": "embeddings"},
        {"target_modules": ATTENTION_AND_MLP},
        {"projection": "per_layer", "per_layer_latents": True},
        {"n_self_attn_per_block": 1, "shared_weights": True, "per_layer_processing": False},
    ],
)
def test_latents_read_on_the_way_are_those_of_the_features(tmp_path: Path, change: dict[str, object]) -> None:
    config = replace(CONFIG, **change)  # type: ignore[arg-type]
    folder = tmp_path / "converted"
    folder.mkdir()
    _save(random_hypernetwork(config), folder)
    doc = load_checkpoint(folder, made("qwen3"), tokenizer=words())
    chunks = Chunks.pad([list(range(1, 30)), list(range(30, 40))])
    found = doc.latents(chunks)
    assert found.shape == (2, 5, config.n_modules, 2, 16)
    assert_near(found, doc.hypernetwork.unit_latents(doc.features(chunks), chunks.mask))
    assert_near(found[1:], doc.latents(chunks[1:2]))  # alone as in a batch


def _save(hypernetwork: torch.nn.Module, folder: Path) -> None:
    from engine.formats.weights_file import save_tensors

    tensors = {name: values.numpy().astype(np.float32) for name, values in hypernetwork.state_dict().items()}
    save_tensors(folder / "hypernetwork.safetensors", tensors, quantise=False)
    (folder / "config.json").write_text(hypernetwork.config.to_json())  # type: ignore[union-attr, operator]


def test_each_context_serves_its_own_rows(checkpoint: Path) -> None:
    doc = loaded(checkpoint, CONFIG)
    factors = doc.factors(doc.latents(Chunks.pad([[1, 2, 3, 4], [5, 6, 7], [8, 9]])))
    both = doc.combine(factors, [1, 2])
    ids = some_ids(6, 6, 6)
    found = logits(doc, ids, both, n_queries=[1, 2])
    first = doc.combine({name: (A[:1], B[:1]) for name, (A, B) in factors.items()})
    second = doc.combine({name: (A[1:], B[1:]) for name, (A, B) in factors.items()})
    assert_near(found[:1], logits(doc, ids[:1], first))
    assert_near(found[1:], logits(doc, ids[1:], second, n_queries=[2]))


def test_scalings_act_as_the_specification_says(checkpoint: Path) -> None:
    doc = loaded(checkpoint, CONFIG)
    latents = doc.latents(Chunks.pad([[1, 2, 3, 4]]))

    def delta(**options: object) -> Tensor:
        scaling = options.pop("scaling", 1.0)
        adapter = doc.combine(doc.factors(latents, scaling), **options)  # type: ignore[arg-type]
        A, B = adapter["down_proj"]
        return B[0].mT @ A[0]

    bias = doc.combine(doc.factors(latents, 0.0))["down_proj"]
    bias_delta = bias[1][0].mT @ bias[0][0]
    whole = delta()
    assert_near(delta(scaling=0.5) - bias_delta, (whole - bias_delta) * 0.25)
    assert_near(delta(scalers=torch.tensor([-2.0])) - bias_delta, (whole - bias_delta) * -2.0)
    assert_near(delta(bias_scaler=0.5) - whole, bias_delta * -0.75)


def test_a_document_of_any_length_is_internalized_chunk_by_chunk(checkpoint: Path) -> None:
    doc = loaded(checkpoint, CONFIG)
    text = " ".join(f"w{1 + number % 90}" for number in range(100))
    adapter = doc.internalize(text, max_chunk_tokens=30)
    n_chunks = doc.split(doc.context_ids(text), 30).ids.shape[0]
    assert n_chunks > 3
    assert adapter["down_proj"][0].shape == (1, 5, (n_chunks + 1) * 2, 48)
    assert isinstance(doc.answer("w3 w4", adapter, max_new_tokens=3), str)


class Limited(ContextEncoder):
    """An encoder on a device whose memory ends at so many tokens."""

    def __init__(self, encoder: ContextEncoder, most_tokens: int, device: str) -> None:
        self._encoder, self._most_tokens = encoder, most_tokens
        self.device = torch.device(device)

    def __call__(self, ids: Tensor, take: TakeStates) -> None:
        if ids.shape[1] > self._most_tokens:
            raise torch.OutOfMemoryError("CUDA out of memory. Tried to allocate 2 GiB")
        self._encoder(ids, take)


def test_a_device_short_of_memory_gets_less_then_the_cpu_takes_over_and_says_so(checkpoint: Path) -> None:
    said: list[str] = []
    write_checkpoint(checkpoint, random_hypernetwork(CONFIG))
    doc = load_checkpoint(checkpoint, made("qwen3"), tokenizer=words(), on_notice=said.append)
    text = " ".join(f"w{1 + number % 90}" for number in range(1500))
    expected = doc.internalize(text, 2048)
    doc.encoder = Limited(doc.encoder, 8, "meta")  # no CPU, at any rate

    found = doc.internalize(text, 2048)

    assert [sentence.partition(":")[2] for sentence in said] == [
        " one layer at a time, at most 2048 tokens.",
        " one layer at a time, at most 1024 tokens.",
        " one layer at a time, at most 512 tokens.",
        " the CPU takes over, which is slower.",
    ]
    assert doc.encoder.device.type == "cpu"
    assert_near(found["down_proj"][0], expected["down_proj"][0], 0.05)  # perhaps in bfloat16


def test_shorter_chunks_suffice_where_memory_does_for_them(checkpoint: Path) -> None:
    said: list[str] = []
    write_checkpoint(checkpoint, random_hypernetwork(CONFIG))
    doc = load_checkpoint(checkpoint, made("qwen3"), tokenizer=words(), on_notice=said.append)
    text = " ".join(f"w{1 + number % 90}" for number in range(1500))
    expected = doc.internalize(text, 512)
    doc.encoder = Limited(doc.encoder, 700, "cpu")
    found = doc.internalize(text, 2048)
    assert len(said) == 3
    assert_near(found["down_proj"][0], expected["down_proj"][0])


def test_an_error_that_is_not_about_memory_is_not_hidden(checkpoint: Path) -> None:
    doc = loaded(checkpoint, CONFIG)
    doc.hypernetwork.head["weight"] = torch.nn.Parameter(torch.zeros(1, 2, 3))
    with pytest.raises(RuntimeError, match=r"size|subscript|dimension"):
        doc.internalize("w1 w2")


def test_a_converted_folder_gives_the_same(checkpoint: Path, tmp_path: Path) -> None:
    doc = loaded(checkpoint, CONFIG)
    convert_checkpoint(checkpoint, tmp_path / "converted")
    again = load_checkpoint(tmp_path / "converted", made("qwen3"), tokenizer=words())
    chunks = Chunks.pad([[1, 2, 3, 4]])
    assert torch.equal(doc.latents(chunks), again.latents(chunks))


def test_a_foreign_encoder_must_be_given_and_is_used(checkpoint: Path) -> None:
    config = replace(CONFIG, encoder_model="tiny/other", encoder_layer=5)
    write_checkpoint(checkpoint, random_hypernetwork(config))
    with pytest.raises(ModelUnavailable, match="tiny/other"):
        load_checkpoint(checkpoint, made("qwen3"), tokenizer=words())

    other = made("mistral", seed=3)
    doc = load_checkpoint(checkpoint, made("qwen3"), encoder_model=other, tokenizer=words())
    chunks = Chunks.pad([[1, 2, 3, 4]])
    with torch.no_grad():
        expected = other(chunks.ids, output_hidden_states=True).hidden_states[2]
    assert_near(doc.features(chunks)[:, 2], expected)


@pytest.mark.parametrize(
    "text",
    [
        "{",
        "[]",
        "null",
        "{}",
        "[" * 100_000,
        '{"model_type": "qwen3", "hidden_size": "x"}',
        '{"model_type": []}',
    ],
    ids=range(7),
)
def test_a_damaged_folder_of_a_model_is_told_in_a_sentence(
    text: str, checkpoint: Path, tmp_path: Path
) -> None:
    write_checkpoint(checkpoint, random_hypernetwork(CONFIG))
    (tmp_path / "base").mkdir()
    (tmp_path / "base" / "config.json").write_text(text)
    with pytest.raises(ModelUnavailable, match="This model cannot be loaded"):
        load_checkpoint(checkpoint, tmp_path / "base", tokenizer=words())


@pytest.mark.parametrize("text", ["{", "[]", "{}", "[" * 100_000, '{"model": {"type": "BPE"}}'], ids=range(5))
def test_a_damaged_tokenizer_is_told_in_a_sentence(text: str, checkpoint: Path, tmp_path: Path) -> None:
    write_checkpoint(checkpoint, random_hypernetwork(CONFIG))
    made("qwen3").save_pretrained(tmp_path / "base")
    (tmp_path / "base" / "tokenizer.json").write_text(text)
    (tmp_path / "base" / "tokenizer_config.json").write_text('{"tokenizer_class": "PreTrainedTokenizerFast"}')
    with pytest.raises(ModelUnavailable, match="tokenizer cannot be loaded"):
        load_checkpoint(checkpoint, tmp_path / "base")


@pytest.mark.parametrize(
    ("base", "encoder"),
    [("google/gemma-2-2b-it", "tiny/other"), ("tiny/base", "Qwen/Qwen3-4B-Instruct-2507")],
)
def test_inner_chunks_are_wrapped_in_the_template_of_the_model_that_reads_them(
    base: str, encoder: str, checkpoint: Path
) -> None:
    config = replace(CONFIG, base_model=base, encoder_model=encoder, encoder_layer=5)
    write_checkpoint(checkpoint, random_hypernetwork(config))
    doc = load_checkpoint(checkpoint, made("gemma2"), encoder_model=made("qwen3"), tokenizer=words())
    assert (doc.template.before, doc.template.after) == (QWEN.before, QWEN.after)


def test_questions_are_put_in_the_words_of_the_base_and_notes_in_those_of_the_encoder(
    checkpoint: Path,
) -> None:
    config = replace(CONFIG, base_model="tiny/base", encoder_model="tiny/other", encoder_layer=5)
    write_checkpoint(checkpoint, random_hypernetwork(config))
    doc = load_checkpoint(
        checkpoint,
        made("gemma2"),
        encoder_model=made("qwen3"),
        tokenizer=words(),
        base_tokenizer=words(first_id=41),
    )

    # The marks of the templates are no words here: they are <unk>.
    assert [id_ for id_ in doc.context_ids("w1 w2") if id_] == [1, 2]
    assert [id_ for id_ in doc.query_ids("w1 w2") if id_] == [41, 42]
    answer = doc.answer("w1", doc.internalize("w3 w4"), max_new_tokens=3)
    assert all(word.startswith("w") for word in answer.split())


def test_a_base_whose_tokenizer_is_not_there_makes_adapters_and_says_what_lacks_when_asked(
    checkpoint: Path,
) -> None:
    config = replace(CONFIG, base_model="tiny/base", encoder_model="tiny/other", encoder_layer=5)
    write_checkpoint(checkpoint, random_hypernetwork(config))
    doc = load_checkpoint(checkpoint, made("gemma2"), encoder_model=made("qwen3"), tokenizer=words())

    assert doc.internalize("w1 w2")["down_proj"][0].isfinite().all()
    with pytest.raises(ModelUnavailable, match="tokenizer cannot be loaded"):
        doc.query_ids("w1")


def test_adapters_can_be_made_without_a_base_to_carry_them(checkpoint: Path) -> None:
    write_checkpoint(checkpoint, random_hypernetwork(CONFIG))
    doc = load_checkpoint(checkpoint, encoder_model=made("qwen3"), tokenizer=words())
    adapter = doc.internalize("w1 w2 w3")
    assert adapter["down_proj"][0].isfinite().all()
    with pytest.raises(ValueError, match="without a base model"), doc.applied(adapter):
        pass
    with pytest.raises(ValueError, match="encoder_model"):
        load_checkpoint(checkpoint)


def test_a_four_bit_encoder_that_cannot_be_had_is_said(
    checkpoint: Path, caplog: pytest.LogCaptureFixture
) -> None:
    config = replace(CONFIG, encoder_in_nf4=True)
    write_checkpoint(checkpoint, random_hypernetwork(config))
    load_checkpoint(checkpoint, made("qwen3"), tokenizer=words())
    assert "4-bit in training" in caplog.text
    with pytest.raises(ModelUnavailable, match="CUDA"):
        load_checkpoint(checkpoint, made("qwen3"), tokenizer=words(), quantize_encoder=True)


def test_a_folder_without_a_model_is_refused(checkpoint: Path, tmp_path: Path) -> None:
    write_checkpoint(checkpoint, random_hypernetwork(CONFIG))
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        load_checkpoint(checkpoint, tmp_path)


# --- the reference's own case ---------------------------------------------------------------------------


def test_from_text_to_greedy_tokens_everything_is_the_references() -> None:
    expected = expected_tensors()
    doc = load_checkpoint(CHECKPOINT, BASE)
    ids = doc.context_ids(NOTE)
    for n, chunks in ((1, doc.split(ids)), (3, doc.split(ids, 128))):
        assert torch.equal(chunks.ids, expected[f"ctx_ids.{n}"])
        assert torch.equal(chunks.mask.long(), expected[f"ctx_mask.{n}"])
        latents = doc.latents(chunks)
        assert_near(latents, expected[f"stage.{n}.l2"])
        factors = doc.factors(latents)
        adapter = doc.combine(factors)
        for letter, ours, joined in zip("AB", factors["down_proj"], adapter["down_proj"], strict=True):
            assert_near(ours, expected[f"gen.{n}.down_proj.{letter}"])
            assert_near(joined, expected[f"comb.{n}.down_proj.{letter}"])
        query = expected["query_ids.1"]
        assert_near(logits(doc, query, adapter), expected[f"logits.{n}"], 2e-5)
        with doc.applied(adapter) as model:
            tokens = model.generate(query, max_new_tokens=12, do_sample=False, eos_token_id=None)
        assert torch.equal(tokens, expected[f"greedy.{n}"])


def test_the_references_own_scaling_has_its_squared_effect() -> None:
    expected = expected_tensors()
    doc = load_checkpoint(CHECKPOINT, BASE)
    chunks = Chunks(expected["ctx_ids.3"], expected["ctx_mask.3"].bool())
    adapter = doc.combine(doc.factors(doc.latents(chunks), 0.5))
    found = logits(doc, expected["query_ids.1"], adapter)
    assert_near(found, expected["logits_user_scaling_0.5.3"], 2e-5)
