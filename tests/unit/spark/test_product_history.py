"""Product history: no time of a product overlaps with another or leaves a hole, and none repeats the one before.

Products that only orders know are there from their first order on.
"""

from datetime import UTC, datetime, timedelta
from decimal import Decimal
from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from shoplake.spark.curated.product_history import reached_since, to_history, to_inferred

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


LINE = "order_id string, line_key string, product_id string, ordered_at timestamp, product_name string"
# Order line -> product, hour, what the line calls it. Of a line that comes again the later one is the newer version.
BATCHES = st.lists(
    st.dictionaries(
        st.sampled_from("ABCDEFGH"),
        st.tuples(st.sampled_from(["P1", "P2", "P3"]), st.integers(0, 4), st.sampled_from(["Cup", "Mug", None])),
        min_size=2,
    ),
    min_size=2,
    max_size=3,
)


def inferred(spark, batches: list[dict]) -> set[tuple]:
    """Product, hour from which it is known and name, after runs that each saw what it changed and what was stored."""
    lines, stored = {}, spark.createDataFrame([], "product_id string, valid_from timestamp, name string")
    for batch in batches:
        changed = {line: said for line, said in batch.items() if lines.get(line) != said}
        before = [row_of(line, lines[line]) for line in changed if line in lines]
        lines |= changed
        touched = [(*row_of(line, said), False) for line, said in changed.items()] + [(*row, True) for row in before]
        orphans = reached_since(spark.createDataFrame(touched, f"{LINE}, is_before boolean"))
        now = spark.createDataFrame([row_of(*line) for line in lines.items()], LINE)
        recent = now.join(orphans, on="product_id", how="inner").where("ordered_at >= since")
        found = to_inferred(orphans, recent, stored.join(orphans, on="product_id", how="left_semi"))
        others = stored.join(orphans, on="product_id", how="left_anti")
        stored = found.select(*stored.columns).union(others).localCheckpoint()
    return {
        (product, int((at.astimezone(UTC) - BEGIN).total_seconds()) // 3600, name)
        for product, at, name in stored.collect()
    }


def row_of(line: str, said: tuple) -> tuple:
    product, hour, name = said
    return line, "1", product, BEGIN + timedelta(hours=hour), name


def read_anew(batches: list[dict]) -> set[tuple]:
    """The same from all lines as they are in the end."""
    lines = {line: said for batch in batches for line, said in batch.items()}
    found = set()
    for product in {product for product, _, _ in lines.values()}:
        own = sorted((hour, line, name) for line, (its, hour, name) in lines.items() if its == product)
        names = [name for _, _, name in own if name]
        found.add((product, own[0][0], names[-1] if names else None))
    return found


def test_a_product_that_only_orders_know_is_there_from_its_first_order_by_its_latest_name(spark):
    lines_of = ("named", "nameless later", "earlier line", "another product", "name withdrawn")
    first = {f"{p} A": (p, 2, "Cup") for p in lines_of} | {f"{p} B": (p, 3, "Mug") for p in lines_of}
    second = {
        "nameless later C": ("nameless later", 4, None),
        "earlier line C": ("earlier line", 1, "Tin"),
        "another product A": ("moved to", 2, "Pan"),
        "another product B": ("moved to", 3, None),
        "name withdrawn C": ("name withdrawn", 4, "Tin"),
    }
    assert inferred(spark, [first, second, {"name withdrawn C": ("name withdrawn", 4, None)}]) == {
        ("named", 2, "Mug"),
        ("nameless later", 2, "Mug"),
        ("earlier line", 1, "Mug"),
        ("moved to", 2, "Pan"),
        ("name withdrawn", 2, "Mug"),
    }


@settings(max_examples=3)
@given(batches=BATCHES)
def test_whatever_lines_come_in_whatever_runs_the_inferred_products_are_those_of_all_lines(spark, batches):
    assert inferred(spark, batches) == read_anew(batches)
