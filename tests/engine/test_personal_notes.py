"""The invented notes that the embedded hypernetwork is trained on."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.training.personal_notes.cards import with_pronoun
from engine.training.personal_notes.facts import state_fact
from engine.training.personal_notes.families.catalog import FAMILIES
from engine.training.personal_notes.generator import MAX_QUESTIONS, MIN_QUESTIONS, generate_note
from engine.training.personal_notes.note import Note
from engine.training.personal_notes.templates import FactKind, TemplateError, parse_family, template
from engine.training.personal_notes.values import GENERATORS, ValueDraw

SAMPLE_SIZE = 1500


@pytest.fixture(scope="module")
def notes() -> list[Note]:
    """A sample that is large enough for shares."""
    rng = random.Random(20261123)
    return [generate_note(rng) for _ in range(SAMPLE_SIZE)]


def _fact_kinds() -> list[FactKind]:
    return [kind for family in FAMILIES for kind in family.facts]


def test_the_same_seed_gives_the_same_notes() -> None:
    first, second = random.Random(7), random.Random(7)
    assert [generate_note(first) for _ in range(40)] == [generate_note(second) for _ in range(40)]


def test_different_seeds_give_different_notes() -> None:
    assert len({generate_note(random.Random(seed)).text for seed in range(200)}) > 195


@settings(max_examples=150)
@given(st.integers(min_value=0, max_value=2**64))
def test_every_note_can_answer_its_questions_word_for_word(seed: int) -> None:
    note = generate_note(random.Random(seed))
    assert MIN_QUESTIONS <= len(note.questions) <= MAX_QUESTIONS
    assert len({question.text for question in note.questions}) == len(note.questions)
    for question in note.questions:
        assert question.answer, question
        assert question.answer in note.text, (question, note.text)
        assert all(alternative in question.answer for alternative in question.alternatives)


@settings(max_examples=150)
@given(st.integers(min_value=0, max_value=2**64))
def test_no_placeholder_is_left_in_a_note(seed: int) -> None:
    note = generate_note(random.Random(seed))
    for text in (note.title, note.text, *(question.text for question in note.questions)):
        assert not re.search(r"[{}]", text), text
        assert text.strip()


def test_a_wording_never_asks_for_two_things_in_one_note(notes: list[Note]) -> None:
    for note in notes:
        answers: dict[str, set[str]] = {}
        for question in note.questions:
            plain = question.text.casefold().rstrip("?").removesuffix(" again").rpartition(": ")[2]
            answers.setdefault(plain, set()).add(question.answer.casefold())
        assert all(len(found) == 1 for found in answers.values()), note


def test_a_question_does_not_contain_its_own_answer(notes: list[Note]) -> None:
    told = [
        (question, note.text)
        for note in notes
        for question in note.questions
        if re.search(rf"(?<!\w){re.escape(question.answer.casefold())}(?!\w)", question.text.casefold())
    ]
    asked = sum(len(note.questions) for note in notes)
    assert len(told) <= asked * 0.005, told[:5]


def test_lengths_run_from_one_line_to_a_full_page(notes: list[Note]) -> None:
    lengths = sorted(len(note.text.split()) for note in notes)
    assert lengths[SAMPLE_SIZE // 50] <= 15
    assert 40 <= lengths[SAMPLE_SIZE // 2] <= 110
    assert 130 <= lengths[-SAMPLE_SIZE // 20] <= 220
    assert lengths[-1] <= 320


def test_answers_are_short_spans(notes: list[Note]) -> None:
    lengths = [len(question.answer) for note in notes for question in note.questions]
    assert max(lengths) <= 60
    assert sum(lengths) / len(lengths) < 16


def test_layouts_are_mixed(notes: list[Note]) -> None:
    marks = {
        "table": "|---|",
        "heading": "# ",
        "bullet": "\n- ",
        "label": ": ",
        "numbered": "\n2. ",
        "bold": "**",
    }
    for name, mark in marks.items():
        share = sum(mark in note.text for note in notes) / SAMPLE_SIZE
        assert share > 0.02, name


def test_every_kind_of_fact_can_be_drawn_and_asked() -> None:
    for kind in _fact_kinds():
        for statement in (*kind.sentences, *kind.jottings):
            for slot in statement.slots:
                assert slot in kind.own_slots or slot.rstrip("0123456789") in GENERATORS, (kind.key, slot)
            stated = set(statement.slots)
            assert sum(ask.needs <= stated for ask in kind.asks) >= 2, (kind.key, statement.text)
        for ask in kind.asks:
            assert any(ask.needs <= set(s.slots) for s in (*kind.sentences, *kind.jottings)), (kind.key, ask)


def test_own_values_of_a_kind_use_known_slots() -> None:
    options = [option for kind in _fact_kinds() for found in kind.own_slots.values() for option in found]
    options += [
        option
        for family in FAMILIES
        for card in family.cards
        for attribute in card.attributes
        for option in attribute.values
    ]
    unknown = [o.text for o in options for slot in o.slots if slot.rstrip("0123456789") not in GENERATORS]
    assert unknown == []


def test_cards_only_speak_of_their_subject_and_value() -> None:
    for family in FAMILIES:
        for card in family.cards:
            for attribute in card.attributes:
                assert all({"e", "v"} == set(s.slots) for s in attribute.sentences), (
                    card.key,
                    attribute.labels,
                )
                assert all(set(s.slots) == {"e"} for s in attribute.asks), (card.key, attribute.labels)
                assert all(set(s.slots) == {"v"} for s in attribute.reverse_asks), (
                    card.key,
                    attribute.labels,
                )


@pytest.mark.parametrize(
    ("sentence", "pronoun", "said"),
    [
        ("{e} works at {v}.", "she", "She works at {v}."),
        ("The number to call for {e} is {v}.", "he", "The number to call for him is {v}."),
        ("The port of {e} is {v}.", "it", "Its port is {v}."),
        ("I keep the {e} in {v}.", "it", "I keep it in {v}."),
        ("{e}'s birthday is {v}.", "he", "His birthday is {v}."),
    ],
)
def test_a_later_sentence_about_a_subject_can_use_a_pronoun(sentence: str, pronoun: str, said: str) -> None:
    spoken = with_pronoun(template(sentence), pronoun)
    assert spoken is not None
    assert spoken.text == said


def test_a_sentence_that_a_pronoun_would_break_is_left_alone() -> None:
    assert with_pronoun(template("Our {e} is a {v}."), "it") is None


def test_no_question_is_shared_by_two_kinds_of_fact() -> None:
    generic = Counter(
        ask.template.text.casefold() for kind in _fact_kinds() for ask in kind.asks if not ask.template.slots
    )
    assert [text for text, count in generic.items() if count > 1] == []


def test_a_broken_line_of_a_family_is_refused() -> None:
    with pytest.raises(TemplateError, match="cannot read"):
        parse_family("broken", "titles A\nfact\nno mark at all")


def test_a_fact_without_questions_is_refused() -> None:
    with pytest.raises(TemplateError, match="needs a sentence and a question"):
        parse_family("broken", "titles A\nfact\n= It is {person}.")


def test_a_family_without_titles_is_refused() -> None:
    with pytest.raises(TemplateError, match="titles"):
        parse_family("broken", "fact\n= It is {person}.\n? person: Who is it?")


def test_dates_that_belong_together_are_in_order() -> None:
    kinds = [kind for kind in _fact_kinds() if kind.in_order]
    assert kinds
    for kind in kinds:
        early, late = kind.in_order
        for number in range(20):
            draw = ValueDraw(random.Random(number))
            passage = state_fact(draw, kind, as_list=False, number=number)
            values = passage.questions[0].values
            assert not draw.is_later(values[early], values[late])
