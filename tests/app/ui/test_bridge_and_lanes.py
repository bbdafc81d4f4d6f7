import logging
import sys
import threading
from functools import partial

import pytest
from PySide6.QtCore import QObject, QThread
from pytestqt.exceptions import capture_exceptions
from pytestqt.qtbot import QtBot

from app.services.answers import AnswerRefused, AnswerText
from app.services.library_events import DocumentsChanged, DocumentsRemoved, FoldersChanged, JobProgressed
from app.services.notices import Notice, NoticeBoard, NoticeLevel
from app.ui.background import Background
from app.ui.crash_hook import CrashHook
from app.ui.engine_bridge import EngineBridge
from tests.patience import PATIENCE_S


class Listener(QObject):
    """Remembers what arrived, and where."""

    def __init__(self) -> None:
        super().__init__()
        self.heard: list[object] = []
        self.threads: set[int] = set()

    def hear(self, *arguments: object) -> None:
        self.heard.append(arguments)
        self.threads.add(threading.get_ident())


def in_thread(job: object) -> None:
    assert callable(job)
    thread = threading.Thread(target=job, name="service")
    thread.start()
    thread.join()


def ignore(_error: Exception) -> None:
    raise AssertionError("no error was expected")


def test_events_of_other_threads_arrive_in_the_gui_thread_in_order(qtbot: QtBot) -> None:
    bridge, listener, token = EngineBridge(), Listener(), object()
    bridge.answer_event.connect(listener.hear)

    def publish() -> None:
        for piece in ("Dark", " gre", "en"):
            bridge.publish_answer(token, AnswerText(piece))
        bridge.publish_answer(token, AnswerRefused("No."))

    in_thread(publish)
    qtbot.waitUntil(lambda: len(listener.heard) == 2)
    assert listener.heard == [(token, AnswerText("Dark green")), (token, AnswerRefused("No."))]
    assert listener.threads == {threading.get_ident()}
    assert QThread.currentThread() is bridge.thread()


def test_pieces_of_two_answers_are_not_joined(qtbot: QtBot) -> None:
    bridge, listener, first, second = EngineBridge(), Listener(), object(), object()
    bridge.answer_event.connect(listener.hear)
    bridge.publish_answer(first, AnswerText("a"))
    bridge.publish_answer(second, AnswerText("b"))
    qtbot.waitUntil(lambda: len(listener.heard) == 2)


def test_a_burst_of_library_events_is_read_once(qtbot: QtBot) -> None:
    bridge, documents, folders, progress = EngineBridge(), Listener(), Listener(), Listener()
    bridge.documents_changed.connect(documents.hear)
    bridge.folders_changed.connect(folders.hear)
    bridge.job_progressed.connect(progress.hear)
    for document_id in range(500):
        bridge.publish(DocumentsChanged((document_id,)))
        bridge.publish(JobProgressed(7, document_id, 500))
    bridge.publish(DocumentsRemoved((1,)))
    bridge.publish(FoldersChanged())
    qtbot.waitUntil(lambda: bool(folders.heard))
    assert len(documents.heard) == 1
    assert progress.heard == [(JobProgressed(7, 499, 500),)]


def test_emitting_leaves_pythons_true_alone(qtbot: QtBot) -> None:
    """PySide6 6.12.0 dropped a reference to True with each emit; on Python 3.11 that aborts the process."""
    bridge = EngineBridge()
    before = sys.getrefcount(True)
    for _ in range(300):
        bridge.documents_changed.emit()
    assert abs(sys.getrefcount(True) - before) < 50


def test_a_lane_keeps_the_order_and_answers_in_the_gui_thread(qtbot: QtBot) -> None:
    lane, listener = Background("test", ignore), Listener()
    ran_in: list[str] = []

    def job(number: int) -> int:
        ran_in.append(threading.current_thread().name)
        return number

    with qtbot.waitSignal(lane.idle):
        for number in range(5):
            lane.run(partial(job, number), listener.hear)
    lane.close()
    assert listener.heard == [(0,), (1,), (2,), (3,), (4,)]
    assert listener.threads == {threading.get_ident()}
    assert len(set(ran_in)) == 1
    assert ran_in[0].startswith("ui-test")


def test_a_failed_job_is_told_to_who_asked_or_to_the_lane(qtbot: QtBot) -> None:
    of_the_lane, of_the_job = Listener(), Listener()
    lane = Background("test", of_the_lane.hear)

    def fail() -> None:
        raise OSError("disk full")

    with qtbot.waitSignal(lane.idle):
        lane.run(fail, None, of_the_job.hear)
        lane.run(fail)
    lane.close()
    assert [len(of_the_lane.heard), len(of_the_job.heard)] == [1, 1]


def test_a_closed_lane_takes_and_reports_nothing(qtbot: QtBot) -> None:
    lane, listener = Background("test", ignore), Listener()
    began, may_end = threading.Event(), threading.Event()

    def job() -> None:
        began.set()
        may_end.wait(PATIENCE_S)

    lane.run(job, listener.hear)
    lane.run(job, listener.hear)
    assert began.wait(PATIENCE_S)
    may_end.set()
    lane.close()
    lane.run(job, listener.hear)
    assert listener.heard == []


def test_a_bug_in_a_thread_becomes_a_notice_and_a_log_entry(caplog: pytest.LogCaptureFixture) -> None:
    notices, heard = NoticeBoard(), list[Notice]()
    notices.subscribe(heard.append)
    hook = CrashHook(notices)
    old = sys.excepthook, threading.excepthook
    hook.install()
    try:

        def crash() -> None:
            raise ValueError("rank must be positive, got -1")

        with caplog.at_level(logging.CRITICAL):
            in_thread(crash)
    finally:
        hook.remove()
    assert (sys.excepthook, threading.excepthook) == old
    assert heard[0].level is NoticeLevel.ERROR
    assert "rank must be positive, got -1" in heard[0].detail
    assert "rank must be positive" in caplog.text


def test_a_bug_in_a_slot_becomes_a_notice(qtbot: QtBot) -> None:
    notices, heard, bridge = NoticeBoard(), list[Notice](), EngineBridge()
    notices.subscribe(heard.append)

    class Broken(QObject):
        def hear(self) -> None:
            raise ValueError("a bug")

    broken = Broken()
    bridge.documents_changed.connect(broken.hear)
    with capture_exceptions():
        hook = CrashHook(notices)
        hook.install()
        bridge.documents_changed.emit()
        hook.remove()
    assert "a bug" in heard[0].detail
