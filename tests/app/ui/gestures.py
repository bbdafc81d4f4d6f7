"""What a hand does that QTest has no call for."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

from PySide6.QtCore import QMimeData, QPoint, QPointF, Qt, QTimer, QUrl
from PySide6.QtGui import QDragEnterEvent, QDropEvent
from PySide6.QtWidgets import QApplication, QMainWindow, QWidget

ACTIONS = Qt.DropAction.CopyAction | Qt.DropAction.MoveAction


def files(*path_strs: str) -> QMimeData:
    """What a file manager hands over when these are dragged."""
    mime = QMimeData()
    mime.setUrls([QUrl.fromLocalFile(path_str) for path_str in path_strs])
    return mime


def drag_onto(widget: QWidget, mime: QMimeData) -> QDragEnterEvent:
    """Drag over the widget, and stay."""
    event = QDragEnterEvent(
        QPoint(50, 50), ACTIONS, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)
    return event


def drop_onto(widget: QWidget, mime: QMimeData) -> QDropEvent:
    """Drag over the widget, and let go. Qt passes on no drop without the drag before it."""
    drag_onto(widget, mime)
    event = QDropEvent(
        QPointF(50, 50), ACTIONS, mime, Qt.MouseButton.LeftButton, Qt.KeyboardModifier.NoModifier
    )
    QApplication.sendEvent(widget, event)
    return event


@contextmanager
def closing_windows(qapp: QApplication, when: Callable[[], bool]) -> Iterator[None]:
    """While the program runs inside: close its window as soon as ``when`` holds."""

    def look() -> None:
        if when():
            for widget in qapp.topLevelWidgets():
                if isinstance(widget, QMainWindow):
                    widget.close()

    timer = QTimer()
    timer.timeout.connect(look)
    timer.start(10)
    yield
    timer.stop()
