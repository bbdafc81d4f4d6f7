"""The spawned ingest worker with the real base model and a small hypernetwork with random weights."""

import queue
from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pytest
import torch

from engine.adapters.latent_head import LatentHead
from engine.client import WorkerClient
from engine.formats.hypernetwork_config import CONFIG_FILE, TENSORS_FILE, HypernetworkConfig, TargetModule
from engine.formats.weights_file import hypernetwork_hash, save_tensors
from engine.hypernetwork.hypernetwork import Hypernetwork
from engine.messages import (
    ChunkAdapter,
    Codec,
    EngineSettings,
    IngestCommand,
    IngestEvent,
    Internalize,
    JobDone,
    JobFailed,
    JobProgress,
    WorkerFailed,
    WorkerReady,
)
from engine.models.embedded import base_model_hash
from engine.worker_clients import ingest_client
from tests.patience import PROCESS_PATIENCE_S

pytestmark = pytest.mark.model

CONFIG = HypernetworkConfig(
    n_layers=30,
    d_encoder=576,
    d_latent=32,
    lora_rank=4,
    target_modules=(TargetModule("down_proj", 1536, 576),),
    lora_alpha=16.0,
    n_latents=4,
    n_blocks=1,
    n_heads=2,
    n_kv_heads=2,
    d_head=16,
    projection="per_layer",
    per_layer_latents=True,
    has_decoder=False,
    bias_rank=2,
    max_chunk_tokens=384,
    context_prefix="<|im_start|>user\n",
)
PARAGRAPH = (
    "Ida keeps the bees behind the shed. The gate opens with 4711, and Otto has the only other key."
    " In May they took twelve kilos of honey, which was less than the year before.\n\n"
)


@pytest.fixture(scope="module")
def weights_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("weights")
    torch.manual_seed(3)
    state = Hypernetwork(CONFIG).state_dict()
    tensors = {name: values.numpy().astype(np.float32) for name, values in state.items()}
    save_tensors(folder / TENSORS_FILE, tensors)
    (folder / CONFIG_FILE).write_text(CONFIG.to_json(), encoding="utf-8")
    return folder


class Worker:
    """The real ingest worker and its events."""

    def __init__(self, settings: EngineSettings) -> None:
        self.client: WorkerClient[IngestCommand, IngestEvent] = ingest_client(settings)
        self._events: queue.Queue[IngestEvent] = queue.Queue()
        self.client.start(self._events.put)

    def next_event(self) -> IngestEvent:
        return self._events.get(timeout=PROCESS_PATIENCE_S)

    def learn(self, path: Path) -> JobDone | JobFailed:
        self.client.send(Internalize(1, path))
        while isinstance(event := self.next_event(), JobProgress):
            pass
        assert isinstance(event, JobDone | JobFailed), event
        return event

    def chunks_of(self, path: Path, text: str) -> tuple[ChunkAdapter, ...]:
        path.write_text(text, encoding="utf-8")
        done = self.learn(path)
        assert isinstance(done, JobDone)
        return done.chunks


@pytest.fixture(scope="module")
def settings(f16_base_model: Path, weights_dir: Path) -> EngineSettings:
    return EngineSettings(f16_base_model, weights_dir, device="cpu", n_threads=1)


@pytest.fixture(scope="module")
def worker(settings: EngineSettings) -> Iterator[Worker]:
    worker = Worker(settings)
    ready = worker.next_event()
    assert isinstance(ready, WorkerReady), ready
    assert ready.base_hash == base_model_hash(settings.base_model)
    assert ready.hypernetwork_hash == hypernetwork_hash(settings.weights_dir)
    assert "CPU" in ready.device
    yield worker
    worker.client.stop()


def test_a_note_becomes_latents_that_the_chat_can_read(
    worker: Worker, tmp_path: Path, weights_dir: Path
) -> None:
    (chunk,) = worker.chunks_of(tmp_path / "bees.md", "# Bees\n\n" + PARAGRAPH)
    assert chunk.text == "# Bees\n\n" + PARAGRAPH.strip()
    assert (chunk.codec, chunk.rank) == (Codec.LATENTS_F16, CONFIG.lora_rank)
    factors = LatentHead.load(weights_dir).factors(chunk.data)
    A, B = factors.modules["down_proj"]
    assert A.shape == (30, CONFIG.lora_rank, 1536)
    assert B.shape == (30, CONFIG.lora_rank, 576)
    assert np.abs(A).max() > 0
    latents = np.frombuffer(chunk.data, "<f2").astype(np.float32).reshape(-1, CONFIG.d_latent)
    np.testing.assert_allclose(np.linalg.norm(latents, axis=1), 1.0, atol=2e-3)


def test_the_same_text_gives_the_same_adapter_and_another_text_another(
    worker: Worker, tmp_path: Path
) -> None:
    (first,) = worker.chunks_of(tmp_path / "a.md", PARAGRAPH)
    (again,) = worker.chunks_of(tmp_path / "b.md", PARAGRAPH)
    (other,) = worker.chunks_of(tmp_path / "c.md", PARAGRAPH.replace("4711", "8023"))
    assert first.data == again.data
    assert first.data != other.data


def test_a_long_note_becomes_even_chunks_that_fit(worker: Worker, tmp_path: Path) -> None:
    chunks = worker.chunks_of(tmp_path / "long.md", PARAGRAPH * 16)
    n_tokens = [chunk.n_tokens for chunk in chunks]
    assert max(n_tokens) <= CONFIG.max_chunk_tokens
    assert max(n_tokens) < 1.4 * min(n_tokens)
    assert "".join("".join(c.text for c in chunks).split()) == "".join((PARAGRAPH * 16).split())


def test_a_note_that_contains_the_templates_marks_is_plain_text(worker: Worker, tmp_path: Path) -> None:
    (plain,) = worker.chunks_of(tmp_path / "p.md", "Type the word end.")
    (marked,) = worker.chunks_of(tmp_path / "m.md", "Type the word <|im_end|>.")
    assert marked.n_tokens > plain.n_tokens + 2, "the mark was taken for one control token"


def test_a_gigantic_word_and_strange_letters_are_learnt(worker: Worker, tmp_path: Path) -> None:
    chunks = worker.chunks_of(tmp_path / "strange.txt", "x1" * 700 + " 😀\u0301 今天我去商店。 \u202e end")
    assert all(chunk.n_tokens <= CONFIG.max_chunk_tokens for chunk in chunks)
    assert chunks[-1].text.endswith("end")


def test_a_file_that_cannot_be_learnt_leaves_the_worker_ready(worker: Worker, tmp_path: Path) -> None:
    failed = worker.learn(tmp_path / "gone.md")
    assert isinstance(failed, JobFailed)
    assert failed.title == "The file is gone."
    assert len(worker.chunks_of(tmp_path / "next.md", PARAGRAPH)) == 1


def test_missing_weights_are_told_in_words(f16_base_model: Path, tmp_path: Path) -> None:
    worker = Worker(EngineSettings(f16_base_model, tmp_path, device="cpu", n_threads=1))
    failed = worker.next_event()
    worker.client.stop()
    assert isinstance(failed, WorkerFailed)
    assert failed.title
    assert failed.detail
