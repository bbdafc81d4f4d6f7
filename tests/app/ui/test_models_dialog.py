"""The Models dialog over a fake registry: what it shows, what it does, and what becomes of a download."""

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import Qt
from PySide6.QtGui import QAction
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QFileDialog, QLineEdit, QMessageBox, QPushButton
from pytestqt.qtbot import QtBot

from app.services.hub_token import TokenMissing
from app.services.settings import Settings
from app.ui.deferred_services import DeferredServices
from app.ui.engine_bridge import EngineBridge
from app.ui.links import with_links
from app.ui.main_window import MainWindow
from app.ui.model_card import ModelCard
from app.ui.model_files_dialog import ModelFilesDialog
from app.ui.models_dialog import ModelsDialog
from app.ui.settings_dialog import SettingsDialog
from app.ui.theme import DARK, LIGHT, apply_theme
from engine.errors import ModelUnavailable
from engine.messages import AnswerMode
from engine.models.messages import FetchPhase, FetchProgressed, ModelState
from engine.models.requirements import Fit
from storage.errors import StorageError
from tests.app.ui.fakes import FakeApplication, FakeModelRegistry, model

GEMMA, QWEN, BUILT_IN = "gemma-2-2b", "qwen3-4b", "embedded"
PAGE = "https://huggingface.co/SakanaAI/doc-to-lora"
MISSING = TokenMissing("SakanaAI/doc-to-lora wants to know who downloads it.", f"Open {PAGE}, log in.", PAGE)
HALF_WAY = FetchProgressed(FetchPhase.DOWNLOADING, "a/model.safetensors", 4_100_000_000, 8_200_000_000)


@pytest.fixture
def model_registry(services: FakeApplication) -> Iterator[FakeModelRegistry]:
    yield services.model_registry
    services.model_registry.released.set()


@pytest.fixture
def dialog(qtbot: QtBot, window: MainWindow, model_registry: FakeModelRegistry) -> ModelsDialog:
    """The dialog, opened from the menu, once it has looked."""
    return opened(qtbot, window)


def opened(qtbot: QtBot, window: MainWindow) -> ModelsDialog:
    (action,) = [action for action in window.findChildren(QAction) if action.text() == "Mo&dels…"]
    action.trigger()
    dialog = window.models_dialog
    assert dialog is not None
    wait_until_idle(qtbot, window)
    # Qt shows what was put into a layout when its loop turns.
    qtbot.waitUntil(lambda: all(card.isVisible() for card in dialog.cards.values()))
    return dialog


def wait_until_idle(qtbot: QtBot, window: MainWindow) -> None:
    lanes = (window.lanes["models"], window.lanes["download"])
    qtbot.waitUntil(lambda: all(lane.is_idle for lane in lanes))


def click(button: QPushButton) -> None:
    assert button.isVisible()
    QTest.mouseClick(button, Qt.MouseButton.LeftButton)


def shown_buttons(card: ModelCard) -> list[str]:
    """What can be pressed."""
    return [b.text() for b in card.findChildren(QPushButton) if b.isVisible() and b.isEnabled()]


def begin(qtbot: QtBot, dialog: ModelsDialog, model_registry: FakeModelRegistry) -> ModelCard:
    """A download that is half-way and goes on."""
    model_registry.script = (HALF_WAY,)
    model_registry.released.clear()
    card = dialog.cards[GEMMA]
    click(card.fetch_button)
    qtbot.waitUntil(lambda: "50%" in card.progress.text())
    return card


# --- what is shown ------------------------------------------------------------------------------------------


def test_each_model_says_what_it_is_what_it_costs_and_where_it_stands(dialog: ModelsDialog) -> None:
    assert list(dialog.cards) == [BUILT_IN, GEMMA, QWEN]
    card = dialog.cards[GEMMA]
    assert card.title.text() == "Gemma 2 2B Instruct"
    facts = card.facts.text()
    for words in (
        "By Google, 2.6 billion",
        "Gemma Terms of Use",
        "huggingface.co/google",
        "About 8.2 GB to download",
    ):
        assert words in facts
    assert (card.fit.text(), card.reason.text(), card.standing.text()) == ("Fits", "A reason.", "Not here")
    assert PAGE in card.consent.text()
    assert dialog.machine.text() == "This computer: 16.0 GB of memory, 100 GB free on the disk, no GPU."


@pytest.mark.parametrize(
    ("state", "standing", "buttons"),
    [
        (ModelState.MISSING, "Not here", ["Download", "Use files I have…"]),
        (ModelState.PARTIAL, "Partly downloaded", ["Go on", "Use files I have…", "Remove…"]),
        (ModelState.CHANGED, "Changed", ["Repair", "Use files I have…", "Remove…"]),
        (ModelState.UNPREPARED, "Downloaded and checked", ["Prepare", "Use files I have…", "Remove…"]),
        (ModelState.READY, "Ready", ["Use", "Remove…"]),
    ],
)
def test_a_model_offers_what_makes_sense_in_its_state(
    qtbot: QtBot,
    window: MainWindow,
    model_registry: FakeModelRegistry,
    state: ModelState,
    standing: str,
    buttons: list[str],
) -> None:
    model_registry.put(GEMMA, state)
    card = opened(qtbot, window).cards[GEMMA]
    assert card.standing.text() == standing
    assert shown_buttons(card) == buttons


def test_the_model_in_use_can_be_neither_chosen_nor_removed(dialog: ModelsDialog) -> None:
    card = dialog.cards[BUILT_IN]
    assert card.standing.text() == "In use"
    assert shown_buttons(card) == []


def test_a_chosen_model_that_is_not_complete_says_so_and_can_be_completed(
    qtbot: QtBot,
    qapp: QApplication,
    services: FakeApplication,
    model_registry: FakeModelRegistry,
    samples: Path,
) -> None:
    services.settings.current = Settings(model=GEMMA)
    window = MainWindow(services.basics, DeferredServices(lambda: services), EngineBridge(), samples)
    qtbot.addWidget(window)
    window.show()
    window.start()
    card = opened(qtbot, window).cards[GEMMA]
    assert card.standing.text() == "Chosen, but not complete"
    assert shown_buttons(card) == ["Download", "Use files I have…"]
    window.shut()


@pytest.mark.parametrize(("fit", "kind"), [(Fit.FITS, "good"), (Fit.SLOW, "busy"), (Fit.WONT_FIT, "grave")])
def test_a_verdict_has_its_colour(
    qtbot: QtBot, window: MainWindow, model_registry: FakeModelRegistry, fit: Fit, kind: str
) -> None:
    model_registry.found = (model(BUILT_IN, ModelState.READY), model(GEMMA, ModelState.MISSING, fit))
    card = opened(qtbot, window).cards[GEMMA]
    assert (card.fit.text().lower(), card.fit.property("kind")) == (fit.value, kind)


def test_a_problem_is_shown_with_its_model(
    qtbot: QtBot, window: MainWindow, model_registry: FakeModelRegistry
) -> None:
    changed = replace(model(QWEN, ModelState.CHANGED), problem="chat.gguf is gone.")
    model_registry.found = (model(BUILT_IN, ModelState.READY), changed)
    assert opened(qtbot, window).cards[QWEN].problem.text() == "chat.gguf is gone."


def test_links_follow_the_colours_of_the_theme(qapp: QApplication, dialog: ModelsDialog) -> None:
    assert LIGHT.accent in dialog.cards[GEMMA].facts.text()
    apply_theme(qapp, DARK)
    try:
        assert DARK.accent in dialog.cards[GEMMA].facts.text()
    finally:
        apply_theme(qapp, LIGHT)


def test_a_look_that_fails_says_why_and_can_be_repeated(
    qtbot: QtBot, window: MainWindow, model_registry: FakeModelRegistry
) -> None:
    model_registry.looking_error = ModelUnavailable("A part of Loreleaf stopped.", "Exit code 9.")
    dialog = opened(qtbot, window)
    assert dialog.problem.text() == "A part of Loreleaf stopped. Exit code 9."
    model_registry.looking_error = None
    click(dialog.again_button)
    wait_until_idle(qtbot, window)
    assert not dialog.problem.isVisible()
    qtbot.waitUntil(dialog.cards[GEMMA].isVisible)


def test_opened_again_it_looks_again(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    dialog.close()
    model_registry.put(GEMMA, ModelState.READY)  # in the terminal
    opened(qtbot, window)
    assert dialog.cards[GEMMA].standing.text() == "Ready"


def test_a_look_asked_for_during_a_look_comes_after_it(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    n_before = model_registry.n_looks
    for _ in range(3):
        dialog.model_actions.look()
    wait_until_idle(qtbot, window)
    assert model_registry.n_looks == n_before + 2


# --- downloading --------------------------------------------------------------------------------------------


def test_a_download_shows_its_progress_and_then_the_model_is_ready(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    card = begin(qtbot, dialog, model_registry)
    assert card.progress.text() == "Downloading 50%, 4.1 GB of 8.2 GB (model.safetensors)"
    assert card.bar.value() == card.bar.maximum() // 2
    assert card.standing.text() == "Downloading"
    assert shown_buttons(card) == ["Stop"]
    assert window.status.activity.text() == "Downloading Gemma 2 2B Instruct, 50%"

    model_registry.released.set()
    wait_until_idle(qtbot, window)

    assert model_registry.got == [(GEMMA, (), "")]
    assert card.standing.text() == "Ready"
    assert "Gemma 2 2B Instruct is ready." in card.remark.text()
    assert not card.bar.isVisible()
    assert "Downloading" not in window.status.activity.text()
    assert not window.notice_bar.isVisible()  # the dialog says it


def test_while_one_model_is_downloaded_the_others_wait(
    qtbot: QtBot, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    model_registry.found += (model("mistral-7b", ModelState.MISSING),)
    dialog.model_actions.look()
    qtbot.waitUntil(lambda: "mistral-7b" in dialog.cards and dialog.cards["mistral-7b"].isVisible())
    begin(qtbot, dialog, model_registry)
    other = dialog.cards["mistral-7b"]
    assert shown_buttons(other) == []
    assert other.fetch_button.toolTip() == "One download at a time."


def test_stopping_keeps_what_arrived_and_going_on_is_offered(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    card = begin(qtbot, dialog, model_registry)
    model_registry.put(GEMMA, ModelState.PARTIAL)
    click(card.stop_button)
    assert (card.progress.text(), card.stop_button.isEnabled()) == ("Stopping…", False)
    wait_until_idle(qtbot, window)
    assert model_registry.n_stopped == 1
    assert "Stopped." in card.remark.text()
    assert "What has arrived is kept" in card.remark.text()
    assert shown_buttons(card)[0] == "Go on"

    model_registry.released.set()
    click(card.fetch_button)
    wait_until_idle(qtbot, window)
    assert card.standing.text() == "Ready"


def test_a_download_that_fails_says_why_in_its_place(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    model_registry.error = ModelUnavailable("The disk is full.", f"See {PAGE}.")
    card = dialog.cards[GEMMA]
    click(card.fetch_button)
    wait_until_idle(qtbot, window)
    assert "The disk is full." in card.remark.text()
    assert f'href="{PAGE}"' in card.remark.text()
    assert card.remark.property("kind") == "bad"
    click(card.fetch_button)  # the remark goes with the next try
    assert not card.remark.isVisible()
    wait_until_idle(qtbot, window)


def test_a_download_goes_on_when_the_dialog_is_closed_and_its_end_is_told(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    begin(qtbot, dialog, model_registry)
    dialog.close()
    assert window.status.activity.text() == "Downloading Gemma 2 2B Instruct, 50%"
    model_registry.released.set()
    qtbot.waitUntil(window.notice_bar.isVisible)
    assert window.notice_bar.title.text() == "Gemma 2 2B Instruct is ready."
    assert opened(qtbot, window) is dialog
    assert dialog.cards[GEMMA].standing.text() == "Ready"


def test_a_failure_behind_a_closed_dialog_is_a_notice(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    begin(qtbot, dialog, model_registry)
    dialog.close()
    model_registry.error = MISSING
    model_registry.released.set()
    qtbot.waitUntil(window.notice_bar.isVisible)
    assert window.notice_bar.title.text() == MISSING.title
    assert "under Models" in window.notice_bar.message.text()


def test_closing_the_window_stops_the_download_and_its_dialog(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    begin(qtbot, dialog, model_registry)
    window.close()
    window.shut()
    assert model_registry.n_stopped == 1
    assert not dialog.isVisible()


def test_own_files_are_taken_in_place_of_a_download(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    click(dialog.cards[GEMMA].files_button)
    files = dialog.findChild(ModelFilesDialog)
    assert isinstance(files, ModelFilesDialog)
    assert not files.take_button.isEnabled()
    files.add([Path("/m/gemma"), Path("/m/chat.gguf"), Path("/m/gemma"), Path("/m/wrong")])
    files.list.item(2).setSelected(True)
    click(files.drop_button)
    click(files.take_button)
    wait_until_idle(qtbot, window)
    assert model_registry.got == [(GEMMA, (Path("/m/gemma"), Path("/m/chat.gguf")), "")]


def test_own_files_are_not_forgotten_by_a_stop_but_by_a_failure(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    own = (Path("/m/gemma"),)
    model_registry.released.clear()
    dialog.model_actions.download(GEMMA, own)
    dialog.model_actions.stop_download()
    wait_until_idle(qtbot, window)
    model_registry.released.set()
    for error in (MISSING, ModelUnavailable("This is not Gemma 2 2B Instruct."), None):
        model_registry.error = error
        click(dialog.cards[GEMMA].fetch_button)
        wait_until_idle(qtbot, window)
    assert [sources for _name, sources, _token in model_registry.got] == [own, own, own, ()]


# --- tokens -------------------------------------------------------------------------------------------------


@pytest.fixture
def asked(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> ModelCard:
    """A card whose publisher wants a token."""
    model_registry.error = MISSING
    card = dialog.cards[GEMMA]
    click(card.fetch_button)
    wait_until_idle(qtbot, window)
    return card


def test_a_publisher_that_wants_a_token_is_named_with_links_and_a_hidden_field(asked: ModelCard) -> None:
    assert asked.token.isVisible()
    assert "wants to know who downloads it" in asked.token.words.text()
    assert f'href="{PAGE}"' in asked.token.words.text()
    assert asked.token.field.echoMode() is QLineEdit.EchoMode.Password
    assert not asked.token.button.isEnabled()
    assert not asked.consent.isVisible()  # the same twice


def test_a_token_that_worked_is_kept_and_said_so(
    qtbot: QtBot, window: MainWindow, asked: ModelCard, model_registry: FakeModelRegistry
) -> None:
    QTest.keyClicks(asked.token.field, "hf_letmein")
    QTest.keyClick(asked.token.field, Qt.Key.Key_Return)
    wait_until_idle(qtbot, window)
    assert model_registry.got[-1] == (GEMMA, (), "hf_letmein")
    assert model_registry.token.read() == "hf_letmein"
    assert "The token is kept in" in asked.remark.text()
    assert not asked.token.isVisible()
    assert asked.token.field.text() == ""
    assert window.models_dialog is not None
    assert window.models_dialog.isVisible()  # Enter did not mean Close


def test_a_token_that_did_not_do_is_not_kept_and_may_be_mended(
    qtbot: QtBot, window: MainWindow, asked: ModelCard, model_registry: FakeModelRegistry
) -> None:
    model_registry.error = TokenMissing(
        "The hub does not accept the token.", "Make one.", PAGE, has_refused=True
    )
    asked.token.field.setText("hf_made_up")
    click(asked.token.button)
    wait_until_idle(qtbot, window)
    assert asked.token.isVisible()
    assert "does not accept" in asked.token.words.text()
    assert asked.token.field.text() == "hf_made_up"
    assert model_registry.token.read() == ""


def test_what_cannot_be_a_token_is_not_sent(asked: ModelCard, model_registry: FakeModelRegistry) -> None:
    asked.token.field.setText("two words")
    click(asked.token.button)
    assert "That was not a token." in asked.remark.text()
    assert "two words" not in asked.remark.text()
    assert len(model_registry.got) == 1


def test_a_token_that_was_only_typed_is_gone_with_the_dialog(
    window: MainWindow, asked: ModelCard, dialog: ModelsDialog
) -> None:
    asked.token.field.setText("hf_letmein")
    dialog.close()
    assert asked.token.field.text() == ""


# --- using and removing -------------------------------------------------------------------------------------


def test_another_model_is_used_from_the_next_start_on(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    card = dialog.cards[QWEN]
    click(card.use_button)
    wait_until_idle(qtbot, window)
    assert model_registry.used == [QWEN]
    assert card.standing.text() == "In use from the next start on"
    assert "is used from the next start on." in card.remark.text()
    assert "learnt anew" in card.remark.text()
    assert not card.remove_button.isEnabled()
    built_in = dialog.cards[BUILT_IN]
    assert built_in.standing.text() == "In use until Loreleaf is closed"
    click(built_in.use_button)
    wait_until_idle(qtbot, window)
    assert (built_in.standing.text(), card.standing.text()) == ("In use", "Ready")


def test_a_model_that_proves_incomplete_is_refused_in_a_sentence(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    model_registry.error = ModelUnavailable(f"The model “{QWEN}” is not ready.", "Complete it.")
    card = dialog.cards[QWEN]
    click(card.use_button)
    wait_until_idle(qtbot, window)
    assert "is not ready" in card.remark.text()
    assert (card.standing.text(), dialog.cards[BUILT_IN].standing.text()) == ("Ready", "In use")


def test_removing_asks_first_and_says_what_it_freed(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    card = dialog.cards[QWEN]
    for verb in ("Keep", "Remove"):
        click(card.remove_button)
        qtbot.waitUntil(lambda: dialog.findChild(QMessageBox) is not None)
        box = dialog.findChild(QMessageBox)
        assert isinstance(box, QMessageBox)
        assert "12.2 GB on the disk are freed" in box.informativeText()
        click(next(b for b in box.findChildren(QPushButton) if b.text() == verb))
        qtbot.waitUntil(lambda: dialog.findChild(QMessageBox) is None)
        wait_until_idle(qtbot, window)
        assert model_registry.removed == ([] if verb == "Keep" else [QWEN])
    assert "Removed, 8.2 GB freed." in card.remark.text()
    assert card.standing.text() == "Not here"


def test_without_services_the_dialog_says_why(
    qtbot: QtBot, window: MainWindow, model_registry: FakeModelRegistry
) -> None:
    model_registry.looking_error = StorageError("The library cannot be opened.", "The disk is full.")
    assert opened(qtbot, window).problem.text() == "The library cannot be opened. The disk is full."


# --- from the settings --------------------------------------------------------------------------------------


def test_the_settings_name_the_model_and_lead_to_the_others(
    qtbot: QtBot, window: MainWindow, model_registry: FakeModelRegistry
) -> None:
    window._on_settings()
    settings = window.findChild(SettingsDialog)
    assert isinstance(settings, SettingsDialog)
    click(settings.models_button)
    assert window.models_dialog is not None
    assert window.models_dialog.isVisible()
    wait_until_idle(qtbot, window)


def test_settings_that_were_open_meanwhile_do_not_undo_the_choice_of_a_model(
    qtbot: QtBot, window: MainWindow, services: FakeApplication
) -> None:
    stale = Settings(mode=AnswerMode.QUOTES)
    services.settings.current = replace(stale, model=QWEN)
    window._on_settings_chosen(stale)
    qtbot.waitUntil(lambda: bool(services.settings.saved))
    assert services.settings.saved == [replace(stale, model=QWEN)]


def test_addresses_in_a_sentence_are_links_and_nothing_else_is_markup() -> None:
    html = with_links("Open <b> https://a.org/x?y=1&z, then (https://b.org).", "#123456")
    assert html == (
        "Open &lt;b&gt; "
        '<a href="https://a.org/x?y=1&amp;z" style="color: #123456">a.org/x?y=1&amp;z</a>, then '
        '(<a href="https://b.org" style="color: #123456">b.org</a>).'
    )


# --- a model of one's own -----------------------------------------------------------------------------------


def choose_in_dialog(dialog: ModelsDialog, path: Path) -> None:
    """As if the user had chosen this file where “Add a model file…” asks."""
    click(dialog.add_button)
    (chooser,) = [box for box in dialog.findChildren(QFileDialog) if box.isVisible()]
    chooser.filesSelected.emit([str(path)])
    chooser.close()


def test_a_file_of_ones_own_is_added_used_and_taken_off_the_list(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    choose_in_dialog(dialog, Path("/models/mine.gguf"))
    qtbot.waitUntil(lambda: "mine" in dialog.cards)
    wait_until_idle(qtbot, window)

    card = dialog.cards["mine"]
    assert card.title.text() == "<b>mine</b>"
    assert card.title.textFormat() is Qt.TextFormat.PlainText
    assert "No hypernetwork is known for it" in card.facts.text()
    assert "<b>mine</b> was added." in dialog.adding.text()
    assert "nothing is learnt for it" in dialog.adding.text()
    qtbot.waitUntil(lambda: shown_buttons(card) == ["Use", "Remove…"])

    click(card.use_button)
    qtbot.waitUntil(lambda: model_registry.used == ["mine"])
    qtbot.waitUntil(lambda: card.standing.text() == "In use from the next start on")
    assert "nothing is learnt for it" in card.remark.text()
    assert not card.remove_button.isEnabled()

    click(dialog.cards[BUILT_IN].use_button)
    qtbot.waitUntil(lambda: card.remove_button.isEnabled())
    click(card.remove_button)
    (box,) = window.findChildren(QMessageBox)
    assert "/models/mine.gguf stays" in box.informativeText()
    click(next(button for button in box.findChildren(QPushButton) if button.text() == "Remove"))
    qtbot.waitUntil(lambda: "mine" not in dialog.cards)
    assert model_registry.removed == ["mine"]


def test_a_file_that_is_no_model_is_refused_in_a_sentence(
    qtbot: QtBot, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    model_registry.error = ModelUnavailable("This GGUF file is empty.", "Fetch it again.")

    choose_in_dialog(dialog, Path("/models/mine.gguf"))

    qtbot.waitUntil(lambda: dialog.adding.text() == "This GGUF file is empty. Fetch it again.")
    assert dialog.adding.property("kind") == "bad"
    assert "mine" not in dialog.cards
    assert dialog.add_button.isEnabled()


def test_while_a_file_is_tried_it_is_said_and_no_second_one_is_taken(
    qtbot: QtBot, window: MainWindow, dialog: ModelsDialog, model_registry: FakeModelRegistry
) -> None:
    model_registry.released.clear()

    choose_in_dialog(dialog, Path("/models/mine.gguf"))

    qtbot.waitUntil(lambda: dialog.adding.text() == "Loading it and asking it something…")
    assert not dialog.add_button.isEnabled()
    model_registry.released.set()
    qtbot.waitUntil(dialog.add_button.isEnabled)
    wait_until_idle(qtbot, window)
