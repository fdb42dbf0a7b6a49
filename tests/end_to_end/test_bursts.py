"""Three hundred files at once become a few runs, which carry no more state than a run over one file."""

from dataclasses import dataclass
from typing import Any

import boto3
import pytest

from tests.end_to_end.local_lake import CREDENTIALS, LocalLake, eventually
from tests.end_to_end.orders import orders_file

FILES = 300
MAX_RUNS = 3
MAX_STATE_BYTES = 10_000


@dataclass(frozen=True)
class Burst:
    """What `show` says of the runs that took the files, in order, and the lines that are published of them."""

    runs: list[dict[str, Any]]
    orders: list[str]


@pytest.fixture(scope="module")
def burst(lake, tmp_path_factory):
    lake.clear()
    folder = tmp_path_factory.mktemp("burst")
    files = [orders_file(folder, f"burst{n:03d}", orders=1) for n in range(FILES)]
    lake.drop(*files)
    items = eventually(lambda: settled(lake), 900)
    eventually(lambda: lake.running_run() is None, 60)
    runs = [lake.ask("show", run_id) for run_id in sorted({item["run_id"] for item in items})]
    return Burst(runs, [row[0] for row in lake.rows("curated.sales")])


def settled(lake: LocalLake) -> list[dict[str, Any]]:
    """What the table `files` says of each file of the burst, once a run has had its last word on all of them."""
    table = boto3.resource("dynamodb", endpoint_url=lake.process.url, **CREDENTIALS).Table(lake.names.files_table)
    items = table.scan(ProjectionExpression="#s, run_id", ExpressionAttributeNames={"#s": "state"})["Items"]
    is_settled = len(items) == FILES and not {item["state"] for item in items} & {"received", "claimed"}
    return items if is_settled else []


def test_all_files_of_a_burst_are_loaded_each_once_in_at_most_three_runs(burst):
    inputs = [file for run in burst.runs for file in run["inputs"]]
    assert len(burst.runs) <= MAX_RUNS
    assert [run["state"] for run in burst.runs] == ["succeeded"] * len(burst.runs)
    assert {file["verdict"] for file in inputs} == {"accepted"}
    assert sorted(file["key"] for file in inputs) == [f"raw/transactions/burst{n:03d}.csv" for n in range(FILES)]
    assert sorted(burst.orders) == [f"burst{n:03d}-1" for n in range(FILES)]


def test_each_run_of_a_burst_sends_one_email_that_lists_twenty_files(lake, burst):
    for run in burst.runs:
        (letter,) = lake.letters_of(run["run_id"])
        listed = letter["body"].count("raw/transactions/burst")
        assert listed == min(20, len(run["inputs"]))


def test_the_state_of_a_run_stays_small_however_many_files_it_has(lake, burst):
    for run in burst.runs:
        sizes = state_sizes(lake, run["run_id"])
        assert max(sizes) < MAX_STATE_BYTES
        assert len(sizes) > 10  # the input and output of each state


def state_sizes(lake: LocalLake, run_id: str) -> list[int]:
    """Bytes of every input and output in the history of a run's execution."""
    history = lake.aws("stepfunctions").get_paginator("get_execution_history")
    events = [e for page in history.paginate(executionArn=lake.names.execution_arn(run_id)) for e in page["events"]]
    details = [value for event in events for name, value in event.items() if name.endswith("EventDetails")]
    return [len(detail[side].encode()) for detail in details for side in ("input", "output") if side in detail]
