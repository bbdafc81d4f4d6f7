"""Animals, plants and vehicles."""

from engine.training.personal_notes.templates import parse_family

PETS = parse_family(
    "pets",
    "Pets / Animals / Vet / Cat sitting / Dog notes / For the pet sitter / Feeding plan",
    """
card {petname}
+ Animal / Kind / Is a = {pet}
= {e} is our {v}.
= The {v} of the house is {e}.
? What kind of animal is {e}? | What is {e}? | {e} animal
! What is the {v} called? | What is our {v}'s name?
+ Food / Feed / Portion = {grams}
= {e} gets {v} of food.
= Give {e} {v} a day.
= The daily portion for {e} is {v}.
? How much food does {e} get? | What portion do I give {e}? | {e} food amount | How much does {e} eat?
! Who gets {v} of food?
+ Feeding time / Time / Fed at = {clock}
= {e} is fed at {v}.
= {e} eats at {v}.
= At {v} it is {e}'s dinner time.
? When is {e} fed? | At what time does {e} eat? | {e} feeding time
! Who is fed at {v}?
+ Vet / Vet's name = {doctor}
= {e}'s vet is {v}.
= {v} looks after {e}.
? Who is {e}'s vet? | Which vet treats {e}? | {e} vet
! Which animal does {v} treat?
+ Chip / Chip number / Chip no. = {code}
= The chip number of {e} is {v}.
= {e} is chipped with {v}.
? What is {e}'s chip number? | Which chip does {e} have? | {e} chip
! Whose chip number is {v}?
+ Next vet visit / Check-up / Vaccination = {date}
= {e} has to see the vet on {v}.
= The next check-up for {e} is on {v}.
? When does {e} go to the vet? | When is the next check-up of {e}? | {e} vet date
! Who has to see the vet on {v}?
+ Born / Birthday / Since = {year}
= {e} was born in {v}.
= {e} came into the world in {v}.
? In which year was {e} born? | What is the birth year of {e}? | {e} year
+ Medicine / Pills / Drops = {medicine}
= {e} takes {v}.
= {e} needs {v} every morning.
? Which medicine does {e} take? | What do I give {e} every morning? | {e} medicine
! Who takes {v}?
+ Favourite toy / Loves / Toy = the {colour} ball / a {colour} rope / the {colour} mouse / an old {colour} sock / the {colour} tunnel / the {colour} blanket
= {e} loves {v}.
= {e} cannot sleep without {v}.
? What does {e} love? | What is {e}'s favourite toy? | {e} toy | Without what can {e} not sleep?
! Who loves {v}?

fact
= {person} walks {petname} on {weekday} at {clock}.
= On {weekday} at {clock} {person} takes {petname} out.
= {petname} goes out with {person}, {weekday} {clock}.
? person: Who walks {petname}? | Who takes {petname} out on {weekday}? | {petname} walker
? weekday: On which day does {person} come for {petname}? | When does {person} walk {petname}?
? clock: At what time does {person} take {petname} out? | What time is the walk with {petname}?
? petname: Whom does {person} take for a walk? | Which animal goes out on {weekday}?

fact
= {petname} weighed {weight} at {doctor}'s on {date}; it was {weight2} last time.
= On {date} {doctor} weighed {petname}: {weight}, down from {weight2}.
= {petname} now weighs {weight} instead of {weight2} ({doctor}, {date}).
: weight = {few}.{few} kg / {few} kg
: weight2 = {number} kg
? weight: How much does {petname} weigh now? | What is {petname}'s weight? | {petname} weight
? weight2: What did {petname} weigh before? | What was {petname}'s former weight?
? doctor: Who weighed {petname}? | At which vet was {petname} put on the scales?
? date: When was {petname} weighed? | On which date was {petname} at the vet?

fact
= {petname} must not eat {ingredient}, it gives {petname} a rash.
= Never feed {petname} {ingredient}.
= {petname} is not allowed {ingredient}.
? ingredient: What must {petname} not eat? | Which food is forbidden for {petname}? | {petname} forbidden food
? petname: Who must not have {ingredient}? | For which animal is {ingredient} forbidden?

fact
= While we are away {person} looks after {petname} from {date} to {date2}.
= {person} takes {petname} from {date} until {date2}.
= {petname} stays with {person} between {date} and {date2}.
? person: Who looks after {petname}? | With whom does {petname} stay? | {petname} sitter
? date: From when is {petname} with {person}? | On which day does {petname} go to {person}?
? date2: Until when does {person} have {petname}? | When does {petname} come back from {person}?
? petname: Whom does {person} look after?
""",
)

GARDEN = parse_family(
    "garden",
    "Garden / Balcony / Allotment / Plants / Garden diary / Greenhouse / Planting plan / Beds and seeds",
    """
card {plant}
+ Planted / Sown / In since = {date}
= I planted {e} on {v}.
= On {v} I put {e} into the ground.
? When did I plant {e}? | On which date did {e} go into the ground? | {e} planting date | Since when are {e} growing?
! What did I plant on {v}?
+ Water / Watering / Every = every {days} / every {weekday} / twice on {weekday}s / only in {month}
= Water {e} {v}.
= Watering {e}: {v}.
? How often do I water {e}? | When does the water go to {e}? | {e} watering
! What is watered {v}?
+ Place / Where / Spot = bed {few} / the {colour} pot / the south wall / the bed by the gate / the greenhouse / the window sill / the raised bed / the corner behind the shed / the {colour} tub
= For {e} I chose {v}.
= My place for {e} is {v}.
? Where do I have {e}? | Which spot did I choose for {e}? | {e} place
! What grows in this spot: {v}?
+ Fertiliser / Feed / Soil = {name} powder / coffee grounds / compost / {name} mix / horn meal / nettle brew / lime
= {v} is good for {e}.
= I feed {e} with {v}.
? What do I feed {e} with? | What is good for {e}? | {e} fertiliser
! What do I give {v} to?
+ Harvest / Ready in / Crop = {month}
= I expect the harvest of {e} in {v}.
= With {e} it should be time in {v}.
? When do I harvest {e}? | In which month are {e} ready? | {e} harvest month
! What is ready in {v}?
+ Variety / Sort / Name = {name} / {name} {colour}
= The variety I chose for {e} is {v}.
= Of {e} I took the sort {v}.
? Which variety did I choose for {e}? | What sort of {e} do I grow? | {e} variety
! Of what is {v} a variety?
+ From / Got from / Shop = {company} / {person}
= I got {e} from {v}.
= {v} gave me {e}.
? From whom did I get {e}? | Where do {e} come from? | {e} source
! What did I get from {v}?

fact
= Cut back {plant} in {month}, to {cm}.
= In {month} shorten {plant} to {cm}.
= {plant}: pruning in {month}, down to {cm}.
? month: When do I cut back {plant}? | In which month is {plant} pruned? | {plant} pruning
? cm: To what length do I cut {plant}? | How short should {plant} be?
? plant: What do I prune in {month}? | What should be cut to {cm}?

fact
= The {hedge} between us and {person} may be {cm} high at most.
= {person} wants the {hedge} no higher than {cm}.
= We agreed with {person} that the {hedge} stays below {cm}.
: hedge = hedge / fence / bamboo / ivy wall / trellis / row of willows
? cm: How high may the {hedge} be? | What is the limit for the {hedge}? | {hedge} height
? person: With whom did we agree on the {hedge}? | Who does not want a higher {hedge}?

fact
= Harvested {kg} of {crop} on {date}, {person} took half.
= On {date} we picked {kg} of {crop}; half went to {person}.
: crop = plums / cherries / beans / pears / quinces / gooseberries / walnuts / pumpkins / peas / figs
? kg: How many kilos of {crop} did we harvest? | How much did the {crop} yield? | {crop} harvest
? date: When did we pick the {crop}? | On which day was the {crop} harvest?
? person: Who took half of the {crop}? | Who got some of our {crop}?
? crop: What did we harvest on {date}? | What did {person} get?

fact
= Move {plant} indoors when it drops below {few} degrees, says {person}.
= {person} told me to bring in {plant} below {few} degrees.
? few: Below how many degrees does {plant} go indoors? | At what temperature must {plant} come in?
? person: Who gave me the tip about {plant}? | Who told me to take {plant} indoors?
? plant: What must come in below {few} degrees? | Which plant should go indoors?
""",
)

VEHICLES = parse_family(
    "vehicles",
    "Car / Bike / Garage / Car and bike / Vehicle log / Service book / Bike repairs / Car papers",
    """
card {car}
+ Plate / Licence plate / Reg = {plate}
= The {e} has the plate {v}.
= The registration of the {e} is {v}.
? What is the plate of the {e}? | Which registration does the {e} have? | {e} plate
! Which vehicle has the plate {v}? | What drives with {v} on it?
+ Tyre pressure / Tyres / Pressure = {few}.{few} bar
= The tyres of the {e} need {v}.
= Inflate the {e} to {v}.
? What tyre pressure does the {e} need? | How hard do I pump up the {e}? | {e} tyre pressure
! Which vehicle needs {v} in the tyres?
+ Last service / Service / Mileage = {km_reading}
= The {e} was last serviced at {v}.
= Last service of the {e}: {v}.
? At what mileage was the {e} serviced? | What was on the clock at the last service of the {e}? | {e} last service
! Which vehicle was serviced at {v}?
+ MOT / Inspection / Test = {date}
= The inspection of the {e} is due on {v}.
= The {e} has to pass its inspection by {v}.
? When is the {e} due for inspection? | Until when is the {e} allowed on the road? | {e} inspection
! Which vehicle is inspected on {v}?
+ Oil / Fuel / Takes = {few}W-{number} / {name} {number} / E{few} / diesel {name}
= The {e} takes {v}.
= For the {e} use only {v}.
? What oil or fuel does the {e} take? | What may go into the {e}? | {e} oil
! What takes {v}?
+ Mechanic / Garage / Workshop = {person} / {company}
= {v} repairs the {e}.
= The {e} goes to {v} for repairs.
? Who repairs the {e}? | Where do I take the {e} for repairs? | {e} mechanic
! Which vehicle is repaired by {v}?
+ Parked at / Parking / Place = space {room} / {address} / level {few}
= The {e} is parked at {v}.
= I left the {e} at {v}.
? Where is the {e} parked? | Where did I leave the {e}? | {e} parking
! What is parked at {v}?
+ Insurance / Insured with = {company}
= The {e} is insured with {v}.
= {v} insures the {e}.
? Who insures the {e}? | With which company is the {e} insured? | {e} insurance
! What is insured with {v}?

fact
= Replaced the {part} of the {colour} bike on {date}: {product}, {smallmoney}.
= On {date} the {colour} bike got a new {part}, a {product} for {smallmoney}.
= New {part} ({product}, {smallmoney}) for the {colour} bike, fitted on {date}.
: part = chain / saddle / front light / brake pads / bell / rear tyre / pedals / cassette / shifter cable / basket
? part: What was replaced on the {colour} bike? | Which part did the {colour} bike get? | {colour} bike new part
? date: When did I replace the {part}? | On which day did the {colour} bike get its {part}? | {part} replaced when
? product: Which {part} did I fit? | What model is the {part} on the {colour} bike? | {part} model
? smallmoney: How much was the {part}? | What did I pay for the {product}? | {part} price
? colour: Which of the bikes got a new {part}? | What is the colour of the bike with the new {part}?

fact
= The frame number of the {colour} bike is {code}, the lock opens with {pin}.
= {colour} bike: frame {code}, lock {pin}.
= Frame number {code} belongs to the {colour} bike; its lock code is {pin}.
? code: What is the frame number of the {colour} bike? | {colour} bike frame number | Which number is on the frame of the {colour} bike?
? pin: How do I open the lock of the {colour} bike? | {colour} bike lock | Which digits open the lock of the {colour} bike?
? colour: Which bike has the frame number {code}? | For which bike is the lock code {pin}?

fact
= {person} drove the {car} into {thing3} on {date}; the damage is {money}.
= On {date} {person} hit {thing3} with the {car}, damage {money}.
= {thing3} was in the way of the {car} on {date}: {person} was driving, repair {money}.
: thing3 = a bollard / the garage door / a lamp post / the neighbour's fence / a shopping trolley / a low wall
? person: Who had the accident with the {car}? | Who was driving the {car}? | Who hit {thing3}?
? thing3: What did {person} hit? | What did the {car} crash into?
? money: How much was the damage to the {car}? | What does the repair of the {car} cost?
? date: When did {person} have the accident? | On which day was the {car} damaged?

fact
= Filled up the {car} for {money} at {km_reading}.
= The {car} was at {km_reading} when I filled it up for {money}.
= {km_reading}: {money} of fuel for the {car}.
? money: How much was the fuel for the {car}? | What did filling up the {car} cost? | {car} fuel cost
? km_reading: At which mileage did I fill up the {car}? | What did the odometer of the {car} say? | {car} odometer
? car: What did I fill up for {money}?
""",
)
