"""The bytes of each kind of document to text. Headings become Markdown headings, whatever the kind.

Every extractor takes the file's bytes and returns the text and a remark for the library row ("" if none), and
raises UnreadableDocument.
"""

import csv
import io
import re
import zipfile
from collections.abc import Callable, Iterable, Iterator

import docx
from docx.table import Table
from docx.text.paragraph import Paragraph
from pypdf import PasswordType, PdfReader
from pypdf.errors import DependencyError

from engine.documents.decoding import decode, normalise
from engine.documents.html_text import html_to_text
from engine.errors import UnreadableDocument

Extractor = Callable[[bytes], tuple[str, str]]

_MAX_UNPACKED_BYTES = 200_000_000
"""Of a Word file, pictures included. More is a bomb or a book of photographs."""

_OLE_SIGNATURE = bytes.fromhex("d0cf11e0a1b11ae1")
"""Word files of before 2007, and encrypted ones of today."""

_HTML_CHARSET = re.compile(rb"<meta[^>]{0,200}charset\s*=\s*[\"']?\s*([A-Za-z0-9_:.-]{1,40})", re.IGNORECASE)


def plain_text(data: bytes) -> tuple[str, str]:
    """Text, Markdown, reStructuredText, Org: as they are."""
    return decode(data)


def csv_text(data: bytes) -> tuple[str, str]:
    """One line per row, "column: value, column: value": a row must make sense far from its header."""
    text, note = decode(data)
    sample = text[:4000]
    try:
        dialect = csv.Sniffer().sniff(sample, delimiters=",;\t|")
    except csv.Error:  # one column, or prose: commas are the format's own default
        dialect = csv.excel
    try:
        rows = [row for row in csv.reader(io.StringIO(text), dialect) if any(cell.strip() for cell in row)]
    except csv.Error as exc:
        raise UnreadableDocument("This table is damaged.", f"{exc}.") from exc
    if len(rows) < 2 or len(rows[0]) < 2:
        return text, note
    header = [cell.strip() for cell in rows[0]]
    return "\n".join(_row_as_line(header, row) for row in rows[1:]), note


def _row_as_line(header: list[str], row: list[str]) -> str:
    names = header + [""] * (len(row) - len(header))
    cells = ((name, " ".join(cell.split())) for name, cell in zip(names, row, strict=False))
    return ", ".join(f"{name}: {cell}" if name else cell for name, cell in cells if cell)


def html_text(data: bytes) -> tuple[str, str]:
    """The page's visible text."""
    # A page whose declaration can be read as ASCII is not UTF-16, whatever it declares.
    if (declared := _HTML_CHARSET.search(data[:4096])) and not declared[1].lower().startswith(b"utf"):
        try:
            page = data.decode(declared[1].decode("ascii"))
        except (LookupError, UnicodeError):  # unknown or wrong: the bytes tell better
            page, note = decode(data)
        else:
            page, note = normalise(page), ""
    else:
        page, note = decode(data)
    return html_to_text(page), note


def pdf_text(data: bytes) -> tuple[str, str]:
    """The text of all pages; blank lines between pages."""
    try:
        pages = _pdf_pages(data)
    except (UnreadableDocument, MemoryError):
        raise
    except DependencyError as exc:  # encryption that needs a key anyhow
        raise _protected("PDF") from exc
    except Exception as exc:  # on damaged files pypdf raises whatever its parser stumbles over
        raise UnreadableDocument("This PDF is damaged.", f"{type(exc).__name__}: {exc}.") from exc
    text = normalise("\n\n".join(page.strip() for page in pages if page.strip()))
    if not text:
        raise UnreadableDocument(
            "There is no text in this PDF.",
            f"It has {len(pages)} page(s) of pictures, as a scanner makes them."
            " Run text recognition (OCR) first.",
        )
    empty = sum(not page.strip() for page in pages)
    return text, f"{empty} of {len(pages)} pages have no text." if empty else ""


def _pdf_pages(data: bytes) -> list[str]:
    reader = PdfReader(io.BytesIO(data))
    # An empty password opens files that only forbid printing or copying.
    if reader.is_encrypted and reader.decrypt("") == PasswordType.NOT_DECRYPTED:
        raise _protected("PDF")
    return [page.extract_text() for page in reader.pages]


def docx_text(data: bytes) -> tuple[str, str]:
    """Paragraphs and tables of a Word file, in order."""
    if data.startswith(_OLE_SIGNATURE):
        raise UnreadableDocument(
            "This Word file is protected or very old.",
            "Open it in Word, remove the password, and save it as .docx.",
        )
    try:
        _refuse_bomb(data)
        blocks = [block for block in _docx_blocks(data) if block]
    except (UnreadableDocument, MemoryError):
        raise
    except Exception as exc:  # lxml, zipfile and python-docx have no common error for damage
        raise UnreadableDocument("This Word file is damaged.", f"{type(exc).__name__}: {exc}.") from exc
    return normalise("\n\n".join(blocks)), ""


def _refuse_bomb(data: bytes) -> None:
    with zipfile.ZipFile(io.BytesIO(data)) as archive:
        unpacked = sum(entry.file_size for entry in archive.infolist())
    if unpacked > _MAX_UNPACKED_BYTES:
        raise UnreadableDocument(
            "The file is too large.",
            f"Unpacked it has {unpacked / 1e6:.0f} MB; the limit is {_MAX_UNPACKED_BYTES / 1e6:.0f} MB.",
        )


def _docx_blocks(data: bytes) -> Iterator[str]:
    for item in docx.Document(io.BytesIO(data)).iter_inner_content():
        if isinstance(item, Paragraph):
            yield _docx_paragraph(item)
        else:
            yield "\n".join(_docx_rows(item))


def _docx_paragraph(paragraph: Paragraph) -> str:
    text = paragraph.text.strip()
    style = (paragraph.style.name or "") if paragraph.style is not None else ""
    if text and (heading := re.fullmatch(r"Heading ([1-6])", style)):
        return f"{'#' * int(heading[1])} {text}"
    if text and style == "Title":
        return f"# {text}"
    return f"- {text}" if text and style.startswith("List") else text


def _docx_rows(table: Table) -> Iterable[str]:
    for row in table.rows:
        # A cell that spans columns is listed once per column.
        cells = dict.fromkeys(" ".join(cell.text.split()) for cell in row.cells)
        if line := " | ".join(cell for cell in cells if cell):
            yield line


def _protected(kind: str) -> UnreadableDocument:
    return UnreadableDocument(
        f"This {kind} is protected by a password.", "Save a copy without the password and add that."
    )


EXTRACTORS: dict[str, Extractor] = {
    ".txt": plain_text,
    ".md": plain_text,
    ".markdown": plain_text,
    ".rst": plain_text,
    ".org": plain_text,
    ".html": html_text,
    ".htm": html_text,
    ".pdf": pdf_text,
    ".docx": docx_text,
    ".csv": csv_text,
}
"""By lower-case suffix."""
