"""Word lists and syllables from which the values of invented notes are drawn."""

from __future__ import annotations


def _words(text: str) -> tuple[str, ...]:
    return tuple(text.split())


def _phrases(text: str) -> tuple[str, ...]:
    return tuple(" ".join(text.split()).split(" / "))


FIRST_NAMES = _words(
    """Anna Ben Carla David Elena Felix Greta Hassan Ingrid Jorge Karin Leon Maria Nico Olivia Pavel Quinn
    Rosa Samir Tessa Uma Victor Wanda Yusuf Zoe Amir Bianca Cedric Daria Edgar Fiona Gustav Hanna
    Igor Julia Kofi Lars Mira Nadia Oscar Petra Rafael Sofia Theo Ursula Vera Walter Ximena Yara
    Zack Alice Bruno Clara Dmitri Esther Farid Gloria Henrik Irene Jamal Kenji Lucia Marco Noor Otto
    Priya Ruth Stefan Tomas Viola Aisha Boris Chen Deborah Emil Frances Gareth Helga Ivan Joanna
    Kurt Lena Mateo Nora Oleg Paula Rahul Selma Tariq Vikram Yvonne Adam Bella Colin Diana Eric
    Flora George Holly Isaac Jane Keith Laura Martin Nancy Owen Peter Rachel Simon Tina Vincent
    Wendy Zara Aaron Beth Chris Donna Ethan Gina Harold Ida Jack Kate Liam Megan Noah Patrick Ron
    Sarah Tom Mum Dad Grandma Mei Sven Anders Freya Ines Joao Katya Linh Mehmet Niamh Omar Pia Ravi
    Sanna Thandi Umar Vlad Wei Yuki Zofia Luca Chiara Emre Leila Malik Bashir Dalia Hugo Esme Rory
    Isla Callum"""
)
LAST_NAMES = _words(
    """Adams Baker Castillo Dubois Evans Ferrari Garcia Hansen Ibrahim Jensen Kaur Lindgren Moreau Novak
    Okafor Petrov Quist Rossi Schmidt Tanaka Ueda Vogel Weber Xu Yilmaz Zimmer Archer Bell Carver
    Dalton Ellis Foster Grant Hughes Irving Jarvis Keller Lang Mercer Nash Osborne Porter Reyes
    Slater Turner Vance Walsh York Abbott Brandt Chandra Drummond Eriksson Fontaine Gupta Hoffman
    Iqbal Jung Kowalski Lopez Meyer Nguyen Olsen Pereira Romano Sato Tran Vidal Wolf Haddad Silva
    Peters Huber Dahl Nagel Ortiz Costa Bianchi Cohen Fraser Murphy Byrne Clarke Doyle Hayes Kelly
    Lynch Price Shaw Wood Young Marsh Stone Field Park Kim Lee Singh Khan Ali Mbeki Mensah"""
)
CITIES = _words(
    """Lisbon Oslo Kyoto Berlin Porto Vienna Dublin Toronto Seattle Austin Madrid Lyon Ghent Zurich Prague
    Krakow Tallinn Helsinki Athens Nairobi Cairo Lima Bogota Santiago Sydney Perth Auckland Osaka
    Taipei Seoul Hanoi Mumbai Pune Denver Boston Chicago Glasgow Leeds Bristol Cardiff Utrecht Basel
    Turin Bergen Malmo Riga Vilnius Zagreb Split Graz Leipzig Antwerp Cork Galway York Bath Salzburg
    Trieste Girona Toulouse Lucerne Aarhus Gdansk Brno Montreal Portland Savannah Halifax Hobart
    Naples Verona Seville Granada Valencia Rotterdam Bremen"""
)
ONSETS = _words("""b br c ch d dr f fl g gl gr h j k kl l m n p pr qu r s sh sk sl st t th tr v w y z""")
VOWELS = _words("a e i o u a e i o ai ea ie oa ei ou")
CODAS = (*_words("n l r s m x nd rn lt sk th ck"), "", "", "", "", "", "", "", "")  # mostly open syllables
PLACE_ENDINGS = _words("by ton mouth ford holm wick dale burg ville stad ham ley haven field minster")
LAST_ENDINGS = _words("sen son ez ova ic ari man wood elli berg aux ou ano ski ström er ton")
COMPANY_ENDINGS = _phrases(
    """& Sons / Ltd / GmbH / Studio / Partners / Labs / Group / Services / & Co / Systems / Works /
    Solutions / Brothers / Trading / Collective"""
)
STREETS = _words(
    """Harbour Maple Station Mill Castle Orchard River King Queen Bridge Garden Linden Hill Market Chapel
    Forest Meadow Rose Elm Oak Birch Canal School Church Quarry Tanner Fisher Lantern Willow Abbey
    Granary"""
)
STREET_KINDS = _words("Street Road Lane Avenue Close Way Row Square")
MONTHS = _words("""January February March April May June July August September October November December""")
WEEKDAYS = _words("Monday Tuesday Wednesday Thursday Friday Saturday Sunday")
COLOURS = _phrases(
    """red / blue / green / yellow / black / white / grey / brown / purple / orange / pink / turquoise /
    dark green / navy / beige / silver / mustard / teal / burgundy / cream / olive / sky blue"""
)
JOBS = _phrases(
    """plumber / dentist / nurse / teacher / baker / carpenter / lawyer / translator / designer / gardener
    / pharmacist / welder / librarian / mechanic / chef / journalist / biologist / surveyor / tailor
    / photographer / paramedic / roofer / bookkeeper / violinist / sailor / programmer / firefighter
    / midwife / check_fit / beekeeper / locksmith / florist / geologist / barber / tram driver / potter"""
)
FOODS = _phrases(
    """lentil soup / banana bread / beef stew / mushroom risotto / apple crumble / chicken curry / focaccia
    / carrot cake / pumpkin soup / tiramisu / fish pie / ratatouille / minestrone / granola / pesto
    pasta / chilli / quiche / potato salad / onion tart / lemon tart / egg salad / rye bread /
    goulash / paella / cheesecake / shortbread / plum jam / kimchi / rice pudding / gnocchi bake /
    flatbread / walnut roll"""
)
INGREDIENTS = _phrases(
    """smoked paprika / fresh ginger / coconut milk / cardamom / lemon zest / tahini / sour cream / miso
    paste / thyme / star anise / brown butter / buttermilk / white wine / saffron / honey / lime
    juice / cumin / dark chocolate / yoghurt / rosemary / nutmeg / dijon mustard / capers / soy
    sauce / oat milk / parmesan / orange peel / vanilla / bay leaves / chestnuts / walnuts / black
    garlic / maple syrup"""
)
ALLERGENS = _phrases(
    """peanuts / shellfish / penicillin / latex / pollen / cat hair / gluten / strawberries / bee stings /
    soy / hazelnuts / kiwi / dust mites / nickel / lactose / celery / ibuprofen / eggs / mustard
    seeds"""
)
THINGS = _phrases(
    """spare key / passport / drill / projector / winter tyres / camping stove / sewing machine / tent /
    external hard drive / label printer / birth certificate / old laptop / film camera / christmas
    lights / bike pump / ladder / hammock / telescope / picnic blanket / sleeping bag / first aid
    kit / tripod / steam cleaner / waffle iron / violin bow / ski boots / inflatable boat / paint
    roller / jigsaw / fondue set / car jack / chess board / raclette grill / vaccination card / rain
    jacket / air mattress / cordless screwdriver / sledge / yoga mat / suitcase scale / headlamp /
    pressure washer / board game"""
)
SPOTS = _phrases(
    """the top drawer of the hall cabinet / the blue box in the attic / the left desk drawer / the shoe
    cupboard / the safe behind the painting / the shed next to the mower / the cupboard above the
    fridge / the cellar / the wooden chest in the living room / the bottom shelf of the bookcase / a
    biscuit tin on the shelf / the suitcase under the bed / the glove compartment / the bathroom
    cabinet / a shoebox under the bed / the bedside table / the space under the stairs / the garage,
    second shelf / the laundry basket / the green toolbox / the piano stool / the hook behind the
    front door / the flower pot by the gate / my old rucksack / the freezer drawer / the filing
    cabinet at work / the linen closet / the umbrella stand / the neighbour's cellar / the boot of
    the car / the crate next to the boiler / a jar in the pantry"""
)
APPLIANCES = _phrases(
    """washing machine / dishwasher / fridge / oven / dryer / vacuum cleaner / boiler / microwave / freezer
    / coffee machine / toaster / dehumidifier / retriever / printer / heat pump / extractor hood / TV /
    kettle / lawn mower / e-bike / air purifier / ice cream maker / food processor / smoke alarm /
    water filter"""
)
ROOMS = _phrases(
    """kitchen / bathroom / hallway / bedroom / living room / study / attic / guest room / nursery / porch
    / garage / basement / utility room / dining room / stairwell"""
)
RELATIVES = _phrases(
    """sister / brother / aunt / uncle / cousin / nephew / niece / boss / neighbour / flatmate / landlady /
    godmother / father-in-law / old classmate / tennis partner / accountant / piano teacher /
    stepfather"""
)
HOBBIES = _phrases(
    """fencing / knitting / salsa dancing / bouldering / beekeeping / rowing / calligraphy / archery /
    woodturning / birdwatching / kayaking / choir singing / baking / chess / surfing / juggling /
    yoga / astronomy / fly fishing / badminton / improv theatre / origami / cross-country skiing /
    darts"""
)
PETS = _phrases(
    """cat / dog / rabbit / parrot / hamster / tortoise / guinea pig / gecko / canary / ferret / pony"""
)
PET_NAMES = _words(
    """Biscuit Mochi Luna Pepper Ziggy Clover Tofu Nimbus Pickle Hazel Rocket Waffles Juniper Pixel Maple
    Sesame Ginger Domino Comet Otis Nala Momo Chip Bruno Socks Misty Shadow Peanut Daisy Rolo
    Whiskey Bandit"""
)
PLANTS = _phrases(
    """tomatoes / basil / tulip bulbs / runner beans / courgettes / lavender / garlic / raspberries / kale
    / potatoes / sunflowers / radishes / strawberry plants / sweet peas / leeks / dahlias / spinach
    / chives / the fig tree / the hydrangea / the orchid / the lemon tree / the monstera / the rose
    bush / the apple tree"""
)
CARS = _phrases(
    """Volvo / Fiat / Skoda / Mazda / camper van / Toyota / Golf / Saab / Citroën / Subaru / Honda /
    trailer"""
)
BOOK_ADJECTIVES = _words(
    """Quiet Salt Glass Last Hollow Paper Silent Crooked Winter Burning Lost Second Copper Borrowed Distant"""
)
BOOK_NOUNS = _words(
    """Tide Orchard Cartographer Lantern Harbour Map Garden Engine Bridge Kingdom Letter Ferry Clock River
    Staircase"""
)
SYMPTOMS = _phrases(
    """headaches / a sore knee / back pain / a skin rash / dizziness / a persistent cough / heartburn / a
    stiff neck / blurred vision / an earache / a swollen ankle / trouble sleeping / tingling fingers"""
)
DOCTORS = _phrases(
    """dentist / eye doctor / physiotherapist / dermatologist / cardiologist / orthodontist / allergist /
    hearing specialist / podiatrist / family doctor / vaccination clinic / sports doctor / speech
    therapist"""
)
SUBJECTS = _words(
    """maths chemistry history biology geography Spanish French physics music art Latin economics swimming
    drama computing woodwork German"""
)
TOOLS = _words(
    """PostgreSQL Kafka Redis SQLite Grafana Terraform Django FastAPI React Kubernetes RabbitMQ
    Elasticsearch Nginx Ansible Jenkins Airflow MongoDB Svelte Flask Vue Rust Kotlin Figma Jira
    Notion Blender"""
)
PROBLEMS = _phrases(
    """the login page times out / invoices are sent twice / the export is empty / search ignores umlauts /
    the PDF is cut off / photos upload upside down / the cache never expires / emails are delayed by
    hours / the map does not load / dates are shown in the wrong time zone / the printer label is
    blank / the dark mode button does nothing / passwords with spaces are rejected / the menu covers
    the logo / the backup stops halfway / totals are rounded wrongly / the app crashes when rotated"""
)
TEAMS = _words(
    """finance marketing legal design operations research sales support security platform procurement
    logistics hiring quality"""
)
FILLERS = _phrases(
    """It rained the whole afternoon. / Slept badly again. / Long day, but a good one. / The tram was late
    again. / Had coffee on the balcony. / Lovely light this evening. / Nothing much else happened. /
    Felt tired after lunch. / The kitchen smells of toast. / Still need to tidy my desk. / Went for
    a short walk before dinner. / The neighbours were loud again. / Finally some sunshine. / I
    should write here more often. / My head is full today. / Quick notes before I forget. / Tea went
    cold while I was writing this. / Could not find my glasses for ages. / Left work early for once.
    / The garden looks a bit sad. / Watched the snow from the window. / Too much sugar today. / The
    radio played the same song all day. / A good week on the whole. / Must drink more water. / The
    laundry is still wet. / No plans for tonight. / Everyone seemed to be in a hurry. / The heating
    is making that noise again. / Woke up before the alarm."""
)
OPENERS = (
    "Note to self: ", "Btw, ", "Remember: ", "NB: ",
    "For the record: ", "Important: ", "By the way: ", "New: ",
    "Update: ", "Don't forget: ", "Just heard: ", "Good to know: ", "Reminder: ", "ps: ", "Oh, and: ",
)  # fmt: skip
REMARKS = (
    " (confirmed).", " (important!).", " - done.", "!", " (to be checked).",
    " (really!).", ", finally.", " :)",
)  # fmt: skip
QUESTION_OPENERS = (
    "Tell me: ",
    "Quick question: ",
    "Hey, ",
    "I forgot: ",
    "Please tell me: ",
    "Remind me: ",
    "So, ",
)
