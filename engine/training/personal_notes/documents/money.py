"""Bills, subscriptions, budgets, accounts and debts among friends."""

from __future__ import annotations

from engine.training.personal_notes.layout import listed, listed_or_running, records
from engine.training.personal_notes.page import MUCH, WHEN, Page, options, several
from engine.training.personal_notes.values import ValueDraw

_BILLS = options(
    "electricity / gas / water / internet / phone / rent / car insurance / home insurance / nursery / gym / music school / chimney sweep / waste / parking space / storage room / heating oil"
)
_BUDGETS = options(
    "food / clothes / presents / holidays / repairs / books / petrol / sports / eating out / savings / pets / garden / school"
)


def bills(draw: ValueDraw) -> Page:
    """Bills with amount, due date, customer number; one amount was raised."""
    page = Page(draw, "[Bills|Fixed costs|Payments|To pay|Direct debits|Monthly costs]")
    rows = []
    for bill in several(draw, _BILLS, 3, 6):
        amount, due, firm, customer = (draw.value(k) for k in ("money", "date", "company", "code"))
        rows.append((bill, amount, due, firm, customer))
        page.ask(
            amount,
            f"{MUCH} do [I|we] pay for {bill}?",
            f"{bill} [cost|amount|bill]",
            says=f"We pay {amount} for {bill}.",
        )
        page.ask(
            due,
            f"{WHEN} is the {bill} [bill|payment] due?",
            f"{bill} due date",
            says=f"The {bill} bill is due on {due}.",
        )
        page.ask(
            firm,
            f"[Who|Which company] do we pay for {bill}?",
            f"{bill} provider",
            says=f"We pay {firm} for {bill}.",
        )
        page.ask(customer, np=f"customer number [for {bill}|at {firm}]", det="[the|our|my]")
    page.add_set(records(draw, ("What", "Amount", "Due", "To", "Customer no."), rows))
    if draw.chance(0.5):
        bill = draw.pick([b for b in _BILLS if b not in {row[0] for row in rows}])
        page.add(
            page.changed(
                draw.value("money"),
                draw.value("money"),
                f"monthly rate for {bill}",
                f"{MUCH} do we pay for {bill} now?",
            )
        )
    return page


def subscriptions(draw: ValueDraw) -> Page:
    """What is paid for every month, how it is cancelled and who uses it."""
    page = Page(draw, "[Subscriptions|Subs|Memberships|What we subscribe to|Cancel?]")
    lines = []
    for _ in range(draw.below(2, 5)):
        name, price, until, who, login = (
            draw.value(k) for k in ("name", "smallmoney", "date", "first", "email")
        )
        what = draw.pick(
            ("streaming", "magazine", "cloud storage", "newspaper", "app", "wine box", "audio books")
        )
        lines.append(
            f"[{name} ({what}) {price}/month, cancel before {until}, {who} uses it, login {login}|"
            f"{name}: {what}, {price} a month. Notice until {until}. {who}'s. {login}|"
            f"{who} has {name}, {what}, for {price} a month, runs until {until}, account {login}]"
        )
        page.ask(price, f"{MUCH} does {name} cost[ a month|]?", f"{name} price", np=f"price of {name}")
        page.ask(
            until,
            f"[By when|Until when] [must|can] I cancel {name}?",
            f"{name} cancellation date",
            says=f"{name} must be cancelled before {until}.",
        )
        page.ask(
            who,
            f"Who [uses|has|watches or reads] {name}?",
            f"Whose subscription is {name}?",
            says=f"{who} uses {name}.",
        )
        page.ask(
            login, f"[Which|What] e-mail address did we use for {name}?", np=f"[login|account] for {name}"
        )
    page.add(listed(draw, lines))
    return page


def budget(draw: ValueDraw) -> Page:
    """Planned and spent per month and heading."""
    page = Page(draw, "[Budget|Household budget|Money plan|Plan vs actual|Spending]")
    month = draw.value("month")
    rows = []
    for item in several(draw, _BUDGETS, 3, 6):
        planned, spent = draw.value("money"), draw.value("money")
        rows.append((item, planned, spent))
        page.ask(
            planned,
            f"How much [did we plan|was planned|is budgeted] for {item}?",
            f"{item} budget",
            says=f"We planned {planned} for {item}.",
        )
        page.ask(
            spent,
            f"How much did we [really |actually |]spend on {item}?",
            f"spent on {item}",
            says=f"We spent {spent} on {item}.",
        )
    page.add_set(records(draw, ("Item", "planned", "spent"), rows))
    left, goal = draw.value("bigmoney"), draw.value("thing")
    page.add(f"[After {month}|End of {month}]: {left} [left|over|saved], [goes towards|is for] a new {goal}.")
    page.ask(
        left,
        f"How much is left [after|at the end of] {month}?",
        "How much did we save?",
        says=f"{left} is left.",
    )
    page.ask(
        goal,
        "What are we saving for?",
        "What is the money that is left for?",
        says=f"We are saving for a new {goal}.",
        also=(f"a new {goal}",),
    )
    return page


def accounts(draw: ValueDraw) -> Page:
    """Accounts side by side with made-up numbers, and who owes whom."""
    page = Page(draw, "[Accounts|Bank|Bank details|Transfers|Money]")
    lines = []
    for what in several(
        draw,
        options(
            "joint account / savings account / Ida's account / club account / business account / holiday account / rent deposit"
        ),
        2,
        3,
    ):
        iban, bank, pin = draw.value("iban"), draw.value("company"), draw.value("pin")
        lines.append(
            f"[{what}: {iban}, {bank}, card PIN {pin}|{what} at {bank}. IBAN {iban}. PIN {pin}|{bank} ({what}) - {iban} - card pin {pin}]"
        )
        the = what if "'s" in what else f"the {what}"
        page.ask(iban, np=f"[IBAN|account number|bank details] of {the}")
        page.ask(
            bank,
            f"[Which|What] bank is {the} [with|at]?",
            f"Where do we have {the}?",
            says=f"{the} is with {bank}.",
        )
        page.ask(pin, np=f"[card PIN|PIN] [of|for] {the}")
    page.add(listed(draw, lines))
    debts = []
    for _ in range(draw.below(1, 3)):
        who, amount, why = draw.value("first"), draw.value("money"), draw.value("thing")
        if draw.chance(0.5):
            debts.append(f"{who} [still owes me|owes us] {amount} for the {why}")
            page.ask(who, f"Who [still |]owes [me|us] money for the {why}?", says=f"{who} owes it.")
        else:
            debts.append(f"I [still owe|have to give] {who} {amount} for the {why}")
            page.ask(
                who,
                f"[Whom|Who] do I [still |]owe money for the {why}?",
                says=f"I owe {who} money for the {why}.",
            )
        page.ask(
            amount,
            f"How much [money is it|is owed] for the {why}?",
            f"debt {who}",
            says=f"It is {amount} for the {why}.",
        )
    page.add(listed_or_running(draw, debts))
    return page
