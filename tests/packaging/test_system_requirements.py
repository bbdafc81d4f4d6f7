import re
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest

from system_requirements import (
    CXX_COMPILER,
    QT_LIBRARIES,
    WAYLAND_LIBRARIES,
    X11_LIBRARIES,
    Display,
    Installer,
    MachineFacts,
    explain,
    find_display,
    install_line,
    missing_libraries,
    missing_tools,
    survey,
    unsupported_reason,
    venv_module,
)

DEBIAN = MachineFacts(
    platform="linux",
    machine="x86_64",
    python_minor=11,
    is_64_bit=True,
    glibc=(2, 36),
    has_venv=True,
    has_cxx_compiler=True,
    display=Display.X11,
    missing_libraries=frozenset(),
    installer=Installer.APT,
    is_root=False,
)


def test_a_complete_machine_lacks_nothing() -> None:
    assert missing_tools(DEBIAN, must_compile=True) == ()
    assert missing_libraries(DEBIAN, for_window=True) == ()
    assert unsupported_reason(DEBIAN) is None


@pytest.mark.parametrize(
    ("installer", "line"),
    [
        (Installer.APT, "sudo apt update && sudo apt install python3.11-venv build-essential"),
        (Installer.DNF, "sudo dnf install python3 gcc-c++"),
        (Installer.PACMAN, "sudo pacman -S --needed python base-devel"),
        (Installer.XCODE, "xcode-select --install"),
    ],
)
def test_a_missing_compiler_and_venv_give_one_line_of_this_system(installer: Installer, line: str) -> None:
    bare = replace(DEBIAN, has_venv=False, has_cxx_compiler=False, installer=installer)
    missing = missing_tools(bare, must_compile=True)
    assert install_line(missing, installer, is_root=False) == line


def test_windows_without_a_compiler_is_told_to_install_the_build_tools() -> None:
    line = install_line([CXX_COMPILER], Installer.WINGET, is_root=False)
    assert line.startswith("winget install Microsoft.VisualStudio.2022.BuildTools ")
    assert "Workload.VCTools" in line


def test_no_compiler_is_asked_for_when_nothing_has_to_be_compiled() -> None:
    bare = replace(DEBIAN, has_cxx_compiler=False)
    assert missing_tools(bare, must_compile=False) == ()


def test_root_is_told_no_sudo() -> None:
    line = install_line([venv_module(12)], Installer.APT, is_root=True)
    assert line == "apt update && apt install python3.12-venv"


def test_a_system_with_an_unknown_installer_is_told_the_names_of_what_is_missing() -> None:
    line = install_line([CXX_COMPILER, QT_LIBRARIES["libEGL.so.1"]], Installer.UNKNOWN, is_root=False)
    assert line == "your system's package manager: a C++ compiler libEGL.so.1"


def test_two_libraries_of_one_package_name_it_once() -> None:
    lacking = replace(DEBIAN, missing_libraries=frozenset({"libglib-2.0.so.0", "libgthread-2.0.so.0"}))
    missing = missing_libraries(lacking, for_window=True)
    assert install_line(missing, Installer.APT, is_root=True) == "apt update && apt install libglib2.0-0"


def test_missing_qt_libraries_are_named_in_a_sentence_with_the_line_that_installs_them() -> None:
    lacking = replace(DEBIAN, missing_libraries=frozenset({"libEGL.so.1", "libxcb-cursor.so.0"}))
    text = explain(missing_libraries(lacking, for_window=True), lacking)
    assert "lacks libEGL.so.1 and libxcb-cursor.so.0." in text
    assert "\n    sudo apt update && sudo apt install libegl1 libxcb-cursor0\n" in text


def test_a_long_list_is_cut_in_the_sentence_and_whole_in_the_line() -> None:
    lacking = replace(DEBIAN, missing_libraries=frozenset([*QT_LIBRARIES, *X11_LIBRARIES]))
    missing = missing_libraries(lacking, for_window=True)
    text = explain(missing, lacking)
    assert text.startswith(
        f"This computer lacks libEGL.so.1, libGL.so.1, libX11.so.6, libdbus-1.so.3 and "
        f"{len(missing) - 4} more libraries."
    )
    assert all(library.apt in text for library in missing)


def test_tests_without_a_screen_do_not_ask_for_x11() -> None:
    lacking = replace(DEBIAN, display=Display.NONE, missing_libraries=frozenset(X11_LIBRARIES))
    assert missing_libraries(lacking, for_window=False) == ()


def test_a_wayland_session_with_its_libraries_needs_no_x11() -> None:
    wayland = replace(DEBIAN, display=Display.WAYLAND, missing_libraries=frozenset({"libxcb-cursor.so.0"}))
    assert missing_libraries(wayland, for_window=True) == ()
    broken = replace(wayland, missing_libraries=wayland.missing_libraries | {WAYLAND_LIBRARIES[0]})
    assert [library.apt for library in missing_libraries(broken, for_window=True)] == ["libxcb-cursor0"]


def test_other_systems_bring_qts_libraries_themselves() -> None:
    mac = replace(DEBIAN, platform="darwin", machine="arm64", missing_libraries=frozenset(QT_LIBRARIES))
    assert missing_libraries(mac, for_window=True) == ()


@pytest.mark.parametrize(
    ("facts", "word"),
    [
        (replace(DEBIAN, is_64_bit=False), "64-bit"),
        (replace(DEBIAN, platform="darwin", machine="x86_64"), "Apple silicon"),
        (replace(DEBIAN, glibc=None), "glibc"),
        (replace(DEBIAN, glibc=(2, 31)), "Debian 12"),
    ],
)
def test_a_machine_for_which_there_are_no_wheels_is_refused_with_its_reason(
    facts: MachineFacts, word: str
) -> None:
    reason = unsupported_reason(facts)
    assert reason is not None
    assert word in reason


@pytest.mark.parametrize(
    ("system", "environment", "display"),
    [
        ("linux", {}, Display.NONE),
        ("linux", {"DISPLAY": ":0"}, Display.X11),
        ("linux", {"DISPLAY": ":0", "WAYLAND_DISPLAY": "wayland-0"}, Display.WAYLAND),
        ("linux", {"DISPLAY": ""}, Display.NONE),
        ("darwin", {}, Display.NATIVE),
        ("win32", {}, Display.NATIVE),
    ],
)
def test_the_display_is_the_one_that_qt_would_use(
    system: str, environment: dict[str, str], display: Display
) -> None:
    assert find_display(system, environment) is display


def test_this_machine_can_be_surveyed_and_runs_these_tests() -> None:
    facts = survey(look_for_compiler=False)
    assert unsupported_reason(facts) is None
    assert facts.python_minor == sys.version_info[1]
    assert missing_libraries(facts, for_window=False) == ()  # the window's tests import Qt


@pytest.mark.skipif(sys.platform != "linux", reason="the tables are about Linux")
def test_the_tables_name_every_library_that_qt_loads_and_does_not_bring() -> None:
    import PySide6

    readelf = shutil.which("readelf")
    assert readelf is not None, "binutils comes with the compiler that the set-up asks for"
    qt = Path(next(iter(PySide6.__path__))) / "Qt"
    platforms = qt / "plugins" / "platforms"
    libraries = [qt / "lib" / f"libQt6{name}.so.6" for name in ("Core", "Gui", "Widgets", "DBus", "XcbQpa")]
    needed: set[str] = set()
    for library in (*libraries, platforms / "libqxcb.so", platforms / "libqoffscreen.so"):
        listing = subprocess.run([readelf, "-d", library], capture_output=True, text=True, check=True).stdout
        needed |= set(re.findall(r"\(NEEDED\).*\[(.+?)\]", listing))
    brought = {path.name for path in (qt / "lib").iterdir()}
    # The C and C++ run-time libraries are what a manylinux wheel may take for granted.
    granted = re.compile(r"(libc|libm|libdl|librt|libpthread|libgcc_s|libstdc\+\+|ld-linux.*)\.so\.\d")
    named = {*QT_LIBRARIES, *X11_LIBRARIES}
    assert {name for name in needed - brought - named if not granted.match(name)} == set()
