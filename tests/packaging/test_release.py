import os
import subprocess
from pathlib import Path

import pytest

from project_files import ROOT
from release import ReleaseRefused, main, read_version, release, sections, with_release, with_version

PROJECT = '[project]\nname = "loreleaf"\nversion = "0.1.0"\n\n[tool.ruff]\ntarget-version = "py311"\n'
CHANGELOG = "# Changelog\n\nIn words.\n\n## [Unreleased]\n\n### Added\n\n- A window.\n"
DATE = "2026-12-01"


def git(root: Path, *arguments: str) -> str:
    done = subprocess.run(["git", *arguments], cwd=root, capture_output=True, text=True, check=True)
    return done.stdout.strip()


@pytest.fixture
def project(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A repository with one commit, untouched by the git configuration of who runs the tests."""
    for name in [name for name in os.environ if name.startswith("GIT_")]:
        monkeypatch.delenv(name)
    monkeypatch.setenv("GIT_CONFIG_GLOBAL", os.devnull)
    monkeypatch.setenv("GIT_CONFIG_NOSYSTEM", "1")
    (tmp_path / "pyproject.toml").write_text(PROJECT, encoding="utf-8", newline="\n")
    (tmp_path / "CHANGELOG.md").write_text(CHANGELOG, encoding="utf-8", newline="\n")
    git(tmp_path, "init", "--quiet")
    git(tmp_path, "config", "user.name", "Ada")
    git(tmp_path, "config", "user.email", "ada@example.org")
    git(tmp_path, "config", "core.autocrlf", "false")
    git(tmp_path, "add", ".")
    git(tmp_path, "commit", "--quiet", "-m", "Begin")
    return tmp_path


def read(project: Path, name: str) -> str:
    return (project / name).read_text(encoding="utf-8")


def note(project: Path, entry: str) -> None:
    """Write an entry under [Unreleased], and commit it."""
    text = read(project, "CHANGELOG.md").replace("## [Unreleased]\n", f"## [Unreleased]\n\n- {entry}\n", 1)
    (project / "CHANGELOG.md").write_text(text, encoding="utf-8", newline="\n")
    git(project, "commit", "--quiet", "-am", entry)


def test_a_release_sets_the_version_dates_the_changelog_commits_and_tags(project: Path) -> None:
    release(project, "0.2.0", DATE)

    assert read(project, "pyproject.toml") == PROJECT.replace("0.1.0", "0.2.0")
    dated = f"## [Unreleased]\n\n## [0.2.0] - {DATE}\n\n### Added\n\n- A window.\n"
    assert read(project, "CHANGELOG.md") == CHANGELOG.partition("## ")[0] + dated
    assert git(project, "status", "--porcelain") == ""
    assert git(project, "log", "-1", "--format=%s") == "Release 0.2.0"
    assert git(project, "rev-parse", "v0.2.0^{commit}") == git(project, "rev-parse", "HEAD")
    assert git(project, "tag", "--list", "--format=%(contents)", "v0.2.0") == (
        "Loreleaf 0.2.0\n\n### Added\n\n- A window."
    )


def test_the_first_release_may_be_the_version_that_the_project_has(project: Path) -> None:
    release(project, "0.1.0", DATE)
    assert git(project, "tag") == "v0.1.0"


def test_each_release_has_what_was_new_since_the_one_before(project: Path) -> None:
    release(project, "0.1.0", DATE)
    note(project, "A chat.")
    release(project, "0.1.1", "2026-12-24")

    found = sections(read(project, "CHANGELOG.md"))
    assert list(found) == ["Unreleased", "0.1.1", "0.1.0"]
    assert (found["Unreleased"], found["0.1.1"]) == ("", "- A chat.")


@pytest.mark.parametrize("version", ["0.1.0", "0.0.9", "0.1"])
def test_a_version_that_does_not_go_up_is_refused(project: Path, version: str) -> None:
    release(project, "0.1.0", DATE)
    git(project, "tag", "--delete", "v0.1.0")
    note(project, "A chat.")
    before = git(project, "rev-parse", "HEAD")

    with pytest.raises(ReleaseRefused, match=r"Versions only go up|three numbers"):
        release(project, version, DATE)
    assert git(project, "rev-parse", "HEAD") == before
    assert git(project, "status", "--porcelain") == ""


def test_a_tree_with_changes_is_refused_and_keeps_them(project: Path) -> None:
    (project / "new.py").write_text("x = 1\n", encoding="utf-8")
    with pytest.raises(ReleaseRefused, match=r"not committed(.|\n)*new\.py"):
        release(project, "0.2.0", DATE)
    assert read(project, "pyproject.toml") == PROJECT
    assert (project / "new.py").exists()


def test_a_changelog_without_entries_is_refused(project: Path) -> None:
    release(project, "0.1.0", DATE)
    with pytest.raises(ReleaseRefused, match="no entries under"):
        release(project, "0.2.0", DATE)
    assert git(project, "tag") == "v0.1.0"


def test_a_tag_that_exists_is_refused(project: Path) -> None:
    git(project, "tag", "v0.2.0")
    with pytest.raises(ReleaseRefused, match=r"v0\.2\.0 exists"):
        release(project, "0.2.0", DATE)


def test_a_commit_that_git_refuses_leaves_the_files_as_they_were(project: Path) -> None:
    git(project, "config", "user.useConfigOnly", "true")
    git(project, "config", "--unset", "user.email")
    with pytest.raises(ReleaseRefused, match="could not be committed"):
        release(project, "0.2.0", DATE)
    assert read(project, "pyproject.toml") == PROJECT
    assert read(project, "CHANGELOG.md") == CHANGELOG
    assert git(project, "tag") == ""


def test_a_refusal_is_a_sentence_and_an_exit_code(capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["soon"]) == 1
    assert capsys.readouterr().err == 'A version is three numbers, such as 0.2.0; got "soon".\n'


def test_our_own_project_and_changelog_can_be_released() -> None:
    pyproject = (ROOT / "pyproject.toml").read_text(encoding="utf-8")
    changelog = (ROOT / "CHANGELOG.md").read_text(encoding="utf-8")
    assert read_version(with_version(pyproject, "999.0.0")) == "999.0.0"
    assert next(iter(sections(changelog))) == "Unreleased"
    dated = with_release(changelog + "\n- An entry.\n", "999.0.0", DATE)
    assert list(sections(dated))[1] == "999.0.0"
