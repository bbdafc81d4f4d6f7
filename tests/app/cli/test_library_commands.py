from collections.abc import Callable
from pathlib import Path

import pytest

from app.services.profile_lock import ProfileLock
from storage.paths import ProfilePaths
from tests.app.cli.conftest import Shell


def test_an_added_note_is_learnt_and_listed(shell: Shell) -> None:
    note = shell.write("Ferry.md", "It leaves at nine.")

    added = shell("add", note)

    assert (added.code, added.err) == (0, "")
    assert "ready" in added.out
    assert "Ferry" in added.out
    row = shell.listed()["Ferry.md"]
    assert (row["state"], row["enabled"], row["path"], row["reason"]) == ("ready", True, str(note), "")
    assert shell("list").out.split() == ["on", "ready", "1", "Ferry"]


def test_a_folder_is_learnt_and_what_is_no_note_in_it_is_no_failure(shell: Shell) -> None:
    shell.write("a.md", "One.")
    shell.write("deep/b.txt", "Two.")
    shell.write("photo.png", "no note")

    added = shell("add", shell.notes)

    assert added.code == 0
    assert {name: row["state"] for name, row in shell.listed().items()} == {"a.md": "ready", "b.txt": "ready"}


@pytest.mark.parametrize("command", ["add", "watch"])
def test_a_folder_that_cannot_be_opened_is_told_and_the_others_are_learnt(
    shell: Shell, seal: Callable[[Path], None], command: str
) -> None:
    shell.write("a.md", "One.")
    private = shell.write("private/b.md", "Two.").parent
    seal(private)

    ended = shell(command, shell.notes)

    told = f"{private}: The folder cannot be opened (Permission denied). Notes in it are left out."
    assert (ended.code, ended.err.splitlines()[0]) == (1, told)
    assert {name: row["state"] for name, row in shell.listed().items()} == {"a.md": "ready"}


def test_a_named_folder_that_cannot_be_opened_is_told(shell: Shell, seal: Callable[[Path], None]) -> None:
    seal(shell.notes)

    added = shell("add", shell.notes)

    assert added.code == 1
    assert f"{shell.notes}: The folder cannot be opened" in added.err


def test_a_file_that_is_no_note_is_refused_when_it_is_named(shell: Shell) -> None:
    photo = shell.write("photo.png", "no note")

    added = shell("add", photo, shell.notes / "gone.md")

    assert added.code == 1
    assert f"{photo}: .png files cannot be read as notes." in added.err
    assert "gone.md: There is no such file." in added.err


def test_one_note_that_cannot_be_learnt_harms_no_other(shell: Shell) -> None:
    shell.write("empty.md", "")
    shell.write("good.md", "One.")

    added = shell("add", shell.notes)

    assert added.code == 1
    rows = shell.listed()
    assert (rows["empty.md"]["state"], rows["good.md"]["state"]) == ("failed", "ready")
    assert rows["empty.md"]["reason"] == "The file is empty."
    assert "The file is empty." in added.out
    assert shell("add", shell.notes / "good.md").code == 0


def test_adding_the_same_note_again_runs_no_model(shell: Shell) -> None:
    note = shell.write("a.md", "One.")
    shell("add", note)

    again = shell("add", note)

    assert (again.code, again.out.split()[0]) == (0, "ready")
    assert shell.ingest_engine.learnt == ["a.md"]


@pytest.mark.parametrize("name", ["2", "Beta", "bETA", "Beta.md", "{notes}/Beta.md"])
def test_a_note_is_named_by_number_title_file_or_path(shell: Shell, name: str) -> None:
    for title in ("Alpha", "Beta"):
        shell("add", shell.write(f"{title}.md", title))

    off = shell("off", name.format(notes=shell.notes))

    assert (off.code, off.out.split()) == (0, ["off", "Beta"])
    assert {row["title"]: row["enabled"] for row in shell.listed().values()} == {"Alpha": True, "Beta": False}
    shell("on", "Beta")
    assert shell.listed()["Beta.md"]["enabled"]


def test_a_folder_names_all_its_notes_and_all_names_every_one(shell: Shell) -> None:
    shell(
        "add", shell.write("in/a.md", "One."), shell.write("in/b.md", "Two."), shell.write("c.md", "Three.")
    )

    shell("off", shell.notes / "in")
    assert [row["enabled"] for row in shell.listed().values()] == [False, False, True]

    shell("on", "--all")
    assert [row["enabled"] for row in shell.listed().values()] == [True, True, True]


def test_a_title_that_fits_several_notes_is_told_with_their_numbers(shell: Shell) -> None:
    first, second = shell.write("x/Plan.md", "One."), shell.write("y/Plan.md", "Two.")
    shell("add", first, second)

    off = shell("off", "plan")

    assert off.code == 1
    assert "“plan” fits 2 documents." in off.err
    assert f"1  {first}" in off.err
    assert f"2  {second}" in off.err
    assert [row["enabled"] for row in shell("list", "--json").json["documents"]] == [True, True]


def test_an_unknown_name_is_told_with_what_comes_close(shell: Shell) -> None:
    shell("add", shell.write("Dentist.md", "One."))

    assert "Did you mean “Dentist”?" in shell("forget", "Dentits").err
    assert "loreleaf list" in shell("forget", "xyz").err
    assert shell("forget", "").code == 1
    assert list(shell.listed()) == ["Dentist.md"]


def test_forgetting_removes_the_note_and_leaves_the_file(shell: Shell) -> None:
    note = shell.write("a.md", "One.")
    shell("add", note)

    forgotten = shell("forget", "a")

    assert (forgotten.code, forgotten.out) == (0, f"forgotten  a  ({note})\n")
    assert shell.listed() == {}
    assert note.is_file()


def test_a_watched_folder_is_learnt_and_listed_until_it_is_unwatched(shell: Shell) -> None:
    shell.write("a.md", "One.")

    watched = shell("watch", shell.notes)

    assert watched.code == 0
    assert shell.listed()["a.md"]["state"] == "ready"
    assert shell.listed()["a.md"]["folder"] == str(shell.notes)
    assert shell("list", "--json").json["folders"][0]["path"] == str(shell.notes)
    assert "is watched already" in shell("watch", shell.write("deep/b.md", "Two.").parent).out

    assert shell("unwatch", shell.notes).code == 0

    assert shell("list", "--json").json["folders"] == []
    assert set(shell.listed()) == {"a.md", "b.md"}


def test_what_was_forgotten_does_not_come_back_when_its_folder_is_watched_again(shell: Shell) -> None:
    shell.write("a.md", "One.")
    shell("watch", shell.notes)
    shell("forget", "a")

    shell("watch", shell.notes)

    assert shell.listed() == {}


def test_watching_what_is_no_folder_fails_in_words(shell: Shell) -> None:
    note = shell.write("a.md", "One.")

    assert "is not a folder." in shell("watch", note).err
    assert "is not watched." in shell("unwatch", shell.notes).err


def test_while_another_process_learns_notes_are_queued_for_it(shell: Shell) -> None:
    note = shell.write("a.md", "One.")
    shell("list")
    other = ProfileLock(ProfilePaths(shell.home).lock)
    assert other.try_acquire()
    try:
        added = shell("add", note)
    finally:
        other.release()

    assert added.code == 0
    assert "1 note queued. Loreleaf is open elsewhere" in added.out
    assert shell.listed()["a.md"]["state"] == "queued"
    assert shell.ingest_engine.learnt == []


def test_a_process_that_keeps_dying_ends_the_command_and_loses_nothing(shell: Shell) -> None:
    shell.preparation.is_deadly = True

    added = shell("add", shell.write("a.md", "One."))

    assert added.code == 1
    assert added.err.count("The language model could not be prepared.") == 1
    assert shell.listed()["a.md"]["state"] == "queued"


def test_the_profile_comes_from_the_environment_unless_it_is_named(
    shell: Shell, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    from app.cli.main import run

    monkeypatch.setenv("LORELEAF_HOME", str(tmp_path / "other"))

    assert run(["list"]) == 0
    assert run(["list", "--home", str(tmp_path / "third")]) == 0

    assert (tmp_path / "other" / "catalog.sqlite3").is_file()
    assert (tmp_path / "third" / "catalog.sqlite3").is_file()
    assert not shell.home.exists()


def test_after_an_upgrade_the_notes_are_told_to_be_missing_and_are_learnt_again(shell: Shell) -> None:
    shell("add", shell.write("Ferry.md", "The ferry leaves at nine."))
    shell.upgrade("e" * 64)

    assert "1 note learnt with an earlier version of Loreleaf took no part." in shell("ask", "Ferry?").err

    learnt = shell("add")

    assert (learnt.code, "ready" in learnt.out) == (0, True)
    assert shell.ingest_engine.learnt == ["Ferry.md", "Ferry.md"]
    assert shell("ask", "Ferry?", "--json").json["sources"][0]["document"] == "Ferry"
    assert shell("add").out == "There is nothing to learn.\n"


def test_what_another_process_left_in_the_queue_is_learnt_without_naming_it(shell: Shell) -> None:
    shell.preparation.is_deadly = True
    shell("add", shell.write("Ferry.md", "The ferry leaves at nine."))
    shell.preparation.is_deadly = False

    assert "1 note not learnt yet" in shell("ask", "Ferry?").err
    assert shell("add").code == 0

    assert shell.listed()["Ferry.md"]["state"] == "ready"


def test_a_note_that_was_renamed_meanwhile_stays_the_same_when_its_folder_is_watched_again(
    shell: Shell,
) -> None:
    note = shell.write("a.md", "Some words.")
    shell("watch", shell.notes)
    id_ = shell.listed()["a.md"]["id"]
    note.rename(shell.notes / "b.md")

    assert shell("watch", shell.notes).code == 0

    assert {name: row["id"] for name, row in shell.listed().items()} == {"b.md": id_}
    assert shell.ingest_engine.learnt == ["a.md"]


def test_notes_that_were_added_before_belong_to_the_folder_from_when_it_is_watched(shell: Shell) -> None:
    shell("add", shell.write("a.md", "Some words."))

    shell("watch", shell.notes)

    assert shell.listed()["a.md"]["folder"] == str(shell.notes)
    assert shell.ingest_engine.learnt == ["a.md"]
