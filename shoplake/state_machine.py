"""The state machine's definition for one environment."""

import json
from functools import lru_cache

from shoplake.config import Lake
from shoplake.root import root
from shoplake.template import fill


def placeholders(lake: Lake) -> dict[str, str | int]:
    """What the definition's placeholders stand for: ARNs and time-outs of functions, names of jobs."""
    inventory = lake.inventory
    values: dict[str, str | int] = {
        "timeout_s": inventory.state_machine.timeout_s,
        "validators_at_once": lake.settings.validators_at_once,
        "crawler_poll_s": lake.settings.crawler_poll_s,
        "crawler_polls": inventory.crawlers.timeout_s // lake.settings.crawler_poll_s,
    }
    for name, function in inventory.functions.items():
        values |= {name: lake.function_arn(name), f"{name}_timeout_s": function.timeout_s}
    for name, job in inventory.jobs.items():
        values |= {name: lake.job_name(name), f"{name}_timeout_s": job.timeout_min * 60}
    return values


def definition(lake: Lake) -> str:
    """The definition (Amazon States Language, JSON) with every placeholder filled."""
    text = (root() / lake.inventory.state_machine.definition).read_text(encoding="utf-8")
    return fill(text, placeholders(lake))


@lru_cache(maxsize=4)
def top_level_states(lake: Lake) -> tuple[str, ...]:
    """The names of the machine's own states, without those inside maps and branches."""
    return tuple(json.loads(definition(lake))["States"])
