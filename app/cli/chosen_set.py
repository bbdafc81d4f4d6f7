"""Which documents' adapters leave the program: those named, all, or those that are on."""

import argparse
import re
from collections import Counter
from collections.abc import Mapping, Sequence

from app.bootstrap import Profile, open_profile
from app.cli.console import Console, plural
from app.cli.errors import CommandFailed
from app.cli.home import home_of
from app.cli.naming import find_documents
from app.cli.one_shot import prepare_models
from app.services.answer_sets import part_of
from engine.adapters.messages import AdapterSet, SetMember
from engine.messages import AdapterPart
from engine.models.messages import PreparedModels
from storage.records import DocumentKind, DocumentRecord, DocumentState

_NOT_IN_FILE_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f]')


def chosen_set(options: argparse.Namespace, console: Console) -> AdapterSet:
    """The adapters of the documents that the command line stands for, all at equal weight.

    Raises:
        CommandFailed: a document is not learnt, none is left, or one was learnt for other models.
    """
    profile = open_profile(home_of(options.home))
    profile.notices.subscribe(console.show_notice)
    try:
        documents = _choose(options, profile, console)
        titles = Counter(document.title for document in profile.catalog.documents())
        models = prepare_models(profile, console)
        if not models.has_hypernetwork:
            raise CommandFailed(
                "A model of your own has no adapters of notes.",
                "Choose one of the others first: loreleaf models use embedded.",
            )
        return _adapter_set(documents, titles, profile, models)
    finally:
        profile.close()


def _choose(options: argparse.Namespace, profile: Profile, console: Console) -> list[DocumentRecord]:
    """The documents that the command line stands for, all of them learnt.

    Raises:
        CommandFailed: one that was named is not learnt, or none is left.
    """
    every = profile.catalog.documents()
    if options.documents:
        named = find_documents(every, options.documents)
        for document in named:
            if document.state is not DocumentState.READY:
                raise CommandFailed(
                    f"“{document.title}” is not learnt, so there is nothing to take from it.",
                    document.reason_title or "Wait until “loreleaf list” shows it as ready.",
                )
        return named
    wanted = [document for document in every if document.enabled or options.all]
    ready = [document for document in wanted if document.state is DocumentState.READY]
    if n_left_out := len(wanted) - len(ready):
        console.remark(f"{plural(n_left_out, 'note')} not learnt and left out; “loreleaf list” says why.")
    if not ready:
        which = "learnt" if options.all else "learnt and switched on"
        raise CommandFailed(f"No document is {which}.", "“loreleaf list” shows all of them.")
    return ready


def _adapter_set(
    documents: Sequence[DocumentRecord], titles: Mapping[str, int], profile: Profile, models: PreparedModels
) -> AdapterSet:
    """The documents' adapters, all at equal weight; notes with the same content once.

    Args:
        documents: of which.
        titles: how many documents of the library have each title.
        profile: whose library.
        models: that they must have been learnt with.

    Raises:
        CommandFailed: one was learnt or imported for other models than these.
    """
    parts: dict[str, AdapterPart] = {}
    for document in documents:
        if document.kind is DocumentKind.ADAPTER:
            found = _imported_parts(document, profile, models)
        else:
            found = _learnt_parts(document, profile, models)
        parts |= {part.key: part for part in found}
    return AdapterSet(
        members=tuple(_member(document, titles) for document in documents),
        parts=tuple(parts.values()),
        base_model=models.base_model,
        weights_dir=models.weights_dir,
        base_hash=models.base_hash,
        hypernetwork_hash=models.hypernetwork_hash,
    )


def as_file_name(title: str) -> str:
    """A title without what file names may not hold."""
    return _NOT_IN_FILE_NAMES.sub("_", title)


def _member(document: DocumentRecord, titles: Mapping[str, int]) -> SetMember:
    assert document.content_hash is not None, "a document that is ready has a content"
    return SetMember(
        document.title,
        document.content_hash,
        is_imported=document.kind is DocumentKind.ADAPTER,
        has_title_alone=titles[document.title] == 1,
    )


def _learnt_parts(document: DocumentRecord, profile: Profile, models: PreparedModels) -> list[AdapterPart]:
    chunks = profile.catalog.chunks_of(document.id)
    records = profile.catalog.adapters([chunk.id for chunk in chunks], models.hypernetwork_hash)
    if len(records) != len(chunks):
        raise CommandFailed(
            f"“{document.title}” was learnt with an earlier version of Loreleaf.",
            "“loreleaf add” without a path learns it again; then try once more.",
        )
    return [part_of(record) for record in records]


def _imported_parts(document: DocumentRecord, profile: Profile, models: PreparedModels) -> list[AdapterPart]:
    records = profile.imported.of_documents([document.id], models.base_hash)
    if not records:
        raise CommandFailed(
            f"“{document.title}” was imported for another base model.",
            f"Import it again with this one, if it fits: loreleaf import {document.path}",
        )
    return [part_of(record) for record in records]
