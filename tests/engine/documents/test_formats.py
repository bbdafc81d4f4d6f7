import io
import zipfile

import docx
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from pypdf import PdfReader, PdfWriter

from engine.documents import formats
from engine.documents.formats import csv_text, docx_text, html_text, pdf_text
from engine.errors import UnreadableDocument


def make_pdf(*pages: str) -> bytes:
    """A PDF with one line of Helvetica per page; an empty string gives a page without text."""
    fonts = "<< /Font << /F1 3 0 R >> >>"
    kids = " ".join(f"{4 + 2 * n} 0 R" for n in range(len(pages)))
    objects = [
        "<< /Type /Catalog /Pages 2 0 R >>",
        f"<< /Type /Pages /Count {len(pages)} /Kids [{kids}] >>",
        "<< /Type /Font /Subtype /Type1 /BaseFont /Helvetica /Encoding /WinAnsiEncoding >>",
    ]
    for number, line in enumerate(pages):
        stream = f"BT /F1 12 Tf 72 700 Td ({line}) Tj ET" if line else ""
        objects.append(
            f"<< /Type /Page /Parent 2 0 R /MediaBox [0 0 612 792] /Resources {fonts}"
            f" /Contents {5 + 2 * number} 0 R >>"
        )
        objects.append(f"<< /Length {len(stream)} >>\nstream\n{stream}\nendstream")
    data = b"%PDF-1.4\n"
    offsets = []
    for number, body in enumerate(objects, start=1):
        offsets.append(len(data))
        data += f"{number} 0 obj\n{body}\nendobj\n".encode("cp1252")
    table = "".join(f"{offset:010d} 00000 n \n" for offset in offsets)
    size = len(objects) + 1
    trailer = f"trailer << /Size {size} /Root 1 0 R >>\nstartxref\n{len(data)}\n%%EOF\n"
    return data + f"xref\n0 {size}\n0000000000 65535 f \n{table}{trailer}".encode()


def encrypted(pdf: bytes, *, user_password: str) -> bytes:
    writer = PdfWriter(clone_from=PdfReader(io.BytesIO(pdf)))
    writer.encrypt(user_password, owner_password="owner", algorithm="RC4-128")
    target = io.BytesIO()
    writer.write(target)
    return target.getvalue()


def make_docx() -> bytes:
    document = docx.Document()
    document.add_heading("Trip to Lisbon", level=1)
    document.add_paragraph("The flight leaves at 7:40.")
    document.add_paragraph("Pack the charger", style="List Bullet")
    table = document.add_table(rows=2, cols=2)
    for cell, text in zip(
        (c for row in table.rows for c in row.cells), ["Day", "Plan", "Mon", "Belém"], strict=True
    ):
        cell.text = text
    document.add_heading("Hotel", level=2)
    document.add_paragraph("Casa Azul, room 12.")
    target = io.BytesIO()
    document.save(target)
    return target.getvalue()


SOUND_FILES = {"pdf": make_pdf("The lease ends in May."), "docx": make_docx()}


def reason(extract: object, data: bytes) -> UnreadableDocument:
    assert callable(extract)
    with pytest.raises(UnreadableDocument) as caught:
        extract(data)
    return caught.value


# --- PDF ------------------------------------------------------------------------------------------


def test_the_text_of_all_pages_of_a_pdf_is_read() -> None:
    text, note = pdf_text(make_pdf("The lease ends in May.", "Caf\xe9 at noon."))
    assert text == "The lease ends in May.\n\nCafé at noon."
    assert note == ""


def test_pages_without_text_are_mentioned() -> None:
    assert pdf_text(make_pdf("Words.", "", "")) == ("Words.", "2 of 3 pages have no text.")


def test_a_scanned_pdf_says_what_to_do() -> None:
    error = reason(pdf_text, make_pdf("", ""))
    assert error.title == "There is no text in this PDF."
    assert "text recognition" in error.detail


def test_a_pdf_with_a_password_says_so() -> None:
    error = reason(pdf_text, encrypted(make_pdf("Secret."), user_password="swordfish"))
    assert error.title == "This PDF is protected by a password."


def test_a_pdf_that_anybody_may_open_but_not_print_is_read() -> None:
    assert pdf_text(encrypted(make_pdf("Public."), user_password=""))[0] == "Public."


@pytest.mark.parametrize("data", [b"%PDF-1.4\ngarbage", b"not a pdf at all", make_pdf("Words.")[:120]])
def test_a_damaged_pdf_says_so(data: bytes) -> None:
    assert reason(pdf_text, data).title in {"This PDF is damaged.", "There is no text in this PDF."}


@settings(max_examples=150)
@given(data=st.data())
def test_a_pdf_or_word_file_with_wrong_bytes_gives_text_or_a_reason(data: st.DataObject) -> None:
    name, extract = data.draw(st.sampled_from([("pdf", pdf_text), ("docx", docx_text)]))
    damaged = bytearray(SOUND_FILES[name])
    for _ in range(data.draw(st.integers(1, 8))):
        start = data.draw(st.integers(0, len(damaged) - 1))
        damaged[start : start + data.draw(st.integers(0, 20))] = data.draw(st.binary(max_size=20))
        if not damaged:
            break
    try:
        text, _ = extract(bytes(damaged))
    except UnreadableDocument as exc:
        text = exc.title
    text.encode("utf-8")


# --- Word -----------------------------------------------------------------------------------------


def test_paragraphs_headings_lists_and_tables_of_a_word_file_are_read_in_order() -> None:
    assert docx_text(make_docx())[0] == (
        "# Trip to Lisbon\n\nThe flight leaves at 7:40.\n\n- Pack the charger\n\n"
        "Day | Plan\nMon | Belém\n\n## Hotel\n\nCasa Azul, room 12."
    )


@pytest.mark.parametrize("data", [b"not a zip", make_docx()[:2000]])
def test_a_damaged_word_file_says_so(data: bytes) -> None:
    assert reason(docx_text, data).title == "This Word file is damaged."


def test_a_zip_that_is_no_word_file_says_so() -> None:
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w") as archive:
        archive.writestr("hello.txt", "hello")
    assert reason(docx_text, target.getvalue()).title == "This Word file is damaged."


def test_a_protected_or_old_word_file_says_what_to_do() -> None:
    error = reason(docx_text, bytes.fromhex("d0cf11e0a1b11ae1") + bytes(500))
    assert "save it as .docx" in error.detail


def test_a_word_file_that_unfolds_to_far_more_is_refused_before_it_does(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    monkeypatch.setattr(formats, "_MAX_UNPACKED_BYTES", 3_000_000)
    target = io.BytesIO()
    with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED) as archive:
        archive.writestr("word/document.xml", bytes(4_000_000))
    assert len(target.getvalue()) < 10_000
    error = reason(docx_text, target.getvalue())
    assert error.title == "The file is too large."
    assert "4 MB; the limit is 3 MB" in error.detail


# --- HTML -----------------------------------------------------------------------------------------

PAGE = """<!doctype html><html><head><title>Bees</title><style>p { color: red }</style>
<script>if (a < b) alert("no")</script></head><body><nav><a href="/">Home</a></nav>
<h2>The <em>hive</em></h2><p>It stands   behind
the shed.<br>Ask&nbsp;Otto &amp; Ida.</p><ul><li>Feed</li><li>Water</li></ul>
<table><tr><td>May</td><td>12 kg</td></tr></table><pre>a  b
  c</pre></body></html>"""


def test_a_page_gives_its_visible_text_with_headings_and_lists() -> None:
    assert html_text(PAGE.encode()) == (
        "# Bees\n\n## The hive\n\nIt stands behind the shed.\nAsk Otto & Ida.\n\n- Feed\n- Water\n\n"
        "May 12 kg\n\na  b\n  c",
        "",
    )


def test_the_encoding_that_a_page_declares_is_used() -> None:
    page = '<meta charset="koi8-r"><p>Привет</p>'.encode("koi8-r")
    assert html_text(page) == ("Привет", "")


def test_a_page_that_declares_a_wrong_encoding_is_read_all_the_same() -> None:
    assert html_text('<meta charset="x-none"><p>größer</p>'.encode()) == ("größer", "")
    assert html_text('<meta charset="ascii"><p>größer</p>'.encode()) == ("größer", "")


@pytest.mark.parametrize("charset", ["utf-16", "utf-8", "undefined", "idna", "hex", "punycode"])
def test_a_page_that_declares_nonsense_is_read_all_the_same(charset: str) -> None:
    assert "größer" in html_text(f'<meta charset="{charset}"><p>größer</p>'.encode())[0]


def test_a_page_with_half_a_character_can_be_written_as_utf8() -> None:
    html_text(b"<p>x&#xD800;y&#55357;</p>")[0].encode("utf-8")


@given(st.text(alphabet=st.sampled_from(list('<>/="! -a&;#x1p\n')), max_size=200))
def test_any_page_gives_some_text(page: str) -> None:
    html_text(page.encode())


def test_a_damaged_page_gives_what_can_be_told() -> None:
    assert html_text(b"<p>One <b>two</p><div>three <script>x")[0] == "One two\n\nthree"


# --- CSV ------------------------------------------------------------------------------------------


def test_each_row_of_a_table_carries_its_column_names() -> None:
    assert csv_text(b'Name,Phone,Note\nIda,555 1234,"likes tea,\nnot coffee"\nOtto,,\n') == (
        "Name: Ida, Phone: 555 1234, Note: likes tea, not coffee\nName: Otto",
        "",
    )


@pytest.mark.parametrize("separator", [";", "\t", "|"])
def test_other_separators_are_recognised(separator: str) -> None:
    rows = [["Plant", "Water"], ["Fern", "daily"], ["Cactus", "never"]]
    data = "\n".join(separator.join(row) for row in rows)
    assert csv_text(data.encode())[0] == "Plant: Fern, Water: daily\nPlant: Cactus, Water: never"


def test_a_list_of_one_column_stays_as_it_is() -> None:
    assert csv_text(b"milk\nbread\n")[0] == "milk\nbread\n"


def test_rows_longer_than_the_header_keep_all_their_cells() -> None:
    assert csv_text(b"a,b\n1,2,3\n")[0] == "a: 1, b: 2, 3"
