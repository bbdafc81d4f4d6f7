"""A note that is being written: its blocks of text, and the facts that can be asked about them.

Texts and questions are written with choices in brackets, which may be
nested: "[What is|What's] the code[| now]?"
"""

from __future__ import annotations

import re
from collections.abc import Callable, Sequence
from dataclasses import dataclass, field

from engine.training.personal_notes.values import ValueDraw

_CHOICE = re.compile(r"\[([^\[\]]*)\]")

WHEN = "[When|When|When exactly|On [what|which] [day|date]]"
TIME = "[What time|At what time|When]"
MUCH = "[How much|What]"
WHERE = "[Where|Where|Where exactly]"

_ASKING_FOR_A_THING = (
    "[What is|What is|What's|What was] {the}[?|?|?| again?]",
    "[Tell me|Give me|Remind me of|Show me|Look up|Please look up|I need|Find] {the}[.|.| please|]",
    "[I forgot|I can't remember|I don't remember|I've forgotten|Forgot|No idea any more:] {the}.",
    "[Can|Could] you [tell me|give me|look up|remind me of|find] {the}?",
    "[Do you know|Do you have|Have I noted|Did I write down|Do I have a note of] {the}?",
    "[What did I note as|What did I write down as|What do my notes say is|What do I have as] {the}?",
    "{bare}[?|?|]",
    "{bare}[?||]",
    "[Hey, what|And what|So what|Quick one: what|Sorry, what] [is|was] {the}[?| again?]",
)
_ASKING_AS_LINES = "\n".join(_ASKING_FOR_A_THING)  # filled at once, for every fact of every note


@dataclass(frozen=True, slots=True)
class Fact:
    """Something the note says.

    Attributes:
        answer: literally in the note.
        forms: questions that it answers, still with their choices.
        says: a sentence that restates it, still with its choices; "" for none.
        also: other accepted answers.
    """

    answer: str
    forms: tuple[str, ...]
    says: str = ""
    also: tuple[str, ...] = ()


@dataclass(slots=True)
class Page:
    """A note that is being written; what is drawn for it is never drawn twice.

    Attributes:
        title: with choices; "" for none.
        is_title_needed: whether the questions name what only the title says.
    """

    draw: ValueDraw
    title: str = ""
    is_title_needed: bool = False
    blocks: list[str] = field(default_factory=list)
    facts: list[Fact] = field(default_factory=list)

    def add(self, *blocks: str) -> None:
        """Add blocks of text, with choices; a block is set off from others by an empty line."""
        self.blocks.extend(spin(self.draw, block) for block in blocks if block)

    def add_set(self, block: str) -> None:
        """Add a block as it is: code, a table or a list, whose brackets are no choices."""
        self.blocks.append(block)

    def ask(
        self,
        answer: str,
        *forms: str,
        np: str = "",
        det: str = "the",
        says: str = "",
        also: Sequence[str] = (),
    ) -> None:
        """Note a fact with its questions.

        Args:
            answer: literally in the note.
            forms: whole questions.
            np: what the answer is, without article: asks for it in every usual way, and as keywords.
            det: its article or owner; "" if it has one of its own ("Ida's shoe size").
            says: a sentence that restates the fact; with ``np`` there is one anyway.
        """
        the = f"{det} {np}" if det else np
        if np:
            general = _ASKING_AS_LINES.replace("{the}", the).replace("{bare}", np).split("\n")
            forms = (*forms, *general) if not forms else (*forms, *forms, *general[: 2 + len(forms) * 2])
            says = says or f"{the} is {answer}."
        self.facts.append(Fact(answer, forms, says, tuple(also)))

    def changed(self, old: str, new: str, np: str, *forms: str, det: str = "the", label: str = "") -> str:
        """Note a value that was replaced, and return the words that say so."""
        self.ask(new, *forms, f"[What is|What's] {det} [new|current|latest] {np}?", np=np, det=det)
        if self.draw.chance(0.5):
            self.ask(
                old,
                f"[What was|Which was] {det} [old|previous|former] {np}?",
                f"old {np}",
                f"What was {det} {np} [before|before it changed|before that|originally]?",
                says=f"{det} {np} was {old} before.",
            )
        name = label or np
        return spin(
            self.draw,
            f"[{name}: ~~{old}~~ {new}|{name} {new} (was {old})|{name}: {old} → {new}|"
            f"{name}: not {old} any more, now {new}|{name} changed from {old} to {new}|"
            f"{name}: used to be {old}, now {new}|"
            f"new {name} {new}, no longer {old}|{name}: {old} - NO, changed to {new}]",
        )


Document = Callable[[ValueDraw], Page]


def spin(draw: ValueDraw, text: str) -> str:
    """Return the text with one of each bracket's choices."""
    while "[" in text:
        text, n_choices = _CHOICE.subn(lambda match: draw.pick(match[1].split("|")), text)
        if not n_choices:
            break
    if " ," in text or " ." in text:  # a choice of nothing leaves its blank behind
        text = text.replace(" , ", ", ").replace(" . ", ". ")
        text = text[:-2] + "." if text.endswith(" .") else text
    return text


def capitalised(text: str) -> str:
    """Return the text with a capital first letter."""
    return text[:1].upper() + text[1:]


def several(draw: ValueDraw, pool: Sequence[str], low: int, high: int) -> list[str]:
    """Return some different entries of a pool in mixed order."""
    return draw.rng.sample(pool, min(len(pool), draw.below(low, high)))


def options(text: str) -> tuple[str, ...]:
    """Entries separated by " / ", over as many lines as they need."""
    return tuple(" ".join(text.split()).split(" / "))
