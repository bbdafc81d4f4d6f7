"""The bar on top of the window where notices are read, one after the other."""

from PySide6.QtCore import Qt
from PySide6.QtWidgets import (
    QFrame,
    QHBoxLayout,
    QPlainTextEdit,
    QPushButton,
    QVBoxLayout,
    QWidget,
)

from app.services.notices import Notice, NoticeLevel
from app.services.plain_text import printable
from app.ui.plain_text import PlainLabel
from app.ui.theme import MARGIN

KEPT = 50
"""Beyond this many unread notices the oldest harmless ones go."""


class NoticeBar(QFrame):
    """Shows the newest of the problems first; dismissing it brings up the next. Hidden when there is none.

    The same notice twice is shown once.
    """

    def __init__(self, parent: QWidget | None = None) -> None:
        super().__init__(parent)
        self.setObjectName("noticeBar")
        self.setAccessibleName("Notice")
        self._notices: list[Notice] = []
        self.title = PlainLabel(parent=self)
        self.title.setProperty("kind", "heading")
        self.title.setWordWrap(True)
        self.message = PlainLabel(parent=self)
        self.message.setWordWrap(True)
        self.count = PlainLabel(parent=self)
        self.count.setProperty("kind", "muted")
        self.details_button = QPushButton("Details", self)
        self.details_button.setCheckable(True)
        self.details_button.setProperty("kind", "link")
        self.details_button.setAccessibleName("Details of the notice")
        self.details_button.toggled.connect(self._on_details_toggled)
        self.dismiss_button = QPushButton("Dismiss", self)
        self.dismiss_button.setAccessibleName("Dismiss the notice")
        self.dismiss_button.clicked.connect(self._on_dismiss_clicked)
        self.detail = QPlainTextEdit(self)
        self.detail.setObjectName("noticeDetail")
        self.detail.setReadOnly(True)
        self.detail.setMaximumHeight(120)
        self.detail.setAccessibleName("Details")
        self.detail.setAcceptDrops(False)
        self.detail.hide()

        words = QVBoxLayout()
        words.setSpacing(2)
        words.addWidget(self.title)
        words.addWidget(self.message)
        top = QHBoxLayout()
        top.addLayout(words, 1)
        for widget in (self.count, self.details_button, self.dismiss_button):
            top.addWidget(widget, 0, Qt.AlignmentFlag.AlignVCenter)
        layout = QVBoxLayout(self)
        layout.setContentsMargins(MARGIN, 10, MARGIN, 10)
        layout.addLayout(top)
        layout.addWidget(self.detail)
        self.hide()

    @property
    def notices(self) -> tuple[Notice, ...]:
        """Unread notices, the one on show first."""
        return tuple(self._notices)

    def add(self, notice: Notice) -> None:
        """Show ``notice``, or keep it behind a graver one that is on show."""
        if notice in self._notices:
            return
        is_problem = notice.level is not NoticeLevel.INFO
        if is_problem:
            self._notices.insert(0, notice)
        else:
            n_problems = sum(kept.level is not NoticeLevel.INFO for kept in self._notices)
            self._notices.insert(n_problems, notice)
        del self._notices[KEPT:]
        self._show_first()

    def _on_dismiss_clicked(self) -> None:
        del self._notices[:1]
        self.details_button.setChecked(False)
        self._show_first()

    def _on_details_toggled(self, is_open: bool) -> None:
        self.detail.setVisible(is_open)

    def _show_first(self) -> None:
        if not self._notices:
            self.hide()
            return
        notice = self._notices[0]
        level = notice.level.value
        if self.property("level") != level:
            self.setProperty("level", level)
            self.style().unpolish(self)
            self.style().polish(self)
        self.title.setText(notice.title)
        self.message.setText(notice.message)
        self.message.setVisible(bool(notice.message))
        self.detail.setPlainText(printable(notice.detail))
        self.details_button.setVisible(bool(notice.detail))
        if not notice.detail:
            self.details_button.setChecked(False)
        self.count.setText(f"1 of {len(self._notices)}")
        self.count.setVisible(len(self._notices) > 1)
        self.setAccessibleDescription(f"{notice.title} {notice.message}")
        self.show()
