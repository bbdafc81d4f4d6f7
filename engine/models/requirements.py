"""Whether a base model fits a machine: what it needs, computed from its sizes, against what was found.

Pure. The needs are upper bounds computed from parameter counts, not measurements; each assumption is a
constant below, with its reason.
"""

from dataclasses import dataclass
from enum import StrEnum

from engine.models.registry import Architecture, ModelEntry

NF4_BYTES_PER_WEIGHT = 4.5 / 8
"""Four bits, and a float32 scale per block of 64; with the scales quantised too it is a little less."""

CHUNK_TOKENS = 512
"""Longest chunk that the published hypernetworks were trained on (docs/doc-to-lora-spec.md, section 3.2)."""

CONTEXT_TOKENS = 4096
"""Context window of the chat, as in the default settings; keys and values are kept in 16 bits."""

PROCESS_BYTES = 1_000_000_000
"""Assumed for a process with its libraries, the CUDA context, and what the allocator keeps."""

USABLE_SHARE = 0.75
"""Assumed share of a computer's memory that Loreleaf may take: the system and other programs need the rest.
Apple's GPUs are lent about as much of it."""

DISK_MARGIN_BYTES = 500_000_000
"""Left free on the disk."""


class AcceleratorKind(StrEnum):
    """What kind of GPU."""

    CUDA = "cuda"
    APPLE = "apple"


@dataclass(frozen=True, slots=True)
class Accelerator:
    """A GPU that was found.

    Attributes:
        name: for people.
        memory_bytes: its own; for Apple's the computer's.
        obstacle: why it cannot be used as Loreleaf is installed, and what to do: sentences; empty if it can.
    """

    kind: AcceleratorKind
    name: str
    memory_bytes: int
    obstacle: str = ""


@dataclass(frozen=True, slots=True)
class Machine:
    """What this computer has.

    Attributes:
        ram_bytes: all of its memory.
        disk_free_bytes: where the models are kept.
        accelerator: the GPU that would be used; None if there is none.
    """

    ram_bytes: int
    disk_free_bytes: int
    accelerator: Accelerator | None = None


@dataclass(frozen=True, slots=True)
class MemoryNeeds:
    """Bytes at most.

    Attributes:
        learning_on_gpu: in the GPU's memory; encoder in NF4.
        learning_on_apple: in the computer's memory; encoder in float16.
        learning_on_cpu: in the computer's memory; encoder in bfloat16.
        learning_on_cpu_float32: the same in float32, which is faster where a processor lacks bfloat16.
        answering: in the computer's memory, by llama.cpp.
    """

    learning_on_gpu: int
    learning_on_apple: int
    learning_on_cpu: int
    learning_on_cpu_float32: int
    answering: int


class Fit(StrEnum):
    """How well a model suits a machine."""

    FITS = "fits"
    SLOW = "slow"
    WONT_FIT = "won't fit"


@dataclass(frozen=True, slots=True)
class Verdict:
    """``reason`` is a sentence for people."""

    fit: Fit
    reason: str


def memory_needs(entry: ModelEntry) -> MemoryNeeds:
    """What learning and answering with this model take."""
    sizes = entry.architecture
    n_matrices = sizes.n_parameters - sizes.n_embedding_parameters
    others = 4 * sizes.n_hypernetwork_parameters + _activation_bytes(sizes) + PROCESS_BYTES
    caches = 2 * 2 * sizes.n_layers * sizes.d_kv * CONTEXT_TOKENS  # keys and values, 2 bytes each
    return MemoryNeeds(
        learning_on_gpu=int(n_matrices * NF4_BYTES_PER_WEIGHT) + 2 * sizes.n_embedding_parameters + others,
        learning_on_apple=2 * sizes.n_parameters + others,
        learning_on_cpu=2 * sizes.n_parameters + others,
        learning_on_cpu_float32=4 * sizes.n_parameters + others,
        answering=entry.chat_size_bytes + caches + PROCESS_BYTES,
    )


def check_fit(entry: ModelEntry, machine: Machine, n_missing_bytes: int) -> Verdict:
    """Whether this model fits this machine.

    Args:
        entry: the model.
        machine: what was found.
        n_missing_bytes: what is still to be downloaded.
    """
    # The hypernetwork is kept twice: as it is published, and in Loreleaf's form.
    n_needed_bytes = n_missing_bytes + 4 * entry.architecture.n_hypernetwork_parameters + DISK_MARGIN_BYTES
    if n_missing_bytes and n_needed_bytes > machine.disk_free_bytes:
        n_free = gigabytes(machine.disk_free_bytes)
        return Verdict(
            Fit.WONT_FIT, f"It needs {gigabytes(n_needed_bytes)} on the disk, and {n_free} are free."
        )
    if entry.is_built_in:
        return _judge_built_in(memory_needs(entry), machine)
    gpu = machine.accelerator
    if gpu is not None and gpu.kind is AcceleratorKind.APPLE and not gpu.obstacle:
        return _judge_apple(memory_needs(entry), machine)
    return _judge_cuda_or_cpu(memory_needs(entry), machine)


def check_fit_of_own(size_bytes: int, memory_bytes: int, machine: Machine) -> Verdict:
    """Whether a model of the user's fits this machine, which only answers with it.

    Args:
        size_bytes: of its file.
        memory_bytes: what it takes beside that.
        machine: what was found.
    """
    needed = size_bytes + memory_bytes
    if needed <= USABLE_SHARE * machine.ram_bytes:
        return Verdict(Fit.FITS, f"Answering takes up to {gigabytes(needed)} of memory.")
    return Verdict(
        Fit.WONT_FIT,
        f"Answering takes up to {gigabytes(needed)} of memory, and this computer has {_ram(machine)}, of "
        "which other programs need a part.",
    )


def gigabytes(n_bytes: int) -> str:
    """For people: "8.2 GB", from 20 GB on without decimals, below 1 GB in MB."""
    if n_bytes < 1_000_000_000:
        return f"{n_bytes / 1e6:.0f} MB"
    return f"{n_bytes / 1e9:.0f} GB" if n_bytes >= 20_000_000_000 else f"{n_bytes / 1e9:.1f} GB"


def _activation_bytes(sizes: Architecture) -> int:
    """States of one chunk and the intermediates of the hypernetwork's projection, in 16 bits.

    All layers at once; per token and layer, the state (D) and three intermediates of 4 D.
    Source: docs/doc-to-lora-spec.md, section 7.
    """
    return 2 * (1 + 3 * 4) * sizes.n_layers * sizes.d_model * CHUNK_TOKENS


def _judge_built_in(needs: MemoryNeeds, machine: Machine) -> Verdict:
    needed = needs.learning_on_cpu_float32 + needs.answering
    if needed <= machine.ram_bytes:
        return Verdict(Fit.FITS, "It is made for any computer.")
    return Verdict(Fit.SLOW, f"It takes up to {gigabytes(needed)}, and this computer has {_ram(machine)}.")


def _judge_apple(needs: MemoryNeeds, machine: Machine) -> Verdict:
    needed, usable = needs.learning_on_apple + needs.answering, USABLE_SHARE * machine.ram_bytes
    if needed <= usable:
        return Verdict(Fit.FITS, f"It takes up to {gigabytes(needed)} of this Mac's {_ram(machine)}.")
    return Verdict(
        Fit.WONT_FIT,
        f"Learning and answering take up to {gigabytes(needed)}, and this Mac has {_ram(machine)}, of which "
        "other programs need a part.",
    )


def _judge_cuda_or_cpu(needs: MemoryNeeds, machine: Machine) -> Verdict:
    gpu, usable = machine.accelerator, USABLE_SHARE * machine.ram_bytes
    is_gpu_enough = gpu is not None and not gpu.obstacle and needs.learning_on_gpu <= gpu.memory_bytes
    if gpu is not None and is_gpu_enough and needs.answering <= usable:
        return Verdict(
            Fit.FITS, f"Learning takes up to {gigabytes(needs.learning_on_gpu)} of the {_memory_of(gpu)}."
        )
    needed = needs.answering + (0 if is_gpu_enough else needs.learning_on_cpu)
    if needed <= usable:
        return Verdict(Fit.SLOW, f"{_why_on_cpu(needs, gpu)} The processor learns many times more slowly.")
    what = "Answering takes" if is_gpu_enough else f"{_why_on_cpu(needs, gpu)} Learning and answering take"
    return Verdict(
        Fit.WONT_FIT,
        f"{what} up to {gigabytes(needed)} of memory, and this computer has {_ram(machine)}, of which other "
        "programs need a part.",
    )


def _why_on_cpu(needs: MemoryNeeds, gpu: Accelerator | None) -> str:
    if gpu is None:
        return "No GPU was found."
    if gpu.obstacle:
        return f"There is {_a(gpu)}, but {gpu.obstacle}"
    return f"Learning takes up to {gigabytes(needs.learning_on_gpu)}, more than the {_memory_of(gpu)}."


def _a(gpu: Accelerator) -> str:
    return f"a GPU ({gpu.name}, {gigabytes(gpu.memory_bytes)})"


def _memory_of(gpu: Accelerator) -> str:
    return f"{gigabytes(gpu.memory_bytes)} of the {gpu.name}"


def _ram(machine: Machine) -> str:
    return gigabytes(machine.ram_bytes)
