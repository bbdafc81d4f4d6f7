"""Where a model stands: only one that is complete, checked, unchanged and prepared is ready."""

import errno
import os
import threading
from pathlib import Path
from typing import NoReturn

import pytest

from engine.errors import ModelUnavailable
from engine.models import inventory, registry
from engine.models.fetch import ModelFetch
from engine.models.messages import ModelFound, ModelState, Origin, SurveyModels
from engine.models.preparation import Convert
from engine.models.registry import Role
from engine.models.store import ModelStore
from tests.engine.toy_registry import (
    NAME,
    checkpoint_bytes,
    convert_toy,
    encoder_files,
    gguf_bytes,
    our_form,
    toy_entry,
    write_files,
)


class Profile:
    """A profile that knows the toy, and local files to make it from."""

    def __init__(self, folder: Path) -> None:
        self.folder = folder
        self.chat = write_files(folder / "mine", {"mine.gguf": gguf_bytes(folder)}) / "mine.gguf"
        self.encoder = write_files(folder / "base", encoder_files())
        self.checkpoint = write_files(folder / "lab", {"a.bin": checkpoint_bytes()}) / "a.bin"
        self.ours = write_files(folder / "ours", our_form())
        self.store = ModelStore(folder / "cache", folder / "records")
        self.convert: Convert = convert_toy

    def fetch(self, *sources: Path) -> None:
        """All parts must be local."""
        stop = threading.Event()
        ModelFetch(toy_entry(), self.store, _nobody, lambda _told: None, stop, self.convert).run(sources)

    def look(self) -> ModelFound:
        wanted = SurveyModels(self.folder / "cache", self.folder / "records", self.folder / "nowhere")
        return inventory.survey(wanted).models[1]


def _nobody() -> NoReturn:
    raise ModelUnavailable("There is no hub here.")


@pytest.fixture
def profile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Profile:
    monkeypatch.setattr(registry, "REGISTRY", (registry.REGISTRY[0], toy_entry()))
    return Profile(tmp_path)


def test_at_first_all_of_it_is_missing(profile: Profile) -> None:
    found = profile.look()

    assert (found.state, found.path, found.size_bytes) == (ModelState.MISSING, None, 0)
    assert found.n_missing_bytes == toy_entry().size_bytes
    assert [part.origin for part in found.parts] == [None, None, None]
    assert not (profile.folder / "cache").exists()


def test_bytes_that_have_arrived_make_it_partial(profile: Profile) -> None:
    write_files(profile.store.partial_dir(NAME, Role.CHAT), {"abc.part": b"x" * 1200})

    found = profile.look()

    assert (found.state, found.size_bytes) == (ModelState.PARTIAL, 1200)
    assert found.n_missing_bytes == toy_entry().size_bytes - 1200


def test_a_part_alone_does_not_make_a_model(profile: Profile) -> None:
    with pytest.raises(ModelUnavailable, match="no hub"):
        profile.fetch(profile.chat)

    found = profile.look()

    assert found.state is ModelState.PARTIAL
    assert [(part.role, part.is_complete) for part in found.parts][-1] == (Role.CHAT, True)
    with pytest.raises(ModelUnavailable, match="loreleaf models get toy"):
        profile.store.ready(NAME)


def test_all_parts_with_a_hypernetwork_in_our_form_are_ready(profile: Profile) -> None:
    profile.fetch(profile.chat, profile.encoder, profile.ours)

    found = profile.look()

    assert (found.state, found.path, found.problem) == (ModelState.READY, profile.chat, "")
    assert (len(found.sha256), len(found.hypernetwork_hash), found.n_missing_bytes) == (64, 64, 0)
    assert {part.origin for part in found.parts} == {Origin.LOCAL}
    ready = profile.store.ready(NAME)
    assert (ready.chat, ready.encoder_dir, ready.weights_dir) == (
        profile.chat,
        profile.encoder,
        profile.ours,
    )


def test_a_checkpoint_whose_conversion_was_interrupted_does_not_count_as_ready(profile: Profile) -> None:
    profile.convert = _fail_to_convert
    with pytest.raises(ModelUnavailable, match="The disk is full"):
        profile.fetch(profile.chat, profile.encoder, profile.checkpoint)

    found = profile.look()

    assert (found.state, found.n_missing_bytes) == (ModelState.UNPREPARED, 0)
    assert found.problem == "It is all here, and has to be prepared."


def test_another_hypernetwork_is_prepared_anew(profile: Profile) -> None:
    profile.fetch(profile.chat, profile.encoder, profile.ours)
    profile.convert = _fail_to_convert

    with pytest.raises(ModelUnavailable, match="The disk is full"):
        profile.fetch(profile.checkpoint)

    assert profile.look().state is ModelState.UNPREPARED


def _fail_to_convert(_checkpoint: Path, _folder: Path) -> NoReturn:
    raise OSError(errno.ENOSPC, "No space left on device")


@pytest.mark.parametrize("damage", ["gone", "other bytes", "other time"])
def test_a_file_that_is_not_what_was_checked_is_named(profile: Profile, damage: str) -> None:
    profile.fetch(profile.chat, profile.encoder, profile.ours)
    if damage == "gone":
        profile.chat.unlink()
    elif damage == "other bytes":
        profile.chat.write_bytes(b"GGUF")
    else:
        os.utime(profile.chat, ns=(1, 1))

    found = profile.look()

    assert found.state is ModelState.CHANGED
    assert str(profile.chat) in found.problem
    with pytest.raises(ModelUnavailable):
        profile.store.ready(NAME)


def test_naming_a_changed_file_again_checks_it_again(profile: Profile) -> None:
    profile.fetch(profile.chat, profile.encoder, profile.ours)
    os.utime(profile.chat, ns=(1, 1))

    profile.fetch(profile.chat)

    assert profile.look().state is ModelState.READY


@pytest.mark.parametrize(
    "text", ["", "[]", "[" * 100_000, '{"version": 99, "parts": []}', '{"version": 1}'], ids=range(5)
)
def test_a_damaged_record_counts_as_none(profile: Profile, text: str) -> None:
    write_files(profile.folder / "records", {f"{NAME}.json": text.encode()})

    assert profile.look().state is ModelState.MISSING


def test_records_come_back_as_they_were_written(profile: Profile) -> None:
    profile.fetch(profile.chat, profile.encoder, profile.ours)
    record = profile.store.load(NAME)

    profile.store.save(record)

    assert profile.store.load(NAME) == record
