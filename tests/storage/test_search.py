import unicodedata
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from threading import Barrier

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from app.services.ranking import MAX_SCORED, coverage, search
from storage.search_query import MAX_TERMS, index_text, match_terms
from tests.patience import PATIENCE_S
from tests.storage.library import NOTES, Library, hash_of

ODD_QUESTIONS = [
    "",
    "   \n\t",
    '"',
    '"""',
    "'; DROP TABLE chunks; --",
    '" OR rowid > 0 OR "',
    "AND OR NOT NEAR",
    "NEAR(cat dog, 5)",
    "cat* NOT dog",
    "text: cat",
    "-cat +dog ^first",
    "{text} : cat",
    "(((((",
    "cat) OR (dog",
    "what is the of and to",
    "🐈🐈‍⬛👩‍👩‍👧",
    "\x00\x01cat\x00",
    "\ud83d half a pair",
    "___ -- ** ::",
    "猫はどこ",
    "Где кот?",
    "أين القطة؟",
    "बिल्ली कहाँ है?",
    "แมวอยู่ที่ไหน",
    "a" * 100_000,
    "cat " * 50_000,
    " ".join(f"word{number}" for number in range(5_000)),
    "İstanbul ﬁne Å e\u0301",
]


def match_expression(question: str) -> str:
    """Matches texts with any of the question's words, as ``storage.search`` joins them."""
    return " OR ".join(match_terms(question))


@pytest.mark.parametrize("question", ODD_QUESTIONS, ids=range(len(ODD_QUESTIONS)))
def test_any_text_is_a_question(library: Library, question: str) -> None:
    library.learn("pets.md", "The cat sleeps.", "The dog barks.")

    candidates = search(library.catalog, question, None).passages

    assert {candidate.text for candidate in candidates} == {"The cat sleeps.", "The dog barks."}
    assert library.found("cat") == ["The cat sleeps."]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(question=st.text(max_size=60))
@example(question='a"b')
def test_no_text_breaks_the_search_or_hides_a_candidate(library: Library, question: str) -> None:
    if not library.catalog.documents():
        library.learn("pets.md", "The cat sleeps.", "The dog barks.")

    assert len(search(library.catalog, question, None).passages) == 2


@settings(max_examples=50, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(word=st.text(st.characters(categories=["L", "Nd"]), min_size=3, max_size=12))
def test_a_word_of_any_script_finds_the_passage_that_has_it(library: Library, word: str) -> None:
    # One document throughout: each example replaces its text.
    library.learn("words.md", f"before {word} after", "something else")

    if match_expression(word):
        assert f"before {word} after" in library.found(word)


def test_stems_accents_and_case_do_not_matter(library: Library) -> None:
    library.learn("a.md", "She was painting the CAFÉ walls.", "Nothing here.")

    for question in ("Who painted it?", "cafe", "cafe\u0301", "wall"):
        assert library.found(question) == ["She was painting the CAFÉ walls."], question


def test_coverage_is_the_share_of_the_words_and_rare_ones_count_more(library: Library) -> None:
    library.learn("a.md", "The pear tree was planted in 2011.", "A tree, a bench.", "One more tree.")

    def covered(question: str) -> float:
        return coverage(library.catalog, search(library.catalog, question, None))

    assert covered("When was the pear tree planted?") == 1.0
    assert covered("Who repairs bicycles?") == covered("Who is it?") == 0.0
    # Every passage has a tree, one a pear, none a lantern.
    assert 0.0 < covered("tree lantern") < covered("pear lantern") < covered("pear tree lantern") < 0.5


@pytest.mark.parametrize("question", ODD_QUESTIONS, ids=range(len(ODD_QUESTIONS)))
def test_any_text_has_a_coverage(library: Library, question: str) -> None:
    library.learn("cats.md", "The cat sleeps.")
    assert 0.0 <= coverage(library.catalog, search(library.catalog, question, 1)) <= 1.0


def test_a_title_covers_words_too(library: Library) -> None:
    library.learn("Pear trees.md", "Planted in 2011.")
    assert coverage(library.catalog, search(library.catalog, "pear", 1)) == 1.0


def test_only_stop_words_leave_every_passage_at_zero(library: Library) -> None:
    library.learn("a.md", "What is it about?", "The who and the what.")

    assert library.found("What is it about the who?") == []
    assert len(library.texts("What is it about the who?")) == 2


def test_the_best_passage_comes_first_and_the_others_follow_in_order(library: Library) -> None:
    library.learn("a.md", "Bread.", "Milk and eggs.", "Cheese.")
    library.learn("b.md", "Eggs, eggs and eggs.", "Water.")

    candidates = search(library.catalog, "Where are the eggs?", None).passages

    assert [candidate.text for candidate in candidates] == [
        "Eggs, eggs and eggs.",
        "Milk and eggs.",
        "Bread.",
        "Cheese.",
        "Water.",
    ]
    scores = [candidate.score for candidate in candidates]
    assert scores[0] > scores[1] > 0
    assert scores[2:] == [0.0, 0.0, 0.0]


def test_a_question_that_names_the_note_finds_all_of_it(library: Library) -> None:
    library.learn("Kitchen_renovation-2024.md", "Tiles are blue.", "The floor is oak.")
    library.learn("garden.md", "Roses are red.", "The hedge is high.")

    assert sorted(library.found("What does my kitchen renovation note say?")) == [
        "The floor is oak.",
        "Tiles are blue.",
    ]
    assert library.texts("Is the floor in the kitchen note oak?")[0] == "The floor is oak."


def test_the_new_name_of_a_note_finds_it_and_the_old_one_does_not(library: Library) -> None:
    document = library.learn("kitchen.md", "Tiles are blue.")
    library.learn("other.md", "Something else.")

    library.catalog.rename_document(document.id, NOTES / "bathroom.md", 1, 1)

    assert library.found("bathroom") == ["Tiles are blue."]
    assert library.found("kitchen") == []


def test_either_name_of_a_content_under_two_paths_finds_it(library: Library) -> None:
    library.learn("kitchen.md", "Tiles are blue.")
    library.learn("bathroom.md", "Tiles are blue.")
    library.learn("other.md", "Something else.")

    assert library.found("kitchen") == ["Tiles are blue."]
    assert library.found("bathroom") == ["Tiles are blue."]


def test_a_passage_of_several_notes_is_named_after_the_first_that_is_on(library: Library) -> None:
    # First by when they were added, whatever they are called.
    original = library.learn("kitchen.md", "Tiles are blue.")
    copy = library.learn("bathroom.md", "Tiles are blue.")

    def named() -> tuple[int, str, Path]:
        (candidate,) = search(library.catalog, "tiles", None).passages
        return candidate.document_id, candidate.document_title, candidate.document_path

    assert named() == (original.id, "kitchen", original.path)
    library.catalog.set_enabled([original.id], False)
    assert named() == (copy.id, "bathroom", copy.path)
    library.catalog.set_enabled([original.id], True)
    assert named() == (original.id, "kitchen", original.path)
    library.catalog.forget([original.id])
    assert named() == (copy.id, "bathroom", copy.path)


@pytest.mark.parametrize(
    ("passage", "question"),
    [
        ("厨房的瓷砖是蓝色的。", "瓷砖是什么颜色？"),
        ("台所のタイルは青いです。", "タイルの色は？"),
        ("부엌의 타일은 파란색입니다.", "타일 색깔은?"),
        ("กระเบื้องในครัวเป็นสีฟ้า", "กระเบื้องสีอะไร"),
        ("Плитка на кухне синяя.", "какая плитка?"),
        ("Τα πλακάκια είναι μπλε.", "πλακακια"),
        ("रसोई की टाइलें नीली हैं।", "टाइलें कैसी हैं?"),
        ("بلاط المطبخ أزرق.", "ما لون بلاط المطبخ؟"),
    ],
)
def test_other_scripts_are_found(library: Library, passage: str, question: str) -> None:
    library.learn("a.md", passage, "The cat sleeps.", "猫がいる", "кот")

    assert library.texts(question)[0] == passage
    assert passage in library.found(question)


def test_a_pasted_page_searches_for_its_longest_words_only() -> None:
    page = " ".join(f"{'w' * (number % 50 + 1)}{number}" for number in range(3_000))

    terms = match_expression(page).split(" OR ")

    assert len(terms) == MAX_TERMS
    assert min(map(len, terms)) >= 50


@given(st.text())
def test_an_expression_is_quoted_words_and_nothing_else(question: str) -> None:
    expression = match_expression(question)

    for term in expression.split(" OR ") if expression else ():
        assert term[0] == term[-1] == '"'
        assert '"' not in term[1:-1]
        assert term.strip('" ')


@given(st.text(), st.text())
def test_folding_does_not_depend_on_case_or_on_how_accents_are_written(text: str, more: str) -> None:
    whole = f"{text} {more}"

    assert index_text(unicodedata.normalize("NFD", whole)) == index_text(unicodedata.normalize("NFC", whole))
    assert index_text(whole.casefold()) == index_text(whole)


def test_only_the_best_of_very_many_matches_are_scored(library: Library) -> None:
    passages = [f"cat number{number}" for number in range(MAX_SCORED + 50)]
    library.learn("cats.md", *passages, "cat cat cat")
    library.learn("other.md", *[f"dog {number}" for number in range(MAX_SCORED * 2)])

    candidates = search(library.catalog, "cat", None).passages

    assert len(candidates) == len(passages) + 1 + MAX_SCORED * 2
    assert candidates[0].text == "cat cat cat"
    assert sum(candidate.score > 0 for candidate in candidates) == MAX_SCORED


def test_matches_of_notes_switched_off_do_not_crowd_out_those_that_are_on(library: Library) -> None:
    many = library.learn("off.md", *[f"cat cat cat {number}" for number in range(MAX_SCORED + 50)])
    library.learn("on.md", "A long passage that mentions a cat once, among many other words.")
    library.learn("other.md", *[f"dog {number}" for number in range(MAX_SCORED * 3)])

    library.catalog.set_enabled([many.id], False)

    assert library.found("cat") == ["A long passage that mentions a cat once, among many other words."]


def test_questions_during_writes_see_a_document_whole_or_not_at_all(library: Library) -> None:
    library.learn("a.md", "cat one", "cat two", "cat three")
    start = Barrier(3)
    versions = [[f"cat {name} {part}" for part in "123"] for name in "abcdef"]

    def rewrite() -> None:
        start.wait(timeout=PATIENCE_S)
        for version in versions:
            library.learn("a.md", *version)

    def ask() -> list[list[str]]:
        start.wait(timeout=PATIENCE_S)
        return [sorted(library.found("cat")) for _ in range(40)]

    with ThreadPoolExecutor(3) as pool:
        writing = pool.submit(rewrite)
        seen = [pool.submit(ask), pool.submit(ask)]
        writing.result(timeout=PATIENCE_S)
        answers = [answer for asked in seen for answer in asked.result(timeout=PATIENCE_S)]

    allowed = [[], ["cat one", "cat three", "cat two"], *versions]
    assert all(answer in allowed for answer in answers)
    assert library.found("cat") == versions[-1]
    assert library.queue.jobs()[-1].content_hash == hash_of("\n\n".join(versions[-1]))
