"""Sentences whose addresses can be clicked, as Markup."""

import re

from markupsafe import Markup, escape

_ADDRESS = re.compile(r"https?://[^\s<>]*[^\s<>.,;:)]")


def with_links(text: str, colour: str) -> Markup:
    """``text`` with its addresses as links; nothing else in it is taken for markup.

    Args:
        text: plain.
        colour: of the links, as ``#rrggbb``: QLabel does not take them from the style sheet.
    """
    parts, end = [], 0
    for match in _ADDRESS.finditer(text):
        parts += [escape(text[end : match.start()]), link(match[0], match[0].partition("://")[2], colour)]
        end = match.end()
    return Markup("").join([*parts, escape(text[end:])])


def link(address: str, words: str, colour: str) -> Markup:
    """``words`` that lead to ``address``; only words if that is no page of the web."""
    if not _ADDRESS.fullmatch(address):
        return escape(words)
    return Markup('<a href="{}" style="color: {}">{}</a>').format(address, colour, words)
