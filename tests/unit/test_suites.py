"""Each table that a run writes has a suite, and each suite can be made."""

from pathlib import Path

import pytest

from quality import suites
from quality.quality_gate import suite_of
from shoplake.config import load_lake
from shoplake.tables import load_tables

NOT_OF_TABLES = {"__init__", "common", "ledger", "rows"}
BRANCHED = {name: table for name, table in load_tables().items() if table.branched}


def test_every_table_that_is_published_has_a_suite_and_every_suite_a_table():
    modules = {path.stem for path in Path(suites.__file__).parent.glob("*.py")} - NOT_OF_TABLES
    assert modules == {table.name for table in BRANCHED.values()}


@pytest.mark.parametrize("name", BRANCHED)
def test_no_two_expectations_of_a_table_say_the_same(name):
    table = BRANCHED[name]
    said = [expectation.description for expectation in suite_of(table)(table, load_lake("local"))]
    assert all(said)
    assert len(said) == len(set(said))


def test_tables_that_are_checked_by_the_same_values_hold_them_in_columns_of_one_type():
    types = {(table.checked_by.values, table.type_of(table.checked_by.column)) for table in BRANCHED.values()
             if table.checked_by}  # fmt: skip
    assert len(types) == len({name for name, _ in types})
