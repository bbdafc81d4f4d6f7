"""Invents notes as people keep them, with the questions that they answer."""

from __future__ import annotations

import random

from engine.training.personal_notes.documents.catalog import DOCUMENTS
from engine.training.personal_notes.documents.needle import needle
from engine.training.personal_notes.layout import heading
from engine.training.personal_notes.medley import compose_medley
from engine.training.personal_notes.noise import as_scribbled
from engine.training.personal_notes.note import Note
from engine.training.personal_notes.page import Page, spin
from engine.training.personal_notes.questions import MIN_QUESTIONS, choose_questions
from engine.training.personal_notes.values import ValueDraw, ValuesExhausted

MIN_WORDS = 40
MAX_WORDS = 400
_FEW_WORDS = 85
_SHARE_OF_NEEDLES = 0.04
_SHARE_OF_MEDLEYS = 0.22


def generate_note(rng: random.Random) -> Note:
    """Return an invented note with 3 to 8 questions; the same state of rng gives the same note."""
    while True:
        draw = ValueDraw(rng)
        try:
            is_needle = draw.chance(_SHARE_OF_NEEDLES)
            note = _finished(draw, [needle(draw)]) if is_needle else _draft(draw)
        except ValuesExhausted:
            continue
        if note is None or not MIN_WORDS <= len(note.text.split()) <= MAX_WORDS:
            continue
        if not is_needle:
            note = as_scribbled(draw, note)
        if len(note.questions) >= MIN_QUESTIONS:
            return note


def _draft(draw: ValueDraw) -> Note | None:
    if draw.chance(_SHARE_OF_MEDLEYS):
        return compose_medley(draw)
    pages: list[Page] = []
    kinds = dict.fromkeys(draw.rng.sample(DOCUMENTS, 4))
    for kind in kinds:
        pages.append(kind(draw))
        n_words = sum(len(block.split()) for page in pages for block in page.blocks)
        if n_words >= _FEW_WORDS or draw.chance(0.2):
            break
    return _finished(draw, pages)


def _finished(draw: ValueDraw, pages: list[Page]) -> Note:
    parts: list[str] = []
    for page in pages:
        page.title = spin(draw, page.title)
        if page.title and (len(pages) > 1 or page.is_title_needed or draw.chance(0.75)):
            parts.append(heading(draw, page.title))
        parts.extend(page.blocks)
    gap = "\n" if draw.chance(0.2) else "\n\n"
    text = gap.join(part.strip("\n") for part in parts)
    return Note(
        pages[0].title, text, choose_questions(draw, [fact for page in pages for fact in page.facts], text)
    )
