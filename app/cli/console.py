"""What the terminal shows: results on stdout, the rest on stderr, progress only where somebody watches."""

import io
import json
import shutil
import sys
from contextlib import suppress
from typing import TextIO

from app.services.notices import Notice, NoticeLevel
from app.services.plain_text import one_line, printable


def plural(n: int, noun: str) -> str:
    """``n`` with its noun: "1 note", "3 notes"."""
    return f"{n} {noun}" if n == 1 else f"{n} {noun}s"


class Console:
    """Writes to the two streams. Of the main thread, except ``show_notice``, which may be called on any."""

    def __init__(self, out: TextIO | None = None, err: TextIO | None = None) -> None:
        self._out = out if out is not None else sys.stdout
        self._err = err if err is not None else sys.stderr
        for stream in (self._out, self._err):
            if isinstance(stream, io.TextIOWrapper):
                # File names need not be valid text, and a terminal need not know every character.
                stream.reconfigure(errors="backslashreplace")
        self._is_watched = self._err.isatty()
        self._progress = ""
        self._told: set[str] = set()

    @property
    def is_watched(self) -> bool:
        """Whether progress is shown."""
        return self._is_watched

    def result(self, text: str = "") -> None:
        """Print a line of the command's result."""
        self._clear()
        self._out.write(printable(text) + "\n")
        self._out.flush()

    def piece(self, text: str) -> None:
        """Print a piece of a result that is still growing."""
        self._clear()
        self._out.write(printable(text))
        self._out.flush()

    def result_json(self, value: object) -> None:
        """Print the result as JSON: ASCII, since file names may hold what no encoding of the terminal has."""
        self.result(json.dumps(value, indent=2))

    def remark(self, text: str) -> None:
        """Say something that is no result and no failure."""
        self._clear()
        self._err.write(printable(text) + "\n")
        self._err.flush()

    def failure(self, title: str, detail: str = "") -> None:
        """Say what went wrong and what to do; nothing if the same was said before."""
        if title in self._told:
            return
        self._told.add(title)
        self.remark(f"{title} {detail}".strip())

    def show_notice(self, notice: Notice) -> None:
        """Say what the services have to say; good news only where somebody watches."""
        if notice.level is not NoticeLevel.INFO:
            self.failure(notice.title, f"{notice.message} {notice.detail}".strip())
        elif self._is_watched:
            self.remark(f"{notice.title} {notice.message}".strip())

    def progress(self, text: str) -> None:
        """Show how far it is, over what was shown before. Without a terminal, nothing."""
        if not self._is_watched:
            return
        width = shutil.get_terminal_size().columns - 1
        line = one_line(text)[:width]
        if line != self._progress:
            # Spaces, not an escape sequence: old terminals of Windows print those.
            self._err.write("\r" + line + " " * max(0, len(self._progress) - len(line)))
            self._err.flush()
            self._progress = line

    def end(self) -> None:
        """Leave the terminal tidy."""
        with suppress(OSError, ValueError):  # nobody reads any more
            self._clear()
            self._out.flush()

    def _clear(self) -> None:
        if self._progress:
            self._err.write("\r" + " " * len(self._progress) + "\r")
            self._err.flush()
            self._progress = ""
