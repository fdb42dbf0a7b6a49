"""docs/access.md: who may do what, from a plan of the environment dev.

After `make plan ENV=dev`:
`terraform -chdir=terraform/lake show -json lake.plan | python -m deploy.access_table > docs/access.md`
A test holds the page against the plan.
"""

import json
import re
import sys
from collections.abc import Iterable
from typing import Any

_KINDS = {
    "functions": "Functions",
    "jobs": "Glue jobs",
    "pipeline": "State machine",
    "arrivals": "Schedules",
    "catalog": "Crawlers",
    "governance": "People",
}
_HEAD = """# Who may do what

Every role of the lake and the statements of its document, as planned for the environment `dev` (names of other
environments differ in that word). Made by `deploy/access_table.py`; a test holds it against the plan. Why a statement
is there: `terraform/lake/access.tf`. No action holds a `*`; the resource `*` stands where the API has none.
"""


def page(resources: Iterable[dict[str, Any]]) -> str:
    """The page, from resources with `address` and `values`."""
    roles: dict[str, list[tuple[str, list[dict[str, Any]]]]] = {kind: [] for kind in _KINDS}
    for resource in resources:
        found = re.fullmatch(r"module\.(\w+)\.aws_iam_role_policy\.\w+(?:\[\"(.+)\"\])?", resource["address"])
        if found and found[1] in roles:
            statements = json.loads(resource["values"]["policy"])["Statement"]
            roles[found[1]].append((found[2] or _KINDS[found[1]].lower(), statements))
    return _HEAD + "".join(_section(_KINDS[kind], named) for kind, named in roles.items() if named)


def _section(title: str, roles: list[tuple[str, list[dict[str, Any]]]]) -> str:
    lines = [f"\n## {title}\n"]
    for name, statements in sorted(roles):
        lines += [f"\n**{name}**\n", "\n| for | actions | on |\n|---|---|---|\n"]
        for statement in statements:
            conditions = statement.get("Condition", {}).values()
            limits = [value for test in conditions for values in test.values() for value in _listed(values)]
            only = f" (only {', '.join(f'`{limit}`' for limit in limits)})" if limits else ""
            actions = " ".join(f"`{action}`" for action in _listed(statement["Action"]))
            places = " ".join(f"`{_short(arn)}`" for arn in _listed(statement["Resource"]))
            lines.append(f"| {statement['Sid']} | {actions} | {places}{only} |\n")
    return "".join(lines)


def _short(arn: str) -> str:
    """An ARN without what all have in common."""
    name = re.sub(r"^arn:aws:(\w+):[\w-]*:\d*:", r"\1 ", arn)
    return re.sub(r"-?\b\d{12}\b", "", name.replace("shoplake-dev-", ""))


def _listed(value: str | list[str]) -> list[str]:
    return [value] if isinstance(value, str) else sorted(value)


if __name__ == "__main__":
    plan = json.load(sys.stdin)
    changes = [change for change in plan["resource_changes"] if change["change"]["after"]]  # not of what goes
    print(page({"address": c["address"], "values": c["change"]["after"]} for c in changes), end="")
