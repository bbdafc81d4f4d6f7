"""Picks which of a note's facts are asked, in which words, and with which form of answer."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import replace

from engine.training.personal_notes import vocabulary
from engine.training.personal_notes.facts import with_right_articles
from engine.training.personal_notes.note import Question
from engine.training.personal_notes.page import Fact, capitalised, spin
from engine.training.personal_notes.values import ValueDraw

MIN_QUESTIONS = 3
MAX_QUESTIONS = 8
SHARE_OF_SENTENCES = 0.24
MAX_SENTENCE_CHARS = 150
_SHARE_ASKED_TWICE = 0.4


def choose_questions(draw: ValueDraw, facts: Sequence[Fact], text: str) -> tuple[Question, ...]:
    """Return 3 to 8 questions, where the facts allow; no wording asks for two things."""
    wanted = draw.below(MIN_QUESTIONS, MAX_QUESTIONS)
    order = _without_clashes(facts)
    draw.rng.shuffle(order)
    chosen: list[Question] = []
    while len(chosen) < wanted and order:
        fact = order.pop()
        chosen.append(_asked(draw, fact))
        if draw.chance(_SHARE_ASKED_TWICE) or not order:
            chosen.append(_asked(draw, fact))
    return answerable(chosen, text)[:MAX_QUESTIONS]


def _without_clashes(facts: Sequence[Fact]) -> list[Fact]:
    """Leave out wordings that two facts of the note would answer differently."""
    answers: dict[str, str] = {}
    clashing: set[str] = set()
    for fact in facts:
        for form in fact.forms:
            if answers.setdefault(form, fact.answer) != fact.answer:
                clashing.add(form)
    if not clashing:
        return list(facts)
    kept = [replace(fact, forms=tuple(form for form in fact.forms if form not in clashing)) for fact in facts]
    return [fact for fact in kept if fact.forms]


def _asked(draw: ValueDraw, fact: Fact) -> Question:
    question = capitalised(with_right_articles(spin(draw, draw.pick(fact.forms)).strip()))
    question = as_typed(draw, question)
    if fact.says and draw.chance(SHARE_OF_SENTENCES):
        sentence = capitalised(with_right_articles(spin(draw, fact.says)))
        if len(sentence) <= MAX_SENTENCE_CHARS:
            return Question(question, sentence, (fact.answer, *fact.also), evidence=fact.answer)
    return Question(question, fact.answer, (*fact.also, *without_article(fact.answer)))


def answerable(questions: Sequence[Question], text: str) -> tuple[Question, ...]:
    """Return the questions whose span stands in the text and not in the question, each wording once.

    A wording that asks for two things is left out altogether.
    """
    spans: dict[str, set[str]] = {}
    for question in questions:
        spans.setdefault(plain(question.text), set()).add(question.span)
    found: dict[str, Question] = {}
    for question in questions:
        key = plain(question.text)
        if (
            len(spans[key]) == 1
            and stands_in(question.span, text)
            and not stands_in(question.span, question.text)
        ):
            found.setdefault(key, question)
    return tuple(found.values())


def plain(question: str) -> str:
    """Return a question without what its typing varies."""
    return " ".join(re.findall(r"\w+", question.casefold()))


def stands_in(span: str, text: str) -> bool:
    """Return whether the span stands in the text, in whole words."""
    start = text.find(span)
    while start >= 0:  # a pattern compiled for every span would take half of the generator's time
        end = start + len(span)
        if not (text[max(start - 1, 0) : start].isalnum() or text[end : end + 1].isalnum()):
            return True
        start = text.find(span, start + 1)
    return False


def as_typed(draw: ValueDraw, question: str) -> str:
    """Return the question as it is typed: mostly with care, at times in a hurry."""
    roll = draw.rng.random()
    if roll < 0.05:
        return question.rstrip("?.")
    if roll < 0.13:
        return question.lower().rstrip("?.")
    if roll < 0.15 and question.endswith("?"):
        return f"{question[:-1]}??"
    if roll < 0.18 and question.endswith("?"):
        opener = draw.pick(vocabulary.QUESTION_OPENERS)
        return opener + (question[:1].lower() + question[1:] if opener.endswith(", ") else question)
    return question


def without_article(answer: str) -> tuple[str, ...]:
    """Return the answer without its article as an accepted form, if it has one."""
    for article in ("the ", "a ", "an ", "my "):
        if answer.startswith(article):
            return (answer.removeprefix(article),)
    return ()
