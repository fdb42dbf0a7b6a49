"""What the shop sells: categories in three levels, products, their prices by day, and their stock."""

from dataclasses import dataclass
from functools import cached_property

import numpy as np
import pyarrow as pa

from generator import assumptions, vocabulary
from generator.demand import day_start
from generator.draws import generator, pick_from, trait
from generator.options import Options
from generator.text import chosen, csv_cells, instants, joined, json_text, money, number, strings


@dataclass(frozen=True)
class Category:
    category_id: str
    name: str
    parent_id: str | None


@dataclass(frozen=True)
class Leaf:
    """A kind of product, the third level."""

    category_id: str
    name: str
    median_price: int


def categories() -> list[Category]:
    """Every category, parents first. Ids are strings with leading zeros: 01, 0102, 010203."""
    found = []
    for d, (department, (_, shelves)) in enumerate(vocabulary.DEPARTMENTS.items(), 1):
        found.append(Category(f"{d:02d}", department, None))
        for s, (shelf, kinds) in enumerate(shelves.items(), 1):
            found.append(Category(f"{d:02d}{s:02d}", shelf, f"{d:02d}"))
            found += [Category(f"{d:02d}{s:02d}{k:02d}", kind, f"{d:02d}{s:02d}") for k, kind in enumerate(kinds, 1)]
    return found


def _leaves() -> list[Leaf]:
    medians = [price for price, _ in vocabulary.DEPARTMENTS.values()]
    return [
        Leaf(c.category_id, c.name, medians[int(c.category_id[:2]) - 1]) for c in categories() if len(c.category_id) > 4
    ]


class Catalogue:
    """The products, one entry of each array a product; product number 0 has the id P00001."""

    def __init__(self, options: Options):
        self.options = options
        wanted = options.orders_per_day * assumptions.PRODUCTS_PER_DAILY_ORDER
        self.size = min(max(wanted, assumptions.FEWEST_PRODUCTS), assumptions.MOST_PRODUCTS)
        leaves, rng = _leaves(), generator(options.seed, "catalogue")
        self.leaf = np.concatenate([np.arange(len(leaves)), rng.integers(0, len(leaves), self.size)])[: self.size]
        medians = np.array([leaf.median_price for leaf in leaves])[self.leaf]
        # Prices end in .99 or .49.
        raw = medians * np.exp(rng.normal(0, assumptions.PRICE_SPREAD, self.size))
        self.base_price = np.maximum(np.rint(raw / 50).astype(np.int64) * 50 - 1, 99)
        low, high = assumptions.COST_SHARES
        self.cost = np.rint(self.base_price * rng.uniform(low, high, self.size)).astype(np.int64)
        rank = rng.permutation(self.size)
        self.popularity = 1 / (rank + assumptions.POPULARITY_SHIFT) ** assumptions.POPULARITY_EXPONENT
        self.popularity /= self.popularity.sum()
        self.leaves = leaves
        self.ids = joined("P", number(np.arange(1, self.size + 1), 5))
        styles, materials = rng.random(self.size), rng.random(self.size)
        variants = pick_from(vocabulary.VARIANTS, rng.random(self.size))
        kinds = [leaves[leaf].name for leaf in self.leaf]
        words = zip(
            pick_from(vocabulary.STYLES, styles), pick_from(vocabulary.MATERIALS, materials), kinds, variants,
            strict=True,
        )  # fmt: skip
        self.names = [f"{style} {material} {kind}{variant}" for style, material, kind, variant in words]

    @cached_property
    def csv_names(self) -> pa.StringArray:
        return csv_cells(strings(self.names))

    def prices(self, day: int) -> np.ndarray:
        """Pence on that day, from midnight to midnight UTC: the base price, less 20% in a week on sale."""
        week = trait(self.options.seed, f"sale {day // 7}", np.arange(self.size))
        is_on_sale = week < assumptions.ON_SALE
        return np.where(is_on_sale, self.base_price * (100 - assumptions.SALE_PERCENT) // 100, self.base_price)

    def json_lines(self, which: np.ndarray, day: int, stock: np.ndarray) -> pa.StringArray:
        """The products' records as of the day's midnight."""
        index = pa.array(which)
        at = np.full(len(which), day_start(self.options, day))
        return joined(
            self._before_price.take(index), money(self.prices(day)[which]), self._before_stock.take(index),
            number(stock[which]), self._after_stock.take(index), instants(at), '"}',
        )  # fmt: skip

    @cached_property
    def _before_price(self) -> pa.StringArray:
        return joined(
            '{"product_id":"', self.ids, '","name":', strings([json_text(n) for n in self.names]), ',"price":'
        )

    @cached_property
    def _before_stock(self) -> pa.StringArray:
        leaf_ids = strings([leaf.category_id for leaf in self.leaves])
        return joined(
            ',"cost":', money(self.cost), ',"currency":"GBP","category_id":"', chosen(leaf_ids, self.leaf),
            '","stock_quantity":',
        )  # fmt: skip

    @cached_property
    def _after_stock(self) -> pa.StringArray:
        """From the reorder level to the attributes."""
        rng = generator(self.options.seed, "product texts")
        suppliers, brands = (pick_from(w, rng.random(self.size)) for w in (vocabulary.SUPPLIERS, vocabulary.BRANDS))
        colours, weights = pick_from(vocabulary.COLOURS, rng.random(self.size)), rng.integers(50, 4000, self.size)
        texts = [
            json_text({
                "reorder_level": int(self.reorder_level[p]), "supplier": suppliers[p], "brand": brands[p],
                "description": f"{self.names[p]} in {colours[p]}, by {brands[p]}.",
                "attributes": {"colour": colours[p], "weight_g": int(weights[p])},
            })[1:-1]
            for p in range(self.size)
        ]  # fmt: skip
        return joined(",", strings(texts), ',"updated_at":"')

    @cached_property
    def expected_daily_units(self) -> np.ndarray:
        per_line = sum(q * share for q, share in assumptions.QUANTITIES.items())
        return self.popularity * self.options.orders_per_day * per_line / assumptions.LINES_PER_ORDER_P

    @cached_property
    def reorder_level(self) -> np.ndarray:
        return np.ceil(self.expected_daily_units * assumptions.REORDER_DAYS).astype(np.int64) + 2


def pick_product(popularity: np.ndarray, uniform: np.ndarray) -> np.ndarray:
    """A product for each number in [0, 1), from cumulative popularity."""
    found = np.searchsorted(popularity, uniform * popularity[-1], side="right")
    return np.minimum(found, len(popularity) - 1)


class Stock:
    """Units of each product, carried from day to day: sales sink it, returns raise it, deliveries fill it."""

    def __init__(self, catalogue: Catalogue):
        rng = generator(catalogue.options.seed, "stock")
        self._catalogue = catalogue
        self._lot = np.ceil(catalogue.expected_daily_units * assumptions.STOCK_DAYS).astype(np.int64) + 10
        self._is_restocked = rng.random(catalogue.size) >= assumptions.NEVER_RESTOCKED
        self.units = np.rint(self._lot * rng.uniform(0.1, 1.0, catalogue.size)).astype(np.int64)

    def popularity(self) -> np.ndarray:
        """What a buyer picks from: products in stock, by popularity, as cumulative shares."""
        return np.cumsum(np.where(self.units > 0, self._catalogue.popularity, 0))

    def move(self, products: np.ndarray, quantities: np.ndarray) -> None:
        """Take sold units out and returned ones (negative) in. What is sold beyond the stock is owed to nobody."""
        self.units -= np.bincount(products, quantities, len(self.units)).astype(np.int64)

    def close_day(self) -> None:
        """Deliveries of the night."""
        self.units = np.maximum(self.units, 0)
        is_due = self._is_restocked & (self.units < self._catalogue.reorder_level)
        self.units[is_due] += self._lot[is_due]
