"""Colours, spacing and the style sheet of the window.

Two palettes, light and dark, follow the system. A system that asks for high contrast keeps its own colours:
whoever needs them has chosen them with more care than we could.
"""

from dataclasses import dataclass

from PySide6.QtCore import QObject, Qt
from PySide6.QtGui import QColor, QPalette
from PySide6.QtWidgets import QApplication, QWidget

GAP = 8
"""Space between neighbours, in device-independent pixels."""

MARGIN = 16
"""Space between a panel's content and its edge, in device-independent pixels."""


@dataclass(frozen=True, slots=True)
class Theme:
    """The colours of one appearance, as ``#rrggbb``.

    Attributes:
        window: the chrome around the panels.
        surface: where notes are listed and answers are read.
        raised: cards, bubbles and hovered rows on a surface.
        line: hairlines and borders.
        text: everything that is read.
        muted: facts and hints; at least 4.5:1 against ``surface``.
        accent: the one button that matters, the progress of learning, links.
        on_accent: text on ``accent``.
        good, busy, bad: the states of a note.
        bad_wash, warn_wash: the background of something that went wrong, or needs attention.
        info_wash: the background of something worth knowing.
    """

    is_dark: bool
    window: str
    surface: str
    raised: str
    line: str
    text: str
    muted: str
    accent: str
    on_accent: str
    selection: str
    good: str
    busy: str
    bad: str
    bad_wash: str
    warn_wash: str
    info_wash: str


LIGHT = Theme(
    is_dark=False,
    window="#f3f4f1",
    surface="#ffffff",
    raised="#f0f3ee",
    line="#dcdfd8",
    text="#1d211e",
    muted="#5e665f",
    accent="#25704f",
    on_accent="#ffffff",
    selection="#dcebe2",
    good="#25704f",
    busy="#8a5a00",
    bad="#b3261e",
    bad_wash="#fbecea",
    warn_wash="#fbf3e2",
    info_wash="#e8f1ec",
)

DARK = Theme(
    is_dark=True,
    window="#181b19",
    surface="#1f2321",
    raised="#292e2b",
    line="#383e3a",
    text="#e6e9e6",
    muted="#a0a8a2",
    accent="#6fc09a",
    on_accent="#0e1c15",
    selection="#2b4137",
    good="#6fc09a",
    busy="#e0b15c",
    bad="#f2938c",
    bad_wash="#3a2523",
    warn_wash="#362d1c",
    info_wash="#24332b",
)


def system_theme(application: QApplication) -> Theme | None:
    """The appearance the system asks for, or None when it asks for high contrast."""
    hints = application.styleHints()
    if hints.accessibility().contrastPreference() == Qt.ContrastPreference.HighContrast:
        return None
    return DARK if hints.colorScheme() == Qt.ColorScheme.Dark else LIGHT


def current_theme(widget: QWidget) -> Theme:
    """The theme whose colours suit the palette that ``widget`` has now."""
    window = widget.palette().color(QPalette.ColorRole.Window)
    text = widget.palette().color(QPalette.ColorRole.WindowText)
    return DARK if window.lightness() < text.lightness() else LIGHT


def apply_theme(application: QApplication, theme: Theme | None) -> None:
    """Dress the application; None leaves the system's own colours alone."""
    if theme is None:
        return
    application.setPalette(_palette(theme))
    application.setStyleSheet(_style_sheet(theme))


class ThemeFollower(QObject):
    """Keeps the application's appearance in step with the system's.

    Lives in the GUI thread as long as the application.
    """

    def __init__(self, application: QApplication) -> None:
        super().__init__(application)
        self._application = application
        application.styleHints().colorSchemeChanged.connect(self._on_color_scheme_changed)
        apply_theme(application, system_theme(application))

    def _on_color_scheme_changed(self, _scheme: Qt.ColorScheme) -> None:
        apply_theme(self._application, system_theme(self._application))


def _palette(theme: Theme) -> QPalette:
    palette = QPalette(QColor(theme.window))
    role = QPalette.ColorRole
    for name, colour in (
        (role.Window, theme.window),
        (role.WindowText, theme.text),
        (role.Base, theme.surface),
        (role.AlternateBase, theme.raised),
        (role.Text, theme.text),
        (role.Button, theme.raised),
        (role.ButtonText, theme.text),
        (role.ToolTipBase, theme.raised),
        (role.ToolTipText, theme.text),
        (role.PlaceholderText, theme.muted),
        (role.Highlight, theme.selection),
        (role.HighlightedText, theme.text),
        (role.Accent, theme.accent),
        (role.Link, theme.accent),
        (role.LinkVisited, theme.accent),
        (role.Mid, theme.line),
        (role.Midlight, theme.line),
        (role.BrightText, theme.bad),
    ):
        palette.setColor(name, QColor(colour))
    faded = QColor(theme.muted)
    faded.setAlphaF(0.65)
    for name in (role.WindowText, role.Text, role.ButtonText):
        palette.setColor(QPalette.ColorGroup.Disabled, name, faded)
    return palette


def _style_sheet(theme: Theme) -> str:
    return f"""
QToolTip {{ background: {theme.raised}; color: {theme.text}; border: 1px solid {theme.line}; padding: 4px; }}
QMainWindow, QDialog {{ background: {theme.window}; }}
QMenuBar {{ background: {theme.window}; }}
QStatusBar {{ background: {theme.window}; color: {theme.muted}; border-top: 1px solid {theme.line}; }}
QStatusBar QLabel {{ color: {theme.muted}; padding: 2px 8px; }}
QStatusBar::item {{ border: none; }}
QSplitter::handle {{ background: {theme.line}; }}

QWidget#library, QWidget#libraryEmpty, QWidget#libraryBody {{ background: {theme.window}; }}
QWidget#chat, QWidget#chatEmpty, QWidget#transcript, QScrollArea#transcriptScroll {{
    background: {theme.surface};
}}

QLabel[kind="title"] {{ font-size: 15pt; font-weight: 600; }}
QLabel[kind="heading"] {{ font-weight: 600; }}
QLabel[kind="muted"], QLabel[kind="facts"] {{ color: {theme.muted}; }}
QLabel[kind="facts"] {{ font-size: 9pt; }}
QLabel[kind="bad"] {{ color: {theme.bad}; }}
QLabel[kind="good"] {{ color: {theme.good}; font-weight: 600; }}
QLabel[kind="grave"] {{ color: {theme.bad}; font-weight: 600; }}
QLabel[kind="busy"] {{ color: {theme.busy}; font-weight: 600; }}
QLabel[kind="chip"], QLabel[kind="chipOn"] {{
    background: {theme.raised}; color: {theme.muted}; border-radius: 9px; padding: 2px 10px; font-size: 9pt;
}}
QLabel[kind="chipOn"] {{ background: {theme.selection}; color: {theme.good}; font-weight: 600; }}

QLineEdit, QPlainTextEdit#question, QComboBox {{
    background: {theme.surface}; color: {theme.text}; border: 1px solid {theme.line}; border-radius: 8px;
    padding: 6px 10px; selection-background-color: {theme.selection}; selection-color: {theme.text};
}}
QLineEdit:focus, QComboBox:focus {{ border: 1px solid {theme.accent}; }}
QSpinBox QLineEdit {{ border: none; padding: 0; background: transparent; }}
QComboBox {{ padding: 5px 10px; }}
QComboBox:disabled {{ color: {theme.muted}; background: {theme.window}; }}
QComboBox::drop-down {{ border: none; width: 24px; }}
QComboBox::down-arrow {{ image: none; }}
QComboBox QAbstractItemView {{ background: {theme.surface}; border: 1px solid {theme.line}; padding: 4px; }}
QFrame#composer {{ background: {theme.surface}; border: 1px solid {theme.line}; border-radius: 14px; }}
QFrame#composer[focused="true"] {{ border: 1px solid {theme.accent}; }}
QFrame#composer QPlainTextEdit {{ border: none; background: transparent; padding: 0; }}

QPushButton {{
    background: {theme.surface}; color: {theme.text}; border: 1px solid {theme.line}; border-radius: 8px;
    padding: 6px 12px;
}}
QPushButton:hover {{ background: {theme.raised}; }}
QPushButton:pressed {{ background: {theme.selection}; }}
QPushButton:focus {{ border: 1px solid {theme.accent}; }}
QPushButton:disabled {{ color: {theme.muted}; background: {theme.window}; }}
QPushButton[kind="primary"] {{
    background: {theme.accent}; color: {theme.on_accent}; border: 1px solid {theme.accent}; font-weight: 600;
}}
QPushButton[kind="primary"]:hover {{ border: 1px solid {theme.text}; }}
QPushButton[kind="primary"]:disabled {{
    background: {theme.raised}; color: {theme.muted}; border: 1px solid {theme.line};
}}
QToolButton {{ border: 1px solid transparent; border-radius: 6px; padding: 4px 8px; color: {theme.text};
    background: transparent; }}
QToolButton:hover {{ background: {theme.raised}; }}
QToolButton:focus {{ border: 1px solid {theme.accent}; }}
QToolButton:disabled {{ color: {theme.muted}; }}
QToolButton[kind="quiet"] {{ color: {theme.muted}; }}
QPushButton[kind="link"] {{ color: {theme.accent}; padding: 2px 0; border: none; background: transparent; }}
QPushButton[kind="link"]:hover, QPushButton[kind="link"]:focus {{ text-decoration: underline; }}
QToolButton::menu-indicator {{ image: none; }}

QTableView#documents {{
    background: {theme.surface}; border: 1px solid {theme.line}; border-radius: 8px; outline: none;
    selection-background-color: {theme.selection}; selection-color: {theme.text};
}}
QListView#chats {{ background: {theme.surface}; border: none; outline: none; }}
QListView#chats::item {{ padding: 7px 10px; border-radius: 6px; }}
QListView#chats::item:hover {{ background: {theme.raised}; }}
QListView#chats::item:selected {{ background: {theme.selection}; color: {theme.text}; }}
QFrame#popup {{ background: {theme.surface}; border: 1px solid {theme.line}; border-radius: 8px; }}

QWidget#models, QScrollArea#modelsScroll {{ background: {theme.window}; }}
QFrame#model {{ background: {theme.surface}; border: 1px solid {theme.line}; border-radius: 10px; }}
QFrame#tokenPanel {{ background: {theme.warn_wash}; border: 1px solid {theme.line}; border-radius: 8px; }}
QListWidget#modelFiles {{
    background: {theme.surface}; border: 1px solid {theme.line}; border-radius: 8px; padding: 4px;
}}

QFrame#questionBubble {{ background: {theme.raised}; border-radius: 12px; }}
QFrame#source {{ background: transparent; border: 1px solid {theme.line}; border-radius: 8px; }}
QFrame#source QToolButton {{ text-align: left; }}
QFrame#noticeBar[level="info"] {{ background: {theme.info_wash}; border-bottom: 1px solid {theme.line}; }}
QFrame#noticeBar[level="warning"] {{ background: {theme.warn_wash}; border-bottom: 1px solid {theme.line}; }}
QFrame#noticeBar[level="error"] {{ background: {theme.bad_wash}; border-bottom: 1px solid {theme.line}; }}
QPlainTextEdit#noticeDetail {{
    background: {theme.surface}; border: 1px solid {theme.line}; border-radius: 6px;
}}

QProgressBar {{ background: {theme.raised}; border: none; border-radius: 2px; max-height: 4px; }}
QProgressBar::chunk {{ background: {theme.accent}; border-radius: 2px; }}
QScrollBar:vertical {{ background: transparent; width: 10px; margin: 2px; }}
QScrollBar::handle:vertical {{ background: {theme.line}; border-radius: 3px; min-height: 32px; }}
QScrollBar::handle:vertical:hover {{ background: {theme.muted}; }}
QScrollBar::add-line:vertical, QScrollBar::sub-line:vertical {{ height: 0; }}
QScrollBar::add-page:vertical, QScrollBar::sub-page:vertical {{ background: transparent; }}
"""
