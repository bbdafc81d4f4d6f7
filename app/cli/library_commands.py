"""add, watch, unwatch, list, on, off, forget."""

import argparse
from pathlib import Path

from app.bootstrap import Application
from app.cli.console import Console, plural
from app.cli.errors import CommandFailed
from app.cli.home import home_of
from app.cli.learning import WAITING, Learning, describe, queued_elsewhere
from app.cli.naming import find_documents, find_folder
from app.cli.one_shot import prepare_models
from app.cli.session import opened, start
from app.services.ingest_service import AddReport
from app.services.note_files import Skipped, canonical, is_folder
from storage.records import DocumentRecord, DocumentState, FolderRecord


def add(options: argparse.Namespace, console: Console) -> int:
    """Learn files and folders; 1 if one could not be learnt or read, or a file that was named is no note."""
    with opened(home_of(options.home), console) as application:
        # Before the services start: whoever has the lock now learns what is queued.
        is_ours = application.lock.try_acquire()
        if not options.paths:
            return _catch_up(application, console, is_ours=is_ours)
        report = application.ingest.add_paths([Path(path) for path in options.paths])
        n_refused = _tell_skipped(report, options.paths, console)
        for document in report.unchanged:
            console.result(describe(document))
        _tell_ended(report.added, console)
        failed = [document for document in report.added if document.state is DocumentState.FAILED]
        failed += _learn(application, console, [*report.added, *report.unchanged], is_ours=is_ours)
        return 1 if failed or n_refused else 0


def watch(options: argparse.Namespace, console: Console) -> int:
    """Keep up with a folder from now on, and learn what is in it."""
    with opened(home_of(options.home), console) as application:
        is_ours = application.lock.try_acquire()
        try:
            folder = application.watch.watch(Path(options.folder))
        except NotADirectoryError as exc:
            raise CommandFailed(f"{exc}.", "Name a folder that exists.") from exc
        if folder.path != Path(options.folder).expanduser().resolve():
            console.result(f"{options.folder} lies in {folder.path}, which is watched already.")
        else:
            console.result(f"Watching {folder.path}")
        failed: list[DocumentRecord] = []
        unreadable: tuple[Skipped, ...] = ()
        if is_ours:
            unreadable = application.watch.queue_now(folder)
            for item in unreadable:
                console.remark(f"{item.path}: {item.reason}")
            documents = _documents_in(application, folder)
            _tell_ended(documents, console)
            failed = [document for document in documents if document.state is DocumentState.FAILED]
            failed += _learn(application, console, documents, is_ours=True)
        console.remark("Changes in the folder are noticed while Loreleaf is open, or when it is opened.")
        return 1 if failed or unreadable else 0


def unwatch(options: argparse.Namespace, console: Console) -> int:
    """Keep up with a folder no longer; its notes stay."""
    with opened(home_of(options.home), console) as application:
        folder = find_folder(application.library.folders(), options.folder)
        application.watch.unwatch(folder.id)
        console.result(f"No longer watching {folder.path}. Its notes stay in the library.")
        return 0


def list_documents(options: argparse.Namespace, console: Console) -> int:
    """All documents with their state and the reason when one failed, and the watched folders."""
    with opened(home_of(options.home), console) as application:
        documents = application.library.documents()
        folders = application.library.folders()
    if options.json:
        paths = {folder.id: str(folder.path) for folder in folders}
        console.result_json(
            {
                "documents": [_as_json(document, paths) for document in documents],
                "folders": [{"id": folder.id, "path": str(folder.path)} for folder in folders],
            }
        )
        return 0
    for document in documents:
        switch = "on " if document.enabled else "off"
        console.result(f"{switch}  {describe(document)}")
    for folder in folders:
        console.result(f"watching {folder.path}")
    if not documents:
        console.remark("The library is empty. “loreleaf add PATH” learns a file or a folder.")
    return 0


def switch_on(options: argparse.Namespace, console: Console) -> int:
    """Let documents take part in answers."""
    return _switch(options, console, on=True)


def switch_off(options: argparse.Namespace, console: Console) -> int:
    """Keep documents out of answers."""
    return _switch(options, console, on=False)


def forget(options: argparse.Namespace, console: Console) -> int:
    """Remove documents for good. The files stay."""
    with opened(home_of(options.home), console) as application:
        documents = find_documents(application.library.documents(), options.documents)
        try:
            application.library.forget([document.id for document in documents])
        except OSError as exc:
            raise CommandFailed(
                "Nothing was forgotten.", f"{exc.filename or application.paths.home}: {exc.strerror or exc}."
            ) from exc
        for document in documents:
            console.result(f"forgotten  {document.title}  ({document.path})")
        _see_to_backups(application, console, delete=options.delete_backups)
        return 0


def _see_to_backups(application: Application, console: Console, *, delete: bool) -> None:
    """Delete the backups, or say that they still hold what was forgotten."""
    copies = application.library.older_copies()
    if not copies:
        return
    if not delete:
        console.remark(
            f"{plural(len(copies), 'backup')} of the library may still hold what was forgotten. "
            "They are replaced in time; forget --delete-backups deletes them now."
        )
        return
    try:
        application.library.delete_older_copies()
    except OSError as exc:
        raise CommandFailed(
            "The backups could not be deleted.", f"{exc.filename}: {exc.strerror or exc}."
        ) from exc
    console.result(f"deleted    {plural(len(copies), 'backup')}")


def _switch(options: argparse.Namespace, console: Console, *, on: bool) -> int:
    with opened(home_of(options.home), console) as application:
        every = application.library.documents()
        documents = list(every) if options.all else find_documents(every, options.documents)
        application.library.set_enabled([document.id for document in documents], on)
        for document in documents:
            console.result(f"{'on ' if on else 'off'}  {document.title}")
        return 0


def _catch_up(application: Application, console: Console, *, is_ours: bool) -> int:
    """Learn what is queued and what was learnt for other models."""
    outdated = outdated_ids(application, console)
    for id_ in outdated:
        application.ingest.retry(id_)
    documents = list(application.library.documents())
    if not any(document.state in WAITING for document in documents):
        console.result("There is nothing to learn.")
        return 0
    return 1 if _learn(application, console, documents, is_ours=is_ours) else 0


def outdated_ids(application: Application, console: Console) -> tuple[int, ...]:
    """Documents that were learnt for other models than those of this version, and take no part in answers."""
    models = prepare_models(application.profile, console)
    if not models.has_hypernetwork:
        return ()
    return application.profile.catalog.documents_for_other_models(models.base_hash, models.hypernetwork_hash)


def _learn(
    application: Application, console: Console, documents: list[DocumentRecord], *, is_ours: bool
) -> list[DocumentRecord]:
    """Learn what is queued, or say who does; returns the documents that could not be learnt."""
    waiting = [document for document in documents if document.state in WAITING]
    if not waiting:
        return []
    if not is_ours:
        console.result(queued_elsewhere(len(waiting)))
        return []
    learning = Learning(application, console, waiting)
    start(application, learn=True)
    return learning.wait()


def _documents_in(application: Application, folder: FolderRecord) -> list[DocumentRecord]:
    return [
        document for document in application.library.documents() if document.path.is_relative_to(folder.path)
    ]


def _tell_ended(documents: list[DocumentRecord] | tuple[DocumentRecord, ...], console: Console) -> None:
    for document in documents:
        if document.state in (DocumentState.READY, DocumentState.FAILED):
            console.result(describe(document))


def _tell_skipped(report: AddReport, named: list[str], console: Console) -> int:
    """Say what was not taken; returns how much of it was named or unreadable, not just found in a folder."""
    named_paths = {canonical(Path(path)) for path in named}
    n_refused = 0
    for path, reason in report.skipped:
        if path in report.unreadable or (path in named_paths and not is_folder(path)):
            n_refused += 1
            console.remark(f"{path}: {reason}")
        elif console.is_watched:
            console.remark(f"left out: {path}: {reason}")
    return n_refused


def _as_json(document: DocumentRecord, folders: dict[int, str]) -> dict[str, object]:
    return {
        "id": document.id,
        "title": document.title,
        "kind": document.kind.value,
        "path": str(document.path),
        "state": document.state.value,
        "enabled": document.enabled,
        "passages": document.n_chunks,
        "reason": document.reason_title,
        "reason_detail": document.reason_detail,
        "note": document.note,
        "folder": folders.get(document.folder_id) if document.folder_id is not None else None,
        "size_bytes": document.size_bytes,
        "content_hash": document.content_hash,
        "added_at": document.added_at.isoformat(),
        "updated_at": document.updated_at.isoformat(),
    }
