"""What may go wrong around a run: functions that raise or hang, time-outs, throttling, notifications lost or repeated.

Each time the lake must come back by itself, or by the one command that the e-mail names.
"""

import json
import re
import time
from collections.abc import Callable, Iterable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.end_to_end.local_lake import RUN_TIMEOUT_S, LocalLake, eventually
from tests.end_to_end.orders import orders_file
from tests.end_to_end.throttling import throttled
from tests.end_to_end.traces import (
    Published,
    each_run_is_recorded_once,
    leaves_no_trace,
    nothing_is_left,
    tables_are_whole,
    the_account_closes,
)

pytestmark = pytest.mark.lake

RAISES = "\ndef handler(event, context):\n    raise ValueError('out of cheese')\n"
HANGS = "\nimport time\n\ndef handler(event, context):\n    time.sleep(60)\n"
IS_THROTTLED = """
from botocore.exceptions import ClientError

def handler(event, context):
    refusal = {"Error": {"Code": "ProvisionedThroughputExceededException", "Message": "Rate exceeded"}}
    raise ClientError(refusal, "Query")
"""
THROTTLED_JOB = """
from pyspark.sql import SparkSession
SparkSession.builder.getOrCreate().conf.set("spark.sql.catalog.glue_catalog.glue.endpoint", "{proxy}")
"""


@pytest.fixture(scope="module")
def published(lake, tmp_path_factory):
    """A lake that holds something."""
    lake.clear()
    lake.load(orders_file(tmp_path_factory.mktemp("orders"), "before"))
    return lake


def fails_with(lake: LocalLake, fault: AbstractContextManager, file: Path) -> str:
    """The run over a file while something is broken; no other run starts before it is mended."""
    with fault:
        lake.drop(file)
        run_id = eventually(lake.running_run, 60)
        with no_further_run(lake):
            wait_for_its_letter(lake, run_id)
    return run_id


def wait_for_its_letter(lake: LocalLake, run_id: str) -> None:
    """Until the run has ended and been told of."""
    eventually(lambda: lake.running_run() is None and lake.delivered(run_id), RUN_TIMEOUT_S)


@contextmanager
def no_further_run(lake: LocalLake) -> Iterator[None]:
    """Nobody can call the dispatcher meanwhile."""
    dispatcher, aws_lambda = lake.names.function_name("dispatcher"), lake.aws("lambda")
    aws_lambda.put_function_concurrency(FunctionName=dispatcher, ReservedConcurrentExecutions=0)
    try:
        yield
    finally:
        aws_lambda.delete_function_concurrency(FunctionName=dispatcher)


@contextmanager
def time_out(lake: LocalLake, function: str, seconds: int) -> Iterator[None]:
    """A function may only take so long meanwhile."""
    name, aws_lambda = lake.names.function_name(function), lake.aws("lambda")
    usual = lake.names.inventory.functions[function].timeout_s
    aws_lambda.update_function_configuration(FunctionName=name, Timeout=seconds)
    try:
        yield
    finally:
        aws_lambda.update_function_configuration(FunctionName=name, Timeout=usual)


@contextmanager
def time_out_of_a_run(lake: LocalLake, seconds: int) -> Iterator[None]:
    """A whole run may only take so long meanwhile."""
    machine, arn = lake.aws("stepfunctions"), lake.names.state_machine_arn
    usual = machine.describe_state_machine(stateMachineArn=arn)["definition"]
    short = re.sub(r'"TimeoutSeconds": \d+', f'"TimeoutSeconds": {seconds}', usual, count=1)
    machine.update_state_machine(stateMachineArn=arn, definition=short)
    try:
        yield
    finally:
        machine.update_state_machine(stateMachineArn=arn, definition=usual)


def test_a_function_that_raises_fails_the_run_and_a_replay_publishes(published, tmp_path):
    lake, file = published, orders_file(tmp_path, "raises")
    before = Published.of(lake)
    failed = fails_with(lake, lake.function_changed("summarise_verdicts", lambda text: text + RAISES), file)
    (letter,) = lake.delivered(failed)
    assert "Error    ValueError: out of cheese" in letter["body"]
    assert f"shoplake replay {failed}" in letter["body"]
    assert lake.status()["files"] == {"waiting": 0, "held": 1}
    replay = lake.ask("replay", failed, "--wait", "--timeout", str(RUN_TIMEOUT_S))
    leaves_no_trace(lake, before, failed, "Summarise verdicts", replay["run_id"], {file.name})


@dataclass(frozen=True)
class Fault:
    """What another try cures: what is broken meanwhile, the state that fails by it, and its error."""

    name: str
    on: Callable[[LocalLake], AbstractContextManager]
    state: str
    error: str


@contextmanager
def a_function_that_hangs(lake: LocalLake) -> Iterator[None]:
    hangs = lake.function_changed("summarise_verdicts", lambda text: text + HANGS)
    with hangs, time_out(lake, "summarise_verdicts", 3):
        yield


def dynamodb_throttled_for_long(lake: LocalLake) -> AbstractContextManager:
    return lake.function_changed("summarise_verdicts", lambda text: text + IS_THROTTLED)


@contextmanager
def the_machine_times_out(lake: LocalLake) -> Iterator[None]:
    with lake.function_changed("file_validator", lambda text: text + HANGS), time_out_of_a_run(lake, 4):
        yield


HANGS_THEN_THROTTLED = (
    Fault("a_function_that_hangs", a_function_that_hangs, "Summarise verdicts", "Sandbox.Timedout"),
    Fault("dynamodb_throttled_for_long", dynamodb_throttled_for_long, "Summarise verdicts", "ClientError"),
)
TIMES_OUT = Fault("the_machine_times_out", the_machine_times_out, "Validate and stage files", "States.Timeout")


@dataclass(frozen=True)
class Cured:
    """What was published before, a failed run over one file for each fault, in order, and the run that published it."""

    before: Published
    failed: list[str]
    next_run: str


def one_after_the_other(lake: LocalLake, faults: Iterable[Fault], file: Path) -> list[str]:
    """A run over a file for each fault: the run after one fault meets the next. The file may fail twice, no more."""
    failed = []
    with ExitStack() as between:
        for fault in faults:
            with fault.on(lake):
                between.close()
                if failed:
                    ask(lake, "run")  # as the schedule does every five minutes
                else:
                    lake.drop(file)
                failed.append(eventually(lake.running_run, 60))
                between.enter_context(no_further_run(lake))
                wait_for_its_letter(lake, failed[-1])
    return failed


@pytest.fixture(scope="module")
def cured(published, tmp_path_factory):
    lake, file, before = published, orders_file(tmp_path_factory.mktemp("orders"), "cured"), Published.of(published)
    failed = one_after_the_other(lake, HANGS_THEN_THROTTLED, file)
    ask(lake, "run")
    return Cured(before, failed, lake.run_after(failed[-1]))


@pytest.mark.parametrize("number", range(2), ids=[fault.name for fault in HANGS_THEN_THROTTLED])
def test_files_go_into_the_next_run_by_themselves_after(published, cured, number):
    went_on_by_itself(published, cured, number, HANGS_THEN_THROTTLED[number], "cured.csv")


def went_on_by_itself(lake: LocalLake, cured: Cured, number: int, fault: Fault, file: str) -> None:
    """The letter says so, and nothing is left of the failure once the file is published."""
    failed = cured.failed[number]
    (letter,) = lake.delivered(failed)
    assert letter["subject"].endswith(f"failed in {fault.state}: {fault.error}")
    assert "The files go into the next run by themselves" in letter["body"]
    leaves_no_trace(lake, cured.before, failed, fault.state, cured.next_run, {file})


@pytest.fixture(scope="module")
def throttled_run(published, tmp_path_factory):
    """A run that times out; the next one finds DynamoDB and Glue throttled. Also the calls that were refused."""
    lake, file, before = published, orders_file(tmp_path_factory.mktemp("orders"), "throttled"), Published.of(published)
    failed = one_after_the_other(lake, [TIMES_OUT], file)
    with throttled(lake.process.url) as (proxy, throttle), ExitStack() as led:
        for function in ("prepare_tables", "publish", "notify"):
            led.enter_context(lake.function_environment(function, {"AWS_ENDPOINT_URL": proxy}))
        job_throttled = THROTTLED_JOB.format(proxy=proxy)
        led.enter_context(lake.script_changed("transaction_etl", lambda text: job_throttled + text))
        ask(lake, "run")
        next_run = lake.run_after(failed[-1])
    return Cured(before, failed, next_run), throttle.refused


def test_files_go_into_the_next_run_by_themselves_after_the_machine_times_out(published, throttled_run):
    cured, _ = throttled_run
    went_on_by_itself(published, cured, 0, TIMES_OUT, "throttled.csv")


def test_throttling_of_dynamodb_and_glue_slows_a_run_and_does_no_more(published, throttled_run):
    lake, (cured, refused) = published, throttled_run
    assert min(refused[service] for service in ("DynamoDB_20120810", "AWSGlue")) > 3
    tables_are_whole(lake, cured.before, cured.next_run)
    the_account_closes(lake, cured.next_run, {"throttled.csv"}, rows=3)
    each_run_is_recorded_once(lake, {cured.next_run: "succeeded"})
    assert len(lake.delivered(cured.next_run)) == 1
    nothing_is_left(lake)


def test_notifications_lost_repeated_and_in_reverse_order(published):
    """A key written twice, and a file of which nobody was told; the last news comes first, and all of it twice."""
    lake, told, lost = published, "raw/transactions/told.csv", "raw/transactions/lost.csv"
    known = len(lake.states_of_files())
    with nobody_is_told(lake):
        versions = [put(lake, told, "told-1", "1.00")]
        time.sleep(1.1)  # S3 tells a version's time in whole seconds
        versions.append(put(lake, told, "told-1", "2.00"))
        lost_version = put(lake, lost, "lost-1", "3.00")
    notifications = [notification(told, version) for version in reversed(versions)] * 2
    with lake.arrivals_wait():
        tell(lake, notifications)
        eventually(lambda: is_heard(lake), 60)
        assert len(lake.states_of_files()) == known + 2
        ask(lake, "sweep")
        assert len(lake.states_of_files()) == known + 3
    ask(lake, "run")
    eventually(lambda: is_settled(lake, known + 3), RUN_TIMEOUT_S)
    assert prices(lake) == [("lost-1", 3.0), ("told-1", 2.0)]
    nothing_is_left(lake)

    runs = lake.ask("runs", "--limit", "100")
    tell(lake, [*notifications, notification(lost, lost_version)])
    eventually(lambda: is_heard(lake), 60)
    assert lake.ask("runs", "--limit", "100") == runs
    nothing_is_left(lake)


@contextmanager
def nobody_is_told(lake: LocalLake) -> Iterator[None]:
    """S3's events reach no queue meanwhile."""
    events, rule = lake.aws("events"), f"{lake.names.prefix}raw-object-created"
    events.disable_rule(Name=rule)
    try:
        yield
    finally:
        events.enable_rule(Name=rule)


def put(lake: LocalLake, key: str, order: str, price: str) -> str:
    """Put a file of one order line, with its number, so that a later version of the line wins; the object's version."""
    text = (
        f"order_id,line_number,product_id,quantity,unit_price,ordered_at\n{order},1,P-1,1,{price},2024-03-01 10:00:00\n"
    )
    return lake.aws("s3").put_object(Bucket=lake.names.bucket, Key=key, Body=text.encode())["VersionId"]


def notification(key: str, version: str) -> str:
    """What EventBridge puts on the queue when an object was created, as far as the lake reads it."""
    return json.dumps({"detail-type": "Object Created", "detail": {"object": {"key": key, "version-id": version}}})


def tell(lake: LocalLake, notifications: list[str]) -> None:
    sqs = lake.aws("sqs")
    queue = sqs.get_queue_url(QueueName=lake.names.arrivals_queue)["QueueUrl"]
    for text in notifications:
        sqs.send_message(QueueUrl=queue, MessageBody=text)


def is_heard(lake: LocalLake) -> bool:
    """Whether the queue is empty, what is being worked on included."""
    sqs = lake.aws("sqs")
    queue = sqs.get_queue_url(QueueName=lake.names.arrivals_queue)["QueueUrl"]
    counts = ("ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible")
    found = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=list(counts))["Attributes"]
    return all(found[count] == "0" for count in counts)


def ask(lake: LocalLake, action: str) -> None:
    """Call the dispatcher as a schedule does."""
    dispatcher, asked = lake.names.function_name("dispatcher"), json.dumps({"action": action})
    lake.aws("lambda").invoke(FunctionName=dispatcher, Payload=asked.encode())


def is_settled(lake: LocalLake, files: int) -> bool:
    """Whether the lake knows this many files, each has its last word, and no run is going."""
    states = lake.states_of_files()
    return len(states) == files and not {"received", "claimed"} & set(states) and lake.running_run() is None


def prices(lake: LocalLake) -> list[tuple[str, float]]:
    """Order and price of each published line of this test."""
    rows = lake.query("SELECT order_id, unit_price FROM sales WHERE order_id IN ('told-1', 'lost-1') ORDER BY 1")
    return [(row["order_id"], float(row["unit_price"])) for row in rows]
