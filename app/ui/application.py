"""The desktop application: Qt's loop around the window, and the services' life inside it."""

import sys
from collections.abc import Callable
from contextlib import ExitStack
from pathlib import Path
from typing import TYPE_CHECKING

from PySide6.QtWidgets import QApplication
from shiboken6.Shiboken import delete

import app
from app.profile_basics import ProfileBasics
from app.ui.crash_hook import CrashHook
from app.ui.deferred_services import DeferredServices
from app.ui.engine_bridge import EngineBridge
from app.ui.first_paint import FirstPaint
from app.ui.freeze_watchdog import FreezeWatchdog
from app.ui.icon import app_icon
from app.ui.interrupts import InterruptWatch
from app.ui.main_window import MainWindow
from app.ui.theme import ThemeFollower

if TYPE_CHECKING:  # imported later than the window is painted
    from app.bootstrap import Application


def samples_folder() -> Path:
    """The sample notes that are shipped with the program."""
    return Path(app.__path__[0]) / "samples"


def run(basics: ProfileBasics, open_services: "Callable[[], Application]") -> int:
    """Show the window until it is closed, then close the services. Returns the process's exit code.

    Args:
        basics: what the window shows before there is more.
        open_services: called on a thread of its own once the window is painted, and not at all if the window
            is closed before.

    Raises:
        StorageError: the services could not be opened. The window has said so, until it was closed.
    """
    qt = _qt_application()
    services = DeferredServices(open_services)
    with ExitStack() as undo:
        undo.callback(ThemeFollower(qt).deleteLater)
        undo.callback(InterruptWatch(qt).remove)
        hook = CrashHook(basics.notices)
        hook.install()
        undo.callback(hook.remove)
        # Left to the garbage collector, bridge and window would end on whichever thread that happens to run.
        bridge = EngineBridge()
        undo.callback(delete, bridge)
        undo.callback(services.close)
        window = MainWindow(basics, services, bridge, samples_folder())
        undo.callback(delete, window)
        undo.callback(window.shut)
        FirstPaint(window).happened.connect(window.start)
        window.show()
        undo.callback(window.hide)
        undo.callback(FreezeWatchdog().remove)
        return int(qt.exec())


def _qt_application() -> QApplication:
    qt = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(qt, QApplication)  # nobody else makes one in this process
    qt.setApplicationName("Loreleaf")
    qt.setApplicationDisplayName("Loreleaf")
    qt.setDesktopFileName("loreleaf")
    qt.setStyle("Fusion")
    qt.setWindowIcon(app_icon())
    return qt
