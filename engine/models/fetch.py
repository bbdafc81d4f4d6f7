"""Makes a model of the registry complete: local files, downloads, checks, preparation.

What was checked is written down file by file, so that an interruption costs at most the bytes that were on
their way.
"""

import logging
import threading
from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from time import monotonic

from engine.errors import ModelUnavailable
from engine.formats.atomic_files import sha256_of
from engine.installed import what_larger_models_lack
from engine.models.download import (
    RETRY_PAUSES_S,
    FetchStopped,
    Transfer,
    check_disk,
    download,
    plan_transfer,
)
from engine.models.hub import Hub, TokenRequired, token_wanted
from engine.models.hub_listing import RemoteFile
from engine.models.local_files import LocalPart, find_parts
from engine.models.messages import (
    FetchPhase,
    FetchProgressed,
    ModelFetched,
    Origin,
)
from engine.models.preparation import Convert, checksums, prepare
from engine.models.registry import HubPart, ModelEntry, Role
from engine.models.store import FileRecord, ModelRecord, ModelStore, PartRecord
from engine.models.validation import check_part

logger = logging.getLogger(__name__)

_PROGRESS_INTERVAL_S = 0.05
"""Whoever watches draws at most 20 times a second."""


class ModelFetch:
    """One run for one model. Of one thread.

    Args:
        entry: the model; not the built-in one.
        store: where its files and records are.
        connect: makes the connection to the hub, if one is needed.
        tell: takes FetchProgressed, at most 20 a second.
        stop: set from another thread to stop soon.
        convert: brings a checkpoint into Loreleaf's form.
        pauses_s: before each further try when a connection broke.
    """

    def __init__(
        self,
        entry: ModelEntry,
        store: ModelStore,
        connect: Callable[[], Hub],
        tell: Callable[[FetchProgressed], None],
        stop: threading.Event,
        convert: Convert,
        pauses_s: Sequence[float] = RETRY_PAUSES_S,
    ) -> None:
        self._entry = entry
        self._store = store
        self._connect = connect
        self._progress = _Progress(tell, stop)
        self._stop = stop
        self._convert = convert
        self._pauses_s = pauses_s
        self._record = store.load(entry.name)

    def run(self, sources: Sequence[Path]) -> ModelFetched:
        """Do it.

        Args:
            sources: local files and folders to use in place of a download.

        Raises:
            FetchStopped: on request; what was done so far stays.
            ModelUnavailable: it cannot be done; the detail says what to do.
        """
        if lacking := what_larger_models_lack():
            # Before gigabytes are fetched that nothing could be done with.
            raise ModelUnavailable("This model cannot be used yet, and nothing was downloaded.", lacking)
        with self._store.exclusively(self._entry.name):
            self._record = self._store.load(self._entry.name)
            for local in find_parts(self._entry, sources).values():
                self._keep_local(local)
            missing = [part for part in self._entry.parts if not self._is_there(part.role)]
            if missing:
                self._download(self._connect(), missing)
            self._prepare()
        chat = self._store.chat_file(self._record)
        assert chat is not None
        return ModelFetched(self._entry.name, chat[0])

    def _is_there(self, role: Role) -> bool:
        part = self._record.part(role)
        if part is None or not part.is_complete:
            return False
        folder = self._store.folder_of(self._entry.name, part)
        return all(file.is_intact(folder) for file in part.files)

    def _keep_local(self, local: LocalPart) -> None:
        """Take checksums of local files and write them down; the files stay where they are."""
        files: list[FileRecord] = []
        for name in local.names:
            path = local.folder / name
            try:
                sha256 = sha256_of(path, self._progress.checking(name, path.stat().st_size))
                files.append(FileRecord.of(path, sha256))
            except OSError as exc:
                raise ModelUnavailable(
                    "A file of the model cannot be read.", f"{path}: {exc.strerror or exc}."
                ) from exc
        part = PartRecord(local.role, Origin.LOCAL, str(local.folder), "", "", tuple(files), is_complete=True)
        self._keep(self._record.with_part(part))

    def _download(self, hub: Hub, parts: Sequence[HubPart]) -> None:
        self._progress.tell(FetchPhase.ASKING)
        transfers = [transfer for part in parts for transfer in self._plan(hub, part)]
        self._check_access(hub, [next(t for t in transfers if t.part is part) for part in parts])
        self._create_folder()
        # The prepared hypernetwork is about as large as its checkpoint, and both are kept.
        n_prepared_bytes = self._entry.part(Role.HYPERNETWORK).size_bytes
        check_disk(self._store.folder(self._entry.name), transfers, n_prepared_bytes)
        self._progress.expect(transfers)
        for part in parts:
            self._download_part(hub, part, [transfer for transfer in transfers if transfer.part is part])

    def _check_access(self, hub: Hub, firsts: Sequence[Transfer]) -> None:
        """Ask the publishers that want consent, before anything large is fetched from the others.

        Args:
            hub: where they publish.
            firsts: a file of each part.

        Raises:
            TokenRequired: some refuse; all that do are named, so that nobody has to come back for each.
        """
        refusals: list[TokenRequired] = []
        for first in firsts:
            try:
                hub.check_access(first.part, first.revision, first.file)
            except TokenRequired as exc:
                refusals.append(exc)
        if refusals and not any(refusal.has_refused for refusal in refusals):
            raise token_wanted([refusal.part for refusal in refusals])
        if refusals:
            raise refusals[0]

    def _plan(self, hub: Hub, part: HubPart) -> list[Transfer]:
        """What has to be there for a part. The commit that was recorded once is kept to."""
        known = self._record.part(part.role)
        recorded = known.revision if known is not None and known.repo == part.repo else ""
        listing = hub.list_files(part, part.revision or recorded)
        folder = self._store.download_dir(self._entry.name, part.role)
        partial_dir = self._store.partial_dir(self._entry.name, part.role)
        return [plan_transfer(part, listing.revision, file, folder, partial_dir) for file in listing.files]

    def _download_part(self, hub: Hub, part: HubPart, transfers: Sequence[Transfer]) -> None:
        record = PartRecord(part.role, Origin.HUB, "", part.repo, transfers[0].revision)
        known = self._record.part(part.role)
        if known is not None and replace(known, files=(), is_complete=False) == record:
            record = replace(record, files=known.files)
        for transfer in transfers:
            checked = [file for file in record.files if file.name == transfer.target.name]
            if not (checked and checked[0].is_intact(transfer.target.parent)):
                sha256 = download(hub, transfer, self._progress, self._stop, self._pauses_s)
                record = record.with_file(FileRecord.of(transfer.target, sha256))
                self._keep(self._record.with_part(record))
        names = [transfer.target.name for transfer in transfers]
        check_part(self._entry, part.role, transfers[0].target.parent, names)
        self._keep(self._record.with_part(replace(record, is_complete=True)))
        self._store.forget_partial(self._entry.name, part.role)

    def _prepare(self) -> None:
        """Bring the hypernetwork into Loreleaf's form, unless it is."""
        part = self._record.part(Role.HYPERNETWORK)
        assert part is not None
        name, folder = self._entry.name, self._store.folder_of(self._entry.name, part)
        prepared = self._store.prepared_dir(name)
        if self._record.hypernetwork_hash and all(f.is_intact(prepared) for f in self._record.prepared):
            return
        self._progress.tell(FetchPhase.PREPARING)
        if part.is_in_our_form:
            from engine.formats.weights_file import hypernetwork_hash

            self._keep(replace(self._record, hypernetwork_hash=hypernetwork_hash(folder)))
            return
        self._create_folder()
        identity = prepare(folder / part.files[0].name, prepared, self._convert)
        files = tuple(FileRecord.of(prepared / file, sha256) for file, sha256 in checksums(prepared).items())
        self._keep(replace(self._record, prepared=files, hypernetwork_hash=identity))

    def _create_folder(self) -> None:
        folder = self._store.folder(self._entry.name)
        try:
            folder.mkdir(parents=True, exist_ok=True)
        except OSError as exc:
            raise ModelUnavailable(
                "The folder for the model cannot be made.", f"{folder}: {exc.strerror}."
            ) from exc

    def _keep(self, record: ModelRecord) -> None:
        try:
            self._store.save(record)
        except OSError as exc:
            raise ModelUnavailable(
                "It could not be written down what was fetched.",
                f"{exc.filename}: {exc.strerror}. Free some space and try again.",
            ) from exc
        self._record = record


class _Progress:
    """Counts bytes over all files, and tells no more often than anybody can see."""

    def __init__(self, tell: Callable[[FetchProgressed], None], stop: threading.Event) -> None:
        self._tell = tell
        self._stop = stop
        self._received: dict[RemoteFile, int] = {}
        self._n_total = 0
        self._told_s = float("-inf")

    def tell(self, phase: FetchPhase) -> None:
        """Say at once what begins now."""
        self._tell(FetchProgressed(phase))
        self._stop_if_wanted()

    def expect(self, transfers: Sequence[Transfer]) -> None:
        """From now on these are what is downloaded."""
        self._received = {transfer.file: transfer.n_received for transfer in transfers}
        self._n_total = sum(transfer.file.size_bytes for transfer in transfers)

    def received(self, file: RemoteFile, n_bytes: int) -> None:
        """See ``download.Watcher``."""
        self._received[file] = n_bytes
        self._tell_soon(FetchPhase.DOWNLOADING, file.name, sum(self._received.values()), self._n_total)

    def waiting(self, file: RemoteFile) -> None:
        """See ``download.Watcher``."""
        n_done = sum(self._received.values())
        self._tell(FetchProgressed(FetchPhase.WAITING, file.name, n_done, self._n_total))
        self._stop_if_wanted()

    def checked(self, file: RemoteFile, n_bytes: int) -> None:
        """See ``download.Watcher``."""
        self._tell_soon(FetchPhase.CHECKING, file.name, n_bytes, file.size_bytes)

    def checking(self, name: str, n_total: int) -> Callable[[int], None]:
        """The listener for a checksum of a local file."""
        return lambda n_done: self._tell_soon(FetchPhase.CHECKING, name, n_done, n_total)

    def _tell_soon(self, phase: FetchPhase, file: str, n_done: int, n_total: int) -> None:
        now_s = monotonic()
        if n_done >= n_total or now_s - self._told_s >= _PROGRESS_INTERVAL_S:
            self._told_s = now_s
            self._tell(FetchProgressed(phase, file, n_done, n_total))
        self._stop_if_wanted()

    def _stop_if_wanted(self) -> None:
        if self._stop.is_set():
            raise FetchStopped
