"""The lake's door: arrivals from the queue, schedules, events, and requests of the command line.

A queue batch is recorded message by message, so that a bad one fails alone; then a run is started if none is
going. A request is `{"action": "run" | "sweep" | "replay", "run_id", "at_once", "max_dollars", "requested_by"}` and
is answered with `{"run_id", "files", "waiting_for", "not_before", "over_budget", "error"}`. The event
`shoplake.run.requested` bears such a request, a run or a replay, as its detail; what is refused is e-mailed.
"""

import json
from typing import Any, Literal

from aws_lambda_powertools import Logger
from aws_lambda_powertools.utilities.batch import BatchProcessor, EventType, process_partial_response
from aws_lambda_powertools.utilities.batch.types import PartialItemFailureResponse
from aws_lambda_powertools.utilities.data_classes.sqs_event import SQSRecord
from aws_lambda_powertools.utilities.typing import LambdaContext
from pydantic import AwareDatetime, BaseModel, Field, ValidationError

from shoplake.config import RUN_REQUESTED, Lake, load_lake
from shoplake.dispatch import Dispatcher, Started, Wish
from shoplake.errors import ShoplakeError
from shoplake.notices import tell_of_held_files, tell_of_refused_request
from shoplake.times import now

logger = Logger()
_EVENT_ACTIONS = ("run", "replay")
_EVENT_WORDS = ("action", "run_id", "max_dollars", "requested_by")
processor = BatchProcessor(event_type=EventType.SQS)


class Request(BaseModel):
    """What is asked for; what else an event may bear is passed over."""

    action: Literal["run", "sweep", "replay"] = "run"
    run_id: str | None = None
    at_once: bool = False
    max_dollars: float | None = Field(default=None, gt=0)
    requested_by: str | None = None
    quiet_before: AwareDatetime | None = None

    @property
    def wish(self) -> Wish:
        at_once = self.at_once or self.action == "sweep"  # which is daily
        return Wish(at_once, self.max_dollars, self.requested_by)


@logger.inject_lambda_context(clear_state=True)
def handler(event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse | dict[str, Any]:
    """Take arrivals from the queue, or answer a request."""
    lake = load_lake()
    if "Records" in event:
        return take_arrivals(lake, event, context)
    if event.get("detail-type") == RUN_REQUESTED:
        return answer_event(lake, event)
    return answer_request(lake, event)


def take_arrivals(lake: Lake, event: dict[str, Any], context: LambdaContext) -> PartialItemFailureResponse:
    """Note the object versions that a batch of `Object Created` events announces, and start what may start."""
    dispatcher, recorded = Dispatcher(lake), []

    def record_arrival(record: SQSRecord) -> None:
        announced = json.loads(record.body)["detail"]["object"]
        file = dispatcher.record(announced["key"], announced.get("version-id", "null"))
        recorded.extend([file] if file else [])

    answer = process_partial_response(event, record_arrival, processor, context)
    started = dispatcher.start_waiting(now(), recorded)
    logger.info("arrivals", extra={"messages": len(event["Records"]), "run": started.run_id})
    return answer


def answer_request(lake: Lake, given: dict[str, Any]) -> dict[str, Any]:
    """Start a run as asked. A user's mistake comes back as `error`, a sentence."""
    try:
        started = _start(lake, _request(given))
    except ShoplakeError as mistake:
        return _answer(Started(None), str(mistake))
    logger.info("request", extra={"action": given.get("action"), "run": started.run_id})
    return _answer(started, None)


def answer_event(lake: Lake, event: dict[str, Any]) -> dict[str, Any]:
    """Start a run as an event asks. Nobody waits for the answer, so a refusal becomes an e-mail."""
    asked = {name: event["detail"][name] for name in _EVENT_WORDS if name in event["detail"]} | {"at_once": True}
    if asked.get("action", "run") in _EVENT_ACTIONS:
        answer = answer_request(lake, asked)
    else:
        refused = f"An event may ask for {' or '.join(_EVENT_ACTIONS)}, not for {asked['action']!r}."
        answer = _answer(Started(None), refused)
    refusal = answer["error"]
    is_replay = asked.get("action") == "replay"
    if is_replay and answer["waiting_for"]:
        refusal = f"run {answer['waiting_for']} is going; ask again when it has ended."
    if is_replay and answer["over_budget"]:
        refusal = f"{answer['over_budget']['sentence']}; give max_dollars in the event to allow it."
    if refusal:
        name = f"{asked.get('action')} {asked.get('run_id') or ''} for {asked.get('requested_by') or 'nobody named'}"
        tell_of_refused_request(lake, event["id"], " ".join(name.split()), refusal)
    return answer


def _request(given: dict[str, Any]) -> Request:
    try:
        request = Request.model_validate(given)
    except ValidationError as error:
        first = error.errors()[0]
        place = ".".join(map(str, first["loc"]))
        raise ShoplakeError(f"The request's {place} is {first['input']!r}: {first['msg']}.") from None
    if request.action == "replay" and request.run_id is None:
        raise ShoplakeError("A replay needs run_id, the run to do again.")
    return request


def _start(lake: Lake, request: Request) -> Started:
    dispatcher = Dispatcher(lake, quiet_before=request.quiet_before)
    match request.action:
        case "run":
            return dispatcher.start_waiting(now(), wish=request.wish)
        case "sweep":
            dispatcher.sweep()
            started = dispatcher.start_waiting(now(), wish=request.wish)
            tell_of_held_files(lake, now())
            return started
        case "replay":
            return dispatcher.replay(request.run_id, now(), request.wish)


def _answer(started: Started, error: str | None) -> dict[str, Any]:
    over = started.over_budget
    return {
        "run_id": started.run_id,
        "files": started.files,
        "waiting_for": started.waiting_for,
        "not_before": started.not_before,
        "over_budget": over.as_json() if over else None,
        "error": error,
    }
