"""Where the window was and how it was divided, remembered from one run to the next."""

from pathlib import Path

from PySide6.QtCore import QByteArray, QSettings
from PySide6.QtWidgets import QMainWindow, QSplitter

FILE_NAME = "window.ini"


def save_place(window: QMainWindow, splitter: QSplitter, home: Path) -> None:
    """Remember it in the profile; not where there is none yet, whose folder is not for Qt to make."""
    if not home.is_dir():
        return
    settings = _settings(home)
    settings.setValue("geometry", window.saveGeometry())
    settings.setValue("splitter", splitter.saveState())


def restore_place(window: QMainWindow, splitter: QSplitter, home: Path) -> None:
    """Put the window where it was; the first time it gets a size that suits most screens."""
    settings = _settings(home)
    geometry, divided = settings.value("geometry"), settings.value("splitter")
    if not isinstance(geometry, QByteArray) or not window.restoreGeometry(geometry):
        window.resize(1200, 780)
    if isinstance(divided, QByteArray):
        splitter.restoreState(divided)


def _settings(home: Path) -> QSettings:
    return QSettings(str(home / FILE_NAME), QSettings.Format.IniFormat)
