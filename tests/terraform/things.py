"""What a lake is made of, in one form, whoever makes it.

A thing is `(kind, name)`, and has attributes under the names that AWS's API gives them. JSON inside text is compared
as what it says.
"""

import json
from typing import Any

Things = dict[tuple[str, str], dict[str, Any]]


def sorted_lines(body: dict[str, Any]) -> dict[str, Any]:
    """A dashboard whose lines and alarms are in no order of their own: lake.yaml's in Python, the alphabet's there."""
    for widget in body["widgets"]:
        for name in ("metrics", "alarms"):
            if name in widget["properties"]:
                widget["properties"][name] = sorted(widget["properties"][name], key=json.dumps)
    return body
