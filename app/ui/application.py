"""The desktop application: Qt's loop around the window, and the services' life around both."""

import sys
from pathlib import Path

from PySide6.QtCore import QTimer
from PySide6.QtWidgets import QApplication

import app
from app.ui.crash_hook import CrashHook
from app.ui.engine_bridge import EngineBridge
from app.ui.hold_watch import HoldWatch
from app.ui.icon import app_icon
from app.ui.interrupts import InterruptWatch
from app.ui.main_window import MainWindow
from app.ui.ports import ApplicationPort
from app.ui.theme import ThemeFollower


def samples_folder() -> Path:
    """The sample notes that are shipped with the program."""
    return Path(app.__path__[0]) / "samples"


def run(application: ApplicationPort) -> int:
    """Show the window until it is closed, then close the services. Returns the process's exit code.

    The window is painted before the services start; they start on a thread of their own.
    """
    qt = QApplication.instance() or QApplication(sys.argv[:1])
    assert isinstance(qt, QApplication)  # nobody else makes one in this process
    qt.setApplicationName("Loreleaf")
    qt.setApplicationDisplayName("Loreleaf")
    qt.setDesktopFileName("loreleaf")
    qt.setStyle("Fusion")
    qt.setWindowIcon(app_icon())
    follower = ThemeFollower(qt)
    hook = CrashHook(application.notices)
    hook.install()
    interrupts = InterruptWatch(qt)
    bridge = EngineBridge()
    window = MainWindow(application, bridge, samples_folder())
    window.show()
    holds = HoldWatch()
    # With an interval of 0 the first paint comes first.
    QTimer.singleShot(0, window.start)
    try:
        return int(qt.exec())
    finally:
        holds.remove()
        window.hide()
        window.shut()
        application.close()
        hook.remove()
        interrupts.remove()
        follower.deleteLater()
