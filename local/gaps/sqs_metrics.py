"""Gap: metrics of SQS queues, namespace AWS/SQS. The stock emulator has none.

A thread looks at the queues once a minute, as AWS does. A queue that has been empty since the last look says
nothing, as one that is not active on AWS; so an idle lake gathers no numbers.
"""

import threading
import time

from ministack.services import cloudwatch, sqs

from local.gaps.cloudwatch_alarms import in_each_scope

SAMPLE_EVERY_S = 60

_stopped = threading.Event()
_active: set[str] = set()  # addresses of queues that held messages at the last look


def install() -> None:
    _stopped.clear()
    threading.Thread(target=_loop, name="queue-metrics", daemon=True).start()


def shut_down() -> None:
    _stopped.set()


def _loop() -> None:
    while not _stopped.wait(SAMPLE_EVERY_S):
        sample_all()


def sample_all() -> None:
    """Record depth and age of every queue that is active."""
    in_each_scope(list(sqs._queues._data), _sample)


def _sample() -> None:
    now = time.time()
    for url, queue in sqs._queues.items():
        messages = list(queue["messages"])
        if not messages and url not in _active:
            continue
        (_active.add if messages else _active.discard)(url)
        visible = sum(message["visible_at"] <= now for message in messages)
        oldest = min((message["sent_at"] for message in messages), default=now)
        values = {
            "ApproximateNumberOfMessagesVisible": (visible, "Count"),
            "ApproximateNumberOfMessagesNotVisible": (len(messages) - visible, "Count"),
            "ApproximateAgeOfOldestMessage": (now - oldest, "Seconds"),
        }
        for name, (value, unit) in values.items():
            cloudwatch.record_metric("AWS/SQS", name, value, unit, {"QueueName": queue["name"]})
