"""How fast a download is said to be, and how long it will take."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.download_speed import WINDOW_S, DownloadSpeed
from app.services.model_words import duration_text, progress_text
from engine.models.messages import FetchPhase, FetchProgressed


def test_at_first_it_is_too_early_to_say() -> None:
    speed = DownloadSpeed()

    assert speed.note(100.0, 0) is None
    assert speed.note(100.5, 5_000_000) is None
    assert speed.note(102.0, 20_000_000) == 10_000_000


def test_what_was_there_before_does_not_count() -> None:
    speed = DownloadSpeed()
    speed.note(0.0, 4_000_000_000)

    assert speed.note(2.0, 4_000_002_000) == 1000


def test_it_follows_the_last_seconds() -> None:
    speed = DownloadSpeed()
    for second in range(100):
        speed.note(float(second), second * 1000)
    for second in range(1, 2 * int(WINDOW_S)):
        latest = speed.note(99.0 + second, 99_000 + second * 5000)

    assert latest == 5000


def test_standing_still_has_no_speed() -> None:
    speed = DownloadSpeed()
    for second in range(2 * int(WINDOW_S)):
        latest = speed.note(float(second), 1000)

    assert latest is None


def test_fewer_bytes_than_before_begin_anew() -> None:
    speed = DownloadSpeed()
    speed.note(0.0, 9_000)

    assert speed.note(5.0, 0) is None
    assert speed.note(7.0, 4_000) == 2_000


@given(st.lists(st.tuples(st.floats(0.01, 5.0), st.integers(0, 10**9)), min_size=2, max_size=60))
def test_it_lies_between_the_slowest_and_the_fastest_that_was_seen(steps: list[tuple[float, int]]) -> None:
    speed = DownloadSpeed()
    now_s, n_bytes, rates = 0.0, 0, []
    speed.note(now_s, n_bytes)
    for pause_s, n_new in steps:
        now_s, n_bytes = now_s + pause_s, n_bytes + n_new
        rates.append(n_new / pause_s)
        said = speed.note(now_s, n_bytes)
        assert said is None or min(rates) * 0.999 <= said <= max(rates) * 1.001


@pytest.mark.parametrize(
    ("duration_s", "expected"),
    [(0.2, "1 s"), (59.4, "59 s"), (61, "1 min"), (3599, "1 h 0 min"), (12_000, "3 h 20 min")],
)
def test_times_to_wait_are_said_as_people_do(duration_s: float, expected: str) -> None:
    assert duration_text(duration_s) == expected


def test_a_download_says_its_share_its_bytes_its_speed_and_the_rest() -> None:
    progress = FetchProgressed(FetchPhase.DOWNLOADING, "a/b.bin", 2_800_000_000, 8_200_000_000)

    assert progress_text(progress) == "downloading 34%, 2.8 GB of 8.2 GB (b.bin)"
    assert progress_text(progress, 10e6) == "downloading 34%, 2.8 GB of 8.2 GB, 10.0 MB/s, 9 min left (b.bin)"


def test_what_is_not_a_download_has_no_speed() -> None:
    checking = FetchProgressed(FetchPhase.CHECKING, "b.bin", 50, 100)

    assert "MB/s" not in progress_text(checking, 10e6)
    assert progress_text(FetchProgressed(FetchPhase.ASKING)) == "asking the hub"
