"""The few things a person may want to change."""

from dataclasses import replace

from PySide6.QtCore import Qt, Signal
from PySide6.QtWidgets import (
    QDialog,
    QDialogButtonBox,
    QFormLayout,
    QHBoxLayout,
    QPushButton,
    QSpinBox,
    QVBoxLayout,
    QWidget,
)

from app.services.settings import Settings
from app.ui.chat_view import MODES
from app.ui.choice_box import ChoiceBox
from app.ui.plain_text import PlainLabel, plain_tool_tip
from engine.models.registry import REGISTRY

DEVICE_NAMES = (
    ("auto", "Choose for me"),
    ("cpu", "Processor"),
    ("cuda", "NVIDIA graphics card"),
    ("mps", "Apple graphics"),
)


class SettingsDialog(QDialog):
    """Edits a copy of the settings.

    Signals:
        settings_chosen: the user pressed Save. settings: a Settings.
        models_requested: the user wants to choose another model; that is done in a window of its own.
    """

    settings_chosen = Signal(object)
    models_requested = Signal()

    def __init__(self, settings: Settings, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Settings")
        self._settings = settings
        self.mode = ChoiceBox(self)
        for mode, words, hint in MODES:
            self.mode.addItem(words, mode)
            self.mode.setItemData(self.mode.count() - 1, plain_tool_tip(hint), Qt.ItemDataRole.ToolTipRole)
        self.mode.setCurrentIndex([mode for mode, _, _ in MODES].index(settings.mode))
        self.mode.setAccessibleName("Answer new questions")
        self.passages = _number(settings.max_active_chunks, 1, 64, "Passages in one answer", self)
        self.answer_tokens = _number(settings.max_answer_tokens, 16, 4096, "Longest answer in tokens", self)
        self.device = ChoiceBox(self)
        for key, words in DEVICE_NAMES:
            self.device.addItem(words, key)
        self.device.setCurrentIndex([key for key, _ in DEVICE_NAMES].index(settings.device))
        self.device.setAccessibleName("Learn on")
        self.threads = _number(settings.n_threads or 0, 0, 256, "Processor threads", self)
        self.threads.setSpecialValueText("Choose for me")

        form = QFormLayout()
        form.setVerticalSpacing(10)
        form.setHorizontalSpacing(16)
        form.addRow("Answer new questions", self.mode)
        form.addRow("Passages in one answer, at most", self.passages)
        form.addRow("Longest answer, in tokens", self.answer_tokens)
        form.addRow("Language model", self._model_line())
        form.addRow("Learn on", self.device)
        form.addRow("Processor threads", self.threads)
        remark = PlainLabel("Model, device and threads take effect when Loreleaf starts the next time.", self)
        remark.setProperty("kind", "muted")
        remark.setWordWrap(True)
        buttons = QDialogButtonBox(
            QDialogButtonBox.StandardButton.Save | QDialogButtonBox.StandardButton.Cancel, self
        )
        buttons.accepted.connect(self.accept)
        buttons.rejected.connect(self.reject)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 24, 16)
        layout.setSpacing(16)
        layout.addLayout(form)
        layout.addWidget(remark)
        layout.addStretch(1)
        layout.addWidget(buttons)
        self.setMinimumWidth(460)

    def _model_line(self) -> QHBoxLayout:
        """Which one it is, and the way to the others."""
        titles = {entry.name: entry.title for entry in REGISTRY}
        model = PlainLabel(titles.get(self._settings.model, self._settings.model), self)
        self.models_button = QPushButton("Models…", self)
        self.models_button.setAutoDefault(False)
        self.models_button.clicked.connect(self._on_models)
        line = QHBoxLayout()
        line.setSpacing(12)
        line.addWidget(model, 1)
        line.addWidget(self.models_button)
        return line

    def _on_models(self) -> None:
        """What was changed here so far is given up, as by Cancel: two windows for one thing confuse."""
        self.reject()
        self.models_requested.emit()

    def chosen(self) -> Settings:
        """The settings as they stand in the dialog."""
        return replace(
            self._settings,
            mode=self.mode.currentData(),
            max_active_chunks=self.passages.value(),
            max_answer_tokens=self.answer_tokens.value(),
            device=self.device.currentData(),
            n_threads=self.threads.value() or None,
        )

    def accept(self) -> None:
        """Save was pressed."""
        self.settings_chosen.emit(self.chosen())
        super().accept()


def _number(value: int, least: int, most: int, accessible_name: str, parent: QWidget) -> QSpinBox:
    box = QSpinBox(parent)
    box.setRange(least, most)
    box.setValue(value)
    box.setMinimumHeight(box.sizeHint().height() + 4)
    box.setAccessibleName(accessible_name)
    return box
