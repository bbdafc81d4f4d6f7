"""What the buttons of the Models dialog do: services called on two lanes, and the state that is shown."""

import threading
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import partial
from pathlib import Path
from time import monotonic
from types import MappingProxyType

from PySide6.QtCore import QObject, Qt, Signal

from app.services.download_speed import DownloadSpeed
from app.services.hub_token import TokenMissing, check_token
from app.services.model_words import (
    FROM_THE_NEXT_START,
    KEPT,
    LEARNT_ANEW,
    QUOTED,
    STATES,
    progress_text,
)
from app.services.one_shot import OneShotStopped
from app.ui.background import Background
from app.ui.deferred_services import DeferredServices
from engine.errors import UserFacing
from engine.models.messages import (
    FetchPhase,
    FetchProgressed,
    ModelAdded,
    ModelFetched,
    ModelsFound,
    ModelState,
)
from engine.models.registry import find_entry, is_own
from engine.models.requirements import gigabytes

_FORESEEN = (UserFacing, OSError)
"""The environment's faults, which are told; all else is a bug and goes to the crash hook."""


@dataclass(frozen=True, slots=True)
class Download:
    """The download that runs.

    Attributes:
        name: of the model.
        progress: None until it has said something.
        bytes_per_s: None while it is too early to say.
        is_stopping: it was asked to stop.
    """

    name: str
    progress: FetchProgressed | None = None
    bytes_per_s: float | None = None
    is_stopping: bool = False


@dataclass(frozen=True, slots=True)
class Remark:
    """What came of the last thing that was done with a model."""

    title: str
    detail: str = ""
    is_bad: bool = False


@dataclass(frozen=True, slots=True)
class ModelsShown:
    """All that the dialog shows.

    Attributes:
        running: name of the model that this run learns and answers with.
        chosen: name of the one for the next start.
        found: None until the first look has ended.
        is_looking: a look is under way.
        problem: why the last look failed.
        download: None while there is none.
        busy: name of the model that is being chosen or removed; empty if none is.
        adding: the file that is being added, and how far that is; empty if none is.
        added: what came of the last file that was added.
        remarks: by model.
        asking: whose publisher wants a token, by model.
    """

    running: str
    chosen: str
    found: ModelsFound | None = None
    is_looking: bool = False
    problem: Remark | None = None
    download: Download | None = None
    busy: str = ""
    adding: str = ""
    added: Remark | None = None
    remarks: Mapping[str, Remark] = field(default_factory=lambda: MappingProxyType({}))
    asking: Mapping[str, TokenMissing] = field(default_factory=lambda: MappingProxyType({}))


class ModelActions(QObject):
    """Looks at, downloads, chooses and removes base models. GUI thread only.

    One download at a time, on a lane of its own that it may hold for hours. It belongs to the window, not to
    the dialog: it goes on when the dialog is closed, and the status line shows it. When the window is closed
    it is stopped; what has arrived is kept, and “Go on” continues from there after the next start.

    Signals:
        changed: the state is another. state: a ModelsShown.
        told: something ended that the user may have stopped watching. remark: a Remark.
        download_told: how far the download is. words: for the status line; empty without one.
    """

    changed = Signal(object)
    told = Signal(object)
    download_told = Signal(str)
    _progressed = Signal(object)
    _adding_progressed = Signal(object)

    def __init__(
        self,
        model: str,
        services: DeferredServices,
        models_lane: Background,
        download_lane: Background,
        parent: QObject | None = None,
    ) -> None:
        """Args: model: that this run uses. models_lane: for what takes seconds."""
        super().__init__(parent)
        self._services = services
        self._models_lane = models_lane
        self._download_lane = download_lane
        self._state = ModelsShown(running=model, chosen=model)
        self._must_look_again = False
        self._stop = threading.Event()
        self._is_closed = threading.Event()
        self._speed = DownloadSpeed()
        self._sources: dict[str, tuple[Path, ...]] = {}
        self._progressed.connect(self._on_progressed, Qt.ConnectionType.QueuedConnection)
        self._adding_progressed.connect(self._on_adding_progressed, Qt.ConnectionType.QueuedConnection)

    @property
    def state(self) -> ModelsShown:
        """What is to be shown now."""
        return self._state

    def look(self) -> None:
        """Look which models are there; if a look is under way, which may have come too early, once more."""
        if self._state.is_looking:
            self._must_look_again = True
            return
        self._show(is_looking=True)
        self._models_lane.run(
            lambda: self._services.get().model_registry.models(is_stopped=self._is_closed.is_set),
            self._on_found,
            self._on_looking_failed,
        )

    def download(self, name: str, sources: Sequence[Path] = ()) -> None:
        """Make a model complete, with the user's own files as far as they go. One at a time.

        Args:
            name: of the model.
            sources: the user's files; without any, those of a download that was broken off.
        """
        if sources:
            self._sources[name] = tuple(sources)
        self._fetch(name, token="")

    def give_token(self, name: str, text: str) -> None:
        """Go on with a download whose publisher wants a token."""
        try:
            token = check_token(text)
        except ValueError as exc:
            self._remark(name, Remark("That was not a token.", f"{exc}.".capitalize(), is_bad=True))
        else:
            self._fetch(name, token)

    def stop_download(self) -> None:
        """Stop; what has arrived is kept."""
        if self._state.download is not None:
            self._stop.set()
            self._show(download=replace(self._state.download, is_stopping=True))

    def add(self, path: Path) -> None:
        """Take in a model file of the user's: try it and, if it works, have it in the list."""
        if self._state.adding:
            return
        self._show(adding=f"Looking at {path.name}…", added=None)
        self._models_lane.run(
            lambda: self._services.get().model_registry.add(
                path, on_progress=self._adding_progressed.emit, is_stopped=self._is_closed.is_set
            ),
            self._on_added,
            self._on_adding_failed,
        )

    def use(self, name: str) -> None:
        """Choose a model for the next start."""
        if not self._state.busy:
            self._begin(name)
            self._models_lane.run(
                lambda: self._services.get().model_registry.use(name, is_stopped=self._is_closed.is_set),
                partial(self._on_used, name),
                partial(self._on_failed, name),
            )

    def remove(self, name: str) -> None:
        """Delete a model; the user has confirmed it."""
        if not self._state.busy:
            self._begin(name)
            self._models_lane.run(
                lambda: self._services.get().model_registry.remove(name),
                partial(self._on_removed, name),
                partial(self._on_failed, name),
            )

    def close(self) -> None:
        """Stop whatever runs, so that the lanes can end."""
        self._is_closed.set()
        self._stop.set()

    # --- on the lane ----------------------------------------------------------------------------------------

    def _get(self, name: str, sources: tuple[Path, ...], token: str) -> tuple[ModelFetched, str]:
        """The model, and what is to be said about the token."""
        model_registry = self._services.get().model_registry
        fetched = model_registry.get(
            name,
            sources=sources,
            token=token,
            on_progress=self._progressed.emit,
            is_stopped=self._stop.is_set,
        )
        return fetched, model_registry.token.remember(token) if token else ""

    # --- what comes back ------------------------------------------------------------------------------------

    def _on_found(self, found: ModelsFound) -> None:
        self._show(found=found, is_looking=False, problem=None)
        self._after_looking()

    def _on_looking_failed(self, error: Exception) -> None:
        self._show(is_looking=False, problem=_remark_of(error))
        self._after_looking()
        if not isinstance(error, _FORESEEN):
            self._models_lane.fail(error)

    def _after_looking(self) -> None:
        if self._must_look_again:
            self._must_look_again = False
            self.look()

    def _fetch(self, name: str, token: str) -> None:
        if self._state.download is not None:
            return
        self._stop.clear()
        self._speed = DownloadSpeed()
        remarks = {key: remark for key, remark in self._state.remarks.items() if key != name}
        asking = {key: missing for key, missing in self._state.asking.items() if key != name}
        self._show(download=Download(name), remarks=remarks, asking=asking)
        self._download_lane.run(
            partial(self._get, name, self._sources.get(name, ()), token),
            partial(self._on_fetched, name),
            partial(self._on_fetching_failed, name),
        )

    def _on_progressed(self, progress: FetchProgressed) -> None:
        download = self._state.download
        if download is None:
            return
        bytes_per_s = download.bytes_per_s
        if progress.phase is FetchPhase.DOWNLOADING:
            bytes_per_s = self._speed.note(monotonic(), progress.n_done_bytes)
        self._show(download=replace(download, progress=progress, bytes_per_s=bytes_per_s))

    def _on_fetched(self, name: str, outcome: tuple[ModelFetched, str]) -> None:
        _fetched, about_token = outcome
        self._sources.pop(name, None)
        self._show(download=None)
        details = ("Press Use to have it learn and answer.", about_token)
        title = f"{find_entry(name).title} is {STATES[ModelState.READY]}."
        self._tell(name, Remark(title, " ".join(filter(None, details))))
        self.look()

    def _on_fetching_failed(self, name: str, error: Exception) -> None:
        self._show(download=None)
        if isinstance(error, OneShotStopped):
            self._remark(name, Remark("Stopped.", f"{KEPT}; the download goes on from there."))
        elif isinstance(error, TokenMissing):
            self._show(asking={**self._state.asking, name: error})
            then = "Then give it under Models in the menu Notes."
            self.told.emit(Remark(error.title, f"{error.detail} {then}", is_bad=True))
        else:
            self._sources.pop(name, None)  # they may be what was wrong
            self._on_failed(name, error)
        self.look()

    def _on_adding_progressed(self, progress: FetchProgressed) -> None:
        if self._state.adding:
            words = progress_text(progress)
            self._show(adding=f"{words[:1].upper()}{words[1:]}…")

    def _on_added(self, added: ModelAdded) -> None:
        remark = Remark(f"{added.title} was added.", f"{QUOTED} Press Use to chat with it.")
        self._show(adding="", added=remark)
        self.told.emit(remark)
        self.look()

    def _on_adding_failed(self, error: Exception) -> None:
        self._show(adding="", added=_remark_of(error) if isinstance(error, _FORESEEN) else None)
        if self._state.added is not None:
            self.told.emit(self._state.added)
        elif not isinstance(error, OneShotStopped):
            self._models_lane.fail(error)

    def _on_used(self, name: str, _is_new: bool) -> None:
        self._show(busy="", chosen=name)
        if name == self._state.running:
            self._remark(name, Remark("It stays in use."))
        else:
            title = f"{self._title_of(name)} {FROM_THE_NEXT_START}"
            what_then = QUOTED if is_own(name) else LEARNT_ANEW
            self._remark(name, Remark(title, f"{what_then} Close Loreleaf and start it again."))

    def _title_of(self, name: str) -> str:
        found = self._state.found
        titles = {model.name: model.title for model in found.models} if found is not None else {}
        return titles.get(name, name)

    def _on_removed(self, name: str, n_bytes: int) -> None:
        self._show(busy="")
        self._sources.pop(name, None)
        self._remark(name, Remark(f"Removed, {gigabytes(n_bytes)} freed."))
        self.look()

    def _on_failed(self, name: str, error: Exception) -> None:
        self._show(busy="" if self._state.busy == name else self._state.busy)
        if isinstance(error, _FORESEEN):
            self._tell(name, _remark_of(error))
        else:
            self._models_lane.fail(error)

    def _begin(self, name: str) -> None:
        remarks = {key: remark for key, remark in self._state.remarks.items() if key != name}
        self._show(busy=name, remarks=remarks)

    def _remark(self, name: str, remark: Remark) -> None:
        self._show(remarks={**self._state.remarks, name: remark})

    def _tell(self, name: str, remark: Remark) -> None:
        self._remark(name, remark)
        self.told.emit(remark)

    def _show(self, **changes: object) -> None:
        self._state = replace(self._state, **changes)  # type: ignore[arg-type]  # of the fields named
        self.changed.emit(self._state)
        if "download" in changes:
            self.download_told.emit(_download_words(self._state.download))


def _download_words(download: Download | None) -> str:
    if download is None:
        return ""
    progress, share = download.progress, ""
    if progress is not None and progress.phase is FetchPhase.DOWNLOADING and progress.n_total_bytes:
        share = f", {progress.n_done_bytes / progress.n_total_bytes:.0%}"
    return f"Downloading {find_entry(download.name).title}{share}"


def _remark_of(error: Exception) -> Remark:
    """For people."""
    if isinstance(error, UserFacing):
        return Remark(error.title, error.detail, is_bad=True)
    return Remark("A file could not be read or written.", str(error), is_bad=True)
