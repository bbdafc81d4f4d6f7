"""Ways to set lists, records and sentences on a page."""

from __future__ import annotations

from collections.abc import Sequence

from engine.training.personal_notes.page import capitalised, spin
from engine.training.personal_notes.values import ValueDraw

_MARKS = ("- ", "- ", "- ", "* ", "", "", "1", "• ", "– ", "[ ] ", "+ ", "1)", "> ")


def listed(draw: ValueDraw, lines: Sequence[str], mark: str | None = None) -> str:
    """Return lines with choices as a list; mark "1" and "1)" number them."""
    mark = draw.pick(_MARKS) if mark is None else mark
    spun = [spin(draw, line) for line in lines]
    if mark in {"1", "1)"}:
        end = ") " if mark == "1)" else ". "
        return "\n".join(f"{number}{end}{line}" for number, line in enumerate(spun, 1))
    return "\n".join(mark + line for line in spun)


def running(draw: ValueDraw, sentences: Sequence[str]) -> str:
    """Return sentences with choices as a paragraph, now and then broken into several."""
    parts = [spin(draw, sentence) for sentence in sentences if sentence]
    text = parts[0]
    for part in parts[1:]:
        text += ("\n\n" if draw.chance(0.08) else "\n" if draw.chance(0.06) else " ") + part
    return text


def listed_or_running(draw: ValueDraw, lines: Sequence[str], share_running: float = 0.4) -> str:
    """Return lines as a list, or as a paragraph of sentences."""
    if draw.chance(share_running):
        return running(
            draw, [capitalised(line) if line[-1:] in ".!?" else f"{capitalised(line)}." for line in lines]
        )
    return listed(draw, lines)


def heading(draw: ValueDraw, text: str) -> str:
    """Return a heading in one of the ways people write them."""
    form = draw.pick(
        ("# {}", "## {}", "{}", "{}:", "**{}**", "== {} ==", "{}\n-----", "### {}", "*{}*", "~ {} ~", "{} -")
    )
    if draw.chance(0.08):
        text = text.upper()
    return form.format(text)


def records(draw: ValueDraw, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    """Return rows of values under the names of their columns: a table, comma-separated, blocks or lines."""
    roll = draw.rng.random()
    if roll < 0.25:
        return _markdown_table(draw, columns, rows)
    if roll < 0.4:
        separator = draw.pick((",", ";", ", ", " | ", "\t"))
        if separator.strip() == "," and any("," in cell for row in rows for cell in row):
            separator = ";"
        head = [separator.join(columns)] if draw.chance(0.7) else []
        return "\n".join([*head, *(separator.join(row) for row in rows)])
    if roll < 0.6:
        return "\n\n".join(_block(draw, columns, row) for row in rows)
    return _lines(draw, columns, rows)


def _markdown_table(draw: ValueDraw, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    rule = draw.pick(("---", "---", ":--", "----"))
    lines = [" | ".join(columns), "|".join([rule] * len(columns)), *(" | ".join(row) for row in rows)]
    return "\n".join(f"| {line} |" for line in lines)


def _block(draw: ValueDraw, columns: Sequence[str], row: Sequence[str]) -> str:
    colon = draw.pick((": ", ": ", " - ", " = "))
    pairs = list(zip(columns[1:], row[1:], strict=True))
    if draw.chance(0.3):
        draw.rng.shuffle(pairs)
    return "\n".join([row[0], *(f"{name}{colon}{value}" for name, value in pairs)])


def _lines(draw: ValueDraw, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> str:
    mark = draw.pick(("- ", "", "* ", ""))
    after_name = draw.pick((": ", " - ", ", ", " → ", " ... "))
    between = draw.pick((", ", "; ", " / ", ", "))
    named = draw.chance(0.55)
    lines = []
    for row in rows:
        cells = [
            f"{name.lower()} {value}" if named else value
            for name, value in zip(columns[1:], row[1:], strict=True)
        ]
        lines.append(mark + row[0] + after_name + between.join(cells))
    return "\n".join(lines)
