import zipfile
from pathlib import Path

import pytest

import llama_wheel

HOME = Path("/home/ada")
WHEEL = "llama_cpp_python-0.3.36-py3-none-linux_x86_64.whl"


@pytest.mark.parametrize(
    ("system", "environment", "folder"),
    [
        ("linux", {}, HOME / ".cache" / "loreleaf"),
        ("linux", {"XDG_CACHE_HOME": "/scratch"}, Path("/scratch/loreleaf")),
        ("darwin", {}, HOME / "Library" / "Caches" / "loreleaf"),
        ("win32", {"LOCALAPPDATA": "/local"}, Path("/local/loreleaf/Cache")),
    ],
)
def test_the_cache_lies_where_the_platform_keeps_caches(
    system: str, environment: dict[str, str], folder: Path
) -> None:
    assert llama_wheel.user_cache_dir(system, environment, HOME) == folder


def test_a_wheel_for_another_processor_version_or_flag_has_another_key() -> None:
    keys = {
        llama_wheel.wheel_key("0.3.36", "-DGGML_CUDA=on", "avx2"),
        llama_wheel.wheel_key("0.3.36", "", "avx2"),
        llama_wheel.wheel_key("0.3.36", "", "avx2 avx512f"),
        llama_wheel.wheel_key("0.3.37", "", "avx2"),
    }
    assert len(keys) == 4
    assert llama_wheel.wheel_key("0.3.36", "", "avx2") in keys


def test_the_users_cmake_flags_come_after_ours_so_that_they_win() -> None:
    flags = llama_wheel.cmake_args({"CMAKE_ARGS": "-DLLAVA_BUILD=ON"}).split()
    assert flags.index("-DLLAVA_BUILD=OFF") < flags.index("-DLLAVA_BUILD=ON")


def test_a_kept_wheel_is_found_again_and_can_be_forgotten(tmp_path: Path) -> None:
    built, folder = tmp_path / WHEEL, tmp_path / "kept" / "key"
    built.write_bytes(b"wheel")
    assert llama_wheel.kept_wheel(folder) is None
    llama_wheel.keep_wheel(built, folder)
    kept = llama_wheel.kept_wheel(folder)
    assert kept is not None
    assert kept.read_bytes() == b"wheel"
    assert [path.name for path in folder.iterdir()] == [WHEEL]
    llama_wheel.forget_wheel(folder)
    assert llama_wheel.kept_wheel(folder) is None


def test_a_cache_that_cannot_be_written_is_no_failure(tmp_path: Path) -> None:
    built, in_the_way = tmp_path / WHEEL, tmp_path / "file"
    built.write_bytes(b"wheel")
    in_the_way.write_bytes(b"")
    llama_wheel.keep_wheel(built, in_the_way / "key")
    assert llama_wheel.kept_wheel(in_the_way / "key") is None


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("  [37/142] Building CXX object vendor/llama.cpp/src/llama.cpp.o\n", "compiling, 37 of 142"),
        ("  -- Configuring done (2.1s)\n", None),
    ],
)
def test_ninjas_lines_tell_how_far_the_compilation_is(line: str, status: str | None) -> None:
    assert llama_wheel.build_status(line) == status


def test_pip_is_told_to_compile_and_to_keep_its_own_cache_out_of_it(tmp_path: Path) -> None:
    command = llama_wheel.build_command(
        Path("python"), "0.3.36", Path("lock.txt"), Path("tools.txt"), tmp_path
    )
    assert command[-1] == "llama-cpp-python==0.3.36"
    assert "--no-cache-dir" in command
    assert command[command.index("--no-binary") + 1] == "llama-cpp-python"


def test_the_source_that_is_compiled_must_have_its_hash_in_the_lock(tmp_path: Path) -> None:
    command = llama_wheel.build_command(
        Path("python"), "0.3.36", Path("lock.txt"), Path("tools.txt"), tmp_path
    )
    assert "--require-hashes" in command
    assert command[command.index("-c") + 1] == "lock.txt"
    assert command[command.index("--build-constraint") + 1] == "tools.txt"


def test_what_the_compiled_wheel_needs_is_read_from_it(tmp_path: Path) -> None:
    named = ["numpy>=1.20.0", "jinja2>=2.11.3", 'uvicorn>=0.22.0; extra == "server"']
    metadata = "".join(f"Requires-Dist: {line}\n" for line in named)
    with zipfile.ZipFile(tmp_path / WHEEL, "w") as archive:
        archive.writestr("llama_cpp/lib/libllama.so", "")
        archive.writestr(
            "llama_cpp_python-0.3.36.dist-info/METADATA", f"Name: llama-cpp-python\n{metadata}\nText.\n"
        )
    assert llama_wheel.needed_packages(tmp_path / WHEEL) == named[:2]


def test_the_build_uses_every_core_unless_the_user_says_otherwise() -> None:
    assert int(llama_wheel.build_environment({})["CMAKE_BUILD_PARALLEL_LEVEL"]) >= 1
    asked = llama_wheel.build_environment({"CMAKE_BUILD_PARALLEL_LEVEL": "1"})
    assert asked["CMAKE_BUILD_PARALLEL_LEVEL"] == "1"
