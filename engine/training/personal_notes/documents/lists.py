"""Lists: shopping, packing, things to do, presents, what was lent."""

from __future__ import annotations

from engine.training.personal_notes import vocabulary
from engine.training.personal_notes.layout import heading, listed, listed_or_running
from engine.training.personal_notes.page import MUCH, WHEN, WHERE, Page, options, several
from engine.training.personal_notes.values import ValueDraw

_GOODS = options(
    "eggs / nappies / screws / candles / light bulbs / envelopes / apples / batteries / dishwasher tabs / tea lights / rolls / tomatoes / bin bags / stamps / lemons / cat food / paper towels / nails / blocks of cheese / bottles of water"
)
_CLOTHES = options(
    "T-shirts / socks / swimming trunks / jumpers / hats / towels / pairs of trousers / books / chargers / raincoats / scarves / pairs of shoes / pillow cases / plasters / blankets"
)
_CHORES = options(
    "renew the passport / return the library books / pay the fine / descale the kettle / book the ferry / bleed the radiators / cancel the gym / file the tax return / sharpen the knives / collect the parcel / register the bike / fix the zip / buy a new filter / phone the bank / pick up the glasses / order contact lenses / sign the form"
)


def _count(draw: ValueDraw) -> str:
    return draw.unused(lambda: str(draw.below(2, 40)))


def shopping(draw: ValueDraw) -> Page:
    """What to buy, how many, in which shop."""
    page = Page(draw, "[Shopping|To buy|Shopping list|Get|Errands]")
    goods = several(draw, _GOODS, 4, 10)
    half = len(goods) // 2
    for part in (goods[:half], goods[half:]):
        shop = draw.value("company")
        lines = []
        for thing in part:
            count, who = _count(draw), draw.value("first")
            for_whom = draw.chance(0.35)
            lines.append(
                f"[{count} {thing}|{count} x {thing}|{thing}: {count}]"
                + (f" [for {who}|({who})]" if for_whom else "")
            )
            page.ask(
                count,
                f"How many {thing} [do I need|should I buy|do we need]?",
                f"{thing} how many",
                says=f"I need {count} {thing}.",
            )
            page.ask(
                shop,
                f"Where [do|should] I [buy|get] the {thing}?",
                f"[Which|What] shop has the {thing}?",
                says=f"I get the {thing} at {shop}.",
            )
            if for_whom:
                page.ask(who, f"Who are the {thing} for?", says=f"The {thing} are for {who}.")
        page.add_set(heading(draw, shop) + "\n" + listed(draw, lines))
    return page


def packing(draw: ValueDraw) -> Page:
    """What goes into which bag, for two or three people."""
    page = Page(draw, "[Packing|Packing list|To pack|Bags|What goes where]")
    for _ in range(draw.below(2, 3)):
        who, bag, spot = draw.value("first"), draw.value("colour"), draw.value("thing")
        things = several(draw, _CLOTHES, 2, 4)
        lines = []
        for thing in things:
            count = _count(draw)
            lines.append(f"[{count} {thing}|{count} x {thing}|{thing} ({count})]")
            page.ask(
                count,
                f"How many {thing} [does {who} need|do I pack for {who}|go into {who}'s bag]?",
                f"{who} {thing}",
                says=f"{who} needs {count} {thing}.",
            )
        lines.append(f"[the {spot}|{spot}!]")
        page.add(f"[{who}, {bag} bag|{who} ({bag} bag)|{bag} bag = {who}]:\n" + listed(draw, lines))
        page.ask(
            bag,
            f"[Which|What] bag is {who}'s?",
            f"What colour is {who}'s bag?",
            says=f"{who} has the {bag} bag.",
            also=(f"the {bag} bag",),
        )
        page.ask(
            who,
            f"Whose is the {bag} bag?",
            f"Who [takes|packs] the {spot}?",
            says=f"{who} has the {bag} bag.",
        )
    return page


def chores(draw: ValueDraw) -> Page:
    """Things to do with a date, a place or a person; some are done."""
    page = Page(draw, "[To do|Todo|TODO|Things to do|This month|Don't forget|Open]")
    lines = []
    for chore in several(draw, _CHORES, 4, 8):
        kind = draw.below(0, 3)
        if kind == 0:
            due = draw.value("date")
            lines.append(f"{chore} [by {due}|(until {due})|- deadline {due}]")
            page.ask(
                due,
                f"[By when|When|Until when] [must|should] I {chore}?",
                f"{chore} deadline",
                says=f"I must {chore} by {due}.",
            )
        elif kind == 1:
            who = draw.value("first")
            lines.append(f"{chore} [- {who} does it|({who})|-> {who}]")
            page.ask(who, f"Who [will|is to|should] {chore}?", says=f"{who} will {chore}.")
        elif kind == 2:
            cost = draw.value("smallmoney")
            lines.append(f"{chore} [({cost})|, costs {cost}|= {cost}]")
            page.ask(
                cost, f"{MUCH} does it cost to {chore}?", f"{chore} cost", says=f"It costs {cost} to {chore}."
            )
        else:
            done = draw.value("date")
            lines.append(f"[x {chore}, done {done}|~~{chore}~~ done on {done}|{chore} ✓ {done}]")
            page.ask(done, f"{WHEN} did I {chore}?", says=f"I did that on {done}.")
    page.add(listed(draw, lines, draw.pick(("- ", "", "- [ ] ", "* ", "1", "• "))))
    return page


def presents(draw: ValueDraw) -> Page:
    """Ideas for presents: for whom, from which shop, at what price, already hidden where."""
    page = Page(draw, "[Gift ideas|Presents|Xmas|Birthday presents|Ideas for presents|Gifts]")
    lines = []
    for _ in range(draw.below(3, 6)):
        who, gift, price, spot = (draw.value(k) for k in ("first", "thing", "smallmoney", "spot"))
        if draw.chance(0.5):
            lines.append(f"{who}[: | - | -> ]{gift}, {price}[, hidden in {spot}| (it is in {spot})]")
            page.ask(
                spot,
                f"{WHERE} [did I hide|is] {who}'s [present|gift]?",
                f"{WHERE} is the {gift}?",
                says=f"{who}'s present is in {spot}.",
            )
        else:
            lines.append(f"[a {gift}|the {gift}] for {who}, [about |max. |]{price}[, not bought yet|]")
        page.ask(
            gift,
            f"What does {who} get?",
            f"What do I give {who}?",
            f"[present|gift] for {who}",
            f"What was my idea for {who}?",
            says=f"{who} gets a {gift}.",
        )
        page.ask(price, f"{MUCH} does the {gift} cost?", f"{gift} price", says=f"The {gift} costs {price}.")
        page.ask(who, f"Who is the {gift} for?", says=f"The {gift} is for {who}.")
    page.add(listed_or_running(draw, lines, 0.2))
    return page


def lent(draw: ValueDraw) -> Page:
    """Things that were lent and borrowed, some already back."""
    page = Page(draw, "[Lent and borrowed|Who has what|Lent|Borrowed|Things on loan]")
    lines = []
    for thing in several(draw, vocabulary.THINGS, 3, 6):
        who, since = draw.value("first"), draw.value("date")
        if draw.chance(0.6):
            lines.append(
                f"[{who} has my {thing} since {since}|{thing} -> {who} ({since})|lent {who} the {thing} on {since}]"
            )
            page.ask(
                who,
                f"Who [has|borrowed] my {thing}?",
                f"To whom did I lend the {thing}?",
                says=f"{who} has my {thing}.",
            )
            page.ask(
                thing,
                f"What [did I lend|have I lent] {who}?",
                f"What does {who} have of mine?",
                says=f"{who} has my {thing}.",
            )
            page.ask(since, f"{WHEN} did I lend {who} the {thing}?", says=f"I lent it on {since}.")
        else:
            lines.append(
                f"[borrowed {who}'s {thing}, back by {since}|{thing} belongs to {who}, return until {since}]"
            )
            page.ask(
                who,
                f"Whose {thing} [is it|do I have]?",
                f"From whom did I borrow the {thing}?",
                says=f"The {thing} belongs to {who}.",
            )
            page.ask(
                since,
                f"[By when|When] [must|do] I [return|give back] the {thing}?",
                says=f"I must return the {thing} by {since}.",
            )
    page.add(listed_or_running(draw, lines, 0.3))
    return page
