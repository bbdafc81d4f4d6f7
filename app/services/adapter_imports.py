"""Adapters that were made elsewhere become documents of the library, for the window and for the terminal."""

import hashlib
from collections.abc import Callable
from pathlib import Path

from app.services.library_events import DocumentsChanged, LibraryEvents
from app.services.note_files import canonical
from app.services.one_shot import prepare_models, run_one_shot
from app.services.ports import ImportWorkerFactory, PreparationWorkerFactory
from engine.adapters.messages import AdapterImported, ImportAdapter
from engine.errors import InvalidAdapter
from engine.messages import Codec
from engine.models.messages import PreparationProgress, PrepareModels
from storage.catalog import Catalog
from storage.imported_adapters import ImportedAdapters
from storage.records import DocumentRecord, NewImport
from storage.titles import title_of

_GGUF_SUFFIX = ".gguf"
_PEFT_NAMES = ("adapter_config.json", "adapter_model.safetensors")
"""Who chooses one of these files means the folder: a dialog for files shows no folders to choose."""


class AdapterImports:
    """Takes adapters into the library. Plain blocking calls, on any thread; the reading is a process's.

    Args:
        wanted: the base model that adapters must fit: the one that answers in this run.
        catalog, imported: where they are kept.
        events: told of what was taken in.
        prepare_factory: makes the process that says where the base model is, and unpacks it if need be.
        import_factory: makes the process that reads an adapter.
    """

    def __init__(
        self,
        wanted: PrepareModels,
        *,
        catalog: Catalog,
        imported: ImportedAdapters,
        events: LibraryEvents,
        prepare_factory: PreparationWorkerFactory,
        import_factory: ImportWorkerFactory,
    ) -> None:
        self._wanted = wanted
        self._catalog = catalog
        self._imported = imported
        self._events = events
        self._prepare_factory = prepare_factory
        self._import_factory = import_factory

    def add(
        self,
        source: Path,
        name: str | None = None,
        *,
        on_progress: Callable[[PreparationProgress], None] = lambda _progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> DocumentRecord:
        """Take an adapter into the library, ready and on; seconds.

        One that came from the same file is replaced, and keeps its name and its switch.

        Args:
            source: a PEFT folder, one of the two files in it, or a GGUF file.
            name: what it is called; None takes what it calls itself, or its folder's or file's name.
            on_progress: called in this thread while the base model is unpacked.
            is_stopped: asked in this thread, ten times a second.

        Raises:
            InvalidAdapter: it is none, or cannot be used; the detail says why.
            EngineError: the base model cannot be had, or a process has failed.
            StorageError: the catalog cannot be written.
            OneShotStopped: ``is_stopped`` was true; nothing was changed.
        """
        source = _checked_source(source)

        models = prepare_models(self._prepare_factory(self._wanted), on_progress, is_stopped=is_stopped)
        if not models.has_hypernetwork:
            raise InvalidAdapter(
                "Adapters cannot be used with a model of your own.",
                "Choose one of the others first: loreleaf models use embedded.",
            )
        order = ImportAdapter(source, models.base_model, models.base_hash)
        imported = run_one_shot(
            self._import_factory(order), AdapterImported, lambda _event: None, is_stopped=is_stopped
        )
        title = name or self._default_name(imported, source)
        document = self._imported.put(_new_import(imported, models.base_hash), title)
        self._events.publish(DocumentsChanged((document.id,)))
        return document

    def _default_name(self, imported: AdapterImported, source: Path) -> str | None:
        """None if it has a name here already."""
        if self._catalog.document_by_path(imported.file) is not None:
            return None
        folder_or_file = source.name if source.is_dir() else source.stem
        return title_of(imported.title) or folder_or_file


def _checked_source(named: Path) -> Path:
    source = canonical(named)
    if source.name in _PEFT_NAMES and source.is_file():
        return source.parent
    if source.is_dir() or (source.is_file() and source.suffix.lower() == _GGUF_SUFFIX):
        return source
    if not source.exists():
        raise InvalidAdapter(f"There is no {source}.", "Name a PEFT folder or a GGUF file.")
    raise InvalidAdapter(
        f"{source} is neither a folder nor a GGUF file.",
        f"Of a PEFT adapter, name the folder with {_PEFT_NAMES[0]} and {_PEFT_NAMES[1]}.",
    )


def _new_import(imported: AdapterImported, base_hash: str) -> NewImport:
    # The identity is the hash of all but itself: what came through the pipe is what was checked.
    digest = hashlib.sha256(memoryview(imported.data)[32:]).hexdigest()
    if digest != imported.sha256:
        raise InvalidAdapter("The adapter was damaged on its way into the library.", "Import it again.")
    return NewImport(
        path=imported.file,
        content_hash=imported.sha256,
        size_bytes=imported.size_bytes,
        note=imported.remark,
        base_hash=base_hash,
        codec=Codec.LORA_F16.value,
        rank=imported.rank,
        data=imported.data,
    )
