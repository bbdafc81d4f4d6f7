"""The visible text of a web page, with its headings and lists as Markdown."""

import re
from html.parser import HTMLParser

_HIDDEN = frozenset({"script", "style", "noscript", "template", "svg", "iframe", "object", "select", "nav"})
_PARAGRAPHS = frozenset(
    {"address", "article", "aside", "blockquote", "body", "dd", "div", "dl", "dt", "fieldset", "figcaption"}
    | {
        "figure",
        "footer",
        "form",
        "h1",
        "h2",
        "h3",
        "h4",
        "h5",
        "h6",
        "header",
        "hr",
        "main",
        "ol",
        "p",
        "pre",
    }
    | {"section", "table", "title", "ul"}
)
_LINES = frozenset({"br", "li", "tr", "option"})
_HEADING = re.compile(r"h([1-6])")


def html_to_text(page: str) -> str:
    """Text as a reader sees it: blank lines between blocks, white space folded, no scripts, no navigation."""
    parser = _TextParser()
    parser.feed(page)
    parser.close()
    return parser.text()


class _TextParser(HTMLParser):
    """Collects text; a damaged page gives what can be told."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self._pieces: list[str] = []
        self._hidden: list[str] = []
        self._n_pre = 0

    def text(self) -> str:
        text = "\n".join(line.rstrip() for line in "".join(self._pieces).split("\n"))
        return re.sub(r"\n{3,}", "\n\n", text).strip()

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        if tag in _HIDDEN:
            self._hidden.append(tag)
        self._n_pre += tag == "pre"
        self._break_before(tag)
        if heading := _HEADING.fullmatch(tag):
            self._pieces.append("#" * int(heading[1]) + " ")
        elif tag == "title":
            self._pieces.append("# ")
        elif tag == "li":
            self._pieces.append("- ")

    def handle_endtag(self, tag: str) -> None:
        if tag in self._hidden:  # also ends what was left open inside it
            del self._hidden[self._hidden.index(tag) :]
        self._n_pre -= tag == "pre" and self._n_pre > 0
        if tag in _PARAGRAPHS:
            self._pieces.append("\n\n")
        elif tag in {"td", "th"}:
            self._pieces.append(" ")

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self._n_pre:
            self._pieces.append(data)
            return
        folded = re.sub(r"\s+", " ", data)
        if not self._pieces or self._pieces[-1].endswith(("\n", " ")):
            folded = folded.lstrip()
        self._pieces.append(folded)

    def _break_before(self, tag: str) -> None:
        if tag in _PARAGRAPHS:
            self._pieces.append("\n\n")
        elif tag in _LINES:
            self._pieces.append("\n")
