import io
import re
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest

from setup_console import Console, StepFailed, causes, clock, pip_status


@pytest.fixture
def out() -> io.StringIO:
    return io.StringIO()


@pytest.fixture
def console(tmp_path: Path, out: io.StringIO) -> Iterator[Console]:
    made = Console(tmp_path / "logs" / "setup.log", 2, out)
    yield made
    made.close()


def test_a_step_is_announced_with_its_number_and_ends_with_its_time(
    console: Console, out: io.StringIO
) -> None:
    console.begin("Libraries")
    console.end("compiled")
    assert out.getvalue().splitlines()[0] == "[1/2] Libraries"
    assert re.fullmatch(r"      done: compiled, \d+ s", out.getvalue().splitlines()[1])


@pytest.mark.skipif(sys.platform == "win32", reason="a terminal for a test is made with pty")
def test_a_terminal_shows_a_step_in_one_line_that_is_drawn_anew(tmp_path: Path) -> None:
    import os
    import pty

    reading, writing = pty.openpty()
    with os.fdopen(writing, "w") as terminal:
        console = Console(tmp_path / "setup.log", 7, terminal)
        console.begin("PyTorch 2.13.0")
        console.run([sys.executable, "-c", "print('compiling')"], read_status=str.strip)
        console.end()
        console.close()
        terminal.write("the end")
        terminal.flush()
        shown = ""
        while not shown.endswith("the end"):  # a terminal hands over what it has so far, not all
            shown += os.read(reading, 10_000).decode()
    os.close(reading)
    line, *rest = shown.split("\r\n")
    assert rest == ["the end"]
    assert line.split("\r")[1].startswith("[1/7] PyTorch 2.13.0  0:00")
    assert "compiling" in line
    assert re.search(r" \d+ s *$", line.split("\r")[-1])


def test_what_a_command_prints_goes_to_the_log_and_not_to_the_screen(
    console: Console, out: io.StringIO
) -> None:
    console.begin("Libraries")
    printed = console.run([sys.executable, "-c", "import sys; print('one'); print('two', file=sys.stderr)"])
    assert sorted(printed.split()) == ["one", "two"]
    assert "two" not in out.getvalue()
    assert "two" in console.log_path.read_text(encoding="utf-8")


def test_output_that_is_not_utf8_does_not_stop_a_step(console: Console) -> None:
    console.begin("Libraries")
    script = "import sys; sys.stdout.buffer.write(bytes([0xff, 0x0a]))"
    assert console.run([sys.executable, "-c", script]) == "\ufffd\n"


def test_a_failing_command_names_the_step_and_the_cause(console: Console) -> None:
    console.begin("PyTorch")
    script = "import sys; print('OSError: [Errno 28] No space left on device'); sys.exit(2)"
    with pytest.raises(StepFailed, match=r'^The step "PyTorch" failed\. The disk is full\.$'):
        console.run([sys.executable, "-c", script])


def test_a_failure_of_an_unknown_kind_names_the_step_alone(console: Console) -> None:
    console.begin("PyTorch")
    with pytest.raises(StepFailed, match=r'^The step "PyTorch" failed\.$'):
        console.run([sys.executable, "-c", "raise SystemExit(3)"])


def test_the_usual_causes_are_told_in_words() -> None:
    line = "NewConnectionError: Failed to establish a new connection: [Errno -3] Temporary failure"
    assert causes(line) == "There seems to be no network connection."
    assert causes("THESE PACKAGES DO NOT MATCH THE HASHES FROM THE REQUIREMENTS FILE") is not None
    assert causes("Segmentation fault") is None


@pytest.mark.parametrize(
    ("line", "status"),
    [
        ("Progress 96000000 of 192000000\n", "downloading, 96 of 192 MB"),
        ("Progress 1000 of 2000\n", None),
        ("  Downloading torch-2.13.0-cp311-cp311-linux_x86_64.whl (192 MB)\n", "downloading torch"),
        ("Installing collected packages: torch\n", "unpacking"),
        ("Requirement already satisfied: numpy\n", None),
        ("\n", None),
    ],
)
def test_pips_lines_tell_what_it_is_doing(line: str, status: str | None) -> None:
    assert pip_status(line) == status


def test_a_clock_shows_minutes_and_seconds() -> None:
    assert clock(75.9) == "1:15"
