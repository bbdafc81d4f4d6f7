"""Recipes, menus and what is in the freezer."""

from __future__ import annotations

from engine.training.personal_notes import vocabulary
from engine.training.personal_notes.layout import heading, listed, records, running
from engine.training.personal_notes.page import WHEN, Page, options, several
from engine.training.personal_notes.values import ValueDraw

_DRY = options(
    """flour / sugar / rice / oats / semolina / butter / lentils / potatoes / onions / carrots / chickpeas / cheese /
    mushrooms / spinach / ground almonds / polenta / breadcrumbs / leeks / apples / pumpkin"""
)
_WET = options(
    "milk / water / stock / cream / oil / wine / apple juice / buttermilk / tomato passata / coconut milk"
)
_SPICES = options(
    "cumin / cinnamon / paprika / nutmeg / salt / turmeric / baking powder / yeast / cardamom / mustard / pepper"
)
_STEPS = options(
    """stir well / let it cool / cover with a cloth / season / taste / wash the dishes meanwhile / drain / mix by hand /
    grease the tin / do not open the oven / chop everything small"""
)


def recipe(draw: ValueDraw) -> Page:
    """A recipe with its amounts, steps and where it comes from."""
    dish = draw.value("food")
    page = Page(draw, f"{dish}[| recipe| (family recipe)| the easy way|, the good one]", is_title_needed=True)
    serves, source = draw.value("few"), draw.value("person")
    page.add(
        f"[for {serves} people, from {source}|{source}'s recipe, feeds {serves}|Serves {serves}. From {source}.]"
    )
    page.ask(
        serves,
        f"How many [people does the {dish} feed|does the {dish} serve|does it serve]?",
        f"{dish} servings",
        also=(f"{serves} people",),
    )
    page.ask(
        source,
        f"Who gave me the {dish} recipe?",
        f"Who is the {dish} recipe from?",
        f"Whose recipe is the {dish}?",
    )
    ingredients = _ingredients(draw, page, dish)
    steps = _steps(draw, page, dish)
    named = draw.chance(0.6)
    page.add((heading(draw, "Ingredients") + "\n" if named else "") + ingredients)
    page.add((heading(draw, draw.pick(("Method", "Steps", "How"))) + "\n" if named else "") + steps)
    if draw.chance(0.5):
        old, new = several(draw, vocabulary.INGREDIENTS, 2, 2)
        page.add(f"[Next time|Better|Tip]: {new} instead of {old}[, much nicer|. Everybody agreed|].")
        page.ask(
            new,
            f"What [should I use|is better|do I take] instead of {old}?",
            says=f"Take {new} instead of {old}.",
        )
        page.ask(
            old, f"What [does|should] {new} replace?", f"What should I [no longer|not] use in the {dish}?"
        )
    return page


def _ingredients(draw: ValueDraw, page: Page, dish: str) -> str:
    wanted: list[tuple[str, str]] = [(what, draw.value("grams")) for what in several(draw, _DRY, 2, 4)]
    wanted += [
        (what, draw.unused(lambda: f"{draw.below(2, 95) * 10} ml")) for what in several(draw, _WET, 1, 2)
    ]
    wanted += [
        (what, draw.unused(lambda: f"{draw.below(2, 9)} {draw.pick(('tsp', 'tbsp', 'pinches'))}"))
        for what in several(draw, _SPICES, 1, 3)
    ]
    draw.rng.shuffle(wanted)
    for what, amount in wanted:
        much = "What [amount|quantity] of" if what.endswith("s") else "How much"
        page.ask(
            amount,
            f"{much} {what} [do I need|goes in|is in it|is needed|does the {dish} take]?",
            f"{much} {what} [for|goes into] the {dish}?",
            f"{what} [amount|quantity|how much]",
            says=f"The {dish} needs {amount} of {what}.",
        )
    if draw.chance(0.2):
        return running(
            draw, ["You need " + ", ".join(f"{amount} of {what}" for what, amount in wanted) + "."]
        )
    form = draw.pick(("{1} {0}", "{1} {0}", "{0}: {1}", "{0} {1}", "{0} ({1})"))
    return listed(draw, [form.format(what, amount) for what, amount in wanted])


def _steps(draw: ValueDraw, page: Page, dish: str) -> str:
    heat, bake, rest = draw.value("degrees"), draw.value("minutes"), draw.value("minutes")
    asides = several(draw, _STEPS, 2, 4)
    steps = [
        asides[0],
        f"[rest the mix for {rest}|leave it to rest, {rest}|wait {rest}]",
        *asides[2:],
        f"[bake at {heat} for {bake}|oven at {heat}, {bake}|{bake} in the oven at {heat}]",
        asides[1],
    ]
    page.ask(
        heat,
        f"[How hot does the oven have to be|At what temperature do I bake the {dish}|How hot]?",
        np="oven temperature",
    )
    page.ask(bake, f"How long [does the {dish} bake|must it stay in the oven|in the oven]?", np="baking time")
    page.ask(rest, "How long [does the mix rest|do I let it rest|should it rest]?", np="resting time")
    if draw.chance(0.3):
        return running(
            draw, [step.capitalize() + "." if step[0] != "[" else f"Then {step}." for step in steps]
        )
    return listed(draw, steps)


def menu_plan(draw: ValueDraw) -> Page:
    """What is eaten on which day, who cooks, and what must not be in it."""
    page = Page(draw, "[Menu|Meal plan|What we eat|Dinners|Cooking this week]")
    rows = []
    for day in several(draw, vocabulary.WEEKDAYS, 3, 6):
        dish, cook, extra = draw.value("food"), draw.value("first"), draw.value("ingredient")
        rows.append((day, dish, cook, extra))
        page.ask(
            dish,
            f"What [do we eat|is for dinner|are we having|is there] on {day}?",
            f"{day} dinner",
            says=f"On {day} there is {dish}.",
        )
        page.ask(
            cook,
            f"Who [cooks|is cooking] on {day}?",
            f"Who makes the {dish}?",
            f"{day} cook",
            says=f"{cook} cooks on {day}.",
        )
        page.ask(
            extra,
            f"What [do I still have to|must I] buy for the {dish}?",
            f"What is missing for {day}?",
            says=f"For the {dish} we still need {extra}.",
        )
        page.ask(
            day,
            f"[When|On which day] [do we eat|is there|do we have] {dish}?",
            says=f"There is {dish} on {day}.",
        )
    page.add_set(records(draw, ("Day", "Dish", "Cook", "Buy"), rows))
    if draw.chance(0.4):
        guest, no = (
            draw.value("first"),
            draw.pick(options("nuts / fish / gluten / eggs / shellfish / kiwi / mustard")),
        )
        page.add(f"[Careful|NB|Note]: {guest}[ is coming too and|] [can't eat|must not have] {no}!")
        page.ask(
            no, f"What [can {guest} not eat|must {guest} not have]?", says=f"{guest} must not have {no}."
        )
    return page


def freezer(draw: ValueDraw) -> Page:
    """What is in which drawer, since when and how much."""
    page = Page(draw, "[Freezer|In the freezer|Freezer list|Pantry|Stock|Cellar shelf]")
    rows = []
    for number, food in enumerate(several(draw, vocabulary.FOODS, 3, 6), 1):
        place = f"{draw.pick(('drawer', 'drawer', 'box'))} {number}"
        amount, since = draw.value("grams"), draw.value("date")
        rows.append((food, amount, place, since))
        page.ask(
            amount,
            f"How much {food} [is left|do we have|is there]?",
            f"{food} [amount|left]",
            says=f"There is {amount} of {food}.",
        )
        page.ask(
            place,
            f"Where [is|did I put|do I find] the {food}?",
            f"Which [drawer|box] is the {food} in?",
            says=f"The {food} is in {place}.",
        )
        page.ask(
            since,
            f"[When did we freeze|Since when do we have] the {food}?",
            says=f"The {food} is from {since}.",
        )
        page.ask(food, f"What is in {place}?", f"What [do we have|was put away] from {since}?")
    draw.rng.shuffle(rows)
    page.add_set(records(draw, ("What", "Amount", "Where", "From"), rows))
    return page


def baking_trials(draw: ValueDraw) -> Page:
    """Settings tried for one bread after another."""
    thing = draw.pick(
        ("sourdough", "rye bread", "baguettes", "pizza", "croissants", "meringue", "shortbread", "spelt loaf")
    )
    page = Page(draw, f"[{thing}|{thing} log|perfect {thing}|{thing} experiments]")
    tries = draw.below(2, 4)
    for number, date in enumerate(draw.dates_in_order(tries), 1):
        grams, heat, minutes = (draw.value(kind) for kind in ("grams", "degrees", "minutes"))
        verdict = draw.unused(
            lambda: draw.pick(
                options(
                    "too sour / bitter / flat / best so far / too sweet / dry / fine / burnt / odd / great"
                )
            )
        )
        page.add(
            f"[try|batch|no.|attempt] {number} ({date}): {grams} flour, {heat}, {minutes}[ - | → |, result: ]{verdict}"
            if draw.chance(0.6)
            else f"On {date} I tried number {number}, {grams} of flour at {heat} for {minutes}. [Verdict|Taste]: {verdict}."
        )
        page.ask(verdict, f"How did [try|batch|attempt] {number} turn out?", f"verdict on number {number}")
        page.ask(
            grams,
            f"[How many grams of|How much] flour did I [use|take] in [try|batch] {number}?",
            f"How much flour went into number {number}?",
        )
        page.ask(
            heat, f"[How hot was|What temperature was] [try|batch|number] {number}?", f"temperature on {date}"
        )
        page.ask(
            minutes,
            f"How long did [try|batch|number] {number} take?",
            says=f"Number {number} took {minutes}.",
        )
        page.ask(date, f"{WHEN} was [try|attempt] number {number}?", says=f"Number {number} was on {date}.")
    return page
