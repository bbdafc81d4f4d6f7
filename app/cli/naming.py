"""Which documents somebody means by what they typed: an id, a title, a file or a folder."""

import difflib
from collections.abc import Iterable, Sequence
from pathlib import Path

from app.cli.errors import CommandFailed
from app.services.note_files import canonical
from storage.records import DocumentRecord, FolderRecord

_MAX_LISTED = 8


def find_documents(documents: Sequence[DocumentRecord], names: Iterable[str]) -> list[DocumentRecord]:
    """The documents that ``names`` stand for, each once, in the order named.

    Raises:
        CommandFailed: a name fits none, or several that are not one folder's.
    """
    found: dict[int, DocumentRecord] = {}
    for name in names:
        for document in _named(documents, name):
            found.setdefault(document.id, document)
    return list(found.values())


def find_document(documents: Sequence[DocumentRecord], name: str) -> DocumentRecord:
    """The one document that ``name`` stands for.

    Raises:
        CommandFailed: there is none, or there are several.
    """
    found = _named(documents, name)
    if len(found) > 1:
        raise _ambiguous(name, found)
    return found[0]


def find_folder(folders: Sequence[FolderRecord], name: str) -> FolderRecord:
    """The watched folder at the path ``name``.

    Raises:
        CommandFailed: it is not watched.
    """
    path = Path(name).expanduser().resolve()
    for folder in folders:
        if folder.path == path:
            return folder
    watched = ", ".join(str(folder.path) for folder in folders) or "none"
    raise CommandFailed(f"The folder {path} is not watched.", f"Watched folders: {watched}.")


def _named(documents: Sequence[DocumentRecord], name: str) -> list[DocumentRecord]:
    """An id first, then a path, then a title or file name without regard to case, then a folder."""
    if name.isdecimal() and (by_id := [document for document in documents if document.id == int(name)]):
        return by_id
    path = canonical(Path(name)) if name else Path()
    if by_path := [document for document in documents if document.path == path]:
        return by_path
    wanted = name.casefold()
    titled = [
        document
        for document in documents
        if wanted in (document.title.casefold(), document.path.name.casefold())
    ]
    if len(titled) > 1:
        raise _ambiguous(name, titled)
    if not titled and name:
        titled = [document for document in documents if document.path.is_relative_to(path)]
    if not titled:
        raise _unknown(documents, name)
    return titled


def _ambiguous(name: str, found: Sequence[DocumentRecord]) -> CommandFailed:
    listed = "".join(f"\n  {document.id}  {document.path}" for document in found[:_MAX_LISTED])
    more = f"\n  and {len(found) - _MAX_LISTED} more" if len(found) > _MAX_LISTED else ""
    return CommandFailed(
        f"“{name}” fits {len(found)} documents.", f"Name one by its number or path:{listed}{more}"
    )


def _unknown(documents: Sequence[DocumentRecord], name: str) -> CommandFailed:
    titles = {document.title.casefold(): document.title for document in documents}
    close = difflib.get_close_matches(name.casefold(), titles, n=3)
    advice = (
        f"Did you mean {' or '.join(f'“{titles[key]}”' for key in close)}?"
        if close
        else "“loreleaf list” shows all of them."
    )
    return CommandFailed(f"There is no document “{name}”.", advice)
