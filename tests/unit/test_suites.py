"""Each table that a run writes has a suite, and each suite can be made."""

from pathlib import Path

import pytest

from quality import suites
from quality.history import NULL_RATE, History
from quality.quality_gate import in_all_rows, suite_of
from quality.suites.common import CRITICAL, WARNING
from quality.suites.every_table import of_freshness, of_null_rates, of_references, of_volumes
from quality.suites.rows import expect_no_rows
from shoplake.config import load_lake
from shoplake.tables import load_tables

AS_OF = "2025-01-01T00:00:00.000Z"
NOT_OF_TABLES = {"__init__", "common", "every_table", "ledger", "rows"}
BRANCHED = {name: table for name, table in load_tables().items() if table.branched}


def test_every_table_that_is_published_has_a_suite_and_every_suite_a_table():
    modules = {path.stem for path in Path(suites.__file__).parent.glob("*.py")} - NOT_OF_TABLES
    assert modules == {table.name for table in BRANCHED.values()}


@pytest.mark.parametrize("name", BRANCHED)
def test_no_two_expectations_of_a_table_say_the_same(name):
    table = BRANCHED[name]
    lake, history = load_lake("dev", "123456789012"), History()
    declared = [*of_references(table, lake), *of_freshness(table, lake, AS_OF), *of_null_rates(table, history)]
    said = [expectation.description for expectation in [*suite_of(table)(table, lake), *declared]]
    assert all(said)
    assert len(said) == len(set(said))


def test_tables_that_are_checked_by_the_same_values_hold_them_in_columns_of_one_type():
    types = {(table.checked_by.values, table.type_of(table.checked_by.column)) for table in BRANCHED.values()
             if table.checked_by}  # fmt: skip
    assert len(types) == len({name for name, _ in types})


def test_a_foreign_key_leads_to_a_table_of_one_key_and_both_say_whose_row_it_is():
    for table in BRANCHED.values():
        for reference in table.references:
            other = BRANCHED[reference.table]
            assert len(other.key) == 1, reference
            assert "source" in table.column_names and "source" in other.column_names, reference


def test_foreign_keys_freshness_and_what_is_usual_only_warn():
    lake = load_lake("dev", "123456789012")
    made = [*of_volumes(lake, "run.ledger", History())]
    for table in BRANCHED.values():
        made += [*of_references(table, lake), *of_freshness(table, lake, AS_OF), *of_null_rates(table, History())]
    assert {expectation.expectation_type for expectation in made} == {
        "expect_references", "expect_fresh", "expect_usual_null_rate", "expect_usual_volume",
    }  # fmt: skip
    assert {expectation.severity.value for expectation in made} == {WARNING}


def test_every_dataset_has_its_volume_and_every_optional_column_its_null_rate():
    lake = load_lake("local")
    assert [expectation.column for expectation in of_volumes(lake, "run.ledger", History())] == list(
        lake.inventory.datasets
    )
    history = History({("processed.reviews", NULL_RATE, "title"): [0.25]})
    rates = {e.column: e.history for e in of_null_rates(BRANCHED["processed.reviews"], history)}
    assert rates["title"] == [0.25] and rates["customer_id"] == []
    assert "product_id" not in rates


def test_where_files_of_any_age_are_tried_freshness_is_not_checked():
    events = BRANCHED["processed.events"]
    assert of_freshness(events, load_lake("local"), AS_OF) == []
    assert len(of_freshness(events, load_lake("dev", "123456789012"), AS_OF)) == 1


def test_what_stood_there_before_a_run_only_warns():
    rule = in_all_rows(expect_no_rows("No amount is negative", "SELECT 1 FROM {batch}", CRITICAL))
    assert (rule.description, rule.severity.value) == ("In all rows: No amount is negative", WARNING)
