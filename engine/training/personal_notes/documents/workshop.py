"""Measurements, materials and settings of things made or mended by hand."""

from __future__ import annotations

from engine.training.personal_notes.layout import listed, listed_or_running, records
from engine.training.personal_notes.page import MUCH, WHEN, WHERE, Page, options, several
from engine.training.personal_notes.values import ValueDraw

_PIECES = options(
    "shelf / table top / window left / window right / bedroom door / bench / curtain / wardrobe niche / worktop / drawer front / blind / bed frame / stair tread / kitchen window / bathroom mirror"
)


def measurements(draw: ValueDraw) -> Page:
    """Width and height of several things, one of them measured again."""
    page = Page(draw, "[Measurements|Sizes|Dimensions|Measured|DIY store]")
    pieces = several(draw, _PIECES, 3, 6)
    rows, lines = [], []
    for piece in pieces:
        width, height, wood = (
            draw.value("cm"),
            draw.value("cm"),
            draw.pick(("oak", "pine", "beech", "plywood", "glass", "steel", "bamboo")),
        )
        rows.append((piece, width, height, wood))
        lines.append(
            f"[{piece}: {width} wide, {height} high, {wood}|{piece} {width} x {height} ({wood})|the {piece} is {width} wide and {height} high, made of {wood}]"
        )
        page.ask(width, f"How wide is the {piece}?", np=f"width of the {piece}")
        page.ask(height, f"How [high|tall] is the {piece}?", np=f"height of the {piece}")
        page.ask(
            wood, f"What is the {piece} made of?", f"{piece} material", says=f"The {piece} is made of {wood}."
        )
    if draw.chance(0.4):
        page.add_set(records(draw, ("Piece", "width", "height", "material"), rows))
    else:
        page.add(listed_or_running(draw, lines, 0.25))
    extra = draw.pick([piece for piece in _PIECES if piece not in pieces])
    page.add(
        page.changed(draw.value("cm"), draw.value("cm"), f"depth of the {extra}", f"How deep is the {extra}?")
    )
    return page


def paints(draw: ValueDraw) -> Page:
    """Which paint is on which wall."""
    page = Page(draw, "[Paint|Colours|Wall colours|Paint codes|Renovation]")
    rows = []
    for room in several(
        draw, options("kitchen / hall / bathroom / nursery / study / bedroom / living room / cellar"), 3, 5
    ):
        colour, code, shop, litres = (
            draw.value("colour"),
            draw.value("code"),
            draw.value("company"),
            f"{draw.value('few')} l",
        )
        rows.append((room, colour, code, shop, litres))
        page.ask(
            colour, f"[What|Which] colour is the {room}?", f"{room} colour", says=f"The {room} is {colour}."
        )
        page.ask(code, np=f"paint code [of|for] the {room}")
        page.ask(
            shop,
            f"Where did we buy the paint for the {room}?",
            says=f"The paint for the {room} is from {shop}.",
        )
        page.ask(
            litres,
            f"How much paint did the {room} need?",
            f"{room} litres",
            says=f"The {room} needed {litres}.",
        )
    page.add_set(records(draw, ("Room", "Colour", "Code", "Shop", "Used"), rows))
    return page


def sewing(draw: ValueDraw) -> Page:
    """A pattern with body measurements of one or two people."""
    page = Page(draw, "[Sewing|Knitting|Pattern|Costumes|Alterations]")
    for _ in range(draw.below(2, 3)):
        who, item = (
            draw.value("first"),
            draw.unused(
                lambda: draw.pick(
                    options("jacket / skirt / waistcoat / cardigan / coat / dress / cape / pullover")
                )
            ),
        )
        yarn, price, due = (draw.value(k) for k in ("colour", "smallmoney", "date"))
        chest = draw.unused(lambda: f"{draw.below(76, 128)} cm")
        sleeve = draw.unused(lambda: f"{draw.below(42, 74)} cm")
        page.add(
            listed_or_running(
                draw,
                [
                    f"[for {who} a|{who}:|{who} gets a] {item}, [done by|wanted by|ready on] {due}",
                    f"[{who}: |]chest {chest}, sleeve {sleeve}",
                    f"[cloth|yarn|thread]: {yarn}, {price} [per metre|a ball|in total]",
                ],
            )
        )
        page.ask(chest, np=f"{who}'s chest [size|measurement]", det="")
        page.ask(
            sleeve,
            f"How long [is the sleeve|are the sleeves] of {who}'s {item}?",
            np=f"{who}'s sleeve length",
            det="",
        )
        page.ask(
            yarn,
            f"[What|Which] colour is {who}'s {item}?",
            f"{item} colour",
            says=f"{who}'s {item} is {yarn}.",
        )
        page.ask(
            price,
            f"{MUCH} did the material for the {item} cost?",
            says=f"The material for the {item} cost {price}.",
        )
        page.ask(
            due,
            f"[By when|When] [must|should] the {item} be ready?",
            f"{item} deadline",
            says=f"The {item} must be ready by {due}.",
        )
        page.ask(item, f"What am I making for {who}?", f"What does {who} get?", says=f"{who} gets a {item}.")
    return page


def vehicles(draw: ValueDraw) -> Page:
    """Two vehicles with plates, tyre pressures, inspections and keys."""
    page = Page(draw, "[Cars|The cars|Vehicles|Car file|Cars and bikes]")
    for _ in range(2):
        car, plate, due, spot, firm = (draw.value(k) for k in ("car", "plate", "date", "spot", "company"))
        oil = draw.unused(lambda: f"{draw.below(0, 4) * 5}W-{draw.below(4, 12) * 5}")
        bar = draw.unused(lambda: f"{draw.below(18, 34) / 10} bar")
        lines = [
            f"[plate|number plate|reg.]: {plate}", f"[inspection|MOT|next check] [due |]{due}", f"[tyres|tyre pressure] {bar}",
            f"[oil|oil type]: {oil}", f"spare key: {spot}", f"[insured with|insurance:] {firm}",
        ]  # fmt: skip
        draw.rng.shuffle(lines)
        page.add_set(
            f"{car}:\n{listed(draw, lines, draw.pick(('- ', '', '* ')))}"
            if draw.chance(0.7)
            else listed(draw, [f"{car}: " + ", ".join(lines)], "")
        )
        page.ask(plate, np=f"[number plate|plate|registration] of the {car}")
        page.ask(
            due,
            f"{WHEN} is the {car}'s [next |]inspection[ due|]?",
            f"{car} inspection",
            says=f"The {car}'s inspection is on {due}.",
        )
        page.ask(bar, f"[What|Which] tyre pressure does the {car} need?", np=f"tyre pressure of the {car}")
        page.ask(
            oil, f"[What|Which] oil does the {car} [take|need]?", f"{car} oil", says=f"The {car} needs {oil}."
        )
        page.ask(
            spot,
            f"{WHERE} is the spare key [of|for] the {car}?",
            f"{car} spare key",
            says=f"The {car}'s spare key is in {spot}.",
        )
        page.ask(
            firm,
            f"[Who insures|Which company insures] the {car}?",
            f"{car} insurance",
            says=f"{firm} insures the {car}.",
        )
    return page
