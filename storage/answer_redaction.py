"""Taking out of answers what stands in no note any more. Private; runs inside a write session.

Answers repeat what notes say. When a passage goes, because its note was forgotten or edited, its words go
from the answers that it took part in, unless they stand elsewhere in the library or the user wrote them in
the chat.
"""

import re
from collections.abc import Collection, Iterable, Mapping

from sqlalchemy import select, update
from sqlalchemy.orm import Session

from storage import search_index
from storage.records import Role
from storage.schema import Turn
from storage.search_query import terms_of

REMOVED = "[removed]"
"""What stands in an answer in place of words that went."""

_BETWEEN = re.compile(r"[^\w\n]{0,3}")
"""What may stand between two words that are taken out as one: "4711-QUARTZ", "1 250.00"."""


def redact_answers(session: Session, gone: Mapping[int, Iterable[str]]) -> None:
    """Take words out of answers, after the passages that had them were deleted.

    Args:
        session: a write session that has deleted the passages.
        gone: by id of the turn, the texts that took part in it and are gone.
    """
    for turn_id, texts in gone.items():
        turn = session.get(Turn, turn_id)
        if turn is None:
            continue
        candidates = {term.text for text in texts for term in terms_of(text)}
        candidates &= {term.text for term in terms_of(turn.text)}
        candidates -= _written_by_the_user(session, turn.chat_id)
        lost = {term for term in candidates if not search_index.stands_in_library(session, term)}
        if lost:
            redacted = without_terms(turn.text, lost)
            session.execute(update(Turn).where(Turn.id == turn_id).values(text=redacted))


def without_terms(text: str, lost: Collection[str]) -> str:
    """The text with each run of lost terms replaced by REMOVED."""
    spans: list[tuple[int, int]] = []
    for term in terms_of(text):
        if term.text not in lost:
            continue
        if spans and _BETWEEN.fullmatch(text, spans[-1][1], max(spans[-1][1], term.start)):
            spans[-1] = (spans[-1][0], max(spans[-1][1], term.end))
        else:
            spans.append((term.start, term.end))
    for start, end in reversed(spans):
        text = text[:start] + REMOVED + text[end:]
    return text


def _written_by_the_user(session: Session, chat_id: int) -> set[str]:
    questions = session.scalars(select(Turn.text).where(Turn.chat_id == chat_id, Turn.role == Role.USER))
    return {term.text for question in questions for term in terms_of(question)}
