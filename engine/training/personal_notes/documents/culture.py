"""Notes about books, films, exhibitions, wine and games."""

from __future__ import annotations

from engine.training.personal_notes.layout import records, running
from engine.training.personal_notes.page import MUCH, WHEN, WHERE, Page, options
from engine.training.personal_notes.values import ValueDraw

_TROUBLES = options(
    "inherits a lighthouse / loses the key to a bank / follows a stranger's dog / forgets a whole year / builds a boat in the attic / receives letters from the dead / swaps names with a twin / buys a mountain / teaches a crow to speak / hides in an opera house"
)


def book_notes(draw: ValueDraw) -> Page:
    """A book that was read: who wrote it, what happens, where, and what was thought of it."""
    title, author = draw.value("book"), draw.value("full")
    hero, town, trouble, stars = (
        draw.value("first"),
        draw.value("city"),
        draw.pick(_TROUBLES),
        draw.value("score"),
    )
    lender, best, date = draw.value("first"), draw.value("hundred"), draw.value("date")
    thing = draw.pick(("book", "novel", "film", "audio book"))
    part = "minute" if thing == "film" else "page"
    made = "directed" if thing == "film" else "wrote"
    page = Page(draw, f"{title}[| ({author})|, {author}]")
    page.add(
        running(
            draw,
            [
                f"[Finished|Done with] {title} by {author} on {date}[, at last|].",
                f"[{hero} from {town} {trouble}|In {town} a certain {hero} {trouble}|It is about {hero}, who lives in {town} and {trouble}][, and nobody notices|].",
                f"[I give it {stars}|My rating: {stars}|{stars} from me].",
                f"[{lender} lent it to me|Got it from {lender}], [to be returned|so give it back].",
                f"[Best bit: {part} {best}|I laughed out loud at {part} {best}].",
            ],
        )
    )
    page.ask(
        author,
        f"Who {made} {title}?",
        f"{title} [author|by whom]" if thing != "film" else f"{title} director",
        says=f"{author} {made} {title}.",
    )
    page.ask(
        hero,
        f"Who is the [hero|main character] in {title}?",
        "What is the [hero|main character] called?",
        says=f"The main character is {hero}.",
    )
    page.ask(
        town, f"{WHERE} does {hero} live?", f"{WHERE} is {title} set?", says=f"{title} is set in {town}."
    )
    page.ask(
        trouble,
        f"What does {hero} do[ in the {thing}|]?",
        f"What is {title} about?",
        says=f"It is about {hero}, who {trouble}.",
    )
    page.ask(stars, f"How [did I rate|do I rate] {title}?", "my rating", says=f"I gave it {stars}.")
    page.ask(lender, f"Who lent me {title}?", "To whom must I give it back?", says=f"{lender} lent it to me.")
    page.ask(best, f"On which {part} [is the best bit|did I laugh out loud]?", says=f"It was {part} {best}.")
    page.ask(date, f"{WHEN} did I finish {title}?", says=f"I finished it on {date}.")
    return page


def watch_list(draw: ValueDraw) -> Page:
    """Several titles side by side, with maker, recommender and rating."""
    page = Page(draw, "[To read|Reading list|Films|To watch|Watch list|Seen and read]")
    rows = []
    for _ in range(draw.below(3, 6)):
        title, maker, tip, stars = (
            draw.value("book"),
            draw.value("full"),
            draw.value("first"),
            draw.value("score"),
        )
        rows.append((title, maker, tip, stars))
        page.ask(
            maker,
            f"Who made {title}?",
            f"Who is {title} by?",
            f"{title} [by|maker]",
            says=f"{title} is by {maker}.",
        )
        page.ask(
            tip,
            f"Who recommended {title}[ to me|]?",
            f"Whose tip was {title}?",
            says=f"{tip} recommended {title}.",
        )
        page.ask(
            title,
            f"What did {tip} recommend?",
            f"What is by {maker}?",
            f"{tip} [tip|recommendation]",
            says=f"{tip} recommended {title}.",
        )
        page.ask(
            stars, f"How [did I rate|good was] {title}?", f"{title} rating", says=f"I rated {title} {stars}."
        )
    page.add_set(records(draw, ("Title", "By", "Tip from", "Rating"), rows))
    return page


def tasting(draw: ValueDraw) -> Page:
    """Wines, teas or cheeses compared."""
    thing = draw.pick(("wine", "tea", "cheese", "beer", "olive oil", "honey"))
    page = Page(draw, f"[{thing} tasting|{thing} notes|{thing}s we tried]")
    notes = draw.rng.sample(
        options(
            "smoke / pear / wet stone / pepper / hay / plum / leather / butter / tar / green apple / toast / clove / rubber boots / apricot"
        ),
        6,
    )
    for number, taste in enumerate(notes[: draw.below(3, 5)], 1):
        name, maker, price, town = (
            draw.value("name"),
            draw.value("last"),
            draw.value("smallmoney"),
            draw.value("city"),
        )
        who = draw.value("first")
        page.add(
            f"[{number}. |No. {number}: |]{name} [from {town}, made by {maker}|({maker}, {town})], {price}. [Tastes of|Nose of|A lot of] {taste}. {who}'s favourite."
        )
        page.ask(taste, f"What does {name} taste of?", f"{name} taste", says=f"{name} tastes of {taste}.")
        page.ask(price, f"{MUCH} does {name} cost?", np=f"price of {name}")
        page.ask(maker, f"Who makes {name}?", np=f"maker of {name}")
        page.ask(town, f"{WHERE} does {name} come from?", says=f"{name} comes from {town}.")
        page.ask(
            name,
            f"Which {thing} did {who} like best?",
            f"Which {thing} tastes of {taste}?",
            says=f"{who} liked {name} best.",
        )
        page.ask(who, f"Whose favourite [is|was] {name}?", f"Who liked {name} best?")
    return page


def game(draw: ValueDraw) -> Page:
    """A role-playing or board game evening: characters, scores, secrets."""
    page = Page(draw, "[Game night|Campaign notes|Session notes|Scores|Dungeon notes]")
    king, town, sword, word = draw.value("name"), draw.value("city"), draw.value("name"), draw.value("plain")
    page.add(
        running(
            draw,
            [
                f"[The king of {town} is called {king}|King {king} rules {town}][ and must not be trusted|].",
                f"[The sword {sword} only obeys the word|To wake the sword {sword} one says] {word}.",
            ],
        )
    )
    page.ask(
        king, f"[Who rules|What is the king called in|Who is king of] {town}?", says=f"{king} rules {town}."
    )
    page.ask(
        word,
        "[What|Which word] [wakes|does one say to wake] the sword?",
        f"{sword} word",
        says=f"The word is {word}.",
    )
    page.ask(sword, "What is the sword called?", np="name of the sword")
    rows = []
    for _ in range(draw.below(3, 5)):
        player, hero, job, score = (
            draw.value("first"),
            draw.value("name"),
            draw.value("job"),
            draw.value("hundred"),
        )
        rows.append((player, hero, job, score))
        page.ask(
            hero,
            f"[Who|Which character] does {player} play?",
            f"{player} character",
            says=f"{player} plays {hero}.",
        )
        page.ask(player, f"Who plays {hero}?", f"Whose character is {hero}?", says=f"{player} plays {hero}.")
        page.ask(
            job, f"What is {hero}'s [job|trade|profession]?", f"{hero} class", says=f"{hero} is a {job}."
        )
        page.ask(
            score,
            f"How many points does {player} have?",
            f"{player} [score|points]",
            says=f"{player} has {score} points.",
        )
    page.add_set(records(draw, ("Player", "Hero", "Trade", "Points"), rows))
    date = draw.value("date")
    page.add(f"[Next session|We go on|Next time]: {date}")
    page.ask(date, f"{WHEN} [do we play again|is the next session]?", "next session")
    return page
