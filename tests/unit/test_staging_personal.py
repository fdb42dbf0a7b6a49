"""What is said of a file whose rows are people shows none of them."""

import pytest

from shoplake.contracts import load_contract
from shoplake.staging.model import HIDDEN
from tests.unit.staging_contracts import stage_json

CUSTOMERS = load_contract("customers")
HEADER = "customer_id,name,email\n"


def staged(text: str, name: str = "customers.csv"):
    return stage_json(text, CUSTOMERS, name, columns=("customer_id",)).staging


@pytest.mark.parametrize(
    ("text", "name", "rule"),
    [
        (f"{HEADER}C1,Ann Smith,ann@example.com\nC2,Bob Jones\n", "customers.csv", "ragged_row"),
        ('{"customer_id": "C1", "name": "Ann Smith"}\n{"customer_id": "C2", "name": "Bob Jo\n', "c.jsonl", "torn_json"),
    ],
)
def test_a_torn_row_is_told_by_its_line_alone(text, name, rule):
    found = staged(text, name)
    assert [(p.value, p.rule) for p in found.problems] == [(HIDDEN, rule)]
    assert found.rows_staged == 1


@pytest.mark.parametrize(
    ("text", "code"),
    [
        ("C1,Ann Smith,ann@example.com,2025-01-01\nC2,Bob,bob@example.com,2025-01-01\n", "header_missing"),
        ("Smith,ann@example.com\nJones,bob@example.com\n", "missing_column"),
    ],
)
def test_a_file_without_a_header_is_refused_without_its_first_row(text, code):
    found = staged(text)
    assert found.refusal.code == code
    said = repr((found.refusal.sentence, found.problems, found.header, found.extra_columns, found.notes))
    assert HIDDEN in said
    assert "Smith" not in said and "ann@example.com" not in said


def test_a_header_is_shown_where_it_is_one():
    found = staged("name,email,shoe_size\nAnn Smith,ann@example.com,38\n")
    assert found.refusal.code == "missing_column"
    assert "`name,email,shoe_size`" in found.refusal.sentence
    assert found.extra_columns == ["shoe_size"]
