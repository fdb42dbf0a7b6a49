"""The run's own ledger: every row read is accounted for, file by file."""

from great_expectations.expectations.expectation import Expectation

from quality.suites.common import CRITICAL
from quality.suites.rows import expect_no_rows


def suite() -> list[Expectation]:
    """No file and no row vanishes: read = applied + unchanged + superseded + quarantined + duplicate."""
    return [
        expect_no_rows(
            "Rows read = applied + unchanged + superseded + quarantined + duplicate, in every file",
            "SELECT key, read FROM {batch} WHERE read <> applied + unchanged + superseded + quarantined + duplicate",
            CRITICAL,
        ),
        expect_no_rows(
            "Every accepted file has its page in the ledger",
            "SELECT key, read FROM {batch} WHERE is_accepted AND NOT has_page",
            CRITICAL,
        ),
    ]
