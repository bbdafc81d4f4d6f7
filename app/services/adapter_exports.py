"""Adapters of documents that leave the library: exported for other programs, or merged into a base model."""

from collections import Counter
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Literal

from app.services.answer_sets import part_of
from app.services.errors import UserFacingError
from app.services.one_shot import prepare_models, run_one_shot
from app.services.ports import ExportWorkerFactory, MergeWorkerFactory, PreparationWorkerFactory
from engine.adapters.messages import (
    AdapterExported,
    AdapterSet,
    ExportAdapter,
    MergeAdapters,
    MergeProgress,
    ModelMerged,
    SetMember,
)
from engine.messages import AdapterPart
from engine.models.messages import PreparationProgress, PreparedModels, PrepareModels
from storage.catalog import Catalog
from storage.imported_adapters import ImportedAdapters
from storage.records import DocumentKind, DocumentRecord, DocumentState
from storage.titles import as_file_name

ExportFormat = Literal["gguf", "peft"]
"""For llama.cpp, a file; for PEFT and transformers, a folder."""


class NotExportable(UserFacingError):
    """These documents' adapters cannot leave the library, or not to this place."""


class AdapterExports:
    """Writes adapters for others. Plain blocking calls, on any thread; the writing is a process's.

    Both take a set of documents, all at equal weight, notes with the same content once.

    Args:
        wanted: the base model that the adapters belong to: the one that answers in this run.
        catalog, imported: where they are kept.
        prepare_factory: makes the process that says where the base model is, and unpacks it if need be.
        export_factory, merge_factory: make the processes that write.
    """

    def __init__(
        self,
        wanted: PrepareModels,
        *,
        catalog: Catalog,
        imported: ImportedAdapters,
        prepare_factory: PreparationWorkerFactory,
        export_factory: ExportWorkerFactory,
        merge_factory: MergeWorkerFactory,
    ) -> None:
        self._wanted = wanted
        self._catalog = catalog
        self._imported = imported
        self._prepare_factory = prepare_factory
        self._export_factory = export_factory
        self._merge_factory = merge_factory

    def export(
        self,
        documents: Sequence[DocumentRecord],
        form: ExportFormat,
        out: Path,
        *,
        may_overwrite: bool = False,
        makes_folders: bool = False,
        on_progress: Callable[[PreparationProgress], None] = lambda _progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> AdapterExported:
        """Write the adapter that answers when exactly these documents take part; seconds.

        Args:
            documents: at least one.
            form: see ExportFormat.
            out: where to write; into a folder that exists, a GGUF file gets the set's name.
            may_overwrite: also over what is not an earlier export of the same documents.
            makes_folders: make the folders above ``out`` that are missing.
            on_progress: called in this thread while the base model is unpacked.
            is_stopped: asked in this thread, ten times a second.

        Raises:
            NotExportable: one is not learnt, or was for other models; or the place will not do.
            EngineError: it cannot be written.
            StorageError: the library cannot be read.
            OneShotStopped: ``is_stopped`` was true.
        """
        if form == "peft" and out.is_file():
            raise NotExportable(f"{out} is a file.", "Name a folder for the format peft.")
        chosen = self._set_of(documents, on_progress, is_stopped)
        if form == "gguf" and out.is_dir():
            out = out / f"{as_file_name(chosen.title)}.gguf"
        wanted = ExportAdapter(form, out.absolute(), chosen, may_overwrite, makes_folders)
        worker = self._export_factory(wanted)
        return run_one_shot(worker, AdapterExported, lambda _event: None, is_stopped=is_stopped)

    def merge(
        self,
        documents: Sequence[DocumentRecord],
        out: Path,
        *,
        base_folder: Path | None = None,
        may_overwrite: bool = False,
        makes_folders: bool = False,
        on_progress: Callable[[PreparationProgress | MergeProgress], None] = lambda _progress: None,
        is_stopped: Callable[[], bool] = lambda: False,
    ) -> ModelMerged:
        """Write a model that knows these documents by itself; the base model's own files stay. Minutes.

        Args:
            documents: at least one.
            out: a GGUF file, or an existing folder for one; with ``base_folder`` a folder of transformers.
            base_folder: the base model as transformers' save_pretrained leaves it; None takes the GGUF file.
            may_overwrite: also over what is not an earlier merge of the same documents.
            makes_folders: make the folders above ``out`` that are missing.
            on_progress: called in this thread.
            is_stopped: asked in this thread, ten times a second.

        Raises:
            NotExportable, EngineError, StorageError, OneShotStopped: as ``export``.
        """
        chosen = self._set_of(documents, on_progress, is_stopped)
        if base_folder is None and out.is_dir():
            out = out / f"{as_file_name(chosen.title)} merged.gguf"
        wanted = MergeAdapters(out.absolute(), chosen, base_folder, may_overwrite, makes_folders)

        def show(event: object) -> None:
            if isinstance(event, MergeProgress):
                on_progress(event)

        return run_one_shot(self._merge_factory(wanted), ModelMerged, show, is_stopped=is_stopped)

    def _set_of(
        self,
        documents: Sequence[DocumentRecord],
        on_progress: Callable[[PreparationProgress], None],
        is_stopped: Callable[[], bool],
    ) -> AdapterSet:
        for document in documents:
            if document.state is not DocumentState.READY:
                raise NotExportable(
                    f"“{document.title}” is not learnt, so there is nothing to take from it.",
                    document.reason_title or "Wait until it is ready.",
                )
        models = prepare_models(self._prepare_factory(self._wanted), on_progress, is_stopped=is_stopped)
        if not models.has_hypernetwork:
            raise NotExportable(
                "A model of your own has no adapters of notes.",
                "Choose one of the others first: loreleaf models use embedded.",
            )
        titles = Counter(document.title for document in self._catalog.documents())
        parts = {part.key: part for document in documents for part in self._parts_of(document, models)}
        return AdapterSet(
            members=tuple(_member(document, titles) for document in documents),
            parts=tuple(parts.values()),
            base_model=models.base_model,
            weights_dir=models.weights_dir,
            base_hash=models.base_hash,
            hypernetwork_hash=models.hypernetwork_hash,
        )

    def _parts_of(self, document: DocumentRecord, models: PreparedModels) -> list[AdapterPart]:
        if document.kind is DocumentKind.ADAPTER:
            imports = self._imported.of_documents([document.id], models.base_hash)
            if not imports:
                raise NotExportable(
                    f"“{document.title}” was imported for another base model.",
                    f"Import it again with this one, if it fits: loreleaf import {document.path}",
                )
            return [part_of(record) for record in imports]
        chunks = self._catalog.chunks_of(document.id)
        learnt = self._catalog.adapters([chunk.id for chunk in chunks], models.hypernetwork_hash)
        if len(learnt) != len(chunks):
            raise NotExportable(
                f"“{document.title}” was learnt with an earlier version of Loreleaf.",
                "“loreleaf add” without a path learns it again; then try once more.",
            )
        return [part_of(record) for record in learnt]


def _member(document: DocumentRecord, titles: Mapping[str, int]) -> SetMember:
    assert document.content_hash is not None, "a document that is ready has a content"
    return SetMember(
        document.title,
        document.content_hash,
        is_imported=document.kind is DocumentKind.ADAPTER,
        has_title_alone=titles[document.title] == 1,
    )
