"""The data dictionary says what the declarations say."""

from pathlib import Path

import pytest

from shoplake.contracts import load_contract
from shoplake.dictionary import TARGET, dictionary
from shoplake.inventory import load_inventory
from shoplake.tables import load_tables

WRITTEN = Path(__file__).parents[2] / TARGET


def section(name: str) -> list[str]:
    """The lines about a dataset or a table."""
    return WRITTEN.read_text().partition(f"\n### {name}\n")[2].partition("\n### ")[0].splitlines()


def test_the_dictionary_is_current():
    assert dictionary() == WRITTEN.read_text(), "contracts or tables have changed: run make docs"


@pytest.mark.parametrize("dataset", list(load_inventory().datasets))
def test_every_column_of_a_dataset_has_a_line(dataset):
    lines = section(dataset)
    for column in load_contract(dataset).columns:
        assert sum(line.startswith(f"| {column.name} | {column.physical_type} |") for line in lines) == 1


@pytest.mark.parametrize("table", list(load_tables()))
def test_every_column_of_a_table_has_a_line_and_the_grain_is_stated(table):
    lines, declared = section(table), load_tables()[table]
    assert any(line.startswith(f"Grain: {declared.grain.rstrip('.')}.") for line in lines)
    for column in declared.columns:
        assert sum(line.startswith(f"| {column.name} | {column.type} |") for line in lines) == 1


def test_a_rule_is_told_in_words():
    (line,) = [line for line in section("transactions") if line.startswith("| ordered_at |")]
    assert "| not before 1970-01-01; at most 24 h after the file's arrival |" in line


def test_a_bar_within_a_text_does_not_end_its_cell():
    for line in WRITTEN.read_text().splitlines():
        if line.startswith("| ") and "---" not in line:
            assert line.replace("\\|", "").count("|") in (5, 7)
