import json
from pathlib import Path

import numpy as np
import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st
from safetensors.torch import save, save_file

from engine.formats.safetensors_header import from_float32, parse_header, to_float32

TENSORS = {
    "a.weight": torch.randn(3, 5, generator=torch.Generator().manual_seed(1)),
    "b.weight": torch.randn(2, 4, generator=torch.Generator().manual_seed(2)).bfloat16(),
    "c.weight": torch.randn(7, generator=torch.Generator().manual_seed(3)).half(),
    "d.ids": torch.arange(5),
}
FILE = save(TENSORS, {"format": "pt", "who": "ä"})


def test_the_header_says_what_the_library_wrote() -> None:
    header = parse_header(FILE)

    assert header.metadata == {"format": "pt", "who": "ä"}
    assert {span.name: (span.dtype, span.shape) for span in header.tensors} == {
        "a.weight": ("F32", (3, 5)),
        "b.weight": ("BF16", (2, 4)),
        "c.weight": ("F16", (7,)),
        "d.ids": ("I64", (5,)),
    }


@pytest.mark.parametrize("name", ["a.weight", "b.weight", "c.weight"])
def test_values_are_those_that_were_saved(name: str) -> None:
    span = next(span for span in parse_header(FILE).tensors if span.name == name)
    values = to_float32(np.frombuffer(FILE, dtype=np.uint8), span)
    np.testing.assert_array_equal(values, TENSORS[name].float().numpy())


def test_whole_numbers_are_not_taken_for_values() -> None:
    span = next(span for span in parse_header(FILE).tensors if span.name == "d.ids")
    with pytest.raises(ValueError, match="I64"):
        to_float32(np.frombuffer(FILE, dtype=np.uint8), span)


@pytest.mark.parametrize(
    ("dtype", "kind"), [("F32", torch.float32), ("F16", torch.half), ("BF16", torch.bfloat16)]
)
def test_values_are_rounded_as_torch_rounds_them(dtype: str, kind: torch.dtype) -> None:
    random = np.random.default_rng(0)
    values = (random.standard_normal(20_000) * np.exp2(random.integers(-20, 14, 20_000))).astype(np.float32)
    # Halfway between two numbers of bfloat16: to the even one.
    values[:4] = np.array([0x3F808000, 0x3F818000, 0xBF808000, 0x3F808001], dtype=np.uint32).view(np.float32)

    stored = from_float32(values, dtype)

    expected = torch.from_numpy(values).to(kind)
    assert stored.tobytes() == expected.view(torch.uint8).numpy().tobytes()


def test_an_empty_file_of_the_library_is_read(tmp_path: Path) -> None:
    save_file({}, tmp_path / "empty.safetensors")
    assert parse_header((tmp_path / "empty.safetensors").read_bytes()).tensors == ()


def edited(entries: dict[str, object]) -> bytes:
    """The file with some lines of its table replaced."""
    start = 8 + int.from_bytes(FILE[:8], "little")
    table = json.loads(FILE[8:start]) | entries
    text = json.dumps(table).encode()
    return len(text).to_bytes(8, "little") + text + FILE[start:]


DAMAGED = [
    b"",
    b"\x01",
    FILE[:-1],
    FILE + b"\0",
    FILE[:40],
    (1 << 62).to_bytes(8, "little") + FILE[8:],
    edited({"a.weight": {"dtype": "F32", "shape": [3, 5], "data_offsets": [4, 64]}}),
    edited({"a.weight": {"dtype": "F99", "shape": [3, 5], "data_offsets": [40, 100]}}),
    edited({"a.weight": {"dtype": "F32", "shape": [-3, -5], "data_offsets": [40, 100]}}),
    edited({"a.weight": {"dtype": "F32", "shape": "35", "data_offsets": [40, 100]}}),
    edited({"a.weight": []}),
    edited({"a.weight": {"dtype": "F32"}}),
    edited({"__metadata__": 3}),
]


# Numbered: safetensors writes the metadata in another order in each process, and a name must stay the same.
@pytest.mark.parametrize("file", DAMAGED, ids=range(len(DAMAGED)))
def test_a_damaged_file_is_refused(file: bytes) -> None:
    with pytest.raises(ValueError, match=r"."):
        parse_header(file)


@settings(max_examples=300)
@given(st.integers(0, len(FILE) - 1), st.binary(min_size=1, max_size=6))
def test_whatever_bytes_change_no_tensor_lies_outside_the_file(position: int, replacement: bytes) -> None:
    mutant = (FILE[:position] + replacement + FILE[position + len(replacement) :])[: len(FILE)]
    try:
        header = parse_header(mutant)
    except ValueError:
        return
    for span in header.tensors:
        assert 8 <= span.start <= span.start + span.n_bytes <= len(mutant)
