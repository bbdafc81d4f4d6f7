"""The share of the deltas that all notes have in common, alone and in a run."""

import gzip
import json
from pathlib import Path

import pytest
import torch

from engine.training.common_part import common_share
from engine.training.loop import LOG_FILE, Trainer
from tests.engine.tiny_llama import TinySize, gguf_tensors, random_llama, write_gguf
from tests.engine.training.tiny_run import TINY_RUN, trainer_at

pytestmark = pytest.mark.usefixtures("one_thread")
CONFIG = """
base_model = "base.gguf"
data = "data"
out = "{out}"
minutes = 2.0
n_contexts = 8
n_questions = 1
set_sizes = [1, 4]
warmup_steps = 4
common_weight = {weight}
"""
CONFIG += TINY_RUN


def test_the_share_is_that_of_the_deltas_themselves() -> None:
    torch.manual_seed(0)
    lora_A, lora_B = torch.randn(5, 3, 2, 7), torch.randn(5, 3, 2, 6)
    deltas = torch.einsum("clro,clri->cloi", lora_B, lora_A)
    expected = deltas.mean(0).square().sum() / deltas.square().sum((1, 2, 3)).mean()
    torch.testing.assert_close(common_share(lora_A, lora_B), expected)


def test_it_is_one_for_the_same_deltas_and_least_for_perpendicular_ones() -> None:
    lora_A, lora_B = torch.randn(1, 3, 2, 7), torch.randn(1, 3, 2, 6)
    same = common_share(lora_A.expand(4, -1, -1, -1), lora_B.expand(4, -1, -1, -1))
    torch.testing.assert_close(same, torch.tensor(1.0))
    apart = common_share(torch.eye(4, 7).reshape(4, 1, 1, 7), torch.randn(1, 1, 1, 6).expand(4, -1, -1, -1))
    torch.testing.assert_close(apart, torch.tensor(0.25))


def test_a_run_adds_the_weighted_share_to_its_loss(tmp_path: Path) -> None:
    write_gguf(tmp_path / "base.gguf", TinySize(), gguf_tensors(random_llama(TinySize()), TinySize()))
    (tmp_path / "data").mkdir()
    with gzip.open(tmp_path / "data" / "notes.jsonl.gz", "wt", encoding="utf-8") as lines:
        for i in range(40):
            qas = [{"q": f"what is in shed {i}?", "a": [f"key{i}"]}]
            lines.write(json.dumps({"context": f"the shed {i} has a key{i}.", "qas": qas}) + "\n")

    without, minded = (trainer_of(tmp_path, weight) for weight in (0.0, 5.0))
    batch = next(minded._batches())
    with torch.no_grad():
        share = common_share(*minded.student._generated(batch.contexts, batch.lengths, batch.weights))
    for trainer in (without, minded):
        trainer.run(minutes=0.1)

    added = first_loss(minded) - first_loss(without)
    assert added == pytest.approx(5.0 * float(share), abs=1e-3)


def trainer_of(folder: Path, weight: float) -> Trainer:
    path = folder / f"run {weight}.toml"
    path.write_text(CONFIG.format(out=f"out {weight}", weight=weight), encoding="utf-8")
    return trainer_at(path)


def first_loss(trainer: Trainer) -> float:
    log = (trainer.config.out / LOG_FILE).read_text(encoding="utf-8")
    return float(json.loads(log.splitlines()[0])["loss"])
