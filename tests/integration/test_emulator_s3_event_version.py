"""S3's events on EventBridge carry the object's version, as AWS's do for a bucket with versioning."""

import json


def test_each_write_of_a_key_is_announced_with_its_own_version(aws, eventually):
    s3, sqs, events = aws("s3"), aws("sqs"), aws("events")
    s3.create_bucket(Bucket="versions")
    s3.put_bucket_versioning(Bucket="versions", VersioningConfiguration={"Status": "Enabled"})
    s3.put_bucket_notification_configuration(
        Bucket="versions", NotificationConfiguration={"EventBridgeConfiguration": {}}
    )
    queue = sqs.create_queue(QueueName="versions")["QueueUrl"]
    arn = sqs.get_queue_attributes(QueueUrl=queue, AttributeNames=["QueueArn"])["Attributes"]["QueueArn"]
    pattern = {"source": ["aws.s3"], "detail": {"bucket": {"name": ["versions"]}}}
    events.put_rule(Name="versions", EventPattern=json.dumps(pattern))
    events.put_targets(Rule="versions", Targets=[{"Id": "queue", "Arn": arn}])

    written = [s3.put_object(Bucket="versions", Key="a.csv", Body=body)["VersionId"] for body in (b"1", b"2")]

    announced: list[str] = []

    def both_are_announced() -> bool:
        for message in sqs.receive_message(QueueUrl=queue, MaxNumberOfMessages=10).get("Messages", []):
            announced.append(json.loads(message["Body"])["detail"]["object"].get("version-id"))
            sqs.delete_message(QueueUrl=queue, ReceiptHandle=message["ReceiptHandle"])
        return len(announced) == 2

    eventually(both_are_announced)
    assert sorted(announced) == sorted(written)
