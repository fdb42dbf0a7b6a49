"""Values are judged in one place: what conform makes of a cell, and what it says of one that breaks a rule."""

from dataclasses import replace
from datetime import datetime
from decimal import Decimal

import pytest

from shoplake.contracts import load_contract
from shoplake.spark.conform import conform, expand_optional
from tests.unit.spark.frames import CONTRACT, conformed, only, rules_broken, staged


def test_a_good_row_has_no_problem(spark):
    assert rules_broken(spark) == []


@pytest.mark.parametrize(
    ("cells", "broken"),
    [
        ({"order_id": ""}, ("order_id", "missing")),
        ({"order_id": "   "}, ("order_id", "missing")),
        ({"product_id": None}, ("product_id", "missing")),
        ({"quantity": "two"}, ("quantity", "not_an_integer")),
        ({"quantity": "2.5"}, ("quantity", "not_an_integer")),
        ({"quantity": "3000000000"}, ("quantity", "not_an_integer")),
        ({"unit_price": "2,50"}, ("unit_price", "not_a_number")),
        ({"unit_price": "1e"}, ("unit_price", "not_a_number")),
        ({"unit_price": "1e30"}, ("unit_price", "not_a_number")),
        ({"unit_price": "-0.01"}, ("unit_price", "below_minimum")),
        ({"ordered_at": "01.12.2010"}, ("ordered_at", "not_a_time")),
        ({"ordered_at": "2010-02-30 08:00:00"}, ("ordered_at", "not_a_time")),
        ({"ordered_at": "2099-01-01 00:00:00"}, ("ordered_at", "after_arrival")),
        ({"ordered_at": "0001-01-01 00:00:00"}, ("ordered_at", "before_earliest")),
        ({"ordered_at": "1969-12-31 23:59:59"}, ("ordered_at", "before_earliest")),
        ({"status": "lost at sea"}, ("status", "unknown_value")),
        ({"currency": "pounds"}, ("currency", "pattern")),
        ({"line_number": "-1"}, ("line_number", "below_minimum")),
    ],
)
def test_a_bad_cell_is_named_with_its_rule(spark, cells, broken):
    assert broken in rules_broken(spark, **cells)


def test_a_row_with_two_bad_cells_has_two_problems(spark):
    assert rules_broken(spark, quantity="x", unit_price="y") == [
        ("quantity", "not_an_integer"),
        ("unit_price", "not_a_number"),
    ]


def test_a_problem_keeps_the_value_as_received(spark):
    (problem,) = only(conformed(spark, {"unit_price": " 2,50 "}))["_problems"]
    assert problem == {"column": "unit_price", "value": "2,50", "rule": "not_a_number"}


def test_a_line_number_is_needed_where_the_source_keys_by_it(spark):
    row = only(conformed(spark, {"line_number": ""}, source="shop"))
    assert [(p["column"], p["rule"]) for p in row["_problems"]] == [("line_number", "missing")]


def test_integers_written_as_decimals_are_integers(spark):
    assert only(conformed(spark, {"quantity": "2.0"}))["quantity"] == 2


def test_leading_zeros_of_an_identifier_are_kept(spark):
    assert only(conformed(spark, {"product_id": "00123"}))["product_id"] == "00123"


def test_customers_as_floats_lose_their_decimal_zero_and_nothing_else(spark):
    rows = conformed(spark, {"customer_id": "17850.0"}, {"customer_id": "0170.50"}, {"customer_id": "C1.0"})
    assert [row["customer_id"] for row in rows.orderBy("_source_line").collect()] == ["17850", "0170.50", "C1.0"]


def test_sources_words_become_the_contracts(spark):
    rows = conformed(spark, {"status": "Canceled"}, {"status": "PAID"}, {"status": None})
    assert [row["status"] for row in rows.orderBy("_source_line").collect()] == ["cancelled", "completed", "completed"]


def test_the_earliest_instant_itself_is_allowed(spark):
    assert rules_broken(spark, ordered_at="1970-01-01 00:00:00") == []


def test_a_column_with_a_normaliser_and_words_of_its_own_gets_both(spark):
    status = replace(CONTRACT.by_name["status"], normaliser="upper", values={"PAID": ("complete",)})
    contract = replace(CONTRACT, columns=tuple(status if c.name == "status" else c for c in CONTRACT.columns))
    rows = conform(staged(spark, {"status": "complete"}, {"status": "paid"}), contract, contract.source("plain"))
    assert [(row["status"], row["_problems"]) for row in rows.collect()] == [("PAID", []), ("PAID", [])]


def test_a_cancellation_by_number_is_the_sources_own_rule(spark):
    numbers = [{"order_id": "C536379"}, {"order_id": "536379"}, {"order_id": ""}]

    def cancelled(source: str) -> list[bool]:
        rows = conformed(spark, *numbers, source=source).orderBy("_source_line").collect()
        return [row["_is_cancellation_by_number"] for row in rows]

    assert (cancelled("uci"), cancelled("plain")) == ([True, False, False], [False, False, False])


def test_money_is_decimal_with_four_places(spark):
    assert only(conformed(spark, {"unit_price": "2.55555"}))["unit_price"] == Decimal("2.5556")


def utc(spark, text: str, source: str = "uci") -> str:
    frame = conformed(spark, {"ordered_at": text}, source=source).selectExpr("cast(ordered_at AS string) AS at")
    return only(frame)["at"]


def test_a_time_as_parquet_is_staged_is_read_to_the_microsecond(spark):
    assert utc(spark, "2011-07-01T12:00:00") == "2011-07-01 11:00:00"
    assert utc(spark, "2010-12-01T12:00:00.120") == "2010-12-01 12:00:00.12"
    assert utc(spark, "2010-12-01T12:00:00.000001Z", source="plain") == "2010-12-01 12:00:00.000001"


def test_a_naive_time_is_local_time_of_the_source(spark):
    assert utc(spark, "2011-07-01 12:00:00") == "2011-07-01 11:00:00"
    assert utc(spark, "2010-12-01 12:00:00") == "2010-12-01 12:00:00"


def test_both_date_formats_of_uci_name_the_same_instant(spark):
    assert utc(spark, "12/1/2010 8:45") == utc(spark, "2010-12-01 08:45:00") == "2010-12-01 08:45:00"


def test_an_ambiguous_local_time_takes_the_earlier_offset(spark):
    assert utc(spark, "2010-10-31 01:30:00") == "2010-10-31 00:30:00"


def test_a_local_time_that_does_not_exist_is_shifted_forward(spark):
    assert utc(spark, "2011-03-27 01:30:00") == "2011-03-27 01:30:00"  # 01:30 GMT is 02:30 BST


def test_a_stated_offset_goes_before_the_sources_time_zone(spark):
    assert utc(spark, "2011-07-01T12:00:00+02:00", source="plain") == "2011-07-01 10:00:00"
    assert utc(spark, "2011-07-01T12:00:00.500Z", source="plain") == "2011-07-01 12:00:00.5"


def test_optional_parts_of_a_format_are_written_out():
    assert expand_optional(("a[b][c]",)) == ["abc", "ab", "ac", "a"]


def test_an_instant_is_not_moved_by_the_clock_of_the_machine(spark):
    row = only(conformed(spark, {"ordered_at": "2010-12-01 08:26:00"}).selectExpr("unix_timestamp(ordered_at) AS s"))
    assert row["s"] == int(datetime.fromisoformat("2010-12-01T08:26:00+00:00").timestamp())


WRITTEN = [
    "2025-03-01 10:00:00",
    "2025-03-01 10:00:00.123",
    "2025-03-01 10:00:00+00:00",
    "2025-03-01T10:00:00",
    "2025-03-01T10:00:00Z",
    "2025-03-01T10:00:00.123456Z",
    "2025-03-01T10:00:00.123456789",
    "2025-03-01T12:00:00.123+02:00",
    "2025-03-01T10:00Z",
    "2025-03-01 10:00",
]


@pytest.mark.parametrize("dataset", ["transactions", "products", "categories"])
def test_every_dataset_reads_a_time_in_the_forms_that_programs_write(spark, dataset):
    contract = load_contract(dataset)
    rows = staged(spark, *({"updated_at": text} for text in WRITTEN), contract=contract, good={})
    found = conform(rows, contract, contract.sources[-1]).select("updated_at").collect()
    assert [row["updated_at"].isoformat()[:16] for row in found] == ["2025-03-01T10:00"] * len(WRITTEN)


def test_a_number_may_have_an_exponent(spark):
    found = conformed(spark, {"unit_price": "1.5E2"}, {"unit_price": "1e-05"}).orderBy("_source_line").collect()
    assert [row["unit_price"] for row in found] == [Decimal("150.0000"), Decimal("0.0000")]
