import pytest

from app.cli import bench_measurements
from app.cli.bench_command import rows_of
from app.cli.bench_measurements import N_ENABLED, N_NOTES_TIMED, N_WORDS, Measurements, write_notes
from app.services.settings import Settings
from engine.messages import AnswerMode
from tests.app.cli.conftest import Shell


def test_the_notes_differ_and_have_exactly_the_words_that_are_promised(shell: Shell) -> None:
    texts = [path.read_text(encoding="utf-8") for path in write_notes(shell.notes, 20)]

    assert {len(text.split()) for text in texts} == {N_WORDS}
    assert len(set(texts)) == 20


def test_a_promise_is_met_up_to_its_target_and_missed_beyond() -> None:
    measured = Measurements(
        note=[1.9, 2.0, 9.0], none=[0.1], twelve_on=[0.13], twelve_at_once=[0.14], in_prompt=[0.12]
    )

    assert [(row.value, row.met) for row in rows_of(measured)] == [
        (2.0, True),
        (pytest.approx(1.3), True),
        (pytest.approx(1.4), False),
        (pytest.approx(0.13 / 0.12), False),
    ]


def test_a_run_measures_every_way_of_asking_and_leaves_the_users_library_alone(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_measurements, "N_ROUNDS", 2)

    ended = shell("bench", "--json")

    assert ended.code == 0
    seconds = ended.json["seconds"]
    assert {name: len(values) for name, values in seconds.items()} == {
        "note": N_NOTES_TIMED,
        **dict.fromkeys(Measurements.ASKED, 2),
    }
    # Before each question that is timed comes another one that is not.
    none, on, at_once, in_prompt = shell.chat_engine.asked[1:8:2]
    assert (none.mode, len(none.parts)) == (AnswerMode.MEMORY, 0)
    assert 1 <= len(on.parts) <= Settings().max_active_chunks
    assert len(at_once.parts) == N_ENABLED
    assert (in_prompt.mode, len(in_prompt.question.split()) > N_WORDS) == (AnswerMode.PLAIN, True)
    assert not shell.home.exists()


def test_the_table_says_of_each_promise_whether_it_was_kept(
    shell: Shell, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(bench_measurements, "N_ROUNDS", 1)
    monkeypatch.setattr(bench_measurements, "N_NOTES_TIMED", 1)

    lines = shell("bench").out.splitlines()

    assert lines[0].split() == ["measured", "target"]
    assert {line.split()[-1] for line in lines[1:5]} <= {"met", "MISSED"}
    assert lines[-1] == "learning on CPU, fake; answering on CPU, fake"
