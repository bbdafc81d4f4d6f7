"""A diary in the first person: several facts in running sentences, mostly about one day."""

from __future__ import annotations

from engine.training.personal_notes import vocabulary
from engine.training.personal_notes.layout import running
from engine.training.personal_notes.page import MUCH, TIME, WHEN, WHERE, Page, options, several
from engine.training.personal_notes.values import ValueDraw

_MOODS = options(
    """tired but happy / a bit homesick / strangely calm / hungover / proud of myself / grumpy / in love with this town /
    restless / relieved / worried about money / cold to the bone / ridiculously cheerful"""
)
_FINDS = options(
    """a brass compass / an old postcard / a glass heron / a box of buttons / a wooden top / a cracked violin /
    a tin whistle / a ship in a bottle / a velvet hat / an atlas / a stuffed owl / a music box / a silver spoon"""
)


def day(draw: ValueDraw) -> Page:
    """One day, told from the morning to the evening."""
    date = draw.value("date")
    page = Page(draw, f"[{date}|Diary, {date}|{date}, late|Dear diary|]")
    scenes = draw.rng.sample(_SCENES, draw.below(3, 6))
    sentences: list[str] = []
    for scene in scenes:
        if draw.chance(0.35):
            sentences.append(draw.pick(vocabulary.FILLERS))
        sentences += scene(draw, page)
    page.add(running(draw, sentences))
    return page


def _market(draw: ValueDraw, page: Page) -> list[str]:
    find, price, seller, town = (
        draw.pick(_FINDS),
        draw.value("smallmoney"),
        draw.value("first"),
        draw.value("city"),
    )
    bare = find.split(" ", 1)[1]
    page.ask(
        find,
        "What did I [find|buy] at the flea market?",
        f"What did I buy from {seller}?",
        says=f"I bought {find} at the flea market.",
    )
    page.ask(
        price,
        f"{MUCH} did [the {bare} cost|I pay for the {bare}]?",
        f"{bare} price",
        says=f"The {bare} cost {price}.",
    )
    page.ask(
        seller,
        f"Who sold me the {bare}?",
        "What was the seller's name?",
        says=f"{seller} sold me the {bare}.",
    )
    page.ask(
        town,
        f"{WHERE} was the flea market?",
        f"In which town did I find the {bare}?",
        says=f"The flea market was in {town}.",
    )
    return [
        f"[At the flea market in {town} I found {find}|Took the bus to {town} for the flea market and came home with {find}], "
        f"{price}[ after some haggling|, far too much|].",
        f"The seller[, a man with a huge beard,|] [was called|introduced himself as] {seller}[ and would not stop talking|].",
    ]


def _encounter(draw: ValueDraw, page: Page) -> list[str]:
    who, years, job, town = draw.value("full"), draw.value("few"), draw.value("job"), draw.value("city")
    first, child = who.split()[0], draw.value("first")
    page.ask(
        who, "[Who|Whom] did I [run into|meet by chance|bump into]?", says=f"I ran into {who}.", also=(first,)
    )
    page.ask(
        years,
        f"[For how long|How many years] had I not seen {first}?",
        also=(f"{years} years",),
        says=f"I had not seen {first} for {years} years.",
    )
    page.ask(job, f"What does {first} [do now|work as]?", f"{first} job", says=f"{first} is a {job} now.")
    page.ask(town, f"{WHERE} does {first} live[ now|]?", says=f"{first} lives in {town}.")
    page.ask(
        child,
        f"What is {first}'s [child|baby] called?",
        f"{first} baby name",
        says=f"{first}'s baby is called {child}.",
    )
    return [
        f"[Ran into|Bumped into|Suddenly stood in front of] {who}, [whom I had not seen for {years} years|after {years} years]"
        f"[ - same laugh as ever|].",
        f"{first} [works as|is now] a {job} in {town} and has a baby[ called|,] {child}.",
    ]


def _work(draw: ValueDraw, page: Page) -> list[str]:
    boss, project, date, room = (
        draw.value("first"),
        draw.value("project"),
        draw.value("date"),
        draw.value("room"),
    )
    page.ask(
        boss,
        f"Who [told|informed] me about {project}?",
        "Who wants me on the new project?",
        says=f"{boss} told me.",
    )
    page.ask(
        project,
        "What is [the|my] new project called?",
        f"Which project does {boss} want me on?",
        np="name of the new project",
    )
    page.ask(
        date, f"{WHEN} does {project} [start|begin]?", f"{project} start", says=f"{project} starts on {date}."
    )
    page.ask(
        room,
        "[Which|What] room do I move to?",
        "Where will my new desk be?",
        np="new room number",
        det="my",
        also=(f"room {room}",),
    )
    return [
        f"At work {boss} [took me aside|rang] and said that I am to join {project} [from {date} on|, which starts on {date}].",
        f"[It also means moving to room {room}|My new desk is in room {room}][, with a window at last|, next to the printer, of all places|].",
    ]


def _meal(draw: ValueDraw, page: Page) -> list[str]:
    cook, food, secret, guest = (
        draw.value("first"),
        draw.value("food"),
        draw.value("ingredient"),
        draw.value("first"),
    )
    page.ask(cook, "Who cooked[ for us|]?", f"Who made the {food}?", says=f"{cook} made {food}.")
    page.ask(
        food,
        f"What did {cook} [cook|make|serve]?",
        "What did we [eat|have for dinner]?",
        says=f"{cook} made {food}.",
    )
    page.ask(
        secret,
        f"[What|Which ingredient] is the secret of the {food}?",
        f"What does {cook} put in the {food}?",
        says=f"The secret of the {food} is {secret}.",
    )
    page.ask(guest, "Who [came late|was late|turned up late]?", says=f"{guest} was late.")
    return [
        f"In the evening {cook} made {food}[ for us|], and the secret, [it turns out|I was told], is {secret}.",
        f"{guest} [came an hour late|turned up when it was all cold][, as always|].",
    ]


def _mishap(draw: ValueDraw, page: Page) -> list[str]:
    thing, spot, phone, until = (
        draw.value("thing"),
        draw.value("city"),
        draw.value("phone"),
        draw.value("clock"),
    )
    page.ask(
        thing, "What did I [lose|leave behind|forget on the train]?", says=f"I left the {thing} on the train."
    )
    page.ask(
        spot,
        f"{WHERE} did the train [go|end]?",
        f"To which town did my {thing} travel?",
        says=f"It was the train to {spot}.",
    )
    page.ask(
        phone,
        "What is the number of the lost property office?",
        "lost property [number|phone]",
        says=f"The lost property office has the number {phone}.",
    )
    page.ask(
        until,
        "Until when [is the lost property office|are they] open?",
        f"{TIME} does the lost property office close?",
    )
    return [
        f"[Stupid me|Of all things]: I left the {thing} on the train to {spot}.",
        f"Lost property [can be called at|has the number] {phone}, but only until {until}[. Tomorrow, then.|.]",
    ]


def _house(draw: ValueDraw, page: Page) -> list[str]:
    appliance, firm, price, come = (draw.value(k) for k in ("appliance", "company", "money", "weekday"))
    page.ask(
        appliance,
        "What [broke|gave up|is broken]?",
        "Which [machine|thing] needs a repair?",
        says=f"The {appliance} broke.",
    )
    page.ask(
        firm,
        f"[Who|Which company] [repairs|will repair|mends] the {appliance}?",
        says=f"{firm} will repair the {appliance}.",
    )
    page.ask(price, f"{MUCH} will the repair cost?", "estimate for the repair")
    page.ask(
        come, f"[When|On what day] do they [come for|repair] the {appliance}?", says=f"They come on {come}."
    )
    return [
        f"The {appliance} [gave up the ghost|died|started to smell of burning] [this morning|after lunch|in the middle of everything].",
        f"{firm} [can come|will send somebody] on {come} [and wants|for] {price}[, which hurts|].",
    ]


def _plans(draw: ValueDraw, page: Page) -> list[str]:
    old, new = draw.value("month"), draw.value("month")
    friend, place = draw.value("first"), draw.value("city")
    page.ask(
        new,
        f"[When|In which month] do we [go|travel] to {place}[ now|]?",
        f"{place} month",
        says=f"We go to {place} in {new}.",
    )
    page.ask(
        old,
        f"[When|In which month] did we first want to go to {place}?",
        "What was the first plan for the trip?",
    )
    page.ask(
        place,
        f"Where do {friend} and I want to go?",
        f"Where are we going[ in {new}|]?",
        says=f"We go to {place}.",
    )
    page.ask(
        friend,
        f"Who [comes|is coming|travels] with me to {place}?",
        says=f"{friend} comes with me to {place}.",
    )
    return [
        f"[Spoke to {friend} about our trip|{friend} rang about the trip]: {place} it is, but not in {old}, we go in {new} "
        f"[because of the exams|, cheaper and quieter|because then the snow is gone].",
    ]


def _resolution(draw: ValueDraw, page: Page) -> list[str]:
    hobby, day_, price = draw.value("hobby"), draw.value("weekday"), draw.value("money")
    teacher = draw.value("teacher")
    page.ask(
        hobby,
        "What did I sign up for?",
        "Which course [did I book|am I doing]?",
        says=f"I signed up for {hobby}.",
    )
    page.ask(day_, f"[When|On which day] is {hobby}?", f"{hobby} day", says=f"{hobby} is on {day_}.")
    page.ask(price, f"{MUCH} does {hobby} cost?", np=f"fee for {hobby}")
    page.ask(teacher, f"Who teaches {hobby}?", f"{hobby} teacher", says=f"{teacher} teaches {hobby}.")
    return [
        f"[Finally|On a whim I] signed up for {hobby}, every {day_} [with|taught by] {teacher}, {price} for [the term|ten evenings|half a year].",
    ]


_SCENES = (_market, _encounter, _work, _meal, _mishap, _house, _plans, _resolution)


def week_in_review(draw: ValueDraw) -> Page:
    """Short entries for several days, each with a mood."""
    page = Page(draw, "[Journal|This week|Notes on the week|Five lines a day|Diary|]")
    for when in several(draw, vocabulary.WEEKDAYS, 3, 5):
        who, what, got = draw.value("first"), draw.value("hobby"), draw.value("food")
        mood = draw.unused(lambda: draw.pick(_MOODS))
        page.add(
            f"[{when}.|{when}:|{when} -|On {when}] [{what} with {who}, then {got} at home|{who} took me to {what}; ate {got}|"
            f"{got} for lunch, {what} in the evening, {who} came too]. [{mood}|Felt {mood}|I was {mood}]."
        )
        page.ask(
            who,
            f"[Who|Whom] did I [meet|see] on {when}?",
            f"Who was with me for {what}?",
            says=f"On {when} I met {who}.",
        )
        page.ask(
            what,
            f"What did {who} and I do?",
            f"What was I doing on {when}?",
            says=f"On {when} it was {what}.",
        )
        page.ask(got, f"What did I eat on {when}?", f"{when} food", says=f"On {when} I ate {got}.")
        page.ask(
            mood,
            f"How [did I feel|was I] on {when}?",
            f"What was my mood on {when}?",
            says=f"On {when} I was {mood}.",
        )
    return page
