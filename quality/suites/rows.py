"""Rules in SQL for suites: in words, and what breaks them."""

from quality.expectations.rows import ExpectEqualSums, ExpectNoRows


def expect_no_rows(description: str, query: str, severity: str) -> ExpectNoRows:
    """The expectation in words, and the SELECT of the keys of what breaks it."""
    return ExpectNoRows(query=query, severity=severity, description=description)


def expect_equal_sums(
    description: str, by: list[str], sums: dict[str, str], other: str, severity: str
) -> ExpectEqualSums:
    """The expectation in words; by which columns, and the sums by name; a SELECT of both from elsewhere."""
    return ExpectEqualSums(by=by, sums=sums, other=other, severity=severity, description=description)
