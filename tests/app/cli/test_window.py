import ctypes
import socket
import sys
from pathlib import Path
from types import ModuleType, SimpleNamespace

import pytest

from app.cli import window
from app.cli.display import why_no_window
from tests.app.cli.conftest import Shell

linux_only = pytest.mark.skipif(sys.platform != "linux", reason="other systems have one display at most")


def test_where_there_is_no_display_it_is_said() -> None:
    assert why_no_window("linux", {}) == "There is no display."
    assert why_no_window("linux", {"DISPLAY": "", "WAYLAND_DISPLAY": ""}) == "There is no display."
    assert "offscreen" in why_no_window("linux", {"QT_QPA_PLATFORM": "offscreen", "DISPLAY": ":0"})


def test_a_platform_of_qt_that_needs_no_server_is_believed() -> None:
    assert why_no_window("linux", {"QT_QPA_PLATFORM": "vnc:size=800x600"}) == ""
    assert why_no_window("win32", {}) == ""


@linux_only
def test_a_display_that_does_not_answer_is_none() -> None:
    try:
        ctypes.CDLL("libxcb.so.1")
    except OSError:
        pytest.skip("no libxcb here")

    assert why_no_window("linux", {"DISPLAY": ":4711"}) == "The display “:4711” cannot be reached."


@linux_only
def test_a_wayland_session_is_one_whose_socket_is_there(tmp_path: Path) -> None:
    place = {"XDG_RUNTIME_DIR": str(tmp_path), "WAYLAND_DISPLAY": "wayland-0"}
    assert why_no_window("linux", place) == "The display “wayland-0” cannot be reached."

    with socket.socket(socket.AF_UNIX) as listening:
        listening.bind(str(tmp_path / "wayland-0"))

        assert why_no_window("linux", place) == ""


def test_a_missing_library_is_told_with_the_line_that_installs_it(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    requirements = window.system_requirements()
    assert requirements is not None
    facts = SimpleNamespace(
        platform="linux",
        display=requirements.Display.X11,
        missing_libraries=frozenset({"libEGL.so.1", "libxcb-cursor.so.0"}),
        installer=requirements.Installer.APT,
        is_root=False,
    )
    stand_in = ModuleType("system_requirements")
    stand_in.__dict__.update(requirements.__dict__, survey=lambda **_options: facts)
    monkeypatch.setattr(window, "system_requirements", lambda: stand_in)
    monkeypatch.setattr(window, "why_no_window", lambda: "")

    ended = shell()

    assert ended.code == 1
    assert "This computer lacks libEGL.so.1 and libxcb-cursor.so.0." in ended.err
    assert "sudo apt install libegl1 libxcb-cursor0" in ended.err
    assert "loreleaf chat" in ended.err


def test_an_installation_without_qt_is_told(shell: Shell, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(window, "system_requirements", lambda: None)
    monkeypatch.setattr(window, "why_no_window", lambda: "")
    monkeypatch.delitem(sys.modules, "app.ui.application", raising=False)
    for name in ("PySide6.QtCore", "PySide6.QtWidgets"):
        monkeypatch.setitem(sys.modules, name, None)

    ended = shell()

    assert ended.code == 1
    assert "The window cannot open" in ended.err
