"""What the service does beyond the commands, which tests/app/cli/test_exchange_commands.py goes through."""

from dataclasses import replace
from pathlib import Path

import pytest

from app.bootstrap import Application
from app.services.adapter_exports import NotExportable
from app.services.one_shot import OneShotStopped
from engine.adapters.messages import (
    AdapterExported,
    ExportAdapter,
    MergeAdapters,
    MergeProgress,
    ModelMerged,
)
from engine.messages import Shutdown, WorkerFailed
from storage.records import DocumentRecord
from tests.app.conftest import Bench
from tests.app.fakes import FakeWorker


class Writers:
    """The processes that write; they are told what to, and write nothing.

    Attributes:
        lives: those that export, in order.
        is_slow: an export does not come to an end.
    """

    def __init__(self) -> None:
        self.wanted: list[ExportAdapter | MergeAdapters] = []
        self.lives: list[FakeWorker[Shutdown, AdapterExported | WorkerFailed]] = []
        self.is_slow = False

    def export(self, wanted: ExportAdapter) -> FakeWorker[Shutdown, AdapterExported | WorkerFailed]:
        self.wanted.append(wanted)
        done = None if self.is_slow else AdapterExported(wanted.out, 8, 1000)
        self.lives.append(FakeWorker(done, lambda _worker, _command: None))
        return self.lives[-1]

    def merge(self, wanted: MergeAdapters) -> "_Writer":
        self.wanted.append(wanted)
        return _Writer(ModelMerged(wanted.out, 30, 2000))


class _Writer(FakeWorker[Shutdown, MergeProgress | ModelMerged | WorkerFailed]):
    """Tells half and whole, then the end."""

    def __init__(self, merged: ModelMerged) -> None:
        self._merged = merged
        super().__init__(None, lambda _worker, _command: None)

    def _run(self) -> None:
        for event in (MergeProgress(0.5), MergeProgress(1.0), self._merged):
            self.emit(event)


@pytest.fixture
def writers(bench: Bench) -> Writers:
    writers = Writers()
    bench.workers = replace(bench.workers, exports=writers.export, merges=writers.merge)
    return writers


@pytest.fixture
def application(bench: Bench, writers: Writers) -> Application:
    application = bench.start(headless=True)
    application.ingest.add_paths([bench.write("Boat.md", "It is green.\n\nIt leaks.")])
    bench.wait_ready("Boat.md")
    return application


@pytest.fixture
def boat(bench: Bench, application: Application) -> DocumentRecord:
    return bench.known("Boat.md")


def test_a_note_is_exported_while_the_services_run(
    application: Application, writers: Writers, boat: DocumentRecord, tmp_path: Path
) -> None:
    exported = application.exports.export([boat], "gguf", tmp_path)

    (wanted,) = writers.wanted
    assert exported.path == wanted.out == tmp_path / "Boat.gguf"
    assert len(wanted.adapter_set.parts) == 2
    assert not wanted.may_overwrite


def test_a_file_in_the_place_of_a_folder_is_refused_before_anything_starts(
    application: Application, writers: Writers, boat: DocumentRecord
) -> None:
    with pytest.raises(NotExportable, match="is a file"):
        application.exports.export([boat], "peft", boat.path)
    assert writers.wanted == []


def test_a_merge_says_how_far_it_is(
    application: Application, writers: Writers, boat: DocumentRecord, tmp_path: Path
) -> None:
    told: list[object] = []

    merged = application.exports.merge([boat], tmp_path, on_progress=told.append)

    assert merged.path == tmp_path / "Boat merged.gguf"
    assert [event for event in told if isinstance(event, MergeProgress)] == [
        MergeProgress(0.5),
        MergeProgress(1.0),
    ]


def test_an_export_that_is_stopped_ends_its_process(
    application: Application, writers: Writers, boat: DocumentRecord, tmp_path: Path
) -> None:
    writers.is_slow = True
    with pytest.raises(OneShotStopped):
        application.exports.export([boat], "gguf", tmp_path, is_stopped=lambda: bool(writers.wanted))
    assert [life.is_running for life in writers.lives] == [False]
