"""What EventBridge Scheduler takes as a schedule, by the examples and tables of its documentation."""

import pytest

from shoplake.schedule_expression import checked_schedule

TAKEN = [
    "rate(1 hour)", "rate(5 minutes)", "rate(10 days)",
    "cron(0 3 * * ? *)", "cron(15 10 ? * 6L 2022-2027)", "cron(0/15 8-17 ? * MON-FRI *)", "cron(0 8 LW * ? *)",
    "cron(0 8 ? * 3#2 *)", "cron(30 9 1,15 JAN-JUN ? 2026)", "cron(*/10 * 3W * ? *)",
]  # fmt: skip
REFUSED = [
    ("often", "is no schedule"),
    ("rate(0 minutes)", "is no schedule"),
    ("rate(1 hours)", "is no schedule"),
    ("rate(5 minute)", "is no schedule"),
    ("cron(0 3 * * ?)", "has 5 fields"),
    ("cron(60 3 * * ? *)", "has '60' as its minute"),
    ("cron(0 24 * * ? *)", "has '24' as its hour"),
    ("cron(0 3 32 * ? *)", "has '32' as its day of month"),
    ("cron(0 3 * 13 ? *)", "has '13' as its month"),
    ("cron(0 3 ? * 8 *)", "has '8' as its day of week"),
    ("cron(0 3 ? * */2 *)", "has '*/2' as its day of week"),
    ("cron(0 3 * * ? 1969)", "has '1969' as its year"),
    ("cron(0 3 */0 * ? *)", "has '*/0' as its day of month"),
    ("cron(a b c d e f)", "has 'a' as its minute"),
    ("cron(0 3 * * * *)", "must have ? as its day of month or as its day of week"),
    ("cron(0 3 ? * ? *)", "must have ? as its day of month or as its day of week"),
]


@pytest.mark.parametrize("expression", TAKEN)
def test_a_schedule_of_the_documentation_is_taken(expression):
    assert checked_schedule(expression) == expression


@pytest.mark.parametrize(("expression", "said"), REFUSED)
def test_a_schedule_that_aws_would_refuse_is_told_why(expression, said):
    with pytest.raises(ValueError) as refusal:
        checked_schedule(expression)
    assert said in str(refusal.value)
