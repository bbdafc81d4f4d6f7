import json
from pathlib import Path

import pytest

from coverage_ratchet import COVERED_FILES, Coverage, compare, read_list, read_report, write_list

COMMENT = "# What the tests cover.\n"
BEFORE = Coverage(80, frozenset({"app/a.py", "storage/b.py"}))


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    path = tmp_path / "covered_files.txt"
    path.write_text(write_list(COMMENT, BEFORE), encoding="utf-8")
    return path


def test_the_list_is_read_back_as_it_was_written(listed: Path) -> None:
    text = listed.read_text(encoding="utf-8")
    assert text.startswith(COMMENT)
    assert read_list(text) == BEFORE


def test_a_report_gives_the_complete_files_and_whole_percents() -> None:
    files = {
        "app/a.py": (9, 100.0),
        "app/ui\\b.py": (9, 100.0),
        "app/c.py": (9, 99.99),
        "app/__init__.py": (0, 100.0),
    }
    summaries = {
        name: {"summary": {"num_statements": n, "percent_covered": percent}}
        for name, (n, percent) in files.items()
    }
    text = json.dumps({"files": summaries, "totals": {"percent_covered": 81.97}})
    assert read_report(text) == Coverage(81, frozenset({"app/a.py", "app/ui/b.py"}))


@pytest.mark.parametrize(
    ("measured", "said"),
    [
        (Coverage(80, frozenset({"app/a.py"})), "storage/b.py was covered completely"),
        (Coverage(79, BEFORE.complete), "79 %, and were 80 %"),
    ],
)
@pytest.mark.parametrize("update", [True, False])
def test_less_than_before_fails_and_is_never_written_down(
    measured: Coverage, said: str, update: bool, listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert compare(measured, listed, update=update) == 1
    assert said in capsys.readouterr().err
    assert read_list(listed.read_text(encoding="utf-8")) == BEFORE


def test_more_than_before_passes_and_is_written_down_when_asked(
    listed: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    more = Coverage(83, BEFORE.complete | {"engine/c.py"})
    assert compare(more, listed, update=False) == 0
    assert "engine/c.py" in capsys.readouterr().out
    assert read_list(listed.read_text(encoding="utf-8")) == BEFORE
    assert compare(more, listed, update=True) == 0
    assert read_list(listed.read_text(encoding="utf-8")) == more


def test_our_own_list_holds_the_storage_to_what_it_reached() -> None:
    wanted = read_list(COVERED_FILES.read_text(encoding="utf-8"))
    assert wanted.total_percent > 0
    assert any(name.startswith("storage/") for name in wanted.complete)
    assert all(name.endswith(".py") for name in wanted.complete)
