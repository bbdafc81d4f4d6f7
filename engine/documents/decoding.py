"""Bytes of a text file to text, and what encoding they turned out to have."""

import codecs
import logging
import re
import unicodedata

from charset_normalizer import from_bytes

from engine.errors import UnreadableDocument

# Its debug lines quote the note.
logging.getLogger("charset_normalizer").setLevel(logging.WARNING)

_BOMS = (
    (codecs.BOM_UTF8, "utf-8"),
    (codecs.BOM_UTF32_LE, "utf-32"),  # before UTF-16, whose mark is its beginning
    (codecs.BOM_UTF32_BE, "utf-32"),
    (codecs.BOM_UTF16_LE, "utf-16"),
    (codecs.BOM_UTF16_BE, "utf-16"),
)
_NAMES = {
    "utf-16": "UTF-16",
    "utf-16-le": "UTF-16",
    "utf-16-be": "UTF-16",
    "utf-32": "UTF-32",
    "cp932": "Shift JIS",
    "cp949": "EUC-KR",
}
_SURROGATE = re.compile("[\ud800-\udfff]")
_CONTROL = re.compile(r"[\x00-\x08\x0e-\x1a\x1c-\x1f]")
_MAX_CONTROL_CHARACTERS = 0.005
"""Share of characters. Old printer and editor codes happen in notes; programs and pictures have far more."""

_SYMBOL_IN_WORD = re.compile(r"[^\W\d_][\x80-\xbf][^\W\d_]")
"""A symbol of Windows-1252's upper half, such as ³, between letters: other code pages have letters there."""
_NEVER_TOGETHER = (
    (frozenset("šžýŠŽÝ"), frozenset("èìøùòï")),  # Czech and Slovak in Windows-1250
    (frozenset("û"), frozenset("öü")),  # Hungarian in Windows-1250
)
_MAX_ACCENTED_LETTERS = 0.3
"""Share of letters. Western languages stay below; Cyrillic or Greek seen as Windows-1252 is all accents."""


def decode(data: bytes) -> tuple[str, str]:
    """The text, and a remark for the library row when the encoding was not UTF-8 (else "").

    Line ends become newlines and the text is composed (NFC), so that one word has one spelling everywhere.

    Raises:
        UnreadableDocument: the bytes are no text.
    """
    text, encoding = _decode(data)
    if len(_CONTROL.findall(text)) > _MAX_CONTROL_CHARACTERS * len(text):
        raise _not_text("It has control codes where letters should be.")
    note = "" if encoding == "utf-8" else f"Read as {_display_name(encoding)}."
    return normalise(text), note


def normalise(text: str) -> str:
    """One line end, no stray control characters, composed letters, and nothing that UTF-8 cannot express."""
    if _SURROGATE.search(text):  # PDF files have them, in pairs and alone
        text = text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "replace")
    text = text.replace("\r\n", "\n").replace("\r", "\n").replace("\f", "\n\n").replace("\v", "\n")
    return unicodedata.normalize("NFC", _CONTROL.sub("", text))


def _decode(data: bytes) -> tuple[str, str]:
    for mark, encoding in _BOMS:
        if data.startswith(mark):
            try:
                return data.decode(encoding).removeprefix("\ufeff"), encoding
            except UnicodeDecodeError as exc:
                raise _not_text(f"It says that it is {_display_name(encoding)}, but is not: {exc}.") from exc
    if b"\0" in data:
        return _decode_utf16_without_mark(data)
    try:
        return data.decode("utf-8"), "utf-8"
    except UnicodeDecodeError:
        return _guess(data)


def _decode_utf16_without_mark(data: bytes) -> tuple[str, str]:
    """Text with zero bytes: UTF-16 if they stand at every other place, else binary."""
    even, odd = data[0::2].count(0), data[1::2].count(0)
    if len(data) % 2 == 0 and max(even, odd) > 0.4 * len(data) / 2 and min(even, odd) == 0:
        encoding = "utf-16-le" if odd else "utf-16-be"
        try:
            return data.decode(encoding), encoding
        except UnicodeDecodeError as exc:
            raise _not_text(f"It looks like UTF-16, but is not: {exc}.") from exc
    raise _not_text("It has zero bytes, as programs and pictures have.")


def _guess(data: bytes) -> tuple[str, str]:
    # Measured: for short Western notes charset-normalizer prefers Windows-1250, which turns ñ into ń.
    try:
        western = data.decode("cp1252")
    except UnicodeDecodeError:
        western = ""
    if western and _is_plausibly_western(western):
        return western, "cp1252"
    match = from_bytes(data).best()
    if match is None:
        raise _not_text("No known encoding fits.")
    return str(match), match.encoding


def _is_plausibly_western(text: str) -> bool:
    letters = [c for c in text if c.isalpha()]
    accented = {c for c in letters if not c.isascii()}
    n_accented = sum(not c.isascii() for c in letters)
    return (
        n_accented <= max(2, _MAX_ACCENTED_LETTERS * len(letters))
        and not _CONTROL.search(text)
        and not _SYMBOL_IN_WORD.search(text)
        and not any(one & accented and other & accented for one, other in _NEVER_TOGETHER)
    )


def _display_name(encoding: str) -> str:
    """The encoding's name as people know it: cp1252 is "Windows-1252"."""
    if windows := re.fullmatch(r"cp(125\d)", encoding):
        return f"Windows-{windows[1]}"
    return _NAMES.get(encoding, encoding.upper().replace("_", "-"))


def _not_text(why: str) -> UnreadableDocument:
    return UnreadableDocument(
        "This file is not text.", f"{why} If it is a note, save it again as UTF-8 text."
    )
