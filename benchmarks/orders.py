"""Made-up orders of a wanted size, the same for the same seed."""

import random
from collections.abc import Iterator
from datetime import datetime, timedelta
from pathlib import Path

HEADER = "order_id,line_number,sku,item_name,qty,price,order_date,customer,country"
COUNTRIES = ("United Kingdom", "Germany", "France", "EIRE", "Spain")


def write_orders(path: Path, size_bytes: int, seed: int, days: int = 3) -> int:
    """Write order lines until the file has about the size. Returns how many there are."""
    lines = 0
    with path.open("w", encoding="utf-8") as out:
        out.write(HEADER + "\n")
        for line in order_lines(seed, days):
            if out.tell() >= size_bytes:
                break
            out.write(line + "\n")
            lines += 1
    return lines


def order_lines(seed: int, days: int) -> Iterator[str]:
    """Lines of orders without end: one to eight lines an order, spread over some days of 2025."""
    dice, order = random.Random(seed), 0
    while True:
        order += 1
        at = datetime(2025, 3, 1) + timedelta(seconds=dice.randrange(days * 86400))
        customer, country = dice.randrange(5000), dice.choice(COUNTRIES)
        for number in range(1, dice.randint(1, 8) + 1):
            sku, quantity, price = dice.randrange(4000), dice.randint(1, 12), dice.randint(50, 2500) / 100
            yield f"S{seed}-{order},{number},P{sku:04d},Product {sku},{quantity},{price:.2f},{at},C{customer},{country}"
