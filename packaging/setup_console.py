"""One line of progress per step, the full output in a log file, and one sentence when a step fails."""

import os
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import TextIO

READ_STATUS = Callable[[str], str | None]
"""Turns a line of a tool's output into a few words for the progress line; None leaves them as they are."""

_REPORT_EVERY_S = 30.0
"""How often a line says that a long step still runs, where the output is no terminal."""


class SetupFailed(Exception):
    """The set-up cannot go on; the message is one sentence for the user."""


class StepFailed(SetupFailed):
    """A tool that a step ran gave up.

    Args:
        sentence: what failed, and why where the output told it.
    """


def causes(log_tail: str) -> str | None:
    """Why a tool failed, in words, where its output has one of the usual reasons."""
    text = log_tail.lower()
    known = {
        "no space left on device": "The disk is full.",
        "temporary failure in name resolution": "There seems to be no network connection.",
        "failed to establish a new connection": "There seems to be no network connection.",
        "getaddrinfo failed": "There seems to be no network connection.",
        "read timed out": "The network is too slow or broke off; typing the same command again goes on.",
        "incompleteread": "The network is too slow or broke off; typing the same command again goes on.",
        "do not match the hashes": "A downloaded file is not the one expected; nothing of it was installed.",
        "no matching distribution found": "The package index cannot be reached, or lacks this package.",
        "signal terminated program": "The computer ran out of memory while compiling.",
        "permission denied": "A file or folder may not be written.",
    }
    return next((cause for sign, cause in known.items() if sign in text), None)


def clock(seconds: float) -> str:
    """``seconds`` as minutes and seconds: 75 -> "1:15"."""
    return f"{int(seconds) // 60}:{int(seconds) % 60:02d}"


class Console:
    """Prints the steps of a set-up and runs their commands.

    Args:
        log_path: file that gets every line the commands print; made anew.
        n_steps: how many steps will be announced.
        out: where the progress goes.
    """

    def __init__(self, log_path: Path, n_steps: int, out: TextIO = sys.stdout) -> None:
        log_path.parent.mkdir(parents=True, exist_ok=True)
        self.log_path = log_path
        self._log = log_path.open("w", encoding="utf-8")
        self._n_steps = n_steps
        self._step = 0
        self._title = ""
        self._status = ""
        self._started = time.monotonic()
        self._begun = self._started
        self._out = out
        self._is_terminal = out.isatty()
        self._width = 0

    def begin(self, title: str) -> None:
        """Announce the next step."""
        self._step += 1
        self._title = title
        self._status = ""
        self._started = time.monotonic()
        self._log.write(f"\n=== {title}\n")
        if self._is_terminal:
            self._redraw()
        else:
            self._print(self._line())

    def end(self, remark: str = "") -> None:
        """Say that the step is done, and how long it took."""
        took = f"{time.monotonic() - self._started:.0f} s"
        done = f"{remark}, {took}" if remark else took
        if self._is_terminal:
            self._status = done
            self._redraw()
            self._print("")
            self._width = 0
        else:
            self._print(f"      done: {done}")

    def say(self, sentence: str) -> None:
        """A line of its own between the steps."""
        self._log.write(sentence + "\n")
        self._print(sentence)

    def total_s(self) -> float:
        """Seconds since this console was made."""
        return time.monotonic() - self._begun

    def close(self) -> None:
        """Close the log file."""
        self._log.close()

    def run(
        self,
        command: Sequence[str],
        *,
        read_status: READ_STATUS = lambda line: None,
        environment: Mapping[str, str] | None = None,
    ) -> str:
        """Run a command, its output going to the log.

        Returns:
            What it printed.

        Raises:
            StepFailed: it ended with another code than 0.
        """
        self._log.write("$ " + " ".join(command) + "\n")
        lines: list[str] = []
        with subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=subprocess.PIPE,
            stderr=subprocess.STDOUT,
            text=True,
            encoding="utf-8",
            errors="replace",
            env=dict(environment) if environment is not None else None,
        ) as process:
            reader = threading.Thread(
                target=self._read, args=(process, lines, read_status), name="setup-output"
            )
            reader.start()
            try:
                self._wait(reader)
            except BaseException:  # Ctrl-C: the child got it as well, but a compiler may not care
                process.kill()
                raise
            finally:
                reader.join()
        output = "".join(lines)
        if process.returncode != 0:
            raise StepFailed(self._failure(output[-20_000:]))
        return output

    def _read(self, process: "subprocess.Popen[str]", lines: list[str], read_status: READ_STATUS) -> None:
        assert process.stdout is not None  # asked for with PIPE
        for line in process.stdout:
            lines.append(line)
            self._log.write(line)
            self._status = read_status(line) or self._status
        self._log.flush()

    def _wait(self, reader: threading.Thread) -> None:
        reported = time.monotonic()
        while reader.is_alive():
            reader.join(timeout=0.5)
            if self._is_terminal:
                self._redraw()
            elif time.monotonic() - reported > _REPORT_EVERY_S:
                reported = time.monotonic()
                self._print(f"      {clock(reported - self._started)} {self._status}".rstrip())

    def _failure(self, output: str) -> str:
        reason = causes(output)
        return f'The step "{self._title}" failed.' + (f" {reason}" if reason else "")

    def _line(self) -> str:
        return f"[{self._step}/{self._n_steps}] {self._title}"

    def _redraw(self) -> None:
        line = f"{self._line()}  {clock(time.monotonic() - self._started)}  {self._status}"
        columns = os.get_terminal_size(self._out.fileno()).columns or 80  # 0: the terminal does not know
        line = line[: columns - 1]
        self._out.write("\r" + line.ljust(self._width))
        self._out.flush()
        self._width = len(line)

    def _print(self, line: str) -> None:
        self._out.write(line + "\n")
        self._out.flush()


def pip_status(line: str) -> str | None:
    """What pip is doing, out of a line of its output with ``--progress-bar raw``."""
    words = line.split()
    if len(words) == 4 and words[0] == "Progress" and words[2] == "of":
        done, total = int(words[1]), int(words[3])
        return f"downloading, {done / 1e6:.0f} of {total / 1e6:.0f} MB" if total > 5_000_000 else None
    if words[:1] == ["Downloading"]:
        return "downloading " + words[1].rsplit("/", 1)[-1].split("-")[0]
    if words[:1] == ["Installing"]:
        return "unpacking"
    return None
