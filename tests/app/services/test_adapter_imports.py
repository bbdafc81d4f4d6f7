"""The way into the library for adapters made elsewhere: real store, the reading process played by a fake."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.bootstrap import Application, WorkerFactories
from app.services.library_events import DocumentsChanged
from app.services.one_shot import OneShotStopped
from engine.adapters.messages import AdapterImported, ImportAdapter
from engine.errors import EngineError, InvalidAdapter
from engine.messages import Shutdown, WorkerFailed
from storage.records import DocumentKind, DocumentState
from tests.app.conftest import Bench
from tests.app.fakes import BASE_HASH, FakeWorker

DATA = bytes(32) + b"factors of a style"
SHA256 = hashlib.sha256(DATA[32:]).hexdigest()


@dataclass
class FakeReading:
    """All processes that read adapters. ``failure`` is what they say in place of a result."""

    orders: list[ImportAdapter] = field(default_factory=list)
    title: str = ""
    sha256: str = SHA256
    failure: WorkerFailed | None = None

    def __call__(self, order: ImportAdapter) -> FakeWorker[Shutdown, AdapterImported | WorkerFailed]:
        self.orders.append(order)
        source = order.source
        file = source / "adapter_model.safetensors" if source.is_dir() else source
        imported = AdapterImported(file, self.title, self.sha256, 4, 2000, "rank 4 on q_proj", DATA)
        return FakeWorker(self.failure or imported, lambda _worker, _command: None)


@pytest.fixture
def reading(bench: Bench) -> FakeReading:
    fake = FakeReading()
    bench.workers = WorkerFactories(imports=fake)
    return fake


@pytest.fixture
def application(bench: Bench, reading: FakeReading) -> Application:
    return bench.build()


@pytest.fixture
def style(tmp_path: Path) -> Path:
    """A PEFT folder; the fake does not look into it."""
    folder = tmp_path.resolve() / "style"
    folder.mkdir()
    for name in ("adapter_config.json", "adapter_model.safetensors"):
        (folder / name).write_bytes(b"")
    return folder


def test_an_adapter_becomes_a_document_and_the_library_is_told(
    bench: Bench, application: Application, reading: FakeReading, style: Path
) -> None:
    document = application.imports.add(style)

    assert (document.title, document.kind, document.state) == (
        "style",
        DocumentKind.ADAPTER,
        DocumentState.READY,
    )
    assert document.enabled
    assert application.library.documents() == (document,)
    assert DocumentsChanged((document.id,)) in bench.events
    assert [order.base_hash for order in reading.orders] == [BASE_HASH]


@pytest.mark.parametrize("chosen", [".", "adapter_config.json", "adapter_model.safetensors"])
def test_of_a_peft_folder_any_of_its_files_may_be_named(
    application: Application, reading: FakeReading, style: Path, chosen: str
) -> None:
    application.imports.add(style / chosen)

    assert [order.source for order in reading.orders] == [style]


def test_a_gguf_file_is_named_after_itself_or_as_it_says(
    application: Application, reading: FakeReading, tmp_path: Path
) -> None:
    file = tmp_path / "plain.GGUF"
    file.write_bytes(b"")

    first = application.imports.add(file)
    application.library.forget([first.id])
    reading.title = "Two\nlines\x1b[2J"
    second = application.imports.add(file)

    assert (first.title, second.title) == ("plain", "Two lines\ufffd[2J")


@pytest.mark.parametrize(
    ("name", "title"),
    [("gone.gguf", "There is no"), ("adapter_model.bin", "neither a folder nor a GGUF file")],
)
def test_what_is_no_adapter_is_refused_before_anything_is_started(
    bench: Bench, application: Application, reading: FakeReading, style: Path, name: str, title: str
) -> None:
    (style / "adapter_model.bin").write_bytes(b"a pickle")

    with pytest.raises(InvalidAdapter, match=title):
        application.imports.add(style / name)

    assert (reading.orders, bench.preparation.attempts) == ([], 0)


def test_what_the_process_refuses_is_passed_on(
    application: Application, reading: FakeReading, style: Path
) -> None:
    reading.failure = WorkerFailed("It is made for another model.", "9 layers.")

    with pytest.raises(EngineError) as failure:
        application.imports.add(style)

    assert (failure.value.title, failure.value.detail) == ("It is made for another model.", "9 layers.")
    assert application.library.documents() == ()


def test_what_was_damaged_on_its_way_is_not_kept(
    application: Application, reading: FakeReading, style: Path
) -> None:
    reading.sha256 = "0" * 64

    with pytest.raises(InvalidAdapter, match="damaged on its way"):
        application.imports.add(style)

    assert application.library.documents() == ()


def test_an_import_that_is_broken_off_changes_nothing(application: Application, style: Path) -> None:
    with pytest.raises(OneShotStopped):
        application.imports.add(style, is_stopped=lambda: True)

    assert application.library.documents() == ()


def test_it_must_fit_the_model_of_this_run_also_when_another_is_chosen_for_the_next(
    bench: Bench, application: Application, reading: FakeReading, style: Path
) -> None:
    application.settings.change(lambda current: replace(current, model="qwen3-4b"))

    application.imports.add(style)

    assert bench.preparation.wanted[-1].name == "embedded"
