"""PEFT folders and GGUF files that were made to do harm, from a good folder; each must end in a sentence."""

import json
import struct
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

CONFIG = "adapter_config.json"
TENSORS = "adapter_model.safetensors"
Change = Callable[[Path], None]


def table_of(folder: Path) -> tuple[dict[str, Any], bytes]:
    """The header of the folder's tensors, and their data."""
    raw = (folder / TENSORS).read_bytes()
    start = 8 + int.from_bytes(raw[:8], "little")
    return json.loads(raw[8:start]), raw[start:]


def write_table(folder: Path, header: bytes, data: bytes, n_bytes: int | None = None) -> None:
    """The folder's tensors with another header; ``n_bytes`` is how long it says it is."""
    length = struct.pack("<Q", len(header) if n_bytes is None else n_bytes)
    (folder / TENSORS).write_bytes(length + header + data)


def _config(text: str) -> Change:
    def change(folder: Path) -> None:
        (folder / CONFIG).write_text(text)

    return change


def _option(**changes: object) -> Change:
    def change(folder: Path) -> None:
        found = json.loads((folder / CONFIG).read_text())
        (folder / CONFIG).write_text(json.dumps(found | changes))

    return change


def _header(header: bytes, n_bytes: int | None = None) -> Change:
    return lambda folder: write_table(folder, header, table_of(folder)[1], n_bytes)


def _entry(key: str, value: object) -> Change:
    """Another ``dtype``, ``shape`` or ``data_offsets`` of the first tensor."""

    def change(folder: Path) -> None:
        table, data = table_of(folder)
        first = min(name for name in table if name != "__metadata__")
        table[first][key] = value
        write_table(folder, json.dumps(table).encode(), data)

    return change


def _twice(folder: Path) -> None:
    table, data = table_of(folder)
    first = min(name for name in table if name != "__metadata__")
    text = json.dumps(table)[:-1] + "," + json.dumps({first: table[first]})[1:]
    write_table(folder, text.encode(), data)


def _metadata(**texts: object) -> Change:
    def change(folder: Path) -> None:
        table, data = table_of(folder)
        table["__metadata__"] = {key.replace("__", "."): text for key, text in texts.items()}
        write_table(folder, json.dumps(table).encode(), data)

    return change


def _many_tensors(folder: Path) -> None:
    entry = {"dtype": "F32", "shape": [0], "data_offsets": [0, 0]}
    names = (f"model.layers.{i}.mlp.up_proj.lora_{f}.weight" for i in range(30_000) for f in "AB")
    write_table(folder, json.dumps(dict.fromkeys(names, entry)).encode(), b"")


def _times(factor: float) -> Change:
    """All values times a factor."""

    def change(folder: Path) -> None:
        import numpy as np

        table, data = table_of(folder)
        values = np.frombuffer(data, "<f4") * np.float32(factor)
        write_table(folder, json.dumps(table).encode(), values.astype("<f4").tobytes())

    return change


PEFT: Mapping[str, tuple[Change, str]] = {
    "a config of 200,000 lists": (_config("[" * 200_000), "nested too deeply"),
    "a config of 100 lists": (_config('{"peft_type": ' + "[" * 100 + "]" * 100 + "}"), "more than 32 deep"),
    "a config of a gigabyte": (lambda folder: _grow(folder / CONFIG), "more than 1,048,576 bytes"),
    "a rank of 400 digits": (_option(r=10**400), "401 digits"),
    "a rank of 1e400": (_config('{"peft_type": "LORA", "r": 1e400}'), "1e400 is too large"),
    "a rank of ten thousand digits": (
        _config('{"peft_type": "LORA", "r": ' + "9" * 10_000 + "}"),
        "10000 digits",
    ),
    "a negative rank": (_option(r=-4), "r is -4"),
    "an infinite alpha": (
        _config('{"peft_type": "LORA", "r": 4, "lora_alpha": Infinity}'),
        "Infinity is not",
    ),
    "a boolean alpha": (_option(lora_alpha=True), "lora_alpha is true"),
    "an alpha of 1e300": (_option(lora_alpha=1e300), "not a finite number"),
    "a setting twice": (_config('{"peft_type": "LORA", "r": 4, "r": 8}'), "'r' twice"),
    "an expression for years": (
        _option(rank_pattern={"(([a-z0-9_.])+)+!": 4, "(.*)*(.*)*!": 1, "q_proj": 5}),
        "rank is 5",
    ),
    "a hundred thousand expressions": (
        _option(alpha_pattern={f"{i}(a{{900}})?b{{900}}": 4 for i in range(40_000)}),
        "too large to be matched|more than",
    ),
    "an option of a megabyte": (_option(use_magic="A" * 900_000), "AAA…"),
    "a header of exabytes": (_header(b"{}", 2**63), "a header of"),
    "a header of 16 exabytes": (_header(b"{}", 2**64 - 1), "a header of"),
    "a header of nine megabytes": (
        _header(b'{"__metadata__": {"a": "' + b"A" * (9 << 20) + b'"}}'),
        "a header of",
    ),
    "a header of 100,000 lists": (_header(b"[" * 100_000), "nested too deeply"),
    "a header of a million lists": (
        _header(b'{"a": [' + b"[]," * 1_000_000 + b"[]]}"),
        "header is damaged|has the",
    ),
    "a header that is a list": (_header(b"[1]"), "header is damaged"),
    "a header with NaN": (_header(b'{"a":{"dtype":"F32","shape":[1],"data_offsets":[NaN,4]}}'), "NaN is not"),
    "a tensor twice in the header": (_twice, "twice"),
    "a shape beyond all numbers": (_entry("shape", [2**62, 2**62]), "bytes, expected"),
    "a shape with a boolean": (_entry("shape", [True, 64]), "has the type"),
    "a shape with half a number": (_entry("shape", [1.5, 64]), "has the type"),
    "a shape of a thousand axes": (_entry("shape", [1] * 1000), "has the type"),
    "negative offsets": (_entry("data_offsets", [-8, 1016]), "has the type"),
    "a type that is a list": (_entry("dtype", ["F32"]), "header is damaged"),
    "metadata of numbers": (_metadata(a=7), "metadata are not texts"),
    "bias ranks of 200,000 lists": (_metadata(loreleaf__bias_ranks="[" * 200_000), "metadata are damaged"),
    "bias ranks beyond the rank": (
        _metadata(loreleaf__bias_ranks='{"q_proj": 999999}'),
        "metadata are damaged",
    ),
    "sixty thousand tensors": (_many_tensors, "60000 tensors"),
    "values of 1e30": (_times(1e30), "too large to compute with|not a finite number"),
}
"""Name -> how a good folder is changed, and what is said of it."""


def _grow(file: Path) -> None:
    with file.open("rb+") as opened:
        opened.truncate(1 << 30)


def _text(value: str) -> bytes:
    data = value.encode()
    return struct.pack("<Q", len(data)) + data


def _gguf(n_tensors: int, n_values: int, body: bytes) -> bytes:
    return b"GGUF" + struct.pack("<IQQ", 3, n_tensors, n_values) + body


_BYTES, _STRINGS = struct.pack("<II", 9, 0), struct.pack("<II", 9, 8)

GGUF: Mapping[str, tuple[bytes, str]] = {
    "nothing": (b"", "empty"),
    "words": (b"hello", "header"),
    "an older version": (b"GGUF" + struct.pack("<IQQ", 2, 0, 0), "version 2"),
    "2^60 values": (_gguf(0, 2**60, b""), "values and"),
    "2^60 tensors": (_gguf(2**60, 0, b""), "tensors"),
    "60,000 values in no bytes": (_gguf(0, 60_000, b""), "damaged header"),
    "a list of exabytes": (
        _gguf(0, 1, _text("a") + _BYTES + struct.pack("<Q", 2**63 - 1) + bytes(64)),
        "a list of",
    ),
    "a list of 60 MB": (
        _gguf(0, 1, _text("a") + _BYTES + struct.pack("<Q", 60 << 20) + bytes(60 << 20)),
        "a list of",
    ),
    "sixty million texts": (
        _gguf(0, 1, _text("a") + _STRINGS + struct.pack("<Q", 2**26) + bytes(2**26)),
        "a list of",
    ),
    "lists that are short one by one": (
        _gguf(
            0,
            20,
            b"".join(_text(f"{i}") + _BYTES + struct.pack("<Q", 4 << 20) + bytes(4 << 20) for i in range(20)),
        ),
        "a list of",
    ),
    "lists in lists": (_gguf(0, 1, _text("a") + struct.pack("<IIQ", 9, 9, 1) + bytes(64)), "damaged header"),
    "a text of exabytes": (_gguf(0, 1, _text("a") + struct.pack("<IQ", 8, 2**62)), "a text of"),
    "a value twice": (_gguf(0, 2, (_text("a") + struct.pack("<II", 4, 1)) * 2), "twice"),
    "2^31 axes": (_gguf(1, 0, _text("x") + struct.pack("<I", 2**31)), "axes"),
    "five axes": (_gguf(1, 0, _text("x") + struct.pack("<I5QIQ", 5, *(1,) * 5, 0, 0)), "axes"),
    "an alignment of exabytes": (
        _gguf(0, 1, _text("general.alignment") + struct.pack("<IQ", 10, 2**63)),
        "no LoRA",
    ),
    "a kind of a megabyte": (
        _gguf(0, 1, _text("general.type") + struct.pack("<I", 8) + _text("A" * 2**20)),
        "AAA",
    ),
}
"""Name -> the file, and what is said of it."""
