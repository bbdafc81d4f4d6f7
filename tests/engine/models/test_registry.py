"""The registry's facts agree with each other, and the verdicts with the machine."""

import re
import sys
from dataclasses import replace
from pathlib import Path
from subprocess import CompletedProcess, TimeoutExpired

import pytest

from engine.errors import ModelUnavailable
from engine.models.machine import find_machine, parse_nvidia
from engine.models.registry import REGISTRY, ModelEntry, Role, find_entry
from engine.models.requirements import (
    Accelerator,
    AcceleratorKind,
    Fit,
    Machine,
    check_fit,
    gigabytes,
    memory_needs,
)

GB = 1_000_000_000
FETCHED = [entry for entry in REGISTRY if not entry.is_built_in]
by_name = pytest.mark.parametrize("entry", FETCHED, ids=lambda entry: entry.name)


def a_card(memory_gb: float, obstacle: str = "") -> Accelerator:
    return Accelerator(AcceleratorKind.CUDA, "NVIDIA RTX 4060", int(memory_gb * GB), obstacle)


def a_machine(ram_gb: float, gpu: Accelerator | None = None, disk_gb: float = 1000) -> Machine:
    return Machine(int(ram_gb * GB), int(disk_gb * GB), gpu)


# --- the entries --------------------------------------------------------------------------------------------


def test_there_are_four_models_and_the_first_is_built_in() -> None:
    assert [entry.name for entry in REGISTRY] == ["embedded", "gemma-2-2b", "qwen3-4b", "mistral-7b"]
    assert [entry.is_built_in for entry in REGISTRY] == [True, False, False, False]


def test_a_name_that_does_not_exist_is_answered_with_those_that_do() -> None:
    with pytest.raises(ModelUnavailable, match="There are: embedded, gemma-2-2b, qwen3-4b, mistral-7b"):
        find_entry("gpt")


@by_name
def test_every_fetched_model_has_its_three_parts(entry: ModelEntry) -> None:
    assert {part.role for part in entry.parts} == set(Role)
    assert entry.part(Role.ENCODER).repo == entry.base_model
    assert entry.chat_size_bytes == entry.part(Role.CHAT).size_bytes


@by_name
def test_revisions_and_checksums_are_of_the_right_form(entry: ModelEntry) -> None:
    for part in entry.parts:
        assert re.fullmatch(r"[0-9a-f]{40}|", part.revision)
        assert all(re.fullmatch(r"[0-9a-f]{64}", sha256) for sha256 in part.pins.values())
    assert entry.part(Role.CHAT).revision
    assert entry.part(Role.ENCODER).revision
    assert entry.part(Role.CHAT).pins.keys() == set(entry.part(Role.CHAT).wanted.needed)


@by_name
def test_the_weights_take_two_bytes_per_parameter(entry: ModelEntry) -> None:
    weights = 2 * entry.architecture.n_parameters
    assert 0 <= entry.part(Role.ENCODER).size_bytes - weights < 20_000_000


def test_the_hypernetworks_are_those_for_documents_of_several_chunks() -> None:
    assert [entry.part(Role.HYPERNETWORK).wanted.needed for entry in FETCHED] == [
        ("gemma_2b_d2l/checkpoint-20000/pytorch_model.bin",),
        ("qwen_4b_d2l/checkpoint-20000/pytorch_model.bin",),
        ("mistral_7b_d2l/checkpoint-20000/pytorch_model.bin",),
    ]
    assert all(entry.part(Role.HYPERNETWORK).is_size_derived for entry in FETCHED)


def test_parts_that_ask_for_consent_name_the_page() -> None:
    gemma = find_entry("gemma-2-2b")
    assert [part.page for part in gemma.parts if part.is_gated] == [
        "https://huggingface.co/google/gemma-2-2b-it",
        "https://huggingface.co/SakanaAI/doc-to-lora",
    ]


# --- what they need -----------------------------------------------------------------------------------------


@by_name
def test_four_bits_need_less_than_sixteen_and_those_less_than_thirty_two(entry: ModelEntry) -> None:
    needs = memory_needs(entry)
    assert needs.learning_on_gpu < needs.learning_on_cpu < needs.learning_on_cpu_float32


def test_the_needs_of_gemma_are_what_its_sizes_say() -> None:
    needs = memory_needs(find_entry("gemma-2-2b"))
    # 2.02e9 matrices at 4.5 bits, 0.59e9 embeddings at 16, hypernetwork 1.26 GB, activations 0.80 GB, 1 GB.
    assert needs.learning_on_gpu / GB == pytest.approx(1.139 + 1.180 + 1.261 + 0.797 + 1.0, abs=0.01)
    assert needs.learning_on_cpu / GB == pytest.approx(5.229 + 1.261 + 0.797 + 1.0, abs=0.01)
    # GGUF, 4096 tokens of keys and values in 26 layers of 1024 numbers, 1 GB.
    assert needs.answering / GB == pytest.approx(1.709 + 0.436 + 1.0, abs=0.01)


# --- verdicts -----------------------------------------------------------------------------------------------


@pytest.mark.parametrize(
    ("name", "found", "fit", "words"),
    [
        ("embedded", a_machine(4), Fit.FITS, "any computer"),
        ("embedded", a_machine(2), Fit.SLOW, "2.0 GB"),
        ("gemma-2-2b", a_machine(16, a_card(8)), Fit.FITS, "5.4 GB of the 8.0 GB of the NVIDIA RTX 4060"),
        ("gemma-2-2b", a_machine(16), Fit.SLOW, "No GPU was found."),
        ("gemma-2-2b", a_machine(8), Fit.WONT_FIT, "this computer has 8.0 GB"),
        ("qwen3-4b", a_machine(34, a_card(6)), Fit.SLOW, "6.7 GB, more than the 6.0 GB of the NVIDIA"),
        ("qwen3-4b", a_machine(16, a_card(6)), Fit.WONT_FIT, "Learning and answering take up to 16.1 GB"),
        ("mistral-7b", a_machine(7, a_card(24)), Fit.WONT_FIT, "Answering takes up to 5.9 GB"),
        ("mistral-7b", a_machine(68, a_card(24, "no CUDA.")), Fit.SLOW, "but no CUDA."),
    ],
)
def test_the_verdict_says_why(name: str, found: Machine, fit: Fit, words: str) -> None:
    verdict = check_fit(find_entry(name), found, 0)

    assert verdict.fit is fit
    assert words in verdict.reason
    assert verdict.reason.endswith(".")


def test_on_a_mac_everything_shares_one_memory() -> None:
    def verdict(ram_gb: int) -> Fit:
        gpu = Accelerator(AcceleratorKind.APPLE, "Apple GPU", ram_gb * GB)
        return check_fit(find_entry("gemma-2-2b"), a_machine(ram_gb, gpu), 0).fit

    assert [verdict(8), verdict(16), verdict(32)] == [Fit.WONT_FIT, Fit.FITS, Fit.FITS]


def test_a_full_disk_is_in_the_way_until_everything_is_downloaded() -> None:
    entry, found = find_entry("gemma-2-2b"), a_machine(16, a_card(8), disk_gb=6)

    assert check_fit(entry, found, entry.size_bytes).fit is Fit.WONT_FIT
    assert "6.0 GB are free" in check_fit(entry, found, entry.size_bytes).reason
    assert check_fit(entry, found, 0).fit is Fit.FITS


def test_more_of_anything_never_makes_a_verdict_worse() -> None:
    order = [Fit.WONT_FIT, Fit.SLOW, Fit.FITS]
    for entry in FETCHED:
        fits = [order.index(check_fit(entry, a_machine(ram, a_card(8)), 0).fit) for ram in range(1, 80)]
        assert fits == sorted(fits)
        fits = [order.index(check_fit(entry, a_machine(32, a_card(vram)), 0).fit) for vram in range(1, 40)]
        assert fits == sorted(fits)


@pytest.mark.parametrize(
    ("n_bytes", "text"), [(0, "0 MB"), (271_000_000, "271 MB"), (8_216_000_000, "8.2 GB"), (21 * GB, "21 GB")]
)
def test_amounts_are_rounded_for_people(n_bytes: int, text: str) -> None:
    assert gigabytes(n_bytes) == text


# --- the machine --------------------------------------------------------------------------------------------


def test_this_machine_is_found_also_where_the_folder_is_still_to_be_made(tmp_path: Path) -> None:
    found = find_machine(tmp_path / "not" / "yet")

    assert found.ram_bytes > GB
    assert found.disk_free_bytes > 0


@pytest.mark.parametrize(
    ("said", "card"),
    [
        ("NVIDIA H100 80GB HBM3, 81559\n", ("NVIDIA H100 80GB HBM3", 81559 << 20)),
        ("NVIDIA A, 8192\nNVIDIA B, 24576\n", ("NVIDIA A", 8192 << 20)),
        ("Orin (nvgpu), [N/A]\n", None),
        ("", None),
        ("No devices were found\n", None),
    ],
)
def test_nvidias_answer_is_read(said: str, card: tuple[str, int] | None) -> None:
    assert parse_nvidia(said) == card


def test_a_card_that_the_installed_torch_cannot_use_says_what_to_type(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/nvidia-smi")
    monkeypatch.setattr("subprocess.run", lambda asked, **_: CompletedProcess(asked, 0, "NVIDIA X, 8192\n"))
    monkeypatch.setattr("torch.cuda.is_available", lambda: False)

    gpu = find_machine(tmp_path).accelerator

    assert gpu is not None
    assert (gpu.name, gpu.memory_bytes) == ("NVIDIA X", 8192 << 20)
    verdict = check_fit(find_entry("gemma-2-2b"), replace(a_machine(16), accelerator=gpu), 0)
    assert (verdict.fit, "make run TORCH=cuda" in verdict.reason) == (Fit.SLOW, True)


def test_a_driver_that_hangs_is_no_card(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    def hang(command: list[str], **_options: object) -> None:
        raise TimeoutExpired(command, 10.0)

    monkeypatch.setattr(sys, "platform", "linux")
    monkeypatch.setattr("shutil.which", lambda _name: "/usr/bin/nvidia-smi")
    monkeypatch.setattr("subprocess.run", hang)

    assert find_machine(tmp_path).accelerator is None
