"""Gaps of CloudWatch: alarms that look at their own dimensions and come back, and the metrics of AWS's services."""

import json
import time
import uuid
from datetime import UTC, datetime, timedelta

import boto3
import pytest
from botocore.config import Config
from botocore.exceptions import ClientError

from local.mailbox import read_mail


@pytest.fixture
def alarm(aws):
    """A function that makes an alarm on a metric of its own, over one dimension; returns its name."""

    def make(**changes) -> str:
        name = f"alarm-{uuid.uuid4().hex[:8]}"
        fields = {
            "Namespace": "Test", "MetricName": name, "Dimensions": [{"Name": "of", "Value": "this"}],
            "Statistic": "Maximum", "Period": 60, "EvaluationPeriods": 1, "Threshold": 10.0,
            "ComparisonOperator": "GreaterThanThreshold", "TreatMissingData": "notBreaching",
        }  # fmt: skip
        aws("cloudwatch").put_metric_alarm(AlarmName=name, **(fields | changes))
        return name

    return make


@pytest.fixture
def state(aws):
    def of(name: str) -> str:
        return aws("cloudwatch").describe_alarms(AlarmNames=[name])["MetricAlarms"][0]["StateValue"]

    return of


@pytest.fixture
def put(aws):
    def value(name: str, value: float, of: str = "this", seconds_ago: float = 0) -> None:
        at = datetime.now(UTC) - timedelta(seconds=seconds_ago)
        data = {"MetricName": name, "Value": value, "Timestamp": at, "Dimensions": [{"Name": "of", "Value": of}]}
        aws("cloudwatch").put_metric_data(Namespace="Test", MetricData=[data])

    return value


@pytest.fixture
def statistics(aws):
    """All values of a metric since the test began: sum and count."""
    start = datetime.now(UTC) - timedelta(seconds=1)

    def of(namespace: str, metric: str, **dimensions: str) -> tuple[float, float]:
        points = aws("cloudwatch").get_metric_statistics(
            Namespace=namespace, MetricName=metric, StartTime=start, EndTime=datetime.now(UTC) + timedelta(minutes=1),
            Period=3600, Statistics=["Sum", "SampleCount"],
            Dimensions=[{"Name": name, "Value": value} for name, value in dimensions.items()],
        )["Datapoints"]  # fmt: skip
        return sum(p["Sum"] for p in points), sum(p["SampleCount"] for p in points)

    return of


def test_an_alarm_looks_at_its_own_dimensions_alone(alarm, state, put):
    name = alarm()
    put(name, 11, of="that")
    assert state(name) == "OK"
    put(name, 11)
    assert state(name) == "ALARM"


def test_an_alarm_comes_back_by_itself_and_tells_each_change_once(aws, emulator, alarm, state, put, eventually):
    address = f"{uuid.uuid4().hex[:8]}@example.com"
    topic = aws("sns").create_topic(Name=f"topic-{uuid.uuid4().hex[:8]}")["TopicArn"]
    aws("sns").subscribe(TopicArn=topic, Protocol="email", Endpoint=address)
    name = alarm(Period=10, AlarmActions=[topic], AlarmDescription="Too high. Next: look.")

    def letters() -> list[dict]:
        return [mail for mail in read_mail(emulator.state_dir) if mail["to"] == address]

    put(name, 12.5, seconds_ago=8)
    put(name, 13, seconds_ago=8)
    assert state(name) == "ALARM"
    eventually(letters)
    eventually(lambda: state(name) == "OK", timeout_s=20)
    (letter,) = letters()
    assert letter["subject"] == f'ALARM: "{name}" in us-east-1'
    for words in (
        f'your Amazon CloudWatch Alarm "{name}" in the us-east-1 region has entered the ALARM state',
        "- Description:                Too high. Next: look.",
        "- State Change:               OK -> ALARM",
        "Threshold Crossed: 1 out of the last 1 datapoint [12.5 (",
        "was greater than the threshold (10.0)",
        "- Dimensions:                 [of = this]",
    ):
        assert words in letter["body"]
    history = aws("cloudwatch").describe_alarm_history(AlarmName=name, HistoryItemType="StateUpdate")
    changes = [item["HistorySummary"] for item in history["AlarmHistoryItems"]]
    assert [changes.count(f"Alarm updated from {change}") for change in ("OK to ALARM", "ALARM to OK")] == [1, 1]


@pytest.mark.parametrize(
    ("missing", "expected"),
    [
        ("notBreaching", "OK"),
        ("breaching", "ALARM"),
        ("missing", "INSUFFICIENT_DATA"),
        ("ignore", "INSUFFICIENT_DATA"),
    ],
)
def test_a_silent_metric_is_taken_as_the_alarm_says(alarm, state, missing, expected):
    assert state(alarm(TreatMissingData=missing)) == expected


def test_an_alarm_over_three_periods_needs_all_of_them(alarm, state, put):
    name = alarm(EvaluationPeriods=3)
    put(name, 11, seconds_ago=130)
    put(name, 11, seconds_ago=5)
    assert state(name) == "OK"
    put(name, 11, seconds_ago=70)
    assert state(name) == "ALARM"


def test_a_low_value_alarms_where_less_is_worse(alarm, state, put):
    name = alarm(ComparisonOperator="LessThanThreshold", Statistic="Minimum", TreatMissingData="ignore")
    put(name, 10)
    assert state(name) == "OK"
    put(name, 9.5)
    assert state(name) == "ALARM"


def test_every_call_of_a_function_is_counted_once_however_it_came_about(aws, function, execute, statistics, eventually):
    name = function("""
        def handler(event, context):
            if event.get("fail"):
                raise ValueError("no")
            return {}
    """)
    aws("lambda").invoke(FunctionName=name, Payload=json.dumps({"fail": True}))
    aws("lambda").invoke(FunctionName=name, InvocationType="Event", Payload=b"{}")
    task = {"Type": "Task", "Resource": "arn:aws:states:::lambda:invoke", "End": True}
    execute({"Call": {**task, "Arguments": {"FunctionName": name, "Payload": {}}}})
    eventually(lambda: statistics("AWS/Lambda", "Invocations", FunctionName=name) == (3, 3))
    assert statistics("AWS/Lambda", "Errors", FunctionName=name) == (1, 3)
    assert statistics("AWS/Lambda", "Duration", FunctionName=name)[0] > 0


def test_a_throttled_call_is_no_invocation(aws, function, statistics):
    name = function("def handler(event, context):\n    return {}\n")
    aws("lambda").put_function_concurrency(FunctionName=name, ReservedConcurrentExecutions=0)
    impatient = boto3.client("lambda", config=Config(retries={"total_max_attempts": 1}))
    with pytest.raises(ClientError, match="TooManyRequests"):
        impatient.invoke(FunctionName=name, Payload=b"{}")
    assert statistics("AWS/Lambda", "Throttles", FunctionName=name) == (1, 1)
    assert statistics("AWS/Lambda", "Invocations", FunctionName=name) == (0, 0)


@pytest.mark.parametrize(
    ("states", "metric"),
    [
        ({"End": {"Type": "Succeed"}}, "ExecutionsSucceeded"),
        ({"End": {"Type": "Fail", "Error": "No", "Cause": "no"}}, "ExecutionsFailed"),
    ],
)
def test_executions_are_counted_and_timed_by_how_they_end(execute, statistics, states, metric):
    machine = execute(states).description["stateMachineArn"]
    assert statistics("AWS/States", "ExecutionsStarted", StateMachineArn=machine) == (1, 1)
    assert statistics("AWS/States", metric, StateMachineArn=machine) == (1, 1)
    assert statistics("AWS/States", "ExecutionTime", StateMachineArn=machine)[1] == 1


def test_a_queue_tells_depth_and_age_while_it_holds_messages_and_once_more(aws, emulator, statistics):
    from local.gaps import sqs_metrics

    name = f"queue-{uuid.uuid4().hex[:8]}"
    url = aws("sqs").create_queue(QueueName=name)["QueueUrl"]
    for body in "ab":
        aws("sqs").send_message(QueueUrl=url, MessageBody=body)
    time.sleep(0.1)
    sqs_metrics.sample_all()
    assert statistics("AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName=name) == (2, 1)
    assert statistics("AWS/SQS", "ApproximateAgeOfOldestMessage", QueueName=name)[0] >= 0.1
    aws("sqs").purge_queue(QueueUrl=url)
    for _ in range(3):
        sqs_metrics.sample_all()
    assert statistics("AWS/SQS", "ApproximateNumberOfMessagesVisible", QueueName=name) == (2, 2)


def test_a_workgroup_that_publishes_metrics_tells_what_queries_scan(aws, statistics, eventually):
    name = f"group-{uuid.uuid4().hex[:8]}"
    aws("s3").create_bucket(Bucket=name)
    aws("athena").create_work_group(
        Name=name,
        Configuration={
            "PublishCloudWatchMetricsEnabled": True,
            "ResultConfiguration": {"OutputLocation": f"s3://{name}/"},
        },
    )
    aws("athena").start_query_execution(QueryString="SELECT 1", WorkGroup=name)
    of_group = {"WorkGroup": name, "QueryState": "SUCCEEDED", "QueryType": "DML"}
    eventually(lambda: statistics("AWS/Athena", "ProcessedBytes", **of_group)[1] == 1)
