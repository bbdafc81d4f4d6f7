"""llama-cpp-python is published as source only: compile it once, and keep the wheel for the next set-up.

The kept wheel is a convenience, nothing rests on it: a wheel that does not load is thrown away and made anew.
"""

import hashlib
import json
import os
import platform
import re
import shlex
import shutil
import subprocess
import sys
import tempfile
import zipfile
from collections.abc import Mapping
from email.parser import BytesParser
from pathlib import Path

CMAKE_FLAGS = ("-DLLAVA_BUILD=OFF", "-DLLAMA_OPENSSL=OFF")
"""No images and no downloads inside llama.cpp: a quarter of the compilation less, and no OpenSSL needed."""

WITHOUT_COMMON = Path(__file__).with_name("llama_without_common.cmake")
"""Read by CMake inside llama.cpp; two fifths of the rest less. The file says how."""

PROBE = "import llama_cpp; llama_cpp.llama_backend_init(); print(llama_cpp.__version__)"
"""Loads the compiled library and lets it look at the processor."""

_NINJA_STEP = re.compile(r"\[(\d+)/(\d+)\]")
_PROCESSOR_FLAGS = re.compile(r"^(?:flags|Features)\s*:\s*(.*)$", re.MULTILINE)


def user_cache_dir(system: str, environment: Mapping[str, str], home: Path) -> Path:
    """Where programs keep what they can make again, by the platform's custom.

    Args:
        system: as sys.platform names it.
        environment: os.environ, or what a test puts in its place.
        home: the user's home folder.
    """
    if system == "darwin":
        return home / "Library" / "Caches" / "loreleaf"
    if system == "win32":
        return Path(environment.get("LOCALAPPDATA") or home / "AppData" / "Local") / "loreleaf" / "Cache"
    return Path(environment.get("XDG_CACHE_HOME") or home / ".cache") / "loreleaf"


def processor_flags() -> str:
    """What the compiled code may rest on: it is optimised for exactly this processor."""
    if sys.platform == "linux":
        found = _PROCESSOR_FLAGS.search(Path("/proc/cpuinfo").read_text(encoding="utf-8", errors="replace"))
        if found:
            return " ".join(sorted(found.group(1).split()))
    if sys.platform == "darwin":
        command = ["sysctl", "-n", "machdep.cpu.brand_string"]
        return subprocess.run(command, capture_output=True, text=True, check=False).stdout.strip()
    return platform.processor()


def cmake_args(environment: Mapping[str, str]) -> str:
    """Flags of the build: ours, then the user's own CMAKE_ARGS, which win (for example -DGGML_CUDA=on)."""
    hook = shlex.quote(f"-DCMAKE_PROJECT_llama.cpp_INCLUDE={WITHOUT_COMMON.as_posix()}")
    return " ".join([*CMAKE_FLAGS, hook, environment.get("CMAKE_ARGS", "")]).strip()


def wheel_key(version: str, users_flags: str, processor: str) -> str:
    """Folder name of one build: other flags, Python, system or processor get another.

    Args:
        version: of llama-cpp-python.
        users_flags: the user's own CMAKE_ARGS.
        processor: from `processor_flags`.
    """
    python = f"{sys.version_info[0]}.{sys.version_info[1]}"
    system = (sys.platform, platform.machine(), *platform.libc_ver())
    # The content of the hook and not its path: every copy of the project makes the same wheel.
    ours = (*CMAKE_FLAGS, WITHOUT_COMMON.read_text(encoding="utf-8"))
    facts = [version, python, *system, *ours, users_flags, processor]
    digest = hashlib.sha256(json.dumps(facts).encode()).hexdigest()
    return f"llama-cpp-python-{version}-py{python}-{digest[:16]}"


def kept_wheel(folder: Path) -> Path | None:
    """The wheel kept in ``folder``, if there is one."""
    return next(iter(sorted(folder.glob("llama_cpp_python-*.whl"))), None)


def keep_wheel(wheel: Path, folder: Path) -> None:
    """Copy ``wheel`` into ``folder``, whole or not at all; a cache that cannot be written is no failure."""
    try:
        folder.mkdir(parents=True, exist_ok=True)
        with tempfile.TemporaryDirectory(dir=folder) as beside:
            copy = Path(shutil.copy2(wheel, beside))
            copy.replace(folder / wheel.name)
    except OSError:
        return


def forget_wheel(folder: Path) -> None:
    """Remove a kept wheel that proved to be of no use."""
    shutil.rmtree(folder, ignore_errors=True)


def needed_packages(wheel: Path) -> list[str]:
    """What the wheel's metadata says it needs in turn, as requirements for pip; nothing of its extras."""
    with zipfile.ZipFile(wheel) as archive:
        name = next(name for name in archive.namelist() if name.endswith(".dist-info/METADATA"))
        metadata = BytesParser().parsebytes(archive.read(name))
    named = [str(line) for line in metadata.get_all("Requires-Dist", [])]
    return [line for line in named if "extra" not in line.partition(";")[2]]


def build_command(
    python: Path, version: str, constraints: Path, build_constraints: Path, target: Path
) -> list[str]:
    """The pip command that compiles the wheel into ``target``.

    pip brings CMake and Ninja itself where the system has none that are new enough. Its own cache is left
    out: it would hand back a wheel that was compiled with other flags or on another processor. The source
    must have the hash that the constraints name, the tools those of the build constraints.
    """
    return [
        *(str(python), "-m", "pip", "wheel", "-v", "--no-deps", "--no-cache-dir"),
        *("--progress-bar", "raw", "--require-hashes", "-c", str(constraints)),
        *("--build-constraint", str(build_constraints)),
        *("--no-binary", "llama-cpp-python", "--wheel-dir", str(target), f"llama-cpp-python=={version}"),
    ]


def build_environment(environment: Mapping[str, str]) -> dict[str, str]:
    """``environment`` with the flags of the build, using every core."""
    made = dict(environment)
    made["CMAKE_ARGS"] = cmake_args(environment)
    made.setdefault("CMAKE_BUILD_PARALLEL_LEVEL", str(os.cpu_count() or 1))
    return made


def build_status(line: str) -> str | None:
    """How far the compilation is, out of a line of Ninja's output."""
    found = _NINJA_STEP.search(line)
    return f"compiling, {found.group(1)} of {found.group(2)}" if found else None
