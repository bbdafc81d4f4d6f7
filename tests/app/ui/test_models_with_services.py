"""Models and imports in the window over the real services: real store, real processes, a hub on loopback."""

from collections.abc import Iterator
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QFileDialog, QPushButton
from pytestqt.qtbot import QtBot

from app.bootstrap import Application, WorkerFactories
from app.ui.deferred_services import DeferredServices
from app.ui.engine_bridge import EngineBridge
from app.ui.main_window import MainWindow
from app.ui.model_actions import ModelActions
from app.ui.model_card import ModelCard
from engine.messages import WorkerFailed
from storage.paths import ProfilePaths
from storage.records import DocumentKind
from tests.app.conftest import Bench, basics_of
from tests.app.services.test_adapter_imports import FakeReading
from tests.engine.fake_hub import FakeHub, Stall
from tests.engine.toy_registry import (
    BASE,
    CHAT_FILE,
    NAME,
    NETWORKS,
    TOKEN,
    encoder_files,
    fetch_client,
    survey_client,
    write_files,
)
from tests.patience import PATIENCE_MS

"""Processes are started and import what they need, on a busy machine."""


@pytest.fixture
def reading(bench: Bench) -> FakeReading:
    """The processes that the window asks: toys for the models, a fake for imports."""
    fake = FakeReading()
    bench.workers = WorkerFactories(survey=survey_client, fetch=fetch_client, imports=fake)
    return fake


def open_window(qtbot: QtBot, application: Application) -> MainWindow:
    window = MainWindow(
        basics_of(application), DeferredServices(lambda: application), EngineBridge(), Path("no-samples")
    )
    qtbot.addWidget(window)
    window.show()
    with qtbot.waitSignal(window.library_actions.documents_shown):
        window.start()
    return window


@pytest.fixture
def window(qtbot: QtBot, bench: Bench, reading: FakeReading, toy_hub: FakeHub) -> Iterator[MainWindow]:
    window = open_window(qtbot, bench.build())
    yield window
    window.shut()


def actions(window: MainWindow) -> ModelActions:
    """What the dialog's buttons do, also where one is switched off."""
    assert window.models_dialog is not None
    return window.models_dialog.model_actions


def toy_card(qtbot: QtBot, window: MainWindow) -> ModelCard:
    """The card of the toy, in the opened dialog, after a look."""
    window.show_models()
    dialog = window.models_dialog
    assert dialog is not None
    wait_until_idle(qtbot, window)
    assert not dialog.problem.text()
    qtbot.waitUntil(dialog.cards[NAME].isVisible)
    return dialog.cards[NAME]


def wait_until_idle(qtbot: QtBot, window: MainWindow) -> None:
    lanes = (window.lanes["models"], window.lanes["download"])
    qtbot.waitUntil(lambda: all(lane.is_idle for lane in lanes), timeout=PATIENCE_MS)


def click(button: QPushButton) -> None:
    assert button.isVisible()
    assert button.isEnabled()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def test_a_model_is_downloaded_stopped_resumed_and_removed(
    qtbot: QtBot, bench: Bench, window: MainWindow, toy_hub: FakeHub
) -> None:
    card = toy_card(qtbot, window)
    assert card.standing.text() == "Not here"
    toy_hub.go_wrong(CHAT_FILE, Stall(1500))
    click(card.fetch_button)
    qtbot.waitUntil(toy_hub.has_stalled.is_set, timeout=PATIENCE_MS)
    click(card.stop_button)
    wait_until_idle(qtbot, window)
    assert card.standing.text() == "Partly downloaded"
    toy_hub.seen.clear()

    click(card.fetch_button)
    wait_until_idle(qtbot, window)

    assert toy_hub.ranges("") == ["bytes=1500-"]
    assert card.standing.text() == "Ready"
    assert "Press Use" in card.remark.text()

    bench.preparation.failure = WorkerFailed("The model “toy” is not ready.", "Complete it.")
    click(card.use_button)
    wait_until_idle(qtbot, window)
    assert "is not ready" in card.remark.text()
    assert window._basics.settings.current.model == "embedded"

    actions(window).remove(NAME)
    wait_until_idle(qtbot, window)
    assert card.standing.text() == "Not here"


def test_a_window_closed_in_the_middle_of_a_download_loses_nothing(
    qtbot: QtBot, bench: Bench, window: MainWindow, toy_hub: FakeHub
) -> None:
    toy_hub.go_wrong(CHAT_FILE, Stall(1500))
    click(toy_card(qtbot, window).fetch_button)
    qtbot.waitUntil(toy_hub.has_stalled.is_set, timeout=PATIENCE_MS)
    window.close()
    window.shut()
    bench.opened[-1].close()

    again = open_window(qtbot, bench.build())
    assert toy_card(qtbot, again).standing.text() == "Partly downloaded"
    again.shut()


def test_a_token_is_asked_for_used_and_kept(qtbot: QtBot, window: MainWindow, toy_hub: FakeHub) -> None:
    toy_hub.repos[NETWORKS].granted = frozenset({TOKEN})
    toy_hub.known_tokens.add(TOKEN)
    card = toy_card(qtbot, window)
    click(card.fetch_button)
    wait_until_idle(qtbot, window)
    assert f'href="https://huggingface.co/{NETWORKS}"' in card.token.words.text()
    assert "loreleaf models" not in card.token.words.text()  # what one would type

    card.token.field.setText("hf_made_up")
    click(card.token.button)
    wait_until_idle(qtbot, window)
    assert "does not accept the token" in card.token.words.text()
    home = ProfilePaths(window._basics.paths.home)
    assert not home.hub_token.exists()

    card.token.field.setText(TOKEN)
    click(card.token.button)
    wait_until_idle(qtbot, window)
    assert card.standing.text() == "Ready"
    assert home.hub_token.read_text(encoding="utf-8").strip() == TOKEN


def test_own_files_stand_in_for_a_part_of_the_download(
    qtbot: QtBot, window: MainWindow, toy_hub: FakeHub, tmp_path: Path
) -> None:
    base = write_files(tmp_path / "base", encoder_files())
    card = toy_card(qtbot, window)
    actions(window).download(NAME, (base,))
    wait_until_idle(qtbot, window)
    assert card.standing.text() == "Ready"
    assert not [seen for seen in toy_hub.seen if BASE in seen.path]


# --- imports ------------------------------------------------------------------------------------------------


@pytest.fixture
def style(tmp_path: Path) -> Path:
    folder = tmp_path.resolve() / "style"
    folder.mkdir()
    (folder / "adapter_model.safetensors").write_bytes(b"")
    return folder


def choose(window: MainWindow, path: Path) -> None:
    """Import a file through the dialog of the menu."""
    window._on_import_adapter()
    dialog = window.findChild(QFileDialog)
    assert isinstance(dialog, QFileDialog)
    dialog.filesSelected.emit([str(path)])
    dialog.reject()


def test_an_imported_adapter_is_in_the_list_and_a_notice_says_what_it_does(
    qtbot: QtBot, window: MainWindow, style: Path
) -> None:
    choose(window, style / "adapter_model.safetensors")
    qtbot.waitUntil(lambda: window.documents.rowCount() == 1)
    (document,) = window.documents.documents
    assert (document.title, document.kind, document.enabled) == ("style", DocumentKind.ADAPTER, True)
    qtbot.waitUntil(window.notice_bar.isVisible)
    assert window.notice_bar.title.text() == "“style” is imported."
    assert "every answer" in window.notice_bar.message.text()


def test_an_adapter_that_cannot_be_used_is_told_in_a_sentence(
    qtbot: QtBot, window: MainWindow, reading: FakeReading, style: Path
) -> None:
    reading.failure = WorkerFailed("This adapter does not fit the model.", "It has 9 layers.")
    choose(window, style / "adapter_model.safetensors")
    qtbot.waitUntil(window.notice_bar.isVisible)
    assert window.notice_bar.title.text() == "This adapter does not fit the model."
    assert window.notice_bar.message.text() == "It has 9 layers."
    assert window.documents.rowCount() == 0
    assert window.lanes["intake"].is_idle


def test_a_pickle_is_told_what_to_choose_instead(qtbot: QtBot, window: MainWindow, tmp_path: Path) -> None:
    pickle = tmp_path / "adapter_model.bin"
    pickle.write_bytes(b"")
    choose(window, pickle)
    qtbot.waitUntil(window.notice_bar.isVisible)
    assert "neither a folder nor a GGUF file" in window.notice_bar.title.text()
    assert "adapter_model.safetensors" in window.notice_bar.message.text()
