"""The whole shop, day by day: what is carried from one to the next is small, whatever the size."""

import json
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from generator import customers, orders, reviews
from generator.assumptions import CUSTOMERS_BEFORE_START, WITH_VISIT
from generator.catalogue import Catalogue, Stock, categories
from generator.demand import Slice, day_start, slices
from generator.dirt import KINDS, DayFiles, DirtPlan
from generator.options import DATASETS, Options
from generator.orders import Lines
from generator.text import json_text
from generator.totals import Totals
from generator.visits import Clicks
from generator.writing import LATE, TRUTH, Tree, folder

SHOP = "shop.json"
CUSTOMERS_AT_ONCE = 50_000


@dataclass(frozen=True)
class Written:
    """What was written, by dataset, and the defects planted by kind."""

    files: dict[str, int]
    rows: dict[str, int]
    bytes: dict[str, int]
    planted: dict[str, int]


def generate(options: Options, progress: Callable[[int, int], None] = lambda days, size: None) -> Written:
    """Write the shop into `options.out`, and call `progress` with the days and bytes written after each day.

    The folder gets the files laid out as under raw/, `late/` with files for another day, `truth.jsonl` (an object
    a planted defect) and `shop.json` (the options and what a correct lake must come to).
    """
    with Tree.make(options.out) as tree:
        making = _Making(options, tree)
        for day in range(options.days):
            making.day(day)
            progress(day + 1, sum(tree.bytes.values()))
    written = Written(dict(tree.files), dict(tree.rows), dict(tree.bytes), dict(tree.planted))
    (options.out / SHOP).write_text(json.dumps(_about(making, written), indent=1) + "\n")
    return written


def is_shop(folder: Path) -> bool:
    """Whether a shop was generated into the folder, or begun to be."""
    return (folder / TRUTH).is_file()


def belongings(folder: Path) -> list[Path]:
    """What of the folder belongs to the shop in it."""
    return [path for name in (*DATASETS, LATE, TRUTH, SHOP) if (path := folder / name).exists()]


class _Making:
    """What is carried through the days: stock, what is due later, the number of customers, totals."""

    def __init__(self, options: Options, tree: Tree):
        self.options, self.tree = options, tree
        self.catalogue = Catalogue(options)
        self.stock = Stock(self.catalogue)
        self.clicks = Clicks(self.catalogue) if "clickstream" in options.datasets else None
        self.plans = {name: DirtPlan.of(options, name) for name in options.datasets if name in KINDS}
        self.totals = Totals(options.time_zone)
        self.customers = options.orders_per_day * CUSTOMERS_BEFORE_START
        self._returns: dict[int, list[Lines]] = defaultdict(list)
        self._settled: dict[int, list[Lines]] = defaultdict(list)
        self._reviews: dict[int, list[reviews.Reviews]] = defaultdict(list)
        self.versions = 0  # of products
        self._listed: tuple[np.ndarray, np.ndarray] | None = None  # prices and stock, as last written

    def day(self, day: int) -> None:
        """Write every dataset's files of one day."""
        files = {name: DayFiles(self.tree, self.options, plan, day) for name, plan in self.plans.items()}
        if day == 0 and "categories" in self.options.datasets:
            self._categories()
        if "products" in files:
            files["products"].write(self._changed_products(day))
        if day == 0 and "customers" in files:
            for columns in self._first_customers():
                files["customers"].write(columns)
        popularity = self.stock.popularity()
        for part in slices(self.options, day, self.customers):
            self._slice(part, popularity, files)
            self.customers = part.new_customers.stop
        self._what_is_due(day, files)
        self.stock.close_day()
        for dataset in files.values():
            dataset.close()

    def _slice(self, within: Slice, popularity: np.ndarray, files: dict[str, DayFiles]) -> None:
        seed, day = self.options.seed, within.day
        lines = orders.order_lines(self.catalogue, popularity, within)
        self.totals.add(lines)
        is_sold = np.isin(lines.status, (orders.COMPLETED, orders.PENDING))
        self.stock.move(lines.product[is_sold], lines.quantity[is_sold])
        for due, came_back in orders.returns(seed, lines, within).items():
            self._returns[due].append(came_back)
        self._settled[day + 1].append(orders.settled(seed, lines, within))
        for due, found in reviews.reviews(seed, lines, within).items():
            self._reviews[due].append(found)
        if "transactions" in files:
            files["transactions"].write(orders.csv_columns(self.catalogue, lines))
        if self.clicks:
            with_visit = lines.where(lines.channel < WITH_VISIT)
            files["clickstream"].write(self.clicks.json_lines(popularity, within, with_visit))
        if "customers" in files:
            files["customers"].write(self._sign_ups(within, lines))

    def _what_is_due(self, day: int, files: dict[str, DayFiles]) -> None:
        """Returns, news of pending orders and reviews of this day."""
        came_back, settled = self._returns.pop(day, []), self._settled.pop(day, [])
        for lines in came_back:
            self.totals.add(lines)
            self.stock.move(lines.product, lines.quantity)
        for news in settled:
            before = news.where(slice(None), status=np.full(len(news), orders.PENDING))
            self.totals.replace(before, news)
        if came_back + settled and "transactions" in files:
            files["transactions"].write(orders.csv_columns(self.catalogue, Lines.together(came_back + settled)))
        found = self._reviews.pop(day, [])
        if found and "reviews" in files:
            files["reviews"].write(reviews.csv_columns(self.catalogue, reviews.Reviews.together(found)))

    def _changed_products(self, day: int) -> pa.StringArray:
        """The whole catalogue on the first day, then the products whose price or stock is another."""
        prices, stock = self.catalogue.prices(day), self.stock.units.copy()
        is_changed = np.ones(self.catalogue.size, bool)
        if self._listed is not None:
            is_changed = (prices != self._listed[0]) | (stock != self._listed[1])
        self._listed = (prices, stock)
        self.versions += int(is_changed.sum())
        return self.catalogue.json_lines(np.flatnonzero(is_changed), day, stock)

    def _categories(self) -> None:
        found = [vars(category) for category in categories()]
        content = "[\n " + ",\n ".join(map(json_text, found)) + "\n]\n"
        place = folder("categories", self.options.day(0).isoformat())
        self.tree.write("categories", f"{place}/categories.json", content.encode(), len(found))

    def _first_customers(self) -> Iterator[dict[str, pa.StringArray]]:
        """Those of before the first day, a number at a time."""
        seed, start = self.options.seed, day_start(self.options, 0)
        for first in range(0, self.customers, CUSTOMERS_AT_ONCE):
            numbers = np.arange(first, min(first + CUSTOMERS_AT_ONCE, self.customers))
            signed_up_at = customers.signed_up_before_start(seed, numbers, start)
            yield customers.csv_columns(self.options, numbers, signed_up_at)

    def _sign_ups(self, within: Slice, lines: Lines) -> dict[str, pa.StringArray]:
        """The slice's new customers: most of them have just ordered."""
        seed, new = self.options.seed, within.new_customers
        numbers = np.arange(new.start, new.stop)
        signed_up_at = customers.signed_up_without_order(seed, numbers, within)
        is_first = (lines.customer >= new.start) & (lines.line_number == 1)
        buyers, at = lines.customer[is_first], lines.ordered_at[is_first]
        signed_up_at[buyers - new.start] = customers.signed_up_with_order(seed, buyers, at)
        return customers.csv_columns(self.options, numbers, signed_up_at)


def _about(making: _Making, written: Written) -> dict[str, Any]:
    """shop.json."""
    options = making.options
    return {
        "options": {
            "days": options.days, "orders_per_day": options.orders_per_day, "seed": options.seed,
            "dirt": options.dirt, "start": options.start.isoformat(), "datasets": list(options.datasets),
            "part_mb": options.part_mb,
        },
        "currency": "GBP",
        "time_zone": options.time_zone,
        "written": {
            name: {"files": files, "rows": written.rows[name], "bytes": written.bytes[name]}
            for name, files in written.files.items()
        },
        "planted": written.planted,
        "products": {"products": making.catalogue.size, "versions": making.versions},
        "categories": {"categories": len(categories())},
        "transactions": making.totals.as_json(),
    }  # fmt: skip
