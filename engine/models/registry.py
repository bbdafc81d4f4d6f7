"""The base models that Loreleaf can learn with: what each consists of, where its parts are, its sizes.

Facts only; nothing here looks at the machine, the disk or the network. Where the facts are from:

- names of the hypernetworks' files and their parameter counts: the release of Doc-to-LoRA
  (docs/doc-to-lora-spec.md, sections 1.5 and 2.4);
- commits and SHA-256 of base models and GGUFs: the publishers' own LFS records as several independent public
  projects pin them. What only the hub itself can tell (the hypernetworks' commit, Mistral's shards) is left
  open here; the download takes it from the hub and records it;
- sizes that nobody publishes are computed from the number of parameters, and say so (``is_size_derived``).
"""

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import NamedTuple

from engine.errors import ModelUnavailable

BUILT_IN = "embedded"
"""Name of the base model that comes with the program."""

HUB_PAGES = "https://huggingface.co"
"""Where licences are accepted and tokens made. Mirrors have the files, not these pages."""

TOKENS_PAGE = f"{HUB_PAGES}/settings/tokens"
"""Where a user makes a token."""

_DOC_TO_LORA = "SakanaAI/doc-to-lora"
_UNSTATED_LICENCE = "as its page says"
"""The code of Doc-to-LoRA is under MIT; what holds for the weights is said on their page only."""


class Role(StrEnum):
    """What a part of a model is for. The values name folders and stand in records: never change one."""

    ENCODER = "encoder"
    """The base model in torch: reads notes for the hypernetwork. Safetensors, and the tokenizer."""
    HYPERNETWORK = "hypernetwork"
    """Turns what the encoder read into an adapter. A checkpoint of the reference implementation."""
    CHAT = "chat"
    """The base model for llama.cpp: answers. One GGUF file."""


class Wanted(NamedTuple):
    """Names of files in a repository.

    Attributes:
        needed: patterns (``fnmatch``) that must each match a file.
        useful: patterns that may match none.
    """

    needed: tuple[str, ...]
    useful: tuple[str, ...] = ()


ENCODER_FILES = Wanted(
    needed=("config.json", "tokenizer.json", "tokenizer_config.json", "model*.safetensors"),
    # A model in a single file has no index.
    useful=("model.safetensors.index.json", "generation_config.json", "special_tokens_map.json"),
)


@dataclass(frozen=True, slots=True)
class HubPart:
    """A part of a model, as it is published.

    Attributes:
        repo: "publisher/name" on the hub.
        revision: commit whose files are taken; empty where it is not known beforehand: then the newest is
            taken, and kept to from then on.
        size_bytes: of its files, but for a few kB of settings.
        is_size_derived: computed from the number of parameters. Either way, the hub's own numbers count as
            soon as it is asked.
        pins: file -> SHA-256 hex that it must have. Others are checked against the hub's checksums alone.
        licence: for people.
        is_gated: one must log in and accept the licence on its page before the hub hands out the files.
    """

    role: Role
    repo: str
    wanted: Wanted
    revision: str
    size_bytes: int
    licence: str
    is_size_derived: bool = False
    is_gated: bool = False
    pins: Mapping[str, str] = field(default_factory=dict)

    @property
    def page(self) -> str:
        """Where its licence can be read and accepted."""
        return f"{HUB_PAGES}/{self.repo}"


@dataclass(frozen=True, slots=True)
class Architecture:
    """What local files are recognised by, and what memory needs are computed from.

    Attributes:
        gguf: ``general.architecture`` of the GGUF.
        transformers: ``model_type`` in config.json.
        n_layers, d_model, n_vocab: decoder layers; width; tokens.
        d_kv: numbers per token and layer in the key cache, as many again in the value cache.
        n_parameters: all of the base model.
        n_embedding_parameters: those of them that stay in 16 bits when the rest is quantised to NF4.
        n_hypernetwork_parameters: of the hypernetwork that belongs to it.
    """

    gguf: str
    transformers: str
    n_layers: int
    d_model: int
    n_vocab: int
    d_kv: int
    n_parameters: int
    n_embedding_parameters: int
    n_hypernetwork_parameters: int


@dataclass(frozen=True, slots=True)
class ModelEntry:
    """A base model that can be chosen.

    Attributes:
        name: what is typed, e.g. ``loreleaf models get gemma-2-2b``; also the name of its folder.
        title: what its makers call it.
        maker: who made it, for people.
        base_model: its name on the hub, which a hypernetwork's checkpoint repeats.
        parts: what is to be fetched, in the order of fetching; empty for the built-in model.
        chat_size_bytes: of its GGUF.
    """

    name: str
    title: str
    maker: str
    base_model: str
    licence: str
    architecture: Architecture
    chat_size_bytes: int
    parts: tuple[HubPart, ...] = ()

    @property
    def is_built_in(self) -> bool:
        """Whether it comes with the program."""
        return not self.parts

    @property
    def summary(self) -> str:
        """What it is, in a sentence or two."""
        how_large = parameters(self.architecture.n_parameters)
        own = "Comes with Loreleaf. " if self.is_built_in else ""
        return f"{own}By {self.maker}, {how_large} parameters."

    @property
    def size_bytes(self) -> int:
        """Of all parts."""
        return sum(part.size_bytes for part in self.parts)

    def part(self, role: Role) -> HubPart:
        """The part for this role; only of a model that is fetched."""
        return next(part for part in self.parts if part.role is role)


def parameters(n_parameters: int) -> str:
    """A number of parameters, for people."""
    if n_parameters >= 1e9:
        return f"{n_parameters / 1e9:.1f} billion"
    return f"{n_parameters / 1e6:.0f} million"


def is_own(name: str) -> bool:
    """Whether a model is one that the user brought, by its name: not of the registry."""
    return all(entry.name != name for entry in REGISTRY)


def find_entry(name: str) -> ModelEntry:
    """The model of this name.

    Raises:
        ModelUnavailable: there is none.
    """
    for entry in REGISTRY:
        if entry.name == name:
            return entry
    known = ", ".join(entry.name for entry in REGISTRY)
    raise ModelUnavailable(f"There is no base model “{name}”.", f"There are: {known}.")


def _hypernetwork(run: str, n_parameters: int, sha256: str = "") -> HubPart:
    file = f"{run}/checkpoint-20000/pytorch_model.bin"
    return HubPart(
        role=Role.HYPERNETWORK,
        repo=_DOC_TO_LORA,
        wanted=Wanted((file,)),
        revision="",
        size_bytes=4 * n_parameters,  # float32
        is_size_derived=True,
        licence=_UNSTATED_LICENCE,
        is_gated=True,
        pins={file: sha256} if sha256 else {},
    )


def _gguf(repo: str, revision: str, file: str, size_bytes: int, sha256: str, licence: str) -> HubPart:
    return HubPart(Role.CHAT, repo, Wanted((file,)), revision, size_bytes, licence, pins={file: sha256})


_EMBEDDED = ModelEntry(
    name=BUILT_IN,
    title="SmolLM2-135M-Instruct",
    maker="Hugging Face",
    base_model="HuggingFaceTB/SmolLM2-135M-Instruct",
    licence="Apache-2.0",
    architecture=Architecture("llama", "llama", 30, 576, 49_152, 192, 134_515_008, 28_311_552, 26_522_816),
    chat_size_bytes=270_885_952,
)

_GEMMA_2_2B = ModelEntry(
    name="gemma-2-2b",
    title="Gemma 2 2B Instruct",
    maker="Google",
    base_model="google/gemma-2-2b-it",
    licence="Gemma Terms of Use",
    architecture=Architecture(
        "gemma2", "gemma2", 26, 2304, 256_000, 1024, 2_614_341_888, 589_824_000, 315_237_792
    ),
    chat_size_bytes=1_708_582_752,
    parts=(
        HubPart(
            role=Role.ENCODER,
            repo="google/gemma-2-2b-it",
            wanted=ENCODER_FILES,
            revision="299a8560bedf22ed1c72a8a11e7dce4a7f9f51f8",
            size_bytes=5_246_267_906,
            licence="Gemma Terms of Use",
            is_gated=True,
            pins={
                "model-00001-of-00002.safetensors": (
                    "532d792c9178805064170a3ec485b7dedbfccc6fd297b92c31a6091b6c7e41bf"
                ),
                "model-00002-of-00002.safetensors": (
                    "6d6d9ce84db398fb6e0191f91542e5da0a73da2cb695e172a24edc2146dc8d20"
                ),
                "tokenizer.json": "3f289bc05132635a8bc7aca7aa21255efd5e18f3710f43e3cdb96bcd41be4922",
            },
        ),
        # Not gemma_demo: that one has seen single chunks only, this one documents of up to eight.
        _hypernetwork("gemma_2b_d2l", 315_237_792),
        _gguf(
            "bartowski/gemma-2-2b-it-GGUF",
            "855f67caed130e1befc571b52bd181be2e858883",
            "gemma-2-2b-it-Q4_K_M.gguf",
            1_708_582_752,
            "e0aee85060f168f0f2d8473d7ea41ce2f3230c1bc1374847505ea599288a7787",
            "Gemma Terms of Use",
        ),
    ),
)

_QWEN3_4B = ModelEntry(
    name="qwen3-4b",
    title="Qwen3 4B Instruct 2507",
    maker="the Qwen team",
    base_model="Qwen/Qwen3-4B-Instruct-2507",
    licence="Apache-2.0",
    architecture=Architecture(
        "qwen3", "qwen3", 36, 2560, 151_936, 1024, 4_022_468_096, 388_956_160, 421_001_792
    ),
    chat_size_bytes=2_497_281_120,
    parts=(
        HubPart(
            role=Role.ENCODER,
            repo="Qwen/Qwen3-4B-Instruct-2507",
            wanted=ENCODER_FILES,
            revision="cdbee75f17c01a7cc42f958dc650907174af0554",
            size_bytes=8_056_447_815,
            licence="Apache-2.0",
            pins={
                "model-00001-of-00003.safetensors": (
                    "75311d91bb08cf0b882913da464a1e722a31fb44db35208663487efb7a3d8ed6"
                ),
                "model-00002-of-00003.safetensors": (
                    "0b48adbb1f60e901153d91907ba11ce63bd4b8b584482e730f48808d055dfba1"
                ),
                "model-00003-of-00003.safetensors": (
                    "7dd39ccca5e4de123c74c14af44c9bf2eb75df33b4614382af0134528e060d5d"
                ),
                "tokenizer.json": "aeb13307a71acd8fe81861d94ad54ab689df773318809eed3cbe794b4492dae4",
            },
        ),
        _hypernetwork(
            "qwen_4b_d2l",
            421_001_792,
            "6438b46c828dd3b5f88f21add0f7f5cacc7994d47bf15eda266786a506044591",
        ),
        _gguf(
            "unsloth/Qwen3-4B-Instruct-2507-GGUF",
            "a06e946bb6b655725eafa393f4a9745d460374c9",
            "Qwen3-4B-Instruct-2507-Q4_K_M.gguf",
            2_497_281_120,
            "3605803b982cb64aead44f6c1b2ae36e3acdb41d8e46c8a94c6533bc4c67e597",
            "Apache-2.0",
        ),
    ),
)

_MISTRAL_7B = ModelEntry(
    name="mistral-7b",
    title="Mistral 7B Instruct v0.2",
    maker="Mistral AI",
    base_model="mistralai/Mistral-7B-Instruct-v0.2",
    licence="Apache-2.0",
    architecture=Architecture(
        "llama", "mistral", 32, 4096, 32_000, 1024, 7_241_732_096, 262_144_000, 574_214_656
    ),
    chat_size_bytes=4_368_439_584,
    parts=(
        HubPart(
            role=Role.ENCODER,
            repo="mistralai/Mistral-7B-Instruct-v0.2",
            wanted=ENCODER_FILES,
            revision="63a8b081895390a26e140280378bc85ec8bce07a",
            size_bytes=2 * 7_241_732_096,  # bfloat16
            is_size_derived=True,
            licence="Apache-2.0",
        ),
        _hypernetwork("mistral_7b_d2l", 574_214_656),
        _gguf(
            "TheBloke/Mistral-7B-Instruct-v0.2-GGUF",
            "3a6fbf4a41a1d52e415a4958cde6856d34b2db93",
            "mistral-7b-instruct-v0.2.Q4_K_M.gguf",
            4_368_439_584,
            "3e0039fd0273fcbebb49228943b17831aadd55cbcbf56f0af00499be2040ccf9",
            "Apache-2.0",
        ),
    ),
)

REGISTRY: tuple[ModelEntry, ...] = (_EMBEDDED, _GEMMA_2_2B, _QWEN3_4B, _MISTRAL_7B)
"""Smallest first; the first is the default."""
