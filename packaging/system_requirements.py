"""What the machine itself must bring, and the one line that installs what it lacks.

`survey` looks at the machine; everything else is a pure function of the facts it found.
"""

import ctypes
import importlib.util
import os
import platform
import shutil
import subprocess
import sys
import tempfile
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from enum import Enum
from pathlib import Path


class Installer(Enum):
    """The tool that installs system packages; the value is the command, %s its packages."""

    APT = "{sudo}apt update && {sudo}apt install {packages}"
    DNF = "{sudo}dnf install {packages}"
    PACMAN = "{sudo}pacman -S --needed {packages}"
    XCODE = "xcode-select --install"
    WINGET = (
        "winget install Microsoft.VisualStudio.2022.BuildTools --override "
        '"--wait --passive --add Microsoft.VisualStudio.Workload.VCTools --includeRecommended"'
    )
    UNKNOWN = "your system's package manager: {packages}"


@dataclass(frozen=True)
class Requirement:
    """Something the system has to bring.

    Attributes:
        what: how a sentence names it.
        apt, dnf, pacman: the package that brings it, by installer; empty where it is never missing.
    """

    what: str
    apt: str
    dnf: str = ""
    pacman: str = ""

    def package(self, installer: Installer) -> str:
        """Name of the package for ``installer``, or what is missing where we know no name."""
        by_installer = {Installer.APT: self.apt, Installer.DNF: self.dnf, Installer.PACMAN: self.pacman}
        return by_installer.get(installer, "") or self.what


CXX_COMPILER = Requirement("a C++ compiler", "build-essential", "gcc-c++", "base-devel")


def venv_module(minor: int) -> Requirement:
    """Debian and Ubuntu split the venv module of python3.``minor`` off."""
    return Requirement("Python's venv module", f"python3.{minor}-venv", "python3", "python")


def _library(soname: str, apt: str, dnf: str, pacman: str) -> tuple[str, Requirement]:
    return soname, Requirement(soname, apt, dnf, pacman)


QT_LIBRARIES: dict[str, Requirement] = dict(
    [
        _library("libEGL.so.1", "libegl1", "libglvnd-egl", "libglvnd"),
        _library("libGL.so.1", "libgl1", "libglvnd-glx", "libglvnd"),
        _library("libX11.so.6", "libx11-6", "libX11", "libx11"),
        _library("libdbus-1.so.3", "libdbus-1-3", "dbus-libs", "dbus"),
        _library("libfontconfig.so.1", "libfontconfig1", "fontconfig", "fontconfig"),
        _library("libfreetype.so.6", "libfreetype6", "freetype", "freetype2"),
        _library("libglib-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
        _library("libgthread-2.0.so.0", "libglib2.0-0", "glib2", "glib2"),
        _library("libxkbcommon.so.0", "libxkbcommon0", "libxkbcommon", "libxkbcommon"),
        _library("libz.so.1", "zlib1g", "zlib", "zlib"),
        _library("libzstd.so.1", "libzstd1", "libzstd", "zstd"),
    ]
)
"""What Qt's own libraries load, with or without a screen (PySide6-Essentials 6.11; a test compares)."""

X11_LIBRARIES: dict[str, Requirement] = dict(
    [
        _library("libX11-xcb.so.1", "libx11-xcb1", "libX11-xcb", "libx11"),
        _library("libxcb-cursor.so.0", "libxcb-cursor0", "xcb-util-cursor", "xcb-util-cursor"),
        _library("libxcb-icccm.so.4", "libxcb-icccm4", "xcb-util-wm", "xcb-util-wm"),
        _library("libxcb-image.so.0", "libxcb-image0", "xcb-util-image", "xcb-util-image"),
        _library("libxcb-keysyms.so.1", "libxcb-keysyms1", "xcb-util-keysyms", "xcb-util-keysyms"),
        _library("libxcb-randr.so.0", "libxcb-randr0", "libxcb", "libxcb"),
        _library(
            "libxcb-render-util.so.0", "libxcb-render-util0", "xcb-util-renderutil", "xcb-util-renderutil"
        ),
        _library("libxcb-render.so.0", "libxcb-render0", "libxcb", "libxcb"),
        _library("libxcb-shape.so.0", "libxcb-shape0", "libxcb", "libxcb"),
        _library("libxcb-shm.so.0", "libxcb-shm0", "libxcb", "libxcb"),
        _library("libxcb-sync.so.1", "libxcb-sync1", "libxcb", "libxcb"),
        _library("libxcb-util.so.1", "libxcb-util1", "xcb-util", "xcb-util"),
        _library("libxcb-xfixes.so.0", "libxcb-xfixes0", "libxcb", "libxcb"),
        _library("libxcb-xkb.so.1", "libxcb-xkb1", "libxcb", "libxcb"),
        _library("libxcb.so.1", "libxcb1", "libxcb", "libxcb"),
        _library("libxkbcommon-x11.so.0", "libxkbcommon-x11-0", "libxkbcommon-x11", "libxkbcommon-x11"),
    ]
)
"""What Qt's xcb plugin loads in addition, to put the window on an X11 screen."""

WAYLAND_LIBRARIES = ("libwayland-client.so.0", "libwayland-cursor.so.0")
"""With these and a Wayland session Qt needs none of X11_LIBRARIES."""


OLDEST_GLIBC = (2, 34)
"""What the wheels of PySide6 and torch are built for."""

_MAX_NAMED = 4
"""A sentence names no more missing things than this."""


class Display(Enum):
    """What Qt could draw on."""

    NONE = "none"
    X11 = "x11"
    WAYLAND = "wayland"
    NATIVE = "native"
    """macOS and Windows: the libraries come with the system."""


@dataclass(frozen=True)
class MachineFacts:
    """What `survey` found; the input of all decisions.

    Attributes:
        platform: sys.platform.
        machine: platform.machine(), lower case.
        python_minor: 11 for Python 3.11.
        is_64_bit: of the Python, which is what decides about wheels.
        glibc: its version; None outside Linux and where Linux has another C library.
        has_venv: venv and ensurepip can both be imported.
        has_cxx_compiler: a small C++ program was compiled.
        display: what Qt could draw on.
        missing_libraries: names out of the library tables that cannot be loaded.
        installer: what installs system packages here.
        is_root: no sudo is needed.
    """

    platform: str
    machine: str
    python_minor: int
    is_64_bit: bool
    glibc: tuple[int, int] | None
    has_venv: bool
    has_cxx_compiler: bool
    display: Display
    missing_libraries: frozenset[str]
    installer: Installer
    is_root: bool


def unsupported_reason(facts: MachineFacts) -> str | None:
    """Why Loreleaf cannot run here whatever is installed, in one sentence; None where it can."""
    if not facts.is_64_bit:
        return "Loreleaf needs a 64-bit Python, and this one is a 32-bit program."
    if facts.platform == "darwin" and facts.machine == "x86_64":
        return "Loreleaf needs a Mac with Apple silicon: PyTorch 2.13 is not made for Intel Macs."
    if facts.platform == "linux" and facts.glibc is None:
        return "Loreleaf needs a Linux with glibc: PyTorch is not made for musl (Alpine)."
    if facts.platform == "linux" and facts.glibc is not None and facts.glibc < OLDEST_GLIBC:
        return "This Linux is too old for Qt 6.11: Debian 12, Ubuntu 22.04, Fedora 35 or newer will do."
    return None


def missing_libraries(facts: MachineFacts, *, for_window: bool) -> tuple[Requirement, ...]:
    """Libraries that Qt needs and the system lacks.

    Args:
        facts: the machine.
        for_window: True for a window on the display; False for Qt without a screen, as in the tests.
    """
    if facts.platform != "linux":
        return ()
    needed = dict(QT_LIBRARIES)
    wayland_works = facts.display is Display.WAYLAND and facts.missing_libraries.isdisjoint(WAYLAND_LIBRARIES)
    if for_window and not wayland_works:
        needed |= X11_LIBRARIES
    return tuple(requirement for soname, requirement in needed.items() if soname in facts.missing_libraries)


def missing_tools(facts: MachineFacts, *, must_compile: bool) -> tuple[Requirement, ...]:
    """Tools that the set-up needs and the system lacks."""
    missing = []
    if not facts.has_venv:
        missing.append(venv_module(facts.python_minor))
    if must_compile and not facts.has_cxx_compiler:
        missing.append(CXX_COMPILER)
    return tuple(missing)


def install_line(missing: Iterable[Requirement], installer: Installer, *, is_root: bool) -> str:
    """The one line to type that installs everything in ``missing``."""
    packages = dict.fromkeys(requirement.package(installer) for requirement in missing)
    return installer.value.format(sudo="" if is_root else "sudo ", packages=" ".join(packages))


def explain(missing: tuple[Requirement, ...], facts: MachineFacts) -> str:
    """What is missing and the one line against it, ready to print."""
    listed = _listed([requirement.what for requirement in missing])
    line = install_line(missing, facts.installer, is_root=facts.is_root)
    return (
        f"This computer lacks {listed}. Install with this line:\n\n    {line}\n\n"
        "then type the same command again."
    )


def _listed(names: list[str]) -> str:
    """The names as part of a sentence; a long list is cut, since the line to type has them all."""
    if len(names) > _MAX_NAMED + 1:
        return f"{', '.join(names[:_MAX_NAMED])} and {len(names) - _MAX_NAMED} more libraries"
    return names[0] if len(names) == 1 else f"{', '.join(names[:-1])} and {names[-1]}"


# --- looking at the machine ---------------------------------------------------------------------------------


def survey(*, look_for_compiler: bool) -> MachineFacts:
    """Look at this machine; takes milliseconds, and a second where it tries the compiler."""
    return MachineFacts(
        platform=sys.platform,
        machine=platform.machine().lower(),
        python_minor=sys.version_info[1],
        is_64_bit=sys.maxsize > 2**32,
        glibc=_glibc_version(),
        has_venv=all(importlib.util.find_spec(name) is not None for name in ("venv", "ensurepip")),
        has_cxx_compiler=not look_for_compiler or _can_compile(),
        display=find_display(sys.platform, os.environ),
        missing_libraries=_unloadable([*QT_LIBRARIES, *X11_LIBRARIES, *WAYLAND_LIBRARIES]),
        installer=find_installer(sys.platform),
        is_root=hasattr(os, "geteuid") and os.geteuid() == 0,
    )


def find_display(system: str, environment: Mapping[str, str]) -> Display:
    """What Qt could draw on, by the variables that it asks itself."""
    if system != "linux":
        return Display.NATIVE
    if environment.get("WAYLAND_DISPLAY"):
        return Display.WAYLAND
    return Display.X11 if environment.get("DISPLAY") else Display.NONE


def find_installer(system: str) -> Installer:
    """What installs system packages here."""
    if system == "darwin":
        return Installer.XCODE
    if system == "win32":
        return Installer.WINGET
    commands = {"apt-get": Installer.APT, "dnf": Installer.DNF, "pacman": Installer.PACMAN}
    return next((found for command, found in commands.items() if shutil.which(command)), Installer.UNKNOWN)


def _glibc_version() -> tuple[int, int] | None:
    if sys.platform != "linux":
        return None
    try:
        name = os.confstr("CS_GNU_LIBC_VERSION") or ""  # "glibc 2.36"
    except (OSError, ValueError):  # another C library does not know the question
        return None
    major, minor = name.split()[-1].split(".")[:2]
    return int(major), int(minor)


def _unloadable(sonames: Iterable[str]) -> frozenset[str]:
    """Those of ``sonames`` that the dynamic linker cannot find; none outside Linux."""
    if sys.platform != "linux":
        return frozenset()
    missing = set()
    for soname in sonames:
        try:
            ctypes.CDLL(soname)
        except OSError:
            missing.add(soname)
    return frozenset(missing)


def _can_compile() -> bool:
    """Whether a C++ program compiles and links: a compiler without its headers is no compiler."""
    if sys.platform == "win32":
        return shutil.which("cl") is not None or _has_visual_studio()
    if sys.platform == "darwin" and subprocess.run(["xcode-select", "-p"], capture_output=True).returncode:
        return False  # without the tools /usr/bin/c++ is a stub that opens a dialog
    with tempfile.TemporaryDirectory() as folder:
        source = Path(folder) / "probe.cpp"
        source.write_text("#include <vector>\nint main() { return std::vector<int>(0).size(); }\n")
        for compiler in (os.environ.get("CXX"), "c++", "g++", "clang++"):
            if compiler and shutil.which(compiler):
                command = [compiler, str(source), "-o", str(Path(folder) / "probe")]
                if subprocess.run(command, capture_output=True).returncode == 0:
                    return True
    return False


def _has_visual_studio() -> bool:
    """Whether the Visual Studio installer knows an installation with the C++ tools."""
    vswhere = (
        Path(os.environ.get("PROGRAMFILES(X86)", r"C:\Program Files (x86)"))
        / "Microsoft Visual Studio/Installer/vswhere.exe"
    )
    if not vswhere.exists():
        return False
    tools = "Microsoft.VisualStudio.Component.VC.Tools.x86.x64"
    command = [str(vswhere), "-products", "*", "-requires", tools, "-property", "installationPath"]
    return bool(subprocess.run(command, capture_output=True, text=True).stdout.strip())
