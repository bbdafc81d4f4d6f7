"""export, merge: documents' adapters as one, for other programs, or in the weights of a model of its own."""

import argparse
from pathlib import Path

from app.bootstrap import build_adapter_exports
from app.cli.chosen_set import chosen_set
from app.cli.console import Console
from app.cli.errors import CommandFailed
from app.cli.session import opened_profile
from engine.adapters.messages import MergeProgress
from engine.models.messages import PreparationProgress


def export(options: argparse.Namespace, console: Console) -> int:
    """Write the adapter that answers when exactly these documents take part, all at equal weight."""
    with opened_profile(options, console) as profile:
        documents = chosen_set(profile.catalog.documents(), options, console)
        console.progress("Exporting")
        exported = build_adapter_exports(profile).export(
            documents,
            options.format,
            Path(options.out).expanduser(),
            may_overwrite=options.overwrite,
            makes_folders=options.parents,
            on_progress=lambda progress: _show(progress, console),
        )
    console.result(f"{exported.path}  rank {exported.rank}, {exported.size_bytes / 1e6:.1f} MB")
    return 0


def merge(options: argparse.Namespace, console: Console) -> int:
    """Write a model that knows these documents by itself; the base model's own files stay as they are."""
    base_folder = _base_folder(options.base) if options.base is not None else None
    with opened_profile(options, console) as profile:
        documents = chosen_set(profile.catalog.documents(), options, console)
        console.progress("Merging")
        merged = build_adapter_exports(profile).merge(
            documents,
            Path(options.out).expanduser(),
            base_folder=base_folder,
            may_overwrite=options.overwrite,
            makes_folders=options.parents,
            on_progress=lambda progress: _show(progress, console),
        )
    console.result(f"{merged.path}  {merged.n_tensors} tensors changed, {merged.size_bytes / 1e6:,.1f} MB")
    return 0


def _show(progress: PreparationProgress | MergeProgress, console: Console) -> None:
    doing = "Merging" if isinstance(progress, MergeProgress) else "Unpacking the language model"
    console.progress(f"{doing}: {progress.share:.0%}")


def _base_folder(name: str) -> Path:
    folder = Path(name).expanduser()
    if not folder.is_dir():
        raise CommandFailed(
            f"There is no folder {folder}.",
            "--base names a model as transformers' save_pretrained leaves it.",
        )
    return folder.absolute()
