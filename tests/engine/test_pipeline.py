import hashlib
from pathlib import Path

import pytest

from engine.errors import EngineError, UnreadableDocument
from engine.messages import Codec, EngineSettings, Internalize
from engine.pipeline import IngestPipeline, JobStopped, PipelineFacts
from tests.engine.toy_models import ToyInternalizer

SENTENCE = "The gate opens with 4711 today."
NOTE = "\n\n".join(["# Garden", *(f"The gate opens with 471{n} today." for n in range(5))]) + "\n"


class RecordingLoader:
    """Loads toy models and remembers how often."""

    def __init__(self, models: ToyInternalizer | None = None) -> None:
        self.n_loads = 0
        self._models = models or ToyInternalizer()

    def __call__(self, settings: EngineSettings) -> ToyInternalizer:
        self.n_loads += 1
        return self._models


@pytest.fixture
def settings(tmp_path: Path) -> EngineSettings:
    return EngineSettings(base_model=tmp_path / "base.gguf", weights_dir=tmp_path)


@pytest.fixture
def note(tmp_path: Path) -> Path:
    path = tmp_path / "Garden.md"
    path.write_text(NOTE, encoding="utf-8")
    return path


def never() -> bool:
    return False


def ignore(n_done: int, n_chunks: int) -> None:
    pass


def test_a_note_becomes_chunks_with_their_text_span_tokens_and_adapter(
    settings: EngineSettings, note: Path
) -> None:
    done = IngestPipeline(settings, RecordingLoader()).internalize(Internalize(7, note), ignore, never)
    assert done.job_id == 7
    assert done.content_hash == hashlib.sha256(note.read_bytes()).hexdigest()
    assert done.size_bytes == note.stat().st_size
    assert (done.base_hash, done.hypernetwork_hash) == ("b" * 64, "c" * 64)
    assert done.seconds > 0
    assert [chunk.position for chunk in done.chunks] == list(range(len(done.chunks)))
    assert len(done.chunks) > 2
    for chunk in done.chunks:
        assert chunk.text == NOTE[chunk.char_start : chunk.char_end]
        assert chunk.n_tokens == 2 + len(chunk.text.split()) <= 12
        assert (chunk.codec, chunk.rank) == (Codec.LATENTS_F16, 4)
        assert chunk.data == b"latents of " + chunk.text.encode()
    assert " ".join(chunk.text for chunk in done.chunks).split() == NOTE.split()


def test_progress_counts_from_none_to_all(settings: EngineSettings, note: Path) -> None:
    seen: list[tuple[int, int]] = []
    pipeline = IngestPipeline(settings, RecordingLoader())
    done = pipeline.internalize(Internalize(1, note), lambda n, of: seen.append((n, of)), never)
    n_chunks = len(done.chunks)
    assert seen == [(n, n_chunks) for n in range(n_chunks + 1)]


def test_a_cancelled_job_stops_before_the_next_chunk(settings: EngineSettings, note: Path) -> None:
    done = 0

    def count(n_done: int, n_chunks: int) -> None:
        nonlocal done
        done = n_done

    pipeline = IngestPipeline(settings, RecordingLoader())
    with pytest.raises(JobStopped):
        pipeline.internalize(Internalize(1, note), count, lambda: done == 2)
    assert done == 2


def test_a_job_cancelled_while_it_was_read_loads_no_models(settings: EngineSettings, note: Path) -> None:
    loader = RecordingLoader()
    with pytest.raises(JobStopped):
        IngestPipeline(settings, loader).internalize(Internalize(1, note), ignore, lambda: True)
    assert loader.n_loads == 0


def test_an_unreadable_document_loads_no_models(settings: EngineSettings, tmp_path: Path) -> None:
    loader = RecordingLoader()
    with pytest.raises(UnreadableDocument, match="gone"):
        IngestPipeline(settings, loader).internalize(Internalize(1, tmp_path / "gone.md"), ignore, never)
    assert loader.n_loads == 0


def test_models_are_loaded_once_and_again_after_unloading(settings: EngineSettings, note: Path) -> None:
    loader = RecordingLoader()
    pipeline = IngestPipeline(settings, loader)
    assert not pipeline.is_loaded
    assert pipeline.load() == PipelineFacts("CPU, toy", "this is a test", "b" * 64, "c" * 64)
    pipeline.internalize(Internalize(1, note), ignore, never)
    assert loader.n_loads == 1
    pipeline.unload()
    assert not pipeline.is_loaded
    pipeline.internalize(Internalize(2, note), ignore, never)
    assert loader.n_loads == 2


def test_a_document_of_too_many_chunks_is_refused_before_the_first_one(
    settings: EngineSettings, tmp_path: Path
) -> None:
    path = tmp_path / "Library.txt"
    path.write_text(f"{SENTENCE}\n\n" * 3000, encoding="utf-8")
    progress: list[int] = []
    pipeline = IngestPipeline(settings, RecordingLoader())
    with pytest.raises(UnreadableDocument, match="too much text") as caught:
        pipeline.internalize(Internalize(1, path), lambda n_done, n_chunks: progress.append(n_done), never)
    assert "“Library.txt” has more than 1400 passages" in caught.value.detail
    assert progress == []


def test_a_long_document_can_be_cancelled_while_it_is_chunked(
    settings: EngineSettings, tmp_path: Path
) -> None:
    path = tmp_path / "long.txt"
    path.write_text(f"{SENTENCE}\n\n" * 100, encoding="utf-8")
    questions = iter([False] * 10 + [True])
    pipeline = IngestPipeline(settings, RecordingLoader())
    with pytest.raises(JobStopped):
        pipeline.internalize(Internalize(1, path), ignore, lambda: next(questions))


def test_the_remark_about_the_encoding_travels_with_the_result(
    settings: EngineSettings, tmp_path: Path
) -> None:
    path = tmp_path / "old.txt"
    path.write_bytes("Der Schlüssel liegt überm Türrahmen.".encode("cp1252"))
    done = IngestPipeline(settings, RecordingLoader()).internalize(Internalize(1, path), ignore, never)
    assert done.note == "Read as Windows-1252."


class Counting(ToyInternalizer):
    def __init__(self) -> None:
        super().__init__()
        self.learnt: list[str] = []

    def latents(self, text: str) -> bytes:
        self.learnt.append(text)
        return super().latents(text)


def test_what_a_document_repeats_is_learnt_once_and_stands_in_each_place(
    settings: EngineSettings, tmp_path: Path
) -> None:
    path = tmp_path / "Forms.txt"
    path.write_text(f"{SENTENCE}\n\nThis one is different from it.\n\n{SENTENCE}\n", encoding="utf-8")
    models = Counting()
    progress: list[tuple[int, int]] = []
    done = IngestPipeline(settings, RecordingLoader(models)).internalize(
        Internalize(1, path), lambda *at: progress.append(at), never
    )
    assert len(models.learnt) == len(set(models.learnt)) == 2
    assert [chunk.text for chunk in done.chunks] == [models.learnt[0], models.learnt[1], models.learnt[0]]
    assert done.chunks[0].data == done.chunks[2].data != done.chunks[1].data
    assert [chunk.position for chunk in done.chunks] == [0, 1, 2]
    assert progress == [(0, 2), (1, 2), (2, 2)]


class Remarking(ToyInternalizer):
    def latents(self, text: str) -> bytes:
        self.remarks.append("Memory was short.")
        return super().latents(text)


def test_what_happened_to_the_device_travels_with_the_note_it_happened_to(
    settings: EngineSettings, note: Path, tmp_path: Path
) -> None:
    old = tmp_path / "old.txt"
    old.write_bytes("Schlüssel. ".encode("cp1252") * 20)
    models = Remarking()
    pipeline = IngestPipeline(settings, RecordingLoader(models))
    assert pipeline.internalize(Internalize(1, old), ignore, never).note == (
        "Read as Windows-1252. Memory was short."
    )
    assert pipeline.internalize(Internalize(2, note), ignore, never).note == "Memory was short."
    assert models.remarks == []


class Exhausted(ToyInternalizer):
    def latents(self, text: str) -> bytes:
        raise MemoryError


def test_too_little_memory_is_told_in_words(settings: EngineSettings, note: Path) -> None:
    pipeline = IngestPipeline(settings, RecordingLoader(Exhausted()))
    with pytest.raises(EngineError, match="not enough memory") as caught:
        pipeline.internalize(Internalize(1, note), ignore, never)
    assert "Garden.md" in caught.value.detail


def test_too_little_memory_for_the_models_is_told_in_words(settings: EngineSettings) -> None:
    def fail(settings: EngineSettings) -> ToyInternalizer:
        raise MemoryError

    with pytest.raises(EngineError, match="not enough memory"):
        IngestPipeline(settings, fail).load()
