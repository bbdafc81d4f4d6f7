"""Children, school, animals and medicine."""

from __future__ import annotations

from engine.training.personal_notes.layout import listed, listed_or_running, records, running
from engine.training.personal_notes.page import MUCH, TIME, WHEN, WHERE, Page, options, several
from engine.training.personal_notes.values import ValueDraw


def school_letter(draw: ValueDraw) -> Page:
    """News from school about a trip, costs and what to bring."""
    child, teacher, place = draw.value("first"), draw.value("teacher"), draw.value("city")
    page = Page(draw, f"[School|Letter from school|{child}'s class|School trip|Info from {teacher}]")
    date, at, price, bring, phone, due, gym = (
        draw.value(k) for k in ("date", "clock", "smallmoney", "thing", "phone", "date", "weekday")
    )  # fmt: skip
    lines = [
        f"[class trip to {place} on {date}|on {date} {child}'s class goes to {place}], [meet|be there] at {at}",
        f"[costs|we pay|price] {price}, [in an envelope|to be paid] by {due}",
        f"[bring for {child}|{child} needs|{child} must not forget]: {bring}",
        f"[{teacher} can be reached on|{teacher}'s number is|questions to {teacher},] {phone}",
        f"[gym is on {gym} now|PE moved to {gym}|sports lesson: {gym}]",
    ]
    page.ask(
        place,
        f"Where does {child}'s class go[ on {date}|]?",
        "Where does the class trip go?",
        says=f"The class goes to {place}.",
    )
    page.ask(
        date, f"{WHEN} is the [class|school] trip?", "class trip date", says=f"The class trip is on {date}."
    )
    page.ask(
        at,
        f"{TIME} does {child} have to be there for the trip?",
        f"{TIME} do they meet?",
        says=f"They meet at {at}.",
    )
    page.ask(price, f"{MUCH} does the [class|school] trip cost?", np="price of the [class|school] trip")
    page.ask(due, "By when [must we pay|does the money have to be there]?", "payment deadline for the trip")
    page.ask(bring, f"What [must|should] {child} [bring|take along]?", says=f"{child} needs the {bring}.")
    page.ask(phone, f"How do I reach {teacher}?", np=f"[{teacher}'s number|{teacher}'s phone number]", det="")
    page.ask(gym, f"[When|On which day] [is gym|does {child} have gym]?", "gym day", says=f"Gym is on {gym}.")
    draw.rng.shuffle(lines)
    page.add(listed_or_running(draw, lines, 0.5))
    return page


def children(draw: ValueDraw) -> Page:
    """Sizes, teachers, clubs and favourites of two to four children."""
    page = Page(draw, "[Kids|The kids|Sizes|Children|Kids: sizes etc.]")
    rows = []
    for _ in range(draw.below(2, 4)):
        name, teacher, club, day = (draw.value(k) for k in ("first", "teacher", "hobby", "weekday"))
        shoe = draw.unused(lambda: str(draw.below(22, 39)))
        height = draw.unused(lambda: f"{draw.below(84, 179)} cm")
        rows.append((name, shoe, height, teacher, f"{club} ({day})"))
        page.ask(
            shoe, f"[What|Which] shoe size does {name} [have|need|take]?", np=f"{name}'s shoe size", det=""
        )
        page.ask(height, f"How tall is {name}?", np=f"{name}'s height", det="")
        page.ask(teacher, f"Who [teaches|is the teacher of] {name}?", np=f"{name}'s teacher", det="")
        page.ask(
            club,
            f"[Which club|What] does {name} [go to|do in the afternoon]?",
            f"{name} club",
            says=f"{name} goes to {club}.",
        )
        page.ask(
            day,
            f"[When|On which day] does {name} have {club}?",
            f"{club} day",
            says=f"{name} has {club} on {day}.",
        )
    page.add_set(records(draw, ("Name", "Shoe size", "Height", "Teacher", "Club"), rows))
    if draw.chance(0.5):
        name, new = rows[0][0], draw.unused(lambda: str(draw.below(26, 43)))
        page.facts = [fact for fact in page.facts if fact.answer != rows[0][1]]
        page.add(
            f"[Update|PS|Measured again]: {name} [needs {new} now|has grown, shoe size {new} now, not {rows[0][1]}|now {new}!]"
        )
        page.ask(
            new,
            f"[What|Which] shoe size does {name} need now?",
            np=f"{name}'s [current |new ]shoe size",
            det="",
        )
        page.ask(
            rows[0][1],
            f"What was {name}'s [old|former] shoe size?",
            f"What shoe size did {name} have before?",
        )
    return page


def medicines(draw: ValueDraw) -> Page:
    """Who takes which medicine, how much, when, and until when."""
    page = Page(draw, "[Medication|Meds|Pills|Medicine plan|Medicine]")
    rows = []
    for _ in range(draw.below(3, 5)):
        medicine, dose, at, days, who = (draw.value(k) for k in ("medicine", "mg", "clock", "days", "first"))
        why = draw.value("symptom")
        rows.append((medicine, who, dose, at, days, why))
        page.ask(
            dose,
            f"How much {medicine} does {who} [take|get]?",
            np=f"dose of {medicine}",
            says=f"{who} takes {dose} of {medicine}.",
        )
        page.ask(
            at,
            f"[When|At what time] does {who} take {medicine}?",
            f"{medicine} time",
            says=f"{who} takes {medicine} at {at}.",
        )
        page.ask(days, f"[How long|For how many days] does {who} take {medicine}?", f"{medicine} how long")
        page.ask(
            medicine,
            f"[What|Which medicine] does {who} [take|get]?",
            f"[What|Which medicine] is against {why}?",
            f"{who} [pills|medicine]",
            says=f"{who} takes {medicine}.",
        )
        page.ask(
            why,
            f"What is {medicine} for?",
            f"Why does {who} take {medicine}?",
            says=f"{medicine} is for {why}.",
        )
        page.ask(who, f"Who [takes|gets|needs] {medicine}?", says=f"{who} takes {medicine}.")
    page.add_set(records(draw, ("Medicine", "Who", "Dose", "Time", "For", "Against"), rows))
    doctor, phone = draw.value("doctor"), draw.value("phone")
    page.add(f"[Prescribed by|Questions to|Doctor:] {doctor}, {phone}[.|]")
    page.ask(doctor, "Who prescribed it?", "Which doctor do I ask?", "prescribing doctor")
    page.ask(phone, f"How do I reach {doctor}?", np=f"[number|phone number] of {doctor}")
    return page


def doctor_visit(draw: ValueDraw) -> Page:
    """What a doctor said, in running sentences."""
    doctor, date, symptom = draw.value("doctor"), draw.value("date"), draw.value("symptom")
    page = Page(draw, f"[{doctor}|At the doctor's|Visit to {doctor}, {date}|Check-up|Health]")
    pressure, medicine, mg, again, avoid = (
        draw.value(k) for k in ("pressure", "medicine", "mg", "date", "ingredient")
    )
    left, right = (
        f"{draw.below(0, 6)}.{draw.pick(('00', '25', '50', '75'))}",
        f"{draw.below(7, 9)}.{draw.pick(('00', '25', '50'))}",
    )
    sentences = [
        f"[Saw|Was at|Went to see] {doctor} on {date} because of {symptom}.",
        f"[Blood pressure|Pressure] was {pressure}[, a bit high|, fine|].",
        f"[I take|Now taking] {mg} of {medicine} [with food|in the evening|before breakfast] and [no|should avoid] {avoid}.",
        f"[Come back on|Next check|Control] {again}.",
    ]
    page.ask(doctor, f"[Whom|Which doctor] did I see about {symptom}?", says=f"I saw {doctor}.")
    page.ask(
        symptom,
        f"Why did I [see|go to] {doctor}?",
        f"What was the problem on {date}?",
        says=f"I saw {doctor} because of {symptom}.",
    )
    page.ask(pressure, "[What|How high] was my blood pressure?", np="blood pressure", det="my")
    page.ask(
        medicine,
        "[What|Which medicine] [do I take|was prescribed]?",
        "medicine name",
        says=f"I take {medicine}.",
    )
    page.ask(mg, f"How much {medicine} do I take?", f"{medicine} dose", says=f"I take {mg} of {medicine}.")
    page.ask(avoid, "What should I [avoid|not eat]?", says=f"I should avoid {avoid}.")
    page.ask(again, f"{WHEN} [do I go back|is the next check]?", "next check", says=f"I go back on {again}.")
    page.ask(date, f"{WHEN} did I see {doctor}?", says=f"I saw {doctor} on {date}.")
    if draw.chance(0.4):
        sentences.append(f"Glasses: left eye -{left}, right eye -{right}.")
        page.ask(
            f"-{left}", "What is the value for my left eye?", "left eye", says=f"My left eye has -{left}."
        )
        page.ask(
            f"-{right}",
            "What is the value for my right eye?",
            "right eye",
            says=f"My right eye has -{right}.",
        )
    page.add(running(draw, sentences))
    return page


def animals(draw: ValueDraw) -> Page:
    """Two to four animals with food, vet, chip and birthdays."""
    page = Page(draw, "[Pets|Animals|The animals|Zoo at home|Vet file]")
    rows = []
    for kind in several(
        draw, options("cat / dog / rabbit / parrot / tortoise / hamster / gecko / pony / ferret"), 2, 4
    ):
        name, chip, food, vet, jab = (draw.value(k) for k in ("petname", "code", "grams", "doctor", "date"))
        born = draw.unused(lambda: str(draw.this_year - draw.below(0, 15)))
        rows.append((name, kind, born, food, chip, jab, vet))
        page.ask(chip, np=f"[{name}'s chip number|chip number of the {kind}]", det="")
        page.ask(
            food,
            f"How much [food does {name} get|does the {kind} eat]?",
            f"{name} food",
            says=f"{name} gets {food}.",
        )
        page.ask(
            vet,
            f"Who is {name}'s vet?",
            f"[Which|What] vet does the {kind} go to?",
            says=f"{name}'s vet is {vet}.",
        )
        page.ask(
            born,
            f"[What year|When] was {name} born?",
            f"{name} year of birth",
            says=f"{name} was born in {born}.",
        )
        page.ask(
            jab,
            f"{WHEN} [is {name}'s next jab|does the {kind} get the next vaccination]?",
            f"{name} vaccination",
            says=f"{name}'s next jab is on {jab}.",
        )
        page.ask(name, f"What is the {kind} called?", f"{kind}'s name", says=f"The {kind} is called {name}.")
    page.add_set(records(draw, ("Name", "Animal", "Born", "Food", "Chip", "Next jab", "Vet"), rows))
    if draw.chance(0.4):
        name, likes = rows[0][0], draw.value("spot")
        page.add(f"{name} [hides in|likes to sleep in] {likes}.")
        page.ask(likes, f"{WHERE} does {name} [hide|like to sleep]?", says=f"{name} likes {likes}.")
    if draw.chance(0.3):
        page.add(listed(draw, ["[no milk!|no chocolate!|lock the door|check for ticks|brush once a week]"]))
    return page
