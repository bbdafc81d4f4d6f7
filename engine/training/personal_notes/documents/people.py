"""Contact cards and lists of people."""

from __future__ import annotations

from engine.training.personal_notes import vocabulary
from engine.training.personal_notes.layout import listed, records, running
from engine.training.personal_notes.page import WHERE, Page, options, several
from engine.training.personal_notes.values import ValueDraw

_ROLES = options(
    """landlord / landlady / caretaker / plumber / electrician / babysitter / tax adviser / lawyer / chimney sweep /
    gardener / cleaner / vet / paediatrician / insurance agent / bank adviser / locksmith / piano tuner /
    driving instructor / neighbour upstairs / neighbour downstairs / dog walker / roofer / tailor / bee man"""
)
_QUIRKS = options(
    """only call in the morning / does not answer texts / on holiday in August / wants cash / speaks Italian best /
    ring twice / prefers e-mail / very slow to reply / brings own tools / not on Fridays / leave a message /
    always late / knows the old owner / needs a reminder"""
)


_DIETS = options(
    "nuts / fish / gluten / eggs / meat / dairy / mushrooms / shellfish / garlic / pork / sugar / onions"
)


def contact_list(draw: ValueDraw) -> Page:
    """People by what they are for, with numbers and a remark."""
    page = Page(draw, "[Contacts|Numbers|Phone list|Who to call|Important numbers|People|Useful people]")
    rows = []
    for role in several(draw, _ROLES, 3, 6):
        name, phone = draw.value("full"), draw.value("phone")
        extra = draw.pick(_QUIRKS) if draw.chance(0.6) else draw.value("email")
        rows.append((role, name, phone, extra))
        page.ask(
            phone,
            f"How [do|can] I [reach|call|phone] [the {role}|{name}]?",
            f"{role} [phone|number|tel]",
            np=f"[number|phone number|telephone number] of [the {role}|{name}]",
            says=f"The {role}, {name}, has the number {phone}.",
        )
        page.ask(
            name,
            f"What is the {role}'s name?",
            f"[Who is|What's the name of] our {role}?",
            f"{role} name",
            says=f"Our {role} is {name}.",
        )
        if "@" in extra:
            page.ask(extra, np=f"[e-mail|mail address|email address] of [the {role}|{name}]")
        else:
            page.ask(
                extra,
                f"What [should I know|do I have to keep in mind] about the {role}?",
                f"[Any remark|Anything to note] about {name}?",
            )
    page.add_set(records(draw, ("Who", "Name", "Phone", "Remark"), rows))
    if draw.chance(0.35):
        _add_new_number(draw, page, draw.rng.choice(rows)[0])
    return page


def _add_new_number(draw: ValueDraw, page: Page, role: str) -> None:
    office = draw.value("phone")
    page.add(
        f"[Out of hours|In the evening|Emergency|At weekends] the {role} [is on|has] {office}[, not the number above|]."
    )
    page.ask(
        office,
        f"[Which number|What number] [does the {role} have|is right for the {role}] out of hours?",
        f"{role} emergency number",
        says=f"Out of hours the {role} has {office}.",
    )


def person_card(draw: ValueDraw) -> Page:
    """All about one or two people with the same first things to know."""
    page = Page(draw, "[About people|Friends|People I keep forgetting things about|Who is who|]")
    count = draw.below(1, 3)
    for _ in range(count):
        full = draw.value("full")
        name = full.split(maxsplit=1)[0]
        details = _details(draw, page, name)
        draw.rng.shuffle(details)
        details = details[: draw.below(4, 6)]
        if draw.chance(0.5):
            page.add(f"{full}\n{listed(draw, [short for short, _ in details])}")
        else:
            page.add(
                running(
                    draw,
                    [f"{full}[:|.|, met at a party.|, from the old job.]", *(long for _, long in details)],
                )
            )
        # What was cut off is not in the text: the generator leaves its questions out.
    return page


def _details(draw: ValueDraw, page: Page, name: str) -> list[tuple[str, str]]:
    birthday = draw.unused(lambda: f"{draw.below(1, 28)} {draw.pick(vocabulary.MONTHS)}")
    shoe, allergy, job = (draw.value(kind) for kind in ("shoe", "allergen", "job"))
    town, pet, pet_name, partner = (draw.value(kind) for kind in ("city", "pet", "petname", "first"))
    wifi, flat = draw.value("password"), draw.value("address")
    page.ask(birthday, np=f"{name}'s birthday", det="")
    page.ask(birthday, f"When was {name} born?", f"When [is|do we celebrate] {name}'s birthday?")
    page.ask(
        shoe, f"[What|Which] shoe size does {name} [have|take|wear|need]?", np=f"{name}'s shoe size", det=""
    )
    page.ask(
        allergy,
        f"What is {name} allergic to?",
        np=f"{name}'s allergy",
        det="",
    )
    page.ask(
        job,
        f"What does {name} do[ for a living|]?",
        np=f"{name}'s [job|profession]",
        det="",
        says=f"{name} is a {job}.",
    )
    page.ask(
        town,
        f"{WHERE} does {name} [come from|live]?",
        f"[What|Which] town is {name} in?",
        says=f"{name} lives in {town}.",
    )
    page.ask(pet_name, f"What is {name}'s {pet} called?", np=f"name of {name}'s {pet}")
    page.ask(partner, f"Who is {name} [married to|together with]?", np=f"{name}'s partner", det="")
    page.ask(wifi, np=f"[wifi|Wi-Fi|WLAN] password at {name}'s[ place|]")
    page.ask(flat, np=f"{name}'s [address|street]", det="")
    return [
        (f"[b.|bday|birthday] {birthday}", f"[Born on|Birthday on] {birthday}."),
        (f"shoe size {shoe}", f"Takes shoes in {shoe}."),
        (f"allergic to {allergy}", f"[Careful: allergic to|Allergic to] {allergy}."),
        (f"[job: |]{job}", f"[Works as a|Is a] {job}."),
        (f"lives in {town}", f"[Lives in|Moved to] {town}[ last year|]."),
        (f"{pet} called {pet_name}", f"[There is a {pet} named {pet_name}|Has a {pet}, {pet_name}]."),
        (f"partner: {partner}", f"[Together with {partner}|Married to {partner}]."),
        (f"wifi there: {wifi}", f"[The wifi password there is {wifi}|Wifi at the flat: {wifi}]."),
        (flat, f"[Address: {flat}|The flat is at {flat}]."),
    ]


def guest_list(draw: ValueDraw) -> Page:
    """Guests of a party with what they bring and where they sit or sleep."""
    page = Page(draw, "[Guests|Party|Who comes|Dinner on Saturday|Wedding list|Summer party]")
    rows = []
    beds = several(
        draw, options("sofa / attic / guest room / tent / study / bunk bed / camper / hotel"), 6, 6
    )
    for bed, diet in zip(beds[: draw.below(3, 6)], several(draw, _DIETS, 6, 6), strict=False):
        who, count, dish = draw.value("first"), draw.value("few"), draw.value("food")
        rows.append((who, f"{count} people", dish, bed, f"no {diet}"))
        page.ask(
            count,
            f"How many people [come|are coming] with {who}'s group?",
            f"With how many people does {who} come?",
            also=(f"{count} people",),
        )
        page.ask(
            dish,
            f"What [does|will] {who} bring?",
            f"Which dish [comes from|is from] {who}?",
            says=f"{who} brings {dish}.",
        )
        page.ask(
            who,
            f"Who [brings|is bringing|makes] the {dish}?",
            f"Who [sleeps|stays] in the {bed}?" if bed != "sofa" else "Who gets the sofa?",
        )
        page.ask(bed, f"{WHERE} [does|will] {who} [sleep|stay]?", f"{who} bed", also=(f"the {bed}",))
        page.ask(
            diet,
            f"What can {who} not eat?",
            f"What must not be in {who}'s food?",
            says=f"{who} cannot have {diet}.",
        )
    page.add_set(records(draw, ("Name", "Number", "Brings", "Bed", "Diet"), rows))
    thing, total = draw.pick(("chairs", "plates", "glasses", "benches")), draw.value("number")
    page.add(f"[{total} {thing} borrowed|Borrowed {total} {thing}], [back on Monday|return them soon].")
    page.ask(total, f"How many {thing} did we borrow?", f"number of {thing}", also=(f"{total} {thing}",))
    return page
