"""All that anybody but an operator may read of a lake, as text, and what of some values stands in it word for word."""

import json
import re
from typing import Any

from tests.end_to_end.local_lake import LOADED_TABLES, LocalLake

KEPT_TABLES = ("processed.quality_results", "processed.runs", "curated.published")


def all_that_is_said(lake: LocalLake, shows: list[dict[str, Any]]) -> dict[str, str]:
    """What tables, e-mails, commands, logs, answers to queries, Data Docs, receipts and results of the gate hold, by
    where it stands. `shows`: what `show` says of the runs.
    """
    said = {name: as_text(lake.iceberg(name).scan().to_arrow().to_pylist()) for name in (*LOADED_TABLES, *KEPT_TABLES)}
    said |= {"e-mails": as_text(lake.ask("mail")), "show": as_text(shows)}
    prefixes = [lake.names.zone("athena_results")]
    for show in shows:
        keys = lake.names.run_keys(show["run_id"])
        prefixes += [keys.ledgers, keys.quality, keys.receipt, keys.summary, f"data-docs/{show['run_id']}/"]
    for prefix in prefixes:
        said |= {key: content.decode(errors="replace") for key, content in lake.objects(prefix).items()}
    logs = lake.aws("logs")
    for group in logs.describe_log_groups()["logGroups"]:
        pages = logs.get_paginator("filter_log_events").paginate(logGroupName=group["logGroupName"])
        said[group["logGroupName"]] = "\n".join(event["message"] for page in pages for event in page["events"])
    said |= {path.name: path.read_text(errors="replace") for path in lake.state_dir.rglob("*.log")}
    return said


def as_text(value: Any) -> str:
    return json.dumps(value, ensure_ascii=False, default=str)


def literally(values: set[str], text: str) -> set[tuple[str, ...]]:
    """Which of some values stand in a text, word for word. Megabytes are read once for thousands of values."""
    wanted = {tuple(words_of(value)) for value in values}
    sizes, words = {len(value) for value in wanted}, words_of(text)
    return {gram for n in range(len(words)) for size in sizes if (gram := tuple(words[n : n + size])) in wanted}


def words_of(text: str) -> list[str]:
    return [word.strip(".'-") for word in re.findall(r"[\w.@+'-]+", text.replace("\\n", " "))]
