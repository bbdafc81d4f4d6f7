"""Where things are kept, who borrowed what, collections and lists."""

from engine.training.personal_notes.templates import parse_family

FAMILY = parse_family(
    "things",
    "Where things are / Lent and borrowed / Inventory / Storage / Lost and found / Stuff / Keys and papers / Cupboards",
    """
card {thing}
+ Where / Place / Kept in = {spot}
= The {e} is in {v}.
= I keep the {e} in {v}.
= Look for the {e} in {v}.
= The {e} went into {v}.
? Where is the {e}? | Where do I keep the {e}? | {e} where | In which place do I find the {e}? | Where did I put the {e}? | Where should I look for the {e}?
! What is in {v}? | What do I keep in {v}? | What did I put into {v}?
+ Colour / Color = {colour}
= The {e} is {v}.
= I have the {e} in {v}.
? What colour is the {e}? | In which colour do I have the {e}? | {e} colour
! Which of my things is {v}?
+ Bought for / Price / Paid = {money}
= The {e} cost {v}.
= I paid {v} for the {e}.
? What did the {e} cost? | How much did I pay for the {e}? | {e} price
! What did I buy for {v}?
+ Belongs to / Owner / From = {person}
= The {e} belongs to {v}.
= The {e} is {v}'s.
= {v} owns the {e}.
? Whose is the {e}? | Who owns the {e}? | {e} owner | To whom does the {e} belong?
! What belongs to {v}? | Which thing is {v}'s?
+ Lent to / Borrowed by / Out with = {person}
= I lent the {e} to {v}.
= {v} has borrowed the {e}.
= The {e} is with {v} at the moment.
? Who has the {e}? | Who borrowed the {e}? | {e} lent to | To whom did I lend the {e}? | From whom do I get the {e} back?
! What did {v} borrow? | Which thing is with {v}?
+ Size / Length / Measures = {cm}
= The {e} is {v} long.
= The {e} measures {v}.
? How long is the {e}? | What are the measurements of the {e}? | {e} size

fact
= I moved the {thing} from {spot} to {spot2}.
= The {thing} used to be in {spot}, now it is in {spot2}.
= The {thing} is no longer in {spot}; look in {spot2}.
= New place for the {thing}: {spot2}, not {spot} as before.
? spot2: Where is the {thing} now? | Where do I find the {thing}? | {thing} current place | Where did I move the {thing} to? | In which place is the {thing} today?
? spot: Where was the {thing} before? | Where did I keep the {thing} earlier? | What is the old place of the {thing}?
? thing: What did I move to {spot2}? | What used to be in {spot}?

fact
= {person} borrowed my {thing} on {date} and brings it back on {date2}.
= On {date} I lent {person} the {thing}; it comes back on {date2}.
= The {thing} went to {person} on {date}, to be returned on {date2}.
? person: Who borrowed my {thing}? | Who has the {thing}? | With whom is my {thing}?
? date: When did {person} borrow something? | Since when is the {thing} gone? | On what day did I lend out the {thing}?
? date2: When do I get the {thing} back? | By when does {person} return the {thing}? | {thing} return date
? thing: What did {person} borrow? | Which of my things does {person} have?

fact
= I borrowed the {thing} from {person} and promised to give it back by {date}.
= The {thing} is {person}'s, I have to return it by {date}.
= Return the {thing} to {person} before {date}.
? person: From whom did I borrow the {thing}? | To whom must I return the {thing}? | Who lent me the {thing}?
? date: By when must the {thing} go back? | Until when may I keep the {thing}?
? thing: What did I borrow from {person}? | What has to go back to {person}? | What must I return by {date}?

fact
= Box {number} holds the {thing} and the {thing2}.
= In box {number}: {thing}, {thing2}.
= The {thing} and the {thing2} are packed in box {number}.
? number: In which box is the {thing}? | What is the number of the box with the {thing2}? | box with {thing}

fact
= The spare key for the {lock} is with {person}.
= {person} keeps a spare key for the {lock}.
= If I lose the key for the {lock}: {person} has another.
: lock = front door / bike / cellar / car / office / mailbox / allotment hut / holiday flat / boat / garage
? person: Who has a spare key for the {lock}? | Whom do I call when I lose the key for the {lock}? | {lock} spare key
? lock: Which spare key does {person} have? | What can {person} open for me?

fact
= Lost my {colour} {lost} in {place} on {date}; the lost property number is {code}.
= On {date} the {colour} {lost} got lost in {place}, case number {code}.
= {date}: left the {colour} {lost} behind in {place}, reported under {code}.
: lost = umbrella / scarf / wallet / glove / backpack / water bottle / hat / phone case / notebook
: place = the tram / {city} / the cinema / the swimming pool / line {few} / the library / the train to {city}
? place: Where did I lose the {lost}? | In which place was the {lost} left behind?
? date: When did I lose the {lost}? | On what day did the {lost} go missing?
? code: What is the case number for the {lost}? | Which number did lost property give me? | lost property number
? colour: What colour is the lost {lost}? | In which colour was the {lost}?
? lost: What did I lose in {place}? | What went missing on {date}?

fact
= The {paper} is in the {colour} folder under "{word}".
= I filed the {paper} in the {colour} folder, section "{word}".
= Look for the {paper} under "{word}" in the {colour} folder.
: paper = rental contract / birth certificate / car title / tax notice / diploma / vaccination record / marriage certificate / bank contract / pension letter / passport copy / will / land register extract
: word = {name} / {month} / House / Old / Keep / Misc
? colour: In which folder is the {paper}? | What colour is the folder with the {paper}? | {paper} folder
? paper: What did I file in the {colour} folder? | Which document is in the {colour} folder?

fact
= My {coll} collection has {hundred} pieces; the oldest is from {year} and the latest came from {person}.
= {hundred} pieces in the {coll} collection, the oldest from {year}, the last one a gift from {person}.
: coll = stamp / coin / vinyl / postcard / teapot / button / comic / fossil / mug / magnet
? hundred: How many pieces are in my {coll} collection? | How large is the {coll} collection? | number of {coll} pieces
? year: From which year is the oldest piece of the {coll} collection? | How old is the oldest {coll} piece?
? person: Who gave me the latest piece for the {coll} collection? | From whom is the newest {coll} piece?
""",
)
