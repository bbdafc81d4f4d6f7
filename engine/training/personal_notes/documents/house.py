"""Manuals of a household, instructions for a house-sitter, tables of appliances and meters."""

from __future__ import annotations

from engine.training.personal_notes import vocabulary
from engine.training.personal_notes.layout import heading, listed, listed_or_running, records, running
from engine.training.personal_notes.page import WHEN, WHERE, Page, options, several
from engine.training.personal_notes.values import ValueDraw

_CODED = (
    ("alarm", "alarm code", "switch off the alarm"),
    ("garage", "garage code", "open the garage"),
    ("front door", "door code", "get in at the front door"),
    ("safe", "safe combination", "open the safe"),
    ("bike shed", "shed code", "open the bike shed"),
    ("key box", "key box code", "open the key box"),
    ("gate", "gate code", "open the gate"),
    ("tablet", "tablet PIN", "unlock the tablet"),
    ("TV", "TV PIN", "unlock the TV"),
    ("laundry room", "laundry code", "get into the laundry room"),
)
_METERS = options(
    "electricity meter / upstairs water meter / cellar water meter / gas meter / heat meter / solar meter / garden tap meter"
)
_PROGRAMS = options("wool / towels / sports kit / jeans / curtains / baby clothes / shirts / duvets / silk")


def manual(draw: ValueDraw) -> Page:
    """Codes, networks and machines of a household, some of them changed."""
    page = Page(draw, "[House manual|Home|How the house works|Codes|House|Household|The flat]")
    parts = [_codes(draw, page)]
    if draw.chance(0.7):
        parts.append(_network(draw, page))
    if draw.chance(0.6):
        parts.append(_boiler(draw, page))
    if draw.chance(0.5):
        parts.append(_washing(draw, page))
    draw.rng.shuffle(parts)
    named = draw.chance(0.5)
    for name, text in parts:
        page.add_set(f"{heading(draw, name)}\n{text}" if named else text)
    return page


def _codes(draw: ValueDraw, page: Page) -> tuple[str, str]:
    lines = []
    for thing, np, deed in draw.rng.sample(_CODED, draw.below(1, 4)):
        code = draw.value("pin")
        if draw.chance(0.35):
            label = draw.pick((np, thing))
            lines.append(
                page.changed(
                    draw.value("pin"), code, np, f"How do I {deed}[ now|]?", det="[the|our|the]", label=label
                )
            )
            continue
        lines.append(f"[{np}: {code}|{thing} {code}|{thing}: {code}|to {deed} type {code}|{np} is {code}]")
        page.ask(
            code,
            f"[What do I type|What number do I need|Which code do I need] to {deed}?",
            f"How do I {deed}?",
            np=f"[{np}|{np}|code for the {thing}]",
            det="[the|our|my|the]",
            says=f"[The {np} is {code}|You {deed} with {code}].",
        )
    return "Codes", listed_or_running(draw, lines)


def _network(draw: ValueDraw, page: Page) -> tuple[str, str]:
    name, password, guest, guest_password = (
        draw.value(kind) for kind in ("plain", "password", "plain", "password")
    )
    lines = [
        f"[wifi|wi-fi|WLAN|network]: {name}, [password|pw|key] {password}",
        f"[guests use|guest network:|visitors:] {guest}, [password|pw|key] {guest_password}",
    ]
    page.ask(
        password,
        f"How do I [get into|log into|connect to] {name}?",
        np="[wifi|Wi-Fi|wireless|internet] password",
        det="[the|our]",
        says=f"The wifi password is {password}.",
    )
    page.ask(
        guest_password,
        "Which password do I give [visitors|guests|our guests]?",
        np="[guest wifi password|password of the guest network|password for guests]",
        says=f"Guests use the password {guest_password}.",
    )
    page.ask(
        guest,
        "What is the guest network called?",
        "Which network do visitors use?",
        np="name of the guest network",
    )
    if draw.chance(0.6):
        place, admin = draw.value("spot"), draw.value("password")
        lines.append(f"[the retriever is in|retriever:] {place}, admin [password|pw|login] {admin}")
        page.ask(
            place, f"{WHERE} is the retriever?", "retriever location", says=f"The retriever is in {place}."
        )
        page.ask(
            admin,
            "How do I log in to the retriever?",
            np="[retriever admin password|admin password of the retriever]",
        )
    return draw.pick(("Internet", "Wifi", "Network")), listed_or_running(draw, lines, 0.3)


def _boiler(draw: ValueDraw, page: Page) -> tuple[str, str]:
    bar, valve, service, firm = (
        f"{draw.below(1, 2)}.{draw.below(1, 9)} bar",
        draw.value("colour"),
        draw.value("date"),
        draw.value("company"),
    )
    fault = f"{draw.pick('EFH')}{draw.below(1, 99)}"
    page.ask(
        bar, "[What|Which] pressure [should the boiler have|does the heating need]?", np="boiler pressure"
    )
    page.ask(
        valve,
        "What colour is the [valve|tap] that refills the [heating|boiler]?",
        "Which valve do I open to top up the heating?",
    )
    page.ask(
        service,
        f"{WHEN} was the [boiler|heating] [last serviced|serviced]?",
        np="date of the last boiler service",
    )
    page.ask(firm, "Who [services|looks after|repairs] the [boiler|heating]?", "boiler service company")
    page.ask(
        fault,
        "Which [error|fault] code means low pressure?",
        "What does the boiler show when the pressure is low?",
    )
    lines = [
        f"pressure should be {bar}[, top up at the {valve} valve|; refill with the {valve} valve]",
        f"[{fault} on the display = pressure too low|shows {fault} when there is too little water]",
        f"[last service {service} by {firm}|serviced on {service} ({firm})]",
    ]
    return draw.pick(("Boiler", "Heating")), listed_or_running(draw, lines)


def _washing(draw: ValueDraw, page: Page) -> tuple[str, str]:
    lines = []
    for load in several(draw, _PROGRAMS, 2, 4):
        program, heat = f"{draw.value('few')}", draw.unused(lambda: f"{draw.below(4, 18) * 5} degrees")
        lines.append(
            f"[{load}: program {program}, {heat}|{load} → {program} at {heat}|{load} need no. {program}, {heat}]"
        )
        page.ask(
            program,
            f"[Which|What] [program|programme|setting] [is for|do I use for|washes] {load}?",
            f"washing machine {load}",
            also=(f"program {program}",),
            says=f"Wash {load} with program {program}.",
        )
        page.ask(
            heat,
            f"[How hot|At what temperature] [do I|can I|should I] wash {load}?",
            f"{load} temperature",
            says=f"Wash {load} at {heat}.",
        )
    return draw.pick(("Washing machine", "Laundry")), listed(draw, lines)


def house_sitter(draw: ValueDraw) -> Page:
    """A letter to somebody who looks after the flat."""
    sitter, pet, pet_name = draw.value("first"), draw.value("pet"), draw.value("petname")
    page = Page(draw, "[While we are away|For the house-sitter|Instructions|]")
    amount, at, rubbish, key, emergency, back = (
        draw.value(kind) for kind in ("grams", "clock", "weekday", "spot", "phone", "date")
    )
    first, second = several(draw, vocabulary.PLANTS, 2, 2)
    often, rarely = draw.value("days"), draw.value("days")
    page.add(f"[Dear|Hi|Hello] {sitter},[ thank you so much for doing this!|]")
    sentences = [
        f"{pet_name} the {pet} [gets|is fed] {amount} [at {at}|every day at {at}].",
        f"Please water {first} every {often} and {second} only every {rarely}.",
        f"The [rubbish|bin] goes out on {rubbish}.",
        f"[A spare key is in|You find the second key in] {key}.",
        f"[If anything breaks|In an emergency] call {emergency}.",
    ]
    draw.rng.shuffle(sentences)
    page.add(running(draw, sentences), f"We are back on {back}. [Love|Thanks|Yours], {draw.value('first')}")
    page.ask(
        amount,
        f"How much [food does|does] {pet_name} [get|eat]?",
        f"{pet_name} food amount",
        says=f"{pet_name} gets {amount}.",
    )
    page.ask(
        at,
        f"[When|At what time] [is {pet_name} fed|does {pet_name} eat|do I feed the {pet}]?",
        says=f"{pet_name} is fed at {at}.",
    )
    page.ask(
        often,
        f"How often [does one water|do I water|must I water] {first}?",
        f"{first} watering",
        also=(f"every {often}",),
    )
    page.ask(
        rarely,
        f"How often [does one water|do I water|must I water] {second}?",
        f"{second} watering",
        also=(f"every {rarely}",),
    )
    page.ask(
        rubbish, "[When|On which day] [is bin day|does the rubbish go out|do the bins go out]?", "bin day"
    )
    page.ask(key, f"{WHERE} is the [spare|second] key?", "spare key", says=f"The spare key is in {key}.")
    page.ask(
        emergency,
        "[Whom|Which number] do I call [if something breaks|in an emergency]?",
        np="emergency number",
    )
    page.ask(back, f"{WHEN} do they come back?", "return date", says=f"They are back on {back}.")
    return page


def appliances(draw: ValueDraw) -> Page:
    """Appliances with where they were bought, until when they have a warranty, and part numbers."""
    page = Page(draw, "[Appliances|Warranties|Machines|What we bought|Guarantees|Serial numbers]")
    rows = []
    for thing in several(draw, vocabulary.APPLIANCES, 3, 5):
        model, until, shop, serial = (draw.value(kind) for kind in ("product", "date", "company", "code"))
        rows.append((thing, model, until, shop, serial))
        page.ask(
            model,
            f"[What|Which] [model|type|make] is [the|our] {thing}?",
            f"{thing} model",
            says=f"The {thing} is a {model}.",
        )
        page.ask(
            until,
            f"[Until when|How long] [is the {thing} under warranty|does the {thing}'s warranty last]?",
            np=f"warranty date of the {thing}",
        )
        page.ask(shop, f"Where did we [buy|get] the {thing}?", f"Which shop sold us the {thing}?")
        page.ask(serial, np=f"serial number of the {thing}", det="the")
    page.add_set(records(draw, ("Thing", "Model", "Warranty", "Shop", "Serial"), rows))
    return page


def meters(draw: ValueDraw) -> Page:
    """Readings of several meters on several days, each with its number."""
    page = Page(draw, "[Meter readings|Meters|Readings|Meter numbers and readings|Utilities]")
    chosen = several(draw, _METERS, 2, 3)
    days = draw.dates_in_order(draw.below(1, 3))
    rows = []
    for meter in chosen:
        number = draw.value("code")
        readings = sorted((draw.unused(lambda: str(draw.below(1200, 98000))) for _ in days), key=int)
        rows.append((meter, number, *readings))
        page.ask(
            number, np=f"[number|serial number] of the {meter}", says=f"The {meter} has the number {number}."
        )
        for day, reading in zip(days, readings, strict=True):
            page.ask(
                reading,
                f"What did the {meter} [show|read] on {day}?",
                f"{meter} {day}",
                f"[reading|value] of the {meter} on {day}",
                says=f"On {day} the {meter} read {reading}.",
            )
    if len(days) > 1 or draw.chance(0.5):
        page.add_set(records(draw, ("Meter", "No.", *days), rows))
    else:
        page.add(
            f"[Read on|Readings of] {days[0]}:", listed(draw, [f"{m} (no. {n}): {r}" for m, n, r in rows])
        )
    provider, customer = draw.value("company"), draw.value("code")
    page.add(f"[Send to|Report to|Provider:] {provider}, customer no. {customer}[.|]")
    page.ask(provider, "To whom do I [send|report] the readings?", "Who is our provider?")
    page.ask(customer, np="customer number", det="[our|my|the]")
    return page
