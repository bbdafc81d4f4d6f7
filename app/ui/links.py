"""Sentences whose addresses can be clicked."""

import re
from html import escape

_ADDRESS = re.compile(r"https?://[^\s<>]*[^\s<>.,;:)]")


def with_links(text: str, colour: str) -> str:
    """``text`` as rich text in which addresses are links; nothing else in it is taken for markup.

    Args:
        text: plain.
        colour: of the links, as ``#rrggbb``: QLabel does not take them from the style sheet.
    """
    found, html, end = _ADDRESS.finditer(text), [], 0
    for match in found:
        html.append(escape(text[end : match.start()]))
        html.append(link(match[0], match[0].partition("://")[2], colour))
        end = match.end()
    html.append(escape(text[end:]))
    return "".join(html)


def link(address: str, words: str, colour: str) -> str:
    """Rich text: ``words`` that lead to ``address``."""
    return f'<a href="{escape(address)}" style="color: {colour}">{escape(words)}</a>'
