import json
import threading
from dataclasses import replace
from pathlib import Path

import pytest

from app.services.notices import Notice, NoticeBoard
from app.services.settings import Settings, SettingsFile
from engine.messages import AnswerMode


@pytest.fixture
def notices() -> list[Notice]:
    return []


@pytest.fixture
def board(notices: list[Notice]) -> NoticeBoard:
    board = NoticeBoard()
    board.subscribe(notices.append)
    return board


def test_a_profile_without_settings_has_the_defaults(tmp_path: Path, board: NoticeBoard) -> None:
    assert SettingsFile(tmp_path / "settings.json", board).current == Settings()


def test_saved_settings_are_read_again(tmp_path: Path, board: NoticeBoard, notices: list[Notice]) -> None:
    path = tmp_path / "new folder" / "settings.json"
    settings = Settings(mode=AnswerMode.QUOTES, max_active_chunks=7, n_threads=2, temperature=0.5)

    SettingsFile(path, board).save(settings)

    assert SettingsFile(path, board).current == settings
    assert notices == []
    assert [file.name for file in path.parent.iterdir()] == ["settings.json"]


def test_keys_of_a_newer_version_are_kept(tmp_path: Path, board: NoticeBoard) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({"colour_of_the_moon": [1, 2], "n_ctx": 8192}), encoding="utf-8")
    file = SettingsFile(path, board)

    file.save(Settings(n_ctx=2048))

    raw = json.loads(path.read_text(encoding="utf-8"))
    assert raw["colour_of_the_moon"] == [1, 2]
    assert raw["n_ctx"] == 2048


@pytest.mark.parametrize(
    "content", [b"{", b"[1]", b"\xff\xfe\x00", b"", b"null", b"[" * 200_000], ids=range(6)
)
def test_a_broken_file_is_moved_aside_and_said(
    tmp_path: Path, board: NoticeBoard, notices: list[Notice], content: bytes
) -> None:
    path = tmp_path / "settings.json"
    path.write_bytes(content)

    assert SettingsFile(path, board).current == Settings()

    kept = [file for file in tmp_path.iterdir() if ".broken-" in file.name]
    assert [file.read_bytes() for file in kept] == [content]
    assert len(notices) == 1


@pytest.mark.parametrize(
    ("key", "value"),
    [
        ("max_active_chunks", 0),
        ("max_active_chunks", "4"),
        ("max_active_chunks", True),
        ("mode", "shout"),
        ("device", "abacus"),
        ("n_threads", 1.5),
        ("temperature", None),
        ("settle_s", -1),
        ("temperature", float("inf")),
        ("temperature", float("nan")),
        ("max_answer_tokens", 10**400),
    ],
)
def test_a_senseless_value_costs_only_itself(
    tmp_path: Path, board: NoticeBoard, notices: list[Notice], key: str, value: object
) -> None:
    path = tmp_path / "settings.json"
    path.write_text(json.dumps({key: value, "n_ctx": 2048}), encoding="utf-8")

    current = SettingsFile(path, board).current

    assert current == Settings(n_ctx=2048)
    assert len(notices) == 1
    assert key in notices[0].detail or str(value) in notices[0].detail


def test_settings_that_cannot_be_written_are_in_force_all_the_same(
    tmp_path: Path, board: NoticeBoard
) -> None:
    path = tmp_path / "a file" / "settings.json"
    (tmp_path / "a file").write_text("in the way", encoding="utf-8")
    file = SettingsFile(path, board)

    with pytest.raises(OSError, match="a file"):
        file.save(Settings(n_ctx=2048))

    assert file.current.n_ctx == 2048


def test_changes_from_several_threads_do_not_undo_each_other(tmp_path: Path) -> None:
    settings = SettingsFile(tmp_path / "settings.json", NoticeBoard())

    def count() -> None:
        for _ in range(50):
            settings.change(lambda current: replace(current, max_answer_tokens=current.max_answer_tokens + 1))

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()

    assert settings.current.max_answer_tokens == Settings().max_answer_tokens + 200
    assert SettingsFile(tmp_path / "settings.json", NoticeBoard()).current == settings.current
