"""Gap step_functions_retry: delays of retriers, and what wildcards match."""

import time

import pytest

INVOKE = "arn:aws:states:::lambda:invoke"


@pytest.fixture(scope="module")
def flaky(function, aws):
    """A function that fails twice for each key and then gives the number of calls."""
    aws("dynamodb").create_table(
        TableName="calls",
        KeySchema=[{"AttributeName": "key", "KeyType": "HASH"}],
        AttributeDefinitions=[{"AttributeName": "key", "AttributeType": "S"}],
        BillingMode="PAY_PER_REQUEST",
    )
    return function("""
        import boto3

        class Throttled(Exception):
            pass

        def handler(event, context):
            answer = boto3.client("dynamodb").update_item(
                TableName="calls", Key={"key": {"S": event["key"]}}, ReturnValues="ALL_NEW",
                UpdateExpression="ADD calls :one", ExpressionAttributeValues={":one": {"N": "1"}})
            calls = int(answer["Attributes"]["calls"]["N"])
            if calls < 3:
                raise Throttled(f"call {calls}")
            return calls
    """)


def retrying(flaky, key, **retry):
    return {
        "Try": {
            "Type": "Task",
            "Resource": INVOKE,
            "Arguments": {"FunctionName": flaky, "Payload": {"key": key}},
            "Output": "{% $states.result.Payload %}",
            "Retry": [{"ErrorEquals": ["Throttled"], "IntervalSeconds": 1, "MaxAttempts": 2} | retry],
            "End": True,
        }
    }


def test_a_retry_by_error_class_runs_the_task_again(execute, flaky):
    assert execute(retrying(flaky, "plain", BackoffRate=1)).output == 3


def test_no_delay_exceeds_max_delay_seconds(execute, flaky):
    began = time.monotonic()
    states = retrying(flaky, "max-delay", IntervalSeconds=1, BackoffRate=20, MaxDelaySeconds=1)
    assert execute(states).output == 3
    assert 2 <= time.monotonic() - began < 8


def test_full_jitter_waits_a_random_part_of_the_delay(emulator, monkeypatch):
    from local.gaps import step_functions_retry

    monkeypatch.setattr(step_functions_retry.random, "uniform", lambda low, high: (low, high))
    retrier = {"IntervalSeconds": 3, "BackoffRate": 2, "MaxDelaySeconds": 10, "JitterStrategy": "FULL"}
    delays = [step_functions_retry.delay_s(retrier, attempts) for attempts in (0, 1, 2)]
    assert delays == [(0, 3), (0, 6), (0, 10)]


def test_a_delay_over_a_minute_is_not_cut(emulator):
    from local.gaps import step_functions_retry

    assert step_functions_retry.delay_s({"IntervalSeconds": 60, "BackoffRate": 2}, 1) == 120


def test_other_errors_are_not_retried(execute, flaky):
    ended = execute(retrying(flaky, "other", ErrorEquals=["States.Timeout"]))
    assert ended.description["error"] == "Throttled"


def test_a_wildcard_does_not_catch_a_runtime_error(execute):
    states = {
        "Bad": {
            "Type": "Task",
            "Resource": "arn:aws:states:::nothing:here",
            "Catch": [{"ErrorEquals": ["States.ALL"], "Next": "Done"}],
            "End": True,
        },
        "Done": {"Type": "Succeed"},
    }
    assert execute(states).description["error"] == "States.Runtime"
