"""One line worth keeping among many dull ones, as in the needle test of app/evaluation/needle.py."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from engine.training.personal_notes import vocabulary
from engine.training.personal_notes.page import Page, options, spin
from engine.training.personal_notes.values import ValueDraw

_SUBJECTS = options(
    """the grass / the sky / the sun / the road / the river / the door / the lamp / the wall / the bread /
    the train / the garden / the moon / the coat / the table / the field / the boat / the stove / the hill"""
)
_STATES = options(
    """green / blue / yellow / long / cold / open / quiet / warm / empty / old / white / far away / wet /
    still there / very small / round / grey / in the sun"""
)
_ASIDES = options(
    """Here we go. / There and back again. / And so on. / Nothing new. / As always. / Up and down. / One more time. /
    Round and round it goes. / That is all. / On we go. / Again and again."""
)


_KINDS: Mapping[str, tuple[str, Callable[[ValueDraw], str], tuple[str, ...]]] = {
    "number": (
        "special magic number",
        lambda draw: f"{draw.below(0, 9999):04}",
        (
            "What is the special magic number? Reply with only the number.",
            "What is the special magic number?[| Only the number, please.]",
            "Which number is [special and magic|the special magic one]?",
            "[Tell me|Give me|Find] the [special magic|magic] number.",
            "special magic number[|?]",
            "[Can you find|Do you remember|Did you see] the magic number?",
        ),
    ),
    "word": (
        "secret word",
        lambda draw: draw.value("plain"),
        (
            "What is the secret word?[| Reply with only the word.]",
            "Which word is [secret|the secret one]?",
            "secret word[|?]",
            "[Tell me|Give me] the secret word.",
        ),
    ),
    "password": (
        "password of the day",
        lambda draw: draw.value("password"),
        (
            "What is the password of the day?",
            "Which password [is valid today|do we use today]?",
            "[today's password|password of the day][|?]",
            "[Tell me|I need] today's password.",
        ),
    ),
    "code": (
        "hidden code",
        lambda draw: draw.value("code"),
        (
            "What is the hidden code?[| Reply with only the code.]",
            "Which code is hidden in [the text|my note|there]?",
            "hidden code[|?]",
            "[Tell me|Find] the hidden code.",
        ),
    ),
}
"""What is hidden, how it is drawn, and how it is asked for."""


def needle(draw: ValueDraw) -> Page:
    """Many lines that say nothing, and one with a number, a word or a password."""
    page = Page(draw)
    noun, value_of, questions = _KINDS[draw.pick(("number", "number", "number", "word", "password", "code"))]
    value = value_of(draw)
    says = f"The {noun} is {value}."
    page.ask(value, *questions, says=says)
    page.ask(value, *questions, says=says)
    lines = _dull_lines(draw)
    lines.insert(draw.below(0, len(lines)), says)
    page.add_set(draw.pick(("\n", "\n", " ")).join(lines))
    return page


def _dull_lines(draw: ValueDraw) -> list[str]:
    style = draw.below(0, 3)
    if style == 0:
        line = "The grass is green. The sky is blue. The sun is yellow. Here we go. There and back again."
        return [line] * draw.below(2, 18)
    if style == 1:
        sentences = [f"{draw.pick(_SUBJECTS).capitalize()} is {draw.pick(_STATES)}." for _ in range(4)]
        return [" ".join([*sentences, draw.pick(_ASIDES)])] * draw.below(2, 14)
    if style == 2:
        return [
            spin(
                draw,
                f"{draw.pick(_SUBJECTS).capitalize()} [is|was] {draw.pick(_STATES)}. {draw.pick(_ASIDES)}",
            )
            for _ in range(draw.below(6, 30))
        ]
    return [draw.pick(vocabulary.FILLERS) for _ in range(draw.below(6, 30))]
