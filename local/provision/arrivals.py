"""What calls the dispatcher: dropped objects (rule, queue, dead letters, event source mapping), schedules, events."""

import json
from typing import Any

from local.provision.account import Account, found
from shoplake.aws import client
from shoplake.config import RUN_REQUESTED, Lake

_NO_QUEUE = "AWS.SimpleQueueService.NonExistentQueue"
_DAY_S = 24 * 3600


def provision(account: Account) -> None:
    lake = account.lake
    rule = f"{lake.prefix}raw-object-created"
    _ensure_queue(account, lake.dead_letters_queue, _dead_letter_attributes(lake))
    _ensure_queue(account, lake.arrivals_queue, _arrival_attributes(lake, rule))
    pattern = {
        "source": ["aws.s3"],
        "detail-type": ["Object Created"],
        "detail": {"bucket": {"name": [lake.bucket]}, "object": {"key": [{"prefix": lake.zone("raw")}]}},
    }
    account.ensure_rule(rule, pattern, "arrivals", lake.queue_arn(lake.arrivals_queue))
    _ensure_mapping(account)
    for action, expression in lake.schedules.items():
        account.ensure_schedule(action, expression, "dispatcher", {"action": action})
    _ensure_requests(account)


def _dead_letter_attributes(lake: Lake) -> dict[str, Any]:
    return {"MessageRetentionPeriod": str(lake.inventory.arrivals.dead_letters_days * _DAY_S)}


def _arrival_attributes(lake: Lake, rule: str) -> dict[str, Any]:
    """Attributes as the API takes them: text; the two documents as dictionaries."""
    # So that no message is seen again while it is worked on.
    # https://docs.aws.amazon.com/lambda/latest/dg/services-sqs-configure.html
    visible_again_s = lake.inventory.arrivals.visibility_timeouts * lake.inventory.functions["dispatcher"].timeout_s
    rule_arn = f"arn:aws:events:{lake.settings.region}:{lake.account}:rule/{rule}"
    statement = {
        "Sid": "ObjectCreated",
        "Effect": "Allow",
        "Principal": {"Service": "events.amazonaws.com"},
        "Action": "sqs:SendMessage",
        "Resource": lake.queue_arn(lake.arrivals_queue),
        "Condition": {"ArnEquals": {"aws:SourceArn": rule_arn}},
    }
    return {
        "VisibilityTimeout": str(visible_again_s + lake.settings.batching_window_s),
        "RedrivePolicy": {
            "deadLetterTargetArn": lake.queue_arn(lake.dead_letters_queue),
            "maxReceiveCount": lake.inventory.arrivals.max_receives,
        },
        "Policy": {"Version": "2012-10-17", "Statement": [statement]},
    }


def _ensure_queue(account: Account, queue: str, wanted: dict[str, Any]) -> None:
    sqs, present = client("sqs"), None
    texts = {name: value if isinstance(value, str) else json.dumps(value) for name, value in wanted.items()}
    answer = found(sqs.get_queue_url, _NO_QUEUE, QueueName=queue)
    if answer is not None:
        present = sqs.get_queue_attributes(QueueUrl=answer["QueueUrl"], AttributeNames=["All"])["Attributes"]
        for document in ("RedrivePolicy", "Policy"):
            if present.get(document):
                present[document] = json.loads(present[document])
    account.ensure(
        f"queue {queue}",
        present,
        wanted,
        create=lambda: sqs.create_queue(QueueName=queue, Attributes=texts),
        update=lambda: sqs.set_queue_attributes(QueueUrl=answer["QueueUrl"], Attributes=texts),
    )


def _ensure_mapping(account: Account) -> None:
    """The dispatcher's feed: batches of arrivals, of which it may refuse single messages."""
    lake, aws_lambda = account.lake, client("lambda")
    place = {
        "FunctionName": lake.function_name("dispatcher"),
        "EventSourceArn": lake.queue_arn(lake.arrivals_queue),
    }
    wanted = {
        "BatchSize": lake.inventory.arrivals.batch_size,
        "MaximumBatchingWindowInSeconds": lake.settings.batching_window_s,
        "FunctionResponseTypes": ["ReportBatchItemFailures"],
    }
    mappings = aws_lambda.list_event_source_mappings(**place)["EventSourceMappings"]
    present = mappings[0] if mappings else None
    account.ensure(
        f"event source of {place['FunctionName']}",
        present,
        wanted,
        create=lambda: aws_lambda.create_event_source_mapping(**place, **wanted),
        update=lambda: aws_lambda.update_event_source_mapping(UUID=present["UUID"], **wanted),
    )


def _ensure_requests(account: Account) -> None:
    """Other programs ask for a run by an event."""
    lake = account.lake
    pattern = {"source": [lake.event_source], "detail-type": [RUN_REQUESTED]}
    rule_arn = account.ensure_rule(
        f"{lake.prefix}run-requested", pattern, "dispatcher", lake.function_arn("dispatcher")
    )
    account.ensure_permission(lake.function_name("dispatcher"), rule_arn)
