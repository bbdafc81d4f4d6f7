"""Word lists and syllables from which the values of invented notes are drawn."""

from __future__ import annotations

FIRST_NAMES = tuple(
    """Anna Ben Carla David Elena Felix Greta Hassan Ingrid Jorge Karin Leon Maria Nico Olivia Pavel Quinn Rosa
    Samir Tessa Uma Victor Wanda Yusuf Zoe Amir Bianca Cedric Daria Edgar Fiona Gustav Hanna Igor Julia Kofi Lars
    Mira Nadia Oscar Petra Rafael Sofia Theo Ursula Vera Walter Ximena Yara Zack Alice Bruno Clara Dmitri Esther
    Farid Gloria Henrik Irene Jamal Kenji Lucia Marco Noor Otto Priya Ruth Stefan Tomas Viola Aisha Boris Chen
    Deborah Emil Frances Gareth Helga Ivan Joanna Kurt Lena Mateo Nora Oleg Paula Rahul Selma Tariq Vikram Yvonne
    Adam Bella Colin Diana Eric Flora George Holly Isaac Jane Keith Laura Martin Nancy Owen Peter Rachel Simon
    Tina Vincent Wendy Zara Aaron Beth Chris Donna Ethan Gina Harold Ida Jack Kate Liam Megan Noah Patrick Ron
    Sarah Tom Mum Dad Grandma Mei Sven Anders Freya Ines Joao Katya Linh Mehmet Niamh Omar Pia Ravi Sanna Thandi
    Umar Vlad Wei Yuki Zofia Luca Chiara Emre Leila Malik Bashir Dalia Hugo Esme Rory Isla Callum""".split()
)
LAST_NAMES = tuple(
    """Adams Baker Castillo Dubois Evans Ferrari Garcia Hansen Ibrahim Jensen Kaur Lindgren Moreau Novak Okafor
    Petrov Quist Rossi Schmidt Tanaka Ueda Vogel Weber Xu Yilmaz Zimmer Archer Bell Carver Dalton Ellis Foster Grant
    Hughes Irving Jarvis Keller Lang Mercer Nash Osborne Porter Reyes Slater Turner Vance Walsh York Abbott Brandt
    Chandra Drummond Eriksson Fontaine Gupta Hoffman Iqbal Jung Kowalski Lopez Meyer Nguyen Olsen Pereira Romano
    Sato Tran Vidal Wolf Haddad Silva Peters Huber Dahl Nagel Ortiz Costa Bianchi Cohen Fraser Murphy Byrne Clarke
    Doyle Hayes Kelly Lynch Price Shaw Wood Young Marsh Stone Field Park Kim Lee Singh Khan Ali Mbeki Mensah""".split()
)
CITIES = tuple(
    """Lisbon Oslo Kyoto Berlin Porto Vienna Dublin Toronto Seattle Austin Madrid Lyon Ghent Zurich Prague Krakow
    Tallinn Helsinki Athens Nairobi Cairo Lima Bogota Santiago Sydney Perth Auckland Osaka Taipei Seoul Hanoi Mumbai
    Pune Denver Boston Chicago Glasgow Leeds Bristol Cardiff Utrecht Basel Turin Bergen Malmo Riga Vilnius Zagreb
    Split Graz Leipzig Antwerp Cork Galway York Bath Salzburg Trieste Girona Toulouse Lucerne Aarhus Gdansk Brno
    Montreal Portland Savannah Halifax Hobart Naples Verona Seville Granada Valencia Rotterdam Bremen""".split()
)
ONSETS = tuple("b br c ch d dr f fl g gl gr h j k kl l m n p pr qu r s sh sk sl st t th tr v w y z".split())
VOWELS = tuple("a e i o u a e i o ai ea ie oa ei ou".split())
CODAS = tuple("n l r s m x nd rn lt sk th ck".split()) + ("",) * 8
PLACE_ENDINGS = tuple("by ton mouth ford holm wick dale burg ville stad ham ley haven field minster".split())
LAST_ENDINGS = tuple("sen son ez ova ic ari man wood elli berg aux ou ano ski ström er ton".split())
COMPANY_ENDINGS = (
    "& Sons", "Ltd", "GmbH", "Studio", "Partners", "Labs", "Group", "Services", "& Co", "Systems", "Works",
    "Solutions", "Brothers", "Trading", "Collective",
)  # fmt: skip
STREETS = tuple(
    """Harbour Maple Station Mill Castle Orchard River King Queen Bridge Garden Linden Hill Market Chapel Forest
    Meadow Rose Elm Oak Birch Canal School Church Quarry Tanner Fisher Lantern Willow Abbey Granary""".split()
)
STREET_KINDS = ("Street", "Road", "Lane", "Avenue", "Close", "Way", "Row", "Square")
MONTHS = tuple(
    "January February March April May June July August September October November December".split()
)
WEEKDAYS = tuple("Monday Tuesday Wednesday Thursday Friday Saturday Sunday".split())
COLOURS = (
    "red", "blue", "green", "yellow", "black", "white", "grey", "brown", "purple", "orange", "pink", "turquoise",
    "dark green", "navy", "beige", "silver", "mustard", "teal", "burgundy", "cream", "olive", "sky blue",
)  # fmt: skip
JOBS = (
    "plumber", "dentist", "nurse", "teacher", "baker", "carpenter", "lawyer", "translator", "designer", "gardener",
    "pharmacist", "welder", "librarian", "mechanic", "chef", "journalist", "biologist", "surveyor", "tailor",
    "photographer", "paramedic", "roofer", "bookkeeper", "violinist", "sailor", "programmer", "firefighter",
    "midwife", "judge", "beekeeper", "locksmith", "florist", "geologist", "barber", "tram driver", "potter",
)  # fmt: skip
FOODS = (
    "lentil soup", "banana bread", "beef stew", "mushroom risotto", "apple crumble", "chicken curry", "focaccia",
    "carrot cake", "pumpkin soup", "tiramisu", "fish pie", "ratatouille", "pancakes", "granola", "pesto pasta",
    "chilli", "quiche", "potato salad", "onion tart", "lemon bars", "dumplings", "rye bread", "goulash", "paella",
    "cheesecake", "shortbread", "plum jam", "kimchi", "rice pudding", "meatballs", "flatbread", "brownies",
)  # fmt: skip
INGREDIENTS = (
    "smoked paprika", "fresh ginger", "coconut milk", "cardamom", "lemon zest", "tahini", "sour cream", "miso paste",
    "thyme", "star anise", "brown butter", "buttermilk", "white wine", "saffron", "honey", "lime juice", "cumin",
    "dark chocolate", "yoghurt", "rosemary", "nutmeg", "dijon mustard", "capers", "soy sauce", "oat milk",
    "parmesan", "orange peel", "vanilla", "bay leaves", "chestnuts", "walnuts", "black garlic", "maple syrup",
)  # fmt: skip
ALLERGENS = (
    "peanuts", "shellfish", "penicillin", "latex", "pollen", "cat hair", "gluten", "strawberries", "bee stings",
    "soy", "hazelnuts", "kiwi", "dust mites", "nickel", "lactose", "celery", "ibuprofen", "eggs", "mustard seeds",
)  # fmt: skip
THINGS = (
    "spare key", "passport", "drill", "projector", "winter tyres", "camping stove", "sewing machine", "tent",
    "external hard drive", "label printer", "birth certificate", "old laptop", "film camera", "christmas lights",
    "bike pump", "ladder", "hammock", "telescope", "picnic blanket", "sleeping bag", "first aid kit", "tripod",
    "steam cleaner", "waffle iron", "violin bow", "ski boots", "inflatable boat", "paint roller", "jigsaw",
    "fondue set", "car jack", "chess board", "raclette grill", "vaccination card", "rain jacket", "air mattress",
    "cordless screwdriver", "sledge", "yoga mat", "suitcase scale", "headlamp", "pressure washer", "board game",
)  # fmt: skip
SPOTS = (
    "the top drawer of the hall cabinet", "the blue box in the attic", "the left desk drawer", "the shoe cupboard",
    "the safe behind the painting", "the shed next to the mower", "the cupboard above the fridge", "the cellar",
    "the wooden chest in the living room", "the bottom shelf of the bookcase", "a biscuit tin on the shelf",
    "the suitcase under the bed", "the glove compartment", "the bathroom cabinet", "a shoebox under the bed",
    "the bedside table", "the space under the stairs", "the garage, second shelf", "the laundry basket",
    "the green toolbox", "the piano stool", "the hook behind the front door", "the flower pot by the gate",
    "my old rucksack", "the freezer drawer", "the filing cabinet at work", "the linen closet", "the umbrella stand",
    "the neighbour's cellar", "the boot of the car", "the crate next to the boiler", "a jar in the pantry",
)  # fmt: skip
APPLIANCES = (
    "washing machine", "dishwasher", "fridge", "oven", "dryer", "vacuum cleaner", "boiler", "microwave", "freezer",
    "coffee machine", "toaster", "dehumidifier", "router", "printer", "heat pump", "extractor hood", "TV", "kettle",
    "lawn mower", "e-bike", "air purifier", "ice cream maker", "food processor", "smoke alarm", "water filter",
)  # fmt: skip
ROOMS = (
    "kitchen", "bathroom", "hallway", "bedroom", "living room", "study", "attic", "guest room", "nursery", "porch",
    "garage", "basement", "utility room", "dining room", "stairwell",
)  # fmt: skip
RELATIVES = (
    "sister", "brother", "aunt", "uncle", "cousin", "nephew", "niece", "boss", "neighbour", "flatmate", "landlady",
    "godmother", "father-in-law", "old classmate", "tennis partner", "accountant", "piano teacher", "stepfather",
)  # fmt: skip
HOBBIES = (
    "fencing", "knitting", "salsa dancing", "bouldering", "beekeeping", "rowing", "calligraphy", "archery",
    "woodturning", "birdwatching", "kayaking", "choir singing", "baking", "chess", "surfing", "juggling", "yoga",
    "astronomy", "fly fishing", "badminton", "improv theatre", "origami", "cross-country skiing", "darts",
)  # fmt: skip
PETS = (
    "cat", "dog", "rabbit", "parrot", "hamster", "tortoise", "guinea pig", "gecko", "canary", "ferret", "pony",
)  # fmt: skip
PET_NAMES = tuple(
    """Biscuit Mochi Luna Pepper Ziggy Clover Tofu Nimbus Pickle Hazel Rocket Waffles Juniper Pixel Maple Sesame
    Ginger Domino Comet Otis Nala Momo Chip Bruno Socks Misty Shadow Peanut Daisy Rolo Whiskey Bandit""".split()
)
PLANTS = (
    "tomatoes", "basil", "tulip bulbs", "runner beans", "courgettes", "lavender", "garlic", "raspberries", "kale",
    "potatoes", "sunflowers", "radishes", "strawberry plants", "sweet peas", "leeks", "dahlias", "spinach", "chives",
    "the fig tree", "the hydrangea", "the orchid", "the lemon tree", "the monstera", "the rose bush", "the apple tree",
)  # fmt: skip
CARS = (
    "Volvo", "Fiat", "Skoda", "Mazda", "camper van", "Toyota", "Golf", "Saab", "Citroën", "Subaru", "Honda", "trailer",
)  # fmt: skip
BOOK_ADJECTIVES = tuple(
    "Quiet Salt Glass Last Hollow Paper Silent Crooked Winter Burning Lost Second Copper Borrowed Distant".split()
)
BOOK_NOUNS = tuple(
    "Tide Orchard Cartographer Lantern Harbour Map Garden Engine Bridge Kingdom Letter Ferry Clock River Staircase".split()
)
SYMPTOMS = (
    "headaches", "a sore knee", "back pain", "a skin rash", "dizziness", "a persistent cough", "heartburn",
    "a stiff neck", "blurred vision", "an earache", "a swollen ankle", "trouble sleeping", "tingling fingers",
)  # fmt: skip
DOCTORS = (
    "dentist", "eye doctor", "physiotherapist", "dermatologist", "cardiologist", "orthodontist", "allergist",
    "hearing specialist", "podiatrist", "family doctor", "vaccination clinic", "sports doctor", "speech therapist",
)  # fmt: skip
SUBJECTS = (
    "maths", "chemistry", "history", "biology", "geography", "Spanish", "French", "physics", "music", "art",
    "Latin", "economics", "swimming", "drama", "computing", "woodwork", "German",
)  # fmt: skip
TOOLS = tuple(
    "PostgreSQL Kafka Redis SQLite Grafana Terraform Django FastAPI React Kubernetes RabbitMQ Elasticsearch Nginx "
    "Ansible Jenkins Airflow MongoDB Svelte Flask Vue Rust Kotlin Figma Jira Notion Blender".split()
)
PROBLEMS = (
    "the login page times out", "invoices are sent twice", "the export is empty", "search ignores umlauts",
    "the PDF is cut off", "photos upload upside down", "the cache never expires", "emails are delayed by hours",
    "the map does not load", "dates are shown in the wrong time zone", "the printer label is blank",
    "the dark mode button does nothing", "passwords with spaces are rejected", "the menu covers the logo",
    "the backup stops halfway", "totals are rounded wrongly", "the app crashes when rotated",
)  # fmt: skip
TEAMS = (
    "finance", "marketing", "legal", "design", "operations", "research", "sales", "support", "security",
    "platform", "procurement", "logistics", "hiring", "quality",
)  # fmt: skip
FILLERS = (
    "It rained the whole afternoon.", "Slept badly again.", "Long day, but a good one.", "The tram was late again.",
    "Had coffee on the balcony.", "Lovely light this evening.", "Nothing much else happened.", "Felt tired after lunch.",
    "The kitchen smells of toast.", "Still need to tidy my desk.", "Went for a short walk before dinner.",
    "The neighbours were loud again.", "Finally some sunshine.", "I should write here more often.",
    "My head is full today.", "Quick notes before I forget.", "Tea went cold while I was writing this.",
    "Could not find my glasses for ages.", "Left work early for once.", "The garden looks a bit sad.",
    "Watched the snow from the window.", "Too much sugar today.", "The radio played the same song all day.",
    "A good week on the whole.", "Must drink more water.", "The laundry is still wet.", "No plans for tonight.",
    "Everyone seemed to be in a hurry.", "The heating is making that noise again.", "Woke up before the alarm.",
)  # fmt: skip
