"""What a user sees of files that were made to do harm, with the real processes."""

import struct
from pathlib import Path

import pytest

from tests.app.cli.conftest import run_process

pytestmark = pytest.mark.model


def peft_folder(folder: Path, config: str, header: bytes) -> Path:
    folder.mkdir()
    (folder / "adapter_config.json").write_text(config)
    (folder / "adapter_model.safetensors").write_bytes(struct.pack("<Q", len(header)) + header)
    return folder


def test_each_ends_in_one_line_and_the_library_stays_empty(tmp_path: Path) -> None:
    home = tmp_path / "home"
    good = '{"peft_type": "LORA", "r": 4, "lora_alpha": 8}'
    sources = [
        peft_folder(tmp_path / "lists", "[" * 200_000, b"{}"),
        peft_folder(tmp_path / "number", '{"peft_type": "LORA", "r": 1e400}', b"{}"),
        peft_folder(tmp_path / "header", good, b"[" * 100_000),
        tmp_path / "list.gguf",
    ]
    sources[-1].write_bytes(
        b"GGUF"
        + struct.pack("<IQQ", 3, 0, 1)
        + struct.pack("<Q", 1)
        + b"a"
        + struct.pack("<IIQ", 9, 0, 2**62)
    )
    for source in sources:
        ended = run_process("--home", home, "import", source)
        assert (ended.code, ended.out) == (1, "")
        assert ended.err.startswith("This adapter cannot be imported.")
        assert ended.err.count("\n") == 1
        assert len(ended.err) < 400
    assert run_process("--home", home, "list", "--json").json["documents"] == []
