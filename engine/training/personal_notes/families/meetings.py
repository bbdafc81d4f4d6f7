"""Meetings and decisions."""

from engine.training.personal_notes.templates import parse_family

FAMILY = parse_family(
    "meetings",
    "Meeting notes / Minutes / Team meeting / Weekly sync / 1:1 / Kick-off / Notes from today / Call notes / Decisions",
    """
fact
= {person} will {task} by {date}.
= Action item: {person} has to {task} until {date}.
= We agreed that {person} should {task}, deadline {date}.
= {person} took on the job to {task}; due {date}.
- [ ] {person}: {task} ({date})
- {task} -> {person}, {date}
: task = write the press text / call the printer / prepare the slides / update the price list / book the venue / check the contract / order the samples / test the new form / draft the budget / talk to the union / collect the quotes / translate the manual / proofread the brochure / find a speaker / clean up the mailing list
? person: Who has to {task}? | Who took on the job to {task}? | Whose task is it to {task}? | Who is supposed to {task}?
? date: By when should {person} {task}? | What is {person}'s deadline? | Until when does {person} have time? | When must someone {task} at the latest?
? task: What does {person} have to do? | What is {person}'s task? | What did {person} agree to do? | {person} action item | What is due on {date}?

fact
= Project {project} is led by {full}; the budget is {bigmoney}.
= {full} leads {project}, which has a budget of {bigmoney}.
= For {project} we have {bigmoney}; {full} is in charge.
- {project}: lead {full}, budget {bigmoney}
? full: Who leads {project}? | Who is in charge of {project}? | {project} lead | Whom do I ask about {project}? | Who runs project {project}?
? bigmoney: How much money does {project} have? | What is the budget of {project}? | {project} budget | How much may {project} spend?
? project: What does {full} lead? | Which project has {bigmoney}? | What is {full} responsible for?

fact
= The launch of {project} moved from {date} to {date2} because {reason}.
= {project} will not start on {date} but on {date2}, as {reason}.
= We postponed {project} to {date2} (was {date}), since {reason}.
: reason = the supplier is late / the tests failed / the lawyers need more time / half the team is ill / the parts are stuck at customs / the budget is not approved / the room flooded / the designer quit / the permit is missing
? date2: When does {project} launch now? | What is the new date for {project}? | {project} launch date | On which date will {project} start?
? date: When was {project} supposed to launch at first? | What was the old date for {project}?
? reason: Why was {project} postponed? | What is the cause of the delay of {project}? | What went wrong with {project}?
? project: What was postponed to {date2}? | Which launch is late because {reason}?

fact
= We chose {tool} over {tool2} for {project}.
= Decision: {project} uses {tool}, not {tool2}.
= {project} will be built with {tool}; {tool2} was rejected.
= After a long debate {tool} won against {tool2} for {project}.
? tool: What did we choose for {project}? | Which technology will {project} use? | {project} tool decision | What won in the end for {project}?
? tool2: What was rejected for {project}? | Which option did not make it for {project}? | What are we not using in {project}?

fact
= The {kind} meeting is every {weekday} at {clock} in {place}.
= {kind} meeting: {weekday}s, {clock}, {place}.
= We meet for the {kind} round in {place}, each {weekday} at {clock}.
: kind = planning / design / budget / safety / editorial / retrospective / hiring / sales / steering / research
: place = room {room} / the {name} room / the canteen / the glass office / the library / building {gate}
? weekday: On which day is the {kind} meeting? | What weekday do we have the {kind} round? | {kind} meeting day
? clock: What time is the {kind} meeting? | When does the {kind} round begin? | {kind} meeting time
? place: Where is the {kind} meeting? | In which place does the {kind} round meet? | {kind} meeting room

fact
= {person} from {company} asked for {number} licences and a discount of {percent}.
= {company} ({person}) wants {number} licences with {percent} off.
= Call with {person}, {company}: they need {number} licences, {percent} discount.
? number: How many licences does {company} want? | How many licences did {person} ask for? | {company} licences
? percent: What discount does {company} expect? | How much off does {person} want? | Which price reduction was requested by {company}?
? person: Who is the contact at {company}? | Who spoke for {company}? | Who asked for a discount?
? company: Where does {person} work? | Which customer wants {number} licences? | Which firm does {person} represent?

fact
= {person} is away until {date}; {person2} takes over.
= Until {date} {person2} stands in for {person}.
= {person} is on leave till {date}, ask {person2} instead.
= {person2} covers for {person}, who is back after {date}.
? date: Until when is {person} away? | When does {person} return? | How long will {person2} cover? | {person} back when
? person2: Who replaces {person}? | Who covers for {person}? | Whom do I ask while {person} is away?
? person: Who is away at the moment? | For whom does {person2} stand in?

fact
= In the vote on the {topic}, {few} were in favour and {number} against.
= {topic}: {few} yes, {number} no.
= {few} people supported the {topic}, {number} voted against it.
: topic = new logo / later opening hours / move to {city} / four-day week / dress code / office dog / coffee budget / open-plan office
? few: How many voted for the {topic}? | How many were in favour of the {topic}? | How many people supported the {topic}?
? number: How many were against the {topic}? | How many people rejected the {topic}?

fact
= The {team} team needs {few} more people, said {person}.
= {person} wants {few} new hires for {team}.
= According to {person} the {team} team is short of {few} people.
? few: How many people is the {team} team missing? | How many new hires does {person} want?
? person: Who asked for more people in {team}? | Who speaks for the {team} team? | Who wants to hire for {team}?
? team: Which team is short of people? | For which department does {person} want to hire?

fact
= The next meeting is on {date} at {clock}; {person} takes the minutes.
= Next round: {date}, {clock}. Minutes: {person}.
= We meet again on {date} at {clock}, and {person} writes the minutes.
? date: When is the next meeting? | On which date do we meet again? | next meeting date
? clock: At what time is the next meeting? | What time do we meet again?
? person: Who takes the minutes next time? | Who writes the next minutes? | Who keeps the record of the next meeting?

fact
= {person} complained that {problem}.
= According to {person}, {problem}.
= {person} reported: {problem}.
? problem: What did {person} complain about? | What problem did {person} report? | What is wrong according to {person}? | What bothers {person}?
? person: Who reported that {problem}? | Who told us that {problem}? | Who complained?
""",
)
