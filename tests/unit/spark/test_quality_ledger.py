"""The gate on the run's own ledger: no accepted file and no row goes missing."""

import pytest

from quality.gate import Gate
from quality.quality_gate import LEDGER_SCHEMA, ledger_rows
from quality.suites import ledger
from shoplake.verdicts import Verdict

PAGE = {"applied": 0, "unchanged": 0, "superseded": 0, "quarantined": 0, "duplicate": 0}
NO_PAGE, NOT_ALL_ROWS = "Every accepted file has its page in the ledger", "Rows read = applied"


def verdict(number: int, word: str = "accepted", rows_read: int = 0) -> Verdict:
    return Verdict(
        number=number, key=f"raw/{number}.csv", version_id="1", dataset="transactions", size_bytes=1,
        arrived_at="2025-01-01T00:00:00.000Z", verdict=word, rows_read=rows_read,
    )  # fmt: skip


@pytest.mark.parametrize(
    ("pages", "not_met"),
    [
        ({"0": {**PAGE, "applied": 3}, "1": PAGE}, []),
        ({"0": {**PAGE, "applied": 3}}, [NO_PAGE]),
        ({"0": {**PAGE, "applied": 2}, "1": PAGE}, [NOT_ALL_ROWS]),
    ],
)
def test_every_accepted_file_and_row_is_in_the_ledger(spark, pages, not_met):
    verdicts = [verdict(0, rows_read=3), verdict(1), verdict(2, "refused")]
    summary = {"files": {"transactions": [{"number": 0}, {"number": 1}]}}
    frame = spark.createDataFrame(ledger_rows(verdicts, [{"files": pages}], summary), LEDGER_SCHEMA)
    findings = Gate("run", "2025-01-01T00:00:00.000Z").check("run.ledger", frame, ["key"], ledger.suite())
    broken = [finding for finding in findings if not finding.is_met]
    assert [finding.severity for finding in broken] == ["critical"] * len(not_met)
    assert all(finding.rule.startswith(rule) for finding, rule in zip(broken, not_met, strict=True))
