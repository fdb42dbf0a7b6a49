"""Alarms and dashboards: the declarations under `monitoring/`, filled for one environment.

Terraform reads the same files: `templatefile` with the values of `placeholders`, once an item of `each`.
"""

import json
from collections.abc import Iterable
from functools import cached_property
from typing import Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from shoplake.aws import client
from shoplake.config import Lake
from shoplake.errors import ConfigurationError
from shoplake.freshness import objectives
from shoplake.root import root
from shoplake.tables import load_tables
from shoplake.template import fill
from shoplake.yamlfile import first_problem, read_yaml

ALARMS = "monitoring/alarms.yaml"
DASHBOARDS = "monitoring/dashboards"
_MOST_IN_A_DESCRIPTION = 1024
_HOUR_S, _DAY_S = 3600, 24 * 3600


class Alarm(BaseModel):
    """An alarm as declared, its placeholders filled. `item` is the function, job or table that it is for."""

    model_config = ConfigDict(extra="forbid", frozen=True)
    name: str
    item: str = ""
    each: str | None = None
    metric: tuple[str, str]
    dimensions: dict[str, str]
    statistic: Literal["Sum", "Average", "Minimum", "Maximum", "SampleCount"]
    comparison: Literal[
        "GreaterThanOrEqualToThreshold", "GreaterThanThreshold", "LessThanThreshold", "LessThanOrEqualToThreshold"
    ]
    threshold: float
    period_s: int = Field(ge=60, multiple_of=60)
    periods: int = Field(default=1, ge=1)
    missing: Literal["notBreaching", "breaching", "ignore", "missing"]
    email: str | None = None
    description: str = Field(max_length=_MOST_IN_A_DESCRIPTION, pattern=r"Next: .+")

    @field_validator("period_s")
    @classmethod
    def _is_a_period(cls, period_s: int) -> int:
        if period_s > _DAY_S:
            raise ValueError(f"is longer than a day ({_DAY_S} s), the longest period of an alarm here")
        return period_s

    @property
    def full_name(self) -> str:
        """The name without the lake's prefix: `freshness-curated-sales`."""
        return "-".join(filter(None, [self.name, self.item])).replace("_", "-").replace(".", "-")


class Monitoring:
    """The alarms and dashboards of one lake."""

    def __init__(self, lake: Lake):
        self.lake = lake

    @cached_property
    def alarms(self) -> list[Alarm]:
        """All alarms, one an item of `each`. Raises ConfigurationError naming the alarm, the field and the rule."""
        declared = read_yaml(root() / ALARMS)
        for name in self.lake.settings.alarms_off:
            if name not in declared:
                raise ConfigurationError(f"lake.yaml: alarms_off names {name}, which is not in {ALARMS}.")
        return [
            self._alarm(name, item, fields, values)
            for name, fields in declared.items()
            if name not in self.lake.settings.alarms_off
            for item, values in self._items_of(name, fields).items()
        ]

    @cached_property
    def dashboards(self) -> dict[str, str]:
        """The body (JSON) of each dashboard, by its full name. Raises ConfigurationError as `alarms` does."""
        values = placeholders(self.lake) | {"alarm_arns": _listed(self.alarm_arn(alarm) for alarm in self.alarms)}
        functions = [self.lake.function_name(name) for name in self.lake.inventory.functions]
        for metric in ("Invocations", "Errors", "Throttles", "Duration"):
            lines = (["AWS/Lambda", metric, "FunctionName", function] for function in functions)
            values[f"{metric.lower()}_of_functions"] = _listed(lines)
        bodies = {}
        for path in sorted((root() / DASHBOARDS).glob("*.json")):
            place = f"{DASHBOARDS}/{path.name}"
            body = _filled(path.read_text(encoding="utf-8"), values, place)
            try:
                json.loads(body)
            except ValueError as mistake:
                raise ConfigurationError(f"{place}: not valid JSON ({mistake}).") from None
            bodies[f"{self.lake.prefix}{path.stem.replace('_', '-')}"] = body
        return bodies

    def alarm_name(self, alarm: Alarm) -> str:
        return f"{self.lake.prefix}{alarm.full_name}"

    def alarm_arn(self, alarm: Alarm) -> str:
        lake = self.lake
        return f"arn:aws:cloudwatch:{lake.settings.region}:{lake.account}:alarm:{self.alarm_name(alarm)}"

    @cached_property
    def _items(self) -> dict[str | None, dict[str, dict[str, Any]]]:
        """What each kind of alarm is made for: an item and the placeholders that it fills.

        A step function is a state of the run, which fails with it; an unattended one is not.
        """
        lake, inventory = self.lake, self.lake.inventory
        checked = ["run.ledger", *(name for name, table in load_tables().items() if table.branched)]
        functions = {n: {"each": n, "each_name": lake.function_name(n)} for n in inventory.functions}
        return {
            None: {"": {}},
            "function": functions,
            "step_function": {n: v for n, v in functions.items() if inventory.functions[n].state},
            "unattended_function": {n: v for n, v in functions.items() if not inventory.functions[n].state},
            "job": {n: {"each": n, "each_name": lake.job_name(n)} for n in inventory.jobs},
            "table": {n: {"each": n, "freshness_hours": _plain(o.hours)} for n, o in objectives().items()},
            "checked_table": {name: {"each": name} for name in checked},
        }

    def _items_of(self, name: str, fields: Any) -> dict[str, dict[str, Any]]:
        if not isinstance(fields, dict):
            raise ConfigurationError(f"{ALARMS}: {name}: expected the fields of an alarm, found {fields!r}.")
        kind = fields.get("each")
        if kind not in self._items:
            known = ", ".join(filter(None, self._items))
            raise ConfigurationError(f"{ALARMS}: {name}.each: {kind!r} is not one of {known}.")
        return self._items[kind]

    def _alarm(self, name: str, item: str, fields: dict[str, Any], values: dict[str, Any]) -> Alarm:
        text = _filled(json.dumps(fields), placeholders(self.lake) | values, f"{ALARMS}: {name}")
        try:
            alarm = Alarm.model_validate({"name": name, "item": item, **json.loads(text)})
        except ValidationError as error:
            problem = str(first_problem(root() / ALARMS, error)).partition(": ")[2]
            raise ConfigurationError(f"{ALARMS}: {name}.{problem}") from None
        if alarm.email is not None and alarm.email not in self.lake.inventory.topics:
            known = ", ".join(self.lake.inventory.topics)
            raise ConfigurationError(f"{ALARMS}: {name}.email: {alarm.email!r} is not one of {known}.")
        return alarm


def alarms_that_are_on(lake: Lake) -> list[str]:
    """The names of the lake's alarms in state ALARM, without the lake's prefix."""
    pages = client("cloudwatch").get_paginator("describe_alarms")
    found = pages.paginate(AlarmNamePrefix=lake.prefix, StateValue="ALARM")
    return [alarm["AlarmName"].removeprefix(lake.prefix) for page in found for alarm in page["MetricAlarms"]]


def placeholders(lake: Lake) -> dict[str, Any]:
    """What the declarations' placeholders stand for: names, ARNs and the environment's thresholds."""
    inventory, thresholds = lake.inventory, lake.settings.thresholds
    return {
        "env": lake.env,
        "region": lake.settings.region,
        "prefix": lake.prefix,
        "shoplake": "shoplake" if lake.env == "local" else f"shoplake --env {lake.env}",
        "state_machine_arn": lake.state_machine_arn,
        "arrivals_queue": lake.arrivals_queue,
        "dead_letters_queue": lake.dead_letters_queue,
        "workgroup": lake.workgroup,
        **{name: lake.function_name(name) for name in inventory.functions},
        "queue_age_s": thresholds.queue_age_s,
        "slow_run_s": thresholds.slow_run_s,
        "slow_run_ms": thresholds.slow_run_s * 1000,
        "quality_percent": _plain(thresholds.quality_percent),
        "dollars_a_day": _plain(thresholds.dollars_a_day),
        "athena_gb_a_day": thresholds.athena_gb_a_day,
        "athena_bytes_a_day": thresholds.athena_gb_a_day * 1_000_000_000,
    }


def _listed(values: Iterable[Any]) -> str:
    """The elements of a JSON array, without its brackets."""
    return ", ".join(json.dumps(value) for value in values)


def _filled(text: str, values: dict[str, Any], place: str) -> str:
    try:
        return fill(text, values)
    except KeyError as unknown:
        raise ConfigurationError(f"{place}: nothing fills the placeholder ${{{unknown.args[0]}}}.") from None
    except ValueError as mistake:
        raise ConfigurationError(f"{place}: a placeholder is not of the form ${{name}} ({mistake}).") from None


def _plain(number: float) -> int | float:
    """26.0 as 26, the way a person and Terraform write it."""
    return int(number) if number == int(number) else number
