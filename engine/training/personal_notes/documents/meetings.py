"""Minutes, project notes and notes of a talk between two."""

from __future__ import annotations

from engine.training.personal_notes.layout import heading, listed, listed_or_running, running
from engine.training.personal_notes.page import TIME, WHEN, WHERE, Page, options, several
from engine.training.personal_notes.values import ValueDraw

_TASKS = options(
    """write the summary / book the hall / order the badges / call the printer / update the price list /
    get three offers for the roof / draft the contract / check the insurance / invite the neighbours /
    fix the sign-up form / translate the flyer / count the chairs / talk to the council / test the backup /
    order new keys / send the survey / clean the projector / find a caterer / collect the deposits /
    rent the van / repaint the fence / renew the domain / prepare the slides / ask for a discount"""
)
_GROUPS = options(
    """allotment club / residents' meeting / parents' council / choir committee / product team / steering group /
    works council / book club / sailing club / sales team / house association / festival crew / lab meeting /
    theatre group / board of the nursery / editorial meeting"""
)
_CHOICES = options(
    """the blue logo / the smaller hall / tiles instead of wood / the second offer / paper tickets / no music after
    ten / the cheaper printer / a shuttle bus / oak / one delegate per house / gravel /
    Linux on the new laptops / a buffet / the older supplier / the corner table / shared parking"""
)
_MATTERS = options(
    """logo / venue / floor / roof / tickets / evening programme / printing / transport / bench / votes / path /
    laptops / food / supplier / seating / parking"""
)


def minutes(draw: ValueDraw) -> Page:
    """Minutes of a meeting: who was there, what was decided, who does what, when to meet again."""
    group = draw.pick(_GROUPS)
    date = draw.value("date")
    page = Page(draw, f"[Minutes|Notes|Protocol|Meeting] {group}[, {date}| ({date})|]")
    present = [draw.value("first") for _ in range(draw.below(3, 5))]
    chair, taker = present[:2]
    page.add(
        f"[Present|There|Attending|Who was there]: {', '.join(present)}[. {chair} chaired, {taker} took notes.|\n"
        f"Chair: {chair}\nMinutes: {taker}|. Chair {chair}, minutes {taker}.]"
    )
    page.ask(chair, f"Who [chaired|led|ran] the [meeting|{group}]?", says=f"{chair} chaired the meeting.")
    page.ask(taker, "Who [took|wrote] the [notes|minutes]?", says=f"{taker} took the notes.")
    page.add(_decisions(draw, page))
    page.add(_actions(draw, page, present))
    again, at, place = draw.value("date"), draw.value("clock"), draw.value("room")
    page.add(
        f"[Next meeting|Next time|Next one]: {again}, {at}, room {place}[.|]"
        if draw.chance(0.6)
        else f"We meet again on {again} at {at} in room {place}."
    )
    page.ask(
        again, f"{WHEN} is the next meeting?", f"{WHEN} do we meet again?", np="date of the next meeting"
    )
    page.ask(at, f"{TIME} does the next meeting start?", f"{TIME} do we start next time?")
    page.ask(
        place,
        "[Which|What] room is the next meeting in?",
        f"{WHERE} do we meet next time?",
        says=f"The next meeting is in room {place}.",
        also=(f"room {place}",),
    )
    return page


def _decisions(draw: ValueDraw, page: Page) -> str:
    count = draw.below(1, 3)
    picked = draw.rng.sample(range(len(_MATTERS)), count)
    lines = []
    for i in picked:
        matter, choice = _MATTERS[i], _CHOICES[i]
        votes = f"{draw.below(4, 14)} to {draw.below(0, 3)}"
        lines.append(
            f"[{matter}: we take {choice}[ ({votes})|]|decided on {choice} for the {matter}, {votes}|"
            f"as for the {matter}, everyone prefers {choice}]"
        )
        page.ask(
            choice,
            f"What did [we|they] decide [about|on|for] the {matter}?",
            f"[Which option|What] was chosen for the {matter}?",
            f"decision {matter}",
            says=f"For the {matter} we decided on {choice}.",
        )
    budget = draw.value("bigmoney")
    if draw.chance(0.6):
        old = draw.value("bigmoney")
        lines.append(page.changed(old, budget, "budget", "How much [money|] may we spend[ in total|]?"))
    else:
        lines.append(f"[budget is {budget}|budget: {budget}|{budget} budget agreed]")
        page.ask(budget, "How much may we spend?", "How much money was agreed on?", np="budget")
    draw.rng.shuffle(lines)
    title = heading(draw, draw.pick(("Decisions", "Decided", "Agreed", "Results")))
    return f"{title}\n{listed_or_running(draw, lines)}"


def _actions(draw: ValueDraw, page: Page, people: list[str]) -> str:
    lines = []
    for who, task in zip(people, several(draw, _TASKS, len(people), len(people)), strict=False):
        due = draw.value("date") if draw.chance(0.6) else draw.value("weekday")
        lines.append(
            f"[{who}: {task} by {due}|{who} will {task} until {due}|{task} -> {who}, {due}|@{who} {task} ({due})|"
            f"TODO {who}: {task}, due {due}]"
        )
        page.ask(
            who,
            f"Who [has to|will|should|is going to|is supposed to] {task}?",
            f"Whose job is it to {task}?",
            says=f"{who} has to {task}.",
        )
        page.ask(
            due,
            f"[By when|When|Until when] [must|should|does] {who} {task}?",
            f"What is {who}'s deadline?",
            f"{who} deadline",
            says=f"{who} has to {task} by {due}.",
        )
        page.ask(
            task,
            f"What [does {who} have|did {who} promise] to do?",
            f"What is {who}'s [task|job|action|to-do]?",
            f"{who} [task|action item|todo]",
            says=f"{who} has to {task}.",
        )
    title = heading(draw, draw.pick(("Actions", "To do", "Who does what", "Action items", "Next steps")))
    return f"{title}\n{listed(draw, lines)}"


def project_note(draw: ValueDraw) -> Page:
    """The state of a project with its people, dates, a change of plan and links."""
    name = draw.value("project")
    page = Page(draw, f"[Project {name}|{name}|{name} - status|{name} notes]", is_title_needed=True)
    lead, client, old, new = draw.value("full"), draw.value("company"), draw.value("date"), draw.value("date")
    tool, rejected, host = draw.value("tool"), draw.value("tool"), draw.value("host")
    reason = draw.pick(
        ("too slow", "too expensive", "hard to host", "nobody knew it", "licence trouble", "too big for us")
    )
    lines = [
        f"[Lead|Owner|Run by]: {lead}",
        f"[Client|For|Customer]: {client}",
        page.changed(
            old, new, "launch date", f"{WHEN} [do we launch|does {name} launch|is the launch of {name}]?"
        ),
        f"[decided|we went] for {tool}, not {rejected} ({reason})",
        f"[staging|test server|demo] runs on {host}",
    ]
    page.ask(lead, f"Who [leads|runs|is in charge of|is responsible for] {name}?", np=f"lead of {name}")
    page.ask(
        client,
        f"[Who|Which client] is {name} for?",
        f"{name} [client|customer]",
        says=f"{name} is for {client}.",
    )
    page.ask(tool, "[What|Which tool] did we [choose|go for|decide on]?", f"Which tool does {name} use?")
    page.ask(
        rejected,
        "[What|Which tool] did we [reject|decide against|not take]?",
        says=f"We decided against {rejected}.",
    )
    page.ask(
        reason,
        f"Why [not {rejected}|did we not take {rejected}|was {rejected} rejected]?",
        f"What was wrong with {rejected}?",
    )
    page.ask(
        host,
        f"{WHERE} does the [staging|test|demo] version run?",
        "staging server",
        says=f"Staging runs on {host}.",
    )
    risk, who = draw.value("problem"), draw.value("first")
    lines.append(f"[risk|known bug|open issue]: {risk}; {who} [looks into it|is on it|takes care]")
    page.ask(
        who,
        "Who [looks into|takes care of|works on] the [bug|problem|open issue]?",
        says=f"{who} looks into it.",
    )
    page.ask(
        risk,
        "What is the [open problem|known bug|open issue]?",
        f"What is {who} working on?",
        f"{name} known bug",
    )
    if draw.chance(0.4):
        draw.rng.shuffle(lines)
    page.add(listed_or_running(draw, lines))
    return page


def one_to_one(draw: ValueDraw) -> Page:
    """Notes of a talk with a boss, in running sentences."""
    who, date = draw.value("first"), draw.value("date")
    page = Page(draw, f"[1:1|Talk|Chat|Review|Appraisal] with {who}")
    raise_, start, course, days, mentor = (
        draw.value("money"), draw.value("month"), draw.value("subject"), draw.value("few"), draw.value("full"),
    )  # fmt: skip
    goal = draw.pick(
        ("talk slower", "write shorter mails", "delegate more", "speak up in big rounds", "plan fewer tasks")
    )
    page.add(
        running(
            draw,
            [
                f"[Met|Sat down with|Long talk with] {who} on {date}[, went better than I feared|].",
                f"[I get {raise_} more a month from {start}|From {start} on there is {raise_} more per month].",
                f"[{who} wants me to {goal}|The one thing to work on: {goal}|Criticism: I should {goal}].",
                f"[The {course} course is paid for|They pay the {course} course], and I can take {days} days off for it.",
                f"[My new mentor is {mentor}|{mentor} will be my mentor].",
            ],
        )
    )
    page.ask(
        raise_,
        "[How much more|What raise] do I get[ a month|]?",
        "How big is my raise?",
        np="raise",
        det="my",
    )
    page.ask(start, "[When|From which month on|From when] do I [get|earn] more?", "When does my raise start?")
    page.ask(
        goal,
        f"What does {who} want me to [improve|work on|change]?",
        "What should I work on?",
        f"What did {who} criticise?",
    )
    page.ask(
        course,
        "Which course do they pay[ for|]?",
        "Which course may I take?",
        says=f"They pay the {course} course.",
    )
    page.ask(
        days,
        f"How many days off do I get for the [{course} |]course?",
        says=f"I get {days} days off.",
        also=(f"{days} days",),
    )
    page.ask(mentor, "Who is my [new |]mentor?", "Who will mentor me?", np="mentor", det="my")
    page.ask(date, f"{WHEN} did I [talk to|meet|sit down with] {who}?", says=f"I met {who} on {date}.")
    return page
