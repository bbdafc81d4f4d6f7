"""Turns several subjects with the same attributes into a table, headed lines or sentences."""

from __future__ import annotations

import re

from engine.training.personal_notes.facts import Asked, Passage, draw_slot, with_right_articles
from engine.training.personal_notes.templates import Attribute, CardKind, Template, template
from engine.training.personal_notes.values import ValueDraw

_SUBJECT_FORM = re.compile(
    r"(?<!for )(?<!of )(?<!with )\{e\}(?= (?:\w+s|has|can|cannot|must|just|now|came|would|should) )"
)
_OWNED = re.compile(r"\b[Tt]he ([a-z]+(?: [a-z]+)?) of \{e\}")
_NOT_REPLACEABLE = re.compile(r"\b(?:[Oo]ur|[Mm]y) \{e\}|\{e\} recipe|\b(?:me|us) (?:the )?\{e\}")


def _card_subject(draw: ValueDraw, kind: CardKind) -> str:
    values = {slot: draw.value(slot) for slot in kind.subject.slots}
    return kind.subject.fill(values)


def _attribute_value(draw: ValueDraw, attribute: Attribute) -> str:
    values: dict[str, str] = {}
    draw_slot(draw, "v", {"v": attribute.values}, values)
    return values["v"]


def _card_questions(kind: CardKind, attribute: Attribute, values: dict[str, str]) -> list[Asked]:
    topic = f"{kind.key}.{values['e']}.{attribute.labels[0]}"
    says = with_right_articles(attribute.sentences[0].fill(values))
    found = [Asked(form, values, values["v"], topic, says) for form in attribute.asks]
    found.extend(Asked(form, values, values["e"], f"{topic}.reverse") for form in attribute.reverse_asks)
    return found


def with_pronoun(sentence: Template, pronoun: str) -> Template | None:
    """Return the sentence about "she", "he" or "it" instead of a name, or None where that is no English."""
    if _NOT_REPLACEABLE.search(sentence.text):
        return None
    subject, own, other = {
        "she": ("she", "her", "her"),
        "he": ("he", "his", "him"),
        "it": ("it", "its", "it"),
    }[pronoun]
    text = re.sub(r"\b[Tt]he \{e\}", "{e}", sentence.text)
    text = _OWNED.sub(rf"{own} \1", text.replace("{e}'s", own))
    text = _SUBJECT_FORM.sub(subject, text).replace("{e}", other)
    return template(text[0].upper() + text[1:])


def _sentences(
    draw: ValueDraw, kind: CardKind, attributes: list[Attribute], subject: str, row: list[str]
) -> str:
    pronoun = kind.pronoun if draw.chance(0.4) else ""
    if pronoun == "she" and draw.chance(0.5):
        pronoun = "he"
    found: list[str] = []
    for attribute, value in zip(attributes, row, strict=True):
        form = attribute.sentences[draw.below(0, len(attribute.sentences) - 1)]
        if pronoun and found:
            form = with_pronoun(form, pronoun) or form
        found.append(with_right_articles(form.fill({"e": subject, "v": value})))
    return " ".join(found)


def _table(draw: ValueDraw, labels: list[str], subjects: list[str], rows: list[list[str]]) -> tuple[str, ...]:
    lines = [f"| {draw.pick(('Name', '', 'Who / what'))} | " + " | ".join(labels) + " |"]
    lines.append("|" + "---|" * (len(labels) + 1))
    lines += [f"| {subject} | " + " | ".join(row) + " |" for subject, row in zip(subjects, rows, strict=True)]
    return tuple(lines)


def _labelled(label: str, value: str) -> str:
    label = label.lower()
    return value if value.lower().startswith(label.split()[0]) else f"{label} {value}"


def state_cards(
    draw: ValueDraw, kind: CardKind, *, count: int, n_attributes: int, layout: str
) -> list[Passage]:
    """Return the same attributes of several subjects; layout is "table", "lines", "inline" or "prose"."""
    attributes = draw.rng.sample(kind.attributes, max(1, n_attributes))
    subjects = [_card_subject(draw, kind) for _ in range(count)]
    rows: list[list[str]] = []
    questions: list[tuple[Asked, ...]] = []
    for subject in subjects:
        row = [_attribute_value(draw, attribute) for attribute in attributes]
        asked: list[Asked] = []
        for attribute, value in zip(attributes, row, strict=True):
            asked.extend(_card_questions(kind, attribute, {"e": subject, "v": value}))
        rows.append(row)
        questions.append(tuple(asked))
    labels = [draw.pick(attribute.labels) for attribute in attributes]
    if layout == "table":
        return [
            Passage(
                _table(draw, labels, subjects, rows), tuple(q for found in questions for q in found), True
            )
        ]
    passages = []
    dash = draw.pick((" - ", ": ", " – ", ", "))
    heading = draw.pick(("## {}", "**{}**", "{}", "{}:", "### {}"))
    colon = draw.pick((": ", ": ", ": ", " = ", " - "))
    is_labelled = draw.chance(0.6)
    for subject, row, found in zip(subjects, rows, questions, strict=True):
        if layout == "inline":
            cells = [_labelled(*pair) for pair in zip(labels, row, strict=True)] if is_labelled else row
            lines: tuple[str, ...] = (subject + dash + ", ".join(cells),)
        elif layout == "lines":
            lines = (heading.format(subject), *(a + colon + b for a, b in zip(labels, row, strict=True)))
        else:
            lines = (_sentences(draw, kind, attributes, subject, row),)
        passages.append(Passage(lines, found, is_table=layout == "lines"))
    return passages
