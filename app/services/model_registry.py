"""The base models that can be chosen: how they stand here, fetching, choosing and removing one.

Plain blocking calls. The work is done in processes of its own; of the network nothing is imported here.
"""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

from app.services.hub_token import HubToken, TokenMissing
from app.services.one_shot import run_one_shot
from app.services.ports import ModelWorkers
from app.services.settings import SettingsFile
from engine.errors import EngineDied, ModelUnavailable
from engine.models.messages import (
    AddModel,
    FetchModel,
    FetchProgressed,
    ModelAdded,
    ModelFetched,
    ModelsFound,
    PreparationProgress,
    PreparedModels,
    PrepareModels,
    SurveyModels,
    TokenNeeded,
)
from engine.models.own import OwnModels
from engine.models.registry import find_entry
from engine.models.store import ModelStore


class ModelRegistry:
    """Lists, fetches, adds, chooses and removes base models. Any thread; a second fetch of one is refused.

    Args:
        where: the profile's folders for models.
        token: the kept token for the hub.
        settings: name the model that is used.
        workers: make the processes' clients.
    """

    def __init__(
        self, where: SurveyModels, token: HubToken, settings: SettingsFile, workers: ModelWorkers
    ) -> None:
        self._where = where
        self.token = token
        self._settings = settings
        self._workers = workers

    def models(self, *, is_stopped: Callable[[], bool] = lambda: False) -> ModelsFound:
        """All models, with their state and whether they fit this computer. Takes a second or two.

        Args:
            is_stopped: asked in this thread, ten times a second.

        Raises:
            EngineError: the process that looks has failed.
            OneShotStopped: ``is_stopped`` was true.
        """
        worker = self._workers.survey(self._where)
        return run_one_shot(worker, ModelsFound, lambda _event: None, is_stopped=is_stopped)

    def get(
        self,
        name: str,
        *,
        sources: Sequence[Path] = (),
        token: str = "",
        on_progress: Callable[[FetchProgressed], None] = lambda _progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> ModelFetched:
        """Make a model complete: minutes to hours. Goes on where an earlier call was stopped.

        Args:
            name: of the model; not of the built-in one, which is prepared by itself.
            sources: local files and folders to use in place of a download; they are not copied.
            token: the user's, for this time; ``token.remember`` keeps one that worked.
            on_progress: called in this thread, at most 20 times a second.
            is_stopped: asked in this thread, ten times a second; what has arrived by then is kept.

        Raises:
            TokenMissing: nobody can have this model without saying who they are, or the token did not do.
            EngineError: it cannot be had; the detail says what to do.
            OneShotStopped: ``is_stopped`` was true.
        """
        if OwnModels(self._where.records_dir).find(name) is not None:
            raise ModelUnavailable(f"“{name}” is a file of your own.", "There is nothing to fetch.")
        if find_entry(name).is_built_in:
            raise ModelUnavailable(f"“{name}” comes with Loreleaf.", "There is nothing to fetch.")
        wanted = FetchModel(
            name=name,
            models_dir=self._where.models_dir,
            records_dir=self._where.records_dir,
            sources=tuple(path.expanduser().absolute() for path in sources),
            given_token=token,
            kept_token=self.token.read(),
        )

        def take(event: object) -> None:
            match event:
                case FetchProgressed():
                    on_progress(event)
                case TokenNeeded():
                    raise TokenMissing(event.title, event.detail, event.page, has_refused=event.has_refused)

        return run_one_shot(
            self._workers.fetch(wanted),
            ModelFetched,
            take,
            is_stopped=is_stopped,
        )

    def add(
        self,
        path: Path,
        *,
        name: str = "",
        on_progress: Callable[[FetchProgressed], None] = lambda _progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> ModelAdded:
        """Take in a model file that the user has: a GGUF of any model that chats. Seconds to minutes.

        It is tried first, in a process of its own. It stays where it is.

        Args:
            path: of the file.
            name: what it is to be called; empty takes the file's, or the one that it has here.
            on_progress: called in this thread, at most 20 times a second.
            is_stopped: asked in this thread, ten times a second; nothing is kept then.

        Raises:
            EngineError: it cannot be used; the detail says why.
            OneShotStopped: ``is_stopped`` was true.
        """
        path = path.expanduser().absolute()
        use_gpu = self._settings.current.device != "cpu"
        wanted = AddModel(path, name, self._where.records_dir, use_gpu)

        def take(event: object) -> None:
            if isinstance(event, FetchProgressed):
                on_progress(event)

        try:
            return run_one_shot(self._workers.add(wanted), ModelAdded, take, is_stopped=is_stopped)
        except EngineDied as exc:
            raise ModelUnavailable(
                "This model cannot be used.",
                f"{path}: the process that tried it has ended. The file is damaged, or llama.cpp cannot run "
                f"it, or memory is short. {exc.detail}",
            ) from exc

    def use(
        self,
        name: str,
        *,
        on_progress: Callable[[PreparationProgress], None] = lambda _progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> bool:
        """Choose the model that learns and answers from the next start on.

        What is not complete is refused now, not at the next start.

        Args:
            name: of the model.
            on_progress: called in this thread while the built-in model is unpacked.
            is_stopped: asked in this thread, ten times a second.

        Returns:
            Whether it was another one until now.

        Raises:
            EngineError: there is no such model, or it cannot be used as it stands.
            OSError: the settings cannot be written.
            OneShotStopped: ``is_stopped`` was true; nothing was changed.
        """
        where = self._where
        if OwnModels(where.records_dir).find(name) is None:
            find_entry(name)
        wanted = PrepareModels(where.models_dir, where.weights_dir, where.records_dir, name)

        def take(event: object) -> None:
            if isinstance(event, PreparationProgress):
                on_progress(event)

        run_one_shot(self._workers.prepare(wanted), PreparedModels, take, is_stopped=is_stopped)
        if self._settings.current.model == name:
            return False
        self._settings.change(lambda current: replace(current, model=name))
        return True

    def remove(self, name: str) -> int:
        """Delete what was downloaded for a model. Local files, and the user's own, stay and are forgotten.

        Returns:
            Bytes that were freed.

        Raises:
            ModelUnavailable: it is the built-in one, chosen, not here, being fetched, or a file cannot be
                deleted.
        """
        is_mine = OwnModels(self._where.records_dir).find(name) is not None
        if not is_mine and find_entry(name).is_built_in:
            raise ModelUnavailable(f"“{name}” comes with Loreleaf.", "It cannot be removed.")
        if self._settings.current.model == name:
            raise ModelUnavailable(f"“{name}” is in use.", "Choose another model before you remove it.")
        if is_mine:
            OwnModels(self._where.records_dir).forget(name)
            return 0
        return ModelStore(self._where.models_dir, self._where.records_dir).remove(name)
