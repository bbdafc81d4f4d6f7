"""The window: library left, chat right, notices on top, status at the bottom."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtCore import Qt
from PySide6.QtGui import (
    QAction,
    QCloseEvent,
    QDragEnterEvent,
    QDragLeaveEvent,
    QDropEvent,
    QKeySequence,
)
from PySide6.QtWidgets import QMainWindow, QMenu, QSplitter, QVBoxLayout, QWidget

from app.profile_basics import ProfileBasics
from app.services.library_events import EngineStateChanged, JobProgressed
from app.services.settings import Settings
from app.ui.background import Background
from app.ui.chat_actions import ChatActions
from app.ui.chat_list import ChatListModel
from app.ui.chat_view import ChatView
from app.ui.deferred_services import DeferredServices
from app.ui.dialogs import confirm, confirm_forgetting, show_shortcuts
from app.ui.document_table_model import DocumentTableModel
from app.ui.drop_overlay import DropOverlay, local_paths
from app.ui.engine_bridge import EngineBridge
from app.ui.file_dialogs import (
    ADAPTER_FILES,
    GGUF_ADAPTERS,
    NEW_FOLDERS,
    NOTE_FILES,
    choose_file,
    choose_files,
    choose_folder,
    choose_place,
)
from app.ui.library_actions import LibraryActions, LibraryLanes
from app.ui.library_view import LibraryView
from app.ui.notice_bar import NoticeBar
from app.ui.samples import find_samples
from app.ui.settings_dialog import SettingsDialog
from app.ui.status_line import StatusLine
from app.ui.transcript_model import TranscriptModel
from app.ui.welcome import Welcome, welcome
from app.ui.window_place import restore_place, save_place
from engine.errors import UserFacing
from engine.messages import AnswerMode
from engine.models.registry import is_own
from storage.records import ChatRecord, DocumentRecord
from storage.titles import as_file_name, on_one_line

if TYPE_CHECKING:
    from app.bootstrap import Application
    from app.services.adapter_exports import ExportFormat
    from app.ui.model_actions import Remark
    from app.ui.models_dialog import ModelsDialog


class MainWindow(QMainWindow):
    """Builds the parts and connects them. GUI thread only.

    It is shown before the services are open. Nothing here calls them: LibraryActions and ChatActions do, on
    their lanes, where whatever the user begins in the first second waits.
    """

    def __init__(
        self, basics: ProfileBasics, services: DeferredServices, bridge: EngineBridge, samples: Path
    ) -> None:
        """Args: services: not open yet. samples: the folder of sample notes that the first run offers."""
        super().__init__()
        self.setWindowTitle("Loreleaf")
        self.setAcceptDrops(True)
        self._basics = basics
        self._services = services
        self._bridge = bridge
        self._samples = find_samples(samples)
        self._welcome = Welcome.LOADING
        self._is_shut = False
        self._unsubscribe: list[Callable[[], None]] = []
        self.lanes = {
            name: Background(name, self._on_job_failed, self)
            for name in ("intake", "writes", "reads", "chat", "start", "models", "download")
        }
        self.models_dialog: ModelsDialog | None = None
        self._running_model = basics.settings.current.model
        self._build_models()
        self._build_widgets()
        self._build_menus()
        self._connect()
        restore_place(self, self.splitter, basics.paths.home)
        self._on_documents_shown(None)
        if is_own(self._running_model):
            self.chat.set_without_memory()
        self.chat.set_mode(basics.settings.current.mode)
        self.chat.focus_question()

    def start(self) -> None:
        """Open and start the services, and fill the window. Call it once the window is on the screen."""
        self._unsubscribe.append(self._basics.notices.subscribe(self._bridge.publish_notice))
        self.lanes["start"].run(self._services.open, self._on_opened, self._on_opening_failed)

    def shut(self) -> None:
        """Remember the geometry and end everything that runs for the window. The services are not closed."""
        if self._is_shut:
            return
        self._is_shut = True
        save_place(self, self.splitter, self._basics.paths.home)
        for unsubscribe in self._unsubscribe:
            unsubscribe()
        self._services.give_up()
        self._bridge.close()
        self.library_actions.close()
        if self.models_dialog is not None:
            self.models_dialog.model_actions.close()
        for lane in self.lanes.values():
            lane.close()

    # --- set-up ---------------------------------------------------------------------------------------------

    def _build_models(self) -> None:
        self.documents = DocumentTableModel(self)
        self.transcript = TranscriptModel(self)
        self.chats = ChatListModel(self)
        self.library_actions = LibraryActions(
            self.documents,
            self._services,
            self._basics.notices,
            LibraryLanes(self.lanes["intake"], self.lanes["writes"], self.lanes["reads"]),
            self,
        )
        self.chat_actions = ChatActions(
            self.transcript, self.chats, self._services, self.lanes["chat"], self._bridge.publish_answer, self
        )

    def _build_widgets(self) -> None:
        self.library = LibraryView(self.documents, self)
        self.chat = ChatView(self.transcript, self.chats, self)
        self.notice_bar = NoticeBar(self)
        self.status = StatusLine(self)
        self.setStatusBar(self.status)
        self.splitter = QSplitter(Qt.Orientation.Horizontal, self)
        self.splitter.setObjectName("splitter")
        self.splitter.setHandleWidth(1)
        self.splitter.setChildrenCollapsible(False)
        self.splitter.addWidget(self.library)
        self.splitter.addWidget(self.chat)
        self.splitter.setStretchFactor(0, 0)
        self.splitter.setStretchFactor(1, 1)
        self.splitter.setSizes([420, 780])
        centre = QWidget(self)
        layout = QVBoxLayout(centre)
        layout.setContentsMargins(0, 0, 0, 0)
        layout.setSpacing(0)
        layout.addWidget(self.notice_bar)
        layout.addWidget(self.splitter, 1)
        self.setCentralWidget(centre)
        self.overlay = DropOverlay(self)

    def _build_menus(self) -> None:
        bar = self.menuBar()
        notes = bar.addMenu("&Notes")
        self._action(notes, "Add &files…", self._on_add_files, QKeySequence.StandardKey.Open)
        self._action(notes, "Add f&older…", self._on_add_folder, QKeySequence("Ctrl+Shift+O"))
        self._action(notes, "&Watch folder…", self._on_watch_folder)
        self._action(notes, "I&mport adapter…", self._on_import_adapter)
        self._action(notes, "F&ilter", self._on_focus_filter, QKeySequence.StandardKey.Find)
        self._library_menu_actions = notes.actions()
        notes.addSeparator()
        self._library_menu_actions.append(self._action(notes, "Mo&dels…", self.show_models))
        settings = self._action(notes, "&Settings…", self._on_settings, QKeySequence("Ctrl+,"))
        settings.setMenuRole(QAction.MenuRole.PreferencesRole)
        leave = self._action(notes, "&Quit", self.close, QKeySequence.StandardKey.Quit)
        leave.setMenuRole(QAction.MenuRole.QuitRole)
        chat = bar.addMenu("&Chat")
        self._action(chat, "&New chat", self._on_new_chat, QKeySequence.StandardKey.New)
        self._action(chat, "&Earlier chats", self.chat.chats_button.click)
        self._action(chat, "&Go to the question", self.chat.focus_question, QKeySequence("Ctrl+L"))
        self.stop_action = self._action(chat, "&Stop the answer", self._on_stop, QKeySequence("Esc"))
        self.stop_action.setEnabled(False)
        about = bar.addMenu("&Help")
        self._action(about, "&Keyboard", self._on_keyboard, QKeySequence.StandardKey.HelpContents)

    def _action(
        self,
        menu: QMenu,
        text: str,
        slot: object,
        shortcut: QKeySequence.StandardKey | QKeySequence | None = None,
    ) -> QAction:
        action = QAction(text, self)
        if shortcut is not None:
            action.setShortcut(shortcut)
        action.triggered.connect(slot)
        menu.addAction(action)
        return action

    def _connect(self) -> None:
        bridge, library, chat = self._bridge, self.library, self.chat
        bridge.documents_changed.connect(self.library_actions.reload)
        bridge.documents_removed.connect(self.chat_actions.refresh)
        bridge.folders_changed.connect(self.library_actions.reload_folders)
        bridge.job_progressed.connect(self._on_job_progressed)
        bridge.engine_state_changed.connect(self._on_engine_state_changed)
        bridge.model_preparation_progressed.connect(self.status.set_preparation)
        bridge.answer_event.connect(self.chat_actions.take_event)
        bridge.notice.connect(self.notice_bar.add)
        library.add_files_requested.connect(self._on_add_files)
        library.add_folder_requested.connect(self._on_add_folder)
        library.watch_folder_requested.connect(self._on_watch_folder)
        library.retry_requested.connect(self.library_actions.retry)
        library.forget_requested.connect(self._on_forget_requested)
        library.export_requested.connect(self._on_export_requested)
        library.unwatch_requested.connect(self.library_actions.unwatch)
        self.library_actions.documents_shown.connect(self._on_documents_shown)
        self.library_actions.folders_shown.connect(library.folders.show_folders)
        self.library_actions.adding_changed.connect(self.status.set_adding)
        chat.question_asked.connect(self.chat_actions.ask)
        chat.stop_requested.connect(self._on_stop)
        chat.new_chat_requested.connect(self._on_new_chat)
        chat.empty_button_clicked.connect(self._on_welcome_button)
        chat.mode_changed.connect(self._on_mode_changed)
        chat.popup.chat_chosen.connect(self.chat_actions.show_chat)
        chat.popup.delete_requested.connect(self._on_delete_chat_requested)
        self.chats.rename_requested.connect(self.chat_actions.rename)
        self.chat_actions.answering_changed.connect(self._on_answering_changed)
        self.chat_actions.chat_shown.connect(chat.set_title)

    # --- from the services ----------------------------------------------------------------------------------

    def _on_opened(self, services: "Application") -> None:
        self._unsubscribe.append(services.events.subscribe(self._bridge.publish))
        self.lanes["start"].run(services.start, self._on_started, self._on_start_failed)

    def _on_opening_failed(self, error: Exception) -> None:
        self.setAcceptDrops(False)
        for action in self._library_menu_actions:
            action.setEnabled(False)
        self.library.setEnabled(False)
        self.chat.set_unavailable()
        self.status.set_not_opened()
        self._say(Welcome.NOT_OPENED)
        self._on_job_failed(error)

    def _on_started(self, _nothing: None) -> None:
        self.status.set_started()
        self.library_actions.read()
        self.library_actions.reload_folders()
        self.chat_actions.reload_chats()

    def _on_start_failed(self, error: Exception) -> None:
        # What is stored can be shown all the same.
        self._on_started(None)
        self._on_job_failed(error)

    def _on_documents_shown(self, documents: tuple[DocumentRecord, ...] | None) -> None:
        self.status.set_documents(documents or ())
        if documents is not None:
            self.library.set_loaded()
        self._say(welcome(documents), self._samples.questions_about(documents or ()))

    def _say(self, which: Welcome, suggestions: Sequence[str] = ()) -> None:
        self._welcome = which
        words = which.words
        n_samples = len(self._samples.notes)
        button = words.button.format(n=n_samples) if n_samples else ""
        self.chat.empty.say(words.title, words.sentence, button, suggestions)

    def _on_job_progressed(self, progress: JobProgressed) -> None:
        self.library_actions.show_progress(progress)
        self.status.set_progress(progress)

    def _on_engine_state_changed(self, event: EngineStateChanged) -> None:
        self.status.set_engine_state(event)

    def _on_answering_changed(self, is_answering: bool) -> None:
        self.chat.set_answering(is_answering)
        self.status.set_answering(is_answering)
        self.stop_action.setEnabled(is_answering)

    def _on_job_failed(self, error: Exception) -> None:
        """What no action foresaw: the environment's fault is told, our own goes to the crash hook."""
        if isinstance(error, UserFacing):
            self._basics.notices.error(error.title, error.detail)
        elif isinstance(error, OSError):
            self._basics.notices.error("A file could not be read or written.", str(error))
        else:
            raise error

    # --- from the user --------------------------------------------------------------------------------------

    def _on_add_files(self) -> None:
        choose_files(self, "Add notes", NOTE_FILES, self.library_actions.add)

    def _on_add_folder(self) -> None:
        choose_folder(self, "Add everything in a folder", self.library_actions.add)

    def _on_watch_folder(self) -> None:
        choose_folder(self, "Watch a folder", self._watch_first)

    def _watch_first(self, folders: Sequence[Path]) -> None:
        for folder in folders[:1]:
            self.library_actions.watch(folder)

    def _on_import_adapter(self) -> None:
        title = "Import an adapter: a GGUF file, or adapter_model.safetensors of a PEFT folder"
        choose_file(self, title, ADAPTER_FILES, self.library_actions.import_adapter)

    def _on_focus_filter(self) -> None:
        self.library.search.setFocus(Qt.FocusReason.ShortcutFocusReason)
        self.library.search.selectAll()

    def _on_forget_requested(self, documents: tuple[DocumentRecord, ...]) -> None:
        ids = tuple(document.id for document in documents)
        confirm_forgetting(
            self, documents, self.library_actions.n_backups, partial(self.library_actions.forget, ids)
        )

    def _on_export_requested(self, form: "ExportFormat", documents: tuple[DocumentRecord, ...]) -> None:
        name = as_file_name(documents[0].title)
        # Of a file the dialog has asked; a folder is replaced only if it is an earlier export of the same.
        export = partial(self.library_actions.export_adapter, form, documents, form == "gguf")
        if form == "gguf":
            choose_place(self, "Export for llama.cpp", f"{name}.gguf", GGUF_ADAPTERS, "gguf", export)
        else:
            choose_place(self, "Export for PEFT: a new folder", name, NEW_FOLDERS, "", export)

    def _on_delete_chat_requested(self, chat: ChatRecord) -> None:
        confirm(
            self,
            f"Delete “{on_one_line(chat.title)}”?",
            "Its questions and answers are removed for good. Your notes stay.",
            "Delete",
            partial(self.chat_actions.delete, chat),
        )

    def _on_new_chat(self) -> None:
        self.chat_actions.new_chat()
        self.chat.focus_question()

    def _on_stop(self) -> None:
        if self.chat_actions.is_answering:
            self.chat.set_stopping()
            self.chat_actions.stop()

    def _on_welcome_button(self) -> None:
        if self._welcome is Welcome.FIRST_RUN:
            self.library_actions.add(self._samples.notes)

    def _on_mode_changed(self, mode: AnswerMode) -> None:
        if self._basics.settings.current.mode != mode:
            self._change_settings(lambda current: replace(current, mode=mode))

    def show_models(self) -> None:
        """Open the dialog in which base models are chosen and downloaded."""
        dialog = self.models_dialog = self.models_dialog or self._build_models_dialog()
        dialog.show()
        dialog.raise_()
        dialog.activateWindow()

    def _build_models_dialog(self) -> "ModelsDialog":
        # Imported when it is wanted: before the first paint it would be felt.
        from app.ui.model_actions import ModelActions
        from app.ui.models_dialog import ModelsDialog

        actions = ModelActions(
            self._running_model, self._services, self.lanes["models"], self.lanes["download"], self
        )
        actions.download_told.connect(self.status.set_download)
        actions.told.connect(self._on_model_told)
        return ModelsDialog(actions, self)

    def _on_model_told(self, remark: "Remark") -> None:
        """The dialog shows it, if it is there."""
        if self.models_dialog is None or not self.models_dialog.isVisible():
            tell = self._basics.notices.error if remark.is_bad else self._basics.notices.info
            tell(remark.title, remark.detail)

    def _on_settings(self) -> None:
        dialog = SettingsDialog(self._basics.settings.current, self)
        dialog.setAttribute(Qt.WidgetAttribute.WA_DeleteOnClose)
        dialog.settings_chosen.connect(self._on_settings_chosen)
        dialog.models_requested.connect(self.show_models)
        dialog.open()

    def _on_settings_chosen(self, settings: Settings) -> None:
        # The model is chosen in another window, perhaps while this one was open.
        self._change_settings(lambda current: replace(settings, model=current.model))
        self.chat.set_mode(settings.mode)

    def _change_settings(self, change: Callable[[Settings], Settings]) -> None:
        self.lanes["writes"].run(partial(self._basics.settings.change, change))

    def _on_keyboard(self) -> None:
        show_shortcuts(self)

    # --- Qt -------------------------------------------------------------------------------------------------

    def dragEnterEvent(self, event: QDragEnterEvent) -> None:
        """Files and folders of this machine are welcome anywhere in the window."""
        paths = local_paths(event.mimeData())
        if paths:
            self.overlay.announce(paths)
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()

    def dragLeaveEvent(self, event: QDragLeaveEvent) -> None:
        """They were taken elsewhere."""
        self.overlay.hide()
        super().dragLeaveEvent(event)

    def dropEvent(self, event: QDropEvent) -> None:
        """Learn them."""
        self.overlay.hide()
        paths = local_paths(event.mimeData())
        if paths:
            event.setDropAction(Qt.DropAction.CopyAction)
            event.accept()
            self.library_actions.add(paths)

    def closeEvent(self, event: QCloseEvent) -> None:
        """Remember where the window was."""
        save_place(self, self.splitter, self._basics.paths.home)
        if self.models_dialog is not None:
            self.models_dialog.close()
        super().closeEvent(event)
