"""The lake's own expectations, met and not met: what they find, in words, with the keys of what breaks them."""

import json
from datetime import UTC, datetime

import pytest

from quality.expectations.figures import ExpectFresh, ExpectUsualNullRate, ExpectUsualVolume
from quality.expectations.measured import MeasuredExpectation
from quality.expectations.rows import ExpectEqualSums, ExpectNoRows, ExpectReferences, ExpectUniqueKey
from quality.gate import Finding, Gate

ORDERS = "order_id string, product_id string, customer_id string, amount int, source string"
ROWS = [("A", "P1", "ann", 5, "shop"), ("B", "P2", None, 7, "shop"), ("C", "P9", "bob", -1, "uci")]


@pytest.fixture(scope="module")
def orders(spark):
    spark.createDataFrame([("P1", "shop"), ("P3", "shop")], "id string, source string").createOrReplaceTempView("goods")
    spark.createDataFrame([("A", 5), ("B", 7), ("C", -1)], "order_id string, paid int").createOrReplaceTempView("paid")
    return spark.createDataFrame(ROWS, ORDERS).persist()


def check(frame, *expectations: MeasuredExpectation) -> list[Finding]:
    return Gate("run", "2025-01-01T00:00:00.000Z").check("orders", frame, ["order_id"], list(expectations))


def test_all_expectations_of_a_table_are_answered_at_once_each_with_its_own_figures(orders):
    """One check of the frame, since each costs seconds: those that are met, those that are not, with their examples."""
    said = {"severity": "warning"}
    no_b = "SELECT order_id, paid FROM paid WHERE order_id <> 'B'"
    expectations = {
        "negative": ExpectNoRows(query="SELECT order_id FROM {batch} WHERE amount < 0", description="1", **said),
        "huge": ExpectNoRows(query="SELECT order_id FROM {batch} WHERE amount > 99", description="2", **said),
        "grain": ExpectUniqueKey(columns=["order_id"], description="Grain", **said),
        "sources": ExpectUniqueKey(columns=["source"], description="3", **said),
        "paid": ExpectEqualSums(by=["order_id"], sums={"paid": "sum(amount)"},
                                other="SELECT order_id, paid FROM paid", description="4", **said),
        "paid late": ExpectEqualSums(by=["order_id"], sums={"paid": "sum(amount)"},
                                     other=no_b, description="5", **said),
        "goods": ExpectReferences(column="product_id", key=["order_id"], referenced="goods", referenced_key="id",
                                  share=0.9, description="6", **said),
        "some goods": ExpectReferences(column="product_id", key=["order_id"], referenced="goods", referenced_key="id",
                                       share=0.5, description="7", **said),
        "nulls": ExpectUsualNullRate(column="customer_id", history=[0.0] * 9, description="8", **said),
    }  # fmt: skip
    found = dict(zip(expectations, check(orders, *expectations.values()), strict=True))
    assert {name for name, finding in found.items() if finding.is_met} == {
        "huge",
        "grain",
        "paid",
        "some goods",
        "nulls",
    }
    assert {finding.checked for finding in found.values()} == {3}
    in_words = {name: (finding.unexpected, finding.in_words) for name, finding in found.items()}
    assert in_words == {
        "negative": (1, "1 row"),
        "huge": (0, "0 rows"),
        "grain": (0, "0 rows"),
        "sources": (1, "1 row"),
        "paid": (0, "0 rows"),
        "paid late": (1, "1 row"),
        "goods": (1, "1 of 2 rows unknown (50.0%; up to 10.0% are allowed)"),
        "some goods": (1, "1 of 2 rows unknown (50.0%; up to 50.0% are allowed)"),
        "nulls": (1, "33.3% null; too few rows or runs to say what is usual"),
    }
    examples = {name: json.loads(finding.examples) for name, finding in found.items() if finding.examples}
    assert examples == {
        "negative": [{"order_id": "C"}],
        "sources": [{"source": "shop"}],
        "paid late": [{"order_id": "B", "paid": 7, "other_paid": None}],
        "goods": [{"order_id": "B", "product_id": "P2"}],
    }
    assert (found["goods"].observed, round(found["nulls"].observed, 3)) == (0.5, 0.333)


def test_the_page_says_the_rule_the_count_and_examples(orders):
    gate = Gate("run", "2025-01-01T00:00:00.000Z")
    rule = ExpectNoRows(
        query="SELECT order_id FROM {batch} WHERE amount < 0", description="No amount is negative", severity="critical"
    )
    gate.check("orders", orders, ["order_id"], [rule])
    page = gate.pages["orders"]
    assert "No amount is negative" in page
    assert (
        "1 row, for example [{&#34;order_id&#34;: &#34;C&#34;}]" in page
        or '1 row, for example [{"order_id": "C"}]' in page
    )


def test_a_rule_that_cannot_be_asked_is_not_met_and_says_so(orders):
    broken = ExpectNoRows(query="SELECT nothing FROM {batch}", description="A rule with a slip", severity="critical")
    (finding,) = check(orders, broken)
    assert not finding.is_met
    assert finding.rule.startswith("A rule with a slip (could not be checked: ")


def judged(expectation: MeasuredExpectation, **found) -> tuple[bool, str]:
    judgement = expectation.judge(found)
    return judgement.is_met, judgement.in_words


def test_a_table_is_as_fresh_as_its_newest_row_was_when_the_last_file_came():
    fresh = ExpectFresh(column="at", table="t", hours=26, as_of="2025-01-02T12:00:00.000Z", description="fresh")
    at = datetime(2025, 1, 1, 12, tzinfo=UTC).timestamp() * 1e6
    assert judged(fresh, rows=1, newest=at) == (True, "the newest is 24.0 hours old (26 are allowed)")
    assert judged(fresh, rows=1, newest=at - 3 * 3600e6) == (False, "the newest is 27.0 hours old (26 are allowed)")
    assert judged(fresh, rows=0, newest=None) == (True, "no row yet")


def test_nulls_are_compared_with_those_of_earlier_runs():
    usual = ExpectUsualNullRate(column="email", history=[0.1] * 6, description="usual")
    assert judged(usual, rows=1000, nulls=120) == (True, "12.0% null; usual are 5.0% to 15.0%")
    assert judged(usual, rows=1000, nulls=300) == (False, "30.0% null; usual are 5.0% to 15.0%")
    assert judged(usual, rows=10, nulls=9)[0]


def test_the_rows_of_a_file_are_compared_with_those_of_earlier_runs():
    usual = ExpectUsualVolume(column="orders", history=[900.0] * 6, description="usual")
    assert judged(usual, rows=2, volume=700.0) == (True, "700 rows a file; usual are 299 to 2,702")
    assert judged(usual, rows=2, volume=30.0) == (False, "30 rows a file; usual are 299 to 2,702")
    assert judged(usual, rows=2, volume=None) == (True, "no file")


def test_only_accepted_files_of_the_dataset_count_for_its_volume(spark):
    files = [("orders", True, 10), ("orders", True, 30), ("orders", False, 999), ("clicks", True, 7)]
    frame = spark.createDataFrame(files, "dataset string, is_accepted boolean, read bigint")
    rule = ExpectUsualVolume(column="orders", history=[], description="usual", severity="warning")
    (finding,) = check(frame, rule)
    assert (finding.observed, finding.is_met) == (20.0, True)
