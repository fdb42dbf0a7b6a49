"""UCI's Online Retail counted a second time, by DuckDB over the raw files: shares no code with the jobs.

The rule, as the contract's source `uci` states it: values are trimmed, an empty one is no value; a customer's
id loses its `.0`; identical rows of one file count once; a line is its order and its content, so the same line
in two files is one line. Times stand in the files as London's wall clock, written in two ways.
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from decimal import Decimal
from pathlib import Path
from zoneinfo import ZoneInfo

import duckdb

LONDON = ZoneInfo("Europe/London")

_LINES = """
    CREATE TABLE lines (
        order_id VARCHAR, product_id VARCHAR, product_name VARCHAR, quantity INTEGER, ordered_at TIMESTAMP,
        unit_price DECIMAL(18, 4), customer_id VARCHAR, country VARCHAR
    )
"""
_READ = """
    CREATE OR REPLACE TEMP TABLE file_rows AS
    SELECT
        nullif(trim("InvoiceNo"), '') AS order_id,
        nullif(trim("StockCode"), '') AS product_id,
        nullif(trim("Description"), '') AS product_name,
        trim("Quantity")::INTEGER AS quantity,
        coalesce(
            try_strptime(trim("InvoiceDate"), '%Y-%m-%d %H:%M:%S'),
            try_strptime(trim("InvoiceDate"), '%-m/%-d/%Y %-H:%M')
        ) AS ordered_at,
        trim("UnitPrice")::DECIMAL(18, 4) AS unit_price,
        nullif(regexp_replace(trim("CustomerID"), '\\.0$', ''), '') AS customer_id,
        nullif(trim("Country"), '') AS country
    FROM read_csv($path, header = true, delim = ',', quote = '"', all_varchar = true)
"""
_COUNT = "SELECT (SELECT count(*) FROM file_rows), (SELECT count(*) FROM (SELECT DISTINCT * FROM file_rows))"
_ADD = "INSERT INTO lines SELECT * FROM file_rows EXCEPT SELECT * FROM lines"  # EXCEPT also counts equal rows once
_DAYS = """
    SELECT ordered_at::DATE, country, count(DISTINCT order_id), sum(quantity), sum(quantity * unit_price),
           count(DISTINCT customer_id)
    FROM lines GROUP BY ALL
"""
_PRODUCT_DAYS = """
    SELECT product_id, ordered_at::DATE, count(DISTINCT order_id), count(DISTINCT order_id) FILTER (quantity >= 0),
           sum(quantity), coalesce(-sum(quantity) FILTER (quantity < 0), 0), sum(quantity * unit_price),
           coalesce(-sum(quantity * unit_price) FILTER (quantity < 0), 0)
    FROM lines GROUP BY ALL
"""
_PRODUCTS = """
    SELECT product_id, min(ordered_at),
           last(product_name ORDER BY ordered_at, order_id, product_name) FILTER (product_name IS NOT NULL)
    FROM lines GROUP BY ALL
"""


@dataclass(frozen=True)
class Line:
    """An order line. `ordered_at` is a UTC instant."""

    order_id: str
    product_id: str
    product_name: str | None
    quantity: int
    ordered_at: datetime
    unit_price: Decimal
    customer_id: str | None
    country: str

    @property
    def amount(self) -> Decimal:
        return self.quantity * self.unit_price


@dataclass(frozen=True)
class Day:
    """One day and country, in the order's own numbers."""

    order_day: date
    country: str
    orders: int
    units: int
    revenue: Decimal
    customers: int


class OnlineRetail:
    """The lines of some files, each line once. `rows_by_file`: rows read and duplicates among them, by file name."""

    def __init__(self, files: Sequence[Path]):
        self._connection = duckdb.connect()
        self._connection.execute(_LINES)
        self.rows_by_file: dict[str, tuple[int, int]] = {}
        for file in files:
            self._connection.execute(_READ, {"path": str(file)})
            read, distinct = self._connection.execute(_COUNT).fetchone()
            self.rows_by_file[file.name] = (read, read - distinct)
            self._connection.execute(_ADD)

    def lines(self) -> list[Line]:
        rows = self._connection.execute("SELECT * FROM lines").fetchall()
        return [Line(*row[:4], _utc(row[4]), *row[5:]) for row in rows]

    def days(self) -> list[Day]:
        return [Day(*row) for row in self._connection.execute(_DAYS).fetchall()]

    def product_days(self) -> list[tuple]:
        """Product, day, orders, those of them not of returns alone, net units, returned units, net revenue, amount of
        returns (both positive).
        """
        return self._connection.execute(_PRODUCT_DAYS).fetchall()

    def products(self) -> list[tuple]:
        """Product, the UTC instant of its first line, and its name in its latest line with a name."""
        rows = self._connection.execute(_PRODUCTS).fetchall()
        return [(product, _utc(first), name) for product, first, name in rows]


def _utc(wall_clock: datetime) -> datetime:
    return wall_clock.replace(tzinfo=LONDON).astimezone(UTC)
