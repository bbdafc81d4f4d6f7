"""Which of alike passages comes first: by its lines, by names and numbers, by the kind of thing asked for."""

import pytest

from app.services.ranking import MAX_READ, search
from app.services.relevance import asked_things, best_line, term_factors
from storage.catalog import Catalog
from storage.database import Database
from storage.search import MARK
from tests.storage.library import Library

HEALTH_LOGS = {
    "health-01.md": "Blood pressure 131 over 84, after coffee.\nRefilled the blue tablets at the pharmacy.",
    "health-02.md": "Blood test: iron a little low.\nPressure in the ears on the flight, tablets helped.",
    "health-03.md": "Pharmacy closed.\nTook the last tablets.\nPressure fine.\nBlood sugar not measured.",
    "health-04.md": "Dr. Okafor wants the iron measured again in June.\nPharmacy opens at 9:15 on Saturdays.",
    "health-05.md": "Iron tablets, iron tablets.\nPharmacy: ask for June.\nMeasured nothing again.",
    "health-06.md": "Saturdays: pharmacy run, blood oranges.\nHeadache after the flight, opened a window.",
}
MEETINGS = {
    "standup-1.md": "Petra fixes the login page.\nBudget talk moved.\nTomas is away until Monday.",
    "standup-2.md": "Login page done.\nTomas wrote the budget table, Petra reads it.\nRelease is on 12 May.",
    "standup-3.md": "Budget, budget, budget.\nPetra: release notes.\nTomas: release party.\nPage speed.",
    "standup-4.md": "The release party costs 240 euros; Petra pays first.\nThe login page is slow again.",
    "standup-5.md": "Nobody pays for parties.\nPetra away.\nRelease candidate two.\nTomas on the page speed.",
}


def learn(library: Library, notes: dict[str, str]) -> None:
    for name, passage in notes.items():
        library.learn(name, passage)


@pytest.mark.parametrize(
    ("notes", "question", "answer"),
    [
        (HEALTH_LOGS, "What was my blood pressure?", "health-01.md"),
        (HEALTH_LOGS, "When does the pharmacy open on Saturdays?", "health-04.md"),
        (HEALTH_LOGS, "Who wants the iron measured again?", "health-04.md"),
        (HEALTH_LOGS, "What did the blood test say about iron?", "health-02.md"),
        (MEETINGS, "When is the release?", "standup-2.md"),
        (MEETINGS, "How much does the release party cost?", "standup-4.md"),
        (MEETINGS, "Until when is Tomas away?", "standup-1.md"),
        (MEETINGS, "What did Tomas write about the budget?", "standup-2.md"),
    ],
)
def test_of_alike_notes_the_one_whose_line_answers_comes_first(
    library: Library, notes: dict[str, str], question: str, answer: str
) -> None:
    learn(library, notes)

    assert library.texts(question)[0] == notes[answer]


@pytest.mark.parametrize("line_end", ["\n", ". ", "! ", "; "])
def test_words_in_one_line_beat_the_same_words_in_several(library: Library, line_end: str) -> None:
    scattered = line_end.join(("The clinic rang", "A crown of flowers", "No dentist today"))
    together = line_end.join(
        ("The dentist does the crown at the clinic", "Rang a day", "No flowers of today")
    )
    library.learn("a.md", scattered)
    library.learn("b.md", together)

    assert library.texts("At which clinic is the dentist's crown?")[0] == together


def test_lines_of_other_scripts_count_too(library: Library) -> None:
    library.learn("a.md", "牙医很远。诊所关门。今天下雨。")
    library.learn("b.md", "牙医在诊所。今天很远。关门下雨。")
    library.learn("c.md", "猫在家。")

    assert library.texts("牙医诊所")[0] == "牙医在诊所。今天很远。关门下雨。"


@pytest.mark.parametrize(
    ("question", "without", "with_it"),
    [
        ("When is the boiler inspection?", "two men", "14 March"),
        ("When is the boiler inspection?", "two men", "at 8:30"),
        ("When is the boiler inspection?", "two men", "next Tuesday"),
        ("What time is the boiler inspection?", "14 March", "8 a.m."),
        ("What is the date of the boiler inspection?", "at 8:30", "2024-03-14"),
        ("How much is the boiler inspection?", "at 8:30", "€ 95"),
        ("What does the boiler inspection cost?", "at 8:30", "95 pounds"),
        ("How many boiler inspection visits?", "a few", "3 of them"),
        ("What is the phone number for the boiler inspection?", "Mr. Hale", "0151 2233"),
        ("Which e-mail is for the boiler inspection?", "Mr. Hale", "hale@boiler.test"),
        ("Which website is for the boiler inspection?", "Mr. Hale", "www.hale.test"),
        ("What is the code of the boiler inspection?", "Mr. Hale", "BX-7741"),
    ],
)
def test_a_line_with_a_thing_of_the_asked_kind_beats_one_without(
    library: Library, question: str, without: str, with_it: str
) -> None:
    library.learn("a.md", f"Boiler inspection, {without}.")
    library.learn("b.md", f"Boiler inspection, in the cellar: {with_it}, or so.")
    library.learn("other.md", "Roses are red.")
    library.learn("another.md", "Violets are blue.")

    assert library.texts(question)[0].startswith("Boiler inspection, in the cellar")


def test_a_thing_of_the_asked_kind_in_another_line_does_not_help(library: Library) -> None:
    library.learn("a.md", "Boiler inspection, two men.")
    library.learn("b.md", "Boiler inspection, Mr. Hale.\nRoses on 14 March.")

    assert library.texts("When is the boiler inspection?")[0] == "Boiler inspection, two men."


@pytest.mark.parametrize(
    ("question", "first"),
    [
        ("What did marta say of supper?", "Supper and plums."),  # neither counts more: as in the library
        ("What did Marta say of supper?", "Marta and plums."),
        ("What did “Marta” say of supper?", "Marta and plums."),
        ("Marta or supper?", "Supper and plums."),  # the first word has a capital anyway
    ],
)
def test_a_name_in_the_question_counts_more(library: Library, question: str, first: str) -> None:
    library.learn("a.md", "Supper and plums.")
    library.learn("b.md", "Marta and plums.")
    library.learn("c.md", "Roses.")

    assert library.texts(question)[0] == first


def test_a_number_in_the_question_counts_more(library: Library) -> None:
    library.learn("a.md", "Lids and plums.")
    library.learn("b.md", "4417 and plums.")
    library.learn("c.md", "Roses.")

    assert library.texts("Which lid is 4417?")[0] == "4417 and plums."


def test_a_word_that_only_says_what_is_asked_for_counts_less(library: Library) -> None:
    library.learn("a.md", "Names and numbers.")
    library.learn("b.md", "Plumbers and tailors.")
    library.learn("c.md", "Roses.")

    for question in ("What is the name of the plumber?", "How was the plumber named?", "plumber number"):
        assert library.texts(question)[0] == "Plumbers and tailors.", question


def test_among_plain_lines_more_and_rarer_words_come_first(library: Library) -> None:
    passages = [
        "The hedge.",
        "The hedge is green.",
        "The hedge and the gate.",
        "The hedge, the gate, the well.",
    ]
    library.learn("garden.md", *passages)
    library.learn("other.md", "Nothing.", "Nobody.", "Nowhere.", "Roses.", "Violets.")

    assert library.found("hedge gate well") == [
        "The hedge, the gate, the well.",
        "The hedge and the gate.",
        "The hedge.",
        "The hedge is green.",
    ]


def test_the_title_decides_between_like_passages(library: Library) -> None:
    library.learn("garden.md", "Painted on 3 May.")
    library.learn("kitchen.md", "Painted on 4 May.")
    library.learn("roof.md", "Painted on 5 May.")

    assert library.texts("When was the kitchen painted?")[0] == "Painted on 4 May."


def test_a_long_note_with_a_fitting_title_does_not_keep_others_from_being_read(library: Library) -> None:
    for number in range(5):
        library.learn(f"other{number}.md", "Roses.")
    library.learn("house.md", "The floor is of oak.")
    kitchen = library.learn("kitchen.md", *[f"Tile {number}." for number in range(MAX_READ * 2)])
    question = "Is the floor of the kitchen oak?"

    found = search(library.catalog, question, None).passages
    (beside_it,) = (chunk for chunk in found if chunk.text == "The floor is of oak.")
    library.catalog.set_enabled([kitchen.id], False)

    assert beside_it.score == search(library.catalog, question, None).passages[0].score > 0


def test_scores_do_not_change_from_one_question_to_the_next(library: Library, database: Database) -> None:
    learn(library, HEALTH_LOGS | MEETINGS)
    question = "When does Petra's release party at the pharmacy open in 2024?"

    first = search(library.catalog, question, None).passages

    assert search(library.catalog, "Who is away?", None).passages != first
    assert search(library.catalog, question, None).passages == first
    assert search(Catalog(database), question, None).passages == first
    assert [chunk.score for chunk in first] == sorted((chunk.score for chunk in first), reverse=True)


def test_passages_without_a_word_of_the_question_stay_at_zero(library: Library) -> None:
    learn(library, MEETINGS)
    # They have dates, times and sums, but no word.
    library.learn("other.md", "On 14 March at 8:30.", "€ 95 for hale@boiler.test, BX-7741.")

    scores = {
        chunk.text: chunk.score for chunk in search(library.catalog, "When is the release?", None).passages
    }

    assert scores["On 14 March at 8:30."] == scores["€ 95 for hale@boiler.test, BX-7741."] == 0.0
    assert scores[MEETINGS["standup-2.md"]] > 0


@pytest.mark.parametrize(
    "passage",
    [
        'The cat "sleeps" OR (barks) NEAR/2 -dog* ^text: AND',
        "The cat 🐈‍⬛ sleeps 👩‍👩‍👧.\n🐈",
        "猫 cat 猫。\n犬",
        "cat\x00dog cat",
        "\x00\n\x00cat",
        f"cat {MARK}dog{MARK} {MARK}",
        "cat\r\n\r\ncat\u2028cat\u2029cat",
        "cat" + "; " * 5_000,
        "ﬁne İstanbul cat e\u0301",
        "1" * 3_000 + " cat " + "a1-" * 3_000,
    ],
)
@pytest.mark.parametrize(
    "question", ["cat", "When did 'the Cat' call number 1a?", "猫 cat 犬", "E-mail “cat” \x00"]
)
def test_any_text_is_a_passage(library: Library, passage: str, question: str) -> None:
    library.learn("odd.md", passage, "Roses.")

    odd, roses = search(library.catalog, question, None).passages

    assert odd.score > roses.score == 0.0


def test_factors_of_a_question() -> None:
    factors = term_factors("When did Zoë O'Brien call about room 4b in São Paulo?")

    assert factors == {
        '"zoe"': 1.25,
        '"o"': 1.25,
        '"brien"': 1.25,
        '"call"': 0.5,
        '"room"': 1.0,
        '"4b"': 1.5,
        '"sao"': 1.25,
        '"paulo"': 1.25,
    }


def test_questions_of_other_languages_ask_for_no_kind_and_have_no_asking_words() -> None:
    for question in ("wann ist die inspektion?", "combien coûte la fête?", "いつですか", "когда отпуск?"):
        assert asked_things(question) == ()
        assert set(term_factors(question).values()) == {1.0}


def test_the_best_line_is_the_one_whose_words_weigh_most_together() -> None:
    of_boiler = (2.0, f"{MARK}boiler, old.\n{MARK}boiler visit.\nvisit on 14 march.")
    of_visit = (3.0, f"boiler, old.\nboiler {MARK}visit.\n{MARK}visit on 14 march.")

    assert best_line([of_boiler], ()) == 2.0
    assert best_line([of_boiler, of_visit], ()) == 5.0
    assert best_line([of_boiler, of_visit], asked_things("When?")) == 5.0
    assert best_line([of_visit], asked_things("When?")) == pytest.approx(4.2)
    assert best_line([], ()) == 0.0
