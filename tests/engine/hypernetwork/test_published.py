"""A note learnt with a published checkpoint's architecture: from the file to the chat's LoRA factors."""

from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch

from engine.adapters.latent_head import LatentHead
from engine.errors import EngineError, ModelUnavailable
from engine.hypernetwork import load_checkpoint
from engine.hypernetwork.convert import convert_checkpoint
from engine.hypernetwork.reading import Chunks
from engine.messages import Codec, EngineSettings, Internalize, JobDone
from engine.pipeline import IngestPipeline
from tests.engine.hypernetwork.reference_checkpoints import random_hypernetwork, write_checkpoint
from tests.engine.hypernetwork.test_context_encoder import made
from tests.engine.hypernetwork.test_doc_to_lora import ATTENTION_AND_MLP, CONFIG
from tests.engine.tiny_bases import words


@pytest.fixture
def encoder_dir(tmp_path: Path) -> Path:
    folder = tmp_path / "encoder"
    made("qwen3").save_pretrained(folder)
    words().save_pretrained(folder)
    return folder


@pytest.fixture
def weights_dir(tmp_path: Path) -> Path:
    config = replace(CONFIG, target_modules=ATTENTION_AND_MLP)
    write_checkpoint(tmp_path / "pytorch_model.bin", random_hypernetwork(config))
    convert_checkpoint(tmp_path / "pytorch_model.bin", tmp_path / "weights")
    return tmp_path / "weights"


@pytest.fixture
def settings(tmp_path: Path, encoder_dir: Path, weights_dir: Path) -> EngineSettings:
    chat_model = tmp_path / "chat.gguf"
    chat_model.write_bytes(b"GGUF")
    return EngineSettings(chat_model, weights_dir, device="cpu", n_threads=2, encoder_dir=encoder_dir)


def learn(settings: EngineSettings, note: Path) -> JobDone:
    return IngestPipeline(settings).internalize(Internalize(1, note), lambda *_: None, lambda: False)


def test_a_note_gives_the_adapters_of_its_passages_and_the_chat_makes_the_same_factors(
    settings: EngineSettings, tmp_path: Path
) -> None:
    note = tmp_path / "note.md"
    note.write_text("\n\n".join(" ".join(f"w{n}" for n in range(1, 90)) for _ in range(14)), encoding="utf-8")

    done = learn(settings, note)

    assert len(done.chunks) > 2
    assert max(chunk.n_tokens for chunk in done.chunks) <= 512
    assert {chunk.codec for chunk in done.chunks} == {Codec.LATENTS_F16}
    assert settings.encoder_dir is not None
    doc = load_checkpoint(settings.weights_dir, encoder_model=settings.encoder_dir)
    chunks = Chunks.pad([doc.context_ids(chunk.text) for chunk in done.chunks])
    expected = doc.factors(doc.latents(chunks))
    found = LatentHead.load(settings.weights_dir).factors_of([chunk.data for chunk in done.chunks])
    for index, factors in enumerate(found):
        for name, (A, B) in factors.modules.items():
            # The catalog keeps float16; unit vectors lose three digits at most.
            np.testing.assert_allclose(A, expected[name][0][index].numpy(), atol=2e-2)
            np.testing.assert_allclose(B, expected[name][1][index].numpy(), atol=2e-2)


def test_what_the_device_lacks_is_said_of_the_device_and_not_of_a_note(
    settings: EngineSettings, tmp_path: Path
) -> None:
    config = replace(CONFIG, target_modules=ATTENTION_AND_MLP, encoder_in_nf4=True)
    write_checkpoint(tmp_path / "4bit.bin", random_hypernetwork(config))
    convert_checkpoint(tmp_path / "4bit.bin", settings.weights_dir)
    note = tmp_path / "note.md"
    note.write_text("w1 w2 w3", encoding="utf-8")
    pipeline = IngestPipeline(settings)
    assert "4-bit encoders run on CUDA only" in pipeline.load().reason
    assert pipeline.internalize(Internalize(1, note), lambda *_: None, lambda: False).note == ""


def test_numbers_that_are_not_finite_are_no_adapter(settings: EngineSettings, tmp_path: Path) -> None:
    note = tmp_path / "note.md"
    note.write_text("w1 w2 w3", encoding="utf-8")
    assert settings.encoder_dir is not None
    model: Any = made("qwen3")
    model.get_input_embeddings().weight.data.fill_(torch.inf)
    model.save_pretrained(settings.encoder_dir)
    with pytest.raises(EngineError, match="not finite"):
        learn(settings, note)


def test_a_folder_that_is_no_encoder_is_told(settings: EngineSettings, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="cannot be loaded"):
        IngestPipeline(replace(settings, encoder_dir=tmp_path)).load()
