"""The invented notes that the embedded hypernetwork is trained on."""

from __future__ import annotations

import random
import re
from collections import Counter

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from engine.evaluation.question_sets import MAX_ANSWER_CHARS
from engine.training.chunked import find_owners
from engine.training.personal_notes.cards import with_pronoun
from engine.training.personal_notes.documents.catalog import DOCUMENTS
from engine.training.personal_notes.documents.family import animals
from engine.training.personal_notes.documents.house import meters
from engine.training.personal_notes.documents.needle import needle
from engine.training.personal_notes.documents.travel import flights
from engine.training.personal_notes.facts import state_fact
from engine.training.personal_notes.families.catalog import FAMILIES
from engine.training.personal_notes.generator import MAX_WORDS, MIN_WORDS, generate_note
from engine.training.personal_notes.layout import records
from engine.training.personal_notes.noise import as_scribbled
from engine.training.personal_notes.note import Note, Question
from engine.training.personal_notes.page import Document, Fact, Page, spin
from engine.training.personal_notes.questions import (
    MAX_QUESTIONS,
    MIN_QUESTIONS,
    answerable,
    choose_questions,
    plain,
    stands_in,
)
from engine.training.personal_notes.templates import FactKind, TemplateError, parse_family, template
from engine.training.personal_notes.values import GENERATORS, ValueDraw, ValuesExhausted

SAMPLE_SIZE = 2000
DISTINCT_DOCUMENTS = tuple(dict.fromkeys(DOCUMENTS))


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
        assert 0 < len(question.answer) < MAX_ANSWER_CHARS, question
        # The second chunk is there for a note of one chunk answers whatever it is asked.
        assert find_owners([note.text, ""], [(question.text, question.span)]) == [0], (question, note.text)


@settings(max_examples=150)
@given(st.integers(min_value=0, max_value=2**64))
def test_no_placeholder_is_left_in_a_note(seed: int) -> None:
    note = generate_note(random.Random(seed))
    assert not re.search(r"[{}]", note.title), note.title
    for text in (note.text, *(question.text for question in note.questions)):
        assert not re.search(r"\{\w+\}|\[\w[^\]]*\|", text), text
        assert text.strip()


def test_a_wording_never_asks_for_two_things_in_one_note(notes: list[Note]) -> None:
    for note in notes:
        answers: dict[str, set[str]] = {}
        for question in note.questions:
            wording = question.text.casefold().rstrip("?").removesuffix(" again").rpartition(": ")[2]
            answers.setdefault(wording, set()).add(question.span.casefold())
        assert all(len(found) == 1 for found in answers.values()), note


def test_a_question_does_not_contain_its_own_answer(notes: list[Note]) -> None:
    told = [
        (question, note.text)
        for note in notes
        for question in note.questions
        if re.search(rf"(?<!\w){re.escape(question.span.casefold())}(?!\w)", question.text.casefold())
    ]
    asked = sum(len(note.questions) for note in notes)
    assert len(told) <= asked * 0.005, told[:5]


def test_lengths_run_from_a_few_lines_to_a_full_page(notes: list[Note]) -> None:
    lengths = sorted(len(note.text.split()) for note in notes)
    assert lengths[0] >= MIN_WORDS - 5  # abbreviations drop words
    assert lengths[-1] <= MAX_WORDS + 10
    assert 90 <= lengths[SAMPLE_SIZE // 2] <= 150
    assert sum(80 <= length <= 200 for length in lengths) > 0.6 * SAMPLE_SIZE


def test_answers_are_short_spans(notes: list[Note]) -> None:
    lengths = [len(question.span) for note in notes for question in note.questions]
    assert max(lengths) <= 80
    assert sum(lengths) / len(lengths) < 16


def test_some_answers_are_whole_sentences_around_their_evidence(notes: list[Note]) -> None:
    questions = [question for note in notes for question in note.questions]
    sentences = [question for question in questions if question.evidence]
    assert 0.1 <= len(sentences) / len(questions) <= 0.2
    assert all(question.answer[-1] in ".!" for question in sentences)
    around = sum(question.evidence.casefold() in question.answer.casefold() for question in sentences)
    assert around > 0.8 * len(sentences)


def test_notes_begin_and_are_built_in_many_ways(notes: list[Note]) -> None:
    assert len({note.text.split("\n")[0] for note in notes}) > 0.6 * SAMPLE_SIZE
    assert len({re.sub(r"[^\W\d]+", "a", note.text) for note in notes}) > 0.98 * SAMPLE_SIZE


def test_questions_have_many_forms_and_none_prevails(notes: list[Note]) -> None:
    asked = [question.text.casefold().split() for note in notes for question in note.questions]
    openings = Counter(" ".join(words[:3]) for words in asked)
    assert len(openings) > 2500
    assert max(openings.values()) < 0.05 * len(asked)
    assert len({" ".join(words) for words in asked}) > 0.75 * len(asked)


def _drawn(document: Document, seed: int) -> Page:
    for attempt in range(20):
        try:
            return document(ValueDraw(random.Random(seed * 20 + attempt)))
        except ValuesExhausted:
            continue
    raise AssertionError(document)


@pytest.mark.parametrize("document", DISTINCT_DOCUMENTS, ids=lambda document: document.__name__)
def test_what_a_document_asks_stands_in_it_once(document: Document) -> None:
    for seed in range(25):
        page = _drawn(document, seed)
        text = "\n".join(page.blocks)
        held = [fact for fact in page.facts if stands_in(fact.answer, text)]
        # Some documents note more than they write down; what is left must do.
        assert len(held) >= MIN_QUESTIONS - 1, text
        answers: dict[str, str] = {}
        for fact in held:
            for form in fact.forms:
                assert answers.setdefault(form, fact.answer) == fact.answer or len(fact.forms) > 1, form
                assert not re.search(r"[\[\]|{}]", spin(page.draw, form)), form


@pytest.mark.parametrize("document", [flights, meters, animals], ids=lambda d: d.__name__)
def test_of_similar_things_the_question_says_which(document: Document) -> None:
    for seed in range(40):
        page = _drawn(document, seed)
        asked: dict[str, str] = {}
        for fact in page.facts:
            for form in fact.forms:
                question = plain(spin(page.draw, form))
                assert asked.setdefault(question, fact.answer) == fact.answer, question


def test_a_changed_value_can_be_asked_for_now_and_before() -> None:
    old_asked = 0
    for seed in range(30):
        page = Page(ValueDraw(random.Random(seed)))
        page.add(page.changed("4711", "0815", "alarm code"))
        assert stands_in("0815", page.blocks[0])
        assert stands_in("4711", page.blocks[0])
        now, *before = page.facts
        assert now.answer == "0815"
        assert all(fact.answer == "4711" for fact in before)
        old_asked += len(before)
    assert 5 < old_asked < 25


def test_a_needle_is_one_line_among_dull_ones() -> None:
    for seed in range(50):
        page = needle(ValueDraw(random.Random(seed)))
        (text,), fact = page.blocks, page.facts[0]
        assert text.count(fact.says) == 1
        assert stands_in(fact.answer, text)


@pytest.mark.parametrize("seed", range(150))
def test_names_in_a_question_stand_in_the_note(seed: int) -> None:
    note = generate_note(random.Random(seed))
    known = note.text.casefold()
    for question in note.questions:
        names = re.findall(r"(?<=[a-z] )[A-Z][a-z]{2,}(?='s|[ ?.])", question.text)
        # A day or month may be written short in the note.
        assert all(name.casefold()[:3] in known or name == "Wi" for name in names), (question, note.text)


def test_a_wording_with_two_answers_is_not_asked() -> None:
    draw = ValueDraw(random.Random(1))
    facts = [Fact("red", ("Which colour?",)), Fact("blue", ("Which colour?",)), Fact("Ida", ("Who?",))]
    asked = choose_questions(draw, facts, "red, blue, Ida")
    assert {question.answer for question in asked} == {"Ida"}


def test_a_question_that_the_note_does_not_answer_is_left_out() -> None:
    questions = [Question("How old?", "5"), Question("Who?", "Ida"), Question("Is Ida it?", "Ida")]
    assert answerable(questions, "Ida, born in 1995") == (questions[1],)


@settings(max_examples=100)
@given(st.integers(min_value=0, max_value=2**64))
def test_hasty_writing_spares_what_is_asked(seed: int) -> None:
    spans = ("between two stools", "Thursday", "QX-1995")
    text = (
        "Something should happen between two stools on Thursday, about the appointment QX-1995 before noon."
    )
    questions = tuple(Question(f"Number {i}?", span) for i, span in enumerate(spans))
    note = as_scribbled(ValueDraw(random.Random(seed)), Note("", text, questions))
    assert [q.answer.casefold() for q in note.questions] == [span.casefold() for span in spans]
    assert all(stands_in(q.answer, note.text) for q in note.questions)


@settings(max_examples=60)
@given(st.integers(min_value=0, max_value=2**64))
def test_records_keep_every_value_in_every_layout(seed: int) -> None:
    rows = [("Ida", "4711", "red, mostly"), ("Bo", "0815", "blue")]
    text = records(ValueDraw(random.Random(seed)), ("Name", "Code", "Colour"), rows)
    assert all(stands_in(value, text) for row in rows for value in row)


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
