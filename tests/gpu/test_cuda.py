"""What only a CUDA GPU can show: `pytest tests/gpu` on a machine with one. Elsewhere all of it is skipped.

The tolerances are stated in docs/devices.md. tests/engine/hypernetwork/test_parity.py holds the CPU against
the reference; here CUDA is held against the CPU.
"""

import json
from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from numpy.typing import NDArray
from torch import Tensor
from transformers import AutoModelForCausalLM, Gemma2Config

from app.bootstrap import SHIPPED_WEIGHTS, build
from app.cli.demo import samples_folder
from app.ui.samples import QUESTIONS_NAME, find_samples
from engine.evaluation.metrics import score
from engine.formats.hypernetwork_config import HypernetworkConfig, TargetModule
from engine.hypernetwork import load_checkpoint
from engine.hypernetwork.doc_to_lora import DocToLora
from engine.hypernetwork.internalizer import Internalizer
from engine.hypernetwork.on_cuda import HostEmbedding
from engine.hypernetwork.reading import Chunks
from engine.messages import AnswerMode
from storage.records import DocumentState
from tests.engine.hypernetwork.reference_checkpoints import random_hypernetwork, write_checkpoint
from tests.engine.tiny_bases import words
from tests.patience import PROCESS_PATIENCE_S

pytestmark = [
    pytest.mark.gpu,
    pytest.mark.skipif(not torch.cuda.is_available(), reason="there is no CUDA GPU here"),
]

MIN_COSINE = 0.99
"""Of each unit latent on CUDA (bfloat16 encoder and perceiver) to that of the CPU in float32."""

CONFIG = HypernetworkConfig(
    n_layers=6,
    d_encoder=256,
    d_latent=64,
    lora_rank=4,
    target_modules=(TargetModule("down_proj", 512, 256),),
    lora_alpha=16.0,
    n_latents=4,
    n_blocks=2,
    encoder_in_nf4=True,
    base_model="google/gemma-2-2b-it",
)


def cosines(a: Tensor, b: Tensor) -> Tensor:
    """Of the vectors along the last axis."""
    return torch.nn.functional.cosine_similarity(a.float().cpu(), b.float().cpu(), dim=-1)


# --- the embedded model -----------------------------------------------------------------------------------


@pytest.mark.model
def test_the_sample_notes_latents_are_those_of_the_cpu(f16_base_model: Path) -> None:
    texts = [note.read_text(encoding="utf-8")[:200] for note in find_samples(samples_folder()).notes]
    found = {}
    for device in ("cpu", "cuda"):
        internalizer = Internalizer.load(f16_base_model, SHIPPED_WEIGHTS, device, None)
        width = internalizer.config.d_latent
        found[device] = [as_vectors(data, width) for data in internalizer.latents_of(texts)]
    for text, on_cpu, on_cuda in zip(texts, found["cpu"], found["cuda"], strict=True):
        near = cosines(torch.from_numpy(on_cpu), torch.from_numpy(on_cuda))
        print(f"least cosine {near.min():.5f}, mean {near.mean():.5f}: {text[:40]!r}")
        assert near.min() > MIN_COSINE


def as_vectors(data: bytes, width: int) -> NDArray[np.float32]:
    """Stored latents as (L * M * r, d)"""
    return np.frombuffer(data, "<f2").astype(np.float32).reshape(-1, width)


@pytest.mark.model
def test_notes_learnt_on_cuda_answer_as_those_learnt_on_the_cpu(tmp_path: Path) -> None:
    """Through the app's own processes: learning on the device, answers by llama.cpp."""
    rows = json.loads((samples_folder() / QUESTIONS_NAME).read_text(encoding="utf-8"))
    answers = {device: list(answers_with(device, tmp_path / device, rows)) for device in ("cpu", "cuda")}
    recall = {
        device: np.mean(
            [score(answer, [row["answer"]]).recall for answer, row in zip(given, rows, strict=True)]
        )
        for device, given in answers.items()
    }
    equal = np.mean([a == b for a, b in zip(answers["cpu"], answers["cuda"], strict=True)])
    print(f"{len(rows)} questions: recall {recall}, {equal:.0%} of the answers are the same words")
    assert abs(recall["cuda"] - recall["cpu"]) <= 0.05
    assert equal >= 0.8


def answers_with(device: str, home: Path, rows: list[dict[str, str]]) -> Iterator[str]:
    application = build(home, headless=True)
    try:
        application.settings.save(replace(application.settings.current, device=device))
        application.ingest.add_paths(find_samples(samples_folder()).notes)
        application.start()
        assert application.dispatcher.wait_until_idle(PROCESS_PATIENCE_S)
        documents = application.library.documents()
        assert {document.state for document in documents} == {DocumentState.READY}
        assert {document.note for document in documents} == {""}  # nothing fell back to the CPU
        for row in rows:
            chat_id = application.chat.new_chat().id
            yield (
                application.chat.ask(chat_id, row["question"], mode=AnswerMode.MEMORY)
                .result(PROCESS_PATIENCE_S)
                .answer
            )
    finally:
        application.close()


# --- published checkpoints ----------------------------------------------------------------------------------


@pytest.fixture
def base_dir(tmp_path: Path) -> Path:
    """A Gemma 2 with random weights, large enough for blocks of 4-bit numbers."""
    torch.manual_seed(0)
    config = Gemma2Config(
        vocab_size=97,
        hidden_size=256,
        intermediate_size=512,
        num_hidden_layers=6,
        num_attention_heads=8,
        num_key_value_heads=4,
        head_dim=32,
        query_pre_attn_scalar=32,
        sliding_window=64,
        max_position_embeddings=8192,
    )
    make: Any = AutoModelForCausalLM  # untyped in transformers
    make.from_config(config).save_pretrained(tmp_path / "base")
    words().save_pretrained(tmp_path / "base")
    return tmp_path / "base"


@pytest.fixture
def checkpoint(tmp_path: Path) -> Path:
    write_checkpoint(tmp_path / "pytorch_model.bin", random_hypernetwork(CONFIG))
    return tmp_path / "pytorch_model.bin"


def loaded(checkpoint: Path, base_dir: Path, device: str, **options: Any) -> DocToLora:  # noqa: ANN401
    dtype = torch.float32 if device == "cpu" else torch.bfloat16
    return load_checkpoint(checkpoint, encoder_model=base_dir, device=device, dtype=dtype, **options)


def chunks_of(*lengths: int) -> Chunks:
    torch.manual_seed(1)
    return Chunks.pad([torch.randint(1, 97, (length,)).tolist() for length in lengths])


def test_a_bfloat16_encoder_on_cuda_gives_the_cpus_latents(checkpoint: Path, base_dir: Path) -> None:
    chunks = chunks_of(700, 30)
    on_cpu = loaded(checkpoint, base_dir, "cpu").latents(chunks)
    on_cuda = loaded(checkpoint, base_dir, "cuda", quantize_encoder=False).latents(chunks)
    near = cosines(on_cpu, on_cuda)
    print(f"bfloat16: least cosine {near.min():.5f}, mean {near.mean():.5f}")
    assert near.min() > MIN_COSINE


def test_a_4_bit_encoder_keeps_its_embedding_off_the_gpu_and_the_latents_near(
    checkpoint: Path, base_dir: Path
) -> None:
    bitsandbytes: Any = pytest.importorskip("bitsandbytes")
    said: list[str] = []
    chunks = chunks_of(700, 30)
    doc = loaded(checkpoint, base_dir, "cuda", on_notice=said.append)  # 4 bits, as it was trained
    decoder: Any = doc.encoder._decoder
    embedding = decoder.get_input_embeddings()
    assert isinstance(embedding, HostEmbedding)
    assert embedding.weight.device.type == "cpu"
    assert isinstance(decoder.layers[0].mlp.down_proj, bitsandbytes.nn.Linear4bit)
    near = cosines(loaded(checkpoint, base_dir, "cpu").latents(chunks), doc.latents(chunks))
    print(f"NF4: least cosine {near.min():.5f}, mean {near.mean():.5f}")
    # 4 bits are another encoder, if a similar one: a wrong layer or scale would give about 0.
    assert near.mean() > 0.9
    assert said == []


def test_a_full_gpu_leaves_the_work_to_the_cpu_and_says_so(checkpoint: Path, base_dir: Path) -> None:
    said: list[str] = []
    doc = loaded(checkpoint, base_dir, "cuda", quantize_encoder=False, on_notice=said.append)
    chunks = chunks_of(4096)
    expected = doc.latents(chunks)
    torch.cuda.empty_cache()
    free, total = torch.cuda.mem_get_info()
    held = torch.cuda.memory_allocated()
    torch.cuda.set_per_process_memory_fraction((held + 2**21) / total)  # two megabytes more than the weights
    try:
        found = doc.latents(chunks)
    finally:
        torch.cuda.set_per_process_memory_fraction(1.0)
    assert free > 0
    assert "one layer at a time" in said[0]
    assert "the CPU takes over" in said[-1]
    assert doc.encoder.device.type == "cpu"
    assert cosines(found, expected).min() > MIN_COSINE


def test_an_adapter_made_on_cuda_answers_on_cuda(checkpoint: Path, base_dir: Path) -> None:
    doc = load_checkpoint(
        checkpoint, base_model=base_dir, device="cuda", dtype=torch.bfloat16, quantize_encoder=False
    )
    adapter = doc.internalize("w1 w2 w3 w4 w5")
    assert isinstance(doc.answer("w1", adapter, max_new_tokens=4), str)
    ids = torch.tensor([[5, 6, 7]], device="cuda")
    with torch.no_grad():
        bare = doc.base(ids).logits
        with doc.applied(adapter) as model:
            carried = model(ids).logits
    assert (bare - carried).abs().max() > 1e-3
