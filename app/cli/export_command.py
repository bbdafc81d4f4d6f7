"""export: documents' adapters as one, for llama.cpp or for PEFT."""

import argparse
from pathlib import Path

from app.cli.chosen_set import as_file_name, chosen_set
from app.cli.console import Console
from app.cli.errors import CommandFailed
from app.cli.one_shot import run_one_shot
from engine.adapters.messages import AdapterExported, ExportAdapter
from engine.client import WorkerClient


def export(options: argparse.Namespace, console: Console) -> int:
    """Write the adapter that answers when exactly these documents take part, all at equal weight."""
    chosen = chosen_set(options, console)
    order = ExportAdapter(
        options.format, _place(options, chosen.title), chosen, options.overwrite, options.parents
    )
    client: WorkerClient[object, object] = WorkerClient("engine.adapters.export:main", order, "export")
    exported = run_one_shot(client, AdapterExported, console, "Exporting")
    console.result(f"{exported.path}  rank {exported.rank}, {exported.size_bytes / 1e6:.1f} MB")
    return 0


def _place(options: argparse.Namespace, title: str) -> Path:
    """Where to write; into a folder that exists, a GGUF file gets the set's name."""
    out = Path(options.out).expanduser()
    if options.format == "gguf" and out.is_dir():
        out = out / f"{as_file_name(title)}.gguf"
    if options.format == "peft" and out.is_file():
        raise CommandFailed(f"{out} is a file.", "Name a folder for the format peft.")
    return out.absolute()
