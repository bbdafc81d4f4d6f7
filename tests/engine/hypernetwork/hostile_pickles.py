"""Checkpoints that were made to do harm: each is built in the test, and each must end in a sentence."""

import os
import pickle
import struct
import subprocess
import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path

_PROTOCOL = b"\x80\x02"
_DATA = {"archive/data/0": bytes(64)}
MEGABYTE = 1 << 20


class _Call:
    """Pickles as the call of a function."""

    def __init__(self, function: object, *arguments: object) -> None:
        self._reduced = (function, arguments)

    def __reduce__(self) -> tuple[object, tuple[object, ...]]:
        return self._reduced


def name(module: str, attribute: str) -> bytes:
    """The instruction GLOBAL."""
    return f"c{module}\n{attribute}\n".encode()


def text(value: str | bytes) -> bytes:
    """The instruction BINUNICODE."""
    data = value.encode() if isinstance(value, str) else value
    return b"X" + struct.pack("<I", len(data)) + data


def number(value: int) -> bytes:
    """The instruction LONG1."""
    data = pickle.encode_long(value)
    return b"\x8a" + bytes([len(data)]) + data


def numbers(values: tuple[int, ...]) -> bytes:
    """A tuple of them."""
    return b"(" + b"".join(map(number, values)) + b"t"


def storage(key: str, n_values: int) -> bytes:
    """A persistent id, as torch writes one."""
    return (
        b"("
        + text("storage")
        + name("torch", "FloatStorage")
        + text(key)
        + text("cpu")
        + number(n_values)
        + b"tQ"
    )


def tensor(key: str, n_values: int, offset: int, shape: tuple[int, ...], stride: tuple[int, ...]) -> bytes:
    """A call of _rebuild_tensor_v2."""
    return (
        name("torch._utils", "_rebuild_tensor_v2")
        + b"("
        + storage(key, n_values)
        + number(offset)
        + numbers(shape)
        + numbers(stride)
        + b"\x89"
        + name("collections", "OrderedDict")
        + b")RtR"
    )


def named(value: bytes, key: str = "head.weight") -> bytes:
    """A pickle of a dict with one value."""
    return _PROTOCOL + b"}" + text(key) + value + b"s."


def programs(marker: Path) -> dict[str, bytes]:
    """Pickles by name; those that call something would make ``marker``."""
    command = f"touch {marker}"
    doubled = b"".join(b"q" + bytes([i]) + b"h" + bytes([i]) + b"\x86" for i in range(60))
    lists = b"".join(b"]q" + bytes([i]) for i in range(60))
    filled = b"".join(b"h" + bytes([i + 1]) + (b"h" + bytes([i]) + b"a") * 2 for i in range(59))
    return {
        # calls
        "os.system": pickle.dumps(_Call(os.system, command), 2),
        "posix.system": _PROTOCOL + name("posix", "system") + text(command) + b"\x85R.",
        "eval": pickle.dumps(_Call(eval, f"__import__('os').system('{command}')"), 2),
        "Popen": pickle.dumps(_Call(subprocess.Popen, ["touch", str(marker)]), 2),
        "Popen in protocol 4": pickle.dumps(_Call(subprocess.Popen, ["touch", str(marker)]), 4),
        "getattr": _PROTOCOL
        + name("builtins", "getattr")
        + name("torch", "FloatStorage")
        + text("__mro__")
        + b"\x86R.",
        "a dotted name": b"\x80\x04\x8c\x0bcollections\x8c\x14OrderedDict.fromkeys\x93)R.",
        "INST": b"(S'%s'\nios\nsystem\n." % command.encode(),
        "OBJ": b"(" + name("os", "system") + text(command) + b"o.",
        "EXT1": _PROTOCOL + b"\x82\x01.",
        "deep inside": pickle.dumps({"hypernet_config": {"a": [_Call(os.system, command)]}}, 2),
        "OrderedDict with arguments": _PROTOCOL + name("collections", "OrderedDict") + b"]\x85R.",
        "a storage that is called": _PROTOCOL + name("torch", "FloatStorage") + b"K\x01\x85R.",
        "a set of a text": _PROTOCOL + name("__builtin__", "set") + text("abc") + b"\x85R.",
        # changes
        "attributes of a function": _PROTOCOL
        + name("torch._utils", "_rebuild_tensor_v2")
        + b"}"
        + text("__defaults__")
        + b"(K\x01K\x02tsb.",
        "slots of a function": _PROTOCOL
        + name("torch._utils", "_rebuild_tensor_v2")
        + b"N}"
        + text("__defaults__")
        + b"(K\x01K\x02ts\x86b.",
        "attributes of a class": _PROTOCOL
        + name("collections", "OrderedDict")
        + b"}"
        + text("items")
        + b"K\x01sb.",
        "attributes of a stub": _PROTOCOL
        + name("peft.utils.peft_types", "PeftType")
        + b"}"
        + text("__init__")
        + b"K\x01sb.",
        # tensors
        "read beyond the end": named(tensor("0", 16, 0, (1000,), (1,))),
        "offset beyond the end": named(tensor("0", 16, 10**9, (1,), (1,))),
        "negative offset": named(tensor("0", 16, -5, (1,), (1,))),
        "negative stride": named(tensor("0", 16, 8, (4,), (-1,))),
        "negative count": named(tensor("0", -1, 0, (4,), (1,))),
        "count beyond the file": named(tensor("0", 10**6, 0, (10**6,), (1,))),
        "count beyond all memory": named(tensor("0", 2**62, 0, (4,), (1,))),
        "stride 0, two gigabytes": named(tensor("0", 16, 0, (500_000_000,), (0,))),
        "stride 0, small": named(tensor("0", 16, 0, (4,), (0,))),
        "overlapping rows": named(tensor("0", 16, 0, (8, 8), (1, 1))),
        "a size that overflows": named(tensor("0", 16, 0, (2**40, 2**40), (0, 0))),
        "a hundred axes": named(tensor("0", 16, 0, (1,) * 100, (1,) * 100)),
        "a key that leads out": named(tensor("../../../etc/passwd", 16, 0, (4,), (1,))),
        "a key that is missing": named(tensor("9", 16, 0, (4,), (1,))),
        "no storage": _PROTOCOL
        + name("torch._utils", "_rebuild_tensor_v2")
        + b"(K\x01K\x00K\x01\x85K\x01\x85tR.",
        "half a storage": _PROTOCOL + b"(" + text("storage") + b"tQ.",
        "a storage by text": _PROTOCOL + b"Pfoo\n.",
        # time and memory
        "tuples as a key": _PROTOCOL + b"}K\x01\x85" + doubled + b"K\x01s.",
        "tuples as a key, duplicated": _PROTOCOL + b"}K\x01\x85" + b"2\x86" * 60 + b"K\x01s.",
        "tuples as attributes": _PROTOCOL
        + name("peft.tuners.lora.config", "LoraConfig")
        + b")\x81}K\x01\x85"
        + doubled
        + b"K\x01sb.",
        "tuples in a set": _PROTOCOL + name("__builtin__", "set") + b"]K\x01\x85" + doubled + b"a\x85R.",
        "lists as the base model": named(lists + filled + b"h\x3b", "base_model_name_or_path"),
        "a list in itself": _PROTOCOL + b"]q\x00h\x00a.",
        "200,000 lists": _PROTOCOL + b"]" * 200_000 + b"a" * 199_999 + b".",
        "a memo of gigabytes": b"\x80\x02Nr" + struct.pack("<I", 0x7FFFFFFF) + b".",
        "bytes of exabytes": b"\x80\x04\x8e" + struct.pack("<Q", 2**61) + b"abc.",
        "a text of gigabytes": b"\x80\x02X" + struct.pack("<I", 0xFFFFFFF0) + b"abc.",
        "a frame of exabytes": b"\x80\x04\x95" + struct.pack("<Q", 2**62) + b"N.",
        "a number of two thousand bits": named(b"\x8a\xff" + b"\x7f" * 255),
        # damage
        "empty": b"",
        "cut off": pickle.dumps({"a": 1}, 2)[:-3],
        "nothing on the stack": _PROTOCOL + b"s.",
        "below a mark": _PROTOCOL + b"K\x01(0t.",
        "a memo that is empty": _PROTOCOL + b"h\x7f.",
        "a number": _PROTOCOL + b"K\x01.",
        "an instruction that does not exist": _PROTOCOL + b"\xff.",
    }


def write_zip(path: Path, entries: Mapping[str, bytes], compression: int = zipfile.ZIP_STORED) -> Path:
    """An archive with these entries."""
    with zipfile.ZipFile(path, "w", compression) as archive:
        for entry, data in entries.items():
            archive.writestr(entry, data)
    return path


def _compressed(path: Path, bomb: str, beginning: bytes, n_megabytes: int, **others: bytes) -> None:
    with zipfile.ZipFile(path, "w", zipfile.ZIP_DEFLATED) as archive:
        for entry, data in others.items():
            archive.writestr(f"archive/{entry.replace('_', '/').replace('/pkl', '.pkl')}", data)
        with archive.open(f"archive/{bomb}", "w", force_zip64=True) as stream:
            stream.write(beginning)
            for _ in range(n_megabytes):
                stream.write(bytes(MEGABYTE))


def _bomb_of_numbers(path: Path) -> None:
    _compressed(path, "data/0", b"", 400, data_pkl=named(tensor("0", 16, 0, (4,), (1,))))


def _bomb_of_text(path: Path) -> None:
    _compressed(path, "data.pkl", _PROTOCOL + b"X" + struct.pack("<I", 400 * MEGABYTE), 400)


def _table_of_contents(path: Path) -> None:
    """A million and a half entries of no bytes, all at one place: of each, zipfile makes an object."""
    entry = b"archive/data.pkl"
    local = b"PK\x03\x04" + struct.pack("<HHHHHIIIHH", 20, 0, 0, 0, 0, 0, 0, 0, len(entry), 0) + entry
    central = b"PK\x01\x02" + struct.pack(
        "<HHHHHHIIIHHHHHII", 20, 20, 0, 0, 0, 0, 0, 0, 0, len(entry), 0, 0, 0, 0, 0, 0
    )
    table = (central + entry) * 1_500_000
    end = b"PK\x05\x06" + struct.pack("<HHHHIIH", 0, 0, 0xFFFF, 0xFFFF, len(table), len(local), 0)
    path.write_bytes(local + table + end)


def _two_programs(path: Path) -> None:
    write_zip(path, {"a/data.pkl": b"N.", "b/data.pkl": b"N."})


def _flags(offset_local: int, offset_central: int, value: int) -> Callable[[Path], None]:
    def write(path: Path) -> None:
        write_zip(path, {"archive/data.pkl": b"N."})
        data = bytearray(path.read_bytes())
        central = data.find(b"PK\x01\x02")
        data[offset_local] = data[central + offset_central] = value
        path.write_bytes(data)

    return write


def _no_zip(path: Path) -> None:
    path.write_bytes(pickle.dumps({"a": 1}, 2))


ARCHIVES: dict[str, Callable[[Path], None]] = {
    "400 MB of zeros": _bomb_of_numbers,
    "a pickle of 400 MB": _bomb_of_text,
    "a million and a half entries": _table_of_contents,
    "two pickles": _two_programs,
    "encrypted": _flags(6, 8, 1),
    "an unknown compression": _flags(8, 10, 99),
    "no archive": _no_zip,
}


def write_program(path: Path, program: bytes) -> None:
    """An archive as torch.save makes it, with another pickle."""
    write_zip(path, {"archive/data.pkl": program, **_DATA})
