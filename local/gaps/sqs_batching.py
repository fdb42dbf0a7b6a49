"""Gap: the batching window of SQS event source mappings, and batches of more than 10 messages.

The stock emulator hands over whatever is there, at most 10 messages. On AWS a mapping gathers messages
until the batch is full or the oldest has waited for the window; batches over 10 need a window.
Hook: `sqs._receive_messages_for_esm`.
"""

import time

from ministack.services import lambda_svc, sqs

from local.gaps import hooks


def install() -> None:
    hooks.replace(sqs, "_receive_messages_for_esm", _receive, parameters=("queue_url", "max_number"))


def _receive(queue_url, max_number):
    """Messages of the queue for one call of the function; none while the batch is still gathering."""
    batch_size = int(max_number or 1)
    with sqs._queues_lock:
        queue = sqs._get_q(queue_url)
        sqs._expire_retained(queue)
        sqs._dlq_sweep(queue)
        for message in queue["messages"]:
            sqs._ensure_msg_fields(message)
        now = time.time()
        waiting_since = [
            max(message["sent_at"], message["visible_at"])
            for message in queue["messages"]
            if message["visible_at"] <= now
        ]
        if not waiting_since:
            return []
        window_s = _window_s(queue["attributes"].get("QueueArn"))
        if len(waiting_since) < batch_size and now - min(waiting_since) < window_s:
            return []
        visibility_s = int(queue["attributes"].get("VisibilityTimeout", "30"))
        return sqs._collect_msgs(queue, batch_size, visibility_s)


def _window_s(queue_arn: str) -> int:
    for _account, _region, mapping in lambda_svc._iter_all_esms():
        if mapping.get("EventSourceArn") == queue_arn:
            return mapping.get("MaximumBatchingWindowInSeconds") or 0
    return 0
