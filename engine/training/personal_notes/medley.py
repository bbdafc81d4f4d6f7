"""Composes a note of loose facts: picks them from the families, with a layout and the questions."""

from __future__ import annotations

from engine.training.personal_notes import vocabulary
from engine.training.personal_notes.cards import state_cards
from engine.training.personal_notes.facts import Asked, Passage, state_fact
from engine.training.personal_notes.families.catalog import FAMILIES
from engine.training.personal_notes.note import Note, Question
from engine.training.personal_notes.questions import (
    MAX_QUESTIONS,
    MIN_QUESTIONS,
    SHARE_OF_SENTENCES,
    answerable,
    as_typed,
    without_article,
)
from engine.training.personal_notes.templates import Family
from engine.training.personal_notes.values import ValueDraw, ValuesExhausted

_LIST_LAYOUTS = ("bullets", "lines", "lines", "numbers", "stars", "checkboxes")
_PROSE_LAYOUTS = ("paragraph", "paragraphs", "diary")


def _number_of_facts(draw: ValueDraw) -> int:
    roll = draw.rng.random()
    return draw.below(3, 7) if roll < 0.3 else draw.below(8, 16)


def compose_medley(draw: ValueDraw) -> Note | None:
    """Return a note of facts from one to three families, or None where too little can be asked."""
    wanted = _number_of_facts(draw)
    families = [FAMILIES[draw.below(0, len(FAMILIES) - 1)]]
    if wanted >= 4 and draw.chance(0.4):
        families = draw.rng.sample(FAMILIES, draw.below(2, 3))
    layout = draw.pick(_LIST_LAYOUTS if draw.chance(0.55) else _PROSE_LAYOUTS)
    share = max(1, wanted // len(families))
    sections = [(family, _passages(draw, family, share, layout)) for family in families]
    sections = [(family, passages) for family, passages in sections if passages]
    if not sections:
        return None
    title = _title(draw, sections[0][0])
    text = _text(draw, title, sections, layout)
    questions = _questions(draw, [passage for _, passages in sections for passage in passages], text)
    if len(questions) < MIN_QUESTIONS:
        return None
    return Note(title, text, questions)


def _passages(draw: ValueDraw, family: Family, wanted: int, layout: str) -> list[Passage]:
    passages: list[Passage] = []
    n_facts = wanted
    if family.cards and (not family.facts or draw.chance(0.4)):
        kind = family.cards[draw.below(0, len(family.cards) - 1)]
        n_attributes = draw.below(1, min(4, len(kind.attributes), max(1, wanted)))
        count = max(1, min(draw.below(1, 5), wanted // n_attributes))
        try:
            passages += state_cards(
                draw, kind, count=count, n_attributes=n_attributes, layout=_card_layout(draw, layout, count)
            )
            n_facts -= count * n_attributes
        except ValuesExhausted:
            return []
    if not family.facts:
        return passages
    # A few kinds repeated give notes about similar things; many kinds give colourful ones.
    n_kinds = draw.below(1, max(1, n_facts)) if draw.chance(0.35) else max(1, n_facts)
    kinds = draw.rng.sample(family.facts, min(n_kinds, len(family.facts)))
    for number in range(n_facts):
        kind_of_fact = kinds[number % len(kinds)]
        if number >= len(kinds) and not kind_of_fact.may_repeat:
            continue
        try:
            passages.append(
                state_fact(draw, kind_of_fact, as_list=layout not in _PROSE_LAYOUTS, number=number)
            )
        except ValuesExhausted:
            continue
    if draw.chance(0.7):
        draw.rng.shuffle(passages)
    return passages


def _card_layout(draw: ValueDraw, layout: str, count: int) -> str:
    if layout in _PROSE_LAYOUTS:
        return "prose" if draw.chance(0.7) else "lines"
    return draw.pick(
        ("table", "table", "lines", "inline", "prose") if count > 1 else ("lines", "inline", "prose")
    )


def _title(draw: ValueDraw, family: Family) -> str:
    title = draw.pick(family.titles)
    roll = draw.rng.random()
    if roll < 0.12:
        return f"{title} ({draw.pick(vocabulary.MONTHS)})"
    return f"{title} {draw.below(2019, 2031)}" if roll < 0.2 else title


def _text(draw: ValueDraw, title: str, sections: list[tuple[Family, list[Passage]]], layout: str) -> str:
    parts: list[str] = []
    if draw.chance(0.65):
        parts.append(draw.pick(("# {}", "# {}", "{}", "{}:", "**{}**", "== {} ==")).format(title))
    if layout == "diary":
        parts.append(
            f"{draw.pick(vocabulary.WEEKDAYS)}, {draw.pick(('evening', 'late', 'morning', 'lunch break'))}"
        )
    for index, (family, passages) in enumerate(sections):
        if index or (len(sections) > 1 and draw.chance(0.5)):
            heading = draw.pick(family.titles)
            if heading != title and layout != "diary":
                parts.append(f"## {heading}")
        body = _body(draw, passages, layout)
        parts.append(body)
    return draw.pick(("\n\n", "\n\n", "\n")).join(parts)


def _body(draw: ValueDraw, passages: list[Passage], layout: str) -> str:
    if layout in _PROSE_LAYOUTS:
        return _prose(draw, passages, layout)
    mark = {"bullets": "- ", "stars": "* ", "checkboxes": "- [ ] "}.get(layout, "")
    keeps_full_stop = draw.chance(0.5)
    lines: list[str] = []
    count = 0
    for passage in passages:
        if passage.is_table:
            if lines:
                lines.append("")
            lines.extend(passage.lines)
            lines.append("")
            continue
        for line in passage.lines:
            count += 1
            start = f"{count}. " if layout == "numbers" else mark
            shown = line if keeps_full_stop or not line.endswith(".") else line[:-1]
            lines.append(start + shown)
    return "\n".join(lines).strip()


def _prose(draw: ValueDraw, passages: list[Passage], layout: str) -> str:
    filler_share = 0.35 if layout == "diary" else 0.15
    blocks: list[str] = []
    sentences: list[str] = []
    for passage in passages:
        if passage.is_table:
            if sentences:
                blocks.append(" ".join(sentences))
                sentences = []
            blocks.append("\n".join(passage.lines))
            continue
        if draw.chance(filler_share):
            try:
                sentences.append(draw.unused(lambda: draw.pick(vocabulary.FILLERS)))
            except ValuesExhausted:
                sentences.append("Anyway.")
        sentences.extend(passage.lines)
        if layout == "paragraphs" and len(sentences) >= 3 and draw.chance(0.5):
            blocks.append(" ".join(sentences))
            sentences = []
    if sentences:
        blocks.append(" ".join(sentences))
    return "\n\n".join(blocks)


def _questions(draw: ValueDraw, passages: list[Passage], text: str) -> tuple[Question, ...]:
    asked = _unambiguous([question for passage in passages for question in passage.questions])
    topics: dict[str, list[Asked]] = {}
    for question in asked:
        topics.setdefault(question.topic, []).append(question)
    order = list(topics)
    draw.rng.shuffle(order)
    limit = draw.below(max(MIN_QUESTIONS, min(6, len(order))), MAX_QUESTIONS)
    chosen: list[Asked] = []
    for topic in order[:limit]:
        forms = topics[topic]
        chosen.append(forms.pop(draw.below(0, len(forms) - 1)))
    # Short notes are asked the same in other words.
    wanted = max(MIN_QUESTIONS, min(5, limit))
    for topic in order:
        forms = topics[topic]
        while forms and len(chosen) < wanted:
            chosen.append(forms.pop(draw.below(0, len(forms) - 1)))
    return answerable([_question(draw, asked) for asked in chosen], text)


def _question(draw: ValueDraw, asked: Asked) -> Question:
    shown = as_typed(draw, asked.text)
    if asked.says and draw.chance(SHARE_OF_SENTENCES):
        return Question(shown, asked.says, (asked.answer,), evidence=asked.answer)
    return Question(shown, asked.answer, without_article(asked.answer))


def _unambiguous(asked: list[Asked]) -> list[Asked]:
    """Drop questions without a name in them that two facts of the note would answer differently."""
    topics_of: dict[str, set[str]] = {}
    for question in asked:
        if not question.form.slots:
            topics_of.setdefault(question.form.text.casefold(), set()).add(question.topic)
    return [q for q in asked if q.form.slots or len(topics_of[q.form.text.casefold()]) == 1]
