"""export, import, rename, merge: what they choose, keep and refuse. The engine's part is tested with it."""

import hashlib
from dataclasses import dataclass, field, replace
from pathlib import Path

import pytest

from app.bootstrap import open_profile
from engine.adapters.messages import (
    AdapterExported,
    AdapterImported,
    AdapterSet,
    ExportAdapter,
    ImportAdapter,
    MergeAdapters,
    MergeProgress,
    ModelMerged,
    SetMember,
)
from engine.messages import Codec, Shutdown, WorkerFailed
from tests.app.cli.conftest import Shell
from tests.app.fakes import BASE_HASH, HYPERNETWORK_HASH, FakeWorker

DATA = bytes(32) + b"factors of a style"


@dataclass
class FakeExchange:
    """All one-shot processes of the exchange; notes what they were ordered."""

    orders: list[ExportAdapter | ImportAdapter | MergeAdapters] = field(default_factory=list)
    title: str = ""
    sha256: str = hashlib.sha256(DATA[32:]).hexdigest()

    def export_client(self, order: ExportAdapter) -> FakeWorker[Shutdown, AdapterExported | WorkerFailed]:
        self.orders.append(order)
        return FakeWorker(AdapterExported(order.out, 24, 6_100_000), lambda _worker, _command: None)

    def merge_client(
        self, order: MergeAdapters
    ) -> FakeWorker[Shutdown, MergeProgress | ModelMerged | WorkerFailed]:
        self.orders.append(order)
        return FakeWorker(ModelMerged(order.out, 30, 270_900_000), lambda _worker, _command: None)

    def import_client(self, order: ImportAdapter) -> FakeWorker[Shutdown, AdapterImported | WorkerFailed]:
        self.orders.append(order)
        source = order.source
        file = source / "adapter_model.safetensors" if source.is_dir() else source
        imported = AdapterImported(file, self.title, self.sha256, 4, 2000, "rank 4 on q_proj", DATA)
        return FakeWorker(imported, lambda _worker, _command: None)

    @property
    def adapter_set(self) -> AdapterSet:
        """Of the last order."""
        order = self.orders[-1]
        assert isinstance(order, ExportAdapter | MergeAdapters)
        return order.adapter_set


@pytest.fixture
def exchange(shell: Shell) -> FakeExchange:
    fake = FakeExchange()
    shell.workers = replace(
        shell.workers,
        imports=fake.import_client,
        exports=fake.export_client,
        merges=fake.merge_client,
    )
    return fake


@pytest.fixture
def notes(shell: Shell) -> Shell:
    """A library with three notes, one of them off."""
    shell(
        "add", *(shell.write(f"{name}.md", f"About {name}.\n\nMore.") for name in ("Ferry", "Bees", "Boat"))
    )
    shell("off", "Boat")
    return shell


@pytest.fixture
def style(tmp_path: Path) -> Path:
    """Where an adapter comes from; the fake does not look into it."""
    folder = tmp_path.resolve() / "downloads" / "style"
    folder.mkdir(parents=True)
    return folder


def sha256(text: str) -> str:
    return hashlib.sha256(text.encode()).hexdigest()


# --- the set ------------------------------------------------------------------------------------------------


def test_named_documents_are_exported_with_all_their_passages_at_equal_weight(
    notes: Shell, exchange: FakeExchange, tmp_path: Path
) -> None:
    done = notes("export", "Ferry", "Boat", "--format", "peft", tmp_path / "out")

    assert (done.code, done.err) == (0, "")
    assert done.out == f"{tmp_path / 'out'}  rank 24, 6.1 MB\n"
    chosen = exchange.adapter_set
    assert chosen.members == tuple(
        SetMember(name, sha256(f"About {name}.\n\nMore."), has_title_alone=True) for name in ("Ferry", "Boat")
    )
    assert len(chosen.parts) == 2 * 2
    assert {part.weight for part in chosen.parts} == {1.0}
    assert (chosen.base_hash, chosen.hypernetwork_hash) == (BASE_HASH, HYPERNETWORK_HASH)
    assert chosen.title == "Ferry and 1 more"


@pytest.mark.parametrize(
    ("which", "titles"), [("--enabled", ["Bees", "Ferry"]), ("--all", ["Bees", "Boat", "Ferry"])]
)
@pytest.mark.parametrize("command", [["export", "--format", "gguf"], ["merge"]])
def test_the_set_that_is_on_and_the_whole_library_are_chosen_by_a_word(
    command: list[str], which: str, titles: list[str], notes: Shell, exchange: FakeExchange, tmp_path: Path
) -> None:
    assert notes(*command, which, tmp_path / "out.gguf").code == 0
    assert [member.title for member in exchange.adapter_set.members] == titles


def test_notes_that_are_not_learnt_are_left_out_of_a_set_and_refused_by_name(
    notes: Shell, exchange: FakeExchange, tmp_path: Path
) -> None:
    notes("add", notes.write("Empty.md", ""))

    whole = notes("export", "--all", "--format", "gguf", tmp_path / "out.gguf")
    named = notes("export", "Empty", "--format", "gguf", tmp_path / "out.gguf")

    assert whole.code == 0
    assert "1 note not learnt and left out" in whole.err
    assert named.code == 1
    assert "“Empty” is not learnt, so there is nothing to take from it. The file is empty." in named.err
    assert len(exchange.orders) == 1


def test_copies_of_one_note_take_part_once(notes: Shell, exchange: FakeExchange, tmp_path: Path) -> None:
    notes("add", notes.write("Copy of Ferry.md", "About Ferry.\n\nMore."))

    notes("export", "Ferry", "Copy of Ferry", "--format", "gguf", tmp_path / "out.gguf")

    assert len(exchange.adapter_set.members) == 2
    assert len(exchange.adapter_set.parts) == 2


def test_without_anything_that_is_on_there_is_no_set(
    notes: Shell, exchange: FakeExchange, tmp_path: Path
) -> None:
    notes("off", "--all")
    refused = notes("merge", "--enabled", tmp_path / "out.gguf")
    assert (refused.code, exchange.orders) == (1, [])
    assert "No document is learnt and switched on." in refused.err


def test_notes_of_an_earlier_hypernetwork_are_refused_with_what_to_do(
    notes: Shell, exchange: FakeExchange, tmp_path: Path
) -> None:
    notes.upgrade("9" * 64)
    refused = notes("export", "Ferry", "--format", "gguf", tmp_path / "out.gguf")
    assert (refused.code, exchange.orders) == (1, [])
    assert "“Ferry” was learnt with an earlier version of Loreleaf." in refused.err


@pytest.mark.parametrize("words", [[], ["Ferry", "--all"], ["--all", "--enabled"]])
def test_a_set_is_named_in_exactly_one_way(
    words: list[str], notes: Shell, exchange: FakeExchange, tmp_path: Path
) -> None:
    for command in (["export", "--format", "gguf"], ["merge"]):
        refused = notes(*command, *words, tmp_path / "out.gguf")
        assert (refused.code, exchange.orders) == (2, [])
        assert "Name documents, or --all, or --enabled." in refused.err


# --- places -------------------------------------------------------------------------------------------------


def test_into_a_folder_files_get_the_name_of_the_set(
    notes: Shell, exchange: FakeExchange, tmp_path: Path
) -> None:
    notes("export", "Ferry", "--format", "gguf", tmp_path)
    notes("export", "--all", tmp_path, "--format", "gguf")
    notes("merge", "Ferry", tmp_path)

    names = [order.out.name for order in exchange.orders if not isinstance(order, ImportAdapter)]
    assert names == ["Ferry.gguf", "Bees and 2 more.gguf", "Ferry merged.gguf"]


def test_a_folder_of_transformers_is_merged_into_a_new_one(
    notes: Shell, exchange: FakeExchange, tmp_path: Path
) -> None:
    (tmp_path / "base").mkdir()

    done = notes("merge", "--enabled", "--base", tmp_path / "base", tmp_path / "out")

    order = exchange.orders[-1]
    assert isinstance(order, MergeAdapters)
    assert (order.base_folder, order.out) == (tmp_path / "base", tmp_path / "out")
    assert done.out == f"{tmp_path / 'out'}  30 tensors changed, 270.9 MB\n"
    missing = notes("merge", "--enabled", "--base", tmp_path / "gone", tmp_path / "out")
    assert missing.code == 1
    assert "There is no folder" in missing.err


@pytest.mark.parametrize("command", [["export", "--format", "gguf"], ["merge"]])
def test_only_who_says_so_writes_over_something_and_makes_folders(
    command: list[str], notes: Shell, exchange: FakeExchange, tmp_path: Path
) -> None:
    notes(*command, "Ferry", tmp_path / "out.gguf")
    notes(*command, "Ferry", tmp_path / "out.gguf", "--overwrite")
    notes(*command, "--parents", "Ferry", tmp_path / "out.gguf")

    orders = [order for order in exchange.orders if not isinstance(order, ImportAdapter)]
    said = [(order.may_overwrite, order.makes_folders) for order in orders]
    assert said == [(False, False), (True, False), (False, True)]


def test_a_title_that_two_notes_have_does_not_tell_which_of_them_was_exported(
    notes: Shell, exchange: FakeExchange, tmp_path: Path
) -> None:
    notes("add", notes.write("elsewhere/Boat.md", "About another boat."))

    notes("export", "--all", "--format", "gguf", tmp_path / "out.gguf")

    alone = [(member.title, member.has_title_alone) for member in exchange.adapter_set.members]
    assert alone == [("Bees", True), ("Boat", False), ("Boat", False), ("Ferry", True)]


# --- imports ------------------------------------------------------------------------------------------------


def test_an_import_is_listed_and_switched_and_forgotten_like_a_note(
    notes: Shell, exchange: FakeExchange, style: Path
) -> None:
    done = notes("import", style, "--name", "Plain style")

    assert done.code == 0
    assert done.out.endswith("Plain style (imported adapter, rank 4 on q_proj)\n")
    assert "It takes part in every answer." in done.err
    (row,) = [row for row in notes("list", "--json").json["documents"] if row["kind"] == "adapter"]
    assert (row["title"], row["state"], row["enabled"], row["passages"]) == ("Plain style", "ready", True, 0)
    assert notes("off", "Plain style").out == "off  Plain style\n"
    assert notes("on", style).out == "on   Plain style\n"  # the folder it came from names it, too
    assert notes("forget", "Plain style").code == 0
    assert {row["kind"] for row in notes("list", "--json").json["documents"]} == {"note"}


def test_it_is_named_as_a_source_without_a_passage(notes: Shell, exchange: FakeExchange, style: Path) -> None:
    notes("import", style)

    asked = notes("ask", "About Ferry")

    assert "50%  style: (an imported adapter)" in asked.out  # as strong as the best passage
    assert notes.chat_engine.asked[-1].parts[-1].codec is Codec.LORA_F16


@pytest.mark.parametrize(
    ("says", "option", "expected"),
    [
        ("", [], "style"),
        ("Dentist and 1 more", [], "Dentist and 1 more"),
        ("Dentist", ["--name", " My  own "], "My own"),
        ("Two\nlines" + 300 * "x", [], "Two lines" + 190 * "x" + "…"),
    ],
)
def test_its_name_is_the_users_or_its_own_or_its_folders(
    says: str, option: list[str], expected: str, notes: Shell, exchange: FakeExchange, style: Path
) -> None:
    exchange.title = says
    notes("import", style, *option)
    assert expected in [row["title"] for row in notes("list", "--json").json["documents"]]


def test_imported_again_it_keeps_its_name_and_can_get_another(
    notes: Shell, exchange: FakeExchange, style: Path
) -> None:
    notes("import", style, "--name", "Plain style")
    notes("import", style)
    assert notes("rename", "Plain style", "Prose").out == "renamed  Plain style -> Prose\n"
    titles = [row["title"] for row in notes("list", "--json").json["documents"]]
    assert sorted(titles) == ["Bees", "Boat", "Ferry", "Prose"]

    note = notes("rename", "Ferry", "Boat trip")
    assert note.code == 1
    assert "“Ferry” is a note and has the name of its file." in note.err
    too_long = notes("rename", "Prose", 201 * "x")
    assert "The name has 201 characters." in too_long.err
    for command in (["rename", "Prose", "  "], ["import", style, "--name", ""]):
        empty = notes(*command)
        assert empty.code == 1
        assert "The name is empty." in empty.err


def test_an_import_takes_part_in_exports(
    notes: Shell, exchange: FakeExchange, style: Path, tmp_path: Path
) -> None:
    notes("import", style)

    notes("export", "--enabled", "--format", "peft", tmp_path / "out")

    chosen = exchange.adapter_set
    assert chosen.members[-1] == SetMember("style", exchange.sha256, is_imported=True, has_title_alone=True)
    assert (chosen.parts[-1].codec, chosen.parts[-1].data) == (Codec.LORA_F16, DATA)


def test_one_for_another_base_model_is_named_after_the_answer_and_not_exported(
    notes: Shell, exchange: FakeExchange, style: Path, tmp_path: Path
) -> None:
    notes("import", style)
    profile = open_profile(notes.home)
    with profile.database.write() as session:
        session.connection().exec_driver_sql(
            "UPDATE models SET base_hash = 'other' WHERE hypernetwork_hash = ''"
        )
    profile.close()

    asked = notes("ask", "About Ferry")
    exported = notes("export", "style", "--format", "gguf", tmp_path / "out.gguf")

    assert "“style” took no part: it was imported for another base model." in asked.err
    assert exported.code == 1
    assert f"loreleaf import {style / 'adapter_model.safetensors'}" in exported.err


def test_what_was_damaged_on_its_way_is_not_kept(notes: Shell, exchange: FakeExchange, style: Path) -> None:
    exchange.sha256 = "0" * 64
    refused = notes("import", style)
    assert refused.code == 1
    assert "damaged on its way" in refused.err
    assert {row["kind"] for row in notes("list", "--json").json["documents"]} == {"note"}


def test_what_is_neither_a_folder_nor_a_gguf_file_is_refused(
    notes: Shell, exchange: FakeExchange, tmp_path: Path
) -> None:
    (tmp_path / "adapter_model.bin").write_bytes(b"pickle")
    for source, sentence in (
        (tmp_path / "gone", "There is no"),
        (
            tmp_path / "adapter_model.bin",
            "neither a folder nor a GGUF file. Of a PEFT adapter, name the folder",
        ),
    ):
        refused = notes("import", source)
        assert (refused.code, exchange.orders) == (1, [])
        assert sentence in refused.err
