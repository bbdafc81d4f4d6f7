"""Learns a note with a published model, tiny and at random, and answers with it, through the command line.

    python -m tests.app.tiny_published FOLDER

Needs what users have and nothing else: no pytest. So it shows what an installation can do that has no
developers' tools; tests/packaging/test_ordinary_install.py and .ci/run call it.
"""

import contextlib
import io
import json
import sys
from dataclasses import replace
from pathlib import Path
from typing import Any

from app.bootstrap import open_profile
from app.cli.main import run
from engine.formats.weights_file import hypernetwork_hash
from engine.hypernetwork.convert import convert_checkpoint
from engine.models.messages import Origin
from engine.models.registry import Role
from engine.models.store import FileRecord, ModelRecord, ModelStore, PartRecord
from tests.engine.hypernetwork.reference_checkpoints import random_hypernetwork, write_checkpoint
from tests.engine.tiny_bases import HYPERNETWORK, random_base, words, write_base

NAME = "gemma-2-2b"


def profile_with_a_tiny_model(folder: Path) -> Path:
    """A profile in which a tiny model stands where the registry's Gemma 2 2B would."""
    files = folder / "files"
    encoder, weights = files / "encoder", files / "weights"
    base = random_base("gemma2")
    base.save_pretrained(encoder)
    words().save_pretrained(encoder)
    config = replace(HYPERNETWORK, base_model="google/gemma-2-2b-it")
    write_checkpoint(files / "pytorch_model.bin", random_hypernetwork(config))
    convert_checkpoint(files / "pytorch_model.bin", weights)
    chat = write_base(files / "chat.gguf", "gemma2", base)
    home = folder / "home"
    profile = open_profile(home)
    paths = profile.paths
    profile.close()
    parts = (
        _part(Role.CHAT, chat.parent, "chat.gguf"),
        _part(Role.ENCODER, encoder, "config.json", "model.safetensors", "tokenizer.json"),
        _part(Role.HYPERNETWORK, weights, "hypernetwork.safetensors", "config.json"),
    )
    record = ModelRecord(NAME, parts, hypernetwork_hash=hypernetwork_hash(weights))
    ModelStore(paths.cache_models, paths.models).save(record)
    return home


def _part(role: Role, folder: Path, *names: str) -> PartRecord:
    files = tuple(FileRecord.of(folder / name, "0" * 64) for name in names)
    return PartRecord(role, Origin.LOCAL, str(folder), "", "", files, is_complete=True)


def main(folder: Path) -> None:
    """Learn and answer; the last line says what came of it, as JSON."""
    note = folder / "note.md"
    note.write_text("w1 w2 w3 w4 w5", encoding="utf-8")
    home = profile_with_a_tiny_model(folder)
    _loreleaf(home, "models", "use", NAME)
    _loreleaf(home, "add", str(note))
    (document,) = json.loads(_loreleaf(home, "list", "--json"))["documents"]
    answer = json.loads(_loreleaf(home, "ask", "w3?", "--json"))
    outcome: dict[str, Any] = {
        "state": document["state"],
        "sources": [source["document"] for source in answer["sources"]],
        "adapter_rank": answer["adapter_rank"],
    }
    print(json.dumps(outcome))
    if outcome != {"state": "ready", "sources": ["note"], "adapter_rank": 2 * HYPERNETWORK.lora_rank}:
        sys.exit("It did not learn the note.")


def _loreleaf(home: Path, *words: str) -> str:
    printed = io.StringIO()
    with contextlib.redirect_stdout(printed):
        code = run(["--home", str(home), *words])
    if code != 0:
        sys.exit(f"loreleaf {' '.join(words)} ended with {code}. {printed.getvalue()}")
    return printed.getvalue()


if __name__ == "__main__":
    main(Path(sys.argv[1]))
