"""Journeys: flights, trains, beds, and what was booked where under which code."""

from __future__ import annotations

from engine.training.personal_notes.layout import heading, listed, listed_or_running, records, running
from engine.training.personal_notes.page import MUCH, TIME, WHEN, WHERE, Page, options, several
from engine.training.personal_notes.values import ValueDraw

_LODGINGS = options(
    "Hotel / Pension / Hostel / Guesthouse / B&B / Gasthof / Riad / Villa / Inn / Lodge / Camping"
)


def flights(draw: ValueDraw) -> Page:
    """Two to four flights side by side, each with its number, times, seat and gate."""
    page = Page(draw, "[Flights|Trip|Air travel|Tickets|Journey|Itinerary]")
    stops = [draw.value("city") for _ in range(draw.below(3, 5))]
    rows, lines = [], []
    dates = draw.dates_in_order(len(stops) - 1)
    for start, end, date in zip(stops, stops[1:], dates, strict=False):
        flight, at, seat, gate = (draw.value(kind) for kind in ("flight", "clock", "seat", "gate"))
        rows.append((flight, f"{start} - {end}", date, at, seat, gate))
        lines.append(
            f"[{flight} {start}-{end}, {date} {at}, seat {seat}, gate {gate}|{date}: {start} to {end} with {flight} at {at} "
            f"(seat {seat}, gate {gate})|{start} → {end} {date}, dep {at}, {flight}, {seat}, gate {gate}]"
        )
        leg = f"[flight|plane] from {start} to {end}"
        page.ask(
            flight,
            f"[Which|What] flight [goes|do I take|takes me] to {end}?",
            np=f"flight number [to {end}|from {start} to {end}]",
        )
        page.ask(
            date,
            f"{WHEN} do I fly to {end}?",
            f"{WHEN} is my {leg}?",
            f"flight {end} date",
            says=f"I fly to {end} on {date}.",
        )
        page.ask(
            at,
            f"{TIME} does the {leg} leave?",
            f"{TIME} does {flight} [leave|depart|take off]?",
            f"departure {start}",
            says=f"{flight} leaves at {at}.",
        )
        page.ask(
            seat, f"Which seat do I have on {flight}?", f"Where do I sit on the {leg}?", f"seat {flight}"
        )
        page.ask(
            gate,
            f"[Which|What] gate does {flight} [leave|go] from?",
            f"[Which|What] gate is the {leg} at?",
            says=f"{flight} leaves from gate {gate}.",
        )
    if draw.chance(0.4):
        page.add_set(records(draw, ("Flight", "From - to", "Date", "Departs", "Seat", "Gate"), rows))
    else:
        page.add(listed(draw, lines))
    booking, kilos, who = draw.value("code"), draw.value("kg"), draw.value("full")
    page.add(
        f"[Booking|Reference|PNR|Booking code]: {booking}[. Bags: one of {kilos} each|, luggage {kilos}]. [Booked by|Ask] {who}[ if lost|]."
    )
    page.ask(booking, np="[booking code|booking reference|reference] of the flights")
    page.ask(
        kilos,
        "How heavy may [my bag|the luggage] be?",
        "How much luggage [is allowed|do we have]?",
        np="luggage limit",
    )
    page.ask(who, "Who [booked|should I ask about] the flights?")
    return page


def lodging(draw: ValueDraw) -> Page:
    """Places to stay on a tour, one night of which was moved."""
    page = Page(draw, "[Where we sleep|Hotels|Beds|Accommodation|Nights|Bookings|Rooms]")
    sentences, rows = [], []
    kinds = several(draw, _LODGINGS, 2, 4)
    for kind, arrival in zip(kinds, draw.dates_in_order(len(kinds)), strict=True):
        place, town, price, code = (draw.value(k) for k in ("name", "city", "money", "code"))
        name, nights = f"{kind} {place}", draw.value("few")
        rows.append((name, town, arrival, f"{nights} nights", price, code))
        sentences.append(
            f"[In {town} we stay at {name}, {nights} nights from {arrival}, {price} a night, reference {code}.|"
            f"{name} ({town}): arrive {arrival}, {nights} nights, {price} per night, {code}.|"
            f"{arrival} {town}, {name}. {nights} nights at {price}, conf. no. {code}.]"
        )
        page.ask(
            name,
            f"{WHERE} do we [stay|sleep] in {town}?",
            f"What is the {town} [hotel|place] called?",
            f"[hotel|bed] {town}",
        )
        page.ask(
            arrival,
            f"{WHEN} do we [arrive|check in] [in {town}|at {name}]?",
            np=f"arrival date [in {town}|at {name}]",
        )
        page.ask(
            nights,
            f"How [many nights|long] do we stay in {town}?",
            f"nights {town}",
            also=(f"{nights} nights",),
        )
        page.ask(
            price,
            f"{MUCH} does a night [in {town}|at {name}] cost?",
            np=f"price per night [in {town}|at {name}]",
        )
        page.ask(code, np=f"[reference|booking number|confirmation number] [of|for] {name}")
    if draw.chance(0.4):
        page.add_set(records(draw, ("Where", "Town", "Arrival", "Nights", "Price", "Code"), rows))
    else:
        page.add(listed_or_running(draw, sentences))
    if draw.chance(0.5):
        name, late = draw.rng.choice(rows)[0], draw.value("clock")
        page.add(f"[Reception at|Careful:] {name} [closes|shuts] at {late}[, key box after that|].")
        page.ask(
            late, f"{TIME} does the reception [of|at] {name} close?", f"Until when can we check in at {name}?"
        )
    return page


def trip_plan(draw: ValueDraw) -> Page:
    """Days of a journey told in running sentences."""
    town = draw.value("city")
    page = Page(draw, f"{town}[| trip| weekend|: plan| with the kids]")
    names = [draw.value("first") for _ in range(2)]
    for day in several(draw, ("Friday", "Saturday", "Sunday", "Monday", "Thursday"), 2, 3):
        at, sight, price, food, street, guide = (
            draw.value(k) for k in ("clock", "book", "smallmoney", "food", "address", "first")
        )  # fmt: skip
        thing = draw.pick(("museum", "play", "exhibition", "boat tour", "concert", "walking tour"))
        where = draw.pick(("a café", "a bar", "a bakery", "a canteen", "a stall"))
        page.add(
            f"{heading(draw, day)}\n"
            + running(
                draw,
                [
                    f'[The {thing} is called {sight} and starts at {at}|{at}: {thing} "{sight}"], tickets {price} [each|per head].',
                    f"[Afterwards|Then|Later] {food} at {where} [in|at] {street}[, {guide}'s tip|, recommended by {guide}].",
                ],
            )
        )
        page.ask(
            at,
            f"{TIME} does the {thing} start on {day}?",
            f"{TIME} is {sight}?",
            says=f"The {thing} on {day} starts at {at}.",
        )
        page.ask(price, f"{MUCH} do [|the ]tickets for {sight} cost?", f"{sight} ticket price")
        page.ask(food, f"What do we [eat|have] on {day}?", f"What [is good|should we eat] at {street}?")
        page.ask(
            street,
            f"{WHERE} [do we eat|is the food] on {day}?",
            f"{WHERE} do we get {food}?",
            f"{food} address",
        )
        page.ask(
            guide, f"Who recommended the {where.split()[1]} [in|at] {street}?", f"Whose tip was the {food}?"
        )
    leave, platform = draw.value("clock"), draw.value("few")
    page.add(
        f"[Train home|Back]: {leave}, platform {platform}. {names[0]} [has the tickets|keeps the tickets]."
    )
    page.ask(
        leave,
        f"{TIME} does the train home leave?",
        f"{TIME} do we go home?",
        np="departure of the train home",
    )
    page.ask(
        platform,
        "[Which|What] platform does the train home leave from?",
        "platform home",
        also=(f"platform {platform}",),
    )
    page.ask(names[0], "Who has the [train |]tickets?", says=f"{names[0]} has the tickets.")
    return page


def rental(draw: ValueDraw) -> Page:
    """Two things rented for a holiday, such as a car and a boat, in a pasted confirmation."""
    page = Page(draw, "[Rental|Booking confirmation|Rented|Fwd: your reservation|Confirmation]")
    things = several(
        draw, options("car / canoe / e-bike / camper / scooter / sailing boat / trailer / ski set"), 2, 3
    )
    for thing in things:
        firm, price, code, deposit = (draw.value(k) for k in ("company", "money", "code", "money"))
        pick_up, until = draw.dates_in_order(2)
        rows = [
            f"[Item|What]: {thing}", f"[From|Company|Provider]: {firm}", f"[Pick-up|Collect]: {pick_up}",
            f"[Return|Back|Bring back]: {until}", f"[Total|Price]: {price}", f"Deposit: {deposit}", f"[Ref|Code|No.] {code}",
        ]  # fmt: skip
        page.add(listed(draw, rows, draw.pick(("", "", "- ", "* "))))
        page.ask(firm, f"[Who|Which company] do we rent the {thing} from?", f"{thing} rental company")
        page.ask(pick_up, f"{WHEN} do we [pick up|collect|get] the {thing}?", f"{thing} pick-up")
        page.ask(until, f"{WHEN} [do we return|must we bring back] the {thing}?", f"{thing} return date")
        page.ask(price, f"{MUCH} does the {thing} cost?", np=f"price of the {thing}")
        page.ask(deposit, f"How high is the deposit for the {thing}?", np=f"deposit for the {thing}")
        page.ask(code, np=f"[reference|booking code] [of|for] the {thing}")
    return page
