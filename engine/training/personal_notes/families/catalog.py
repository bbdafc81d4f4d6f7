"""All families of notes the generator knows."""

from engine.training.personal_notes.families import appointments, contacts, cooking, home, meetings, travel

FAMILIES = (
    appointments.FAMILY,
    contacts.FAMILY,
    cooking.FAMILY,
    home.FAMILY,
    meetings.FAMILY,
    travel.FAMILY,
)
