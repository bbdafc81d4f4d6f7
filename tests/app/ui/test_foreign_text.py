"""Nothing a note, an answer, a title or a path says is loaded or rendered as markup."""

import array
import os
import shutil
import subprocess
import sys
from dataclasses import replace
from pathlib import Path

import pytest
from PySide6.QtCore import QPoint, Qt
from PySide6.QtGui import QColor, QFontMetrics, QImage
from PySide6.QtTest import QTest
from PySide6.QtWidgets import QApplication, QLabel, QTextBrowser, QToolTip
from pytestqt.qtbot import QtBot

from app.services.notices import Notice, NoticeLevel
from app.ui.answer_text import AnswerText
from app.ui.chat_list import ChatListModel
from app.ui.document_table_model import DocumentRole, DocumentTableModel
from app.ui.elided_label import ElidedLabel
from app.ui.folder_list import FolderList
from app.ui.model_files_dialog import ModelFilesDialog
from app.ui.notice_bar import NoticeBar
from app.ui.plain_text import MarkupLabel, PlainLabel, button_text, plain_tool_tip, set_tool_tip
from app.ui.source_view import SourceView
from app.ui.status_line import StatusLine
from engine.models.messages import ModelState
from storage.records import ChatRecord, DocumentState, FolderRecord, SourceRecord
from tests.app.ui.fakes import NOW, document, model
from tests.app.ui.foreign_scenes import SCENES, Scene, markdown, markup, painted, tool_tip

MAGENTA = "#ff00ff"
LIMIT_S = 600
"""Of a process that does nothing but show widgets: one that hangs is killed."""

# Put before the C library by the dynamic linker. Whatever Qt looks at or opens has to come through these; the
# names of a folder called "bait", and nothing else, are written down.
WATCHER = r"""
#define _GNU_SOURCE
#include <dirent.h>
#include <dlfcn.h>
#include <fcntl.h>
#include <stdarg.h>
#include <stdio.h>
#include <stdlib.h>
#include <string.h>
#include <sys/stat.h>
#include <unistd.h>

static void note(const char *call, const char *path) {
    char line[4096];
    if (path == NULL || strstr(path, "/bait/") == NULL) return;
    int n = snprintf(line, sizeof line, "%s %s\n", call, path);
    int (*real)(const char *, int, ...) = dlsym(RTLD_NEXT, "open");
    int log = real(getenv("FILE_LOG"), O_WRONLY | O_APPEND);
    if (log < 0 || write(log, line, n) != n) abort();
    close(log);
}

#define OPEN(name) \
    int name(const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        note(#name, path); \
        return ((int (*)(const char *, int, ...))dlsym(RTLD_NEXT, #name))(path, flags, mode); \
    }
#define OPENAT(name) \
    int name(int folder, const char *path, int flags, ...) { \
        va_list rest; va_start(rest, flags); int mode = va_arg(rest, int); va_end(rest); \
        note(#name, path); \
        return ((int (*)(int, const char *, int, ...))dlsym(RTLD_NEXT, #name))(folder, path, flags, mode); \
    }
#define PATH1(type, name, A) \
    type name(const char *path, A a) { \
        note(#name, path); \
        return ((type (*)(const char *, A))dlsym(RTLD_NEXT, #name))(path, a); \
    }

OPEN(open)
OPEN(open64)
OPENAT(openat)
OPENAT(openat64)
PATH1(FILE *, fopen, const char *)
PATH1(FILE *, fopen64, const char *)
PATH1(int, access, int)
PATH1(int, stat, struct stat *)
PATH1(int, stat64, struct stat64 *)
PATH1(int, lstat, struct stat *)
PATH1(int, lstat64, struct stat64 *)

int statx(int folder, const char *restrict path, int flags, unsigned mask, struct statx *restrict found) {
    note("statx", path);
    return ((int (*)(int, const char *, int, unsigned, struct statx *))dlsym(RTLD_NEXT, "statx"))
        (folder, path, flags, mask, found);
}

DIR *opendir(const char *path) {
    note("opendir", path);
    return ((DIR *(*)(const char *))dlsym(RTLD_NEXT, "opendir"))(path);
}
"""


@pytest.fixture
def watched(tmp_path: Path) -> dict[str, str]:
    """The environment of a process that is watched; what it looks for is in the file that FILE_LOG names."""
    if sys.platform != "linux":
        pytest.skip("LD_PRELOAD is Linux's")
    compiler = shutil.which("cc") or shutil.which("gcc") or shutil.which("clang")
    if compiler is None:
        pytest.skip("no C compiler for the watching library")
    source, library, log = tmp_path / "watcher.c", tmp_path / "watcher.so", tmp_path / "files.log"
    source.write_text(WATCHER, encoding="utf-8")
    subprocess.run([compiler, "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    log.touch()
    quiet = {name: value for name, value in os.environ.items() if not name.endswith("DISPLAY")}
    return quiet | {"LD_PRELOAD": str(library), "FILE_LOG": str(log), "QT_QPA_PLATFORM": "offscreen"}


def run_watched(environment: dict[str, str], *arguments: str, scale: str = "1") -> tuple[str, list[str]]:
    """What it printed, and the files that it looked for."""
    finished = subprocess.run(
        [sys.executable, *arguments],
        env=environment | {"QT_SCALE_FACTOR": scale},
        stdin=subprocess.DEVNULL,
        capture_output=True,
        text=True,
        check=False,
        timeout=LIMIT_S,
    )
    assert finished.returncode == 0, finished.stderr
    return finished.stdout, Path(environment["FILE_LOG"]).read_text(encoding="utf-8").splitlines()


# On a screen of high resolution Qt looks for a second, larger picture.
@pytest.mark.parametrize("scale", ["1", "2"])
def test_no_text_makes_the_window_open_or_look_for_a_file(
    watched: dict[str, str], tmp_path: Path, scale: str
) -> None:
    printed, touched = run_watched(
        watched, "-m", "tests.app.ui.foreign_scenes", f"{tmp_path}/bait", scale=scale
    )
    assert printed.split() == [scene.__name__ for scene in SCENES]
    assert touched == []


def test_the_watcher_sees_what_qt_opens_for_text_that_it_takes_for_markup(
    watched: dict[str, str], tmp_path: Path
) -> None:
    script = f"""
from PySide6.QtWidgets import QApplication, QLabel, QTextBrowser
qt = QApplication([])
label = QLabel({markup(f"{tmp_path}/bait/label.png")!r})
label.show()
label.grab()
text = QTextBrowser()
text.setMarkdown({markdown(f"{tmp_path}/bait/answer.png")!r})
text.show()
text.grab()
"""
    _, touched = run_watched(watched, "-c", script, scale="2")
    assert any(line.startswith("open") and line.endswith("/bait/label.png") for line in touched)
    assert any(line.startswith("open") and line.endswith("/bait/answer.png") for line in touched)
    assert any("/bait/answer@2x.png" in line for line in touched)


@pytest.fixture
def picture(tmp_path: Path) -> Path:
    path = tmp_path / "picture.png"
    image = QImage(60, 40, QImage.Format.Format_RGB32)
    image.fill(QColor(MAGENTA))
    assert image.save(str(path))
    return path


def n_magenta(image: QImage) -> int:
    pixels = array.array("I", bytes(image.convertToFormat(QImage.Format.Format_RGB32).constBits()))
    return pixels.count(QColor(MAGENTA).rgb())


@pytest.mark.parametrize("scene", SCENES, ids=[scene.__name__ for scene in SCENES])
def test_no_picture_is_painted(qtbot: QtBot, picture: Path, scene: Scene) -> None:
    assert [n_magenta(image) for image in scene(str(picture))] == [0] * len(scene(str(picture)))


def test_a_picture_would_be_seen(qtbot: QtBot, picture: Path) -> None:
    label = QLabel(markup(str(picture)))
    qtbot.addWidget(label)
    QToolTip.hideText()
    label.setToolTip(markup(str(picture)))
    text = QTextBrowser()
    qtbot.addWidget(text)
    text.setMarkdown(markdown(str(picture)))
    for image in (*painted(label, text), tool_tip(label, QPoint(2, 2))):
        assert n_magenta(image) >= 60 * 40


@pytest.mark.parametrize("text", ["<b>bold</b>", "a <br> b", "x &lt; y", "<!doctype html>", "<?xml?><p>"])
def test_a_tool_tip_and_a_label_paint_every_character(qtbot: QtBot, text: str) -> None:
    label = PlainLabel(text)
    qtbot.addWidget(label)
    set_tool_tip(label, text)
    width = QFontMetrics(label.font()).horizontalAdvance(text)
    (on_label,) = painted(label)
    on_tip = tool_tip(label, QPoint(2, 2))
    assert on_label.width() >= width
    assert on_tip.width() >= QFontMetrics(QToolTip.font()).horizontalAdvance(text)
    # One character less is seen, so each of them is painted.
    label.setText(text[:-1] + " ")
    set_tool_tip(label, text[:-1] + " ")
    assert painted(label)[0] != on_label
    assert tool_tip(label, QPoint(2, 2)) != on_tip


def test_a_tool_tip_is_read_aloud_as_text(qtbot: QtBot) -> None:
    label = PlainLabel("Boat")
    qtbot.addWidget(label)
    set_tool_tip(label, "1 < 2")
    assert label.accessibleDescription() == "1 < 2"
    assert plain_tool_tip("") == ""
    assert len(plain_tool_tip("long " * 1_000_000)) < 3_000


def test_an_answer_says_which_picture_it_does_not_load(qtbot: QtBot) -> None:
    text = AnswerText()
    qtbot.addWidget(text)
    data = "data:image/png;base64," + "A" * 5000
    text.show_markdown(f"See ![the *boat*](/pictures/boat.png 'title'), ![a](a.png) and ![x]({data}).")
    shown = text.toPlainText()
    assert "[Picture, not loaded: the, /pictures/boat.png]" in shown
    assert "[Picture, not loaded: a, a.png]" in shown
    assert "[Picture, not loaded: x, data:image/png;base64,AAA" in shown
    assert len(shown) < 500
    assert "\ufffc" not in shown


def test_code_in_an_answer_that_looks_like_a_picture_stays(qtbot: QtBot) -> None:
    text = AnswerText()
    qtbot.addWidget(text)
    text.show_markdown("`![x](y.png)`\n\n```\n![x](z.png)\n```\n\nand \ufffc alone")
    assert [line for line in text.toPlainText().split("\n") if line] == [
        "![x](y.png)",
        "![x](z.png)",
        "and \ufffc alone",
    ]


def test_an_answer_looks_as_before_after_each_of_its_words(qtbot: QtBot) -> None:
    text = AnswerText()
    qtbot.addWidget(text)
    text.resize(200, 10)
    text.show()
    for n_words in range(1, 60):
        text.show_markdown("word " * n_words)
    assert text.height() > 3 * text.fontMetrics().lineSpacing()
    assert text.document().documentMargin() == 0
    assert text.document().defaultFont() == text.font()
    assert (
        len(text.findChildren(type(text.document()), options=Qt.FindChildOption.FindDirectChildrenOnly)) < 60
    )


def test_a_link_in_an_answer_says_where_it_leads_and_leads_nowhere(
    qtbot: QtBot, monkeypatch: pytest.MonkeyPatch
) -> None:
    opened: list[object] = []
    monkeypatch.setattr("PySide6.QtGui.QDesktopServices.openUrl", opened.append)
    text = AnswerText()
    qtbot.addWidget(text)
    text.resize(400, 100)
    text.show_markdown("[hover](http://l.example/a 'a title')")
    image = tool_tip(text.viewport(), QPoint(8, 8))
    expected = plain_tool_tip("http://l.example/a")
    assert QToolTip.text() == expected
    assert not image.isNull()
    QTest.mouseClick(text.viewport(), Qt.MouseButton.LeftButton, pos=QPoint(8, 8))
    assert "hover" in text.toPlainText()
    assert opened == []


def test_what_is_no_markup_of_ours_is_literal_in_a_label_for_markup(qtbot: QtBot, picture: Path) -> None:
    label = MarkupLabel(opens_links=False)
    qtbot.addWidget(label)
    label.setText(markup(str(picture)))
    assert n_magenta(painted(label)[0]) == 0


def test_a_name_on_a_button_is_no_shortcut(qtbot: QtBot, qapp: QApplication) -> None:
    assert button_text("Salt & pepper\n&Quit") == "Salt && pepper &&Quit"


def test_a_name_that_turns_its_letters_around_is_not_shown_so(qtbot: QtBot) -> None:
    """Of a catalog from before titles were cleaned, and of paths, which stay what they are."""
    name = "invoice\u202efdp.exe"
    path = Path(f"/notes/{name}")
    waiting = replace(document(1, "Boat", DocumentState.QUEUED), title=name, path=path)
    learning = replace(waiting, id=2, state=DocumentState.LEARNING)
    documents = DocumentTableModel()
    documents.show([waiting, learning])
    chats = ChatListModel()
    chats.show([ChatRecord(1, name, NOW, NOW)])
    source = SourceView([SourceRecord(1, name, str(path), 1, "text", 1.0)])
    folders = FolderList()
    folders.show_folders([FolderRecord(1, path, NOW)])
    status = StatusLine()
    status.set_started()
    status.set_documents((learning,))
    files = ModelFilesDialog(model("gemma-2-2b", ModelState.MISSING))
    files.add([path])
    notices = NoticeBar()
    notices.add(Notice(NoticeLevel.ERROR, f"There is no {path}.", str(path), str(path)))
    for widget in (source, folders, status, files, notices):
        qtbot.addWidget(widget)
    roles = (Qt.ItemDataRole.DisplayRole, Qt.ItemDataRole.ToolTipRole, Qt.ItemDataRole.AccessibleTextRole)
    shown = [str(documents.index(0, 0).data(role)) for role in (*roles, DocumentRole.REMARK)]
    shown += [str(chats.index(0).data(role)) for role in roles[:2]]
    shown += [source.toggle.text(), folders.findChildren(ElidedLabel)[0].text(), status.activity.text()]
    shown += [files.list.item(0).text(), notices.title.text(), notices.detail.toPlainText()]
    for text in shown:
        assert "\u202e" not in text
        assert "invoice\ufffdfdp.exe" in text
    assert files.sources == (path,)
