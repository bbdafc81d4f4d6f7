"""All families of notes the generator knows."""

from engine.training.personal_notes.families import (
    appointments,
    contacts,
    cooking,
    finance,
    garden_pets_car,
    health,
    home,
    leisure_family,
    meetings,
    things,
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
    things.FAMILY,
    garden_pets_car.PETS,
    garden_pets_car.GARDEN,
    garden_pets_car.VEHICLES,
    leisure_family.LEISURE,
    leisure_family.SCHOOL,
    leisure_family.JOURNAL,
    work.CODE,
    work.WORK,
)
