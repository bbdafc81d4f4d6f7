"""All families of notes the generator knows."""

from engine.training.personal_notes.families import (
    appointments,
    contacts,
    cooking,
    finance,
    health,
    home,
    meetings,
    travel,
    work,
)

FAMILIES = (
    appointments.FAMILY,
    contacts.FAMILY,
    cooking.FAMILY,
    finance.FAMILY,
    health.FAMILY,
    home.FAMILY,
    meetings.FAMILY,
    travel.FAMILY,
    work.CODE,
    work.WORK,
)
