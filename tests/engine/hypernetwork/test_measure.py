"""The measuring script on a tiny shape; its numbers are for docs/devices.md, not for tests."""

import pytest

from engine.hypernetwork.measure import main


def test_a_table_has_a_row_for_each_encoder_and_length(capsys: pytest.CaptureFixture[str]) -> None:
    arguments = "--shape tiny --device cpu --encoder fp32 bf16 --tokens 20 40 --runs 1 --blocks 1"
    assert main(arguments.split()) == 0
    rows = [line for line in capsys.readouterr().out.splitlines() if line.startswith(("| fp32", "| bf16"))]
    assert [row.split("|")[1:3] for row in rows] == [
        [" fp32 ", " 20 "],
        [" fp32 ", " 40 "],
        [" bf16 ", " 20 "],
        [" bf16 ", " 40 "],
    ]
