"""Letters, e-mails, messages and calls that were kept."""

from __future__ import annotations

from engine.training.personal_notes.layout import running
from engine.training.personal_notes.page import MUCH, TIME, WHEN, WHERE, Page, options, spin
from engine.training.personal_notes.values import ValueDraw

_BYES = "[Best|Best wishes|Love|Kind regards|See you|Cheers|x|Greetings|All the best|Warmly]"


def invitation(draw: ValueDraw) -> Page:
    """An e-mail that invites to something."""
    host, guest = draw.value("first"), draw.value("first")
    thing = draw.pick(
        options(
            "house-warming / garden party / concert at home / birthday brunch / barn dance / reading / farewell dinner"
        )
    )
    page = Page(draw, f"[Fwd: {thing}|Re: {thing}|Mail from {host}|Invitation|]")
    date, at, street, dress, gift = (draw.value(k) for k in ("date", "clock", "address", "colour", "thing"))
    bring, reply, door = draw.value("food"), draw.value("date"), draw.value("pin")
    sentences = [
        f"[I'd love you to come to|You are invited to|Please come to] my {thing} on {date}, [from {at}|starting at {at}|{at}].",
        f"[We are at|The address is|Come to] {street}, [the door code is {door}|type {door} at the door].",
        f"[Everyone wears something {dress}|Dress code: {dress}|Please wear {dress}].",
        f"[Could you bring {bring}?|It would be great if you made {bring}.|You are down for {bring}.]",
        f"[No presents, but we do collect for a {gift}|If you want to give something, we still need a {gift}].",
        f"[Let me know by {reply}|Please answer until {reply}].",
    ]
    page.add(f"[Hi|Dear|Hello|Hey] {guest},", running(draw, sentences), f"{_BYES}\n{host}")
    page.ask(date, f"{WHEN} is [{host}'s|the] {thing}?", f"{thing} date", says=f"The {thing} is on {date}.")
    page.ask(at, f"{TIME} does the {thing} start?", f"{thing} time", says=f"The {thing} starts at {at}.")
    page.ask(street, f"{WHERE} is the {thing}?", f"{thing} address", np=f"address of the {thing}")
    page.ask(door, f"How do I get in at {street}?", np="door code")
    page.ask(
        dress,
        f"What [colour|color] should I wear to the {thing}?",
        "dress code",
        says=f"The dress code is {dress}.",
    )
    page.ask(
        bring,
        f"What [should {guest}|am I supposed to] bring?",
        f"What does {host} want me to [make|bring]?",
        says=f"{guest} should bring {bring}.",
    )
    page.ask(gift, "What do they want for a present?", f"What could I give {host}?")
    page.ask(
        reply,
        "By when [must|should] I [answer|reply|RSVP]?",
        "RSVP date",
        says=f"I should answer by {reply}.",
    )
    page.ask(
        host, f"Who [invites|invited] [me|{guest}]?", f"Whose {thing} is it?", says=f"{host} invited {guest}."
    )
    return page


def family_letter(draw: ValueDraw) -> Page:
    """News of several relatives in a letter."""
    writer, reader = draw.value("first"), draw.value("first")
    page = Page(draw, f"[Letter from {writer}|{writer}'s letter, copied|]")
    page.add(f"Dear {reader},")
    sentences = [
        draw.pick(
            (
                "It has been far too long.",
                "Thank you for the parcel.",
                "Here is the news.",
                "How are you all?",
            )
        )
    ]
    for relation in draw.rng.sample(
        options("sister / brother / aunt / uncle / cousin / nephew / niece / grandmother"), draw.below(2, 4)
    ):
        name = draw.value("first")
        kind = draw.below(0, 3)
        if kind == 0:
            town, month = draw.value("city"), draw.value("month")
            sentences.append(
                f"[Your {relation}|My {relation}] {name} is moving to {town} in {month}[, can you believe it|]."
            )
            page.ask(
                town,
                f"Where is {name} moving[ to|]?",
                f"Where will {name} live?",
                says=f"{name} is moving to {town}.",
            )
            page.ask(
                month,
                f"[When|In which month] does {name} move?",
                f"{name} move",
                says=f"{name} moves in {month}.",
            )
        elif kind == 1:
            job, firm = draw.value("job"), draw.value("company")
            sentences.append(f"{name}, [your|my] {relation}, [found work as|is now] a {job} at {firm}.")
            page.ask(
                job,
                f"What is {name}'s new job?",
                f"What does {name} work as?",
                says=f"{name} is a {job} now.",
            )
            page.ask(
                firm, f"Where does {name} work[ now|]?", f"{name} employer", says=f"{name} works at {firm}."
            )
        elif kind == 2:
            pet, pet_name = draw.value("pet"), draw.value("petname")
            sentences.append(
                f"[Your {relation}|My {relation}] {name} has [got|adopted] a {pet} and calls it {pet_name}."
            )
            page.ask(
                pet_name,
                f"What is {name}'s {pet} called?",
                f"{name} {pet} name",
                says=f"{name}'s {pet} is called {pet_name}.",
            )
            page.ask(
                pet,
                f"What [animal|pet] does {name} have?",
                f"What kind of animal is {pet_name}?",
                says=f"{name} has a {pet}.",
            )
        else:
            ill, days = draw.value("symptom"), draw.value("days")
            sentences.append(
                f"{name}, [your|the] {relation}, has had {ill} for {days}[, poor thing|] [but is better|and stays in bed|]."
            )
            page.ask(
                ill,
                f"What is wrong with {name}?",
                f"What does {name} suffer from?",
                says=f"{name} has {ill}.",
            )
            page.ask(days, f"How long has {name} been ill?", says=f"{name} has been ill for {days}.")
        page.ask(
            name,
            f"What is the {relation}'s name?",
            f"{relation} name",
            says=f"The {relation} is called {name}.",
        )
    visit, train = draw.value("date"), draw.value("clock")
    sentences.append(f"I [come to see you|will visit] on {visit}; the train gets in at {train}.")
    page.ask(
        visit, f"{WHEN} does {writer} [come|visit]?", f"{writer} visit", says=f"{writer} comes on {visit}."
    )
    page.ask(
        train, f"{TIME} does {writer}'s train [arrive|get in]?", says=f"{writer}'s train arrives at {train}."
    )
    page.add(running(draw, sentences), f"{_BYES},\n{writer}")
    return page


def chat(draw: ValueDraw) -> Page:
    """Messages of a group that change a plan as they go."""
    page = Page(draw, "[Chat export|Copied from the group|Group chat|Messages|]")
    first, second, third = (draw.value("first") for _ in range(3))
    thing = draw.pick(
        options("hike / cinema / dinner / bike tour / picnic / sauna / bowling / rehearsal / barbecue")
    )
    old, new = draw.value("clock"), draw.value("clock")
    old_place, new_place = draw.value("city"), draw.value("address")
    food, money, car = draw.value("food"), draw.value("smallmoney"), draw.value("car")
    messages = [
        (
            first,
            f"[so|ok|hey all], {thing} [on saturday|tomorrow|this weekend], {old} in {old_place}[?|, everybody ok?]",
        ),
        (
            second,
            f"[can't make it that early|too early for me|trains are bad], [make it {new}?|how about {new}?]",
        ),
        (first, f"[ok {new} then|fine, {new}|{new} it is]"),
        (
            third,
            f"and [not {old_place} please|{old_place} is closed], [meet at|let's say|better] {new_place}",
        ),
        (second, f"[good|perfect|+1]. [i bring|i'll make] {food}"),
        (
            third,
            f"i take the {car}[, three seats free|], [everyone owes me|please send me] {money}[ for petrol|]",
        ),
    ]
    stamp = draw.chance(0.4)
    hour, minute = draw.below(10, 23), draw.below(1, 30)
    lines = []
    for index, (who, text) in enumerate(messages):
        mark = f"{hour}:{minute + index * 3:02d} " if stamp else ""
        lines.append(f"{mark}{who}: {spin(draw, text)}")
    page.add_set("\n".join(lines))
    page.ask(
        new,
        f"{TIME} [is the {thing} now|do we meet for the {thing}]?",
        "What time did we agree on[ in the end|]?",
        says=f"We meet at {new}.",
    )
    page.ask(
        old,
        f"What time did {first} [suggest|propose] first?",
        "What was the first time that was suggested?",
        says=f"{first} first suggested {old}.",
    )
    page.ask(
        new_place,
        f"{WHERE} do we meet[ for the {thing}|]?",
        f"{thing} meeting point",
        says=f"We meet at {new_place}.",
    )
    page.ask(old_place, f"{WHERE} did {first} want to meet[ at first|]?", "Which place was dropped?")
    page.ask(food, f"What does {second} bring?", f"{second} food", says=f"{second} brings {food}.")
    page.ask(second, f"Who [brings|makes] the {food}?", says=f"{second} brings the {food}.")
    page.ask(third, "Who [takes the car|drives]?", f"Who do I owe {money}?", says=f"{third} drives.")
    page.ask(
        money,
        f"{MUCH} do [we|I] owe {third}?",
        f"{MUCH} does the ride cost?",
        says=f"Everyone owes {third} {money}.",
    )
    page.ask(
        car,
        f"[What|Which car] does {third} drive?",
        "Which car do we take?",
        says=f"{third} takes the {car}.",
    )
    return page


def voicemail(draw: ValueDraw) -> Page:
    """Calls that somebody took down, two or three side by side."""
    page = Page(draw, "[Calls|Missed calls|Voicemail|Phone notes|While you were out|Messages for you]")
    for _ in range(draw.below(2, 4)):
        who, firm, phone, code, about, at = (
            draw.value(k) for k in ("full", "company", "phone", "code", "thing", "clock")
        )  # fmt: skip
        last = who.split()[-1]
        page.add(
            f"[{who} from {firm} called at {at} about the {about}. Call back on {phone}, file number {code}.|"
            f"{at} - {who} ({firm}), re: {about}. Wants a call: {phone}. File: {code}|"
            f"At {at} a certain {who} rang, something about the {about}. The firm is {firm}, the number {phone} and the file {code}.]"
        )
        page.ask(
            phone,
            f"[Which|What] number do I call [for|about] the {about}?",
            f"How do I reach {who}?",
            f"{last} phone",
            says=f"{who} can be called on {phone}.",
        )
        page.ask(
            code,
            f"Which file number [has|goes with] the {about}?",
            f"{firm} file number",
            says=f"The file number is {code}.",
        )
        page.ask(firm, f"Which company does {who} [call from|work for]?", f"{last} company")
        page.ask(
            who,
            f"Who called about the {about}?",
            f"Who [called|rang] at {at}?",
            f"Who was it from {firm}?",
            says=f"{who} called about the {about}.",
        )
        page.ask(
            about,
            f"What did {who} [want|call about]?",
            f"What was the call from {firm} about?",
            says=f"{who} called about the {about}.",
            also=(f"the {about}",),
        )
        page.ask(at, f"{TIME} did {who} call?", says=f"{who} called at {at}.")
    return page
