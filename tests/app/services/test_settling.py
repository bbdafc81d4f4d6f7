from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from app.services.settling import FileStamp, Settling

NOTE = Path("/notes/a.md")
OLD = FileStamp(10, 1)
NEW = FileStamp(20, 2)


def test_a_file_settles_when_nothing_happened_for_the_whole_silence() -> None:
    settling = Settling(1.0)
    settling.touch(NOTE, OLD, 10.0)

    assert settling.due(10.9) == ()
    assert settling.due(11.0) == (NOTE,)
    assert settling.look(NOTE, OLD, 11.0)
    assert len(settling) == 0


def test_every_event_begins_the_silence_anew() -> None:
    settling = Settling(1.0)
    for step in range(20):
        settling.touch(NOTE, OLD, 10.0 + 0.5 * step)

    assert settling.due(20.4) == ()
    assert settling.due(20.5) == (NOTE,)


def test_a_file_that_grew_without_an_event_is_not_taken() -> None:
    settling = Settling(1.0)
    settling.touch(NOTE, OLD, 10.0)

    assert not settling.look(NOTE, NEW, 11.0)
    assert not settling.look(NOTE, NEW, 11.5)
    assert settling.look(NOTE, NEW, 12.0)


def test_a_file_that_is_gone_for_a_moment_settles_as_what_it_is_afterwards() -> None:
    settling = Settling(1.0)
    settling.touch(NOTE, OLD, 10.0)
    settling.touch(NOTE, None, 10.1)
    settling.touch(NOTE, NEW, 10.2)

    assert settling.look(NOTE, NEW, 11.2)


def test_a_vanished_file_takes_longer_so_that_its_new_place_is_seen_first() -> None:
    settling = Settling(1.0)
    settling.touch(Path("/notes/old.md"), None, 10.0)
    settling.touch(Path("/notes/new.md"), OLD, 10.5)

    assert settling.due(11.5) == (Path("/notes/new.md"),)
    assert set(settling.due(12.0)) == {Path("/notes/old.md"), Path("/notes/new.md")}


def test_a_path_nobody_touched_never_settles() -> None:
    assert not Settling(1.0).look(NOTE, OLD, 100.0)


def test_a_dropped_path_is_no_longer_pending() -> None:
    settling = Settling(1.0)
    settling.touch(NOTE, OLD, 10.0)
    settling.drop(NOTE)

    assert settling.wait_s(10.0) is None


def test_a_silence_that_is_not_positive_is_refused() -> None:
    with pytest.raises(ValueError, match="silence_s"):
        Settling(0.0)


STEPS = st.lists(
    st.tuples(
        st.sampled_from(["touch", "look"]),
        st.sampled_from([Path("/a"), Path("/b")]),
        st.sampled_from([OLD, NEW, None]),
        st.floats(0.0, 2.0),
    ),
    max_size=40,
)


@given(STEPS)
def test_whatever_settles_was_silent_and_unchanged_since_its_last_event(
    steps: list[tuple[str, Path, FileStamp | None, float]],
) -> None:
    settling = Settling(1.0)
    last: dict[Path, tuple[FileStamp | None, float]] = {}
    now_s = 0.0
    for what, path, stamp, pause_s in steps:
        now_s += pause_s
        if what == "touch":
            settling.touch(path, stamp, now_s)
            last[path] = (stamp, now_s)
        elif settling.look(path, stamp, now_s):
            last_stamp, last_s = last.pop(path)
            assert last_stamp == stamp
            assert now_s >= last_s + (2.0 if stamp is None else 1.0)
        elif path in last and last[path][0] != stamp:
            last[path] = (stamp, now_s)
    wait_s = settling.wait_s(now_s)
    assert (wait_s is None) == (len(settling) == 0)
    if wait_s is not None:
        # Every path that stays as it is settles in the end.
        assert settling.due(now_s + 2.0)
