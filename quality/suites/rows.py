"""Expectations of our own: a question in SQL whose rows break the rule."""

import great_expectations.expectations as gxe


class ExpectNoRows(gxe.UnexpectedRowsExpectation):
    """No row comes out of `unexpected_rows_query`, a SELECT of the table's key over {batch}.

    The query may also read other tables: their touched rows under the table's name (none where the run touched none),
    all their rows under what `whole` gives in quality/suites/common.py.
    """


def expect_no_rows(description: str, query: str, severity: str) -> ExpectNoRows:
    """The expectation in words, and the SELECT of what breaks it."""
    return ExpectNoRows(unexpected_rows_query=query, severity=severity, description=description)
