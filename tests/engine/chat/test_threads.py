import os
import platform

import pytest

from engine.chat import threads
from engine.chat.threads import choose_threads


@pytest.mark.parametrize(("n_cores", "expected"), [(1, 1), (2, 1), (4, 3), (64, 8)])
def test_one_core_is_left_over(monkeypatch: pytest.MonkeyPatch, n_cores: int, expected: int) -> None:
    monkeypatch.setattr(threads, "count_physical_cores", lambda: n_cores)
    assert choose_threads(None) == expected


def test_a_wish_is_followed() -> None:
    assert choose_threads(16) == 16


def test_a_wish_below_one_is_refused() -> None:
    with pytest.raises(ValueError, match="0"):
        choose_threads(0)


@pytest.mark.skipif(platform.system() != "Linux", reason="reads Linux's description of the processor")
def test_cores_that_this_process_may_not_use_do_not_count() -> None:
    allowed = os.sched_getaffinity(0)
    try:
        os.sched_setaffinity(0, {min(allowed)})
        assert threads.count_physical_cores() == 1
    finally:
        os.sched_setaffinity(0, allowed)


@pytest.mark.parametrize(
    ("system", "machine", "expected"),
    [("Windows", "AMD64", 4), ("Darwin", "x86_64", 4), ("Darwin", "arm64", 8)],
)
def test_elsewhere_half_the_logical_cores_are_taken_for_physical_unless_there_is_no_hyperthreading(
    monkeypatch: pytest.MonkeyPatch, system: str, machine: str, expected: int
) -> None:
    monkeypatch.setattr(platform, "system", lambda: system)
    monkeypatch.setattr(platform, "machine", lambda: machine)
    monkeypatch.setattr(os, "cpu_count", lambda: 8)
    assert threads.count_physical_cores() == expected
