"""EventBridge hears of every way in which an execution ends."""

import json

import pytest

WAIT_LONG = {"Wait": {"Type": "Wait", "Seconds": 60, "End": True}}


@pytest.fixture(scope="module")
def heard(aws):
    """A function that gives the statuses announced for an execution, in order, from a queue behind a rule."""
    queue = aws("sqs").create_queue(QueueName="status-changes")["QueueUrl"]
    arn = aws("sqs").get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.states"], "detail-type": ["Step Functions Execution Status Change"]}
    aws("events").put_rule(Name="status-changes", EventPattern=json.dumps(pattern))
    aws("events").put_targets(Rule="status-changes", Targets=[{"Id": "queue", "Arn": arn}])
    details = []

    def statuses(execution_arn: str) -> list[str]:
        answer = aws("sqs").receive_message(QueueUrl=queue, MaxNumberOfMessages=10)
        details.extend(json.loads(message["Body"])["detail"] for message in answer.get("Messages", []))
        return [detail["status"] for detail in details if detail["executionArn"] == execution_arn]

    return statuses


def test_a_success_is_announced(execute, heard, eventually):
    ended = execute({"Done": {"Type": "Succeed"}})
    eventually(lambda: heard(ended.arn) == ["RUNNING", "SUCCEEDED"])


def test_a_failure_is_announced(execute, heard, eventually):
    ended = execute({"Bad": {"Type": "Fail", "Error": "Bad", "Cause": "x"}})
    eventually(lambda: heard(ended.arn) == ["RUNNING", "FAILED"])


def test_a_time_out_is_announced(execute, heard, eventually):
    ended = execute(WAIT_LONG, TimeoutSeconds=1)
    eventually(lambda: heard(ended.arn) == ["RUNNING", "TIMED_OUT"])


def test_a_stop_is_announced(execute, heard, eventually):
    running = execute(WAIT_LONG, wait=False)
    running.stop()
    eventually(lambda: heard(running.arn) == ["RUNNING", "ABORTED"])
