"""One base model in the Models dialog: what it is, how it stands here, and what can be done with it."""

from markupsafe import Markup
from PySide6.QtCore import QEvent, Qt, Signal
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QProgressBar,
    QPushButton,
    QSizePolicy,
    QVBoxLayout,
    QWidget,
)

from app.services.model_words import STATES, parts_that_ask, progress_text, size_text
from app.ui.links import link, with_links
from app.ui.model_actions import Download, ModelsShown, Remark
from app.ui.plain_text import MarkupLabel, PlainLabel
from app.ui.theme import GAP, MARGIN, current_theme
from app.ui.token_panel import TokenPanel
from engine.models.messages import ModelFound, ModelState
from engine.models.requirements import Fit

_FIT_KINDS = {Fit.FITS: "good", Fit.SLOW: "busy", Fit.WONT_FIT: "grave"}
_FETCH_VERBS = {
    ModelState.MISSING: "Download",
    ModelState.PARTIAL: "Go on",
    ModelState.CHANGED: "Repair",
    ModelState.UNPREPARED: "Prepare",
}
_USABLE = (ModelState.READY, ModelState.PACKED)
_STEPS = 1000
"""Of the progress bar. Bytes do not fit: its numbers have 32 bits."""


def state_words(model: ModelFound, state: ModelsShown) -> str:
    """Where a model stands, in a few words."""
    if _download_of(model, state) is not None:
        return "Downloading"
    if state.chosen == model.name and model.state not in _USABLE:
        return "Chosen, but not complete"
    if state.running == model.name:
        return "In use" if state.chosen == model.name else "In use until Loreleaf is closed"
    if state.chosen == model.name:
        return "In use from the next start on"
    return STATES[model.state].capitalize()


class ModelCard(QFrame):
    """Shows one model and says what the user wants done; does nothing itself.

    Signals:
        fetch_requested, files_requested, stop_requested, use_requested, remove_requested: a button was
            pressed.
        token_given: for the publisher. text: as typed.
    """

    fetch_requested = Signal()
    files_requested = Signal()
    stop_requested = Signal()
    use_requested = Signal()
    remove_requested = Signal()
    token_given = Signal(str)

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("model")
        self._model: ModelFound | None = None
        self._state: ModelsShown | None = None
        self.title = _label(self, "heading")
        self.standing = _label(self, "chip")
        self.standing.setSizePolicy(QSizePolicy.Policy.Maximum, QSizePolicy.Policy.Maximum)
        self.standing.setWordWrap(False)
        self.facts = _markup_label(self, "muted")
        self.fit = _label(self, "good")
        self.fit.setWordWrap(False)
        self.fit.setAlignment(Qt.AlignmentFlag.AlignTop)
        self.reason = _label(self)
        self.consent = _markup_label(self, "muted")
        self.problem = _label(self, "bad")
        self.remark = _markup_label(self)
        self.bar = QProgressBar(self)
        self.bar.setTextVisible(False)
        self.bar.setRange(0, _STEPS)
        self.bar.setAccessibleName("Progress of the download")
        self.progress = _label(self, "muted")
        self.token = TokenPanel(self)
        self.token.token_given.connect(self.token_given)
        self.fetch_button = _button("Download", self.fetch_requested, self)
        self.files_button = _button("Use files I have…", self.files_requested, self)
        self.stop_button = _button("Stop", self.stop_requested, self)
        self.use_button = _button("Use", self.use_requested, self)
        self.remove_button = _button("Remove…", self.remove_requested, self)
        self._lay_out()

    def show_model(self, model: ModelFound, state: ModelsShown) -> None:
        """Bring everything up to date."""
        self._model, self._state = model, state
        self.title.setText(model.title)
        self.setAccessibleName(model.title)
        self.standing.setText(state_words(model, state))
        self._set_kind(self.standing, "chipOn" if model.name in (state.running, state.chosen) else "chip")
        self.fit.setText(model.verdict.fit.value.capitalize())
        self._set_kind(self.fit, _FIT_KINDS[model.verdict.fit])
        self.reason.setText(model.verdict.reason)
        self._show_rich(model, state)
        download = _download_of(model, state)
        self._show_download(download)
        _show_text(self.problem, model.problem if download is None else "")
        self.token.ask(state.asking.get(model.name))
        if model.n_missing_bytes == 0:
            self.token.forget()  # it has done its work
        self._show_buttons(model, state, download)

    def changeEvent(self, event: QEvent) -> None:
        """Links carry their colour with them."""
        super().changeEvent(event)
        if event.type() == QEvent.Type.PaletteChange and self._model is not None and self._state is not None:
            self._show_rich(self._model, self._state)

    # --- parts ----------------------------------------------------------------------------------------------

    def _show_rich(self, model: ModelFound, state: ModelsShown) -> None:
        colour = current_theme(self).accent
        licence = link(model.parts[0].page, model.licence, colour) if model.parts else model.licence
        facts = Markup("{} Licence: {}. {}")
        self.facts.setText(facts.format(model.summary, licence, _size(model)))
        asking = parts_that_ask(model)
        pages = dict.fromkeys(link(part.page, part.repo, colour) for part in asking)
        consent = Markup("Log in and accept the conditions at {} before you download.")
        is_said_elsewhere = model.name in state.asking or _download_of(model, state) is not None
        is_asked = bool(pages) and not is_said_elsewhere
        _show_text(self.consent, consent.format(Markup(" and ").join(pages)) if is_asked else "")
        remark = state.remarks.get(model.name)
        _show_text(self.remark, _remark_markup(remark, colour) if remark else "")
        self._set_kind(self.remark, "bad" if remark is not None and remark.is_bad else "")

    def _show_download(self, download: Download | None) -> None:
        self.bar.setVisible(download is not None)
        self.progress.setVisible(download is not None)
        if download is None:
            return
        progress = download.progress
        is_counted = progress is not None and progress.n_total_bytes > 0
        if progress is not None and is_counted:
            self.bar.setRange(0, _STEPS)
            self.bar.setValue(_STEPS * progress.n_done_bytes // progress.n_total_bytes)
        else:
            self.bar.setRange(0, 0)  # of unknown length
        if download.is_stopping:
            self.progress.setText("Stopping…")
        elif progress is None:
            self.progress.setText("Starting…")
        else:
            words = progress_text(progress, download.bytes_per_s)
            self.progress.setText(words[:1].upper() + words[1:])

    def _show_buttons(self, model: ModelFound, state: ModelsShown, download: Download | None) -> None:
        is_loading, is_busy = download is not None, state.busy == model.name
        is_chosen, is_running = state.chosen == model.name, state.running == model.name
        verb = _FETCH_VERBS.get(model.state) if model.parts else None
        self.fetch_button.setVisible(verb is not None and not is_loading)
        self.fetch_button.setText(verb or "Download")
        self.files_button.setVisible(verb is not None and not is_loading)
        others = state.download is not None and not is_loading
        for button in (self.fetch_button, self.files_button):
            button.setEnabled(not others and not is_busy)
            button.setToolTip("One download at a time." if others else "")
        self.stop_button.setVisible(is_loading)
        self.stop_button.setEnabled(download is not None and not download.is_stopping)
        self.stop_button.setToolTip("What has arrived is kept; you can go on later.")
        self.use_button.setVisible(not is_chosen and not is_loading)
        self.use_button.setEnabled(model.state in _USABLE and not state.busy)
        self.use_button.setToolTip(
            "Learn and answer with it from the next start on."
            if model.state in _USABLE
            else "It is not complete: download it first."
        )
        is_here = model.is_own or (bool(model.parts) and model.state is not ModelState.MISSING)
        self.remove_button.setVisible(is_here and not is_loading)
        self.remove_button.setEnabled(not is_chosen and not is_running and not state.busy)
        self.remove_button.setToolTip(
            "It is in use. Choose another model, and start Loreleaf again, before you remove it."
            if is_chosen or is_running
            else "Take it off this list. The file stays."
            if model.is_own
            else "Delete what was downloaded. Files of your own stay."
        )
        for button in (
            self.fetch_button,
            self.files_button,
            self.stop_button,
            self.use_button,
            self.remove_button,
        ):
            # Read aloud, "Download" alone would not say what.
            button.setAccessibleName(f"{button.text().removesuffix('…')}: {model.title}")
        is_good = model.verdict.fit is not Fit.WONT_FIT
        _set_primary(self.use_button, is_primary=model.state in _USABLE and is_good)

    def _lay_out(self) -> None:
        top = QHBoxLayout()
        top.addWidget(self.title, 1)
        top.addWidget(self.standing)
        verdict = QHBoxLayout()
        verdict.setSpacing(GAP)
        verdict.addWidget(self.fit, 0, Qt.AlignmentFlag.AlignTop)
        verdict.addWidget(self.reason, 1)
        buttons = QHBoxLayout()
        buttons.setSpacing(GAP)
        for button in (
            self.fetch_button,
            self.files_button,
            self.stop_button,
            self.use_button,
            self.remove_button,
        ):
            buttons.addWidget(button)
        buttons.addStretch(1)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, 12, MARGIN, 12)
        layout.setSpacing(6)
        layout.addLayout(top)
        layout.addWidget(self.facts)
        layout.addLayout(verdict)
        for widget in (self.consent, self.problem, self.remark, self.token, self.bar, self.progress):
            layout.addWidget(widget)
        layout.addSpacing(2)
        layout.addLayout(buttons)

    def _set_kind(self, label: PlainLabel | MarkupLabel, kind: str) -> None:
        if label.property("kind") != kind:
            label.setProperty("kind", kind)
            label.style().unpolish(label)
            label.style().polish(label)


def _download_of(model: ModelFound, state: ModelsShown) -> Download | None:
    download = state.download
    return download if download is not None and download.name == model.name else None


def _size(model: ModelFound) -> str:
    words = size_text(model)
    return f"{words[:1].upper()}{words[1:]}."


def _remark_markup(remark: Remark, colour: str) -> Markup:
    title, detail = with_links(remark.title, colour), with_links(remark.detail, colour)
    return Markup("<b>{}</b> {}").format(title, detail)


def _show_text(label: PlainLabel | MarkupLabel, text: str) -> None:
    label.setText(text)
    label.setVisible(bool(text))


def _set_primary(button: QPushButton, *, is_primary: bool) -> None:
    kind = "primary" if is_primary else ""
    if button.property("kind") != kind:
        button.setProperty("kind", kind)
        button.style().unpolish(button)
        button.style().polish(button)


def _label(parent: QWidget, kind: str = "") -> PlainLabel:
    label = PlainLabel(parent=parent)
    label.setProperty("kind", kind)
    label.setWordWrap(True)
    return label


def _markup_label(parent: QWidget, kind: str = "") -> MarkupLabel:
    label = MarkupLabel(parent, opens_links=True)
    label.setProperty("kind", kind)
    label.setWordWrap(True)
    return label


def _button(text: str, signal: object, parent: QWidget) -> QPushButton:
    button = QPushButton(text, parent)
    button.setAutoDefault(False)  # Enter in the token's field means that field
    button.clicked.connect(signal)
    return button
