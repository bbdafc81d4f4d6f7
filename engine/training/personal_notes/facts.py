"""Turns a kind of fact or a card into lines of a note with the questions they answer."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.training.personal_notes.templates import Attribute, CardKind, FactKind, Template
from engine.training.personal_notes.values import GENERATORS, ValueDraw

_ARTICLE = re.compile(r"\ba (?=(?!one\b|eu)[aeio])")


@dataclass(slots=True)
class Asked:
    """A question still to be filled, with its answer; topic says what is asked, whatever the wording."""

    form: Template
    values: dict[str, str]
    answer: str
    topic: str

    @property
    def text(self) -> str:
        """The question as a person would ask it."""
        return with_right_articles(self.form.fill(self.values))


@dataclass(frozen=True)
class Passage:
    """Some lines of the note that belong together, with everything that can be asked about them."""

    lines: tuple[str, ...]
    questions: tuple[Asked, ...]
    is_table: bool = False


def with_right_articles(text: str) -> str:
    """Return the text with "a" before a vowel made "an"."""
    return _ARTICLE.sub("an ", text) if "a " in text else text


def _draw_slot(
    draw: ValueDraw, slot: str, own: dict[str, tuple[Template, ...]], values: dict[str, str]
) -> None:
    if slot in values:
        return
    options = own.get(slot)
    if options is None:
        values[slot] = draw.value(slot.rstrip("0123456789"))
        return

    def make() -> str:
        option = options[draw.below(0, len(options) - 1)]
        inner: dict[str, str] = {}
        for name in option.slots:
            inner[name] = GENERATORS[name.rstrip("0123456789")](draw)
        return with_right_articles(option.fill(inner))

    values[slot] = draw.unused(make)


def state_fact(draw: ValueDraw, kind: FactKind, *, as_list: bool, number: int) -> Passage:
    """Return one statement of the fact with every question that this statement answers."""
    forms = kind.sentences
    if as_list and kind.jottings and draw.chance(0.6):
        forms = kind.jottings
    statement = forms[draw.below(0, len(forms) - 1)]
    values: dict[str, str] = {}
    for slot in statement.slots:
        _draw_slot(draw, slot, kind.own_slots, values)
    if kind.in_order and set(kind.in_order) <= values.keys():
        early, late = kind.in_order
        if draw.is_later(values[early], values[late]):
            values[early], values[late] = values[late], values[early]
    stated = values.keys()
    asked = [
        Asked(ask.template, values, values[ask.answer_slot], f"{kind.key}.{number}.{ask.answer_slot}")
        for ask in kind.asks
        if ask.needs <= stated
    ]
    return Passage((with_right_articles(statement.fill(values)),), tuple(asked))


def _attribute_value(draw: ValueDraw, attribute: Attribute) -> str:
    values: dict[str, str] = {}
    _draw_slot(draw, "v", {"v": attribute.values}, values)
    return values["v"]


def _card_questions(kind: CardKind, attribute: Attribute, values: dict[str, str]) -> list[Asked]:
    topic = f"{kind.key}.{values['e']}.{attribute.labels[0]}"
    found = [Asked(form, values, values["v"], topic) for form in attribute.asks]
    found.extend(Asked(form, values, values["e"], f"{topic}.reverse") for form in attribute.reverse_asks)
    return found


def _card_subject(draw: ValueDraw, kind: CardKind) -> str:
    if kind.subject.text.strip("{}") in GENERATORS:
        return draw.value(kind.subject.text.strip("{}"))
    inner: dict[str, str] = {}
    for name in kind.subject.slots:
        inner[name] = draw.value(name.rstrip("0123456789"))
    return kind.subject.fill(inner)


def state_cards(
    draw: ValueDraw, kind: CardKind, *, count: int, n_attributes: int, layout: str
) -> list[Passage]:
    """Return the same attributes of several subjects; layout is "table", "lines", "inline" or "prose"."""
    start = list(kind.attributes)
    draw.rng.shuffle(start)
    attributes = start[: max(1, n_attributes)]
    subjects = [_card_subject(draw, kind) for _ in range(count)]
    rows: list[list[str]] = []
    questions: list[list[Asked]] = []
    for subject in subjects:
        row: list[str] = []
        asked: list[Asked] = []
        for attribute in attributes:
            values = {"e": subject, "v": _attribute_value(draw, attribute)}
            row.append(values["v"])
            asked.extend(_card_questions(kind, attribute, values))
        rows.append(row)
        questions.append(asked)
    labels = [draw.pick(attribute.labels) for attribute in attributes]
    if layout == "table":
        lines = [f"| {draw.pick(('Name', '', 'Who / what'))} | " + " | ".join(labels) + " |"]
        lines.append("|" + "---|" * (len(labels) + 1))
        lines += [
            f"| {subject} | " + " | ".join(row) + " |" for subject, row in zip(subjects, rows, strict=True)
        ]
        return [Passage(tuple(lines), tuple(q for asked in questions for q in asked), is_table=True)]
    passages = []
    dash = draw.pick((" - ", ": ", " – ", ", "))
    heading = draw.pick(("## {}", "**{}**", "{}", "{}:", "### {}"))
    labelled = draw.chance(0.6)
    for subject, row, asked in zip(subjects, rows, questions, strict=True):
        if layout == "inline":
            cells = [
                f"{label.lower()} {cell}" if labelled else cell
                for label, cell in zip(labels, row, strict=True)
            ]
            found: tuple[str, ...] = (subject + dash + ", ".join(cells),)
        elif layout == "lines":
            found = (heading.format(subject), *(f"{a}: {b}" for a, b in zip(labels, row, strict=True)))
        else:
            found = (
                " ".join(
                    with_right_articles(
                        attribute.sentences[draw.below(0, len(attribute.sentences) - 1)].fill(
                            {"e": subject, "v": cell}
                        )
                    )
                    for attribute, cell in zip(attributes, row, strict=True)
                ),
            )
        passages.append(Passage(found, tuple(asked), is_table=layout == "lines"))
    return passages
