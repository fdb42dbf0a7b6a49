"""Gap sqs_batching: a mapping gathers messages for its window, into batches larger than ten."""

import json
import uuid

import pytest

COUNTS_BATCH = """
    import boto3, json, time

    def handler(event, context):
        body = json.dumps({"size": len(event["Records"]), "at": time.time()})
        boto3.client("sqs").send_message(QueueUrl=event["Records"][0]["body"], MessageBody=body)
"""


@pytest.fixture
def batches(aws, function):
    """A function: send `count` messages through a mapping with these settings; sizes of the first batches."""

    def run(count, expected, **mapping):
        sqs = aws("sqs")
        arrivals = sqs.create_queue(QueueName=f"arrivals-{uuid.uuid4().hex[:8]}")["QueueUrl"]
        seen = sqs.create_queue(QueueName=f"seen-{uuid.uuid4().hex[:8]}")["QueueUrl"]
        attributes = sqs.get_queue_attributes(QueueUrl=arrivals, AttributeNames=["QueueArn"])["Attributes"]
        aws("lambda").create_event_source_mapping(
            EventSourceArn=attributes["QueueArn"], FunctionName=function(COUNTS_BATCH), **mapping
        )
        for _ in range(count):
            sqs.send_message(QueueUrl=arrivals, MessageBody=seen)
        found = []
        while sum(one["size"] for one in found) < expected:
            answer = sqs.receive_message(QueueUrl=seen, WaitTimeSeconds=10)
            assert "Messages" in answer, found
            found += [json.loads(message["Body"]) for message in answer["Messages"]]
        return [one["size"] for one in sorted(found, key=lambda one: one["at"])]

    return run


def test_messages_within_the_window_come_as_one_batch_of_more_than_ten(batches):
    assert batches(25, expected=25, BatchSize=100, MaximumBatchingWindowInSeconds=2) == [25]


def test_a_full_batch_does_not_wait_for_the_window(batches):
    assert batches(20, expected=20, BatchSize=20, MaximumBatchingWindowInSeconds=300) == [20]
