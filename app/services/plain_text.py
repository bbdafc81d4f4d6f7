"""Text from elsewhere (notes, file names, adapters' metadata) made fit to be shown."""

import unicodedata

_KEPT_CONTROLS = "\n\t"


def printable(text: str) -> str:
    """``text`` without characters that would steer a terminal: notes and file names may contain any."""
    return "".join(
        "\ufffd" if unicodedata.category(char) == "Cc" and char not in _KEPT_CONTROLS else char
        for char in text
    )


def one_line(text: str) -> str:
    """``text`` printable and on one line, with single spaces."""
    return printable(" ".join(text.split()))
