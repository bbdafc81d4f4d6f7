from pathlib import Path

import pytest

from app.services.forgotten_paths import ForgottenPaths
from app.services.library_events import DocumentsChanged, DocumentsRemoved
from app.services.notices import Notice, NoticeBoard
from tests.app.conftest import Bench


def test_the_text_of_a_document_comes_in_order(bench: Bench) -> None:
    application = bench.start()
    report = application.ingest.add_paths([bench.write("a.md", "One.\n\nTwo.\n\nThree.")])
    bench.wait_ready("a.md")

    passages = application.profile.catalog.chunks_of(report.added[0].id)

    assert [passage.text for passage in passages] == ["One.", "Two.", "Three."]


def test_switching_and_forgetting_are_told_after_they_are_true(bench: Bench) -> None:
    application = bench.start()
    report = application.ingest.add_paths([bench.write("a.md", "One.")])
    bench.wait_ready("a.md")
    id_ = report.added[0].id
    seen: list[object] = []

    def look(event: object) -> None:
        if isinstance(event, DocumentsChanged | DocumentsRemoved):
            document = application.library.document(id_)
            seen.append((type(event), document.enabled if document else None))

    application.events.subscribe(look)

    application.library.set_enabled([id_], False)
    application.library.forget([id_])

    assert seen == [(DocumentsChanged, False), (DocumentsRemoved, None)]


def test_a_forgotten_note_outside_watched_folders_leaves_no_trace_of_its_name(bench: Bench) -> None:
    application = bench.start()
    report = application.ingest.add_paths([bench.write("a.md", "One.")])
    bench.wait_ready("a.md")

    application.library.forget([report.added[0].id])

    assert not (application.paths.home / "forgotten.json").exists()


def test_forgotten_paths_survive_and_are_seen_by_other_processes(tmp_path: Path) -> None:
    board = NoticeBoard()
    file = tmp_path / "forgotten.json"
    ours, theirs = ForgottenPaths(file, board), ForgottenPaths(file, board)
    odd = Path("/notes/caf\udce9.md")  # not UTF-8 on the disk

    ours.add([Path("/notes/a.md"), odd])

    assert Path("/notes/a.md") in theirs
    assert odd in theirs
    theirs.remove(Path("/notes/a.md"))
    assert Path("/notes/a.md") not in ours
    assert odd in ForgottenPaths(file, board)


@pytest.mark.parametrize("text", ["{broken", "null", "[" * 200_000], ids=range(3))
def test_a_damaged_list_of_forgotten_paths_is_said_and_kept_from_doing_harm(
    tmp_path: Path, text: str
) -> None:
    heard: list[Notice] = []
    board = NoticeBoard()
    board.subscribe(heard.append)
    file = tmp_path / "forgotten.json"
    file.write_text(text, encoding="utf-8")

    assert Path("/notes/a.md") not in ForgottenPaths(file, board)

    assert len(heard) == 1
