import os
import sqlite3
import subprocess
import sys
import threading
from pathlib import Path

import pytest

from app.bootstrap import open_profile
from app.services.library_events import EngineState, EngineStateChanged, ModelPreparationProgressed
from storage.errors import StorageError
from tests.app.conftest import Bench
from tests.patience import PATIENCE_S


def test_a_profile_is_made_private_and_complete(tmp_path: Path) -> None:
    home = tmp_path / "deep" / "home"

    profile = open_profile(home)
    profile.close()

    assert profile.paths.catalog.is_file()
    if sys.platform != "win32":
        assert home.stat().st_mode & 0o077 == 0


def test_a_home_that_is_a_file_is_said_in_words(tmp_path: Path) -> None:
    (tmp_path / "home").write_text("in the way", encoding="utf-8")

    with pytest.raises(StorageError, match="cannot be used"):
        open_profile(tmp_path / "home")


def test_a_damaged_catalog_is_said_in_a_notice(bench: Bench) -> None:
    bench.build().close()
    catalog = bench.opened[0].paths.catalog
    catalog.write_bytes(b"no database" * 1000)

    bench.build()

    assert len(bench.notices) == 1
    assert "damaged" in bench.notices[0].title


def test_the_models_are_announced_in_order(bench: Bench) -> None:
    bench.start()
    bench.wait(lambda: [e for e in bench.events if isinstance(e, EngineStateChanged) and e.worker == "chat"])

    models = [
        event
        for event in bench.events
        if isinstance(event, ModelPreparationProgressed)
        or (isinstance(event, EngineStateChanged) and event.worker == "models")
    ]
    assert models == [
        EngineStateChanged("models", EngineState.STARTING),
        ModelPreparationProgressed(1.0),
        EngineStateChanged("models", EngineState.READY),
    ]


def test_closing_twice_and_before_the_start_does_no_harm(bench: Bench) -> None:
    application = bench.build()
    application.close()
    application.close()
    application.start()

    assert bench.chat_engine.lives == []


def test_closing_ends_every_thread_and_every_worker(bench: Bench) -> None:
    before = set(threading.enumerate())
    application = bench.start()
    application.watch.watch(bench.notes)
    bench.write("a.md", "One.")
    bench.wait_ready("a.md")
    application.chat.ask(None, "One?").result(PATIENCE_S)

    application.close()

    assert set(threading.enumerate()) - before == set()
    assert not any(worker.is_running for worker in bench.ingest_engine.lives)
    assert not any(worker.is_running for worker in bench.chat_engine.lives)
    with sqlite3.connect(application.paths.catalog) as connection:
        assert connection.execute("PRAGMA quick_check").fetchone() == ("ok",)
    connection.close()


def test_a_process_that_only_asks_leaves_the_lock_to_others(bench: Bench) -> None:
    asking = bench.build(headless=True)
    asking.start(learn=False)
    asking.chat.ask(None, "One?").result(PATIENCE_S)

    learning = bench.start()

    assert learning.lock.wait_held(PATIENCE_S)
    assert not asking.lock.is_held


def test_the_window_process_imports_no_engine_library() -> None:
    code = (
        "import sys; import app.bootstrap; "
        "heavy = {'torch', 'transformers', 'peft', 'llama_cpp', 'numpy', 'PySide6', 'pypdf', 'docx'}; "
        "print(sorted(heavy & sys.modules.keys()))"
    )
    found = subprocess.run(
        [sys.executable, "-c", code], capture_output=True, text=True, check=True, env=dict(os.environ)
    )

    assert found.stdout.strip() == "[]"
