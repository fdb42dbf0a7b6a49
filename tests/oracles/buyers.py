"""Who bought what after which visit, in plain Python over a generated shop's clean files: shares no code with the jobs.

The rules: an order belongs to the sessions of its customer that began in the seven days before its first line; orders,
units and spend are of lines that are neither cancelled nor failed, nor returned without a line that takes them back; a
completed order has a completed line with a positive quantity; scores are quintiles among customers with one; segments
are those of docs/customer-segments.md.
"""

import csv
import re
from collections import defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass
from datetime import date, datetime, timedelta
from decimal import ROUND_HALF_UP, Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

from tests.oracles.clicks import Session
from tests.oracles.planted import Planted

LONDON = ZoneInfo("Europe/London")
WINDOW = timedelta(days=7)
VERSION = ("order_id", "line_number", "updated_at")  # what names a version of an order line
DOCS = Path(__file__).parents[2] / "docs" / "customer-segments.md"


@dataclass(frozen=True)
class Line:
    """An order line in its last version."""

    order: str
    line: str
    at: datetime
    customer: str | None
    status: str
    quantity: int
    net: Decimal
    product: str
    name: str | None
    country: str | None = None
    total: Decimal = Decimal(0)  # with tax and shipping

    @property
    def day(self) -> date:
        return self.at.astimezone(LONDON).date()

    @property
    def is_revenue(self) -> bool:
        return self.status not in ("cancelled", "failed") and not (self.status == "returned" and self.quantity > 0)

    @property
    def is_return(self) -> bool:
        return self.quantity < 0 or self.status == "returned"

    @property
    def is_completed(self) -> bool:
        return self.status == "completed" and self.quantity > 0


Known = Mapping[str, tuple[str | None, date | None]]
"""Country and day of sign-up of the shop's customers."""


def read_lines(tree: Path, planted: Collection[Planted] = ()) -> list[Line]:
    """The lines of a shop's clean orders, with the unknown customers and products that were planted in its dirty ones:
    each in that version of its line where it stands.
    """
    other: dict[tuple[str, ...], dict[str, str]] = defaultdict(dict)
    for found in planted:
        if found.dataset == "transactions":
            other[tuple(found.record[name] for name in VERSION)][found.column] = found.value
    newest: dict[tuple[str, str], dict[str, str]] = {}
    for row in _rows(tree, "transactions"):
        key = (row["order_id"], row["line_number"])
        if key not in newest or row["updated_at"] > newest[key]["updated_at"]:
            newest[key] = row | other.get(tuple(row[name] for name in VERSION), {})
    return [_line(row) for row in newest.values()]


def _line(row: dict[str, str]) -> Line:
    quantity = int(row["quantity"])
    net = quantity * Decimal(row["unit_price"]) - Decimal(row["discount_amount"])
    at = datetime.fromisoformat(row["ordered_at"])
    total = net + Decimal(row["tax_amount"]) + Decimal(row["shipping_amount"])
    return Line(row["order_id"], row["line_number"], at, row["customer_id"] or None, row["status"], quantity, net,
                row["product_id"], row["product_name"] or None, row["country"] or None, total)  # fmt: skip


def read_known(tree: Path) -> Known:
    """The customers of a shop's clean files."""
    return {
        row["customer_id"]: (row["country"] or None, _day(datetime.fromisoformat(row["signed_up_at"])))
        for row in _rows(tree, "customers")
    }


def sales(lines: Collection[Line], known: Known, visits: Iterable[tuple[str, Session]] = ()) -> set[tuple]:
    """Order, line, placed at, customer, its country and sign-up day, is inferred, and when the first and the last touch
    began and by which channel. `visits` are sessions with their customers.
    """
    placed: dict[str, datetime] = {}
    for line in lines:
        placed[line.order] = min(line.at, placed.get(line.order, line.at))
    came: dict[str, list[Session]] = defaultdict(list)
    for customer, visit in visits:
        came[customer].append(visit)
    return {
        (line.order, line.line, placed[line.order], line.customer, *known.get(line.customer, (None, None)),
         None if line.customer is None else line.customer not in known,
         *_touches(came.get(line.customer, []), placed[line.order]))
        for line in lines
    }  # fmt: skip


def _touches(visits: list[Session], placed: datetime) -> tuple:
    owed = sorted((v.started_at, v.channel) for v in visits if placed - WINDOW <= v.started_at <= placed)
    return (*owed[0], *owed[-1]) if owed else (None,) * 4


def customers(
    lines: Collection[Line],
    known: Known,
    latest: date,
    visits: Iterable[tuple[str, Session]] = (),
    ratings: Iterable[tuple[str, int]] = (),
) -> set[tuple]:
    """The rows of curated.customer_360, its columns in their order. `ratings` are stars with the reviews' customers."""
    bought, came, rated = defaultdict(list), defaultdict(list), defaultdict(list)
    for line in lines:
        bought[line.customer].append(line)
    for customer, visit in visits:
        came[customer].append(visit.started_at)
    for customer, stars in ratings:
        rated[customer].append(stars)
    names = (known.keys() | bought.keys() | came.keys() | rated.keys()) - {None}
    orders = {name: _orders(bought[name]) for name in names}
    scores, segments = _scores(orders), _documented_segments()
    rows = set()
    for name in names:
        (count, completed, units, spend, average, first, last), scored = orders[name], scores.get(name)
        since = (latest - _day(last)).days if last else None
        rows.add((
            name, *known.get(name, (None, None)), name not in known, count, completed, units, spend, average,
            first, first and _day(first), last, last and _day(last), since, *(scored or (None,) * 3),
            _segment(scored, segments) if scored else "prospects",
            len(came[name]), max(came[name], default=None),
            len(rated[name]), _money(Decimal(sum(rated[name])) / len(rated[name])) if rated[name] else None,
            _money(max(spend, Decimal(0)) * 365 / max(365, (latest - _day(first)).days)) if first else None,
        ))  # fmt: skip
    return rows


def _orders(lines: list[Line]) -> tuple:
    """Orders, completed ones, units, spend, mean value, when the first and the last completed line was ordered."""
    counted = [line for line in lines if line.is_revenue]
    completed = [line for line in lines if line.is_completed]
    times, orders = [line.at for line in completed], len({line.order for line in counted})
    spend = sum((line.net for line in counted), Decimal(0))
    return (
        orders, len({line.order for line in completed}), sum(line.quantity for line in counted), spend,
        _money(spend / orders) if orders else None, min(times, default=None), max(times, default=None),
    )  # fmt: skip


def _scores(orders: Mapping[str, tuple]) -> dict[str, tuple[int, int, int]]:
    """Recency, frequency and monetary score of each customer with a completed order."""
    measures = {name: (_day(found[6]), found[1], found[3]) for name, found in orders.items() if found[1]}
    by_column = [_quintiles([measure[n] for measure in measures.values()]) for n in range(3)]
    return {name: tuple(by_column[n][value] for n, value in enumerate(measure)) for name, measure in measures.items()}


def _quintiles(values: list) -> dict:
    """The quintile of each value: percent_rank in whole numbers."""
    first_place = {}
    for place, value in enumerate(sorted(values)):
        first_place.setdefault(value, place)
    return {value: min(5, 5 * place // max(1, len(values) - 1) + 1) for value, place in first_place.items()}


def _documented_segments() -> list[tuple[str, list[int]]]:
    rows = re.findall(r"^\| (\w+) \| (\d)-(\d) \| (\d)-(\d) \| (\d)-(\d) \|", DOCS.read_text(), re.MULTILINE)
    return [(name, [int(end) for end in ends]) for name, *ends in rows]


def _segment(scores: tuple[int, int, int], segments: list[tuple[str, list[int]]]) -> str:
    return next(name for name, ends in segments if all(ends[2 * n] <= scores[n] <= ends[2 * n + 1] for n in range(3)))


def _day(at: datetime) -> date:
    return at.astimezone(LONDON).date()


def _money(amount: Decimal) -> Decimal:
    return amount.quantize(Decimal("0.0001"), ROUND_HALF_UP)


def _rows(tree: Path, dataset: str) -> Iterable[dict[str, str]]:
    for file in sorted(tree.glob(f"{dataset}/*/*/*.csv")):
        with file.open(newline="", encoding="utf-8") as text:
            yield from csv.DictReader(text)
