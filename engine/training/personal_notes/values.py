"""Draws the values of one note so that no value appears twice and every question has one right answer."""

from __future__ import annotations

import random
from collections.abc import Callable, Sequence

from engine.training.personal_notes import vocabulary as words
from engine.training.personal_notes.naming import composed_first_name, composed_last_name, composed_place

_MAX_TRIES = 12
_MINUTES = ("00", "05", "10", "15", "20", "25", "30", "40", "45", "50")
_LETTERS = "ABCDEFGHJKLMNPQRSTUVWXYZ"
_CODE_SYMBOLS = "ABCDEFGHJKLMNPQRSTUVWXYZ23456789"


# Names are remembered part by part, so that two people of a note never share a first name or a surname.
_REMEMBER_THEMSELVES = frozenset({"person", "first", "full", "last"})


class ValuesExhausted(Exception):
    """A pool has no value left that this note does not use already."""


class ValueDraw:
    """The random source of one note, with the memory of what the note already contains."""

    def __init__(self, rng: random.Random) -> None:
        self.rng = rng
        self._used: set[str] = set()
        self._moments: dict[str, tuple[int, ...]] = {}
        self.this_year = rng.randrange(2016, 2032)
        self._date_style = rng.randrange(9)
        self._clock_style = rng.randrange(5)
        self._money_style = rng.randrange(7)
        self._phone_style = rng.randrange(6)

    def pick(self, pool: Sequence[str]) -> str:
        """Return an entry of the pool; much faster than random.choice."""
        return pool[int(self.rng.random() * len(pool))]

    def chance(self, probability: float) -> bool:
        """Return True with the given probability."""
        return self.rng.random() < probability

    def below(self, low: int, high: int) -> int:
        """Return a whole number from low to high, both included."""
        return low + int(self.rng.random() * (high - low + 1))

    def unused(self, make: Callable[[], str]) -> str:
        """Return a value that make() gives and that the note does not use yet; raise ValuesExhausted."""
        for _ in range(_MAX_TRIES):
            value = make()
            key = value.casefold()
            if key not in self._used:
                self._used.add(key)
                return value
        raise ValuesExhausted

    def value(self, kind: str) -> str:
        """Return an unused value of a named kind, for example "person" or "date"."""
        generator = GENERATORS[kind]
        if kind in _REMEMBER_THEMSELVES:
            return generator(self)
        return self.unused(lambda: generator(self))

    def remember_moment(self, text: str, *moment: int) -> str:
        """Note which date or time a text means, and return the text."""
        self._moments[text] = moment
        return text

    def text_of_moment(self, *moment: int) -> str:
        """Return how the note writes a date or time already; "" if it does not."""
        return next((text for text, known in self._moments.items() if known == moment), "")

    def is_later(self, first: str, second: str) -> bool:
        """Return whether the first of two texts that value() gave means a later date or time."""
        return self._moments[first] > self._moments[second]

    def dates_in_order(self, count: int) -> list[str]:
        """Return so many unused dates of one year, the earliest first, all in one format."""
        style = self.date_style
        days = sorted(self.rng.sample(range(12 * 28), count))
        found = []
        for number in days:
            month, day = number // 28 + 1, number % 28 + 1
            text = _written_date(self, style, day, month, self.this_year)
            self._used.add(text.casefold())
            found.append(self.remember_moment(text, month, day))
        return found

    # Styles mostly stay the same within a note, as they do for one writer.
    @property
    def date_style(self) -> int:
        """Which of the date formats to use now."""
        return self._date_style if self.chance(0.8) else self.below(0, 8)

    @property
    def clock_style(self) -> int:
        """Which of the time formats to use now."""
        return self._clock_style if self.chance(0.85) else self.below(0, 4)

    @property
    def money_style(self) -> int:
        """Which currency and format to use now."""
        return self._money_style if self.chance(0.98) else self.below(0, 6)

    @property
    def phone_style(self) -> int:
        """Which of the telephone formats to use now."""
        return self._phone_style if self.chance(0.8) else self.below(0, 5)


def invented_word(draw: ValueDraw, syllables: int = 0) -> str:
    """Return a pronounceable capitalised word that exists nowhere."""
    count = syllables or draw.below(2, 3)
    parts = [draw.pick(words.ONSETS) + draw.pick(words.VOWELS) for _ in range(count)]
    return ("".join(parts) + draw.pick(words.CODAS)).capitalize()


def first_name(draw: ValueDraw) -> str:
    """Return a usual first name, or half of the time a composed one."""
    roll = draw.rng.random()
    if roll < 0.08:
        return draw.unused(lambda: invented_word(draw, 2))
    if roll < 0.5:
        return draw.unused(lambda: composed_first_name(draw.rng))
    return draw.unused(lambda: draw.pick(words.FIRST_NAMES))


def last_name(draw: ValueDraw) -> str:
    """Return a usual or an invented surname."""
    roll = draw.rng.random()
    if roll < 0.12:
        return draw.unused(lambda: invented_word(draw, 1) + draw.pick(words.LAST_ENDINGS))
    if roll < 0.6:
        return draw.unused(lambda: composed_last_name(draw.rng))
    return draw.unused(lambda: draw.pick(words.LAST_NAMES))


def full_name(draw: ValueDraw) -> str:
    """Return first name and surname, both not yet used in the note."""
    name = first_name(draw)
    while name in {"Mum", "Dad", "Grandma"}:
        name = first_name(draw)
    return f"{name} {last_name(draw)}"


def person(draw: ValueDraw) -> str:
    """Return somebody by first name or by full name."""
    return full_name(draw) if draw.chance(0.4) else first_name(draw)


def city(draw: ValueDraw) -> str:
    """Return a real city or an invented place."""
    roll = draw.rng.random()
    if roll < 0.12:
        return invented_word(draw, 1) + draw.pick(words.PLACE_ENDINGS)
    if roll < 0.6:
        return composed_place(draw.rng)
    return draw.pick(words.CITIES)


def company(draw: ValueDraw) -> str:
    """Return the name of a company nobody has heard of."""
    stem = invented_word(draw) if draw.chance(0.6) else last_name(draw)
    return f"{stem} {draw.pick(words.COMPANY_ENDINGS)}" if draw.chance(0.6) else stem


def date(draw: ValueDraw) -> str:
    """Return a day of the note's year or of the one after it, in one of nine formats."""
    day, month, year = draw.below(1, 28), draw.below(1, 12), draw.this_year + draw.chance(0.15)
    style = draw.date_style
    moment = (year, month, day) if 2 <= style <= 5 else (month, day)
    return draw.remember_moment(_written_date(draw, style, day, month, year), *moment)


def _written_date(draw: ValueDraw, style: int, day: int, month: int, year: int) -> str:
    name = words.MONTHS[month - 1]
    if style == 6:
        return f"{draw.pick(words.WEEKDAYS)} {day} {name}"
    if style == 7:
        suffix = {1: "st", 2: "nd", 3: "rd", 21: "st", 22: "nd", 23: "rd"}.get(day, "th")
        return f"{day}{suffix} of {name}"
    forms = {
        0: f"{day} {name}",
        1: f"{name} {day}",
        2: f"{day} {name} {year}",
        3: f"{name} {day}, {year}",
        4: f"{year}-{month:02d}-{day:02d}",
        5: f"{day:02d}.{month:02d}.{year}",
        8: f"{day} {name[:3]}",
    }
    return forms[style]


def clock(draw: ValueDraw) -> str:
    """Return a time of day in one of five formats."""
    hour, minute = draw.below(6, 21), draw.pick(_MINUTES)
    style = draw.clock_style
    if style == 2 and minute < "20":
        minute = "00"
    half = "am" if hour < 12 else "pm"
    twelve = hour if hour <= 12 else hour - 12
    forms = {
        0: f"{twelve}:{minute} {half}",
        1: f"{twelve}{half}" if minute == "00" else f"{twelve}:{minute}{half}",
        2: f"{twelve} {half}" if minute == "00" else f"{twelve}:{minute} {half}",
        3: f"{hour}:{minute}",
        4: f"{hour:02d}:{minute}",
    }
    # 4 pm and 16:00 in one note would be two answers: what is there already is given again, and refused.
    return draw.text_of_moment(hour, int(minute)) or draw.remember_moment(forms[style], hour, int(minute))


def _amount(draw: ValueDraw, number: str) -> str:
    forms = ("${}", "€{}", "£{}", "{} EUR", "{} euros", "{} dollars", "{} CHF")
    return forms[draw.money_style].format(number)


def money(draw: ValueDraw) -> str:
    """Return an everyday amount."""
    number = str(draw.below(6, 999))
    return _amount(draw, f"{number}.{draw.below(10, 99)}" if draw.chance(0.35) else number)


def big_money(draw: ValueDraw) -> str:
    """Return an amount in the thousands."""
    return _amount(draw, f"{draw.below(10, 990) * 100:,}")


def small_money(draw: ValueDraw) -> str:
    """Return the price of a small thing."""
    number = str(draw.below(2, 49))
    return _amount(
        draw, f"{number}.{draw.pick(('50', '90', '20', '75', '99'))}" if draw.chance(0.5) else number
    )


def phone(draw: ValueDraw) -> str:
    """Return a telephone number in one of six formats."""
    area, left, right = draw.below(20, 989), draw.below(200, 999), draw.below(1000, 9999)
    style = draw.phone_style
    if style == 0:
        return f"0{area} {left}{right}"
    if style == 1:
        return f"+{draw.below(30, 99)} {area} {left} {right}"
    if style == 2:
        return f"555-{right}"
    if style == 3:
        return f"({area}) {left}-{right}"
    return f"0{area}-{left}{right % 100}" if style == 4 else f"{area} {left} {right}"


def code(draw: ValueDraw) -> str:
    """Return a booking, ticket or serial code."""
    style = draw.below(0, 4)
    if style == 0:
        return "".join(draw.pick(_CODE_SYMBOLS) for _ in range(draw.below(5, 8)))
    if style == 1:
        return f"{draw.pick(_LETTERS)}{draw.pick(_LETTERS)}-{draw.below(100, 99999)}"
    if style == 2:
        return f"{draw.pick(_LETTERS)}{draw.pick(_LETTERS)}{draw.pick(_LETTERS)}{draw.below(100, 9999)}"
    if style == 3:
        return f"{draw.below(10, 99)}-{draw.below(100, 999)}-{draw.pick(_LETTERS)}"
    return f"{draw.below(1000, 9999)} {draw.below(1000, 9999)}"


def password(draw: ValueDraw) -> str:
    """Return something people use as a password."""
    style = draw.below(0, 4)
    if style == 0:
        colour, animal = draw.pick(words.COLOURS).split()[-1], draw.pick(words.PETS).split()[-1]
        return f"{colour}-{animal}-{draw.below(10, 999)}"
    if style == 1:
        return f"{invented_word(draw)}{draw.below(10, 9999)}{draw.pick(('!', '?', '', '#', '*'))}"
    if style == 2:
        return "".join(draw.pick("abcdefghjkmnpqrstuvwxyz23456789") for _ in range(draw.below(8, 11)))
    if style == 3:
        return (
            f"{draw.pick(words.BOOK_NOUNS).lower()}.{draw.pick(words.PET_NAMES).lower()}{draw.below(1, 99)}"
        )
    return f"{draw.pick(words.BOOK_ADJECTIVES)}{draw.pick(words.BOOK_NOUNS)}{draw.below(10, 99)}"


def email(draw: ValueDraw) -> str:
    """Return an e-mail address at an invented domain."""
    name = draw.pick(words.FIRST_NAMES).lower() if draw.chance(0.5) else invented_word(draw, 2).lower()
    separator = draw.pick((".", "_", "", "-"))
    host = invented_word(draw, 2).lower()
    ending = draw.pick(("com", "org", "net", "io", "eu"))
    return f"{name}{separator}{draw.pick(words.LAST_NAMES).lower()}@{host}.{ending}"


def address(draw: ValueDraw) -> str:
    """Return a street address without the town."""
    stem = draw.pick(words.STREETS) if draw.chance(0.7) else invented_word(draw, 2)
    return f"{draw.below(1, 240)} {stem} {draw.pick(words.STREET_KINDS)}"


def book(draw: ValueDraw) -> str:
    """Return the title of an invented book or film."""
    style = draw.below(0, 4)
    adjective, noun = draw.pick(words.BOOK_ADJECTIVES), draw.pick(words.BOOK_NOUNS)
    if style <= 1:
        return f"The {adjective} {noun}"
    if style == 2:
        return f"{noun}s of {invented_word(draw, 2)}"
    article = "An" if noun[0] in "AEIO" else "A"
    return (
        f"{article} {noun} for {draw.pick(words.FIRST_NAMES[:90])}" if style == 3 else f"{adjective} {noun}"
    )


def _pool(entries: Sequence[str]) -> Callable[[ValueDraw], str]:
    return lambda draw: draw.pick(entries)


def _number(low: int, high: int, step: int = 1, form: str = "{}") -> Callable[[ValueDraw], str]:
    return lambda draw: form.format(draw.below(low // step, high // step) * step)


GENERATORS: dict[str, Callable[[ValueDraw], str]] = {
    "person": person,
    "first": first_name,
    "full": full_name,
    "last": last_name,
    "doctor": lambda draw: f"Dr. {last_name(draw)}" if draw.chance(0.85) else f"Dr {last_name(draw)}",
    "teacher": lambda draw: f"{draw.pick(('Mr', 'Ms', 'Mrs'))} {last_name(draw)}",
    "city": city,
    "company": company,
    "product": lambda draw: f"{invented_word(draw)} {draw.pick(_LETTERS)}{draw.below(2, 950)}",
    "name": invented_word,
    "date": date,
    "clock": clock,
    "weekday": _pool(words.WEEKDAYS),
    "month": _pool(words.MONTHS),
    "year": _number(1948, 2023),
    "money": money,
    "bigmoney": big_money,
    "smallmoney": small_money,
    "phone": phone,
    "code": code,
    "pin": _number(1000, 9999),
    "password": password,
    "email": email,
    "address": address,
    "book": book,
    "room": lambda draw: (
        str(draw.below(1, 499)) if draw.chance(0.6) else f"{draw.pick(_LETTERS)}{draw.below(1, 40)}"
    ),
    "few": _number(2, 12),
    "number": _number(12, 99),
    "hundred": _number(110, 990),
    "minutes": _number(10, 120, 5, "{} minutes"),
    "days": _number(3, 60, 1, "{} days"),
    "weeks": _number(2, 14, 1, "{} weeks"),
    "grams": _number(40, 950, 10, "{} g"),
    "degrees": _number(120, 240, 5, "{} °C"),
    "km": _number(3, 480, 1, "{} km"),
    "kwh": _number(90, 990, 1, "{} kWh"),
    "percent": _number(2, 45, 1, "{} percent"),
    "mg": _number(5, 900, 5, "{} mg"),
    "kg": _number(2, 60, 1, "{} kg"),
    "cm": _number(18, 240, 1, "{} cm"),
    "km_reading": lambda draw: f"{draw.below(8, 240)},{draw.below(100, 999)} km",
    "plain": lambda draw: invented_word(draw, 2).lower(),
    "host": lambda draw: (
        f"{invented_word(draw, 2).lower()}{draw.pick(('-api', '-db', '', '-web', '-auth', '-nas', '1', '2'))}"
    ),
    "shoe": _number(34, 47),
    "port": _number(1025, 9999),
    "seat": lambda draw: f"{draw.below(1, 38)}{draw.pick('ABCDEFJK')}",
    "iban": lambda draw: (
        f"{draw.pick(('QX', 'ZV', 'XK', 'WD'))}{draw.below(10, 99)} {draw.below(1000, 9999)} "
        f"{draw.below(1000, 9999)} {draw.below(1000, 9999)} {draw.below(10, 99)}"
    ),
    "ip": lambda draw: f"10.{draw.below(0, 255)}.{draw.below(0, 255)}.{draw.below(1, 254)}",
    "version": lambda draw: f"{draw.below(0, 12)}.{draw.below(0, 30)}.{draw.below(0, 20)}",
    "score": lambda draw: f"{draw.below(2, 9)}/10" if draw.chance(0.5) else f"{draw.below(2, 5)} stars",
    "medicine": lambda draw: (
        invented_word(draw, 2).rstrip("aeiou") + draw.pick(("ol", "in", "ax", "ide", "one", "il"))
    ),
    "pressure": lambda draw: f"{draw.below(98, 165)}/{draw.below(58, 99)}",
    "plate": lambda draw: f"{draw.pick(_LETTERS)}{draw.pick(_LETTERS)} {draw.below(100, 9999)}",
    "flight": lambda draw: f"{draw.pick(_LETTERS)}{draw.pick(_LETTERS)}{draw.below(100, 9999)}",
    "gate": lambda draw: f"{draw.pick('ABCDEFGH')}{draw.below(1, 60)}",
    "petname": lambda draw: draw.pick(words.PET_NAMES) if draw.chance(0.65) else invented_word(draw, 2),
    "project": lambda draw: invented_word(draw) if draw.chance(0.6) else draw.pick(words.BOOK_NOUNS),
    "colour": _pool(words.COLOURS),
    "job": _pool(words.JOBS),
    "food": _pool(words.FOODS),
    "ingredient": _pool(words.INGREDIENTS),
    "allergen": _pool(words.ALLERGENS),
    "thing": _pool(words.THINGS),
    "spot": _pool(words.SPOTS),
    "appliance": _pool(words.APPLIANCES),
    "houseroom": _pool(words.ROOMS),
    "relative": _pool(words.RELATIVES),
    "hobby": _pool(words.HOBBIES),
    "pet": _pool(words.PETS),
    "plant": _pool(words.PLANTS),
    "car": _pool(words.CARS),
    "symptom": _pool(words.SYMPTOMS),
    "specialist": _pool(words.DOCTORS),
    "subject": _pool(words.SUBJECTS),
    "tool": _pool(words.TOOLS),
    "problem": _pool(words.PROBLEMS),
    "team": _pool(words.TEAMS),
}
