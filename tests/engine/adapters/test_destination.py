"""Exports and merged models take nobody's place."""

from pathlib import Path

import numpy as np
import pytest
from safetensors.numpy import save

from engine.adapters.destination import check_file, check_folder, prepare_parent
from engine.adapters.gguf_format import pack, write_adapter
from engine.adapters.messages import AdapterSet, SetMember
from engine.adapters.provenance import MERGED, NOTES, Provenance
from engine.errors import EngineError
from engine.prompt_frame import EMBEDDED
from tests.engine.adapters.adapters_at_random import random_factors

BOAT, STARS = SetMember("Boat", "b" * 64), SetMember("Stars", "5" * 64)
EDITED = SetMember("Boat", "c" * 64, has_title_alone=True)
ANOTHER = SetMember("Boat", "c" * 64)


def a_set(*members: SetMember) -> AdapterSet:
    return AdapterSet(members, (), Path("base.gguf"), Path("weights"), "b" * 64, "c" * 64)


def facts_of(*members: SetMember) -> dict[str, str]:
    return Provenance(a_set(*members), "base", EMBEDDED).facts()


def lies_there(place: Path, kind: str, facts: dict[str, str]) -> None:
    """An adapter with these metadata, of one or the other kind."""
    if kind == "gguf":
        packed = pack(random_factors(1), 1.0)
        place.write_bytes(write_adapter([(packed, 1.0)], architecture="llama", metadata=facts).tobytes())
    else:
        place.mkdir()
        (place / "adapter_model.safetensors").write_bytes(save({"a": np.zeros(1, np.float32)}, facts))
        (place / "adapter_config.json").write_text("{}")


def check(place: Path, kind: str, *members: SetMember, may_overwrite: bool = False) -> None:
    wanted = a_set(*members)
    if kind == "gguf":
        check_file(place, wanted, is_merged=False, may_overwrite=may_overwrite)
    else:
        check_folder(place, wanted, may_overwrite=may_overwrite)


@pytest.fixture(autouse=True)
def base(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "base.gguf").write_bytes(b"")


@pytest.mark.parametrize("kind", ["gguf", "peft"])
@pytest.mark.parametrize(
    ("there", "wanted", "is_free"),
    [
        ([BOAT], [BOAT], True),
        ([BOAT, STARS], [STARS, BOAT], True),
        ([BOAT], [EDITED], True),
        ([BOAT], [ANOTHER], False),  # a second note of this name
        ([BOAT], [STARS], False),
        ([BOAT], [BOAT, STARS], False),
        ([BOAT, STARS], [BOAT], False),
        ([], [BOAT], False),  # of another program
    ],
)
def test_only_an_earlier_export_of_the_same_notes_is_replaced(
    kind: str, there: list[SetMember], wanted: list[SetMember], is_free: bool, tmp_path: Path
) -> None:
    place = tmp_path / "place"
    lies_there(place, kind, facts_of(*there) if there else {})

    if is_free:
        check(place, kind, *wanted)
        return
    whose = f"“{there[0].title}”" if there else "Loreleaf did not write"
    with pytest.raises(EngineError, match=rf"{whose}.*--overwrite"):
        check(place, kind, *wanted)
    check(place, kind, *wanted, may_overwrite=True)


@pytest.mark.parametrize("kind", ["gguf", "peft"])
def test_a_free_place_is_free(kind: str, tmp_path: Path) -> None:
    check(tmp_path / "place", kind, BOAT)


def test_a_folder_with_other_files_takes_an_adapter_but_a_readme_in_it_is_kept(tmp_path: Path) -> None:
    (tmp_path / "notes.txt").write_text("mine")
    check(tmp_path, "peft", BOAT)
    (tmp_path / "README.md").write_text("mine")
    with pytest.raises(EngineError, match=r"did not write .*README\.md"):
        check(tmp_path, "peft", BOAT)


def test_a_merged_model_and_an_adapter_do_not_replace_each_other(tmp_path: Path) -> None:
    place = tmp_path / "boat.gguf"
    lies_there(place, "gguf", facts_of(BOAT) | {MERGED: "true"})
    with pytest.raises(EngineError, match="a model that was merged with “Boat”"):
        check(place, "gguf", BOAT)
    check_file(place, a_set(BOAT), is_merged=True, may_overwrite=False)


@pytest.mark.parametrize("data", [b"", b"GGUF", b"my diary", b"\x00" * 1000])
def test_any_other_file_is_left_alone(data: bytes, tmp_path: Path) -> None:
    place = tmp_path / "diary"
    place.write_bytes(data)
    with pytest.raises(EngineError, match="did not write"):
        check(place, "gguf", BOAT)


def test_what_a_file_says_about_itself_steers_no_terminal(tmp_path: Path) -> None:
    place = tmp_path / "place"
    lies_there(place, "gguf", {NOTES: '[{"title": "\\u001b[2J\\u202eBoat' + "A" * 500 + '", "sha256": ""}]'})
    with pytest.raises(EngineError) as refusal:
        check(place, "gguf", BOAT)
    assert refusal.value.detail.isprintable()
    assert "A" * 200 not in refusal.value.detail


def test_the_base_model_and_folders_are_never_written_over(tmp_path: Path) -> None:
    for may_overwrite in (False, True):
        with pytest.raises(EngineError, match="the base model itself"):
            check(tmp_path / "base.gguf", "gguf", BOAT, may_overwrite=may_overwrite)
        with pytest.raises(EngineError, match="is a folder"):
            check(tmp_path, "gguf", BOAT, may_overwrite=may_overwrite)
        with pytest.raises(EngineError, match="is a file"):
            check(tmp_path / "base.gguf", "peft", BOAT, may_overwrite=may_overwrite)


def test_folders_above_are_made_only_when_asked_for(tmp_path: Path) -> None:
    out = tmp_path / "a" / "b" / "out.gguf"
    with pytest.raises(EngineError, match="--parents"):
        prepare_parent(out, makes_folders=False)
    assert not (tmp_path / "a").exists()
    prepare_parent(out, makes_folders=True)
    assert out.parent.is_dir()
