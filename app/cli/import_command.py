"""import, rename: adapters that were made elsewhere."""

import argparse
from pathlib import Path

from app.bootstrap import build_adapter_imports
from app.cli.console import Console
from app.cli.errors import CommandFailed
from app.cli.learning import describe
from app.cli.naming import find_document
from app.cli.session import opened_profile
from storage.records import DocumentKind
from storage.titles import MAX_TITLE_CHARS, on_one_line


def import_adapter(options: argparse.Namespace, console: Console) -> int:
    """Take an adapter into the library; it is on, and takes part in every answer until it is switched off."""
    name = _checked_name(options.name) if options.name is not None else None
    with opened_profile(options, console) as profile:
        console.progress("Importing")
        document = build_adapter_imports(profile).add(
            Path(options.source),
            name,
            on_progress=lambda progress: console.progress(
                f"Unpacking the language model: {progress.share:.0%}"
            ),
        )
    console.result(describe(document))
    console.remark(f"It takes part in every answer. “loreleaf off {document.id}” keeps it out.")
    return 0


def rename(options: argparse.Namespace, console: Console) -> int:
    """Call an imported adapter something else."""
    name = _checked_name(options.name)
    with opened_profile(options, console) as profile:
        document = find_document(profile.catalog.documents(), options.document)
        if document.kind is not DocumentKind.ADAPTER:
            raise CommandFailed(
                f"“{document.title}” is a note and has the name of its file.",
                f"Rename {document.path}; in a watched folder Loreleaf follows.",
            )
        profile.imported.rename(document.id, name)
    console.result(f"renamed  {document.title} -> {name}")
    return 0


def _checked_name(name: str) -> str:
    tidy = on_one_line(" ".join(name.split()))
    if not tidy:
        raise CommandFailed("The name is empty.", "Give it one that you will recognise under an answer.")
    if len(tidy) > MAX_TITLE_CHARS:
        raise CommandFailed(
            f"The name has {len(tidy)} characters.", f"Give it one of up to {MAX_TITLE_CHARS}."
        )
    return tidy
