"""The words of the made-up shop. All people are fictional, and all letters exist in Latin-1."""

# Department -> median price in pence, and its categories with their kinds of product.
DEPARTMENTS: dict[str, tuple[int, dict[str, tuple[str, ...]]]] = {
    "Home": (1800, {
        "Kitchen": ("Mug", "Serving Tray", "Cafetière"),
        "Decoration": ("Candle Holder", "Picture Frame", "Wall Clock"),
        "Bedroom": ("Cushion", "Blanket", "Bedside Lamp"),
    }),
    "Garden": (2400, {
        "Tools": ("Hand Trowel", "Secateurs", "Watering Can"),
        "Furniture": ("Folding Chair", "Bistro Table", "Bench"),
        "Plants": ("Herb Planter", "Bulb Collection", "Seed Box"),
    }),
    "Toys": (1500, {
        "Games": ("Board Game", "Puzzle", "Card Game"),
        "Outdoor": ("Kite", "Skipping Rope", "Sand Set"),
        "Soft Toys": ("Bear", "Rabbit", "Elephant"),
    }),
    "Fashion": (3200, {
        "Bags": ("Tote Bag", "Rucksack", "Purse"),
        "Knitwear": ("Scarf", "Jumper", "Hat"),
        "Jewellery": ("Necklace", "Bracelet", "Earrings"),
    }),
    "Food": (900, {
        "Tea and Coffee": ("Green Tea", "Rosé Tea", "Coffee Beans"),
        "Sweets": ("Crème Caramel", "Chocolate Bar", "Fudge Box"),
        "Pantry": ("Olive Oil", "Jalapeño Sauce", "Honey Jar"),
    }),
    "Paper": (700, {
        "Cards": ("Birthday Card", "Thank You Card", "Christmas Card"),
        "Wrapping": ("Gift Wrap", "Ribbon", "Gift Bag"),
        "Desk": ("Notebook", "Pencil Case", "Desk Diary"),
    }),
}  # fmt: skip

STYLES = ("Classic", "Rustic", "Vintage", "Modern", "Nordic", "Striped", "Spotted", "Floral", "Little", "Grand")
MATERIALS = ("Oak", "Cotton", "Ceramic", "Bamboo", "Steel", "Wool", "Linen", "Glass", "Recycled", "Enamel")
COLOURS = ("red", "blue", "sage green", "white", "black", "cream", "rose", "navy")
VARIANTS = ("", "", ", small", ", large", ", set of 2", ' 8"')
BRANDS = ("Ashdown & Co", "Bramble", "Café Noir", "Dovetail", "Elm Street", "Fjord", "Greenhithe")
SUPPLIERS = ("Northwind Supply", "Harbour Trading", "Meadow Wholesale", "Atelier Zürich")

FIRST_NAMES = (
    "Amelia", "Oliver", "Isla", "George", "Ava", "Noah", "Mia", "Arthur", "Zoë", "Leo", "Freya", "Oscar",
    "Priya", "Mohammed", "Chloé", "Søren", "José", "Anna", "Jürgen", "Niamh", "Grace", "Henry",
)  # fmt: skip
LAST_NAMES = (
    "Smith", "Jones", "Taylor", "Brown", "Williams", "Patel", "Murphy", "O'Neill", "Müller", "García", "Dubois",
    "Jensen", "Khan", "Evans", "Walker", "Hughes", "Green", "Clarke", "Wood", "Bell",
)  # fmt: skip

USER_AGENTS = {
    "mobile": (
        "Mozilla/5.0 (iPhone; CPU iPhone OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Version/17.4 Mobile Safari/604.1",
        "Mozilla/5.0 (Linux; Android 14; Pixel 8) AppleWebKit/537.36 Chrome/123.0 Mobile Safari/537.36",
    ),
    "desktop": (
        "Mozilla/5.0 (Windows NT 10.0; Win64; x64) AppleWebKit/537.36 Chrome/123.0 Safari/537.36",
        "Mozilla/5.0 (Macintosh; Intel Mac OS X 14_4) AppleWebKit/605.1.15 Version/17.4 Safari/605.1.15",
    ),
    "tablet": ("Mozilla/5.0 (iPad; CPU OS 17_4 like Mac OS X) AppleWebKit/605.1.15 Version/17.4 Safari/604.1",),
    "robot": ("ExampleBot/1.0 (+https://bot.example.com)",),
}

REVIEW_TITLES = {
    5: ("Lovely", "Perfect gift", "Exactly as shown"), 4: ("Good", "Nice quality"), 3: ("It's all right", "Average"),
    2: ("Not what I hoped", "Smaller than expected"), 1: ("Broken on arrival", "Sent it back"),
}  # fmt: skip
REVIEW_OPENINGS = {
    5: ("Bought it for my mother, she loves it.", "Beautifully made; well worth the price."),
    4: ("Very pleased, though the box was dented.", "Good value for money."),
    3: ("Does the job.", 'Fine, but the colour is not the "sage" of the picture.'),
    2: ("Feels flimsy, I expected more.", "The colour faded after a week."),
    1: ("Arrived in pieces, avoid!", "Never again: two weeks late & the wrong size."),
}
REVIEW_ENDINGS = (
    "",
    " Delivery was quick.",
    " Would buy again, maybe.",
    "\nThanks to the team in the shop.",
    " Easy &amp; quick.",
)
