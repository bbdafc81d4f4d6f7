"""What the window and the terminal say about base models and their download, in the same words."""

from engine.models.messages import (
    FetchPhase,
    FetchProgressed,
    ModelFound,
    ModelState,
    PartFound,
)
from engine.models.requirements import Machine, gigabytes

STATES = {
    ModelState.READY: "ready",
    ModelState.PACKED: "installed, unpacked at the first use",
    ModelState.MISSING: "not here",
    ModelState.PARTIAL: "partly downloaded",
    ModelState.UNPREPARED: "downloaded and checked",
    ModelState.CHANGED: "changed",
    ModelState.UNFIT: "does not fit its hypernetwork",
}

FROM_THE_NEXT_START = "is used from the next start on."
LEARNT_ANEW = "Notes that were learnt with another model are learnt anew then; nothing of them is lost."
QUOTED = (
    "It has no hypernetwork: nothing is learnt for it. It is shown the passages of your notes that fit a "
    "question. New notes are learnt when you choose another model again."
)
KEPT = "What has arrived is kept"

_PHASES = {
    FetchPhase.ASKING: "asking the hub",
    FetchPhase.DOWNLOADING: "downloading",
    FetchPhase.WAITING: "the connection broke, trying again;",
    FetchPhase.CHECKING: "checking",
    FetchPhase.PREPARING: "preparing the hypernetwork",
    FetchPhase.TRYING: "loading it and asking it something",
}


def machine_text(machine: Machine) -> str:
    """The machine in one line."""
    memory = (
        f"{gigabytes(machine.ram_bytes)} of memory, {gigabytes(machine.disk_free_bytes)} free on the disk"
    )
    gpu = machine.accelerator
    return f"{memory}, {f'{gpu.name} with {gigabytes(gpu.memory_bytes)}' if gpu is not None else 'no GPU'}"


def size_text(model: ModelFound) -> str:
    """What is still to download, or what it takes on the disk."""
    if not model.n_missing_bytes:
        if model.is_own:
            return "a file of your own"
        elsewhere = "local files" if model.parts else "not on the disk"
        return f"{gigabytes(model.size_bytes)} on the disk" if model.size_bytes else elsewhere
    about = "about " if any(part.is_size_derived for part in model.parts) else ""
    to_get = f"{about}{gigabytes(model.n_missing_bytes)} to download"
    return f"{to_get}, {gigabytes(model.size_bytes)} are here" if model.size_bytes else to_get


def parts_that_ask(model: ModelFound) -> tuple[PartFound, ...]:
    """Parts still to be downloaded whose publishers want to know who downloads."""
    return tuple(part for part in model.parts if part.is_gated and not part.is_complete)


def progress_text(progress: FetchProgressed, bytes_per_s: float | None = None) -> str:
    """How far a download is, and how fast if that is known: "downloading 34%, 2.8 GB of 8.2 GB, …"."""
    text = _PHASES[progress.phase]
    if not progress.n_total_bytes:
        return text
    share = progress.n_done_bytes / progress.n_total_bytes
    amounts = f"{gigabytes(progress.n_done_bytes)} of {gigabytes(progress.n_total_bytes)}"
    speed = ""
    if bytes_per_s and progress.phase is FetchPhase.DOWNLOADING:
        left_s = (progress.n_total_bytes - progress.n_done_bytes) / bytes_per_s
        speed = f", {bytes_per_s / 1e6:.1f} MB/s, {duration_text(left_s)} left"
    return f"{text} {share:.0%}, {amounts}{speed} ({progress.file.rpartition('/')[2]})"


def duration_text(duration_s: float) -> str:
    """A time to wait, for people: "40 s", "12 min", "3 h 20 min"."""
    if duration_s < 60:
        return f"{max(1, round(duration_s))} s"
    minutes = round(duration_s / 60)
    return f"{minutes} min" if minutes < 60 else f"{minutes // 60} h {minutes % 60} min"
