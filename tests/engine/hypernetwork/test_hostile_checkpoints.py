"""Checkpoints that were made to do harm end in a sentence, and cost neither memory nor time."""

import sys
import zipfile
from contextlib import suppress
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from engine.errors import ModelUnavailable
from engine.hypernetwork.checkpoint import read_checkpoint
from engine.hypernetwork.checkpoint_file import CheckpointFile
from engine.hypernetwork.checkpoint_pickle import StoredNumbers, StoredTensor, read_pickle
from tests.engine.hypernetwork.hostile_pickles import ARCHIVES, programs, write_program, write_zip
from tests.engine.hypernetwork.mutants import mutants
from tests.engine.hypernetwork.reference_checkpoints import random_hypernetwork, write_checkpoint
from tests.engine.hypernetwork.test_checkpoint import PLAIN

pytestmark = pytest.mark.skipif(
    sys.platform != "linux", reason="memory is limited and measured as Linux does it"
)


def test_none_of_them_runs_anything_or_takes_more_memory_than_a_small_file_may(tmp_path: Path) -> None:
    from tests.engine.watched_reading import read_watched

    marker = tmp_path / "ran"
    files: dict[str, Path] = {}
    for i, (case, program) in enumerate(programs(marker).items()):
        files[case] = tmp_path / f"{i}.bin"
        write_program(files[case], program)
    for case, write in ARCHIVES.items():
        files[case] = tmp_path / f"{case}.bin"
        write(files[case])

    files["one entry for all tensors"] = tmp_path / "one entry.bin"
    _write_with_one_entry(files["one entry for all tensors"])

    readings = dict(zip(files, read_watched("checkpoint", *files.values()), strict=True))

    assert not marker.exists()
    wrong = {
        case: reading
        for case, reading in readings.items()
        if not reading.failure.startswith("ModelUnavailable: This hypernetwork")
        or len(reading.failure) > 600
        or reading.n_more_bytes > 100 << 20
    }
    assert wrong == {}


@pytest.mark.parametrize(
    "case",
    ["os.system", "posix.system", "eval", "Popen", "getattr", "OBJ", "deep inside"],
)
def test_a_file_that_calls_something_is_said_to_do_so(case: str, tmp_path: Path) -> None:
    with pytest.raises(ModelUnavailable, match="could run programs"):
        read_pickle(programs(tmp_path / "ran")[case])


@pytest.mark.parametrize(
    ("case", "reason"),
    [
        ("read beyond the end", "does not fit its 16 numbers"),
        ("offset beyond the end", "does not fit its 16 numbers"),
        ("negative offset", "a tensor is damaged"),
        ("negative stride", "a tensor is damaged"),
        ("negative count", "a tensor is damaged"),
        ("stride 0, two gigabytes", "does not fit its 16 numbers"),
        ("stride 0, small", "does not fit its 16 numbers"),
        ("overlapping rows", "does not fit its 16 numbers"),
        ("a size that overflows", "does not fit its 16 numbers"),
        ("a hundred axes", "a tensor is damaged"),
        ("no storage", "a tensor is damaged"),
        ("half a storage", "a tensor is damaged"),
        ("tuples as a key", "other keys than names"),
        ("tuples as attributes", "other keys than names"),
        ("tuples in a set", "calls something in an unknown way"),
        ("tuples as a key, duplicated", "the instruction DUP"),
        ("attributes of a function", "changes what it must not"),
        ("attributes of a class", "changes what it must not"),
        ("OrderedDict with arguments", "calls something in an unknown way"),
        ("a storage that is called", "calls something in an unknown way"),
        ("INST", "the instruction STRING"),
        ("EXT1", "the instruction EXT1"),
        ("a dotted name", "the instruction SHORT_BINUNICODE"),
        ("a number of two thousand bits", "the instruction LONG1"),
        ("below a mark", "the instruction POP"),
        ("a number", "it holds something else"),
    ],
)
def test_each_is_refused_for_what_is_wrong_with_it(case: str, reason: str, tmp_path: Path) -> None:
    with pytest.raises(ValueError, match=reason):
        read_pickle(programs(tmp_path / "ran")[case])


@pytest.mark.parametrize("n_values", [0, 15, 17, 10**6, 2**60])
def test_an_entry_of_another_length_than_the_pickle_says_is_not_read(n_values: int, tmp_path: Path) -> None:
    write_program(tmp_path / "a.bin", b"N.")
    with CheckpointFile(tmp_path / "a.bin") as file:
        numbers = StoredNumbers("0", torch.float32, 16)
        assert file.read(StoredTensor(numbers, 0, (4, 4), (4, 1))).shape == (4, 4)
        with pytest.raises(ValueError, match=f"64 bytes, expected {4 * n_values}"):
            file.read(StoredTensor(replace(numbers, n_values=n_values), 0, (1,), (1,)))
        with pytest.raises(KeyError):
            file.read(StoredTensor(replace(numbers, key="../data.pkl"), 0, (1,), (1,)))


def test_a_compressed_entry_is_not_unpacked(tmp_path: Path) -> None:
    write_zip(tmp_path / "a.bin", {"archive/data.pkl": b"N."})
    with zipfile.ZipFile(tmp_path / "a.bin", "a", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("archive/data/0", bytes(64))
    with (
        CheckpointFile(tmp_path / "a.bin") as file,
        pytest.raises(zipfile.BadZipFile, match="is compressed or encrypted"),
    ):
        file.read(StoredTensor(StoredNumbers("0", torch.float32, 16), 0, (16,), (1,)))


def test_what_a_file_may_name_stays_as_it_was(tmp_path: Path) -> None:
    """Nothing callable is handed out: what a name stands for has no attributes that could be set."""
    from engine.hypernetwork import checkpoint_pickle

    before = {
        name: vars(value).copy() for name, value in vars(checkpoint_pickle).items() if isinstance(value, type)
    }
    for program in programs(tmp_path / "ran").values():
        with suppress(ModelUnavailable, ValueError):
            read_pickle(program)
    after = {
        name: vars(value).copy() for name, value in vars(checkpoint_pickle).items() if isinstance(value, type)
    }
    assert before == after
    assert not any(callable(kind) for kind in checkpoint_pickle._KINDS.values())


def _write_with_one_entry(path: Path) -> None:
    """Every tensor is a small view of the same 40 MB, which would be read for each of them."""
    hypernetwork = random_hypernetwork(PLAIN)
    numbers = torch.zeros(10 << 20)
    views = {name: numbers[: t.numel()].view(t.shape) for name, t in hypernetwork.state_dict().items()}
    write_checkpoint(path, hypernetwork, more=views)


@pytest.mark.parametrize(
    ("change", "named"),
    [
        ({"num_blocks": 10**9}, "n_blocks"),
        ({"num_layers": 10**12}, "not all 1000000000000"),
        ({"n_latent_queries": 10**15}, "n_latents"),
        ({"latent_size": 2**40}, "d_latent"),
        ({"latent_size": True}, "d_latent"),
        ({"latent_size": 16.5}, "d_latent"),
        ({"lora_alpha": float("inf")}, "lora_alpha"),
        ({"lora_alpha": float("nan")}, "lora_alpha"),
        ({"lora_alpha": [[1]]}, "no plain value as lora_alpha"),
        ({"r": "2"}, "lora_rank"),
        ({"feature_size": 0}, "its encoder's size"),
        ({"target_modules": {"down_proj", "up_proj"}}, "which layers it adapts"),
        ({"feature_sizes": ({}, {})}, "which layers it adapts"),
        ({"layer_indices": torch.arange(100_000)}, "100000 layers"),
        ({"layer_indices": ["a"]}, "which layers it adapts"),
        ({"ctx_encoder_type": ["per_layer_activations"]}, "no plain value"),
    ],
)
def test_a_configuration_of_impossible_sizes_is_refused_before_anything_is_built(
    change: dict[str, object], named: str, tmp_path: Path
) -> None:
    path = tmp_path / "pytorch_model.bin"
    write_checkpoint(path, random_hypernetwork(PLAIN), change=change)
    with pytest.raises(ModelUnavailable, match=named):
        read_checkpoint(path)


def test_of_a_thousand_damaged_descriptions_each_is_taken_or_refused(tmp_path: Path) -> None:
    """Of those in a file: the archive's own checksums would hide nearly all of them."""
    path = tmp_path / "whole.bin"
    write_checkpoint(path, random_hypernetwork(PLAIN))
    with CheckpointFile(path) as file:
        program = file.program
        damaged = tmp_path / "damaged.bin"
        n_refused = 0
        for mutant in mutants(program, 1000):
            write_program(damaged, mutant)
            try:
                read_checkpoint(damaged)
            except ModelUnavailable:
                n_refused += 1
    assert n_refused == 1000  # also those that are as they were: the numbers are not in this file


def test_a_tensor_under_two_names_is_refused(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    hypernetwork = random_hypernetwork(replace(PLAIN))
    write_checkpoint(path, hypernetwork, more={"_orig_mod.head.weight": torch.zeros(3)})
    with pytest.raises(ModelUnavailable, match=r"head\.weight is no tensor, or there twice"):
        read_checkpoint(path)


def test_a_flipped_bit_of_the_numbers_is_noticed(tmp_path: Path) -> None:
    path = tmp_path / "pytorch_model.bin"
    write_checkpoint(path, random_hypernetwork(PLAIN))
    data = bytearray(path.read_bytes())
    data[len(data) // 2] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(ModelUnavailable, match="cannot be read"):
        read_checkpoint(path)


def test_a_pipe_is_not_waited_for(tmp_path: Path) -> None:
    import os

    os.mkfifo(tmp_path / "pytorch_model.bin")
    with pytest.raises(ModelUnavailable, match="not a file"):
        read_checkpoint(tmp_path / "pytorch_model.bin")
