"""The base models that can be chosen, a card for each."""

from functools import partial

from PySide6.QtCore import QEvent, Qt
from PySide6.QtGui import QShowEvent
from PySide6.QtWidgets import (
    QDialog,
    QFrame,
    QHBoxLayout,
    QPushButton,
    QScrollArea,
    QVBoxLayout,
    QWidget,
)

from app.services.model_words import machine_text
from app.ui.dialogs import confirm
from app.ui.file_dialogs import MODEL_FILES, choose_file
from app.ui.model_actions import ModelActions, ModelsShown
from app.ui.model_card import ModelCard
from app.ui.model_files_dialog import ModelFilesDialog
from app.ui.plain_text import PlainLabel
from app.ui.theme import GAP
from engine.models.messages import ModelFound
from engine.models.requirements import gigabytes

_INTRODUCTION = (
    "Loreleaf learns your notes and answers with one of these. The first comes with it and runs anywhere. "
    "The others are larger: they have to be downloaded, and take more memory and time. Or add a file that "
    "you have, a GGUF of any model that chats: it learns nothing, but is shown passages of your notes."
)
_FOOTNOTE = "You can close this window: a download goes on, and the line at the bottom of Loreleaf shows it."


class ModelsDialog(QDialog):
    """Shows the state of ModelActions and passes on what the user wants. Not modal; looks anew when it opens.

    Closing it stops nothing: see ModelActions.
    """

    def __init__(self, actions: ModelActions, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setWindowTitle("Models")
        self.model_actions = actions
        self.cards: dict[str, ModelCard] = {}
        introduction = PlainLabel(_INTRODUCTION, self)
        introduction.setWordWrap(True)
        self.machine = PlainLabel(parent=self)
        self.machine.setProperty("kind", "muted")
        self.machine.setWordWrap(True)
        self.problem = PlainLabel(parent=self)
        self.problem.setProperty("kind", "bad")
        self.problem.setWordWrap(True)
        self.again_button = QPushButton("Look again", self)
        self.again_button.setAutoDefault(False)
        self.again_button.clicked.connect(actions.look)
        self.add_button = QPushButton("Add a model file…", self)
        self.add_button.setAutoDefault(False)
        self.add_button.clicked.connect(self._ask_for_model_file)
        self.adding = PlainLabel("", self)
        self.adding.setWordWrap(True)
        self._canvas = QWidget()
        self._canvas.setObjectName("models")
        self._column = QVBoxLayout(self._canvas)
        self._column.setContentsMargins(0, 0, GAP, 0)
        self._column.setSpacing(10)
        self._column.addStretch(1)
        self._lay_out(introduction)
        actions.changed.connect(self._on_changed)
        self._on_changed(actions.state)

    def showEvent(self, event: QShowEvent) -> None:
        """Another program, or the terminal, may have changed something meanwhile."""
        super().showEvent(event)
        self.model_actions.look()

    def hideEvent(self, event: QEvent) -> None:
        """Keep no token that was typed and not used."""
        super().hideEvent(event)  # type: ignore[arg-type]  # Qt passes a QHideEvent
        for card in self.cards.values():
            card.token.forget()

    def _lay_out(self, introduction: PlainLabel) -> None:
        scroll = QScrollArea(self)
        scroll.setFrameShape(QFrame.Shape.NoFrame)
        scroll.setWidgetResizable(True)
        scroll.setHorizontalScrollBarPolicy(Qt.ScrollBarPolicy.ScrollBarAlwaysOff)
        scroll.setAccessibleName("Models")
        scroll.setObjectName("modelsScroll")
        scroll.setWidget(self._canvas)
        trouble = QHBoxLayout()
        trouble.addWidget(self.problem, 1)
        trouble.addWidget(self.again_button)
        own = QHBoxLayout()
        own.setContentsMargins(0, 0, GAP, 0)
        own.addWidget(self.add_button, 0, Qt.AlignmentFlag.AlignTop)
        own.addWidget(self.adding, 1)
        footnote = PlainLabel(_FOOTNOTE, self)
        footnote.setProperty("kind", "muted")
        footnote.setWordWrap(True)
        close = QPushButton("Close", self)
        close.setAutoDefault(False)  # Enter in a token's field must not close the dialog
        close.clicked.connect(self.reject)
        bottom = QHBoxLayout()
        bottom.setContentsMargins(0, 0, GAP, 0)  # in line with the cards, which leave room for the scroll bar
        bottom.addWidget(footnote, 1)
        bottom.addWidget(close)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(24, 20, 16, 16)
        layout.setSpacing(10)
        layout.addWidget(introduction)
        layout.addWidget(self.machine)
        layout.addLayout(trouble)
        layout.addWidget(scroll, 1)
        layout.addLayout(own)
        layout.addLayout(bottom)
        self.setMinimumSize(520, 400)
        self.resize(740, 780)

    def _on_changed(self, state: ModelsShown) -> None:
        found = state.found
        if found is not None:
            self.machine.setText(f"This computer: {machine_text(found.machine)}.")
        elif state.is_looking:
            self.machine.setText("Looking at the models and at this computer…")
        problem = state.problem
        self.problem.setText(f"{problem.title} {problem.detail}" if problem is not None else "")
        self.problem.setVisible(problem is not None)
        self.again_button.setVisible(problem is not None)
        added = state.added
        self.adding.setText(state.adding or (f"{added.title} {added.detail}" if added is not None else ""))
        self.adding.setProperty("kind", "bad" if added is not None and added.is_bad else "")
        self.adding.style().unpolish(self.adding)
        self.adding.style().polish(self.adding)
        self.add_button.setEnabled(not state.adding)
        if found is not None:
            self._drop_cards({model.name for model in found.models})
        for model in found.models if found is not None else ():
            if model.name not in self.cards:
                self._add_card(model)
            self.cards[model.name].show_model(model, state)

    def _add_card(self, model: ModelFound) -> None:
        card = ModelCard(self._canvas)
        name = model.name
        card.fetch_requested.connect(partial(self.model_actions.download, name))
        card.files_requested.connect(partial(self._ask_for_files, name))
        card.stop_requested.connect(self.model_actions.stop_download)
        card.use_requested.connect(partial(self.model_actions.use, name))
        card.remove_requested.connect(partial(self._ask_to_remove, name))
        card.token_given.connect(partial(self.model_actions.give_token, name))
        self._column.insertWidget(len(self.cards), card)
        self.cards[name] = card

    def _drop_cards(self, names: set[str]) -> None:
        """Take away the cards of models that are no longer in the list."""
        for name in self.cards.keys() - names:
            card = self.cards.pop(name)
            card.hide()
            card.deleteLater()

    def _ask_for_model_file(self) -> None:
        choose_file(self, "Choose a model file", MODEL_FILES, self.model_actions.add)

    def _ask_for_files(self, name: str) -> None:
        dialog = ModelFilesDialog(self._shown(name), self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.sources_chosen.connect(partial(self.model_actions.download, name))
        dialog.open()

    def _ask_to_remove(self, name: str) -> None:
        model = self._shown(name)
        if model.is_own:
            what_then = f"It is taken off the list. The file {model.path} stays, and so do your notes."
            confirm(
                self, f"Remove {model.title}?", what_then, "Remove", partial(self.model_actions.remove, name)
            )
            return
        confirm(
            self,
            f"Remove {model.title}?",
            f"{gigabytes(model.size_bytes)} on the disk are freed. To use it again, it has to be downloaded "
            "again. Files of your own, and what was learnt from your notes, stay.",
            "Remove",
            partial(self.model_actions.remove, name),
        )

    def _shown(self, name: str) -> ModelFound:
        found = self.model_actions.state.found
        assert found is not None  # it has a card
        return next(model for model in found.models if model.name == name)
