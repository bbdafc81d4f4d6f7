"""Appointments and calendar entries."""

from engine.training.personal_notes.templates import parse_family

FAMILY = parse_family(
    "appointments",
    "Calendar / Appointments / This month / Dates to remember / Agenda / Upcoming / Don't forget / Schedule / My week",
    """
fact
= My appointment with the {specialist} is on {date} at {clock}.
= I am booked in at the {specialist} for {date}, {clock}.
= The {specialist} can see me on {date} at {clock}.
= On {date} at {clock} I have to be at the {specialist}.
- {specialist}: {date}, {clock}
- {date} {clock} {specialist}
- {specialist} appointment {date} at {clock}
? date: When do I have to go to the {specialist}? | What day is my {specialist} appointment? | {specialist} date | On which date does the {specialist} expect me? | When is the {specialist} visit? | When am I due at the {specialist}?
? clock: At what time is my {specialist} appointment? | What time should I be at the {specialist}? | {specialist} what time | How late is the {specialist} slot?
? specialist: Who am I seeing on {date}? | Which medical visit is planned for {date}? | Where do I have to be at {clock} on {date}?

fact
= {person} and I are meeting for {meal} at {venue} on {date}.
= {date}: {meal} with {person} at {venue}.
= I promised {person} to come to {venue} for {meal} on {date}.
= {person} booked a table for {meal} at {venue}, {date}.
- {meal} with {person}, {venue}, {date}
- {date} - {person} - {meal} - {venue}
: meal = lunch / dinner / breakfast / brunch / coffee / drinks / supper
: venue = Café {name} / the {name} Inn / Restaurant {name} / Bar {name} / the Golden {name}
? venue: Where do I meet {person}? | Which place did {person} and I choose for {meal}? | Where is the {meal} with {person}? | {meal} {person} where | What is the name of the place I go to with {person}?
? date: When do I see {person}? | On which day is my {meal} with {person}? | What date did {person} and I settle on? | When am I going to {venue}?
? person: Who am I meeting at {venue}? | Who is joining me for {meal} on {date}? | With whom do I have {meal}? | Who will be with me at {venue}?
? meal: What am I doing with {person} at {venue}? | Which meal do I share with {person}?

fact
= The {event} moved from {clock} to {clock2}.
= {event}: not {clock} any more but {clock2}.
= They shifted the {event} from {clock} to {clock2}.
= The {event} was planned for {clock}, it now starts at {clock2}.
= Correction: the {event} begins at {clock2}, not at {clock}.
: event = choir rehearsal / yoga class / parents' evening / piano lesson / tenants' meeting / staff meeting / swimming course / pub quiz / carpool / language course / band practice / church service / training session / board game night
? clock2: What time is the {event} now? | When does the {event} start? | At what time should I be at the {event}? | New time of the {event}? | {event} time | What is the current start of the {event}?
? clock: What was the old time of the {event}? | When was the {event} originally supposed to start? | At what time was the {event} before the change?

fact
= The {event} with {person} has been postponed from {date} to {date2}.
= {person} moved our {event} to {date2}; it was {date} before.
= Instead of {date}, the {event} with {person} takes place on {date2}.
= {person} cannot make {date}, so our {event} is on {date2}.
: event = photo session / walk / workshop / viewing / handover / tax chat / hike / interview / rehearsal / sewing afternoon / jam session
? date2: When is the {event} with {person} now? | On which day do {person} and I have our {event}? | New date for the {event} with {person}? | What date did {person} move things to? | When will I see {person}?
? date: Which date did {person} cancel? | What was the first date for the {event} with {person}? | For when was the {event} with {person} planned originally?
? person: Who rescheduled the {event}? | Who is the {event} with?

fact
= Every {weekday} at {clock} I have {course} with {person} in room {room}.
= {course} with {person}: {weekday}s, {clock}, room {room}.
= My {course} class meets each {weekday} at {clock} in room {room}; {person} teaches it.
= {person} gives the {course} class on {weekday} at {clock}, room {room}.
- {weekday} {clock}: {course} ({person}, room {room})
: course = pilates / Italian / pottery / judo / watercolour / guitar / spinning / life drawing / Portuguese / tai chi / accordion / sign language / ballet / boxing / creative writing
? weekday: On what day of the week is {course}? | Which day do I go to {course}? | {course} day | When during the week do I have {course}? | What day does {person} teach?
? clock: At what time does {course} begin? | What time is {course}? | When does {person}'s class start? | {course} start time
? person: Who teaches {course}? | Who is my {course} teacher? | Whose class do I take on {weekday}? | Who runs the {course} course?
? room: In which room is {course}? | What room does {person} teach in? | {course} room number
? course: What do I do on {weekday}s? | What does {person} teach? | Which class takes place in room {room}?

fact
= {person}'s {party} is on {date} at {clock}, at {address}.
= We are invited to {person}'s {party}: {date}, {clock}, {address}.
= {person} is celebrating the {party} on {date}; doors open at {clock}, the address is {address}.
- {person} {party}: {date}, {clock}, {address}
: party = wedding / birthday party / housewarming / retirement party / graduation / baby shower / farewell party / exhibition opening / christening / summer party
? date: When is {person}'s {party}? | What day does {person} celebrate? | Which date should I keep free for {person}? | {party} {person} date
? clock: At what time does {person}'s {party} begin? | What time should we arrive at {person}'s {party}? | From when are the doors open at {person}'s?
? address: Where does {person}'s {party} take place? | What is the address of the {party}? | Where do I have to drive for {person}'s {party}? | Where is {person} celebrating?
? party: What is {person} celebrating? | What are we invited to by {person}? | What happens at {address}?
? person: Whose {party} is it? | Who invited us to a {party}? | Who celebrates on {date}?

fact
= The deadline for the {paper} is {date}.
= The {paper} has to be handed in by {date}.
= I must send off the {paper} before {date}.
= Latest day for the {paper}: {date}.
- {paper} due {date}
- {date}: {paper} deadline
: paper = tax return / visa application / grant proposal / scholarship form / passport renewal / insurance claim / housing benefit form / thesis draft / parking permit / voter registration / conference abstract / planning permission
? date: By when must the {paper} be in? | When is the {paper} due? | What is the last day for the {paper}? | Until when can I submit the {paper}? | {paper} deadline | How long do I have for the {paper}?
? paper: What is due on {date}? | Which paperwork has to be finished by {date}?

fact
= {person} will {task} on {weekday} between {clock} and {clock2}.
= Expect {person} on {weekday} from {clock} to {clock2} to {task}.
= Someone has to be home on {weekday}, {person} is coming to {task} ({clock} to {clock2}).
- {weekday}, {clock}-{clock2}: {person} comes to {task}
: task = read the meters / fix the blinds / deliver the sofa / clean the windows / check the boiler / install the fibre line / sweep the chimney / tune the piano / measure the kitchen / collect the old mattress
? weekday: On which day will somebody {task}? | When is {person} coming? | Which day should I stay home for {person}? | What day will {person} {task}?
? person: Who is going to {task}? | Who is coming on {weekday}? | Who will be at the house to {task}?
? task: Why is {person} coming? | What will {person} do on {weekday}? | What is {person} supposed to do here?
? clock: From what time should I be home for {person}? | What is the earliest {person} might arrive?
? clock2: By when at the latest will {person} be here?
""",
)
