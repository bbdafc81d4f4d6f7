"""The files that only the repository's host reads: they are tried here, since nothing else here runs them."""

import re
from pathlib import Path
from typing import Any

import pytest
import yaml  # type: ignore[import-untyped]

import setup_environment
from project_files import BUILD_CONSTRAINTS, CONSTRAINTS, PIP_PIN, ROOT
from setup_commands import COMMANDS

GITHUB = ROOT / ".github"
FORMS = [GITHUB / "ISSUE_TEMPLATE" / name for name in ("bug.yml", "feature.yml")]


def load(path: Path) -> Any:  # noqa: ANN401 - YAML is whatever is written there
    return yaml.safe_load(path.read_text(encoding="utf-8"))


def commands(workflow: dict[str, Any]) -> str:
    """All that the jobs of a workflow run, and what their matrices put in."""
    jobs = workflow["jobs"].values()
    runs = [step["run"] for job in jobs for step in job["steps"] if "run" in step]
    return "\n".join([*runs, str([job.get("strategy") for job in jobs])])


def test_ci_tries_the_oldest_and_the_newest_python_on_all_three_systems() -> None:
    matrix = load(GITHUB / "workflows" / "ci.yml")["jobs"]["test"]["strategy"]["matrix"]
    pythons = [tuple(map(int, version.split("."))) for version in matrix["python"]]
    assert pythons == [setup_environment.OLDEST_PYTHON, setup_environment.NEWEST_PYTHON]
    assert [system.partition("-")[0] for system in matrix["system"]] == ["ubuntu", "macos", "windows"]
    assert {entry["system"] for entry in matrix["include"]} == set(matrix["system"])


def test_the_workflows_call_commands_that_there_are() -> None:
    said = commands(load(GITHUB / "workflows" / "ci.yml"))
    called = re.findall(r"setup_environment\.py (\w+)", said) + re.findall(r"make (\w+)", said)
    assert {"test", "run", "packages", "coverage"} <= set(called) <= set(COMMANDS)
    targets = re.findall(r"^(\w+):", (ROOT / "Makefile").read_text(encoding="utf-8"), re.MULTILINE)
    assert set(re.findall(r"make (\w+)", said)) <= set(targets)
    assert ".ci/run" in said
    assert (ROOT / ".ci" / "run").exists()


def test_the_audit_reads_every_lock_file() -> None:
    job = load(GITHUB / "workflows" / "audit.yml")["jobs"]["audit"]
    files = {ROOT / name for name in job["strategy"]["matrix"]["file"]}
    assert files == {CONSTRAINTS, BUILD_CONSTRAINTS, PIP_PIN}


@pytest.mark.parametrize("name", ["ci.yml", "audit.yml"])
def test_workflows_may_only_read_and_end_by_themselves(name: str) -> None:
    workflow = load(GITHUB / "workflows" / name)
    assert workflow["permissions"] == {"contents": "read"}
    for job in workflow["jobs"].values():
        assert job["timeout-minutes"] <= 120
        assert all(
            re.fullmatch(r"actions/[\w/-]+@v\d+", step["uses"]) for step in job["steps"] if "uses" in step
        )


@pytest.mark.parametrize("form", FORMS, ids=lambda path: path.stem)
def test_the_forms_for_issues_ask_something_of_each_field(form: Path) -> None:
    content = load(form)
    assert content["name"]
    assert content["description"]
    fields = [field for field in content["body"] if field["type"] != "markdown"]
    assert all(field["attributes"]["label"] for field in fields)
    ids = [field["id"] for field in fields]
    assert len(set(ids)) == len(ids)


def test_a_report_of_a_bug_brings_what_the_doctor_says() -> None:
    fields = {field.get("id"): field for field in load(FORMS[0])["body"]}
    assert "loreleaf doctor" in fields["doctor"]["attributes"]["label"]
    assert fields["doctor"]["validations"]["required"]


def test_the_hooks_run_what_make_check_runs() -> None:
    (local,) = load(ROOT / ".pre-commit-config.yaml")["repos"]
    entries = [hook["entry"].removeprefix("sh packaging/in_environment.sh ") for hook in local["hooks"]]
    tools = [" ".join(entry.split()[:2]) for entry in entries]
    assert tools == ["ruff check", "ruff format", "mypy", "lint-imports"]
