"""Makes a finished note look typed by somebody in a hurry, without touching what its answers are made of."""

from __future__ import annotations

import re
from collections.abc import Callable
from dataclasses import replace

from engine.training.personal_notes import vocabulary
from engine.training.personal_notes.note import Note, Question
from engine.training.personal_notes.questions import answerable
from engine.training.personal_notes.values import ValueDraw

_LONG_WORD = re.compile(r"(?<![\w.@/-])[a-z]{5,}(?![\w.@/-])")
_FULL_STOP = re.compile(r"(?<=[a-z)])\.$", re.MULTILINE)
_SHORT_FORMS = {
    "with": "w/",
    "without": "w/o",
    "and": "&",
    "about": "abt",
    "because": "bc",
    "before": "b4",
    "please": "pls",
    "tomorrow": "tmrw",
    "number": "no.",
    "appointment": "appt",
    "people": "ppl",
    "minutes": "min",
    "between": "betw.",
    "through": "thru",
    "you": "u",
    "are": "r",
    "should": "shd",
    "would": "wd",
    "something": "sth",
    "somebody": "sb",
    "address": "addr",
    "information": "info",
    "the": "",
    "at": "@",
}
_ABBREVIATED = re.compile(r"\b(" + "|".join(_SHORT_FORMS) + r")\b ?")


def as_scribbled(draw: ValueDraw, note: Note) -> Note:
    """Return the note with at most one habit of hurried writers; its spans still stand in it."""
    roll = draw.rng.random()
    if roll < 0.05:
        return _lower_case(note)
    if roll < 0.17:
        note = _rewritten(note, lambda text: _with_typos(draw, text))
    elif roll < 0.24:
        note = _rewritten(note, lambda text: _abbreviated(draw, text))
    elif roll < 0.30:
        note = _rewritten(note, lambda text: _FULL_STOP.sub("", text))
    if draw.chance(0.08):
        note = replace(note, text=_with_aside(draw, note.text))
    return replace(note, questions=answerable(note.questions, note.text))


def _lower_case(note: Note) -> Note:
    text = note.text.lower()
    questions = tuple(
        q if q.evidence else Question(q.text, q.answer.lower(), q.alternatives) for q in note.questions
    )
    questions = tuple(replace(q, evidence=q.evidence.lower()) if q.evidence else q for q in questions)
    return Note(note.title.lower(), text, answerable(questions, text))


def _rewritten(note: Note, rewrite: Callable[[str], str]) -> Note:
    """Rewrite what stands between the spans of the answers, and outside of code and tables."""
    if "```" in note.text or "|--" in note.text:
        return note
    spans = sorted({q.span for q in note.questions}, key=len, reverse=True)
    parts = re.split("(" + "|".join(map(re.escape, spans)) + ")", note.text)
    return replace(note, text="".join(part if i % 2 else rewrite(part) for i, part in enumerate(parts)))


def _with_typos(draw: ValueDraw, text: str) -> str:
    return _LONG_WORD.sub(lambda match: _mistyped(draw, match[0]) if draw.chance(0.05) else match[0], text)


def _mistyped(draw: ValueDraw, word: str) -> str:
    at = draw.below(1, len(word) - 2)
    roll = draw.rng.random()
    if roll < 0.5:
        return word[:at] + word[at + 1] + word[at] + word[at + 2 :]
    return word[:at] + word[at + 1 :] if roll < 0.8 else word[:at] + word[at] + word[at:]


def _abbreviated(draw: ValueDraw, text: str) -> str:
    def short(match: re.Match[str]) -> str:
        if draw.chance(0.45):
            return match[0]
        form = _SHORT_FORMS[match[1]]
        blank = match[0][len(match[1]) :]
        return form + blank if form else ""

    return _ABBREVIATED.sub(short, text)


def _with_aside(draw: ValueDraw, text: str) -> str:
    aside = draw.pick(vocabulary.FILLERS)
    return f"{text}\n\n{aside}" if draw.chance(0.6) else f"{aside}\n\n{text}"
