"""import, rename: adapters that were made elsewhere."""

import argparse
import hashlib
from pathlib import Path

from app.bootstrap import Profile, open_profile
from app.cli.console import Console, one_line
from app.cli.errors import CommandFailed
from app.cli.home import home_of
from app.cli.learning import describe
from app.cli.naming import find_document
from app.cli.one_shot import prepare_models, run_one_shot
from app.services.note_files import canonical
from engine.adapters.messages import AdapterImported, ImportAdapter
from engine.client import WorkerClient
from engine.messages import Codec
from storage.records import DocumentKind, NewImport

_GGUF_SUFFIX = ".gguf"
MAX_NAME_CHARS = 200


def import_adapter(options: argparse.Namespace, console: Console) -> int:
    """Take an adapter into the library; it is on, and takes part in every answer until it is switched off."""
    source = _source(options.source)
    name = _checked_name(options.name) if options.name is not None else None
    profile = open_profile(home_of(options.home))
    profile.notices.subscribe(console.show_notice)
    try:
        models = prepare_models(profile, console)
        order = ImportAdapter(source, models.base_model, models.base_hash)
        client: WorkerClient[object, object] = WorkerClient("engine.adapters.importing:main", order, "import")
        imported = run_one_shot(client, AdapterImported, console, "Importing")
        new = _new_import(imported, models.base_hash)
        document = profile.imported.put(new, name or _default_name(imported, source, profile))
    finally:
        profile.close()
    console.result(describe(document))
    console.remark(f"It takes part in every answer. “loreleaf off {document.id}” keeps it out.")
    return 0


def rename(options: argparse.Namespace, console: Console) -> int:
    """Call an imported adapter something else."""
    name = _checked_name(options.name)
    profile = open_profile(home_of(options.home))
    profile.notices.subscribe(console.show_notice)
    try:
        document = find_document(profile.catalog.documents(), options.document)
        if document.kind is not DocumentKind.ADAPTER:
            raise CommandFailed(
                f"“{document.title}” is a note and has the name of its file.",
                f"Rename {document.path}; in a watched folder Loreleaf follows.",
            )
        profile.imported.rename(document.id, name)
    finally:
        profile.close()
    console.result(f"renamed  {document.title} -> {name}")
    return 0


def _source(name: str) -> Path:
    source = canonical(Path(name))
    if source.is_dir() or (source.is_file() and source.suffix.lower() == _GGUF_SUFFIX):
        return source
    if not source.exists():
        raise CommandFailed(f"There is no {source}.", "Name a PEFT folder or a GGUF file.")
    raise CommandFailed(
        f"{source} is neither a folder nor a GGUF file.",
        "Of a PEFT adapter, name the folder with adapter_config.json and adapter_model.safetensors.",
    )


def _checked_name(name: str) -> str:
    tidy = one_line(name)
    if not tidy:
        raise CommandFailed("The name is empty.", "Give it one that you will recognise under an answer.")
    if len(tidy) > MAX_NAME_CHARS:
        raise CommandFailed(
            f"The name has {len(tidy)} characters.", f"Give it one of up to {MAX_NAME_CHARS}."
        )
    return tidy


def _default_name(imported: AdapterImported, source: Path, profile: Profile) -> str | None:
    """What it calls itself, or its folder's or file's name; None if it has a name here already."""
    if profile.catalog.document_by_path(imported.file) is not None:
        return None
    folder_or_file = source.name if source.is_dir() else source.stem
    return one_line(imported.title)[:MAX_NAME_CHARS] or folder_or_file


def _new_import(imported: AdapterImported, base_hash: str) -> NewImport:
    # The identity is the hash of all but itself: what came through the pipe is what was checked.
    digest = hashlib.sha256(memoryview(imported.data)[32:]).hexdigest()
    if digest != imported.sha256:
        raise CommandFailed("The adapter was damaged on its way into the library.", "Import it again.")
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
