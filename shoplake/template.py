"""Fill `${name}` placeholders exactly as Terraform's `templatefile` does.

Python's own string.Template would also touch `$.path` and `$$.Execution`, which the states language needs.
"""

import string
from collections.abc import Mapping
from typing import Any


class Placeholders(string.Template):
    """Knows `${name}` and the escape `$${`; every other dollar sign is left alone."""

    pattern = r"""\$(?:
        (?P<escaped>\$(?=\{)) |
        \{(?P<braced>[a-z][a-z0-9_]*)\} |
        (?P<named>(?!)) |
        (?P<invalid>(?=\{))
    )"""


def fill(text: str, values: Mapping[str, Any]) -> str:
    """The text with its placeholders filled. Raises KeyError on a name without a value."""
    return Placeholders(text).substitute(values)
