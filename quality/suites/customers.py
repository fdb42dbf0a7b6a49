"""processed.customers: the contract's rules, hashes in the place of persons, and how much could not be read."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL, WARNING, of_contract, of_declaration
from quality.suites.rows import expect_no_rows
from shoplake.config import Lake
from shoplake.contracts import load_contract
from shoplake.tables import Table


def suite(table: Table, lake: Lake) -> list[Expectation]:
    """What customers must satisfy before anybody sees them."""
    contract = load_contract("customers")
    hashed = [name for name, kept in contract.personal.items() if kept == "hash"]
    has_hash = f"coalesce({', '.join(hashed)}, NULL) IS NOT NULL" if hashed else "false"
    return [
        *of_declaration(table),
        *of_contract(contract),
        expect_no_rows(
            "Hashes name the key that made them",
            f"SELECT customer_id FROM {{batch}} WHERE {has_hash} AND _key_version IS NULL",
            CRITICAL,
        ),
        expect_no_rows(
            "A customer's e-mail address is well formed",
            "SELECT customer_id FROM {batch} WHERE is_email_malformed",
            WARNING,
        ),
        expect_no_rows(
            "A customer's telephone number is one",
            "SELECT customer_id FROM {batch} WHERE is_phone_malformed",
            WARNING,
        ),
    ]
