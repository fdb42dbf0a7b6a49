"""The lake's door: arrivals from the queue, schedules, and requests of the command line.

A queue batch is recorded message by message, so that a bad one fails alone; then a run is started if none is
going. A request is `{"action": "run" | "sweep" | "replay", "run_id": ...}` and is answered with
`{"run_id", "files", "waiting_for", "error"}`.
"""

import json
from typing import Any

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext

from shoplake.config import load_lake
from shoplake.dispatch import Dispatcher, Started
from shoplake.errors import ShoplakeError
from shoplake.times import now

logger = Logger()
processor = BatchProcessor(event_type=EventType.SQS)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse | dict[str, Any]:
    """Take arrivals from the queue, or answer a request."""
    if "Records" not in event:
        return answer_request(event)
    dispatcher, recorded = Dispatcher(load_lake()), []

    def record_arrival(record: SQSRecord) -> None:
        """Note the object version that one `Object Created` event announces."""
        announced = json.loads(record.body)["detail"]["object"]
        file = dispatcher.record(announced["key"], announced.get("version-id", "null"))
        recorded.extend([file] if file else [])

    answer = process_partial_response(event, record_arrival, processor, context)
    started = dispatcher.start_waiting(now(), recorded)
    logger.info("arrivals", extra={"messages": len(event["Records"]), "run": started.run_id})
    return answer


def answer_request(event: dict[str, Any]) -> dict[str, Any]:
    """Start a run as asked. A user's mistake comes back as `error`, a sentence."""
    dispatcher = Dispatcher(load_lake())
    try:
        started = _start(dispatcher, event)
    except ShoplakeError as mistake:
        return {"run_id": None, "files": 0, "waiting_for": None, "error": str(mistake)}
    logger.info("request", extra={"action": event.get("action"), "run": started.run_id})
    return {
        "run_id": started.run_id,
        "files": started.files,
        "waiting_for": started.waiting_for,
        "error": None,
    }


def _start(dispatcher: Dispatcher, event: dict[str, Any]) -> Started:
    match event.get("action", "run"):
        case "run":
            return dispatcher.start_waiting(now())
        case "sweep":
            dispatcher.sweep()
            return dispatcher.start_waiting(now())
        case "replay":
            return dispatcher.replay(event["run_id"], now())
        case other:
            raise ShoplakeError(f"The dispatcher doesn't know the action {other!r}: it knows run, sweep and replay.")
