"""Product history: no time of a product overlaps with another or leaves a hole, and none repeats the one before."""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given
from hypothesis import strategies as st

from shoplake.spark.curated.product_history import to_history

BEGIN = datetime(2024, 1, 1, tzinfo=UTC)
SCHEMA = (
    "product_id string, valid_from timestamp, name string, category string, category_path string, "
    "price decimal(18,4), cost decimal(18,4), currency string"
)
# product, hour from which it holds, price, category
VERSIONS = st.dictionaries(
    st.tuples(st.sampled_from(["P1", "P2"]), st.integers(0, 8)),
    st.tuples(st.sampled_from(["1", "2"]), st.sampled_from(["Home", None])),
    max_size=12,
)


def history(spark, versions: dict) -> list:
    rows = [
        (product, BEGIN + timedelta(hours=hour), "N", category, category, Decimal(price), None, "GBP")
        for (product, hour), (price, category) in versions.items()
    ]
    found = to_history(spark.createDataFrame(rows, SCHEMA))
    hours = [f"cast((unix_timestamp({end}) - {int(BEGIN.timestamp())}) / 3600 AS int) AS {end}"
             for end in ("valid_from", "valid_to")]  # fmt: skip
    picked = found.selectExpr("product_id", *hours, "is_current", "price", "category")
    return sorted((tuple(row) for row in picked.collect()), key=lambda row: row[:2])


def as_of(versions: dict, product: str, hour: int) -> tuple | None:
    """Price and category at an hour, by going through all versions up to it."""
    known = [(at, content) for (name, at), content in versions.items() if name == product and at <= hour]
    return max(known)[1] if known else None


def test_equal_neighbours_are_one_time_and_what_comes_back_is_another(spark):
    versions = {("P1", 0): ("1", "Home"), ("P1", 1): ("1", "Home"), ("P1", 3): ("2", "Home"), ("P1", 5): ("1", "Home")}
    assert history(spark, versions) == [
        ("P1", 0, 3, False, Decimal(1), "Home"),
        ("P1", 3, 5, False, Decimal(2), "Home"),
        ("P1", 5, None, True, Decimal(1), "Home"),
    ]


@given(versions=VERSIONS)
def test_each_hour_of_a_product_is_told_once_and_as_its_versions_tell_it(spark, versions):
    found = history(spark, versions)
    for product in ("P1", "P2"):
        rows = [row for row in found if row[0] == product]
        for hour in range(9):
            there = [row for row in rows if row[1] <= hour and (row[2] is None or hour < row[2])]
            wanted = as_of(versions, product, hour)
            assert [(str(price), category) for *_, price, category in there] == (
                [] if wanted is None else [(f"{Decimal(wanted[0]):.4f}", wanted[1])]
            )
        assert all(before[2] == after[1] and before[4:] != after[4:] for before, after in pairwise(rows))
        assert sum(row[3] for row in rows) == bool(rows)
