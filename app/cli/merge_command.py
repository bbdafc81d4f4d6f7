"""merge: documents' adapters added to the base model's weights, saved as a model of its own."""

import argparse
from pathlib import Path

from app.cli.chosen_set import as_file_name, chosen_set
from app.cli.console import Console
from app.cli.errors import CommandFailed
from app.cli.one_shot import run_one_shot
from engine.adapters.messages import MergeAdapters, ModelMerged
from engine.client import WorkerClient


def merge(options: argparse.Namespace, console: Console) -> int:
    """Write a model that knows these documents by itself; the base model's own files stay as they are."""
    base_folder = _base_folder(options.base) if options.base is not None else None
    chosen = chosen_set(options, console)
    order = MergeAdapters(
        _place(options, chosen.title), chosen, base_folder, options.overwrite, options.parents
    )
    client: WorkerClient[object, object] = WorkerClient("engine.adapters.merging:main", order, "merge")
    merged = run_one_shot(client, ModelMerged, console, "Merging")
    console.result(f"{merged.path}  {merged.n_tensors} tensors changed, {merged.size_bytes / 1e6:,.1f} MB")
    return 0


def _base_folder(name: str) -> Path:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise CommandFailed(
            f"There is no folder {folder}.",
            "--base names a model as transformers' save_pretrained leaves it.",
        )
    return folder.absolute()


def _place(options: argparse.Namespace, title: str) -> Path:
    """Where to write; into a folder that exists, a GGUF file gets the set's name."""
    out = Path(options.out).expanduser()
    if options.base is None and out.is_dir():
        out = out / f"{as_file_name(title)} merged.gguf"
    return out.absolute()
