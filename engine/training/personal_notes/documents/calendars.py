"""Week plans, appointments and days to remember."""

from __future__ import annotations

from engine.training.personal_notes import vocabulary
from engine.training.personal_notes.layout import listed, listed_or_running, records
from engine.training.personal_notes.page import TIME, WHEN, WHERE, Page, options, several
from engine.training.personal_notes.values import ValueDraw

_ERRANDS = options(
    """pottery class / swimming lesson / parents' evening / chess club / piano tuning / choir practice / van hire /
    book club / tax adviser / allotment meeting / yoga / band rehearsal / window cleaner / blood donation /
    first aid course / language exchange / repair café / fire drill / flea market / house viewing / climbing /
    boiler inspection / board game night / bike workshop / volunteer shift / quiz night / pub lunch"""
)
_MEMORABLE = options(
    """birthday / wedding anniversary / name day / graduation / retirement party / christening / engagement party /
    house-warming / farewell drinks / opening night"""
)
_TWICE = (
    ("dentist", "implant", "check-up"),
    ("eye doctor", "new glasses", "laser check"),
    ("physio", "knee", "shoulder"),
    ("doctor", "blood test", "travel vaccination"),
    ("vet", "cat", "dog"),
    ("hairdresser", "haircut", "colour"),
)


def week_plan(draw: ValueDraw) -> Page:
    """Days of a week with what happens when, where and with whom."""
    page = Page(draw, "[Week|This week|Plan for the week|Wk|Week plan|Schedule|My week]")
    n_days = draw.below(3, 6)
    first = draw.below(0, 6)
    days = [vocabulary.WEEKDAYS[(first + i) % 7] for i in range(7)][:n_days]
    lines = []
    for day, what in zip(days, several(draw, _ERRANDS, n_days, n_days), strict=True):
        at, place, who = (
            draw.value("clock"),
            draw.pick((draw.value("city"), draw.value("address"))),
            draw.value("first"),
        )
        shown = draw.pick((day, day, day[:3]))
        lines.append(
            f"{shown}[: | - |, ][{at} {what}, {place}, with {who}|{what} {at} ({place}; {who} [comes too|joins])|"
            f"{what} with {who} at {at} in {place}|{at}: {what} @ {place} + {who}]"
        )
        page.ask(
            at,
            f"{TIME} does the {what} [start|begin]?",
            f"{what} time",
            f"{TIME} do I have to be at the {what}?",
            f"{TIME} do I meet {who}[ on {day}|]?",
            says=f"The {what} [is|starts] at {at}.",
        )
        page.ask(
            shown,
            f"[On which day|Which day|What day] is the {what}?",
            f"[On which day|What day] do I see {who}?",
            says=f"The {what} is on {day}.",
            also=(day,),
        )
        page.ask(
            place,
            f"{WHERE} is the {what}?",
            f"{what} [where|place|location]",
            says=f"The {what} is in {place}.",
        )
        page.ask(
            who,
            f"Who [comes|is coming] [with me|along] to the {what}?",
            f"Who do I [meet|see] on {day}?",
            f"With whom do I go to the {what}?",
            says=f"{who} comes to the {what}.",
        )
    page.add(listed(draw, lines))
    if draw.chance(0.5):
        _move_one(draw, page)
    return page


def _move_one(draw: ValueDraw, page: Page) -> None:
    what = draw.pick([e for e in _ERRANDS if not any(e in block for block in page.blocks)])
    old, new = several(draw, vocabulary.WEEKDAYS, 2, 2)
    page.add(
        f"[PS: |Changed: |NB |!! |]the {what} [moved from {old} to {new}|is not on {old} but on {new} this time|"
        f"was {old}, now {new}] [(sorry)|because of the holiday|- they called|this week only|]"
    )
    page.ask(
        new,
        f"[When|On what day] is the {what} now?",
        f"To which day did they move the {what}?",
        f"{what} new day",
        says=f"The {what} is on {new} now.",
    )
    page.ask(
        old,
        f"[On which day|When] was the {what} [originally|supposed to be|planned at first]?",
        f"{what} old day",
    )


def appointments(draw: ValueDraw) -> Page:
    """Appointments with several doctors, two of the same kind, one of them moved."""
    page = Page(draw, "[Appointments|Doctors etc.|Dates coming up|Appts|Coming up|To go to]")
    kind, *reasons = draw.rng.choice(_TWICE)
    lines: list[str] = []
    for why in reasons:
        date, at, who, phone = (draw.value(k) for k in ("date", "clock", "last", "phone"))
        title = draw.pick(("Dr. ", "Ms ", "Mr "))
        which = f"{kind} ({why})"
        if draw.chance(0.4):
            old = draw.value("date")
            day = f"[~~{old}~~ {date}|{date} (was {old})|{old} moved to {date}|{old} - cancelled, new date {date}]"
            page.ask(
                old, f"[When|What day] was the {which} appointment [before it was moved|originally|at first]?"
            )
        else:
            day = date
        lines.append(
            f"[{which}: {title}{who}, {day} at {at}. Tel. {phone}|{which} {title}{who} - {day}, {at}, call {phone} to cancel|"
            f"{day} {at} {which}, {title}{who} ({phone})]"
        )
        page.ask(
            date,
            f"{WHEN} [is|do I have] [my|the] {kind} appointment for the {why}?",
            f"{WHEN} [do I see|am I seeing|is my appointment with] {title}{who}?",
            f"{kind} {why} [date|when]",
            says=f"The {kind} appointment for the {why} is on {date}.",
        )
        page.ask(
            at,
            f"{TIME} [do I have to be|am I expected] at {title}{who}'s?",
            f"[At what|What] time is the {kind} appointment for the {why}?",
            says=f"I have to be at {title}{who}'s at {at}.",
        )
        page.ask(
            phone,
            np=f"[phone number|number|telephone number] of {title}{who}",
            says=f"{title}{who} has the number {phone}.",
        )
        page.ask(
            f"{title}{who}",
            f"Who is the {kind} for the {why}?",
            f"Which {kind} do I see about the {why}?",
            f"What is the name of the {kind} for the {why}?",
            also=(who,),
        )
    what, date, at = draw.pick(_ERRANDS), draw.value("date"), draw.value("clock")
    lines.append(f"[{what}: {date} {at}|{date} - {what}, {at}]")
    page.ask(date, f"{WHEN} is the {what}?", f"{what} date", says=f"The {what} is on {date}.")
    draw.rng.shuffle(lines)
    page.add(listed(draw, lines))
    return page


def days_to_remember(draw: ValueDraw) -> Page:
    """Birthdays and the like, with presents or years."""
    page = Page(draw, "[Birthdays|Birthdays & co|Days to remember|Don't forget these|Dates|Anniversaries]")
    rows = []
    for _ in range(draw.below(3, 7)):
        who, day, month = draw.value("first"), draw.below(1, 28), draw.pick(vocabulary.MONTHS)
        date = f"{day} {month}"
        occasion = draw.pick(_MEMORABLE) if draw.chance(0.5) else "birthday"
        detail = draw.pick(
            (
                f"born {draw.value('year')}" if occasion == "birthday" else f"likes {draw.value('food')}",
                f"likes {draw.value('ingredient')}",
                f"card to {draw.value('city')}",
            )
        )
        rows.append((who, occasion, date, detail))
        page.ask(
            date,
            f"{WHEN} is {who}'s {occasion}?",
            np=f"date of {who}'s {occasion}",
            says=f"{who}'s {occasion} is on {date}.",
        )
        page.ask(who, f"Whose {occasion} is on {date}?", f"Whose {occasion} falls on {date}?")
        verb, value = detail.split(" ", 1)
        if verb == "born":
            page.ask(
                value,
                f"[In what|What|Which] year was {who} born?",
                f"{who} [year of birth|born]",
                says=f"{who} was born in {value}.",
            )
        elif verb == "likes":
            page.ask(
                value,
                f"What does {who} [like|love|enjoy]?",
                f"What could I give {who}?",
                says=f"{who} likes {value}.",
            )
        else:
            city = value.removeprefix("to ")
            page.ask(
                city, f"Where [do I send|goes] {who}'s card?", f"To which town does the card for {who} go?"
            )
    if draw.chance(0.5):
        page.add_set(records(draw, ("Who", "What", "Date", "Note"), rows))
    else:
        page.add(
            listed_or_running(
                draw,
                [f"{who}['s {what} is on|: {what}] {date}[, | - ]{note}" for who, what, date, note in rows],
            )
        )
    return page
