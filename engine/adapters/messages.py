"""What the processes that exchange adapters with other programs are told, and what they tell.

Each does one thing and ends. Free of torch and numpy: the window's process imports this module.
"""

from dataclasses import dataclass
from pathlib import Path

from engine.messages import AdapterPart


@dataclass(frozen=True, slots=True)
class SetMember:
    """A note, or an imported adapter, that takes part in a set.

    Attributes:
        sha256: hex; of the note's bytes, or of the imported factors.
        has_title_alone: whether nothing else in the library has its title, so that the title tells what an
            earlier export was made of.
    """

    title: str
    sha256: str
    is_imported: bool = False
    has_title_alone: bool = False


@dataclass(frozen=True, slots=True)
class AdapterSet:
    """A set that leaves the program, and the models it belongs to.

    Attributes:
        members: at least one, in the library's order.
        parts: their adapters, in the same order; a note has one per chunk.
        base_model, weights_dir: files of the base model and of the hypernetwork.
        base_hash, hypernetwork_hash: their identities.
    """

    members: tuple[SetMember, ...]
    parts: tuple[AdapterPart, ...]
    base_model: Path
    weights_dir: Path
    base_hash: str
    hypernetwork_hash: str

    @property
    def title(self) -> str:
        """For people: "Dentist", or "Dentist and 3 more"."""
        first, n_others = self.members[0].title, len(self.members) - 1
        return f"{first} and {n_others} more" if n_others else first


@dataclass(frozen=True, slots=True)
class ExportAdapter:
    """Write a set as one adapter for other programs; answered with AdapterExported or WorkerFailed.

    Attributes:
        format: "gguf" (llama.cpp, a file) or "peft" (transformers, a folder).
        out: where to write.
        may_overwrite: also over what is not an earlier export of the same notes.
        makes_folders: make the folders above ``out`` that are missing.
    """

    format: str
    out: Path
    adapter_set: AdapterSet
    may_overwrite: bool = False
    makes_folders: bool = False


@dataclass(frozen=True, slots=True)
class AdapterExported:
    """Written, whole.

    Attributes:
        path: the file or folder.
        rank: of the adapter, bias block included.
        size_bytes: of all that was written.
    """

    path: Path
    rank: int
    size_bytes: int


@dataclass(frozen=True, slots=True)
class ImportAdapter:
    """Read an adapter that another program wrote; answered with AdapterImported or WorkerFailed.

    Attributes:
        source: a PEFT folder, or a GGUF LoRA file.
        base_model: the file of the base model that it must fit.
        base_hash: its identity.
    """

    source: Path
    base_model: Path
    base_hash: str


@dataclass(frozen=True, slots=True)
class AdapterImported:
    """Read, checked, and in the form that the catalog keeps.

    Attributes:
        file: the source's file with the factors.
        title: what the source calls itself; empty if it does not say.
        sha256: identity of ``data``, hex.
        rank: the largest of a module.
        size_bytes: of the source's files.
        remark: for the library row, e.g. "rank 16 on q_proj and v_proj".
        data: the factors, coded as Codec.LORA_F16.
    """

    file: Path
    title: str
    sha256: str
    rank: int
    size_bytes: int
    remark: str
    data: bytes


@dataclass(frozen=True, slots=True)
class MergeAdapters:
    """Add a set to a base model's weights and save that; answered with MergeProgress, then ModelMerged.

    Or with WorkerFailed.

    Attributes:
        out: a GGUF file, or with ``base_folder`` a folder of transformers.
        base_folder: the base model as transformers keeps it, in safetensors; None takes the set's GGUF.
        may_overwrite: also over a file that is not an earlier merge of the same notes.
        makes_folders: make the folders above ``out`` that are missing.
    """

    out: Path
    adapter_set: AdapterSet
    base_folder: Path | None = None
    may_overwrite: bool = False
    makes_folders: bool = False


@dataclass(frozen=True, slots=True)
class MergeProgress:
    """Share of the model that is written, 0 to 1."""

    share: float


@dataclass(frozen=True, slots=True)
class ModelMerged:
    """Written, whole.

    Attributes:
        path: the file or folder.
        n_tensors: how many of the base model's were changed.
        size_bytes: of all that was written.
    """

    path: Path
    n_tensors: int
    size_bytes: int
