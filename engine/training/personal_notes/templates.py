"""The small language in which the families of notes are written, and its parser.

A family is a text file: a line "titles A / B", then blocks. A block describes one kind of fact:

    fact
    = I see the dentist on {date} at {clock}.        a whole sentence, fits everywhere
    - Dentist: {date}, {clock}                       a jotting, only used in lists
    : place = Hotel {name} / {city} Inn              values of an own slot
    < date date2                                     date comes before date2
    ? date: When do I see the dentist? | dentist date

or a card: a thing or person with attributes, written as a heading with lines, a table or sentences:

    card {full} ~ she                                later sentences may say "she" ("he"), or "it" with ~ it
    + Phone / Tel = {phone}
    = {e}'s number is {v}.
    ? How do I call {e}? | {e} phone                 asks for the attribute
    ! Whose number is {v}?                           asks for the person

A slot's kind is its name without trailing digits (see values.GENERATORS) unless the block defines it. A
question is only asked when the chosen statement contains its answer and everything the question mentions; as
no value is drawn twice for a note, such a question has one answer. A question without any slot is only asked
when its kind of fact occurs once.
"""

from __future__ import annotations

import re
from dataclasses import dataclass, field

_SLOT = re.compile(r"\{([a-z_]+[0-9]*)\}")


class TemplateError(ValueError):
    """A line of a family breaks the small language."""


@dataclass(frozen=True)
class Template:
    """A text with slots in braces."""

    text: str
    slots: tuple[str, ...]

    def fill(self, values: dict[str, str]) -> str:
        """Return the text with every slot replaced."""
        text = self.text
        for slot in self.slots:
            text = text.replace("{" + slot + "}", values[slot])
        return text


@dataclass(frozen=True)
class Ask:
    """A form of question and the slot that answers it."""

    answer_slot: str
    template: Template
    needs: frozenset[str]


@dataclass(frozen=True)
class FactKind:
    """Statements of one kind of fact and the questions about it."""

    key: str
    sentences: tuple[Template, ...]
    jottings: tuple[Template, ...]
    asks: tuple[Ask, ...]
    own_slots: dict[str, tuple[Template, ...]]
    in_order: tuple[str, ...]

    @property
    def may_repeat(self) -> bool:
        """Whether several such facts in one note stay apart: nearly all questions name one."""
        return sum(not ask.template.slots for ask in self.asks) * 4 < len(self.asks)


@dataclass(frozen=True)
class Attribute:
    """One line of a card; its slots are e (the card's subject) and v (the value)."""

    labels: tuple[str, ...]
    values: tuple[Template, ...]
    sentences: tuple[Template, ...]
    asks: tuple[Template, ...]
    reverse_asks: tuple[Template, ...]


@dataclass(frozen=True)
class CardKind:
    """A person or thing with attributes; pronoun is "she" (or he), "it" or "" for none."""

    key: str
    subject: Template
    pronoun: str
    attributes: tuple[Attribute, ...]


@dataclass(frozen=True)
class Family:
    """A kind of note: its titles and what such a note can contain."""

    name: str
    titles: tuple[str, ...]
    facts: tuple[FactKind, ...]
    cards: tuple[CardKind, ...]


@dataclass
class _Lines:
    head: str
    lines: list[tuple[str, str]] = field(default_factory=list)

    def of(self, mark: str) -> list[str]:
        return [rest for line_mark, rest in self.lines if line_mark == mark]


def template(text: str) -> Template:
    """Parse a text with slots."""
    return Template(text, tuple(dict.fromkeys(_SLOT.findall(text))))


def _split(text: str, separator: str) -> tuple[Template, ...]:
    return tuple(template(part.strip()) for part in text.split(separator) if part.strip())


def _fact(key: str, block: _Lines) -> FactKind:
    own: dict[str, tuple[Template, ...]] = {}
    for line in block.of(":"):
        name, _, options = line.partition(" = ")
        own[name.strip()] = _split(options, " / ")
    asks: list[Ask] = []
    for line in block.of("?"):
        slot, _, forms = line.partition(": ")
        asks.extend(Ask(slot, form, frozenset((*form.slots, slot))) for form in _split(forms, " | "))
    sentences = tuple(map(template, block.of("=")))
    if not sentences or not asks:
        raise TemplateError(f"{key} needs a sentence and a question")
    in_order = tuple(" ".join(block.of("<")).split())
    return FactKind(key, sentences, tuple(map(template, block.of("-"))), tuple(asks), own, in_order)


def _card(key: str, block: _Lines) -> CardKind:
    attributes: list[Attribute] = []
    pending: _Lines | None = None
    groups: list[_Lines] = []
    for mark, rest in block.lines:
        if mark == "+":
            pending = _Lines(rest)
            groups.append(pending)
        elif pending is None:
            raise TemplateError(f"{key}: a line before the first attribute")
        else:
            pending.lines.append((mark, rest))
    for group in groups:
        labels, _, values = group.head.partition(" = ")
        asks = tuple(form for line in group.of("?") for form in _split(line, " | "))
        reverse = tuple(form for line in group.of("!") for form in _split(line, " | "))
        sentences = tuple(map(template, group.of("=")))
        if not values or not sentences or not asks:
            raise TemplateError(f"{key}: attribute {labels} is incomplete")
        attributes.append(
            Attribute(tuple(labels.split(" / ")), _split(values, " / "), sentences, asks, reverse)
        )
    subject, _, pronoun = block.head.partition(" ~ ")
    return CardKind(key, template(subject), pronoun, tuple(attributes))


def parse_family(name: str, text: str) -> Family:
    """Parse the text of a family. Raises TemplateError."""
    blocks: list[_Lines] = []
    first, _, rest = text.strip().partition("\n")
    if not first.startswith("titles "):
        raise TemplateError(f"{name}: the first line must give the titles")
    for raw in rest.splitlines():
        line = raw.strip()
        if not line:
            continue
        if line == "fact" or line.startswith("card "):
            blocks.append(_Lines(line.removeprefix("card ")))
        elif line[0] in "=-:?+!<" and line[1] == " " and blocks:
            blocks[-1].lines.append((line[0], line[2:].strip()))
        else:
            raise TemplateError(f"{name}: cannot read {line!r}")
    facts = tuple(_fact(f"{name}-{n}", block) for n, block in enumerate(blocks) if block.head == "fact")
    cards = tuple(_card(f"{name}-{n}", block) for n, block in enumerate(blocks) if block.head != "fact")
    return Family(name, tuple(first.removeprefix("titles ").split(" / ")), facts, cards)
