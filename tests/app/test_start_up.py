"""What may not be imported before the window is painted: each of these would be felt, some take seconds."""

import json
import subprocess
import sys
from pathlib import Path

from tests.app.cli.conftest import environment

OF_THE_WORKERS = {
    "torch",
    "transformers",
    "peft",
    "accelerate",
    "jinja2",
    "llama_cpp",
    "numpy",
    "gguf",
    "huggingface_hub",
}
OF_THE_STORE = {"sqlalchemy", "alembic", "mako", "filelock", "storage.database", "storage.catalog"}
OF_THE_SERVICES = {"watchdog", "engine.client", "app.services.chat_service", "app.services.watch_service"}
NOT_WANTED_YET = {"app.ui.models_dialog", "engine.models.messages"}
OF_PYTHON = {"asyncio", "multiprocessing", "importlib.metadata", "sqlite3", "ssl", "http.client", "email"}
OF_QT = {"PySide6.QtNetwork", "PySide6.QtQml", "PySide6.QtTest", "PySide6.QtSvg"}

START = """
import json, os, sys, types
from app.__main__ import main
from app.cli import window

def open_catalog(basics):
    # The window is on the screen: only then is this called.
    print(json.dumps(sorted(sys.modules)), flush=True)
    os._exit(0)

window.why_no_window = lambda: ""
window.system_requirements = lambda: None
sys.modules["app.bootstrap"] = types.SimpleNamespace(open_catalog=open_catalog, assemble=None)
sys.argv = ["loreleaf"]
main()
"""


def test_the_window_is_painted_before_anything_slow_is_imported(tmp_path: Path) -> None:
    found = subprocess.run(
        [sys.executable, "-c", START],
        env=environment(QT_QPA_PLATFORM="offscreen", LORELEAF_HOME=str(tmp_path)),
        capture_output=True,
        text=True,
        check=True,
    )

    imported = set(json.loads(found.stdout))
    assert "app.ui.main_window" in imported
    slow = OF_THE_WORKERS | OF_THE_STORE | OF_THE_SERVICES | NOT_WANTED_YET | OF_PYTHON | OF_QT
    assert imported & slow == set()
