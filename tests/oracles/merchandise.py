"""How products do by day and what they were when, in plain Python over a generated shop's clean files: shares no code
with the jobs.

The rules: a line counts in its last version, and not where it was cancelled or failed; days are London's; stock is the
newest the catalogue tells, stands on the greatest day of an order or event, and lasts as the units of the 28 days up to
it say; a version holds until the next one that differs; what only orders know holds from its first order on; an order
is small by its net amount under 50, of medium size under 100.
"""

import json
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from itertools import pairwise
from pathlib import Path

from tests.oracles.buyers import LONDON, Line
from tests.oracles.clicks import Event

COVER_DAYS = 28
UNKNOWN = "(unknown)"


Review = tuple[str, date, int]
"""Product, day, stars."""

Versions = Mapping[str, list[dict]]
"""The records of each product in order of time."""


def read_versions(tree: Path) -> Versions:
    """Every version of each product of a shop's clean files, with its category's path."""
    (file,) = tree.glob("categories/*/*/*.json")
    categories = {row["category_id"]: row for row in json.loads(file.read_text())}
    versions = defaultdict(dict)
    for path in tree.glob("products/*/*/*.jsonl"):
        for row in map(json.loads, path.read_text().splitlines()):
            versions[row["product_id"]][row["updated_at"]] = row | {"path": _path(categories, row["category_id"])}
    return {product: [found[at] for at in sorted(found)] for product, found in versions.items()}


def _path(categories: Mapping[str, dict], category_id: str) -> str:
    category = categories[category_id]
    above = category["parent_id"]
    return category["name"] if above is None else f"{_path(categories, above)}/{category['name']}"


def sales(lines: Collection[Line], versions: Versions) -> set[tuple]:
    """Order, line, product, category and its path as of the order, country, net and total amount, size of the whole
    order, counts as revenue.
    """
    amounts = defaultdict(Decimal)
    for line in lines:
        amounts[line.order] += line.net
    return {
        (line.order, line.line, line.product, *_category(versions, line), line.country or UNKNOWN, line.net, line.total,
         _size(amounts[line.order]), line.is_revenue)
        for line in lines
    }  # fmt: skip


def _category(versions: Versions, line: Line) -> tuple[str, str]:
    """The category of a line's product when it was ordered, and its path: the first one for earlier orders."""
    known = versions.get(line.product)
    if known is None:
        return UNKNOWN, UNKNOWN
    then = [version for version in known if datetime.fromisoformat(version["updated_at"]) <= line.at]
    path = (then[-1] if then else known[0])["path"]
    return path.split("/")[0], path


def _size(amount: Decimal) -> str:
    return "low" if amount < 50 else "medium" if amount < 100 else "high"


def summary(lines: Iterable[Line], versions: Versions) -> set[tuple]:
    """The rows of curated.daily_sales_summary, its columns in their order."""
    groups = defaultdict(list)
    for line in lines:
        if line.is_revenue:
            groups[line.day, _category(versions, line)[0], line.country or UNKNOWN].append(line)
    rows = set()
    for key, own in groups.items():
        orders, revenue = len({line.order for line in own}), sum((line.net for line in own), Decimal(0))
        average = (revenue / orders).quantize(Decimal("0.0001"), ROUND_HALF_UP)
        customers = {line.customer for line in own} - {None}
        rows.add((*key, orders, sum(line.quantity for line in own), revenue, average, len(customers)))
    return rows


def product_days(
    lines: Collection[Line],
    events: Iterable[Event] = (),
    reviews: Iterable[Review] = (),
    versions: Versions | None = None,
    latest: date | None = None,
) -> set[tuple]:
    """The rows of curated.product_performance, its columns in their order. `latest` is the day of the stock."""
    sold, seen, rated = defaultdict(list), defaultdict(list), defaultdict(list)
    for line in lines:
        if line.is_revenue:
            sold[line.product, line.day].append(line)
    for event in events:
        if event.product is not None and event.kind in ("product_view", "add_to_cart"):
            seen[event.product, event.at.astimezone(LONDON).date()].append(event.kind)
    for product, day, stars in reviews:
        rated[product, day].append(stars)
    stock = {product: found[-1]["stock_quantity"] for product, found in (versions or {}).items()}
    rows = set()
    for product, day in sold.keys() | seen.keys() | rated.keys() | {(product, latest) for product in stock}:
        own, views, stars = sold[product, day], seen[product, day].count("product_view"), rated[product, day]
        back = [line for line in own if line.is_return]
        buying = len({line.order for line in own if not line.is_return})
        in_stock = stock.get(product) if day == latest else None
        rows.add((
            product, day, views, seen[product, day].count("add_to_cart"), len({line.order for line in own}), buying,
            buying / views if views else None, sum(line.quantity for line in own),
            sum(abs(line.quantity) for line in back), sum((line.net for line in own), Decimal(0)),
            sum((abs(line.net) for line in back), Decimal(0)), len(stars), sum(stars) / len(stars) if stars else None,
            in_stock, None if in_stock is None else _cover(in_stock, product, day, sold),
        ))  # fmt: skip
    return rows


def _cover(stock: int, product: str, latest: date, sold: Mapping[tuple[str, date], list[Line]]) -> Decimal | None:
    if stock <= 0:
        return Decimal(0)
    days = [latest - timedelta(days=n) for n in range(COVER_DAYS)]
    units = sum(line.quantity for day in days for line in sold.get((product, day), ()))
    if units <= 0:
        return None
    return (Decimal(stock) * COVER_DAYS / units).quantize(Decimal("0.0001"), ROUND_HALF_UP)


def history(versions: Versions, lines: Collection[Line]) -> set[tuple]:
    """The rows of curated.product_history, its columns in their order."""
    rows = set()
    for product, found in versions.items():
        kept = [found[0]]
        kept += [after for before, after in pairwise(found) if _content(before) != _content(after)]
        begins = [datetime.fromisoformat(version["updated_at"]) for version in kept]
        for version, begin, end in zip(kept, begins, [*begins[1:], None], strict=True):
            rows.add((product, begin, end, end is None, False, *_content(version)))
    bought = defaultdict(list)
    for line in lines:
        if line.product not in versions:
            bought[line.product].append(line)
    for product, own in bought.items():
        named = [(line.at, line.order, line.name) for line in own if line.name]
        begin = min(line.at for line in own)
        rows.add((product, begin, None, True, True, max(named)[2] if named else None, *(None,) * 5))
    return rows


def _content(version: dict) -> tuple:
    path, money = version["path"], [Decimal(str(version[name])) for name in ("price", "cost")]
    return (version["name"], path.split("/")[0], path, *money, version["currency"])
