"""Which documents' adapters leave the program: those named, all, or those that are on."""

import argparse
from collections.abc import Sequence

from app.cli.console import Console, plural
from app.cli.errors import CommandFailed
from app.cli.naming import find_documents
from storage.records import DocumentRecord, DocumentState


def chosen_set(
    every: Sequence[DocumentRecord], options: argparse.Namespace, console: Console
) -> list[DocumentRecord]:
    """The documents that the command line stands for.

    Raises:
        CommandFailed: a name fits none, or no document that is meant by a word is learnt.
    """
    if options.documents:
        return find_documents(every, options.documents)
    wanted = [document for document in every if document.enabled or options.all]
    ready = [document for document in wanted if document.state is DocumentState.READY]
    if n_left_out := len(wanted) - len(ready):
        console.remark(f"{plural(n_left_out, 'note')} not learnt and left out; “loreleaf list” says why.")
    if not ready:
        which = "learnt" if options.all else "learnt and switched on"
        raise CommandFailed(f"No document is {which}.", "“loreleaf list” shows all of them.")
    return ready
