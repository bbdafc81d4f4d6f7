"""Whether a window could be shown here. Qt cannot be asked: where it finds no display it ends the process."""

import ctypes
import os
import sys
from collections.abc import Mapping
from pathlib import Path

_INVISIBLE = ("offscreen", "minimal")
"""Platforms of Qt that draw where nobody looks; test machines name one in QT_QPA_PLATFORM."""

_NEEDS_A_SERVER = ("", "xcb", "wayland", "wayland-egl")


def why_no_window(system: str = sys.platform, environment: Mapping[str, str] = os.environ) -> str:
    """Why no window can be shown, in one sentence; empty if one can."""
    platform = environment.get("QT_QPA_PLATFORM", "").partition(":")[0].strip().lower()
    if platform in _INVISIBLE:
        return f"There is no display (QT_QPA_PLATFORM is “{platform}”)."
    if system == "darwin":
        return "" if _has_mac_session() else "There is no display in this session."
    if system == "win32" or platform not in _NEEDS_A_SERVER:
        return ""
    wayland, x11 = environment.get("WAYLAND_DISPLAY"), environment.get("DISPLAY")
    if not wayland and not x11:
        return "There is no display."
    if wayland and _wayland_socket(wayland, environment).exists():
        return ""
    if x11 and _answers(x11):
        return ""
    return f"The display “{x11 or wayland}” cannot be reached."


def _wayland_socket(name: str, environment: Mapping[str, str]) -> Path:
    """Where the compositor listens; an absolute ``name`` is the place itself."""
    return Path(environment.get("XDG_RUNTIME_DIR") or "/run/user/unknown", name)


def _answers(display: str) -> bool:
    """Whether an X server answers. True where it cannot be asked: then Qt lacks that library too."""
    try:
        xcb = ctypes.CDLL("libxcb.so.1")
    except OSError:
        return True
    xcb.xcb_connect.restype = ctypes.c_void_p
    xcb.xcb_connect.argtypes = [ctypes.c_char_p, ctypes.c_void_p]
    xcb.xcb_connection_has_error.argtypes = xcb.xcb_disconnect.argtypes = [ctypes.c_void_p]
    connection = xcb.xcb_connect(display.encode(), None)
    is_broken = bool(xcb.xcb_connection_has_error(connection))
    xcb.xcb_disconnect(connection)
    return not is_broken


def _has_mac_session() -> bool:
    """Whether this process belongs to a login at the screen; over SSH it does not, and Cocoa would end it."""
    try:
        services = ctypes.CDLL("/System/Library/Frameworks/ApplicationServices.framework/ApplicationServices")
    except OSError:
        return True
    services.CGSessionCopyCurrentDictionary.restype = ctypes.c_void_p
    return services.CGSessionCopyCurrentDictionary() is not None
