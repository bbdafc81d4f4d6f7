"""What the window's process and the processes that look for models and fetch them say to each other.

Like ``engine.messages``: frozen dataclasses, pickled over a pipe, free of torch and numpy.
"""

from dataclasses import dataclass, field
from enum import StrEnum
from pathlib import Path

from engine.messages import WorkerFailed
from engine.models.registry import BUILT_IN, Role
from engine.models.requirements import Machine, Verdict
from engine.prompt_frame import ChatForm

# --- looking ------------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class SurveyModels:
    """Look which models are there; answered with ModelsFound.

    Attributes:
        models_dir: where downloaded and unpacked models are kept.
        records_dir: where it is written down what was downloaded, and which local files stand in for it.
        weights_dir: the hypernetwork of the built-in model.
    """

    models_dir: Path
    records_dir: Path
    weights_dir: Path


class ModelState(StrEnum):
    """Where a base model stands. Only READY and PACKED ones can be used."""

    READY = "ready"
    PACKED = "packed"
    """Its source is installed; it is unpacked at the first use."""
    MISSING = "missing"
    PARTIAL = "partial"
    """A download was interrupted; it goes on where it stopped."""
    UNPREPARED = "unprepared"
    """Complete and checked, but something ended the conversion of its hypernetwork, such as a full disk."""
    CHANGED = "changed"
    """A file is gone, or is another one than was checked."""
    UNFIT = "unfit"
    """Its file is another one than the hypernetwork was made for."""


class Origin(StrEnum):
    """Where a part of a model is from. The values stand in records: never change one."""

    HUB = "hub"
    LOCAL = "local"


@dataclass(frozen=True, slots=True)
class PartFound:
    """A part of a model that is fetched.

    Attributes:
        repo, page: where it is published, and where its licence can be read and accepted.
        revision: commit of its files; empty while unknown, and for local files.
        size_bytes: of all its files.
        is_size_derived: ``size_bytes`` is computed from the number of parameters.
        origin: None until it is there.
        folder: where its files are, or will be.
        is_complete: all of it is there and was checked.
    """

    role: Role
    repo: str
    page: str
    licence: str
    is_gated: bool
    revision: str
    size_bytes: int
    is_size_derived: bool
    origin: Origin | None
    folder: Path
    is_complete: bool


@dataclass(frozen=True, slots=True)
class ModelFound:
    """One base model of the registry, and how it stands here.

    Attributes:
        name: what ``loreleaf models get`` calls it.
        title: what its makers call it.
        summary: what it is, in a sentence or two.
        path: of the file that answers, or would; None while there is none.
        sha256: of that file; empty unless it is there.
        size_bytes: what it takes on this disk.
        hypernetwork_hash: empty when the hypernetwork is missing.
        problem: what is wrong and what to do, when something is.
        n_missing_bytes: what is still to be downloaded, as far as known beforehand.
        verdict: whether it fits this computer.
        parts: empty for the built-in model, and for those of the user's own.
        is_own: a file that the user brought: it stays where it is, and no hypernetwork is known for it.
    """

    name: str
    title: str
    summary: str
    licence: str
    state: ModelState
    path: Path | None
    sha256: str
    size_bytes: int
    hypernetwork_hash: str
    problem: str
    n_missing_bytes: int
    verdict: Verdict
    parts: tuple[PartFound, ...] = ()
    is_own: bool = False


@dataclass(frozen=True, slots=True)
class ModelsFound:
    """All models of the registry, the built-in one first, then the user's own; and the machine."""

    models: tuple[ModelFound, ...]
    machine: Machine

    @property
    def built_in(self) -> ModelFound:
        """The model that comes with the program."""
        return self.models[0]


# --- fetching -----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class FetchModel:
    """Make a model of the registry complete; answered with FetchProgressed, then one of ModelFetched,
    TokenNeeded and WorkerFailed. Shutdown stops it; what has arrived is kept.

    Attributes:
        models_dir, records_dir: see SurveyModels.
        sources: local files and folders to use in place of a download; they are not copied.
        given_token: the user's token for the hub, just given; wins over all others.
        kept_token: the token that Loreleaf keeps; HF_TOKEN wins over it.
    """

    name: str
    models_dir: Path
    records_dir: Path
    sources: tuple[Path, ...] = ()
    # Not in repr: whatever is logged, the tokens are not.
    given_token: str = field(default="", repr=False)
    kept_token: str = field(default="", repr=False)


class FetchPhase(StrEnum):
    """What is being done."""

    ASKING = "asking"
    """The hub, for its list of files."""
    DOWNLOADING = "downloading"
    WAITING = "waiting"
    """For a connection that broke, or a server that is busy; it is tried again."""
    CHECKING = "checking"
    """Checksums."""
    PREPARING = "preparing"
    """The hypernetwork is brought into Loreleaf's form."""
    TRYING = "trying"
    """A model of the user's is loaded and asked."""


@dataclass(frozen=True, slots=True)
class FetchProgressed:
    """How far it is; at most 20 a second.

    Attributes:
        file: name of the file in question; empty if it is not about one.
        n_done_bytes, n_total_bytes: of the whole download while DOWNLOADING or WAITING, of ``file`` while
            CHECKING.
    """

    phase: FetchPhase
    file: str = ""
    n_done_bytes: int = 0
    n_total_bytes: int = 0


@dataclass(frozen=True, slots=True)
class ModelFetched:
    """The model is complete, was checked, and can be used.

    Attributes:
        path: of the GGUF that answers.
    """

    name: str
    path: Path


@dataclass(frozen=True, slots=True)
class TokenNeeded:
    """The publisher wants to know who asks: a token is needed, or another one. For the user.

    Attributes:
        page: where the publisher's conditions are accepted.
        has_refused: a token was sent, and did not do.
    """

    title: str
    detail: str
    page: str
    has_refused: bool


FetchEvent = FetchProgressed | ModelFetched | TokenNeeded


# --- adding a model of one's own ----------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class AddModel:
    """Take a GGUF file in that the user has; answered with FetchProgressed, then ModelAdded or WorkerFailed.

    Attributes:
        path: of the file; absolute. It stays where it is.
        name: what it is to be called; empty leaves that to Loreleaf.
        records_dir: see SurveyModels.
        use_gpu: try it on a GPU, if there is one, as answers would use it.
    """

    path: Path
    name: str
    records_dir: Path
    use_gpu: bool = False


@dataclass(frozen=True, slots=True)
class ModelAdded:
    """The file was tried and works.

    Attributes:
        name: of the model.
        title: what the file calls itself.
        path: of the file.
    """

    name: str
    title: str
    path: Path


AddEvent = FetchProgressed | ModelAdded | WorkerFailed


# --- preparing ----------------------------------------------------------------------------------------------


@dataclass(frozen=True, slots=True)
class PreparedModels:
    """The models every answer and every adapter of this run belongs to.

    Attributes:
        base_model: the GGUF of the base model.
        weights_dir: folder of the hypernetwork.
        base_hash: SHA-256 hex of ``base_model``.
        hypernetwork_hash: SHA-256 hex over the hypernetwork's tensors and config.
        encoder_dir: transformers folder of the context encoder; None for the built-in model.
        form: how a model of the user's own is asked, for which no hypernetwork is known: nothing is learnt
            for it. Then ``base_hash`` is empty and ``weights_dir`` the built-in hypernetwork's. Else None.
    """

    base_model: Path
    weights_dir: Path
    base_hash: str
    hypernetwork_hash: str
    encoder_dir: Path | None = None
    form: ChatForm | None = None

    @property
    def has_hypernetwork(self) -> bool:
        """Whether notes are learnt for it; otherwise they are searched and quoted."""
        return self.form is None


@dataclass(frozen=True, slots=True)
class PrepareModels:
    """What the preparing process is started with.

    Attributes:
        cache_dir: where base models are kept.
        weights_dir: hypernetwork of the built-in model.
        records_dir: where it is written down what was fetched.
        name: of the model, as ``loreleaf models list`` shows it.
    """

    cache_dir: Path
    weights_dir: Path
    records_dir: Path
    name: str = BUILT_IN


@dataclass(frozen=True, slots=True)
class PreparationProgress:
    """Share of the base model's preparation that is done, 0 to 1."""

    share: float


PreparationEvent = PreparationProgress | PreparedModels | WorkerFailed
