"""How a row of the library is painted: title over remark, state over progress, Retry where it helps."""

from PySide6.QtCore import (
    QAbstractItemModel,
    QEvent,
    QModelIndex,
    QPersistentModelIndex,
    QPointF,
    QRect,
    QRectF,
    QSize,
    Qt,
    Signal,
)
from PySide6.QtGui import QColor, QFont, QFontMetrics, QMouseEvent, QPainter, QPen
from PySide6.QtWidgets import QApplication, QStyle, QStyledItemDelegate, QStyleOptionViewItem, QTableView

from app.ui.document_table_model import Column, DocumentRole
from app.ui.theme import Theme, current_theme
from storage.records import DocumentRecord, DocumentState

Index = QModelIndex | QPersistentModelIndex

_PAD = 10
_BOX = 18
RETRY = "Retry"


class DocumentDelegate(QStyledItemDelegate):
    """Paints both columns and turns clicks on the switch and on Retry into what they mean.

    Signals:
        retry_clicked: the user clicked Retry in a row.
            document_id: of that row.
    """

    retry_clicked = Signal(object)

    def sizeHint(self, option: QStyleOptionViewItem, _index: Index) -> QSize:
        """See row_height."""
        return QSize(120, self.row_height(option.font))

    def row_height(self, font: QFont) -> int:
        """Pixels of two lines with room to breathe."""
        return QFontMetrics(font).lineSpacing() * 2 + 18

    def state_width(self, font: QFont) -> int:
        """Pixels the state column needs for its longest words."""
        return QFontMetrics(font).horizontalAdvance("Learning, 88 of 88") + 2 * _PAD + 14

    def paint(self, painter: QPainter, option: QStyleOptionViewItem, index: Index) -> None:
        """One cell."""
        view = option.widget
        theme = current_theme(view)
        document: DocumentRecord = index.data(DocumentRole.RECORD)
        painter.save()
        painter.setRenderHint(QPainter.RenderHint.Antialiasing)
        rect: QRect = option.rect
        state: QStyle.StateFlag = option.state
        if state & QStyle.StateFlag.State_Selected:
            painter.fillRect(rect, QColor(theme.selection))
        elif state & QStyle.StateFlag.State_MouseOver:
            painter.fillRect(rect, QColor(theme.raised))
        painter.fillRect(rect.left(), rect.bottom(), rect.width(), 1, QColor(theme.line))
        painter.setFont(option.font)
        if index.column() == Column.TITLE:
            self._paint_title(painter, rect, document, index, theme)
            if state & QStyle.StateFlag.State_HasFocus:
                painter.setPen(QPen(QColor(theme.accent), 1.5))
                painter.setBrush(Qt.BrushStyle.NoBrush)
                painter.drawRoundedRect(QRectF(rect).adjusted(2, 2, -2, -3), 5, 5)
        else:
            row_left = view.columnViewportPosition(Column.TITLE) if isinstance(view, QTableView) else 0
            self._paint_state(painter, rect, row_left, document, index, theme)
        painter.restore()

    def editorEvent(
        self, event: QEvent, model: QAbstractItemModel, option: QStyleOptionViewItem, index: Index
    ) -> bool:
        """The switch and Retry answer to a released left button inside them."""
        if event.type() == QEvent.Type.MouseButtonRelease and isinstance(event, QMouseEvent):
            if event.button() != Qt.MouseButton.LeftButton:
                return False
            place = event.position().toPoint()
            rect: QRect = option.rect
            document: DocumentRecord = index.data(DocumentRole.RECORD)
            if index.column() == Column.TITLE and place.x() < rect.left() + _PAD * 2 + _BOX:
                wanted = Qt.CheckState.Unchecked if document.enabled else Qt.CheckState.Checked
                return model.setData(index, wanted.value, Qt.ItemDataRole.CheckStateRole)
            font: QFont = option.font
            can_retry = index.column() == Column.STATE and document.state is DocumentState.FAILED
            if can_retry and self.retry_rect(rect, font).contains(place):
                self.retry_clicked.emit(document.id)
                return True
            return False
        return False

    def retry_rect(self, cell: QRect, font: QFont) -> QRect:
        """Where Retry can be clicked in the state cell ``cell``."""
        metrics = QFontMetrics(font)
        width = metrics.horizontalAdvance(RETRY) + 2 * _PAD
        height = metrics.lineSpacing() + 4
        middle = cell.center().y() - metrics.lineSpacing() // 2
        return QRect(cell.right() - width - _PAD + 4, middle - height // 2, width, height)

    # --- painting -------------------------------------------------------------------------------------------

    def _paint_title(
        self, painter: QPainter, rect: QRect, document: DocumentRecord, index: Index, theme: Theme
    ) -> None:
        box = QRectF(rect.left() + _PAD, rect.center().y() - _BOX / 2, _BOX, _BOX)
        _paint_switch(painter, box, document.enabled, theme)
        text = rect.adjusted(_PAD * 2 + _BOX, 0, -4, 0)
        upper, lower = _two_lines(text, painter)
        painter.setPen(QColor(theme.text if document.enabled else theme.muted))
        title = _elided(painter, str(index.data()), upper.width())
        painter.drawText(upper, Qt.AlignmentFlag.AlignVCenter, title)
        if document.state is DocumentState.FAILED:
            return  # its reason runs below both columns; the state cell, painted later, writes it
        _use_small_font(painter)
        painter.setPen(QColor(theme.muted))
        words = _elided(painter, str(index.data(DocumentRole.REMARK)), lower.width())
        painter.drawText(lower, Qt.AlignmentFlag.AlignVCenter, words)

    def _paint_state(
        self,
        painter: QPainter,
        rect: QRect,
        row_left: int,
        document: DocumentRecord,
        index: Index,
        theme: Theme,
    ) -> None:
        colour = QColor(_state_colour(document, theme))
        words = str(index.data())
        left = rect.left() + 4
        if document.state is DocumentState.FAILED:
            self._paint_failure(painter, rect, row_left, index, theme)
        progress: tuple[int, int] | None = index.data(DocumentRole.PROGRESS)
        upper, lower = _two_lines(rect, painter)
        line = upper if document.state in {DocumentState.LEARNING, DocumentState.FAILED} else rect
        if document.state is DocumentState.LEARNING:
            track = QRectF(left, lower.center().y() - 2, rect.width() - _PAD - 4, 4)
            _paint_progress(painter, track, progress, theme)
        painter.setPen(Qt.PenStyle.NoPen)
        painter.setBrush(colour)
        painter.drawEllipse(QPointF(left + 4, line.center().y() + 1), 4, 4)
        painter.setPen(QColor(theme.text if document.state is DocumentState.LEARNING else colour))
        text = QRect(left + 14, line.top(), rect.right() - left - 14, line.height())
        painter.drawText(text, Qt.AlignmentFlag.AlignVCenter, _elided(painter, words, text.width()))

    def _paint_failure(
        self, painter: QPainter, rect: QRect, row_left: int, index: Index, theme: Theme
    ) -> None:
        """Retry, and the reason below both columns."""
        button = QRectF(self.retry_rect(rect, painter.font()))
        painter.setPen(QPen(QColor(theme.line), 1))
        painter.setBrush(QColor(theme.surface))
        painter.drawRoundedRect(button, 6, 6)
        painter.setPen(QColor(theme.text))
        painter.drawText(button, Qt.AlignmentFlag.AlignCenter, RETRY)
        whole = rect.adjusted(0, 0, -_PAD, 0)
        whole.setLeft(row_left + _PAD * 2 + _BOX)
        lower = _two_lines(whole, painter)[1]
        painter.save()
        _use_small_font(painter)
        painter.setPen(QColor(theme.bad))
        reason = _elided(painter, str(index.data(DocumentRole.REMARK)), lower.width())
        painter.drawText(lower, Qt.AlignmentFlag.AlignVCenter, reason)
        painter.restore()


def _state_colour(document: DocumentRecord, theme: Theme) -> str:
    match document.state:
        case DocumentState.READY:
            return theme.good if document.enabled else theme.muted
        case DocumentState.LEARNING:
            return theme.busy
        case DocumentState.FAILED:
            return theme.bad
        case DocumentState.QUEUED:
            return theme.muted


def _paint_switch(painter: QPainter, box: QRectF, is_on: bool, theme: Theme) -> None:
    """A check box that looks the same on every platform."""
    painter.setPen(QPen(QColor(theme.accent if is_on else theme.muted), 1.4))
    painter.setBrush(QColor(theme.accent) if is_on else QColor(theme.surface))
    painter.drawRoundedRect(box, 5, 5)
    if is_on:
        painter.setPen(QPen(QColor(theme.on_accent), 2, Qt.PenStyle.SolidLine, Qt.PenCapStyle.RoundCap))
        x, y, side = box.left(), box.top(), box.width()
        painter.drawLine(QPointF(x + side * 0.26, y + side * 0.52), QPointF(x + side * 0.43, y + side * 0.69))
        painter.drawLine(QPointF(x + side * 0.43, y + side * 0.69), QPointF(x + side * 0.75, y + side * 0.33))


def _paint_progress(painter: QPainter, track: QRectF, progress: tuple[int, int] | None, theme: Theme) -> None:
    painter.setPen(Qt.PenStyle.NoPen)
    painter.setBrush(QColor(theme.line))
    painter.drawRoundedRect(track, 2, 2)
    if progress is not None and progress[1] > 0:
        done = QRectF(track)
        done.setWidth(track.width() * min(1.0, progress[0] / progress[1]))
        painter.setBrush(QColor(theme.accent))
        painter.drawRoundedRect(done, 2, 2)


def _two_lines(rect: QRect, painter: QPainter) -> tuple[QRect, QRect]:
    height = painter.fontMetrics().lineSpacing()
    top = rect.center().y() - height
    upper = QRect(rect.left(), top, rect.width(), height)
    return upper, upper.translated(0, height + 1)


def _elided(painter: QPainter, text: str, width: int) -> str:
    return painter.fontMetrics().elidedText(text, Qt.TextElideMode.ElideRight, width)


def _use_small_font(painter: QPainter) -> None:
    font = painter.font()
    size = font.pointSizeF()
    font.setPointSizeF(max(7.5, (size if size > 0 else QApplication.font().pointSizeF()) * 0.9))
    painter.setFont(font)
