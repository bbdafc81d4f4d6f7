import random
import unicodedata

import pytest
from hypothesis import given
from hypothesis import strategies as st

from engine.documents.decoding import decode, normalise
from engine.errors import UnreadableDocument

GERMAN = "Die Prüfung in Zürich war schön – größer als „gedacht“."
SPANISH = "El niño comió piña en España mañana."
FRENCH = "Ça va très bien, où êtes-vous allés à Noël ?"
RUSSIAN = "Привет, как дела? Сегодня я купил хлеб и молоко. Встреча в пять часов вечера."
POLISH = "Zażółć gęślą jaźń i coś więcej po polsku."
CZECH = "Příliš žluťoučký kůň úpěl ďábelské ódy v Praze."
JAPANESE = "これはメモです。明日は会議があります。"


@pytest.mark.parametrize("text", [GERMAN, RUSSIAN, JAPANESE, "plain", "😀"])
def test_utf8_is_read_without_a_remark(text: str) -> None:
    assert decode(text.encode()) == (text, "")
    assert decode(b"\xef\xbb\xbf" + text.encode()) == (text, "")


@pytest.mark.parametrize(
    ("text", "encoding", "remark"),
    [
        (GERMAN, "cp1252", "Read as Windows-1252."),
        (SPANISH, "cp1252", "Read as Windows-1252."),
        (FRENCH, "cp1252", "Read as Windows-1252."),
        ("naïve", "cp1252", "Read as Windows-1252."),
        ("10 °C", "cp1252", "Read as Windows-1252."),
        ("Rent: £400, due 1 May.", "cp1252", "Read as Windows-1252."),
        (POLISH, "cp1250", "Read as Windows-1250."),
        (CZECH, "cp1250", "Read as Windows-1250."),
        (RUSSIAN, "cp1251", "Read as Windows-1251."),
        (RUSSIAN * 5, "koi8_r", "Read as KOI8-R."),
        (JAPANESE, "shift_jis", "Read as Shift JIS."),
        (GERMAN, "utf-16", "Read as UTF-16."),
        (RUSSIAN, "utf-16", "Read as UTF-16."),
        (GERMAN, "utf-16-le", "Read as UTF-16."),
        (GERMAN, "utf-16-be", "Read as UTF-16."),
        (GERMAN, "utf-32", "Read as UTF-32."),
    ],
)
def test_other_encodings_are_recognised_and_named(text: str, encoding: str, remark: str) -> None:
    assert decode(text.encode(encoding)) == (text, remark)


def test_line_ends_and_page_breaks_become_newlines() -> None:
    assert decode(b"a\r\nb\rc\fd") == ("a\nb\nc\n\nd", "")


def test_letters_are_composed() -> None:
    assert decode("cafe\u0301".encode()) == ("café", "")


def test_halves_of_characters_are_joined_or_replaced() -> None:
    assert normalise("a\ud83d\ude00b\ud83dc") == "a😀b\ufffdc"


@pytest.mark.parametrize(
    "data",
    [
        b"\x89PNG\r\n\x1a\n\x00\x00\x00\rIHDR\x00\x00\x02\x00",
        b"\x7fELF\x02\x01\x01\x00" + bytes(56),
        b"PK\x03\x04\x14\x00\x06\x00",
        random.Random(1).randbytes(5000),
        bytes(b for b in random.Random(2).randbytes(5000) if b),
        bytes(range(1, 32)) * 10,
        b"\xff\xfea",
        b"a\x00b\x00\x00\xd8",
    ],
    ids=[
        "png",
        "elf",
        "zip",
        "random",
        "random-without-zeros",
        "control-codes",
        "odd-utf-16",
        "lone-surrogate",
    ],
)
def test_binary_data_is_no_text(data: bytes) -> None:
    with pytest.raises(UnreadableDocument) as caught:
        decode(data)
    assert caught.value.title == "This file is not text."
    assert caught.value.detail


CONTROL_CODES = {chr(code) for code in (*range(9), *range(0xB, 0x1B), *range(0x1C, 0x20))}


@given(st.binary(max_size=400))
def test_any_bytes_give_text_without_control_codes_or_a_reason(data: bytes) -> None:
    try:
        text, _ = decode(data)
    except UnreadableDocument as exc:
        text = exc.detail
    assert text or not data.strip(b"\xff\xfe\xef\xbb\xbf\x00")
    assert not set(text) & CONTROL_CODES


@given(st.text(alphabet=st.characters(min_codepoint=0x20, exclude_characters="\ufeff", codec="utf-8")))
def test_any_text_in_utf8_survives(text: str) -> None:
    assert decode(text.encode()) == (unicodedata.normalize("NFC", text), "")
