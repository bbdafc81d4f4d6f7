import pytest
from hypothesis import given
from hypothesis import strategies as st

from storage.answer_redaction import without_terms
from storage.search_query import terms_of


@pytest.mark.parametrize(
    ("text", "lost", "left"),
    [
        ("The code is 4711.", {"4711"}, "The code is [removed]."),
        ("It is ZEBRA-4711-QUARTZ.", {"zebra", "4711", "quartz"}, "It is [removed]."),
        ("Ask Zoë Müller, please.", {"zoe", "muller"}, "Ask [removed], please."),
        ("Ada\nBob", {"ada", "bob"}, "[removed]\n[removed]"),
        ("Nothing of it.", {"zebra"}, "Nothing of it."),
        ("东京都的密码", {"密 码"}, "东京都的[removed]"),
        ("密码是ZEBRA号", {"zebra"}, "密码是[removed]号"),
        ("", {"zebra"}, ""),
    ],
)
def test_lost_words_are_taken_out_and_the_rest_stays(text: str, lost: set[str], left: str) -> None:
    assert without_terms(text, lost) == left


@given(st.text(max_size=60))
def test_terms_stand_where_they_say(text: str) -> None:
    terms = list(terms_of(text))

    assert all(0 <= term.start < term.end <= len(text) for term in terms)
    assert terms == sorted(terms, key=lambda term: term.start)


@given(st.text(max_size=60))
def test_a_text_without_all_of_its_terms_has_none_of_them_left(text: str) -> None:
    lost = {term.text for term in terms_of(text)}

    left = without_terms(text, lost).replace("[removed]", " ")

    assert not lost & {term.text for term in terms_of(left)}
