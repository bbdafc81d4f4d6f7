"""People: telephone numbers, addresses, birthdays, jobs, presents."""

from engine.training.personal_notes.templates import parse_family

FAMILY = parse_family(
    "contacts",
    "Contacts / People / Phone numbers / Address book / Friends and family / Who is who / Numbers / Neighbours / Names",
    """
card {person}
+ Phone / Tel / Mobile / Number / Cell = {phone}
= {e} can be reached at {v}.
= {e}'s phone number is {v}.
= The number to call for {e} is {v}.
= {e} has a new number, {v}.
? What is {e}'s phone number? | How do I call {e}? | {e} number | Which number do I dial for {e}? | How can I reach {e} by phone? | {e} phone | What's {e}'s mobile?
! Whose phone number is {v}? | Who calls from {v}? | Who can be reached at {v}?
+ Email / E-mail / Mail = {email}
= {e}'s email is {v}.
= Write to {e} at {v}.
= {e} prefers mail, the address is {v}.
? What is {e}'s email address? | Where can I write an email to {e}? | {e} email | How do I send {e} a message? | Which mail address belongs to {e}?
! Who uses {v}?
+ Lives in / Town / City / Home = {city}
= {e} lives in {v}.
= {e} has moved to {v}.
= Home for {e} is {v} these days.
= {e} has a flat in {v} now.
? Where does {e} live? | Which town is {e} in? | In which place is {e} at home? | {e} home town | What city did {e} settle in?
! Who lives in {v}? | Which of my people is in {v}? | Whom can I visit in {v}?
+ Birthday / Born / Bday = {date}
= {e}'s birthday is {v}.
= {e} was born on {v}.
= We celebrate {e} on {v}.
? When is {e}'s birthday? | On which date was {e} born? | When should I congratulate {e}? | {e} birthday | What day do I need a card for {e}?
! Whose birthday is {v}? | Who was born on {v}?
+ Job / Work / Profession / Does = {job}
= {e} works as a {v}.
= {e} is a {v} by trade.
= {e} earns a living as a {v}.
? What does {e} do for a living? | What is {e}'s job? | As what does {e} work? | {e} profession | What line of work is {e} in?
! Who is the {v}? | Which of them works as a {v}? | Whom do I know who is a {v}?
+ Employer / Company / Works at = {company}
= {e} is employed at {v}.
= {e} works for {v}.
= {e} just started at {v}.
? Who employs {e}? | Which company does {e} work for? | Where does {e} work? | {e} employer
! Who works at {v}? | Do I know anybody at {v}, and who?
+ Address / Street / Lives at = {address}
= {e}'s address is {v}.
= You find {e} at {v}.
= Letters for {e} go to {v}.
? What is {e}'s address? | At which address do I find {e}? | Which street and number is {e} at? | {e} address | Where do I send a parcel for {e}?
! Who lives at {v}?
+ Allergy / Allergic to / Cannot eat = {allergen}
= {e} is allergic to {v}.
= {e} gets ill from {v}.
= Never give {e} anything with {v}.
? What is {e} allergic to? | What should I avoid when {e} visits? | {e} allergy | Which thing does {e} not tolerate?
! Who is allergic to {v}? | Which guest must stay away from {v}?
+ Likes / Gift idea / Present / Would love = a {colour} {name} scarf / a book about {city} / a {name} fountain pen / {ingredient} chocolates / a voucher for {company} / a {colour} teapot / tickets for {city}
= {e} would be happy about {v}.
= Gift idea for {e}: {v}.
= For {e} I want to get {v}.
? What could I give {e}? | What is a good present for {e}? | {e} gift idea | What would make {e} happy? | What am I planning to buy for {e}?
! For whom is {v} the right present?
+ Hobby / New hobby / Into = {hobby}
= {e} has taken up {v}.
= These days {e} is crazy about {v}.
= {e} spends every weekend on {v}.
? What is {e}'s hobby? | What has {e} started doing in the free time? | {e} hobby | What is {e} so keen on?
! Who is into {v}? | Who has taken up {v}?

card {relative}
+ Name / Called = {full}
= My {e} is called {v}.
= The name of my {e} is {v}.
? What is my {e} called? | What's the name of my {e}? | Who is my {e}?
! What is {v} to me? | How do I know {v}?
+ Phone / Tel = {phone}
= My {e} can be called at {v}.
= The phone number of my {e} is {v}.
? How do I phone my {e}? | What number does my {e} have? | {e} phone number
+ Lives in = {city}
= My {e} lives in {v}.
= My {e} has moved to {v}.
? Where does my {e} live? | Which town is my {e} in?
+ Birthday = {date}
= My {e}'s birthday is on {v}.
= The birthday of my {e} falls on {v}.
? When is my {e}'s birthday? | When was my {e} born?

fact
= {person} changed numbers: the old one was {phone}, the new one is {phone2}.
= New number for {person}: {phone2} (no longer {phone}).
= {person} can't be reached at {phone} any more, use {phone2}.
= {person} got rid of {phone} and now has {phone2}.
? phone2: What is {person}'s number now? | Which number currently works for {person}? | How do I reach {person}? | {person} new number | What should I dial to talk to {person}?
? phone: What was {person}'s old number? | Which number of {person} is out of service? | Which number should I delete for {person}?
? person: Who has a new phone number? | Who changed numbers?

fact
= {person} moved from {city} to {city2} in {month}.
= In {month} {person} left {city} for {city2}.
= {person} used to live in {city} but has been in {city2} since {month}.
= Since {month} {person} lives in {city2}; before that it was {city}.
? city2: Where does {person} live now? | What is {person}'s new town? | To which place did {person} move? | {person} current city
? city: Where did {person} live before? | Which town did {person} leave? | From where did {person} move away?
? month: In which month did {person} move? | Since when is {person} in {city2}? | When did {person} leave {city}?
? person: Who moved to {city2}? | Who used to live in {city}?

fact
= I met {full} at {event}; she works as a {job} and comes from {city}.
= At {event} I talked to {full}, a {job} from {city}.
= {full}, whom I know from {event}, is a {job} and lives in {city}.
: event = the street party / a trade fair / Tom's wedding / the train station / the language course / a concert / the school fair / the climbing hall / the allotment / choir
? full: Who did I meet at {event}? | What is the name of the {job} from {city}? | Who is the {job} I got to know?
? job: What does {full} do? | What is {full}'s occupation? | What work does the person from {city} do?
? city: Where is {full} from? | Which town does the {job} come from?
? event: Where did I get to know {full}? | On what occasion did I meet {full}? | Where did I run into the {job}?

fact
= {first} and {first2} have a {kid} called {first3}, born on {date}.
= {first3}, the {kid} of {first} and {first2}, was born on {date}.
= The {kid} of {first} and {first2} is named {first3} and was born on {date}.
: kid = daughter / son / baby boy / baby girl
? first3: What is the name of {first}'s {kid}? | How did {first} and {first2} name their child? | What is the {kid} of {first2} called?
? date: When was {first3} born? | What is the birthday of {first}'s child? | When is {first3}'s birthday?
? first2: With whom does {first} have a child? | Who is {first}'s partner?
? first: With whom does {first2} have a child?

fact
= {first} wears shoe size {few} and likes {colour}.
= For presents: {first} has shoe size {few}, favourite colour {colour}.
= {first}'s shoes are size {few}; the favourite colour is {colour}.
? few: What shoe size is {first}? | Which size should I get if I buy shoes for {first}? | {first} shoe size
? colour: What is {first}'s favourite colour? | Which colour does {first} like? | In what colour should a gift for {first} be?
""",
)
