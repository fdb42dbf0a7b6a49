"""Made-up histories of a small shop for tests of what must hold whatever comes when: a few files of each dataset, made
so that they meet. Ids are few, so that rows come again, changed, late, out of order; clicks lie around pauses of 30
minutes; orders name customers and products that nobody knows.
"""

from collections.abc import Callable
from dataclasses import replace
from datetime import UTC, datetime, timedelta
from random import Random

from tests.unit.spark.small_lake import File

MIDNIGHT = datetime(2025, 3, 29, tzinfo=UTC)  # two days before London's clocks go forward
ARRIVALS = MIDNIGHT + timedelta(days=5)
PRODUCTS = [f"P{number}" for number in range(7)]
CUSTOMERS = [f"C{number}" for number in range(6)]
VISITORS = [f"V{number}" for number in range(8)]
PAUSES_MIN = (0, 0.5, 5, 29, 30, 30, 30.01, 31, 60, 400)
EVENTS = ("page_view", "product_view", "search", "add_to_cart", "checkout_start", "purchase", "other")

Row = dict[str, str | None]


def history(random: Random) -> list[File]:
    """Twenty-five files. When each arrives is drawn too, and some arrive at the same time."""
    files = []
    for dataset, source, count, rows in (
        ("categories", "shop", 3, categories),
        ("products", "shop", 3, products),
        ("customers", "shop", 2, customers),
        ("transactions", "shop", 3, orders),
        ("transactions", "plain", 2, orders_without_numbers),
        ("transactions", "uci", 2, orders_without_numbers),
        ("clickstream", "shop", 3, visits),
        ("clickstream", "plain", 2, visits_without_ids),
        ("reviews", "shop", 2, reviews),
        ("reviews", "plain", 2, reviews_without_ids),
        ("reviews", "clothing", 1, reviews_without_ids),
    ):
        for number in range(count):
            arrived = ARRIVALS + timedelta(hours=random.randrange(12))
            made = tuple(rows(random))
            files.append(File(dataset, source, f"{number}.csv", arrived, made, f"2025-03-{random.randint(20, 22)}"))
    return files


def halves(file: File) -> list[File]:
    """The file as two that arrive with it, rows that differ in nothing that tables keep together in one of them."""
    kinds = [repr(sorted((name, text) for name, text in row.items() if name != "user_agent")) for row in file.rows]
    first = set(sorted(set(kinds))[::2])
    of_first = [kind in first for kind in kinds]
    parts = (
        tuple(row for row, is_first in zip(file.rows, of_first, strict=True) if is_first == part)
        for part in (True, False)
    )
    return [replace(file, name=f"{n}-of-{file.name}", rows=rows) for n, rows in enumerate(parts) if rows]


def some(random: Random, of: Callable[[Random], Row], least: int, most: int) -> list[Row]:
    return [of(random) for _ in range(random.randint(least, most))]


def at(minutes: float) -> str:
    return (MIDNIGHT + timedelta(minutes=minutes)).strftime("%Y-%m-%d %H:%M:%S")


def changed_at(random: Random) -> str | None:
    """When the source last changed a row: often silent, often the same."""
    return random.choice([None, None, at(0), at(60), at(24 * 60)])


def maybe(random: Random, value: str) -> str | None:
    return value if random.random() < 0.8 else None


def categories(random: Random) -> list[Row]:
    """Of a tree that moves; K0 to K3 may be above each other, K9 is never told of."""
    return some(random, lambda r: {
        "category_id": f"K{r.randrange(4)}", "name": r.choice(["Home", "Garden", "Tools"]),
        "parent_id": r.choice([None, None, "K0", "K1", "K2", "K9"]), "updated_at": changed_at(r),
    }, 2, 4)  # fmt: skip


def products(random: Random) -> list[Row]:
    """Versions of products that go back and forth between categories and prices; P6 is in no catalogue."""
    return some(random, lambda r: {
        "product_id": r.choice(PRODUCTS[:-1]), "name": r.choice(["Cup", "Mug"]), "price": r.choice(["1.50", "2", "x"]),
        "cost": maybe(r, "1"), "category_id": r.choice(["K0", "K1", "K2", "K3", "K9", None]),
        "stock_quantity": maybe(r, str(r.randrange(-1, 5))), "reorder_level": "2",
        "updated_at": r.choice([None, at(-1000), at(300), at(1500)]),
    }, 4, 10)  # fmt: skip


def customers(random: Random) -> list[Row]:
    """C5 is in no file; a number may be 17850.0."""
    return some(random, lambda r: {
        "customer_id": r.choice([*CUSTOMERS[:-1], "17850.0"]), "name": r.choice(["Ann Smith", "Zoë Ünal"]),
        "email": r.choice([None, "ann@example.com", " ANN@example.com", "ann at home"]),
        "phone": r.choice([None, "07700 900123", "ask me"]), "country": r.choice(["France", "United Kingdom"]),
        "signed_up_at": at(r.randrange(-9000, 0)), "marketing_consent": r.choice(["true", "false"]),
        "updated_at": changed_at(r),
    }, 2, 6)  # fmt: skip


def orders(random: Random) -> list[Row]:
    """Lines with numbers; a line comes again with another status, price or day, or as it was."""
    return [order_line(random) | {"line_number": str(random.randrange(1, 4)), "updated_at": changed_at(random)}
            for _ in range(random.randint(8, 16))]  # fmt: skip


def orders_without_numbers(random: Random) -> list[Row]:
    """Lines of which some are identical, in a file and between files."""
    lines = [order_line(Random(random.randrange(12))) for _ in range(random.randint(4, 10))]
    return [line | {"order_id": line["order_id"].replace("O", random.choice(["N", "C1"]))} for line in lines]


def order_line(random: Random) -> Row:
    return {
        "order_id": f"O{random.randrange(8)}", "product_id": random.choice(PRODUCTS),
        "quantity": random.choice(["1", "2", "-1", "x"]), "unit_price": random.choice(["0", "2.50", "60"]),
        "ordered_at": at(random.choice([-60 * 24 * 30, 0, 31, 400, 1435, 2 * 1440 + 30, 3 * 1440])),
        "customer_id": random.choice([None, *CUSTOMERS, "17850.0"]), "country": random.choice([None, "France"]),
        "status": random.choice(["completed", "pending", "cancelled", "returned", None]),
        "channel": random.choice(["web", None]),
    }  # fmt: skip


def visits(random: Random) -> list[Row]:
    """Events of which some come again, in another file, at another time or of another visitor."""
    return [click | {"event_id": f"E{random.randrange(40)}"} for click in clicks(random, random.randint(15, 30))]


def visits_without_ids(random: Random) -> list[Row]:
    """Events of which some are identical, in a file and between files, or but for the robot that sent them."""
    drawn = clicks(Random(random.randrange(3)), 12)[: random.randint(6, 12)]
    by_robots = [click | {"user_agent": "Googlebot/2.1"} for click in drawn if random.random() < 0.2]
    return drawn + by_robots + clicks(random, 4)


def clicks(random: Random, count: int) -> list[Row]:
    made, minute = [], float(random.choice([-30, 0, 1400]))
    for _ in range(count):
        minute += random.choice(PAUSES_MIN) / 4
        product = random.choice(PRODUCTS)
        made.append({
            "event_time": at(minute), "event_type": random.choice(EVENTS),
            "visitor_id": maybe(random, random.choice(VISITORS)), "customer_id": random.choice([None, *CUSTOMERS]),
            "product_id": random.choice([None, product]), "email": random.choice([None, "ann@example.com"]),
            "page_url": random.choice([None, f"https://shop.example/product/{product}", "https://shop.example/cart"]),
            "referrer": random.choice([None, "https://www.google.com/"]), "device": random.choice([None, "mobile"]),
            "utm_medium": random.choice([None, None, "email"]), "ip": "203.0.113.7",
            "user_agent": random.choice(["Mozilla/5.0 Firefox/120.0"] * 5 + ["Googlebot/2.1"]), "value": "9.99",
        })  # fmt: skip
    return made


def reviews(random: Random) -> list[Row]:
    return [review(random) | {"review_id": f"R{random.randrange(8)}", "updated_at": changed_at(random)}
            for _ in range(random.randint(3, 8))]  # fmt: skip


def reviews_without_ids(random: Random) -> list[Row]:
    """Some identical, in a file and between files, of which some have no day of their own."""
    return [review(Random(random.randrange(6))) for _ in range(random.randint(3, 8))]


def review(random: Random) -> Row:
    return {
        "product_id": random.choice(PRODUCTS), "rating": random.choice(["1", "4", "5", "11"]),
        "customer_id": random.choice([None, *CUSTOMERS]), "reviewed_at": random.choice([None, at(100), at(3000)]),
        "text": random.choice(["<p>Caf&eacute;</p>", "מצוין 😀", None]),
    }  # fmt: skip
