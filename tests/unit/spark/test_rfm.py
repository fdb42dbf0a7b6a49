"""Scores by recency, frequency and monetary value, and the segments that they make."""

import re
from datetime import date, timedelta
from decimal import Decimal
from itertools import product
from pathlib import Path

from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from shoplake.spark.curated.rfm import SEGMENTS, segment_sql, with_scores

DOCS = Path(__file__).parents[3] / "docs" / "customer-segments.md"
ROW = re.compile(r"^\| (\w+) \| (\d)-(\d) \| (\d)-(\d) \| (\d)-(\d) \|", re.MULTILINE)
SCHEMA = "customer_id string, last_order_day date, completed_orders bigint, spend decimal(18,4)"
NEW_YEAR = date(2025, 1, 1)
SCORES = ("recency_score", "frequency_score", "monetary_score")


def customers(spark, *rows: tuple):
    """(last order's day of the year or None, completed orders, spend); named c0, c1, ..."""
    cells = [
        (f"c{n}", None if day is None else NEW_YEAR + timedelta(day), orders, Decimal(spend))
        for n, (day, orders, spend) in enumerate(rows)
    ]
    return spark.createDataFrame(cells, SCHEMA)


def scores(spark, *rows: tuple) -> list[tuple]:
    found = {row["customer_id"]: row for row in with_scores(customers(spark, *rows)).collect()}
    return [tuple(found[f"c{n}"][name] for name in (*SCORES, "rfm_segment")) for n in range(len(rows))]


def test_higher_is_better_for_all_three(spark):
    rows = [(day, day + 1, 100 * day) for day in range(5)]
    assert [found[:3] for found in scores(spark, *rows)] == [(n, n, n) for n in (1, 2, 3, 4, 5)]


def test_customers_who_are_equal_share_a_score(spark):
    """Of ten, seven ordered once; those who ordered twice come after 7/9 of the others."""
    rows = [(0, 1, 1)] * 7 + [(0, 2, 1)] * 2 + [(0, 9, 1)]
    assert [found[1] for found in scores(spark, *rows)] == [1] * 7 + [4, 4] + [5]
    assert {found[0] for found in scores(spark, *rows)} == {1}


def test_who_has_no_completed_order_has_no_score_and_counts_for_nobody_elses(spark):
    rows = [(1, 1, 10), (2, 2, 20), (None, 0, 99), (None, 0, 0), (None, 0, 0)]
    assert scores(spark, *rows) == [
        (1, 1, 1, "lost"), (5, 5, 5, "champions"), *[(None, None, None, "prospects")] * 3,
    ]  # fmt: skip


def test_the_only_customer_has_the_lowest_scores(spark):
    assert scores(spark, (3, 4, 50)) == [(1, 1, 1, "lost")]


MEASURES = st.tuples(
    st.one_of(st.none(), st.integers(0, 9)), st.integers(1, 4), st.decimals(-20, 500, places=1, allow_nan=False)
)


@settings(max_examples=5, deadline=None, suppress_health_check=list(HealthCheck))
@given(st.lists(MEASURES, min_size=1, max_size=40))
def test_scores_are_quintiles_of_the_share_of_customers_who_are_worse(spark, measures):
    rows = [(day, 0 if day is None else orders, spend) for day, orders, spend in measures]
    buyers = [row for row in rows if row[1]]

    def quintile(value, column: int) -> int:
        worse = sum(other[column] < value for other in buyers)
        return 1 if len(buyers) == 1 else min(5, 5 * worse // (len(buyers) - 1) + 1)  # percent_rank in whole numbers

    expected = [tuple(quintile(v, n) for n, v in enumerate(row)) if row[1] else (None,) * 3 for row in rows]
    assert [found[:3] for found in scores(spark, *rows)] == expected


def test_each_of_the_125_combinations_has_the_segment_that_the_docs_give_it(spark):
    documented = [(name, *map(int, ends)) for name, *ends in ROW.findall(DOCS.read_text())]
    assert len(documented) == len(SEGMENTS)
    combinations = list(product(range(1, 6), repeat=3))
    scored = spark.createDataFrame(combinations, list(SCORES)).selectExpr(*SCORES, f"{segment_sql()} AS segment")
    found = {tuple(row[name] for name in SCORES): row["segment"] for row in scored.collect()}
    for r, f, m in combinations:
        fitting = [
            name
            for name, r_low, r_high, f_low, f_high, m_low, m_high in documented
            if r_low <= r <= r_high and f_low <= f <= f_high and m_low <= m <= m_high
        ]
        assert found[r, f, m] == fitting[0]
    assert set(found.values()) == {segment.name for segment in SEGMENTS}
