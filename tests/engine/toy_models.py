"""Models for tests of the ingest pipeline and worker: a token is a word, an adapter is the chunk's text."""

import re
from collections.abc import Sequence
from dataclasses import dataclass
from multiprocessing.connection import Client, Connection
from pathlib import Path

from engine.errors import ModelUnavailable
from engine.messages import EngineSettings
from engine.pipeline import IngestPipeline
from engine.worker import serve


@dataclass(frozen=True)
class ToyConfig:
    max_chunk_tokens: int = 12


class ToyInternalizer:
    """Fits engine.pipeline.Internalizer."""

    device_text = "CPU, toy"
    device_reason = "this is a test"
    base_hash = "b" * 64
    hypernetwork_hash = "c" * 64
    rank = 4
    batch_size = 1
    config = ToyConfig()

    def __init__(self) -> None:
        self.remarks: list[str] = []

    def count_tokens(self, text: str) -> int:
        return 2 + len(text.split())

    def token_offsets(self, text: str) -> list[int]:
        return [word.start() for word in re.finditer(r"\S+", text)]

    def latents(self, text: str) -> bytes:
        return b"latents of " + text.encode()

    def latents_of(self, texts: Sequence[str]) -> list[bytes]:
        return [self.latents(text) for text in texts]


class GatedInternalizer(ToyInternalizer):
    """Tells the test at ``address`` of each chunk and waits for its answer before it goes on."""

    def __init__(self, address: str) -> None:
        super().__init__()
        self._gate = Client(address, authkey=b"toy")

    def latents(self, text: str) -> bytes:
        self._gate.send(text)
        match self._gate.recv():
            case "no memory":
                raise MemoryError
            case "bug":
                raise ZeroDivisionError("a bug in the models")
        return super().latents(text)


def toy_pipeline(settings: EngineSettings) -> IngestPipeline:
    return IngestPipeline(settings, lambda settings: ToyInternalizer())


def serve_toy_models(conn: Connection, settings: EngineSettings) -> None:
    serve(conn, toy_pipeline(settings), idle_unload_s=settings.idle_unload_s)


def serve_gated_models(conn: Connection, settings: EngineSettings) -> None:
    """``settings.base_model`` is the address of the test's gate."""
    pipeline = IngestPipeline(settings, lambda settings: GatedInternalizer(str(settings.base_model)))
    serve(conn, pipeline, idle_unload_s=settings.idle_unload_s)


def serve_missing_models(conn: Connection, settings: EngineSettings) -> None:
    serve(conn, IngestPipeline(settings, _find_nothing), idle_unload_s=settings.idle_unload_s)


def _find_nothing(settings: EngineSettings) -> ToyInternalizer:
    raise ModelUnavailable(
        "The language model is missing.", f"{Path(settings.base_model).name} is not there."
    )
