"""Text from elsewhere (notes, file names, adapters' metadata) made fit to be shown."""

_CONTROLS = (*range(0x20), *range(0x7F, 0xA0))
_OVERRIDES = (0x202D, 0x202E)
"""They turn letters around whatever their language. No language needs them; right-to-left text stays."""

_PRINTABLE = {code: "\ufffd" for code in (*_CONTROLS, *_OVERRIDES) if chr(code) not in "\n\t"}


def printable(text: str) -> str:
    """``text`` without characters that would steer a terminal or turn letters around; same length.

    Notes and file names may contain any. For a name alone there is ``storage.titles.on_one_line``.
    """
    return text.translate(_PRINTABLE)


def one_line(text: str) -> str:
    """``text`` printable and on one line, with single spaces."""
    return printable(" ".join(text.split()))
