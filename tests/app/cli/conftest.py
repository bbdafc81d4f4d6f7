"""The command line in this process, with toys for worker processes; and in its own, with the real ones."""

import json
import os
import subprocess
import sys
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, field
from functools import partial
from pathlib import Path
from typing import Any

import pytest

import app.bootstrap
from app.bootstrap import WorkerFactories
from app.cli import one_shot, session
from app.cli.home import HOME_VARIABLE
from app.cli.main import run
from tests.app.fakes import FakeChatEngine, FakeIngestEngine, FakePreparation
from tests.patience import PROCESS_PATIENCE_S

PROJECT = Path(app.__path__[0]).parent


@dataclass(frozen=True)
class Ended:
    """What a command left behind."""

    code: int
    out: str
    err: str

    @property
    def json(self) -> Any:  # noqa: ANN401  whatever the command printed
        return json.loads(self.out)


@dataclass
class Shell:
    """Types commands; each runs in this process with fake workers."""

    home: Path
    notes: Path
    capsys: pytest.CaptureFixture[str]
    ingest_engine: FakeIngestEngine = field(default_factory=FakeIngestEngine)
    chat_engine: FakeChatEngine = field(default_factory=FakeChatEngine)
    preparation: FakePreparation = field(default_factory=FakePreparation)
    workers: WorkerFactories = field(init=False)

    def __post_init__(self) -> None:
        self.workers = WorkerFactories(self.ingest_engine, self.chat_engine, self.preparation)

    def __call__(self, *words: str | Path) -> Ended:
        code = run(["--home", str(self.home), *map(str, words)])
        captured = self.capsys.readouterr()
        assert "Traceback" not in captured.err
        return Ended(code, captured.out, captured.err)

    def write(self, name: str, text: str) -> Path:
        path = self.notes / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(text, encoding="utf-8")
        return path

    def upgrade(self, hypernetwork_hash: str) -> None:
        """From now on there is another hypernetwork."""
        self.preparation.hypernetwork_hash = hypernetwork_hash
        self.ingest_engine.hypernetwork_hash = hypernetwork_hash

    def listed(self) -> dict[str, dict[str, Any]]:
        """The library by file name."""
        return {Path(row["path"]).name: row for row in self("list", "--json").json["documents"]}


@pytest.fixture
def shell(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> Iterator[Shell]:
    shell = Shell(tmp_path.resolve() / "home", tmp_path.resolve() / "notes", capsys)
    shell.notes.mkdir()
    monkeypatch.setattr(session, "build", partial(app.bootstrap.build, weights_dir=tmp_path))
    monkeypatch.setattr(app.bootstrap, "WorkerFactories", lambda: shell.workers)
    for module in (one_shot, app.bootstrap):
        monkeypatch.setattr(module, "preparation_client", shell.preparation)
    monkeypatch.delenv(HOME_VARIABLE, raising=False)
    yield shell
    shell.ingest_engine.release()
    shell.chat_engine.released.set()


def environment(**more: str) -> dict[str, str]:
    """Of a process that has neither a display nor a profile of its own."""
    hidden = ("DISPLAY", "WAYLAND_DISPLAY", "QT_QPA_PLATFORM", HOME_VARIABLE)
    kept = {name: value for name, value in os.environ.items() if name not in hidden}
    return kept | {"PYTHONPATH": str(PROJECT), "PYTHONIOENCODING": "utf-8"} | more


def command(words: Sequence[str | Path]) -> list[str]:
    """The command line of a process of its own."""
    return [sys.executable, "-m", "app", *map(str, words)]


def run_process(*words: str | Path, stdin: str = "", env: dict[str, str] | None = None) -> Ended:
    """Run a command in a process of its own, with real workers and the embedded model."""
    ended = subprocess.run(
        command(words),
        input=stdin,
        env=env or environment(),
        capture_output=True,
        encoding="utf-8",
        timeout=PROCESS_PATIENCE_S,
        check=False,
    )
    assert "Traceback" not in ended.stderr
    return Ended(ended.returncode, ended.stdout, ended.stderr)
