"""Journeys, hotels, tickets."""

from engine.training.personal_notes.templates import parse_family

FAMILY = parse_family(
    "travel",
    "Trip / Travel plans / Holiday / Journey notes / Packing and bookings / Weekend away / Tickets / Itinerary / Tour",
    """
card {city}
+ Hotel / Staying at / Accommodation = Hotel {name} / Pension {name} / the {name} Lodge / Villa {name} / {name} Hostel
= In {e} we stay at {v}.
= Our place in {e} is {v}.
= For {e} I booked {v}.
? Where do we stay in {e}? | What is our hotel in {e} called? | {e} hotel | Where do I sleep in {e}? | Which accommodation is booked in {e}?
! In which town is {v}? | Where is {v}?
+ Arrival / Arrive / From = {date}
= We reach {e} on {v}.
= The arrival in {e} is on {v}.
= {v} is the day we get to {e}.
? When do we arrive in {e}? | On which date do we reach {e}? | {e} arrival date | What day are we due in {e}?
! Where do we arrive on {v}? | Which place do we reach on {v}?
+ Booking / Booking code / Reference / Confirmation = {code}
= The booking code for {e} is {v}.
= Reservation {e}: reference {v}.
= Show {v} at the desk in {e}.
? What is the booking code for {e}? | Which reference belongs to the {e} booking? | {e} confirmation number | What do I show at the desk in {e}?
! Which town does the booking {v} belong to?
+ Price / Cost / Per night = {money}
= A night in {e} costs {v}.
= In {e} we pay {v} a night.
? How much is a night in {e}? | What do we pay per night in {e}? | {e} price per night
! Where does a night cost {v}?
+ Nights / Stay = {few} nights
= We spend {v} in {e}.
= {e} is booked for {v}.
? How long do we stay in {e}? | How many nights are we in {e}? | {e} length of stay
! In which place do we spend {v}?
+ See / Don't miss / Must see = the {name} Museum / the old {job} quarter / the {colour} tower / the {name} market / the {name} gardens / the puppet theatre
= In {e} we must see {v}.
= Don't miss {v} in {e}.
? What do we want to see in {e}? | What is the must-see of {e}? | {e} sights
! Where is {v}? | In which town do we visit {v}?
+ Meet / Friend there = {person}
= In {e} we meet {v}.
= {v} will show us around {e}.
? Who do we meet in {e}? | Who shows us around {e}? | Whom do I know in {e}?
! Where do we see {v}? | In which town is {v} our guide?

fact
= The flight to {city} leaves on {date} at {clock} from gate {gate}, number {flight}.
= Flight {flight} to {city}: {date}, {clock}, gate {gate}.
= We fly to {city} with {flight} on {date} at {clock}, gate {gate}.
- {flight} {city} {date} {clock} gate {gate}
? date: When do we fly to {city}? | On which day does {flight} leave? | {city} flight date | What date is the plane to {city}?
? clock: At what time does the plane to {city} leave? | When does {flight} take off? | {city} flight time
? gate: From which gate does the {city} flight leave? | Where do I board {flight}? | {flight} gate
? flight: What is the flight number to {city}? | Which flight takes us to {city}? | {city} flight number
? city: Where does {flight} go? | Where are we flying on {date}? | What is the destination of {flight}?

fact
= The train to {city} departs at {clock} from platform {few}, car {number}.
= {clock} train to {city}: platform {few}, car {number}.
= Platform {few} at {clock} for the train to {city}; my seat is in car {number}.
? clock: When does the train to {city} leave? | What time is the {city} train? | {city} train time
? few: From which platform does the train to {city} go? | {city} train platform | Where at the station do I wait for the {city} train?
? number: In which car is my seat on the train to {city}? | What car do I get into for {city}? | train car {city}

fact
= My seat on the {vehicle} to {city} is {seat}.
= {vehicle} to {city}: seat {seat}.
= On the {vehicle} to {city} I sit in {seat}.
: vehicle = bus / ferry / night train / coach / plane
: seat = {few}A / {number}C / {few}F / {number}B / {few}D
? seat: Where do I sit on the {vehicle} to {city}? | What is my seat number to {city}? | {city} {vehicle} seat | Which seat did I get on the {vehicle}?
? city: Where does the {vehicle} with my seat {seat} go?

fact
= {person} picks us up in {city} at {clock}, in a {colour} {car}.
= At {clock} {person} will be waiting in {city} with a {colour} {car}.
= Pickup in {city}: {person}, {clock}, {colour} {car}.
? person: Who picks us up in {city}? | Who is waiting for us at {clock}? | pickup {city} who
? clock: When are we picked up in {city}? | At what time is {person} waiting? | {city} pickup time
? colour: What colour is {person}'s car? | In which colour of car does {person} come?
? car: What car does {person} drive? | Which vehicle should we look for in {city}?
? city: Where does {person} pick us up? | Where is {person} waiting?

fact
= The rental car from {company} costs {money} a week, pick it up at {address}.
= {company} rents us a car for {money} a week; pickup at {address}.
= We collect the rental car at {address} ({company}, {money} per week).
? company: Who do we rent the car from? | Which firm gives us the rental car? | rental car company
? money: What is the weekly price of the rental car? | How much is the rental car? | rental car price
? address: Where do we pick up the rental car? | At which address is the car waiting? | rental car pickup address

fact
= The ferry from {city} to {city2} takes {few} hours and costs {smallmoney}.
= {city} to {city2} by ferry: {few} hours, {smallmoney}.
= From {city} a ferry goes to {city2} in {few} hours for {smallmoney}.
? few: How many hours does the ferry to {city2} take? | How long is the crossing from {city}? | ferry {city} {city2} duration
? smallmoney: What does the crossing from {city} to {city2} cost? | How much is the ferry to {city2}?
? city: Where does the ferry to {city2} start? | From which harbour do we get to {city2}?
? city2: Where does the ferry from {city} go? | Which place can I reach by ferry from {city}?

fact
= We hiked {km} from {city} to {city2} with {person}.
= With {person} I walked the {km} from {city} to {city2}.
= The walk from {city} to {city2} was {km}; {person} came along.
? km: How far is it from {city} to {city2}? | How long was the hike with {person}? | What distance did we walk to {city2}?
? person: Who came along from {city} to {city2}? | With whom did I hike to {city2}? | Who was my walking companion?
? city2: Where did the hike with {person} end? | To which place did we walk from {city}?
? city: Where did the walk to {city2} start? | From where did {person} and I set off?

fact
= {person} packs the {thing}, {person2} the {thing2}.
= The {thing} is {person}'s job, the {thing2} is {person2}'s.
= Packing: {thing} ({person}), {thing2} ({person2}).
? person: Who packs the {thing}? | Who brings the {thing}? | Whose job is the {thing}?
? person2: Who is responsible for the {thing2}? | Who brings the {thing2}?
? thing: What does {person} pack? | What should {person} bring?
? thing2: What does {person2} bring along? | What should {person2} not forget?

fact
= The visa for {city} costs {money} and takes {days}.
= Visa {city}: {money}, {days} of waiting.
= It takes {days} to get the visa for {city}, price {money}.
? money: How much is the visa for {city}? | What do I pay for the {city} visa? | {city} visa price
? days: How long does the {city} visa take? | How early must I apply for the visa to {city}? | {city} visa waiting time

fact
= Cheapest campsite near {city}: {name}, {smallmoney} a night, ask for {person}.
= Near {city} the campsite {name} charges {smallmoney}; {person} runs it.
= {person} runs the campsite {name} near {city}, a night is {smallmoney}.
? name: What is the campsite near {city} called? | Which campsite does {person} run? | campsite {city}
? smallmoney: What does a night at {name} cost? | How much does the campsite near {city} charge?
? person: Who runs the campsite {name}? | Whom do I ask for at the campsite near {city}?
? city: Near which town is the campsite {name}?
""",
)
