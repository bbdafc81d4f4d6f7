"""Turns a kind of fact into a statement of a note with the questions it answers."""

from __future__ import annotations

import re
from dataclasses import dataclass

from engine.training.personal_notes import vocabulary
from engine.training.personal_notes.templates import FactKind, Template
from engine.training.personal_notes.values import GENERATORS, ValueDraw

_ARTICLE = re.compile(r"\ba (?=(?!one\b|eu)[aeio])")


@dataclass(slots=True)
class Asked:
    """A question still to be filled, with its answer.

    Attributes:
        topic: what is asked, whatever the wording.
        says: a sentence that restates the fact; "" for none.
    """

    form: Template
    values: dict[str, str]
    answer: str
    topic: str
    says: str = ""

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


def draw_slot(
    draw: ValueDraw, slot: str, own: dict[str, tuple[Template, ...]], values: dict[str, str]
) -> None:
    """Draw the value of a slot, from the block's own values or from the generator of its kind."""
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
        draw_slot(draw, slot, kind.own_slots, values)
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
    text = with_right_articles(statement.fill(values))
    if forms is kind.sentences and draw.chance(0.07):
        text = draw.pick(vocabulary.OPENERS) + text
    elif draw.chance(0.03):
        text = text.removesuffix(".") + draw.pick(vocabulary.REMARKS)
    return Passage((text,), tuple(asked))
