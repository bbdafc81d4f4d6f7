"""export: a document's adapter for llama.cpp or for PEFT."""

import argparse
import re
from pathlib import Path

from app.bootstrap import open_profile
from app.cli.console import Console
from app.cli.errors import CommandFailed
from app.cli.home import home_of
from app.cli.naming import find_document
from app.cli.one_shot import prepare_models, run_one_shot
from engine.client import WorkerClient
from engine.messages import AdapterExported, Codec, ExportAdapter
from storage.records import DocumentRecord, DocumentState


def export(options: argparse.Namespace, console: Console) -> int:
    """Write the adapter that answers when this document alone takes part."""
    profile = open_profile(home_of(options.home))
    profile.notices.subscribe(console.show_notice)
    try:
        document = find_document(profile.catalog.documents(), options.document)
        if document.state is not DocumentState.READY or document.content_hash is None:
            raise CommandFailed(
                f"“{document.title}” is not learnt, so there is nothing to export.",
                document.reason_title or "Wait until “loreleaf list” shows it as ready.",
            )
        models = prepare_models(profile, console)
        chunks = profile.catalog.chunks_of(document.id)
        adapters = profile.catalog.adapters([chunk.id for chunk in chunks], models.hypernetwork_hash)
        if len(adapters) != len(chunks) or any(record.codec != Codec.LATENTS_F16 for record in adapters):
            raise CommandFailed(
                f"“{document.title}” was learnt with an earlier version of Loreleaf.",
                "“loreleaf add” without a path learns it again; then export it.",
            )
        order = ExportAdapter(
            format=options.format,
            out=_place(Path(options.out).expanduser(), options.format, document),
            title=document.title,
            content_hash=document.content_hash,
            chunks=tuple(record.data for record in adapters),
            base_model=models.base_model,
            weights_dir=models.weights_dir,
            base_hash=models.base_hash,
            hypernetwork_hash=models.hypernetwork_hash,
        )
        client: WorkerClient[object, object] = WorkerClient("engine.adapters.export:main", order, "export")
        exported = run_one_shot(client, AdapterExported, console, "Exporting")
    finally:
        profile.close()
    console.result(f"{exported.path}  rank {exported.rank}, {exported.size_bytes / 1e6:.1f} MB")
    return 0


def _place(out: Path, format_name: str, document: DocumentRecord) -> Path:
    """Where to write; into a folder that exists, a GGUF file gets the document's name."""
    if format_name == "gguf" and out.is_dir():
        name = re.sub(r'[\\/:*?"<>|\x00-\x1f]', "_", document.title)
        out = out / f"{name}.gguf"
    if format_name == "peft" and out.is_file():
        raise CommandFailed(f"{out} is a file.", "Name a folder for the format peft.")
    return out.absolute()
