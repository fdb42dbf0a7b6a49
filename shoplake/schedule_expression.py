"""When EventBridge Scheduler calls a function: `rate(5 minutes)`, `cron(0 3 * * ? *)`.

The grammar is that of https://docs.aws.amazon.com/scheduler/latest/UserGuide/schedule-types.html; modules/arrivals
holds the same one for Terraform.
"""

import re

_VALUES = {
    "minute": r"[0-5]?\d",
    "hour": r"[01]?\d|2[0-3]",
    "day of month": r"0?[1-9]|[12]\d|3[01]",
    "month": r"0?[1-9]|1[0-2]|JAN|FEB|MAR|APR|MAY|JUN|JUL|AUG|SEP|OCT|NOV|DEC",
    "day of week": r"[1-7]|SUN|MON|TUE|WED|THU|FRI|SAT",
    "year": r"19[7-9]\d|2[01]\d\d",
}
# The last day, the last weekday, the weekday nearest to a day; the last Friday of a month, its second Tuesday.
_BESIDES = {"day of month": r"\?|L|LW|(?:{v})W", "day of week": r"\?|L|(?:{v})L|(?:{v})#[1-5]"}
_RATE = re.compile(r"rate\((?:1 (?:minute|hour|day)|(?:[2-9]|[1-9]\d+) (?:minutes|hours|days))\)")
_CRON = re.compile(r"cron\(([^()]*)\)")


def checked_schedule(expression: str) -> str:
    """The expression itself. Raises ValueError with the rule that it breaks."""
    if _RATE.fullmatch(expression):
        return expression
    cron = _CRON.fullmatch(expression)
    if cron is None:
        raise ValueError("is no schedule: write rate(1 hour), rate(5 minutes) or cron(0 3 * * ? *)")
    fields = cron[1].split(" ")
    if len(fields) != len(_VALUES):
        raise ValueError(f"has {len(fields)} fields: cron() takes 6, {', '.join(_VALUES)}")
    for (name, values), field in zip(_VALUES.items(), fields, strict=True):
        if not re.fullmatch(_grammar(name, values), field):
            raise ValueError(f"has {field!r} as its {name}, which cron() doesn't take")
    if (fields[2] == "?") == (fields[4] == "?"):
        raise ValueError("must have ? as its day of month or as its day of week, and not as both")
    return expression


def _grammar(name: str, values: str) -> str:
    """A list of values and ranges, with steps but for days of the week, and what the field takes besides."""
    step = "" if name == "day of week" else r"(?:/[1-9]\d*)?"
    element = rf"(?:\*|(?:{values})(?:-(?:{values}))?){step}"
    listed = f"{element}(?:,{element})*"
    return f"{listed}|{_BESIDES[name].format(v=values)}" if name in _BESIDES else listed
