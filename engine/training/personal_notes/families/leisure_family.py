"""Books and films, school and family, diary entries."""

from engine.training.personal_notes.templates import parse_family

LEISURE = parse_family(
    "leisure",
    "Books / Reading list / Films / Watch list / Book club / Music / Concerts / Games / Culture / Listened and read",
    """
card {book}
+ Author / By / Written by / Director = {full}
= {e} is by {v}.
= {v} wrote {e}.
= The author of {e} is {v}.
? Who wrote {e}? | Who is the author of {e}? | {e} author | By whom is {e}?
! What did {v} write? | Which title is by {v}?
+ Rating / Stars / Score = {score}
= I gave {e} {v}.
= My rating for {e}: {v}.
? How did I rate {e}? | What score did {e} get? | {e} rating | How much did I like {e}?
! Which title did I give {v}?
+ Finished / Read on / Done = {date}
= I finished {e} on {v}.
= On {v} I was done with {e}.
? When did I finish {e}? | On which day was I done with {e}? | {e} finished
! What did I finish on {v}?
+ Tip from / Recommended by / From = {person}
= {v} recommended {e}.
= {e} was a tip from {v}.
= I know {e} through {v}.
? Who recommended {e}? | Whose tip was {e}? | {e} recommended by | Through whom do I know {e}?
! What did {v} recommend? | Which tip did I get from {v}?
+ Page / On page / Stopped at = page {hundred} / chapter {few} / page {number}
= In {e} I am at {v}.
= I stopped reading {e} at {v}.
? How far am I in {e}? | Where did I stop in {e}? | {e} page
! In which book am I at {v}?
+ About / Plot / Set in = a lighthouse keeper / two rival bakers / a lost orchestra / a town under water / a stolen map / a retired spy / a talking crow / twins in exile / a forged painting / the last glacier / a haunted ferry
= {e} is about {v}.
= In {e} the story follows {v}.
? What is {e} about? | What does {e} tell of? | {e} plot
! Which title is about {v}? | Which story deals with {v}?
+ Due back / Library / Return by = {date}
= {e} is due back at the library on {v}.
= The library wants {e} by {v}.
? When must {e} go back to the library? | {e} due back | Until when may I keep {e}?
! What is due at the library on {v}?

fact
= {name} plays in {city} on {date}, tickets cost {smallmoney}, doors at {clock}.
= Concert: {name}, {city}, {date}, doors {clock}, {smallmoney}.
= On {date} we hear {name} in {city}; {smallmoney} a ticket, doors open at {clock}.
? city: Where does {name} play? | In which town is the {name} concert? | {name} concert where
? date: When is the {name} concert? | On what date does {name} play? | {name} concert date
? smallmoney: How much is a ticket for {name}? | What does it cost to hear {name}? | {name} ticket price
? clock: When do the doors open for {name}? | At what time can we get in for {name}?
? name: Who plays in {city}? | Which band do we hear on {date}? | Whose concert is it in {city}?

fact
= The book club meets at {person}'s on {date}; we read {book}.
= Book club: {book}, {date}, at {person}'s.
= For the book club on {date} read {book}; {person} is the host.
? person: Who hosts the book club? | At whose place is the book club? | book club host
? date: When does the book club meet? | book club date | On which day do we discuss {book}?
? book: What do we read for the book club? | Which title is up next in the book club? | book club book

fact
= {person} tells me to listen to the podcast {name}, episode {number}, about {topic}.
= Podcast tip from {person}: {name}, episode {number}, on {topic}.
= Episode {number} of {name} is on {topic} ({person}'s tip).
: topic = volcanoes / cheese caves / old bridges / sleep / tax havens / whales / clock makers / Arctic ships / fungi / forgeries
? person: Who recommended {name}? | Whose podcast tip was it? | From whom is the tip about {topic}?
? name: Which podcast did {person} recommend? | What is the podcast about {topic} called? | podcast tip {person}
? number: Which episode of {name} should I hear? | What is the number of the episode about {topic}?
? topic: What is episode {number} about? | What does {name} talk about?

fact
= We saw {book} at the {name} cinema with {person}, seats in row {few}.
= With {person} at the {name} cinema for {book}, row {few}.
? name: In which cinema did we see {book}? | Which cinema did {person} and I go to?
? person: With whom did I see {book}? | Who came to the cinema?
? few: In which row did we sit at the {name}? | What row did we have for {book}?
? book: What did I see with {person}? | What film was on at the {name}?

fact
= {person} won the {game} night with {number} points, {person2} came second with {few}.
= {game} night: {person} {number} points, {person2} {few}.
= With {number} points {person} beat {person2} ({few} points) at {game}.
: game = skat / dominoes / backgammon / rummy / darts / mini golf / scrabble / table tennis / pub quiz / bowling
? person: Who won at {game}? | Who got the most points? | {game} winner
? number: How many points did {person} get? | What was the winning score at {game}?
? person2: Who came second at {game}? | Whom did {person} beat?
? few: How many points did {person2} have? | What was the score of the loser at {game}?

fact
= In chapter {few} of my novel {first} meets {first2} in {city}.
= Chapter {few}: {first} and {first2} run into each other in {city}.
? few: In which chapter do {first} and {first2} meet? | What chapter of my novel is set in {city}?
? first2: Whom does {first} meet in my novel? | Who runs into {first}?
? city: Where do {first} and {first2} meet? | In which place is chapter {few} set?

fact
= I practise {piece} at {number} bpm; {person} wants {hundred}.
= {piece}: now {number} bpm, goal {hundred} ({person}).
: piece = the {name} waltz / the {name} étude / {name}'s sonata / the {colour} rag / the {name} tango
? number: How fast do I play {piece} now? | What is my tempo for {piece}?
? hundred: What tempo does {person} want? | What is the goal for {piece}?
? person: Who sets my tempo? | Who wants me to play {piece} faster?
? piece: What am I practising? | Which piece do I play at {number} bpm?
""",
)

SCHOOL = parse_family(
    "school",
    "School / Kids / Family / Kindergarten / Timetable / University / Exams / Class notes / Family calendar / Homework",
    """
card {subject}
+ Teacher / With / Taught by = {teacher} / {full}
= {v} teaches {e}.
= The {e} teacher is {v}.
= {e} is with {v} this year.
? Who teaches {e}? | What is the {e} teacher called? | {e} teacher | With whom do I have {e}?
! What does {v} teach? | Which subject is {v}'s?
+ Room / In room = room {room}
= {e} is in {v}.
= The {e} lessons are held in {v}.
? Where is {e}? | In which room is {e}? | {e} room
! What is taught in {v}?
+ Exam / Test / Exam date = {date}
= The {e} exam is on {v}.
= On {v} there is a test in {e}.
? When is the {e} exam? | On which day is the test in {e}? | {e} exam date | When do I have to be ready for {e}?
! In which subject is there a test on {v}? | What do I have to study for {v}?
+ Grade / Mark / Result = {number} percent / {few} points / B plus / A minus / C / D plus
= The mark in {e} is {v}.
= In {e} the result was {v}.
? What was the mark in {e}? | What result did {e} bring? | {e} grade
! In which subject was the result {v}?
+ Homework / Prepare / Read = pages {number} to {hundred} / exercise {few} / chapter {few} / the worksheet on {city} / a poster about {ingredient} / the poem "{book}"
= Homework in {e}: {v}.
= For {e} I must prepare {v}.
? What is the homework in {e}? | What do I prepare for {e}? | {e} homework
! For which subject is {v}?
+ Day / When / On = {weekday} / {weekday} at {clock}
= {e} takes place on {v}.
= We have {e} on {v}.
? When do we have {e}? | On which day is {e}? | {e} day
! What do we have on {v}?

card {first}
+ Teacher / Class teacher = {teacher}
= {e}'s class teacher is {v}.
= In school {e} has {v}.
? Who is {e}'s teacher? | Which teacher does {e} have? | {e} teacher
! Whose class teacher is {v}?
+ Class / Group = group {few} / group {colour} / class {few}
= {e} is in {v}.
= {e} goes to {v}.
? Which class is {e} in? | {e} class | To which group does {e} go?
! Who is in {v}?
+ Shoe size / Shoes = {number}
= {e} now takes shoe size {v}.
= {e} needs shoes in {v}.
? What is {e}'s shoe size? | Which size of shoes for {e}? | {e} shoes
+ Pick-up / Pick up at / Finishes = {clock}
= {e} has to be picked up at {v}.
= School is over for {e} at {v}.
? When do I pick up {e}? | At what time does {e} finish? | {e} pick-up time
! Who is picked up at {v}?
+ Bus / School bus / Line = line {number} / bus {few}
= {e} takes {v}.
= {v} brings {e} to school.
? Which bus does {e} take? | How does {e} get to school? | {e} bus
! Who takes {v}?
+ Wants / Wish / Wish list = a {colour} kite / a {name} robot / {colour} skates / a telescope from {company} / a {pet} / a {colour} drum / the game {name}
= {e} wants {v} for the birthday.
= {e} wishes for {v}.
? What does {e} want? | What is on {e}'s wish list? | {e} wish | What could I give {e}?
! Who wants {v}?

fact
= {first}'s class goes to {city} on {date}, it costs {smallmoney}; {teacher} needs the slip back.
= School trip of {first}: {city}, {date}, {smallmoney}, slip to {teacher}.
= On {date} {first} goes to {city} with the class for {smallmoney}; the slip goes to {teacher}.
? city: Where does {first}'s class go? | What is the destination of the school trip? | {first} school trip where
? date: When is {first}'s school trip? | On which day does the class go to {city}?
? smallmoney: How much is the trip to {city}? | What do I pay for {first}'s trip?
? teacher: Who needs the slip? | To whom does {first} give the slip?
? first: Who goes to {city}? | Whose class has a trip on {date}?

fact
= {first} has {activity} on {weekday} at {clock}; {person} drives.
= {weekday} {clock}: {activity} for {first}, {person} does the driving.
= {person} drives {first} to {activity} every {weekday} at {clock}.
: activity = football / ballet / violin / swimming / scouts / chess club / judo / circus / theatre club / gymnastics
? weekday: On which day does {first} have {activity}? | When in the week is {activity}? | {first} {activity} day
? clock: At what time is {first}'s {activity}? | When must {first} be at {activity}?
? person: Who drives {first}? | Who takes {first} to {activity}? | driver {activity}
? activity: What does {first} do on {weekday}? | Where does {person} drive {first}?
? first: Whom does {person} drive? | Who does {activity}?

fact
= {first} lost a tooth on {date} and got {smallmoney} for it.
= On {date} {first} lost a tooth; the tooth fairy left {smallmoney}.
? date: When did {first} lose a tooth? | On which day did the tooth fairy come?
? smallmoney: What did {first} get for the tooth? | How much did the tooth fairy leave?
? first: Who lost a tooth?

fact
= My {relative} {first} married {first2} in {city} in {year}.
= In {year} my {relative} {first} and {first2} got married in {city}.
= {first}, my {relative}, has been married to {first2} since {year}; the wedding was in {city}.
? first2: Whom did my {relative} marry? | Who is {first} married to? | {first} spouse
? city: Where did {first} get married? | In which place was the wedding of my {relative}?
? year: In which year did {first} marry? | Since when are {first} and {first2} married?
? first: What is my {relative} called? | Who is married to {first2}?
? relative: How is {first} related to me? | Who is {first}?

fact
= Great-grandfather {full} was a {job} and came from {city} in {year}.
= In {year} great-grandfather {full} left {city}; he worked as a {job}.
? full: What was great-grandfather's name?
? job: What did great-grandfather do? | What was the trade of {full}? | great-grandfather profession
? city: Where did great-grandfather come from? | Which place did {full} leave?
? year: In which year did {full} come here? | When did great-grandfather arrive?

fact
= The parents' group decided that {person} buys the {gift} for {teacher}, {smallmoney} each.
= Gift for {teacher}: {gift}, {person} buys it, everybody pays {smallmoney}.
: gift = rose bush / fountain pen / picnic basket / theatre voucher / hammock / photo book / tea set
? gift: What does {teacher} get? | What gift was chosen for {teacher}?
? person: Who buys the {gift}? | Who gets the present for {teacher}?
? smallmoney: How much does everybody pay for the {gift}? | What is my share of the present?
? teacher: For whom is the {gift}?

fact
= The thesis by {person} is about {topic}, supervised by {teacher}, and has to have {number} pages.
= {person} writes a thesis on {topic} with {teacher}: {number} pages.
: topic = river ice / moss on roofs / medieval bread / tram noise / bat calls / rural libraries / sea walls / early maps / sleep in crows
? topic: What is {person}'s thesis about? | What does {person} write on? | {person} thesis topic
? teacher: Who supervises {person}? | With whom does {person} write the thesis?
? number: How many pages must {person}'s thesis have? | How long is the thesis on {topic}?
? person: Who writes about {topic}? | Whose thesis does {teacher} supervise?
""",
)

JOURNAL = parse_family(
    "journal",
    "Diary / Journal / Today / This week / Notes to self / Weekend / Evening notes / Thoughts / What happened",
    """
fact
= Ran into {person} at {place}; {person} is now a {job} in {city}.
= At {place} I bumped into {person}, who works as a {job} in {city} these days.
= {person}, whom I met by chance at {place}, has become a {job} and lives in {city}.
: place = the bakery / the post office / the flea market / the bus stop / the {name} bridge / the library / the pharmacy / platform {few} / the ice rink / the hardware store
? place: Where did I run into {person}? | At which place did I meet {person}?
? job: What does {person} do now? | What has {person} become? | {person} job
? city: Where does {person} live now? | In which place does {person} work?
? person: Whom did I run into at {place}? | Who has become a {job}? | Which acquaintance is in {city} now?

fact
= Saw a {bird} near {city} this morning, together with {person}.
= This morning {person} and I spotted a {bird} close to {city}.
= A {bird} sat on a post near {city}; {person} saw it first.
: bird = heron / kingfisher / hare / hedgehog / fox / stork / badger / barn owl / lynx / red kite / otter / roe deer
? bird: Which animal did I see near {city}? | What did {person} and I spot? | animal near {city}
? city: Where did I see the {bird}? | Near which place did the {bird} show up?
? person: Who was with me when I saw the {bird}? | With whom was I near {city}?

fact
= {person} told me that {person2} is moving to {city} because of {reason}.
= According to {person}, {person2} goes to {city} for {reason}.
= {person2} will move to {city}, says {person}; the reason is {reason}.
: reason = love / a new job / the rent / the sea air / a sick parent / a boat / studies / the quiet / a bakery
? person2: Who is moving to {city}? | About whom did {person} tell me news?
? city: Where is {person2} moving? | What is the future home of {person2}?
? reason: Why is {person2} moving? | What draws {person2} to {city}? | What is behind {person2}'s move?
? person: Who told me about {person2}? | From whom do I know about the move to {city}?

fact
= {person} gave me {gift} for {occasion}.
= For {occasion} I got {gift} from {person}.
= {gift2} came from {person} for {occasion}.
: gift = a {colour} umbrella / a jar of {ingredient} / an old map of {city} / a {colour} bowl / a ticket to {city} / a {name} radio / a bag of {ingredient} / a {colour} jumper
: gift2 = My {colour} scarf / My {name} watch / My {colour} mug
: occasion = my birthday / Christmas / passing the exam / the housewarming / no reason at all / the name day / helping with the move / Easter
? gift: What did I get from {person}? | What was {person}'s present? | present from {person}
? person: Who gave me {gift}? | Who gave me something for {occasion}? | From whom did I get a present for {occasion}?
? occasion: On what occasion did {person} give me something? | For what did I get {gift}?

fact
= I want to learn {skill} by {month}, {person} will help me.
= My plan: {skill} by {month}, with help from {person}.
= {person} promised to teach me {skill} until {month}.
: skill = how to whistle / the backstroke / Morse code / bookbinding / juggling with four balls / Polish / how to weld / the banjo / touch typing / fly tying
? skill: What do I want to learn? | What will {person} teach me? | What is my plan for {month}?
? month: By when do I want to learn {skill}? | Until which month should I know {skill}?
? person: Who helps me with {skill}? | Who will teach me?

fact
= Dreamt of {dream} again, just like in {year}.
= Last night I dreamt about {dream}, as in {year}.
: dream = a flooded library / talking horses / an endless staircase / a glass train / my old school / a {colour} desert / teeth made of chalk
? dream: What did I dream of? | What was my dream about? | dream
? year: In which year did I have the same dream? | When did I dream of {dream} before?

fact
= The power was out from {clock} to {clock2}, {person} lent us candles.
= No electricity between {clock} and {clock2}; candles came from {person}.
? clock: When did the power go out? | From what time was there no electricity?
? clock2: When did the power come back? | Until when was there no electricity?
? person: Who lent us candles? | From whom did we get candles?

fact
= {person} and {person2} are having an argument about {topic}.
= There is trouble between {person} and {person2}: it is about {topic}.
= {person2} no longer speaks to {person} because of {topic}.
: topic = a parking space / the inheritance / a broken vase / politics / loud music / an unpaid bill / the hedge / a borrowed tent / the dog / a joke
? topic: What do {person} and {person2} argue about? | What is the trouble between {person} and {person2}? | Over what did {person} and {person2} fall out?
? person2: With whom does {person} have an argument? | Who fell out with {person}?
? person: Who has trouble with {person2}?

fact
= We walked {km} along the {river} to {city} and had {food} at {inn}.
= {km} on foot along the {river}, then {food} at {inn} in {city}.
: river = {name} river / {name} canal / old railway / {name} ridge / coast path
: km = {few} km / {few}.{few} km
: inn = the {name} hut / the {colour} {pet} inn / {name}'s bar
? km: How far did we walk along the {river}? | What distance was the walk to {city}? | walk {city} distance
? river: Along what did we walk? | What was our route to {city}?
? food: What did we eat at {inn}? | What was there to eat in {city}?
? inn: Where did we eat {food}? | In which house in {city} did we stop? | What is the inn in {city} called?
? city: Where did the walk along the {river} lead? | In which place is {inn}?

fact
= My best moment of {month}: {moment} with {person} in {city}.
= The nicest thing in {month} was {moment} with {person} in {city}.
: moment = swimming at night / eating plums / the fireworks / singing in the car / the sledge ride / dancing in the rain / the boat trip / the lantern parade
? moment: What was my best moment of {month}? | What did I enjoy so much with {person}?
? person: With whom did I share the best moment of {month}? | Who was with me in {city}?
? city: Where was my best moment of {month}? | In which place was {moment}?
? month: In which month was I in {city} with {person}? | When was {moment}?

fact
= I weigh {kg} today, {few} less than in {month}.
= Scales this morning: {kg}; that is {few} less than in {month}.
: kg = {number} kg / {number}.{few} kg
? kg: How much do I weigh? | What did the scales show? | my weight
? few: How many kilos have I lost? | By how much is my weight lower than in {month}?
? month: Since which month have I lost weight? | With which month do I compare my weight?

fact
= {person} quit smoking on {date} and puts {smallmoney} a day in a jar for {goal}.
= Since {date} {person} does not smoke and saves {smallmoney} a day for {goal}.
: goal = a trip to {city} / a {colour} sofa / a drum kit / a tattoo / a kayak / singing lessons
? date: When did {person} quit smoking? | Since when does {person} not smoke?
? smallmoney: How much does {person} save a day? | What goes into {person}'s jar?
? goal: What is {person} saving for? | For what is the money in the jar?
? person: Who quit smoking? | Who is saving for {goal}?
""",
)
