"""The house: appliances, warranties, codes, meters, repairs."""

from engine.training.personal_notes.templates import parse_family

FAMILY = parse_family(
    "home",
    "House notes / Home / Flat / Appliances / Warranties / Household / Repairs / Apartment / Around the house / Utilities",
    """
card {appliance}
+ Model / Type / Make = {product}
= The {e} is a {v}.
= Our {e} is the model {v}.
= We have a {v} as our {e}.
? Which model is our {e}? | What {e} do we have? | {e} model | What is the exact type of the {e}? | What should I tell the shop when they ask for the {e} model?
! Which device is the {v}? | What is the {v}?
+ Warranty until / Guarantee / Warranty = {date}
= The warranty on the {e} runs until {v}.
= The {e} is under guarantee up to {v}.
= After {v} the {e} is out of warranty.
? How long is the {e} under warranty? | When does the guarantee for the {e} end? | {e} warranty | Until when can I have the {e} repaired for free?
! Which appliance's warranty ends on {v}?
+ Price / Cost / Paid = {money}
= The {e} cost {v}.
= We paid {v} for the {e}.
= The {e} was {v}.
? How much was the {e}? | What did we pay for the {e}? | {e} price | How expensive was the {e}?
! Which appliance cost {v}?
+ Serial number / Serial / S/N = {code}
= The serial number of the {e} is {v}.
= On the back of the {e} it says serial {v}.
? What is the serial number of the {e}? | {e} serial | Which number is printed on the {e}?
! What has the serial number {v}?
+ Bought at / Shop / From = {company}
= We got the {e} from {v}.
= The {e} comes from {v}.
= {v} sold us the {e}.
? Where did we buy the {e}? | Which shop sold us the {e}? | Who do I return the {e} to? | {e} shop
! What did we buy at {v}?
+ Service / Repair hotline / Technician = {phone}
= For repairs of the {e} call {v}.
= The service line for the {e} is {v}.
? Which number helps when the {e} breaks? | What is the repair hotline for the {e}? | Who do I ring about a broken {e}?
+ Clean / Maintenance / Descale every = {weeks}
= The {e} needs cleaning every {v}.
= Clean the {e} every {v}.
? How often does the {e} need cleaning? | At what interval do I clean the {e}? | {e} cleaning interval

card {houseroom}
+ Paint / Wall colour / Walls = {colour} / {name} {colour} / {product}
= The {e} is painted in {v}.
= The wall paint in the {e} is {v}.
= For the {e} we used {v}.
? What paint is on the walls of the {e}? | Which shade did we use in the {e}? | {e} paint | In what colour is the {e}?
! Which room is painted in {v}? | Where did we use {v}?
+ Size / Area / Floor = {number} square metres
= The {e} measures {v}.
= The {e} has {v}.
? How big is the {e}? | What is the floor area of the {e}? | {e} size
! Which room has {v}?
+ Window / Window width / Curtain width = {cm}
= The window in the {e} is {v} wide.
= Curtains for the {e} must be {v} wide.
? How wide is the window in the {e}? | What width do I need for curtains in the {e}? | {e} window width
+ Bulb / Lamp / Light = {product}
= The lamp in the {e} takes a {v} bulb.
= Light bulb type for the {e}: {v}.
? Which bulb goes in the {e} lamp? | What light bulb do I buy for the {e}? | {e} bulb

fact
= The wifi at {place} is called {name} and the password is {password}.
= At {place} the network is {name}, password {password}.
= To get online at {place}, choose {name} and type {password}.
- Wifi {place}: {name} / {password}
- {place} wifi: network {name}, key {password}
: place = the cottage / the office / Grandma's / home / the studio / the holiday flat / the workshop / Dad's / the café / the clubhouse / the boat / the guest house
? password: What is the wifi password at {place}? | wifi password {place} | What do I type in to get online at {place}? | Which key opens the network {name}? | How do I log on to {name}? | internet password {place}
? name: What is the wifi at {place} called? | Which network do I pick at {place}? | wifi name {place} | What is the name of the network at {place}?
? place: Where is the network {name}? | Where does the password {password} work?

fact
= The code for the {lock} is {pin}.
= {pin} opens the {lock}.
= You open the {lock} with {pin}.
= To unlock the {lock} enter {pin}.
- {lock}: {pin}
- {lock} code {pin}
: lock = bike lock / garage door / front gate / alarm / gym locker / key safe / mailbox / suitcase / laundry room / parking barrier / shed / safe / roof terrace / back door
? pin: What is the code for the {lock}? | How do I open the {lock}? | {lock} code | Which digits do I need at the {lock}? | What number unlocks the {lock}? | {lock} combination
? lock: What does {pin} open? | Where do I use the code {pin}?

fact
= We changed the {lock} code from {pin} to {pin2} on {date}.
= Since {date} the {lock} code is {pin2} instead of {pin}.
= The {lock} no longer opens with {pin}; the new code since {date} is {pin2}.
: lock = front door / bike cellar / storage room / pool gate / office safe / caravan / holiday flat / fuse room
? pin2: What is the {lock} code now? | Which code opens the {lock}? | Current {lock} combination? | {lock} code
? pin: What was the {lock} code before? | Which code for the {lock} is outdated?
? date: When was the {lock} code changed? | Since when does the {lock} have another code?

fact
= The {meter} meter read {kwh_value} on {date}.
= On {date} I read the {meter} meter: {kwh_value}.
= {meter} meter, {date}: {kwh_value}.
: meter = gas / electricity / cold water / hot water / heating / solar
: kwh_value = {km_reading} units / {hundred}{number} / {hundred}.{number}
? kwh_value: What did the {meter} meter show? | What is the last {meter} reading? | {meter} meter reading | How much was on the {meter} meter on {date}?
? date: When did I last read the {meter} meter? | On which day was the {meter} meter checked?
? meter: Which meter did I read on {date}? | Which meter showed {kwh_value}?

fact
= {person} from {company} repaired the {broken} on {date} and charged {money}.
= The {broken} was fixed by {person} of {company} on {date} for {money}.
= On {date} {person} ({company}) mended the {broken}; the bill was {money}.
- {date}: {broken} repaired, {company}, {person}, {money}
: broken = roof gutter / kitchen tap / garage door / window handle / doorbell / shower drain / floor heating / balcony door / shutters / chimney flap / garden pump / bannister / cellar light
? person: Who repaired the {broken}? | Who came from {company}? | Which workman dealt with the {broken}?
? company: Which firm mended the {broken}? | Who does {person} work for? | What company did the job on the {broken}?
? date: When was the {broken} fixed? | On what day was {person} here? | Since when does the {broken} work again?
? money: What did the repair of the {broken} cost? | How much did {company} charge? | How large was the bill for the {broken}?
? broken: What did {person} fix? | What was broken and repaired by {company}?

fact
= {bin} bins are emptied on {weekday}.
= The {bin} bin goes out on {weekday}.
= {weekday} is the day for the {bin} bin.
- {bin} bin: {weekday}
: bin = paper / glass / plastic / garden waste / general waste / metal / compost
? weekday: When does the {bin} bin go out? | On which day is {bin} collected? | {bin} bin day | What day do they empty the {bin} bin?
? bin: Which bin do I put out on {weekday}? | What is collected on {weekday}?

fact
= Our landlord {full} wants the rent of {money} by the {ordinal} of each month.
= Rent is {money}, due on the {ordinal}, to {full}.
= On the {ordinal} of every month we transfer {money} to our landlord, {full}.
: ordinal = 1st / 3rd / 5th / 10th / 15th / 28th / 25th
? money: How much is our rent? | What do we transfer to the landlord each month? | monthly rent
? full: What is our landlord's name? | Who gets our rent? | Who owns the flat?
? ordinal: On which day of the month is the rent due? | By when must the rent be paid?

fact
= The {part} for the {appliance} is a {product}, {smallmoney} at {company}.
= Replacement {part} for the {appliance}: {product} from {company}, {smallmoney}.
= The {appliance} takes {part} {product}; {company} sells it for {smallmoney}.
: part = filter / seal / belt / fuse / battery / brush / hose / cartridge
? product: Which {part} fits the {appliance}? | What {part} do I need for the {appliance}? | {appliance} {part} | What is the part name of the {part} for the {appliance}?
? smallmoney: What does the {part} for the {appliance} cost? | How much is the {product}?
? company: Where can I get the {part} for the {appliance}? | Who sells the {product}?

fact
= The {valve} is {spot2}.
= You find the {valve} {spot2}.
= If something goes wrong: the {valve} is {spot2}.
: valve = main water tap / fuse box / gas shut-off / stopcock / router reset pin / heating valve / emergency key / fire blanket
: spot2 = behind the washing machine / under the kitchen sink / in the cellar behind the red door / next to the meter cupboard / behind the coat rack / left of the boiler / in the hallway niche / under the floorboard by the toilet
? spot2: Where is the {valve}? | Where do I find the {valve}? | {valve} location | In an emergency, where is the {valve}?
? valve: What is {spot2}?
""",
)
