"""A published checkpoint's adapter answers in llama.cpp as in transformers, for each base's architecture."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.adapters.composition import Composition
from engine.adapters.latent_head import LatentHead
from engine.chat.adapter_sets import AdapterSets
from engine.chat.runtime import LlamaRuntime
from engine.hypernetwork import load_checkpoint
from engine.hypernetwork.convert import convert_checkpoint
from engine.hypernetwork.doc_to_lora import DocToLora
from engine.hypernetwork.reading import Chunks
from engine.messages import AdapterPart, Codec
from tests.engine.hypernetwork.reference_checkpoints import random_hypernetwork, write_checkpoint
from tests.engine.tiny_bases import CONFIGS, HYPERNETWORK, random_base, words, write_base

IDS = [5, 17, 33, 60, 61, 90, 12, 44]


@pytest.fixture(params=list(CONFIGS))
def family(request: pytest.FixtureRequest) -> str:
    return str(request.param)


def loaded(tmp_path: Path, family: str) -> tuple[DocToLora, Path]:
    base = random_base(family)
    write_checkpoint(tmp_path / "pytorch_model.bin", random_hypernetwork(replace(HYPERNETWORK)))
    convert_checkpoint(tmp_path / "pytorch_model.bin", tmp_path / "weights")
    doc = load_checkpoint(tmp_path / "weights", base, tokenizer=words())
    return doc, write_base(tmp_path / "base.gguf", family, base)


def test_two_chunks_change_the_logits_alike(tmp_path: Path, family: str) -> None:
    doc, path = loaded(tmp_path, family)
    latents = doc.latents(Chunks.pad([[7, 8, 9, 10, 11], [20, 21, 22]]))
    adapter = doc.combine(doc.factors(latents))
    with torch.no_grad():
        plain = doc.base(torch.tensor([IDS])).logits[0, -1].numpy()
        with doc.applied(adapter) as model:
            expected = model(torch.tensor([IDS])).logits[0, -1].numpy()
    parts = [
        AdapterPart(f"chunk {index}", Codec.LATENTS_F16, u.flatten(1, 2).numpy().astype("<f2").tobytes(), 1.0)
        for index, u in enumerate(latents)
    ]

    with LlamaRuntime(path, n_ctx=256, n_threads=1) as runtime:
        sets = AdapterSets(runtime, Composition(LatentHead.load(tmp_path / "weights"), ""))
        base = runtime.read_prompt(IDS)
        assert sets.apply(parts) == 3 * HYPERNETWORK.lora_rank
        found = runtime.read_prompt(IDS)

    effect = np.abs(expected - plain).max()
    assert effect > 0.5
    # llama.cpp keeps keys and values in float16.
    np.testing.assert_allclose(base, plain, atol=0.05)
    np.testing.assert_allclose(found, expected, atol=0.05)
