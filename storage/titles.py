"""What documents and chats are called: one line of text from elsewhere, made fit to be read and bounded."""

import re
from pathlib import Path

from storage.storable_text import storable

MAX_TITLE_CHARS = 200
"""An adapter may call itself anything, five million characters included."""

_LINE_ENDS = "\t\n\v\f\r\x1c\x1d\x1e\x1f\x85\u2028\u2029"
_TURNING = "\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069"
"""Unicode's directional formatting characters: invisible, and able to show "fdp.exe" as "exe.pdf"."""

_VISIBLE = (
    {code: "\ufffd" for code in (*range(0x20), *range(0x7F, 0xA0))}
    | {ord(char): "\ufffd" for char in _TURNING}
    | {ord(char): " " for char in _LINE_ENDS}
)


_NOT_IN_FILE_NAMES = re.compile(r'[\\/:*?"<>|\x00-\x1f]')


def on_one_line(name: str) -> str:
    """A name of any length on one line, each character that controls or turns text replaced by U+FFFD.

    The letters of languages that are written from right to left stay, and so do their marks.
    """
    return storable(name).translate(_VISIBLE)


def title_of(text: str, max_chars: int = MAX_TITLE_CHARS) -> str:
    """A title: ``text`` on one line, without blanks around it, cut to ``max_chars`` characters."""
    # Cut first: what follows would look at each of the millions.
    beginning = text.lstrip()[: max_chars + 1]
    title = on_one_line(beginning).strip()
    return title if len(title) <= max_chars else title[: max_chars - 1].rstrip() + "…"


def title_of_file(path: Path) -> str:
    """What a file is called: its name without its suffix."""
    return title_of(path.stem) or title_of(path.name)


def as_file_name(title: str) -> str:
    """A title without what file names may not hold."""
    return _NOT_IN_FILE_NAMES.sub("_", title)
