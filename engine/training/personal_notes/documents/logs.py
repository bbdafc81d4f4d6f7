"""Logs: lines with a date, each like the others but for its values."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

from engine.training.personal_notes.layout import records
from engine.training.personal_notes.page import Page, options, spin
from engine.training.personal_notes.values import ValueDraw

Make = Callable[[ValueDraw], str]


@dataclass(frozen=True)
class Column:
    """A value of every line of a log.

    Attributes:
        name: heading of the column.
        make: draws a value.
        asks: questions with {d} for the day; separated by " / ".
        says: a sentence with {d} and {v}.
        is_rising: whether a later day never has a smaller value, as an odometer.
    """

    name: str
    make: Make
    asks: str
    says: str = ""
    is_rising: bool = False


@dataclass(frozen=True)
class Log:
    """A kind of log.

    Attributes:
        titles: with choices.
        line: a line with {d} and the columns' names in braces, with choices.
    """

    titles: str
    line: str
    columns: tuple[Column, ...]


def _of(kind: str) -> Make:
    return lambda draw: draw.value(kind)


def _pool(text: str) -> Make:
    pool = options(text)
    return lambda draw: draw.unused(lambda: draw.pick(pool))


def _span(low: int, high: int, form: str, tenths: bool = False) -> Make:
    def make(draw: ValueDraw) -> str:
        number = str(draw.below(low, high))
        return form.format(f"{number}.{draw.below(1, 9)}" if tenths else number)

    return lambda draw: draw.unused(lambda: make(draw))


_LOGS = (
    Log(
        "[Sleep|Sleep log|Sleeping diary|Nights]",
        "{d}: [slept {hours}, woke {times}, because of {why}|{hours}, up {times} ({why})]",
        (
            Column("hours", _span(3, 9, "{} h", tenths=True), "How [long|much] did I sleep on {d}? / sleep {d} / How many hours of sleep on {d}?", "On {d} I slept {v}."),
            Column("times", _pool("once / twice / three times / four times / five times / never / six times"), "How often did I wake up on {d}?", "On {d} I woke up {v}."),
            Column("why", _pool("the neighbours / too much coffee / the heat / a bad dream / the cat / worries / a siren / full moon / snoring / back pain"), "What [kept me awake|woke me|disturbed my sleep] on {d}? / Why did I sleep badly on {d}?", "On {d} it was {v}."),
        ),
    ),
    Log(
        "[Training|Running log|Runs|Sport|Workouts]",
        "{d} {km}, [in |]{minutes}, [pulse|avg HR|heart rate] {pulse}, {where}",
        (
            Column("km", _of("km"), "How far did I [run|go] on {d}? / distance {d} / How many kilometres on {d}?", "On {d} I ran {v}."),
            Column("minutes", _span(21, 190, "{} min"), "How long did I [run|train|need] on {d}? / duration {d}", "On {d} I needed {v}."),
            Column("pulse", _span(111, 186, "{}"), "What was my [pulse|heart rate] on {d}? / pulse {d}", "On {d} my pulse was {v}."),
            Column("where", _pool("along the canal / in the woods / on the treadmill / round the lake / up the hill / through town / on the beach / at the stadium"), "Where did I run on {d}? / Which way did I run on {d}?", "On {d} I ran {v}."),
        ),
    ),
    Log(
        "[Blood pressure|BP|Health log|Pressure and weight|Measurements]",
        "{d}: {pressure}, [pulse |P ]{pulse}, {weight}[ (felt {felt})|, {felt}]",
        (
            Column("pressure", _of("pressure"), "What was my blood pressure on {d}? / blood pressure {d} / How high was the pressure on {d}?", "On {d} my blood pressure was {v}."),
            Column("pulse", _span(48, 99, "{}"), "What was my pulse on {d}? / pulse on {d}", "On {d} my pulse was {v}."),
            Column("weight", _span(66, 72, "{} kg", tenths=True), "[How much|What] did I weigh on {d}? / weight {d}", "On {d} I weighed {v}."),
            Column("felt", _pool("dizzy / fine / tired / rested / nervous / sick / cold / feverish / great"), "How did I feel on {d}?", "On {d} I felt {v}."),
        ),
    ),
    Log(
        "[Fuel|Car log|Petrol|Filling up|Tank log|Mileage]",
        "{d}, {km_reading}: {litres}, {price}, [at |]{station}",
        (
            Column("km_reading", _of("km_reading"), "What was the [mileage|odometer] on {d}? / mileage {d}", "On {d} the odometer showed {v}.", is_rising=True),
            Column("litres", _span(21, 68, "{} l", tenths=True), "How [much|many litres] did I [tank|fill up] on {d}? / litres {d}", "On {d} I filled up {v}."),
            Column("price", _of("money"), "What did the [fuel|petrol] cost on {d}? / How much did I pay for fuel on {d}?", "On {d} the fuel cost {v}."),
            Column("station", _of("city"), "Where did I [fill up|tank|get petrol] on {d}?", "On {d} I filled up in {v}."),
        ),
    ),
    Log(
        "[Bike|Bike log|Bicycle repairs|Workshop log|Repairs]",
        "{d} {part} [replaced|new|changed], {price}, [by |done by ]{who}",
        (
            Column("part", _pool("chain / rear tyre / brake pads / saddle / bottom bracket / front light / cassette / spoke / gear cable / pedals / mudguard"), "What was [replaced|changed|repaired] on {d}? / repair {d}", "On {d} the {v} was replaced."),
            Column("price", _of("smallmoney"), "What did the repair on {d} cost? / How much did I pay on {d}?", "On {d} I paid {v}."),
            Column("who", _of("first"), "Who did the repair on {d}? / Who repaired the bike on {d}?", "{v} did it on {d}."),
        ),
    ),
    Log(
        "[Garden log|Plants|Balcony diary|What I did in the garden|Greenhouse]",
        "{d}: {plant} [sown|planted|potted|moved] [in|to] {bed}, [cost |]{price}",
        (
            Column("plant", _of("plant"), "What did I [plant|sow] on {d}? / planted {d}", "On {d} I planted {v}."),
            Column("bed", _pool("the north bed / the big pot / the greenhouse / the window box / the raised bed / the sunny corner / the back row / the old tub"), "Where did I plant something on {d}?", "On {d} it went to {v}."),
            Column("price", _of("smallmoney"), "[How much|What] did I spend on {d}?", "On {d} I spent {v}."),
        ),
    ),
    Log(
        "[Baby log|Feeding|Baby|Nights with the little one]",
        "{d} {clock} {ml}, [slept {nap}|nap {nap}], {mood}",
        (
            Column("clock", _of("clock"), "[When|At what time] was the [feed|bottle] on {d}? / feed {d}", "On {d} the bottle was at {v}."),
            Column("ml", _span(6, 24, "{}0 ml"), "How much did the baby drink on {d}? / milk on {d}", "On {d} the baby drank {v}."),
            Column("nap", _span(20, 150, "{} min"), "How long did the baby [sleep|nap] on {d}? / nap {d}", "On {d} the nap lasted {v}."),
            Column("mood", _pool("happy / cranky / teething / quiet / hiccups / giggling / very hungry / sniffly"), "How was the baby on {d}?", "On {d} the baby was {v}."),
        ),
    ),
    Log(
        "[Headache diary|Migraine log|Allergy diary|Symptoms]",
        "{d}: {symptom}[, from {clock}|, started {clock}], took {mg} {medicine}",
        (
            Column("symptom", _of("symptom"), "What did I [have|suffer from] on {d}? / symptom {d}", "On {d} I had {v}."),
            Column("clock", _of("clock"), "[When|At what time] did it start on {d}?", "On {d} it started at {v}."),
            Column("mg", _of("mg"), "[How much|What dose] did I take on {d}? / dose {d}", "On {d} I took {v}."),
            Column("medicine", _of("medicine"), "[Which medicine|What] did I take on {d}? / Which pills on {d}?", "On {d} I took {v}."),
        ),
    ),
    Log(
        "[Language|Practice log|Violin|Practising|Piano practice]",
        "{d} {minutes}: {piece}, [tempo|bpm] {tempo}",
        (
            Column("minutes", _of("minutes"), "How long did I practise on {d}? / practice {d}", "On {d} I practised for {v}."),
            Column("piece", _of("book"), "What did I [play|practise] on {d}? / Which piece on {d}?", "On {d} I played {v}."),
            Column("tempo", _span(48, 178, "{}"), "[At what|Which] tempo did I play on {d}? / tempo {d}", "On {d} the tempo was {v}."),
        ),
    ),
    Log(
        "[Birds|Bird log|Seen|Sightings|Wildlife]",
        "{d}: {count} {bird} [near|at|by] {place}[ ({weather})|, {weather}]",
        (
            Column("bird", _pool("herons / swifts / kingfishers / jays / goldcrests / lapwings / curlews / siskins / cranes / wagtails / owls"), "[What|Which birds] did I see on {d}? / birds {d}", "On {d} I saw {v}."),
            Column("count", _of("few"), "How many [birds|of them] did I see on {d}?", "On {d} I saw {v} of them."),
            Column("place", _of("city"), "Where was I on {d}? / Where did I watch birds on {d}?", "On {d} I was near {v}."),
            Column("weather", _pool("fog / drizzle / sunny / strong wind / snow / overcast / thunder / warm / frost"), "[How|What] was the weather [like |]on {d}?", ""),
        ),
    ),
)  # fmt: skip


def log(draw: ValueDraw) -> Page:
    """A log of one of the kinds above, of three to eight days."""
    kind = draw.rng.choice(_LOGS)
    page = Page(draw, kind.titles)
    rows = []
    days = draw.dates_in_order(draw.below(3, 7))
    drawn = {column.name: [column.make(draw) for _ in days] for column in kind.columns}
    for column in kind.columns:
        if column.is_rising:
            drawn[column.name].sort(key=lambda value: int(value.split()[0].replace(",", "")))
    for number, day in enumerate(days):
        values = {name: found[number] for name, found in drawn.items()}
        rows.append((day, values))
        for column in kind.columns:
            value = values[column.name]
            page.ask(
                value,
                *(form.format(d=day) for form in column.asks.split(" / ")),
                says=column.says.format(d=day, v=value),
            )
    if draw.chance(0.35):
        names = ["Date", *(column.name.replace("km_reading", "mileage") for column in kind.columns)]
        page.add_set(records(draw, names, [(day, *values.values()) for day, values in rows]))
    else:
        line, mark = spin(draw, kind.line), draw.pick(("", "", "- ", "* "))
        page.add_set("\n".join(mark + line.format(d=day, **values) for day, values in rows))
    if draw.chance(0.3):
        goal = draw.value("number")
        page.add(f"[Goal|Aim|Target][ for the year|]: {goal} [entries|times][, then a reward|].")
        page.ask(goal, "What is my [goal|aim|target]?", "How many [entries|times] do I aim for?")
    return page
