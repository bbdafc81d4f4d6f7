from pathlib import Path

import gguf
import pytest

from engine.formats.gguf_header import read_header


@pytest.mark.model
def test_the_base_models_header_reads_as_the_gguf_package_reads_it(f16_base_model: Path) -> None:
    reference = gguf.GGUFReader(f16_base_model)

    header = read_header(f16_base_model)

    expected = {
        name: field.contents() for name, field in reference.fields.items() if not name.startswith("GGUF.")
    }
    assert header.values == expected
    assert list(header.values) == list(expected)
    assert [(t.name, list(t.shape), t.kind, t.start) for t in header.tensors] == [
        (t.name, t.shape.tolist()[::-1], t.tensor_type, t.data_offset) for t in reference.tensors
    ]


def test_every_type_of_value_is_read(tmp_path: Path) -> None:
    path = tmp_path / "values.gguf"
    writer = gguf.GGUFWriter(path, arch="toy")
    writer.add_uint8("a.u8", 200)
    writer.add_int8("a.i8", -100)
    writer.add_uint16("a.u16", 60_000)
    writer.add_int16("a.i16", -30_000)
    writer.add_int32("a.i32", -5)
    writer.add_uint64("a.u64", 1 << 60)
    writer.add_int64("a.i64", -(1 << 60))
    writer.add_float64("a.f64", 0.1)
    writer.add_bool("a.bool", True)
    writer.add_array("a.numbers", [1.5, -2.0])
    writer.add_array("a.texts", ["ä", "", "日本"])
    writer.write_header_to_file()
    writer.write_kv_data_to_file()
    writer.write_tensors_to_file()
    writer.close()

    assert read_header(path).values == {
        "general.architecture": "toy",
        "a.u8": 200,
        "a.i8": -100,
        "a.u16": 60_000,
        "a.i16": -30_000,
        "a.i32": -5,
        "a.u64": 1 << 60,
        "a.i64": -(1 << 60),
        "a.f64": 0.1,
        "a.bool": True,
        "a.numbers": [1.5, -2.0],
        "a.texts": ["ä", "", "日本"],
    }


@pytest.mark.parametrize(
    "data",
    [
        b"",
        b"GGUF",
        b"GGML" + bytes(40),
        b"GGUF\x02" + bytes(40),
        b"GGUF\x03\0\0\0" + bytes(8) + b"\x01" + bytes(7) + b"\xff" * 8,
        b"GGUF\x03\0\0\0" + bytes(8) + b"\x01" + bytes(7) + b"\x01" + bytes(7) + b"k" + b"\x63\0\0\0",
    ],
)
def test_a_file_that_is_not_gguf_or_was_cut_is_refused(tmp_path: Path, data: bytes) -> None:
    path = tmp_path / "broken.gguf"
    path.write_bytes(data)
    with pytest.raises(ValueError, match=r"."):
        read_header(path)
