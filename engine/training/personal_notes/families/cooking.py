"""Recipes, shopping and food."""

from engine.training.personal_notes.templates import parse_family

FAMILY = parse_family(
    "cooking",
    "Recipes / Kitchen notes / Cooking / Food / Baking / Dinner plans / Shopping / What to cook / Recipe ideas",
    """
card {food}
+ Time / Cooking time / Takes = {minutes}
= The {e} takes {v}.
= Leave the {e} in for {v}.
= After {v} the {e} is done.
? How long does the {e} take? | For how many minutes do I cook the {e}? | {e} time | When is the {e} ready after I start?
! Which dish takes {v}? | What is ready in {v}?
+ Oven / Temperature / Heat = {degrees}
= The {e} goes into the oven at {v}.
= Bake the {e} at {v}.
= For the {e} the oven must be at {v}.
? How hot should the oven be for the {e}? | At what temperature is the {e} made? | {e} oven temperature | To what do I preheat for the {e}?
! What is baked at {v}?
+ Serves / Portions / For = {few} people
= The {e} feeds {v}.
= The {e} is enough for {v}.
? How many does the {e} feed? | For how many guests is the {e}? | {e} servings
! Which dish is enough for {v}?
+ Secret / Trick / Special ingredient = {ingredient}
= The secret of the {e} is {v}.
= What makes the {e} special is {v}.
= Never forget the {v} in the {e}.
? What is the secret ingredient in the {e}? | What makes the {e} taste so good? | {e} trick | Which ingredient must not be missing from the {e}?
! Which dish has {v} as its secret? | Where does the {v} go?
+ From / Recipe from / Source = {person}
= I have the {e} recipe from {v}.
= The {e} is {v}'s recipe.
= {v} showed me how to make {e}.
? Whose recipe is the {e}? | Who taught me to make {e}? | Where is the {e} recipe from? | {e} recipe source
! What recipe did I get from {v}? | Which dish is {v} known for?
+ Base / Dough / Main ingredient = {grams}
= For the {e} weigh out {v} for the base.
= The base of the {e} is {v}.
? How much do I weigh out for the {e}? | What amount goes into the {e}?

fact
= For the {food} you need {grams} of {ing} and {few} {piece}.
= {food}: {grams} {ing}, {few} {piece}.
= The {food} calls for {few} {piece} and {grams} of {ing}.
= Mix {grams} of {ing} with {few} {piece} for the {food}.
: ing = flour / sugar / butter / oats / rice / semolina / ground almonds / cream cheese / cornmeal / grated cheese
: piece = eggs / onions / carrots / lemons / cloves of garlic / apples / tomatoes / potatoes / spoonfuls of oil
? grams: How much {ing} does the {food} need? | What quantity of {ing} goes into the {food}? | {food} {ing} amount | How many grams of {ing} do I weigh for the {food}?
? few: How many {piece} are in the {food}? | What number of {piece} do I need for the {food}? | {piece} for {food}
? ing: Of what do I need {grams} for the {food}? | Which ingredient of the {food} weighs {grams}?

fact
= Bake the {food} at {degrees} for {minutes}.
= {food}: {degrees}, {minutes}.
= The {food} needs {minutes} in the oven at {degrees}.
= Put the {food} in for {minutes} with the oven at {degrees}.
? degrees: What oven temperature does the {food} need? | How hot do I bake the {food}? | {food} degrees | At how many degrees does the {food} go in?
? minutes: How long does the {food} bake? | When do I take the {food} out? | For how long is the {food} in the oven? | {food} baking time

fact
= Last time I used {ingredient} in the {food}, but {ingredient2} works better.
= {food}: replace {ingredient} by {ingredient2}.
= In the {food} I now use {ingredient2} instead of {ingredient}.
= No more {ingredient} in the {food}; take {ingredient2}.
? ingredient2: What do I use in the {food} now? | What replaces the {ingredient}? | What works better in the {food}? | Which ingredient should I take for the {food}?
? ingredient: What should no longer go into the {food}? | What did I use in the {food} before? | What does {ingredient2} replace?

fact
= {person} brings the {food} and {person2} the {drink} on {weekday}.
= For {weekday}: {person} makes {food}, {person2} takes care of the {drink}.
= On {weekday} {person2} is responsible for the {drink}, {person} for the {food}.
: drink = wine / lemonade / iced tea / beer / punch / apple juice / coffee / sparkling water
? person: Who brings the {food}? | Who is in charge of the {food}? | Whose job is the {food}? | From whom comes the {food}?
? person2: Who gets the {drink}? | Who is responsible for the {drink}? | Who takes care of drinks?
? food: What does {person} bring? | What is {person} making for {weekday}?
? drink: What does {person2} bring? | What should {person2} think of?
? weekday: On which day does {person} bring the {food}? | When are we eating the {food}?

fact
= Buy {few} {goods}, {grams} of {goods2} and {ingredient} at {shop}.
= From {shop}: {few} {goods}, {grams} {goods2}, {ingredient}.
= At {shop} I need {few} {goods}, {ingredient} and {grams} of {goods2}.
: goods = avocados / rolls / limes / peppers / cans of beans / bottles of milk / candles / yoghurts / bananas / bin bags
: goods2 = minced meat / cherries / feta / mushrooms / coffee beans / olives / salmon / peas / ham / grapes
: shop = the market / {company} / the corner shop / the farm shop / {name} Market
? few: How many {goods} should I buy? | What number of {goods} is on the list? | {goods} how many
? grams: How much {goods2} do we need? | What weight of {goods2} do I get? | {goods2} amount
? shop: Where do I buy the {goods}? | In which shop do I get the {ingredient}? | Where am I shopping for {goods2}?

fact
= The {food} at {place} costs {smallmoney} and {person} says it is the best in {city}.
= {person} recommends the {food} at {place} in {city}, {smallmoney}.
= In {city} try the {food} at {place} ({smallmoney}, tip from {person}).
: place = Café {name} / {name}'s Kitchen / the {name} Tavern / Trattoria {name} / Bistro {name}
? place: Where should I eat {food}? | Which place in {city} did {person} recommend? | Where is the best {food}? | restaurant tip {city}
? smallmoney: What does the {food} at {place} cost? | How much do they charge for {food}?
? person: Who recommended {place}? | Whose tip was the {food} in {city}? | Who told me about {place}?
? city: In which town is {place}? | Where do I find {place}?
? food: What should I order at {place}? | Which dish is good at {place}?

fact
= Let the {dough} rest for {hours} in {where}.
= The {dough} has to stand {hours} in {where}.
= Rest the {dough} in {where}; it needs {hours}.
: dough = pizza dough / sourdough / pasta dough / marinade / brioche dough / pickle brine / yeast batter
: hours = {few} hours / {number} hours / {minutes}
: where = the fridge / a warm oven / the cellar / a covered bowl on the sill / the larder
? hours: How long does the {dough} rest? | For how long must the {dough} stand? | {dough} resting time
? where: Where does the {dough} rest? | In what place do I leave the {dough}?

fact
= {person} doesn't eat {ingredient}, so cook {food} when {person} comes.
= When {person} visits make {food}, without {ingredient}.
= No {ingredient} for {person}; {food} is fine.
? ingredient: What does {person} not eat? | Which ingredient do I leave out for {person}? | {person} dislikes
? food: What should I cook for {person}? | What can I serve when {person} visits?
? person: Who can't have {ingredient}? | For whom is the {food}?
""",
)
